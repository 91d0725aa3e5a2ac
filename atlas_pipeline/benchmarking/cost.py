"""What a piece of work costs: seconds, processor time of this process by thread and of the servers, and memory.

What belongs here: measuring. What does not: what is measured (`tasks`).
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import psutil

T = TypeVar("T")
_LOOK_SECONDS = 0.05
_STATUS = Path("/proc/self/status")
_FORGET_PEAK = Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a piece of work took.

    Attributes:
        seconds: Wall time.
        client: Processor seconds of this process, and of those that it starts where they do part of the work.
        threads: Those of this process by kind of thread, as far as they lived long enough to be seen; `main` is the
            caller's.
        server: Processor seconds of the servers on this machine, by name.
        memory_mb: By how much the resident memory of these processes grew at most (10^6 bytes).
        peak_mb: How large it was then, imports included.
    """

    seconds: float
    client: float
    threads: dict[str, float] = field(default_factory=dict)
    server: dict[str, float] = field(default_factory=dict)
    memory_mb: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Measured(Generic[T]):
    """What work gave, and what it cost."""

    result: T
    cost: Cost


def measured(
    work: Callable[[], T], servers: dict[str, int] | None = None, *, with_started: bool = False
) -> Measured[T]:
    """Do some work and measure it.

    Args:
        work: What to do.
        servers: Name of a server on this machine -> id of its first process.
        with_started: Whether processes that this one starts do part of the work. They may be servers, too.
    """
    trees = {name: _Tree(pid) for name, pid in (servers or {}).items()}
    before = _resident()
    _forget_peak()
    watch = _Watch(with_started=with_started)
    watch.start()
    cpu, began = time.process_time(), time.perf_counter()
    try:
        result = work()
    finally:
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        watch.stop()
    peak = _peak()
    cost = Cost(
        seconds=seconds,
        client=cpu + watch.started,
        threads=watch.threads(),
        server={name: tree.taken() for name, tree in trees.items()},
        memory_mb=(peak - before + watch.largest - watch.at_first) / 1e6,
        peak_mb=(peak + watch.largest) / 1e6,
    )
    return Measured(result, cost)


class _Tree:
    """The processor time of a process and those that it started."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._now()

    def taken(self) -> float:
        return self._now() - self._before

    def _now(self) -> float:
        taken = 0.0
        for one in (self._process, *self._process.children(recursive=True)):
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:
                continue  # a session of a server ended between the listing and this look
            taken += times.user + times.system
        return taken


class _Watch(threading.Thread):
    """Looks now and then at what cannot be asked any more once it has ended: threads, and processes that were started.

    Attributes:
        at_first: Resident bytes of the processes that were there already.
        largest: The most that started processes had, together.
    """

    def __init__(self, *, with_started: bool) -> None:
        super().__init__(name="atlas-measure", daemon=True)
        self._with_started = with_started
        self._ended = threading.Event()
        self._process = psutil.Process()
        self._names: dict[int, str] = {}
        self._threads: dict[int, float] = {}
        self._children: dict[int, float] = {}
        self.largest = 0
        self._look()
        self.at_first = self.largest
        self._before = self._threads | self._children

    def run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self._look()

    def stop(self) -> None:
        self._ended.set()
        self.join()
        self._look()

    def threads(self) -> dict[str, float]:
        """Processor seconds by kind of thread."""
        taken: dict[str, float] = defaultdict(float)
        for thread, seconds in self._threads.items():
            taken[self._names.get(thread, "other")] += seconds - self._before.get(thread, 0.0)
        return {name: seconds for name, seconds in taken.items() if seconds >= 0.005 and name != "measure"}

    @property
    def started(self) -> float:
        """Processor seconds of the processes that this one has started."""
        return sum(seconds - self._before.get(pid, 0.0) for pid, seconds in self._children.items())

    def _look(self) -> None:
        for thread in threading.enumerate():
            if thread.native_id is not None:
                self._names[thread.native_id] = _kind(thread.name)
        for one in self._process.threads():
            self._threads[one.id] = one.user_time + one.system_time
        resident = 0
        for child in self._process.children(recursive=True) if self._with_started else ():
            try:
                times = child.cpu_times()
                resident += child.memory_info().rss
            except psutil.NoSuchProcess:
                continue  # it ended between the listing and this look
            self._children[child.pid] = times.user + times.system
        self.largest = max(self.largest, resident)


def _kind(name: str) -> str:
    """`reader` of `atlas-reader`, `writer` of `atlas-writer_1`; the driver's own threads are `driver`."""
    if name == "MainThread":
        return "main"
    return name.removeprefix("atlas-").split("_")[0].split("-")[0] if name.startswith("atlas-") else "driver"


def _status_bytes(field_name: str) -> int:
    for line in _STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith(field_name):
            return int(line.split()[1]) * 1024
    return 0


def _resident() -> int:
    return psutil.Process().memory_info().rss


def _forget_peak() -> None:
    """Let the kernel begin anew with the largest resident size of this process, where it does that."""
    if _FORGET_PEAK.exists():
        _FORGET_PEAK.write_text("5", encoding="utf-8")


def _peak() -> int:
    """The largest resident size since then, in bytes; where the kernel does not tell, what there is now."""
    return max(_status_bytes("VmHWM"), _resident()) if _STATUS.exists() else _resident()

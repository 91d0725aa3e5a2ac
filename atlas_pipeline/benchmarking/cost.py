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
        client: Processor seconds of this process.
        threads: The same by kind of thread, of those that lived long enough to be seen; `main` is the caller's.
        server: Processor seconds of the servers on this machine, by name.
        memory_mb: By how much the resident memory of this process grew at most (10^6 bytes).
    """

    seconds: float
    client: float
    threads: dict[str, float] = field(default_factory=dict)
    server: dict[str, float] = field(default_factory=dict)
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Measured(Generic[T]):
    """What work gave, and what it cost."""

    result: T
    cost: Cost


def measured(work: Callable[[], T], servers: dict[str, int] | None = None) -> Measured[T]:
    """Do some work and measure it.

    Args:
        work: What to do.
        servers: Name of a server on this machine -> id of its first process.
    """
    trees = {name: _Tree(pid) for name, pid in (servers or {}).items()}
    before = _resident()
    _forget_peak()
    threads = _Threads()
    threads.start()
    cpu, began = time.process_time(), time.perf_counter()
    try:
        result = work()
    finally:
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        taken = threads.stop()
    cost = Cost(
        seconds=seconds,
        client=cpu,
        threads=taken,
        server={name: tree.taken() for name, tree in trees.items()},
        memory_mb=(_peak() - before) / 1e6,
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


class _Threads(threading.Thread):
    """Looks now and then how much processor time each thread has taken; ended threads can no longer be asked."""

    def __init__(self) -> None:
        super().__init__(name="atlas-measure", daemon=True)
        self._ended = threading.Event()
        self._process = psutil.Process()
        self._names: dict[int, str] = {}
        self._seen: dict[int, float] = {}
        self._before = dict(self._look())
        self._seen = {}

    def run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self._look()

    def stop(self) -> dict[str, float]:
        self._ended.set()
        self.join()
        self._look()
        taken: dict[str, float] = defaultdict(float)
        for thread, seconds in self._seen.items():
            name = self._names.get(thread, "other")
            if name != "measure":
                taken[name] += max(0.0, seconds - self._before.get(thread, 0.0))
        return {name: seconds for name, seconds in taken.items() if seconds >= 0.005}

    def _look(self) -> dict[int, float]:
        for thread in threading.enumerate():
            if thread.native_id is not None:
                self._names[thread.native_id] = _kind(thread.name)
        for one in self._process.threads():
            self._seen[one.id] = one.user_time + one.system_time
        return self._seen


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

"""Who runs: the identity under which a process holds leases, and whether such a process still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from typing import Any

import psutil

_SAME_START_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process, told apart from another one that got the same number later.

    Attributes:
        host: Host name.
        pid: Process id on that host.
        started: Start of the process, seconds since 1970.
    """

    host: str
    pid: int
    started: float

    @classmethod
    def this_process(cls) -> Holder:
        pid = os.getpid()
        return cls(host=socket.gethostname(), pid=pid, started=psutil.Process(pid).create_time())

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Holder:
        return cls(host=document["host"], pid=int(document["pid"]), started=float(document["started"]))

    def as_document(self) -> dict[str, Any]:
        return asdict(self)

    def known_dead(self) -> bool:
        """True when this holder was on this host and is gone. False when it lives, or when nobody here can tell."""
        if self.host != socket.gethostname():
            return False
        try:
            process = psutil.Process(self.pid)
            return (
                abs(process.create_time() - self.started) > _SAME_START_SECONDS
                or process.status() == psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return True

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """One run of the pipeline.

    Attributes:
        run_id: Id of the Dagster run.
        holder: The process that works for it.
    """

    run_id: str
    holder: Holder

    @property
    def short(self) -> str:
        return self.run_id.replace("-", "")[:12]

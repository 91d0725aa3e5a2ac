"""Celery workers and the process of a run, each a process of its own, as on machines of their own.

What belongs here: starting, killing, and waiting until a worker listens. What does not: what they are to do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from atlas_pipeline_tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


def worker_command() -> list[str]:
    """The command line of the workers of docker-compose.yml."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    program, *words = compose["services"]["worker"]["command"]
    return [str(Path(sys.executable).with_name(program)), *words]


@dataclass(frozen=True)
class Worker:
    """A worker that was started.

    Attributes:
        name: What Dagster's events call it.
        process: The leader of its session; what carries out a step is a child of it.
        log: What it said.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Wait until it takes steps."""
        wait_until(lambda: _listens(self.process, self.log), f"{self.name} listening")

    def kill(self) -> None:
        """End it with all its children, as a machine that is gone."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def started_worker(name: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Worker]:
    """A worker for as long as the context lasts; it does not listen at once."""
    log = folder / f"{name}.log"
    with started([*worker_command(), "--hostname", f"{name}@here"], log, environment) as process:
        yield Worker(f"{name}@here", process, log)


@contextmanager
def started(line: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a session of its own, which is dead at the latest when the context ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            line,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _listens(process: subprocess.Popen[bytes], log: Path) -> bool:
    said = log.read_text(encoding="utf-8")
    assert process.poll() is None, said
    return " ready." in said

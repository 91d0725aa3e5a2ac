"""Other ways of loading a table, each in a process of its own, so that its time, its CPU and its memory can be told.

    python -m atlas_pipeline.benchmarking.rivals pandas < job.json

What belongs here: starting them, measuring them, and what they are told. What does not: what they do (`rival_scripts`,
`ingestr`), and whether what they wrote is right (`correctness`). The addresses go by standard input, for they hold
passwords, which the list of processes would show.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from atlas_pipeline.spec.tables import TableSpec

Load = Callable[[], int]
"""Loads, with all that it needs imported; gives the number of rows that it believes to have written."""

RIVALS: dict[str, str] = {
    "pandas": "pandas read_sql in chunks of 1,000 rows, insert_many",
    "orm": "SQLAlchemy ORM in batches of 1,000 rows, insert_many",
    "whole_table": "all rows in memory, one insert_many",
    "pymongoarrow": "Arrow tables of 10,000 rows, pymongoarrow.api.write",
    "ingestr": "ingestr, in an environment of its own",
}
"""All of them, and what each does."""
_KILL_SECONDS = 10.0
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a rival loads, and where to.

    Attributes:
        source_url: SQLAlchemy URL of the source.
        table: Table of the source.
        key: Its key columns; their values become `_id`.
        columns: Name -> value type of all columns, in their order; what a person who writes such a script knows.
        mongodb_uri: The server.
        database: Target database.
        collection: Target collection; it should not exist.
        folder: For files of the rival's own.
    """

    source_url: str
    table: str
    key: tuple[str, ...]
    columns: dict[str, str]
    mongodb_uri: str
    database: str
    collection: str
    folder: str

    def of(self, *types: str) -> list[str]:
        """Names of the columns of these value types."""
        return [name for name, value in self.columns.items() if value in types]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rival did.

    Attributes:
        rival: Its name.
        rows: Rows that it believes to have written.
        seconds: How long its load took, without the imports before; of ingestr with them, for it is another program.
        cpu_seconds: Processor time of that load, in user and kernel mode.
        peak_mb: Largest resident memory of its process in MB of a million bytes, imports included.
        failed: Why it did not come to its end, as one line, or "".
    """

    rival: str
    rows: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    failed: str = ""


def job_for(
    table: TableSpec, *, source_url: str, mongodb_uri: str, database: str, collection: str, folder: Path
) -> Job:
    """The job of loading that table."""
    return Job(
        source_url=source_url,
        table=table.source,
        key=table.key,
        columns={column.name: str(column.value) for column in table.columns},
        mongodb_uri=mongodb_uri,
        database=database,
        collection=collection,
        folder=str(folder),
    )


def run(rival: str, job: Job, *, timeout_seconds: float, python: str = sys.executable) -> Outcome:
    """Let a rival load, in a process of its own.

    Args:
        rival: One of RIVALS.
        job: What it loads.
        timeout_seconds: After which it is ended, with all that it started; that counts as failed.
        python: Interpreter of its environment.
    """
    command = [python, "-m", "atlas_pipeline.benchmarking.rivals", rival]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        answer, said = process.communicate(json.dumps(asdict(job)), timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        return Outcome(rival=rival, failed=f"not done after {timeout_seconds:g} seconds")
    finally:
        _end(process)
    if process.returncode != 0:
        return Outcome(rival=rival, failed=_shown(f"ended with {process.returncode}: {last_line(said)}", job))
    outcome = Outcome(**json.loads(answer.splitlines()[-1]))
    return replace(outcome, failed=_shown(outcome.failed, job))


def last_line(said: str) -> str:
    """What a program said last."""
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "nothing was said")


def _shown(reason: str, job: Job) -> str:
    """A reason as one short line, without the passwords of the job."""
    for address in (job.source_url, job.mongodb_uri):
        if password := urlsplit(address).password:
            reason = reason.replace(password, "***").replace(unquote(password), "***")
    return reason[:_LONGEST_REASON]


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and all of its session, unless it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_KILL_SECONDS)


def measure(rival: str, load: Load) -> Outcome:
    """Load, and tell what that took of this process and of the processes that it starts and waits for."""
    before, began = _cpu_seconds(), time.perf_counter()
    rows = load()
    seconds = time.perf_counter() - began
    return Outcome(
        rival=rival,
        rows=rows,
        seconds=round(seconds, 3),
        cpu_seconds=round(_cpu_seconds() - before, 3),
        peak_mb=round(peak_bytes() / 1e6, 1),
    )


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def peak_bytes() -> int:
    """The largest resident memory of this process, or of one that it started and waited for.

    On Linux the peak that `getrusage` tells survives the start of another program: that of a small process begins with
    that of the large one that started it. So its own one is read from the kernel's file.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    status = Path("/proc/self/status")
    if not status.exists():
        return max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
    fields = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    return max(children, int(fields["VmHWM"].split()[0]) * unit)


def _prepared(rival: str, job: Job) -> Load:
    """A rival with all that it needs imported."""
    from atlas_pipeline.benchmarking import ingestr, rival_scripts

    scripts: dict[str, Callable[[Job], Load]] = {
        "pandas": rival_scripts.pandas,
        "orm": rival_scripts.orm,
        "whole_table": rival_scripts.whole_table,
        "pymongoarrow": rival_scripts.pymongoarrow,
        "ingestr": ingestr.script,
    }
    return scripts[rival](job)


def main(arguments: list[str]) -> int:
    """Entry point of the process of one rival."""
    (rival,) = arguments
    given: dict[str, Any] = json.load(sys.stdin)
    job = Job(**{**given, "key": tuple(given["key"])})
    try:
        outcome = measure(rival, _prepared(rival, job))
    except Exception as error:  # whoever started this process tells of it
        reason = str(error).strip().partition("\n")[0]
        outcome = Outcome(rival=rival, failed=f"{type(error).__name__}: {reason}")
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

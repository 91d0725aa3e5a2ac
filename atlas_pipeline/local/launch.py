"""Starting the supervisor of an embedded MongoDB, for a new mongod or for one that lost its supervisor.

Here: the process, its log, and what its early end means. Not here: when that is allowed
(`atlas_pipeline.local.embedded`) and what the process then does (`atlas_pipeline.local.supervisor`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local import mongod, supervisor
from atlas_pipeline.local.binaries import find_mongod
from atlas_pipeline.local.files import ServerFiles, Supervision

_IMPORT_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Launch:
    """A supervisor on its way; `adopts` is True when its mongod was running before."""

    process: subprocess.Popen[bytes]
    adopts: bool


def launch(files: ServerFiles, *, same_port: bool, cache_gb: float, extra_args: Sequence[str]) -> Launch:
    """Start a supervisor, with a new mongod or for the one that lost its own. Only under the start lock.

    With `same_port` the port of the last time is taken if it is free: the address stays, and the replica set needs no
    new configuration. A launch may still fail: its process then ends, and `refuse_failed` tells whether another try
    makes sense.

    Raises:
        ServerUnavailableError: There is no mongod that runs here, or something else works on our data folder.
    """
    if orphan := find_orphan(files):
        return adopt(files, orphan)
    binary = find_mongod()
    files.keep.unlink(missing_ok=True)
    if files.log.exists():
        files.log.replace(files.log.with_suffix(".log.1"))
    last = files.last_supervision()
    port = mongod.free_port(last.port if last and same_port else None)
    line = mongod.command(binary, data=files.data, port=port, cache_gb=cache_gb, extra_args=extra_args)
    return Launch(_start_supervisor(files, port, ["--", *line]), adopts=False)


def adopt(files: ServerFiles, orphan: Supervision) -> Launch:
    """Start a supervisor for a mongod that lost its own, as found by `find_orphan`. Only under the start lock."""
    return Launch(_start_supervisor(files, orphan.port, ["--adopt", str(orphan.mongod)]), adopts=True)


def refuse_failed(files: ServerFiles, launched: Launch) -> None:
    """Raise when the last launch failed for a reason that another try would meet again.

    Raises:
        ServerUnavailableError: mongod ended at its start; with its exit code and its last complaints.
    """
    code, reason = launched.process.returncode, mongod.failure_reason(files.log)
    if code in (supervisor.EXIT_LOOK_AGAIN, mongod.EXIT_ADDRESS_IN_USE) or mongod.DATA_IN_USE in reason:
        return
    raise ServerUnavailableError(
        f"The embedded MongoDB in {files.data} ended at its start (exit code {code}): {reason}.",
        "remove that cause; a data folder of a newer MongoDB needs that version, or move it away to begin anew.",
    )


def find_orphan(files: ServerFiles) -> Supervision | None:
    """A mongod of ours that lost its supervisor, recognised by the lock in our data folder and its command line.

    Raises:
        ServerUnavailableError: Something else works on our data folder.
    """
    import psutil

    pid = files.unsupervised_pid()
    if pid is None:
        return None
    try:
        line = psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        line = []
    if not mongod.is_embedded(line, files.data):
        raise ServerUnavailableError(
            f"Process {pid} works on {files.data} and was not started by this project.",
            f"stop process {pid}, or set MONGODB_URI to its address.",
        )
    return Supervision(supervisor=0, mongod=pid, port=mongod.port_of(line))


def _start_supervisor(files: ServerFiles, port: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-S", "-m", supervisor.__name__, "--state", str(files.state), "--port", str(port)]
    descriptor = os.open(files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [*line, *arguments],
            cwd=_IMPORT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,  # Ctrl-C in the terminal is for the user of the server, not for the server
        )
    finally:
        os.close(descriptor)
    threading.Thread(target=process.wait, daemon=True).start()  # or it stays a zombie for as long as we live
    return process

"""Attaching to, starting and stopping the embedded MongoDB of one state folder.

Here: the decisions, taken by one process at a time under the start lock, so that there is never a second mongod.
Not here: the environment and the public interface (`atlas_pipeline.local.servers`), what is said to mongod
(`atlas_pipeline.local.mongod`), and its end (`atlas_pipeline.local.supervisor`).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.local import mongod, supervisor
from atlas_pipeline.local.files import MONGODB, ServerFiles, Supervision
from atlas_pipeline.local.launch import Launch, adopt, find_orphan, launch, refuse_failed
from atlas_pipeline.local.locks import POLL_SECONDS, FileLock, is_held

START_SECONDS = 120.0  # after a crash mongod replays its journal first
_END_SECONDS = supervisor.STOP_SECONDS + 10.0
_CURE = "see mongodb.log in the state folder, then atlas-pipeline servers stop."

State = Literal["running", "starting", "stopping", "stopped"]


@dataclass(frozen=True)
class EmbeddedServer:
    """A primary that answered a moment ago; `started` is True when it was started for this caller."""

    port: int
    pid: int
    version: str
    started: bool

    @property
    def uri(self) -> str:
        return mongod.uri(self.port)


@contextmanager
def using(files: ServerFiles) -> Iterator[None]:
    """While this is held, a supervisor does not end its server for lack of users.

    Raises:
        ServerUnavailableError: A server that is ending does not come to its end.
        ConfigurationError: The state folder cannot be used.
    """
    with _usable(files):
        files.make_folders()
    lock = FileLock(files.users_lock)
    if not lock.acquire(seconds=_END_SECONDS, shared=True):
        raise ServerUnavailableError(f"The embedded MongoDB in {files.data} does not come to its end.", _CURE)
    try:
        yield
    finally:
        lock.release()


def attach_or_start(files: ServerFiles, *, cache_gb: float, extra_args: Sequence[str] = ()) -> EmbeddedServer:
    """The server of this state folder, as primary. Only for a caller inside `using`.

    Raises:
        ServerUnavailableError: There is no mongod to start, it ended at once, or it does not become ready.
        ConfigurationError: A running server lacks one of `extra_args`, or the state folder cannot be used.
    """
    with _usable(files), _alone(files):
        deadline = time.monotonic() + START_SECONDS
        launched: Launch | None = None
        while time.monotonic() < deadline:
            supervision = _living(files)
            if supervision and not supervision.stopping:
                server = _wait_until_primary(files, supervision, launched, deadline)
                if server:
                    _require(extra_args, server)
                    publish(files, server)
                    return server
            elif _is_nobody_there(files, launched):
                if launched is not None:
                    refuse_failed(files, launched)
                launched = launch(files, same_port=launched is None, cache_gb=cache_gb, extra_args=extra_args)
            time.sleep(POLL_SECONDS)
    raise ServerUnavailableError(f"The embedded MongoDB in {files.data} was not ready in {START_SECONDS:.0f} s.", _CURE)


def publish(files: ServerFiles, server: EmbeddedServer) -> None:
    """Put the address into servers.json; the supervisor removes it at the end."""
    entry = {"uri": server.uri, "address": mongod.address(server.port), "pid": server.pid}
    files.publish(MONGODB, {**entry, "version": server.version, "data_folder": str(files.data)})


def stop(files: ServerFiles) -> bool:
    """End the server of this state folder, whoever uses it, and wait for its end; False when there was none.

    Raises:
        ServerUnavailableError: It did not come to its end, or was not started by this project.
        ConfigurationError: The state folder cannot be used.
    """
    with _usable(files):
        if not files.run.exists():
            return False
        with _alone(files):
            return _stop(files)


def wait_for_end(files: ServerFiles) -> None:
    """Wait until the server that was just released has ended; at once when it is to stay, or others still use it."""
    deadline = time.monotonic() + _END_SECONDS
    while files.is_supervised() and time.monotonic() < deadline:
        used_by_others = is_held(files.users_lock, shared=True) and not is_held(files.users_lock)
        if used_by_others or files.keep.exists():
            return
        time.sleep(POLL_SECONDS)


def look(files: ServerFiles) -> tuple[State, EmbeddedServer | None]:
    """The state of the server of this state folder, and the server when it is running; changes nothing.

    Raises:
        ServerUnavailableError: Something else works on our data folder.
        ConfigurationError: The state folder cannot be used.
    """
    with _usable(files):
        found = _living(files) or find_orphan(files)
        if found is None:
            return ("starting" if files.is_supervised() else "stopped"), None
    if found.stopping:
        return "stopping", None
    version = mongod.primary_version(found.port, found.mongod, configure=False)
    if version is None:
        return "starting", None
    return "running", EmbeddedServer(found.port, found.mongod, version, started=False)


@contextmanager
def _alone(files: ServerFiles) -> Iterator[None]:
    lock = FileLock(files.start_lock)
    if not lock.acquire(seconds=START_SECONDS + _END_SECONDS):
        raise ServerUnavailableError(f"Another process keeps starting or stopping the MongoDB in {files.data}.", _CURE)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _usable(files: ServerFiles) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"The state folder {files.state} cannot be used ({error}).",
            "set ATLAS_STATE_DIR to a folder that is yours.",
        ) from error


def _living(files: ServerFiles) -> Supervision | None:
    return files.last_supervision() if files.is_supervised() else None


def _is_nobody_there(files: ServerFiles, launched: Launch | None) -> bool:
    """True when no supervisor lives, nor is one on its way."""
    return not files.is_supervised() and (launched is None or launched.process.poll() is not None)


def _wait_until_primary(
    files: ServerFiles, supervision: Supervision, launched: Launch | None, deadline: float
) -> EmbeddedServer | None:
    """Wait for the primary of a supervised mongod; None when it ended meanwhile."""
    version = mongod.wait_until_primary(
        port=supervision.port,
        pid=supervision.mongod,
        seconds=deadline - time.monotonic(),
        is_alive=lambda: _living(files) == supervision,
    )
    if version is None:
        return None
    ours = launched is not None and not launched.adopts and launched.process.pid == supervision.supervisor
    return EmbeddedServer(supervision.port, supervision.mongod, version, started=ours)


def _require(extra_args: Sequence[str], server: EmbeddedServer) -> None:
    missing = set(extra_args).difference(mongod.arguments(server.port))
    if missing:
        raise ConfigurationError(
            f"The embedded MongoDB that is running was started without {' '.join(sorted(missing))}.",
            "atlas-pipeline servers stop, then try again.",
        )


def _stop(files: ServerFiles) -> bool:
    files.keep.unlink(missing_ok=True)
    orphan = find_orphan(files)
    launched = adopt(files, orphan) if orphan else None  # a supervisor ends it with patience and at last with force
    if launched is None and not files.is_supervised():
        return False
    _wait_until(lambda: _living(files) is not None or _is_nobody_there(files, launched), files)
    if supervision := _living(files):
        _terminate(supervision.supervisor)
    _wait_until(lambda: _is_nobody_there(files, launched), files)
    return True


def _terminate(pid: int) -> None:
    # What is gone already needs no signal; the caller waits for the lock, which tells the truth.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def _wait_until(condition: Callable[[], bool], files: ServerFiles) -> None:
    deadline = time.monotonic() + _END_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise ServerUnavailableError(f"The embedded MongoDB in {files.data} does not come to its end.", _CURE)
        time.sleep(POLL_SECONDS)

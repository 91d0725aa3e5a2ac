"""Attaching to, starting and stopping an embedded server of one state folder, whatever its kind.

Here: the decisions, taken by one process at a time under the start lock, so that there is never a second server.
Not here: the environment and the public interface (`atlas_pipeline.local.servers`), what is said to a server
(`atlas_pipeline.local.engine`), and its end (`atlas_pipeline.local.supervisor`).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.local import supervisor
from atlas_pipeline.local.engine import Engine
from atlas_pipeline.local.files import ServerFiles, Supervision
from atlas_pipeline.local.launch import Launch, adopt, command_line, find_orphan, launch, refuse_failed
from atlas_pipeline.local.locks import POLL_SECONDS, FileLock, is_held
from atlas_pipeline.local.ports import address

START_SECONDS = 120.0  # after a crash a server replays its journal first
_END_SECONDS = supervisor.STOP_SECONDS + 10.0

State = Literal["running", "starting", "stopping", "stopped"]


@dataclass(frozen=True)
class EmbeddedServer:
    """A server that answered a moment ago; `started` is True when it was started for this caller."""

    port: int
    pid: int
    version: str
    started: bool


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
        raise _unavailable(files, "does not come to its end")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def in_use(engine: Engine) -> Iterator[EmbeddedServer]:
    """The server of this state folder for as long as the caller needs it; raises like `using` and `attach_or_start`."""
    started = False
    try:
        with using(engine.files):
            server = attach_or_start(engine)
            started = server.started
            yield server
    finally:
        if started:
            wait_for_end(engine.files)


def keep(engine: Engine) -> EmbeddedServer:
    """The server of this state folder, from now on until `stop`; raises like `using` and `attach_or_start`."""
    with using(engine.files):
        server = attach_or_start(engine)
        engine.files.keep.touch(mode=0o600)
    return server


def attach_or_start(engine: Engine) -> EmbeddedServer:
    """The server of this state folder, ready for work. Only for a caller inside `using`.

    Raises:
        ServerUnavailableError: There is no program to start, it ended at once, or it does not become ready.
        ConfigurationError: A running server lacks one of the engine's `extra_args`, or the state folder cannot be used.
    """
    files = engine.files
    with _usable(files), _alone(files):
        deadline = time.monotonic() + START_SECONDS
        launched: Launch | None = None
        while time.monotonic() < deadline:
            supervision = _living(files)
            if supervision and not supervision.stopping:
                server = _wait_until_ready(engine, supervision, launched, deadline)
                if server:
                    _require_arguments(engine, server)
                    _publish(engine, server)
                    return server
            elif _is_nobody_there(files, launched):
                if launched is not None:
                    refuse_failed(engine, launched)
                launched = launch(engine, same_port=launched is None)
            time.sleep(POLL_SECONDS)
    raise _unavailable(files, f"was not ready in {START_SECONDS:.0f} s")


def stop(engine: Engine) -> bool:
    """End the server of this state folder, whoever uses it, and wait for its end; False when there was none.

    Raises:
        ServerUnavailableError: It did not come to its end, or was not started by this project.
        ConfigurationError: The state folder cannot be used.
    """
    files = engine.files
    with _usable(files):
        if not files.run.exists():
            return False
        with _alone(files):
            return _stop(engine)


def wait_for_end(files: ServerFiles) -> None:
    """Wait until the server that was just released has ended; at once when it is to stay, or others still use it."""
    deadline = time.monotonic() + _END_SECONDS
    while files.is_supervised() and time.monotonic() < deadline:
        used_by_others = is_held(files.users_lock, shared=True) and not is_held(files.users_lock)
        if used_by_others or files.keep.exists():
            return
        time.sleep(POLL_SECONDS)


def look(engine: Engine) -> tuple[State, EmbeddedServer | None]:
    """The state of the server of this state folder, and the server when it is running; changes nothing.

    Raises:
        ServerUnavailableError: Something else works on our data folder.
        ConfigurationError: The state folder cannot be used.
    """
    files = engine.files
    with _usable(files):
        found = _living(files) or find_orphan(engine)
        if found is None:
            return ("starting" if files.is_supervised() else "stopped"), None
    if found.stopping:
        return "stopping", None
    version = engine.ready_version(found.port, found.server, configure=False)
    if version is None:
        return "starting", None
    return "running", EmbeddedServer(found.port, found.server, version, started=False)


@contextmanager
def _alone(files: ServerFiles) -> Iterator[None]:
    lock = FileLock(files.start_lock)
    if not lock.acquire(seconds=START_SECONDS + _END_SECONDS):
        raise _unavailable(files, "is being started or stopped by another process all the time")
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


def _wait_until_ready(
    engine: Engine, supervision: Supervision, launched: Launch | None, deadline: float
) -> EmbeddedServer | None:
    """Wait for a supervised server; None when it ended meanwhile, or is not ready at the deadline."""
    while _living(engine.files) == supervision and time.monotonic() < deadline:
        version = engine.ready_version(supervision.port, supervision.server, configure=True)
        if version is not None:
            ours = launched is not None and not launched.adopts and launched.process.pid == supervision.supervisor
            return EmbeddedServer(supervision.port, supervision.server, version, started=ours)
        time.sleep(POLL_SECONDS)
    return None


def _require_arguments(engine: Engine, server: EmbeddedServer) -> None:
    missing = set(engine.extra_args).difference(command_line(server.pid) or ())
    if missing:
        raise ConfigurationError(
            f"The embedded {engine.files.kind.name} that is running was started without {' '.join(sorted(missing))}.",
            "atlas-pipeline servers stop, then try again.",
        )


def _publish(engine: Engine, server: EmbeddedServer) -> None:
    """Put the address into servers.json; the supervisor removes it at the end."""
    entry = {"uri": engine.uri(server.port), "address": address(server.port), "pid": server.pid}
    engine.files.publish({**entry, "version": server.version, "data_folder": str(engine.files.data)})


def _stop(engine: Engine) -> bool:
    files = engine.files
    files.keep.unlink(missing_ok=True)
    orphan = find_orphan(engine)
    launched = adopt(engine, orphan) if orphan else None  # a supervisor ends it with patience and at last with force
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
            raise _unavailable(files, "does not come to its end")
        time.sleep(POLL_SECONDS)


def _unavailable(files: ServerFiles, what: str) -> ServerUnavailableError:
    return ServerUnavailableError(
        f"The embedded {files.kind.name} in {files.data} {what}.",
        f"see {files.log.name} in the state folder, then atlas-pipeline servers stop.",
    )

"""The files by which processes agree on the embedded servers of one state folder.

Here: what the kinds of servers are called, their paths, the record that a living supervisor keeps, and `servers.json`,
the addresses for everybody else. Not here: who may start or stop what (`atlas_pipeline.local.embedded`). Standard
library only, for the supervisor.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.local.locks import FileLock, is_held

_REGISTRY_SECONDS = 10.0


@dataclass(frozen=True)
class ServerKind:
    """What the lifetime of a server needs to know of its kind.

    Attributes:
        key: Its name in file names and in `servers.json`.
        name: Its name for people.
        variable: Environment variable that gives the address of a server to use instead.
        stop_signal: What makes it end soon and cleanly.
        data_name: Its data folder, inside its home folder.
        pid_name: File in the data folder whose first line is its process id.
        locks_data: True when it keeps that file locked itself; else its supervisor gives it a lock to keep.
    """

    key: str
    name: str
    variable: str
    stop_signal: signal.Signals
    data_name: str
    pid_name: str
    locks_data: bool


MONGODB = ServerKind(
    key="mongodb",
    name="MongoDB",
    variable="MONGODB_URI",
    stop_signal=signal.SIGTERM,
    data_name=".",
    pid_name="mongod.lock",
    locks_data=True,
)
POSTGRESQL = ServerKind(
    key="postgresql",
    name="PostgreSQL",
    variable="DATABASE_URL",
    stop_signal=signal.SIGINT,  # SIGTERM would wait until every client has left
    data_name="data",
    pid_name="postmaster.pid",
    locks_data=False,
)
KINDS = {kind.key: kind for kind in (MONGODB, POSTGRESQL)}


@dataclass(frozen=True)
class Supervision:
    """What a supervisor says about itself, as JSON inside the file that it keeps locked.

    Attributes:
        supervisor: Process id of the supervisor.
        server: Process id of its server.
        port: Port of that server on 127.0.0.1.
        stopping: True from the moment at which the end of the server is decided.
    """

    supervisor: int
    server: int
    port: int
    stopping: bool = False


@dataclass(frozen=True)
class ServerFiles:
    """Paths of one embedded server inside one state folder.

    Three locks, each for one question. `start_lock` (exclusive): who may start or stop. `users_lock` (shared by every
    user, exclusive for the supervisor that ends): is it still needed. `supervisor_lock` (exclusive for the life of a
    supervisor): is there one; its content is a `Supervision`.
    """

    state: Path
    kind: ServerKind = MONGODB

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def home(self) -> Path:
        """Folder of everything that the server itself must reach; elsewhere if `home_record` says so."""
        if self.home_record.exists():
            return Path(self.home_record.read_text(encoding="utf-8"))
        return self.state / self.kind.key

    @property
    def home_record(self) -> Path:
        """Says where the home is if it cannot be in the state folder."""
        return self.run / f"{self.kind.key}.home"

    @property
    def data(self) -> Path:
        return self.home / self.kind.data_name

    @property
    def pid_file(self) -> Path:
        return self.data / self.kind.pid_name

    @property
    def data_lock(self) -> Path:
        """Kept locked for as long as any process of a server works on our data."""
        return self.pid_file if self.kind.locks_data else self.run / f"{self.kind.key}.data.lock"

    @property
    def log(self) -> Path:
        return self.state / f"{self.kind.key}.log"

    @property
    def start_lock(self) -> Path:
        return self.run / f"{self.kind.key}.start.lock"

    @property
    def users_lock(self) -> Path:
        return self.run / f"{self.kind.key}.users.lock"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / f"{self.kind.key}.supervisor.lock"

    @property
    def keep(self) -> Path:
        """While this file exists the server stays, also without users."""
        return self.run / f"{self.kind.key}.keep"

    @property
    def registry(self) -> Path:
        return self.state / "servers.json"

    def make_folders(self) -> None:
        """Create the state folder, and the folder of the locks, which is for this user alone."""
        self.state.mkdir(parents=True, exist_ok=True)
        make_private(self.run)

    def last_supervision(self) -> Supervision | None:
        """The record of the living supervisor, or of the last one.

        None when there is none, when it is being written, or when another version of this project wrote it.
        """
        try:
            return Supervision(**json.loads(self.supervisor_lock.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None

    def is_supervised(self) -> bool:
        """True while a supervisor lives."""
        return is_held(self.supervisor_lock)

    def unsupervised_pid(self) -> int | None:
        """Process id of a server that works on our data though no supervisor lives, or None."""
        if self.is_supervised() or not is_held(self.data_lock):
            return None
        lines = self.pid_lines()
        return int(lines[0]) if lines else None  # a server takes the lock first and writes then

    def pid_lines(self) -> list[str]:
        """What a server wrote into the file with its process id; none when there is no such file."""
        try:
            return [line.strip() for line in self.pid_file.read_text(encoding="utf-8").splitlines()]
        except FileNotFoundError:
            return []

    def publish(self, entry: Mapping[str, object] | None) -> None:
        """Put the entry of this server into `servers.json` (mode 0600), or remove it with None.

        Raises:
            TimeoutError: Another process keeps the file.
        """
        lock = FileLock(self.run / "servers.lock")
        if not lock.acquire(seconds=_REGISTRY_SECONDS):
            raise TimeoutError(f"Another process keeps {lock.path} locked.")
        try:
            before = self.registry.read_text(encoding="utf-8") if self.registry.exists() else "{}"
            servers = {key: value for key, value in json.loads(before).items() if key != self.kind.key}
            if entry is not None:
                servers[self.kind.key] = dict(entry)
            temporary = self.registry.with_suffix(f".{os.getpid()}.tmp")
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(servers, file, indent=2)
            temporary.replace(self.registry)
        finally:
            lock.release()


def make_private(folder: Path) -> None:
    """Create a folder for this user alone, or make it so."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


def dump(supervision: Supervision) -> str:
    """The JSON text of a record."""
    return json.dumps(dataclasses.asdict(supervision))

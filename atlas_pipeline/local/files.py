"""The files by which processes agree on the embedded servers of one state folder.

Here: their paths, the record that a living supervisor keeps, and `servers.json`, the addresses for everybody else.
Not here: who may start or stop what (`atlas_pipeline.local.embedded`). Standard library only, for the supervisor.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.local.locks import FileLock, is_held

MONGODB = "mongodb"
_REGISTRY_SECONDS = 10.0


@dataclass(frozen=True)
class Supervision:
    """What a supervisor says about itself, as JSON inside the file that it keeps locked.

    Attributes:
        supervisor: Process id of the supervisor.
        mongod: Process id of its mongod.
        port: Port of that mongod on 127.0.0.1.
        stopping: True from the moment at which the end of mongod is decided.
    """

    supervisor: int
    mongod: int
    port: int
    stopping: bool = False


@dataclass(frozen=True)
class ServerFiles:
    """Paths of the embedded MongoDB inside one state folder.

    Three locks, each for one question. `start_lock` (exclusive): who may start or stop. `users_lock` (shared by every
    user, exclusive for the supervisor that ends): is it still needed. `supervisor_lock` (exclusive for the life of a
    supervisor): is there one; its content is a `Supervision`.
    """

    state: Path

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def data(self) -> Path:
        return self.state / MONGODB

    @property
    def data_lock(self) -> Path:
        """Kept locked by a running mongod itself; holds its process id."""
        return self.data / "mongod.lock"

    @property
    def log(self) -> Path:
        return self.state / f"{MONGODB}.log"

    @property
    def start_lock(self) -> Path:
        return self.run / f"{MONGODB}.start.lock"

    @property
    def users_lock(self) -> Path:
        return self.run / f"{MONGODB}.users.lock"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / f"{MONGODB}.supervisor.lock"

    @property
    def keep(self) -> Path:
        """While this file exists the server stays, also without users."""
        return self.run / f"{MONGODB}.keep"

    @property
    def registry(self) -> Path:
        return self.state / "servers.json"

    def make_folders(self) -> None:
        """Create the folders; data and locks are for this user alone."""
        self.state.mkdir(parents=True, exist_ok=True)
        for folder in (self.run, self.data):
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)

    def last_supervision(self) -> Supervision | None:
        """The record of the living supervisor, or of the last one; None when there is none or it is being written."""
        try:
            return Supervision(**json.loads(self.supervisor_lock.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def is_supervised(self) -> bool:
        """True while a supervisor lives."""
        return is_held(self.supervisor_lock)

    def unsupervised_pid(self) -> int | None:
        """Process id of a mongod that works on our data though no supervisor lives, or None."""
        if self.is_supervised() or not is_held(self.data_lock):
            return None
        pid = self.data_lock.read_text(encoding="utf-8").strip()
        return int(pid) if pid else None  # mongod takes the lock first and writes then

    def publish(self, name: str, entry: Mapping[str, object] | None) -> None:
        """Put the entry of one server into `servers.json` (mode 0600), or remove it with None.

        Raises:
            TimeoutError: Another process keeps the file.
        """
        lock = FileLock(self.run / "servers.lock")
        if not lock.acquire(seconds=_REGISTRY_SECONDS):
            raise TimeoutError(f"Another process keeps {lock.path} locked.")
        try:
            before = self.registry.read_text(encoding="utf-8") if self.registry.exists() else "{}"
            servers = {key: value for key, value in json.loads(before).items() if key != name}
            if entry is not None:
                servers[name] = dict(entry)
            temporary = self.registry.with_suffix(f".{os.getpid()}.tmp")
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(servers, file, indent=2)
            temporary.replace(self.registry)
        finally:
            lock.release()


def dump(supervision: Supervision) -> str:
    """The JSON text of a record."""
    return json.dumps(dataclasses.asdict(supervision))

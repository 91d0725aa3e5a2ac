"""MongoDB servers that only one test has: one that asks for a password, one on a disk that can be filled.

What belongs here: starting and ending them. What does not: what is tried with them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from atlas_pipeline.local import mongod
from atlas_pipeline.local.binaries import find_mongod
from atlas_pipeline_tests.waiting import wait_until

Client = MongoClient[dict[str, Any]]


@contextmanager
def server_with_password(folder: Path, user: str, password: str) -> Iterator[str]:
    """A replica set of one member that lets nobody in but this user, who may do everything; gives its address."""
    key = folder / "key"
    key.write_text("c2VjcmV0IG9mIHRoZSBtZW1iZXJz", encoding="utf-8")
    key.chmod(0o600)
    data = folder / "data"
    data.mkdir()
    port = mongod.free_port()
    line = mongod.command(find_mongod(), data=data, port=port, cache_gb=0.25, extra_args=["--keyFile", str(key)])
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        try:
            with Client("127.0.0.1", port, directConnection=True) as first:
                # Until there is a user, and from this machine only, the server lets itself be set up.
                first.admin.command(
                    "replSetInitiate",
                    {"_id": mongod.REPLICA_SET, "members": [{"_id": 0, "host": mongod.address(port)}]},
                )
                wait_until(lambda: first.admin.command("hello")["isWritablePrimary"], "a primary")
                first.admin.command("createUser", user, pwd=password, roles=["root"])
            yield mongod.address(port)
        finally:
            process.terminate()


class SmallDisk:
    """A file system of a few hundred megabytes, in memory.

    Args:
        place: An empty folder.
        megabytes: Its size.
    """

    def __init__(self, place: Path, megabytes: int) -> None:
        self.place = place
        self._filler = place / "filler"
        self._megabytes = megabytes

    def __enter__(self) -> SmallDisk:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "tmpfs", str(self.place)],
            check=True,
            capture_output=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.place)], check=True, capture_output=True)

    @property
    def free_bytes(self) -> int:
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Take all the room but so much."""
        self.make_room()
        taken = self.free_bytes - leave_bytes
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, taken)

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)


def why_no_disk(place: Path) -> str:
    """Why this user cannot have a file system of his own here; empty when he can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "Only root may mount a file system."
    try:
        with SmallDisk(place, 1):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"Mounting a file system is refused here: {error}."


def answers(uri: str) -> bool:
    """Whether a server answers."""
    try:
        with Client(uri, serverSelectionTimeoutMS=500) as client:
            return bool(client.admin.command("ping")["ok"])
    except PyMongoError:
        return False

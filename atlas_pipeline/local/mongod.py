"""One mongod as a replica set of one member: its command line, its way to primary, the reason of its failure.

Here: what must be said to mongod (`atlas_pipeline.local.engine`). Not here: which process starts it and when it ends
(`atlas_pipeline.local.embedded`, `atlas_pipeline.local.supervisor`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.binaries import MongodBinary, find_mongod
from atlas_pipeline.local.engine import Command
from atlas_pipeline.local.files import ServerFiles, make_private
from atlas_pipeline.local.ports import HOST, address, free_port, is_open

if TYPE_CHECKING:
    from pymongo import MongoClient

REPLICA_SET = "atlas"
EXIT_ADDRESS_IN_USE = 48
DATA_IN_USE = "DBPathInUse"  # in the log of a mongod whose data folder another one holds; it ends with a general code
_OPLOG_MB = 1024
_NEVER_MS = 2**31 - 1
# AlreadyInitialized, NotYetInitialized (its stored configuration is still being loaded), ConfigurationInProgress
_LOOK_AGAIN_CODES = (23, 94, 109)
_GREETING_MS = 1_000
_ANSWER_MS = 30_000
_LOG_TAIL_BYTES = 65_536


@dataclass(frozen=True)
class MongoEngine:
    """The embedded MongoDB of one state folder.

    Attributes:
        files: Where its files are.
        cache_gb: WiredTiger cache, in GB.
        extra_args: Arguments that it must have been started with.
    """

    files: ServerFiles
    cache_gb: float
    extra_args: Sequence[str] = ()

    def prepare(self, preferred_port: int | None) -> Command:
        """See `Engine`. With the port of the last time the replica set needs no new configuration."""
        binary = find_mongod()
        make_private(self.files.data)
        port = free_port(preferred_port)
        line = command(binary, data=self.files.data, port=port, cache_gb=self.cache_gb, extra_args=self.extra_args)
        return Command(line, port)

    def is_ours(self, line: Sequence[str]) -> bool:
        words = list(line)[1:6]
        return words == ["--dbpath", str(self.files.data), "--bind_ip", HOST, "--port"]

    def port_of(self, line: Sequence[str]) -> int:
        return int(line[6])

    def ready_version(self, port: int, pid: int, *, configure: bool) -> str | None:
        """See `Engine`: ready is a primary. None also when a stranger answers on this port."""
        from pymongo.errors import ConnectionFailure, OperationFailure

        if not is_open(port, seconds=_GREETING_MS / 1000):
            return None
        with _client(port) as client:
            try:
                return _primary_version(client, port, pid, configure=configure)
            except ConnectionFailure:  # it is starting, ending, or no MongoDB at all
                return None
            except OperationFailure as error:
                raise ServerUnavailableError(
                    f"The embedded MongoDB at {address(port)} refused its configuration ({error.code}: {error}).",
                    "see mongodb.log in the state folder; move the folder mongodb in it away to begin anew.",
                ) from error

    def complaints(self) -> str:
        return failure_reason(self.files.log)

    def may_start_later(self, exit_code: int, complaints: str) -> bool:
        return exit_code == EXIT_ADDRESS_IN_USE or DATA_IN_USE in complaints

    def uri(self, port: int) -> str:
        return uri(port)


def uri(port: int) -> str:
    """Connection string of the embedded server on this port; it holds no credentials."""
    return f"mongodb://{address(port)}/?replicaSet={REPLICA_SET}&directConnection=true"


def command(
    binary: MongodBinary, *, data: Path, port: int, cache_gb: float, extra_args: Sequence[str] = ()
) -> list[str]:
    """The command line of an embedded server: loopback only, bounded, silent towards the net and about the data."""
    line = [str(binary.path), "--dbpath", str(data), "--bind_ip", HOST, "--port", str(port), "--nounixsocket"]
    line += ["--replSet", REPLICA_SET, "--oplogSize", str(_OPLOG_MB), "--wiredTigerCacheSizeGB", str(cache_gb)]
    # A slow operation would be logged with its values, and rows hold secrets.
    line += ["--quiet", "--slowms", str(_NEVER_MS), "--setParameter", "diagnosticDataCollectionEnabled=false"]
    if binary.major < 7:  # from 7.0 on there is no free monitoring, and the option is an error
        line += ["--enableFreeMonitoring", "off"]
    return [*line, *extra_args]


def failure_reason(log: Path) -> str:
    """The last complaints in a log of mongod, in one line."""
    tail = log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").splitlines() if log.exists() else []
    complaints = [text for line in tail if (text := _complaint(line))]
    return "; ".join(complaints[-3:]) or f"no complaint in {log}"


def _complaint(line: str) -> str:
    if not line.startswith("{"):
        return line.strip()
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return ""  # the first line of the tail is cut
    if entry.get("s") not in ("E", "F"):
        return ""
    detail = entry.get("attr", {}).get("error", "")
    return f"{entry['msg']} {detail}".strip()


def _client(port: int) -> MongoClient[dict[str, Any]]:
    """A client that soon gives up on a stranger, but lets our own server take its time."""
    from pymongo import MongoClient

    return MongoClient(
        HOST, port, directConnection=True, serverSelectionTimeoutMS=_GREETING_MS, socketTimeoutMS=_ANSWER_MS
    )


def _primary_version(client: MongoClient[dict[str, Any]], port: int, pid: int, *, configure: bool) -> str | None:
    if not _is_process(client, pid):
        return None
    hello = client.admin.command("hello")
    if "setName" not in hello and configure:
        _configure(client, port)
    return str(client.server_info()["version"]) if hello["isWritablePrimary"] else None


def _is_process(client: MongoClient[dict[str, Any]], pid: int) -> bool:
    """False when a stranger answers: it took the port before ours could."""
    from pymongo.errors import OperationFailure

    try:
        return bool(client.admin.command("serverStatus")["pid"] == pid)
    except OperationFailure:
        return False


def _configure(client: MongoClient[dict[str, Any]], port: int) -> None:
    """Initiate the set, or tell its only member the port that it has now."""
    from pymongo.errors import OperationFailure

    host = address(port)
    stored = client["local"]["system.replset"].find_one()
    try:
        if stored is None:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]})
        elif stored["members"][0]["host"] != host:
            stored["members"][0]["host"] = host
            stored["version"] += 1
            client.admin.command("replSetReconfig", stored, force=True)
    except OperationFailure as error:
        if error.code not in _LOOK_AGAIN_CODES:
            raise

"""One mongod as a replica set of one member: its command line, its way to primary, the reason of its failure.

Here: what must be said to mongod. Not here: which process starts it and when it ends (`atlas_pipeline.local.embedded`,
`atlas_pipeline.local.supervisor`).
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.binaries import MongodBinary

if TYPE_CHECKING:
    from pymongo import MongoClient

HOST = "127.0.0.1"
REPLICA_SET = "atlas"
EXIT_ADDRESS_IN_USE = 48
DATA_IN_USE = "DBPathInUse"  # in the log of a mongod whose data folder another one holds; it ends with a general code
_OPLOG_MB = 1024
_NEVER_MS = 2**31 - 1
# AlreadyInitialized, NotYetInitialized (its stored configuration is still being loaded), ConfigurationInProgress
_LOOK_AGAIN_CODES = (23, 94, 109)
_POLL_SECONDS = 0.05
_GREETING_MS = 1_000
_ANSWER_MS = 30_000
_LOG_TAIL_BYTES = 65_536


def free_port(preferred: int | None = None) -> int:
    """A port that was free on 127.0.0.1 a moment ago, the preferred one if it was.

    If that changed since, mongod ends with EXIT_ADDRESS_IN_USE.
    """
    if preferred is not None:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as mongod does: old connections do not count
            probe.bind((HOST, preferred))
            return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def address(port: int) -> str:
    return f"{HOST}:{port}"


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


def is_embedded(line: Sequence[str], data: Path) -> bool:
    """True when a process with this command line was started by `command` for this data folder."""
    words = list(line)
    return words[1:3] == ["--dbpath", str(data)] and words[3:5] == ["--bind_ip", HOST] and words[5:6] == ["--port"]


def port_of(line: Sequence[str]) -> int:
    """The port in a command line that `is_embedded` accepted."""
    return int(line[6])


def wait_until_primary(*, port: int, pid: int, seconds: float, is_alive: Callable[[], bool]) -> str | None:
    """Make the mongod with this process id the primary of its set and wait until it is.

    Works on a new data folder, on one that was used under another port, and on a server that is primary already.

    Returns:
        The server's version, or None when it ended.

    Raises:
        ServerUnavailableError: It lives but does not become primary within `seconds`, or refuses its configuration.
    """
    from pymongo.errors import OperationFailure

    deadline = time.monotonic() + seconds
    while is_alive():
        try:
            version = primary_version(port, pid, configure=True)
        except OperationFailure as error:
            raise ServerUnavailableError(
                f"The embedded MongoDB at {address(port)} refused its configuration ({error.code}: {error}).",
                "see mongodb.log in the state folder; move the folder mongodb in it away to begin anew.",
            ) from error
        if version is not None:
            return version
        if time.monotonic() > deadline:
            raise ServerUnavailableError(
                f"The embedded MongoDB at {address(port)} (process {pid}) did not become primary in {seconds:.0f} s.",
                "see mongodb.log in the state folder, then atlas-pipeline servers stop.",
            )
        time.sleep(_POLL_SECONDS)
    return None


def primary_version(port: int, pid: int, *, configure: bool) -> str | None:
    """One look: the version of the mongod with this process id if it is primary, else None.

    None also when nothing or a stranger answers on this port. With `configure`, a server that is up but not a member
    of its set is given its configuration, so that a later look finds a primary.

    Raises:
        pymongo.errors.OperationFailure: The configuration is refused.
    """
    from pymongo.errors import ConnectionFailure

    if not _is_open(port):
        return None
    with _client(port) as client:
        try:
            if not _is_process(client, pid):
                return None
            hello = client.admin.command("hello")
            if "setName" not in hello and configure:
                _configure(client, port)
            if not hello["isWritablePrimary"]:
                return None
            return str(client.server_info()["version"])
        except ConnectionFailure:  # it is starting, ending, or no MongoDB at all
            return None


def arguments(port: int) -> list[str]:
    """The command line with which the server on this port was started."""
    with _client(port) as client:
        return [str(word) for word in client.admin.command("getCmdLineOpts")["argv"]]


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


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(_GREETING_MS / 1000)
        return probe.connect_ex((HOST, port)) == 0


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

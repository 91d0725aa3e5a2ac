"""The MongoDB server as a target: how it is reached, what its collections are, and its errors in the project's own
words.

What does not belong here: anything about documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import AutoReconnect, InvalidURI, OperationFailure, PyMongoError, ServerSelectionTimeoutError
from pymongo.errors import ConfigurationError as MongoConfigurationError
from pymongo.uri_parser import parse_uri

from atlas_pipeline.errors import ConfigurationError, TargetError, TargetUnavailableError
from atlas_pipeline.load.transient import is_transient
from atlas_pipeline.spec.catalogs import CatalogSpec

Document = dict[str, Any]

ROOM_FACTOR = 2
"""A reload needs room for the old and the new collection at once."""
_NOT_REPLACEABLE = ("capped", "collation", "clusteredIndex", "encryptedFields")
_UNAUTHORIZED = 13
_URI_CURE = "use mongodb://user:password@host:27017/"


class Target:
    """An open connection to the target server. Use as a context manager, or call `close`.

    Args:
        uri: MongoDB connection string.
        timeout_ms: How long to look for a usable server, in milliseconds.

    Raises:
        ConfigurationError: The connection string is malformed.
        TargetUnavailableError: No server answered in time. Names host and port, never credentials.
        TargetError: The server refused the credentials.
    """

    def __init__(self, uri: str, *, timeout_ms: int = 5_000) -> None:
        self.address = address_of(uri)
        try:
            self.client: MongoClient[Document] = MongoClient(
                uri,
                serverSelectionTimeoutMS=timeout_ms,
                connectTimeoutMS=timeout_ms,
                tz_aware=True,
                appname="atlas-pipeline",
                w="majority",
            )
        except (PyMongoError, ValueError):
            raise ConfigurationError("MONGODB_URI is not a MongoDB connection string.", _URI_CURE) from None
        try:
            with self.translated():
                self.client.admin.command("ping")
                # A ping needs no login; this does, and it is cheap.
                self.client.admin.command("listDatabases", nameOnly=True, filter={"name": "admin"})
        except BaseException:
            self.client.close()
            raise

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.client.close()

    def database(self, catalog: CatalogSpec) -> Database[Document]:
        return self.client[catalog.database]

    def pipeline_database(self, catalog: CatalogSpec) -> Database[Document]:
        return self.client[catalog.pipeline_database]

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except PyMongoError as error:
            raise self.translate(error) from None

    def translate(self, error: PyMongoError) -> TargetError:
        """The error to raise instead. The driver's texts can quote documents, so they are never passed on."""
        match error:
            case ServerSelectionTimeoutError():
                return TargetUnavailableError(
                    f"MongoDB at {self.address} cannot be reached.",
                    "start it (if it ended, its log says why: a full disk ends a server too), or correct MONGODB_URI",
                )
            case AutoReconnect():
                return TargetUnavailableError(
                    f"The connection to MongoDB at {self.address} broke.",
                    "look into the server's log (a full disk ends a server too), then run again",
                )
            case OperationFailure() if is_transient(error):
                name = (error.details or {}).get("codeName") or f"code {error.code}"
                return TargetUnavailableError(
                    f"MongoDB at {self.address} failed with {name} at all attempts.", "run again"
                )
            case OperationFailure():
                return self._refused(error)
        return TargetError(f"MongoDB at {self.address} failed: {type(error).__name__}.", "look into the server's log")

    def _refused(self, error: OperationFailure) -> TargetError:
        name = (error.details or {}).get("codeName") or f"code {error.code}"
        where = f"MongoDB at {self.address}"
        if name == "AuthenticationFailed" or error.code == 18:
            return TargetError(
                f"{where} refused the credentials.", "correct user, password and authSource in MONGODB_URI"
            )
        if name == "Unauthorized" or error.code == _UNAUTHORIZED:
            return TargetError(
                f"{where} does not let this user do what is needed.",
                "grant readWrite and dbAdmin on the target database and on its _pipeline database",
            )
        if name == "OutOfDiskSpace":
            return TargetError(f"{where} has no room left on its disk.", "make room there, then run again")
        return TargetError(f"{where} refused a command: {name}.", "look into the server's log")


def address_of(uri: str) -> str:
    """`host:port` of a connection string, without credentials. Raises ConfigurationError."""
    try:
        return ", ".join(f"{host}:{port}" for host, port in parse_uri(uri, validate=False)["nodelist"])
    except (InvalidURI, MongoConfigurationError, ValueError):
        raise ConfigurationError("MONGODB_URI is not a MongoDB connection string.", _URI_CURE) from None


def collection_info(database: Database[Document], name: str) -> Document | None:
    """What `listCollections` says of a collection: type, options, info.uuid. None when there is none."""
    found = list(database.list_collections(filter={"name": name}))
    return dict(found[0]) if found else None


def collection_uuid(database: Database[Document], name: str) -> Any:
    """UUID by which the server knows a collection, whatever it is called; None when there is none, or it is a view.

    A time series is a view of its buckets on most servers, and so has the UUID of these.
    """
    found = {one["name"]: one for one in database.list_collections(filter={"name": {"$in": [name, _buckets(name)]}})}
    if name not in found:
        return None
    uuid = found[name].get("info", {}).get("uuid")
    return found.get(_buckets(name), {}).get("info", {}).get("uuid") if uuid is None else uuid


def _buckets(name: str) -> str:
    return f"system.buckets.{name}"


def require_plain(database: Database[Document], name: str) -> Document | None:
    """The collection's info, if a rename can replace it; None when there is no such collection yet.

    Raises:
        TargetError: It is a view, a time-series collection, capped, clustered, encrypted or has a collation of its own.
    """
    info = collection_info(database, name)
    if info is None:
        return None
    options = info.get("options", {})
    kind = str(info["type"])
    kind = next((f"collection with the option {option}" for option in _NOT_REPLACEABLE if options.get(option)), kind)
    if kind != "collection":
        raise TargetError(
            f"{database.name}.{name} is a {kind}; a reload cannot replace it.",
            "rename or drop it, or choose another collection in the table spec",
        )
    return info


def require_room(database: Database[Document], name: str, source_bytes: int) -> None:
    """Refuse a reload that would not fit beside what is there.

    Args:
        database: Target database.
        name: Live collection.
        source_bytes: Upper bound of the table's size in the source, in bytes.

    Raises:
        TargetError: Less than twice the larger of both is free on the server's disk.
    """
    stats = _disk(database)
    if not stats.get("fsTotalSize"):
        return  # routers and some hosted servers do not tell
    free = int(stats["fsTotalSize"] - stats["fsUsedSize"])
    live = 0
    if collection_info(database, name) is not None:
        live = int(next(iter(database[name].aggregate([{"$collStats": {"storageStats": {}}}])))["storageStats"]["size"])
    needed = ROOM_FACTOR * max(live, source_bytes)
    if free < needed:
        raise TargetError(
            f"A reload of {database.name}.{name} needs up to {needed:,} bytes; the server's disk has {free:,} left.",
            "make room on the server's disk",
        )


def _disk(database: Database[Document]) -> Document:
    """Statistics that hold the size of the server's disk. They are zero for a database that does not exist yet, and
    `admin` does, but not every user may ask about it.
    """
    try:
        return database.client.admin.command("dbStats")
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        return database.command("dbStats")

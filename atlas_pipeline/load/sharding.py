"""A collection on a sharded cluster: its staging collection is sharded, split and spread before it is filled.

What belongs here: what is sent to the router, and what a rename could not keep. The writes are unordered bulk inserts
anyway, which the router sends to all shards at once. A server that is no router gets none of this. A rename keeps shard
key, chunks and UUID, in one database and from MongoDB 5.0 on; it refuses a collection with zones, and without this
module's look it would replace a sharded collection by one that is not.

Tried are the commands and their errors; no cluster was there to try the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from bson.max_key import MaxKey
from bson.min_key import MinKey
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.mongo_client import MongoClient

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.load.transient import is_transient
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

CHUNKS_PER_SHARD = 8
"""Rows come in key order, so with one chunk for each shard all but one would wait."""
_KEYS: dict[str, Document] = {"range": {"_id": 1}, "hashed": {"_id": "hashed"}}
_ROUTER = "isdbgrid"
_OLDEST = (5, 0)
_UNAUTHORIZED = 13


def is_sharded(client: MongoClient[Document]) -> bool:
    """Whether the server is the router of a sharded cluster."""
    return bool(client.admin.command("hello").get("msg") == _ROUTER)


def live_key(database: Database[Document], name: str) -> Document | None:
    """The shard key of a collection on a cluster; None when it is not sharded, or not there.

    Raises:
        TargetError: The user may not read what the cluster knows of its collections.
    """
    sharded = {"dropped": {"$ne": True}, "unsplittable": {"$ne": True}}
    found = _known(database, "collections", {"_id": f"{database.name}.{name}", **sharded})
    return None if found is None else dict(found["key"])


def require_replaceable(database: Database[Document], table: TableSpec) -> None:
    """Raise TargetError when a reload would take its sharding from a live collection, or its rename be refused."""
    if not is_sharded(database.client):
        return
    where = f"{database.name}.{table.collection}"
    refusal = refusal_of(
        where,
        live=live_key(database, table.collection),
        wanted=None if table.shard_key is None else _KEYS[table.shard_key],
        version=database.client.server_info()["versionArray"],
        zones=_known(database, "tags", {"ns": where}) is not None,
    )
    if refusal is not None:
        raise refusal


def refusal_of(
    where: str, *, live: Document | None, wanted: Document | None, version: Sequence[int], zones: bool
) -> TargetError | None:
    """Why a collection on a cluster cannot be replaced by a rename; None when it can.

    Args:
        where: The live collection.
        live: Its shard key; None when it is not sharded, or not there.
        wanted: The shard key of the spec; None for none.
        version: Of the router.
        zones: Whether the live collection has zones.
    """
    if live is not None and live != wanted:
        new = f"sharded by {wanted}" if wanted else "not sharded"
        return TargetError(
            f"{where} is sharded by {live}; a reload would replace it by a collection that is {new}.",
            "give the table spec the same shard_key, or drop the live collection",
        )
    if wanted is not None and tuple(version[:2]) < _OLDEST:
        return TargetError(
            f"{where} cannot be replaced: MongoDB {version[0]}.{version[1]} renames no sharded collection.",
            "use MongoDB 6.0 or later, or drop the table's shard_key",
        )
    if zones:
        return TargetError(
            f"{where} has zones, and a cluster replaces no collection that has.",
            "remove its zones (sh.removeRangeFromZone), and put them back after the sync",
        )
    return None


def spread(staging: Collection[Document], table: TableSpec, snapshot: Snapshot) -> None:
    """Shard an empty staging collection as the spec says and spread its chunks; on a server that is no router, nothing.

    Args:
        staging: The collection, which exists.
        table: Its table.
        snapshot: The view of the source that is to be loaded; its keys say where to split.

    Raises:
        TargetError: The router refused a command. Names the command.
    """
    client = staging.database.client
    if table.shard_key is None or not is_sharded(client):
        return
    shards = [str(one["_id"]) for one in run(client, {"listShards": 1})["shards"]]
    for command in commands_of(staging, table, snapshot, shards, primary=primary_of(staging.database)):
        run(client, command)


def commands_of(
    staging: Collection[Document], table: TableSpec, snapshot: Snapshot, shards: Sequence[str], *, primary: str
) -> list[Document]:
    """What shards and spreads an empty collection. By hash the cluster makes and spreads the chunks itself.

    Args:
        staging: The collection.
        table: Its table, which has a shard key.
        snapshot: Where the keys of the table are read.
        shards: Names of all shards.
        primary: The one on which the collection is.
    """
    assert table.shard_key is not None
    sharded: list[Document] = [
        {"enableSharding": staging.database.name},  # from MongoDB 6.0 on no more needed, and still allowed
        {"shardCollection": staging.full_name, "key": _KEYS[table.shard_key]},
    ]
    if table.shard_key == "hashed":
        return sharded
    middles = split_points(table, snapshot, chunks=CHUNKS_PER_SHARD * len(shards))
    return sharded + spreading_commands(staging.full_name, middles, shards, primary=primary)


def split_points(table: TableSpec, snapshot: Snapshot, *, chunks: int) -> list[Any]:
    """The `_id`s, ascending, that cut the rows into so many parts of about the same size, or fewer."""
    step = max(1, -(-snapshot.count(table) // chunks))
    codec = KeyCodec(table)
    sampled = (codec.identifier(key) for key in islice(snapshot.keys(table), step, None, step))
    by_order = {sort_key(one): one for one in sampled if one is not None}
    return [by_order[order] for order in sorted(by_order)]


def spreading_commands(
    namespace: str, middles: Sequence[Any], shards: Iterable[str], *, primary: str
) -> list[Document]:
    """What splits an empty collection that is one chunk on its primary shard, and deals the chunks out in turn.

    A balancer does not move empty chunks (from MongoDB 6.0 on), so each is moved here.

    Args:
        namespace: Database and collection.
        middles: The `_id`s at which chunks begin, ascending, but for the first chunk.
        shards: Names of all shards.
        primary: Where all chunks are; the first one stays there.
    """
    splits: list[Document] = [{"split": namespace, "middle": {"_id": middle}} for middle in middles]
    dealt = [primary, *sorted(set(shards) - {primary})]
    bounds = [MinKey(), *middles, MaxKey()]
    moves: list[Document] = [
        {
            "moveChunk": namespace,
            "bounds": [{"_id": bounds[position]}, {"_id": bounds[position + 1]}],
            "to": dealt[position % len(dealt)],
        }
        for position in range(len(bounds) - 1)
        if position % len(dealt)
    ]
    return splits + moves


def run(client: MongoClient[Document], command: Document) -> Document:
    """The answer to a command for the whole cluster. Raises TargetError, which names a refused command."""
    try:
        return client.admin.command(command)
    except OperationFailure as error:
        if is_transient(error):
            raise
        name, about = next(iter(command.items()))
        where = f"{about}: the" if isinstance(about, str) else "The"
        raise TargetError(
            f"{where} cluster refused {name}: {(error.details or {}).get('codeName') or error.code}.",
            "grant clusterManager to the user of MONGODB_URI, or drop the table's shard_key",
        ) from None


def primary_of(database: Database[Document]) -> str:
    """Name of the shard on which the cluster keeps what is not spread. Raises TargetError."""
    found = _known(database, "databases", {"_id": database.name})
    if found is None:
        raise TargetError(f"The cluster does not know database {database.name}.", "run again")
    return str(found["primary"])


def _known(database: Database[Document], kind: str, query: Document) -> Document | None:
    """What the cluster knows. Raises TargetError when the user may not ask."""
    try:
        return database.client["config"][kind].find_one(query)
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        raise TargetError(
            f"The user may not read config.{kind} of the cluster, which tells how collections are sharded.",
            "grant clusterMonitor, and clusterManager where a table has a shard_key, to the user of MONGODB_URI",
        ) from None

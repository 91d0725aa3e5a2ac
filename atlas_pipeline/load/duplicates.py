"""Rows that claim what another row has: the same key, or the same values under a unique index.

The row with the lowest key stays, the others go to the quarantine. What does not belong here: indexes that nothing
stands in the way of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load import indexes
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.unfinished import spoil
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import Reject, RejectCode
from atlas_pipeline.spec.indexes import IndexSpec

Document = dict[str, Any]
_BATCH = 500


def split_repeated(mapper: Mapper, rows: list[Row], last_key: Row | None) -> tuple[list[Row], list[Reject]]:
    """Part rows that repeat the key of the row before them from the others. Rows arrive in key order.

    Args:
        mapper: Mapper of the table.
        rows: One batch.
        last_key: Key of the last row of the batch before.
    """
    distinct: list[Row] = []
    repeated: list[Reject] = []
    for row in rows:
        key = mapper.key_of(row)
        if key == last_key and None not in key:
            column = ", ".join(mapper.table.key)
            repeated.append(mapper.reject(row, column, RejectCode.DUPLICATE_VALUE, "another row has the same key"))
        else:
            distinct.append(row)
        last_key = key
    return distinct, repeated


def build_unique(
    staging: Collection[Document],
    index: IndexSpec,
    *,
    snapshot: Snapshot,
    mapper: Mapper,
    quarantine: Quarantine,
    ledger: TableLedger,
    comment: str,
) -> int:
    """Build a unique index; documents in its way leave staging for the quarantine. Gives how many did.

    Raises:
        TargetError: The server removed another number of documents than it was asked to.
    """
    try:
        indexes.create(staging, [index], comment=comment)
    except DuplicateKeyError:
        removed = 0
        columns = ", ".join(name for leaf in mapper.table.leaves if leaf.path in index.fields for name in leaf.columns)
        reason = f"a row with a lower key holds the same value (unique index {index.name})"
        for ids in repeated_ids(staging, index, comment=comment):
            keys = [tuple(key.values()) if isinstance(key, dict) else (key,) for key in ids]
            rows = snapshot.rows_by_key(mapper.table, keys)
            if not removed:
                spoil(ledger, "documents were removed for a unique index")
            quarantine.add(mapper.reject(row, columns, RejectCode.DUPLICATE_VALUE, reason) for row in rows)
            remove(staging, ids, comment=comment)
            ledger.forget_keys({key_hash(bson.encode({"_id": key})) for key in ids})
            removed += len(ids)
        indexes.create(staging, [index], comment=comment)
        return removed
    return 0


def repeated_ids(staging: Collection[Document], index: IndexSpec, *, comment: str) -> Iterator[list[Any]]:
    """`_id`s of the documents that repeat a lower key's values under this index, in batches.

    The server sorts and groups on its own disk, so memory here does not grow with the collection.
    """
    values = {f"v{position}": f"${field}" for position, field in enumerate(index.fields)}
    condition: Document = {}
    if index.sparse:
        condition = {"$or": [{field: {"$exists": True}} for field in index.fields]}
    pipeline: list[Document] = [
        {"$match": condition},
        {"$group": {"_id": values, "ids": {"$push": "$_id"}, "lowest": {"$min": "$_id"}}},
        {"$unwind": "$ids"},
        {"$match": {"$expr": {"$ne": ["$ids", "$lowest"]}}},
        {"$project": {"_id": 0, "id": "$ids"}},
    ]
    batch: list[Any] = []
    for found in staging.aggregate(pipeline, allowDiskUse=True, comment=comment):
        batch.append(found["id"])
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def remove(staging: Collection[Document], ids: list[Any], *, comment: str) -> None:
    """Remove these documents. Raises TargetError when the server removed another number."""
    removed = staging.delete_many({"_id": {"$in": ids}}, comment=comment).deleted_count
    if removed != len(ids):
        raise TargetError(
            f"{staging.full_name}: {len(ids)} repeated documents were to leave, {removed} did.",
            "run again; nothing was published",
        )

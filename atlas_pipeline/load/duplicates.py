"""Documents that stand in the way of a unique index: the lowest key stays, the others leave staging.

What does not belong here: turning what leaves into quarantine entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.errors import TargetError
from atlas_pipeline.spec.indexes import IndexSpec

Document = dict[str, Any]
_BATCH = 1_000


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
            f"{staging.full_name}: {len(ids)} repeated documents were to leave, {removed} did.", "run again; nothing was published"
        )

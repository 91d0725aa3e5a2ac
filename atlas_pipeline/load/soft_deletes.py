"""Documents whose row is gone and that stay, marked as deleted, by the policy `soft`.

A row that comes back replaces its document, mark and all. What does not belong here: which documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.collection import Collection

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.transient import retrying
from atlas_pipeline.spec.sync import DELETED_AT

BATCH = 500
"""Documents of one command."""


def is_marked(document: bytes) -> bool:
    """Whether an encoded document is marked as deleted."""
    return DELETED_AT.encode() in document and DELETED_AT in RawBSONDocument(document)


def mark_deleted(
    collection: Collection[Any], ids: Sequence[Any], at: datetime, *, ledger: TableLedger, comment: str
) -> int:
    """Mark documents as deleted; gives how many there were. Doing it again changes nothing.

    Args:
        collection: The live collection.
        ids: `_id`s of documents without a row.
        at: When that was found.
        ledger: The table's ledger; the caller holds the table's lease.
        comment: Run id, shown in the server's log and current operations.

    Raises:
        TargetError: A document is there, and could not be marked.
    """
    marked = 0
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        ledger.published_keys.touch(part)
        marked += retrying()(_mark, collection, part, at, comment)
        query = {"_id": {"$in": list(part)}, DELETED_AT: {"$exists": False}}
        if left := collection.count_documents(query, comment=comment):
            raise TargetError(
                f"{collection.full_name}: {left} of {len(part)} documents could not be marked as deleted.",
                "find out who writes them again, then run again",
            )
    return marked


def _mark(collection: Collection[Any], ids: Sequence[Any], at: datetime, comment: str) -> int:
    unmarked = {DELETED_AT: {"$exists": False}}
    requests = [UpdateOne({"_id": {"$eq": one}, **unmarked}, {"$set": {DELETED_AT: at}}) for one in ids]
    return int(collection.bulk_write(requests, ordered=False, comment=comment).matched_count)

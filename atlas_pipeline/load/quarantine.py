"""The rows that could not become documents: each once, with its reason, and without its secrets.

Entries belong to the run that found them. Publishing a run makes its entries the current ones and removes those of
earlier runs, so a row that was repaired at the source disappears by itself and running again doubles nothing. What
does not belong here: deciding what is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
from bson.binary import Binary
from pymongo import InsertOne, UpdateOne
from pymongo.database import Database

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Row, Undecodable
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

LONGEST_VALUE = 64 * 1024
"""Characters or bytes of one value that are kept; a longer one is cut and says so."""
_BATCH = 500


class Quarantine:
    """The quarantine of one table, as one run sees it."""

    def __init__(self, database: Database[Document], catalog: CatalogSpec, table: TableSpec, run: RunIdentity) -> None:
        self._entries = database["quarantine"]
        self._table, self._run = table, run
        self._of_table = {"catalog": catalog.name, "collection": table.collection}
        self._of_run = {**self._of_table, "run_id": run.run_id}
        self._added = 0

    def start(self) -> None:
        """Forget what an earlier attempt of this run, or a run that never published, has left."""
        self._entries.create_index([("catalog", 1), ("collection", 1), ("run_id", 1), ("key", 1)], name="by_key")
        self._entries.delete_many({**self._of_table, "published": False})
        self._entries.delete_many(self._of_run)
        self._added = 0

    def add(self, rejects: Iterable[Reject]) -> None:
        """Store rejects. Raises TargetError when the server did not store each of them."""
        now = datetime.now(UTC)
        requests = []
        for reject in rejects:
            self._added += 1
            requests.append(InsertOne(self._entry(reject, self._added, now)))
        for start in range(0, len(requests), _BATCH):
            part = requests[start : start + _BATCH]
            if self._entries.bulk_write(part, ordered=False).inserted_count != len(part):
                raise TargetError(f"Table {self._table.source}: not every quarantined row was stored.", "run again")

    def count(self) -> int:
        """Entries of this run, counted by the server."""
        return self._entries.count_documents(self._of_run)

    def examples(self, limit: int) -> list[Document]:
        """The first entries of this run, without the raw rows."""
        return list(self._entries.find(self._of_run, {"row": 0}).sort("_id", 1).limit(limit))

    def absent(self, keys: Sequence[Row]) -> list[Row]:
        """Which of these keys have no entry in this run."""
        if not keys:
            return []
        stored = [[storable(value) for value in key] for key in keys]
        found = self._entries.find({**self._of_run, "key": {"$in": stored}}, {"key": 1})
        known = {bson.encode({"key": entry["key"]}) for entry in found}
        return [key for key, kept in zip(keys, stored, strict=True) if bson.encode({"key": kept}) not in known]

    def publish(self, run_id: str) -> None:
        """Make a run's entries the current ones; those seen before keep the time they were first seen. Can be
        repeated.
        """
        current = {**self._of_table, "run_id": run_id}
        earlier = {**self._of_table, "run_id": {"$ne": run_id}}
        updates: list[UpdateOne] = []
        for old in self._entries.find({**earlier, "published": True}, {"key": 1, "column": 1, "first_seen": 1}):
            same = {**current, "key": old["key"], "column": old["column"]}
            updates.append(UpdateOne(same, {"$min": {"first_seen": old["first_seen"]}}))
            if len(updates) >= _BATCH:
                self._entries.bulk_write(updates, ordered=False)
                updates = []
        if updates:
            self._entries.bulk_write(updates, ordered=False)
        self._entries.update_many(current, {"$set": {"published": True}})
        self._entries.delete_many(earlier)

    def _entry(self, reject: Reject, number: int, now: datetime) -> Document:
        return {
            "_id": f"{self._of_table['catalog']}.{self._of_table['collection']}:{self._run.short}:{number}",
            **self._of_run,
            "table": self._table.source,
            "key": [storable(value) for value in reject.key],
            "column": reject.column,
            "code": str(reject.code),
            "reason": reject.reason,
            "row": {name: self._kept(name, value) for name, value in reject.row.items()},
            "spec": self._table.fingerprint,
            "first_seen": now,
            "last_seen": now,
            "published": False,
        }

    def _kept(self, column: str, value: Any) -> Any:
        if value is not None and self._table.column(column).secret:
            return {"left_out": "secret"}
        return storable(value)


def storable(value: Any) -> Any:
    """A raw value as BSON can hold it: bytes that are no text stay bytes, what is too long is cut and says so, and what
    BSON has no type for is its text.
    """
    if isinstance(value, str | bytes | list) and len(value) > LONGEST_VALUE:
        kept: Any = value[:LONGEST_VALUE]
        return {"cut_to": storable(Undecodable(kept) if isinstance(value, Undecodable) else kept), "length": len(value)}
    if isinstance(value, Undecodable):
        return _undecodable(bytes(value))
    if isinstance(value, bytes):
        return Binary(value)
    return [storable(item) for item in value] if isinstance(value, list) else _or_text(value)


def _or_text(value: Any) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return {"integer": str(value)[:LONGEST_VALUE]}
    if isinstance(value, Decimal):
        return {"decimal": str(value)[:LONGEST_VALUE]}
    if isinstance(value, UUID) or (isinstance(value, date) and not isinstance(value, datetime)):
        return str(value)
    return value


def _undecodable(raw: bytes) -> Document:
    """Text that is not UTF-8, or a value that the driver has no type for, such as a moment before Christ."""
    try:
        return {"no_value": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"not_utf8": Binary(raw)}

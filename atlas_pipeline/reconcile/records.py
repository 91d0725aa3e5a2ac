"""What verifications found, kept in the pipeline's database: so that a killed one can go on, repairs know the keys, and
the age of a difference is known.

Collections: `verifications` (one per table and verification, with the stretches that were compared) and `differences`
(one per key that differs, until it is repaired or a later verification finds it equal). What does not belong here:
comparing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import bson
from bson.binary import Binary
from pymongo import DeleteOne, UpdateOne
from pymongo.database import Database

from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.evolution import as_recorded
from atlas_pipeline.load.run import Holder
from atlas_pipeline.reconcile.differences import Difference, FieldDifference, Kind, Tally
from atlas_pipeline.reconcile.stretches import StretchOutcome
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

MOST_RECORDED = 100_000
"""Differences of one table that are kept; with more of them a sync is the better repair."""
FIELDS_KEPT = 20
"""Fields that are kept of one difference."""
KEPT_VERIFICATIONS = 50
_BATCH = 500


class Records:
    """The records of one table's verifications.

    Args:
        database: The pipeline's database.
        catalog: Catalog of the table.
        table: The table.
    """

    def __init__(self, database: Database[Document], catalog: CatalogSpec, table: TableSpec) -> None:
        self._tables = database["tables"]
        self._verifications, self._differences = database["verifications"], database["differences"]
        self._of_table = {"catalog": catalog.name, "collection": table.collection}
        self._table_id, self._table = f"{catalog.name}.{table.collection}", table

    @cached_property
    def _spec(self) -> str:
        """Fingerprint of the spec by which the table is compared."""
        return as_recorded(self._table, self._tables.find_one({"_id": self._table_id}) or {}).fingerprint

    def begin(self, *, mode: str, bounds: Sequence[Any], ordered: bool, since: Any = None) -> str:
        """Open the record of a verification; gives its id.

        Args:
            mode: Its mode.
            bounds: The `_id`s at which the table is cut into stretches.
            ordered: Whether it walks both sides in order.
            since: The `_id` that it begins with; None for the first.
        """
        self._differences.create_index([("catalog", 1), ("collection", 1)], name="by_table")
        self._verifications.create_index([("catalog", 1), ("collection", 1), ("started", -1)], name="by_table")
        identifier = uuid.uuid4().hex
        record = {
            "_id": identifier,
            **self._of_table,
            "mode": mode,
            "spec": self._spec,
            "started": datetime.now(UTC),
            "status": "running",
            "holder": Holder.this_process().as_document(),
            "bounds": list(bounds),
            "ordered": ordered,
            "since": since,
            "stretches": {},
        }
        self._verifications.insert_one(record)
        for old in self._verifications.find(self._of_table, {"_id": 1}).sort("started", -1).skip(KEPT_VERIFICATIONS):
            self._verifications.delete_one({"_id": old["_id"]})
        return identifier

    def unfinished(self, since: Any = None) -> Document | None:
        """The latest verification, if it was to compare every value from there on and did not come to its end, with the
        present spec.
        """
        latest = self._verifications.find_one(self._of_table, sort=[("started", -1)])
        if not latest or latest["mode"] != "full" or latest["spec"] != self._spec:
            return None
        if sort_key(latest.get("since")) != sort_key(since):
            return None
        died = latest["status"] == "running" and Holder.from_document(latest["holder"]).known_dead()
        return latest if died or latest["status"] == "interrupted" else None

    def last_whole(self) -> Document | None:
        """The latest verification that compared all of the table and came to its end."""
        whole = {**self._of_table, "mode": "full", "status": "done"}
        return self._verifications.find_one(whole, sort=[("started", -1)])

    def compared(self, identifier: str, outcome: StretchOutcome) -> None:
        """Record that a stretch was compared, after its differences."""
        self._record(identifier, outcome)
        done = {
            "tally": outcome.tally.as_document(),
            "digest": outcome.digest,
            "uuid": outcome.uuid,
            "at": datetime.now(UTC),
        }
        self._verifications.update_one({"_id": identifier}, {"$set": {f"stretches.{outcome.position}": done}})

    def end(self, identifier: str, status: str, *, whole: bool = False, **facts: Any) -> None:
        """Close the record of a verification.

        Args:
            identifier: Which.
            status: How it ended.
            whole: Whether all of the table was compared, so that differences that it did not find are none any more.
            facts: What it found.
        """
        now = datetime.now(UTC)
        if whole:
            self._differences.delete_many({**self._of_table, "verification": {"$ne": identifier}})
        self._verifications.update_one({"_id": identifier}, {"$set": {"status": status, "ended": now, **facts}})
        if whole:
            verified = {"at": now, "verification": identifier, "spec": self._spec, **facts}
            self._tables.update_one({"_id": self._table_id}, {"$set": {"verified": verified}})

    def forget(self) -> None:
        """Forget all differences: the table was published anew, and its bytes were proven then."""
        self._differences.delete_many(self._of_table)

    def oldest(self) -> datetime | None:
        """When the oldest difference that is still there was first seen."""
        found = self._differences.find_one(self._of_table, {"first_seen": 1}, sort=[("first_seen", 1)])
        return found["first_seen"] if found else None

    def disown(self, identifier: str, positions: Iterable[int]) -> None:
        """Count the differences of these stretches as found by an earlier verification: they are compared again."""
        found = {**self._of_table, "verification": identifier, "stretch": {"$in": list(positions)}}
        self._differences.update_many(found, {"$set": {"verification": ""}})

    def differences(self, identifier: str = "") -> Iterator[Difference]:
        """All recorded differences, as they were seen last; or those that one verification has seen."""
        wanted = self._of_table | ({"verification": identifier} if identifier else {})
        for stored in self._differences.find(wanted, batch_size=_BATCH):
            yield Difference(
                identifier=stored.get("identifier"),
                key=stored["key"],
                kind=Kind(stored["kind"]),
                fields=tuple(FieldDifference(**one) for one in stored["fields"]),
                why=stored["why"],
                first_seen=stored["first_seen"],
            )

    def count(self) -> int:
        """How many differences are recorded."""
        return self._differences.count_documents(self._of_table)

    def resolved(self, identifiers: Iterable[Any]) -> None:
        """Forget the differences of these keys: they are none any more."""
        requests = [DeleteOne({"_id": self._id(identifier)}) for identifier in identifiers]
        for start in range(0, len(requests), _BATCH):
            self._differences.bulk_write(requests[start : start + _BATCH], ordered=False)

    def _record(self, verification: str, outcome: StretchOutcome) -> None:
        differences = outcome.differences
        room = MOST_RECORDED - self.count() if differences else 0
        now = datetime.now(UTC)
        requests = []
        for difference in differences[: max(0, room)]:
            seen = {
                **self._of_table,
                "identifier": difference.identifier,
                "key": difference.key,
                "kind": str(difference.kind),
                "fields": [asdict(one) for one in difference.fields[:FIELDS_KEPT]],
                "why": difference.why,
                "last_seen": now,
                "verification": verification,
                "stretch": outcome.position,
            }
            update = {"$set": seen, "$min": {"first_seen": difference.first_seen}}
            requests.append(UpdateOne({"_id": self._id(difference.identifier)}, update, upsert=True))
        for start in range(0, len(requests), _BATCH):
            self._differences.bulk_write(requests[start : start + _BATCH], ordered=False)

    def _id(self, identifier: Any) -> Binary:
        return Binary(self._table_id.encode() + b":" + key_hash(bson.encode({"_id": identifier})))


def compared_before(record: Document, uuid: Any) -> dict[int, StretchOutcome]:
    """The stretches that a verification compared with the collection of this UUID, by position; their differences are
    in the records.
    """
    return {
        int(position): StretchOutcome(
            position=int(position), tally=Tally.from_document(one["tally"]), digest=one["digest"], uuid=one["uuid"]
        )
        for position, one in record["stretches"].items()
        if one["uuid"] == uuid
    }

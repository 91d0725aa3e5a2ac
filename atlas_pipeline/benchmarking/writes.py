"""The two writes of the query benchmark: into a scratch collection, never into a live one.

What belongs here: documents like those of the live collection, the calls, and the accounts of what they wrote. What
does not: the scratch collection itself (`atlas_pipeline.load.scratch`).
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection
from pymongo.results import InsertOneResult, UpdateResult

from atlas_pipeline.benchmarking.latency import Operation
from atlas_pipeline.benchmarking.sampling import generator, ids_of
from atlas_pipeline.errors import TargetError

Document = dict[str, Any]
Change = tuple[int, datetime]
"""Which copy is changed, and the moment of the change."""

COPIES = 1_000


class Writes:
    """Inserts and updates on up to 1,000 copies of live investigations.

    Args:
        live: The live collection, which is only read.
        scratch: An empty collection with the indexes and the validator of the live one; it gets the copies now.
        seed: What decides which documents are copied and changed.

    Raises:
        TargetError: No live document has a version to update by.
    """

    def __init__(self, live: Collection[Document], scratch: Collection[Document], seed: int) -> None:
        self._scratch = scratch
        self._inserting, self._updating = generator(seed, "insert"), generator(seed, "update")
        keys = ids_of(live, generator(seed, "writes"), size=COPIES)
        found = live.find({"_id": {"$in": keys}}).sort("_id", 1)
        self._copies = [one for one in found if isinstance(one.get("version"), int)]
        if not self._copies:
            raise TargetError(f"{live.full_name} holds no document with a version.", "sync the table")
        scratch.insert_many(self._copies, comment=scratch.name)
        self._versions = {position: int(one["version"]) for position, one in enumerate(self._copies)}
        self._inserted = 0

    @property
    def copies(self) -> int:
        """How many documents the scratch collection began with."""
        return len(self._copies)

    def insert(self) -> Operation[Document, InsertOneResult]:
        """One new investigation."""

        def ask(document: Document) -> InsertOneResult:
            return self._scratch.insert_one(document, comment=self._scratch.name)

        def check(document: Document, result: InsertOneResult) -> str:
            if not result.acknowledged or result.inserted_id != document["_id"]:
                return "the server did not acknowledge an insert"
            self._inserted += 1
            return ""

        return Operation(name="insert", draw=self._new, ask=ask, check=check, check_all=self._count_inserted)

    def update(self) -> Operation[Change, UpdateResult]:
        """One document by its key and the version that was read, which the update counts up."""

        def ask(change: Change) -> UpdateResult:
            position, now = change
            return self._scratch.update_one(
                {"_id": self._copies[position]["_id"], "version": self._versions[position]},
                {
                    "$set": {"status": "IN_PROGRESS", "lifecycle_stage": "IN_PROGRESS", "updated_at": now},
                    "$inc": {"version": 1},
                },
                comment=self._scratch.name,
            )

        def check(change: Change, result: UpdateResult) -> str:
            if (result.matched_count, result.modified_count) != (1, 1):
                return f"an update matched {result.matched_count} documents and changed {result.modified_count}, not 1"
            self._versions[change[0]] += 1
            return ""

        return Operation(
            name="update",
            draw=lambda: (self._updating.randrange(len(self._copies)), datetime.now(UTC)),
            ask=ask,
            check=check,
            check_all=self._sum_versions,
        )

    def _new(self) -> Document:
        key = str(uuid.UUID(int=self._inserting.getrandbits(128), version=4))
        now = datetime.now(UTC)
        like = self._inserting.choice(self._copies)
        return {**like, "_id": key, "investigation_id": key, "version": 1, "created_at": now, "updated_at": now}

    def _count_inserted(self) -> str:
        found, wanted = self._scratch.count_documents({}), len(self._copies) + self._inserted
        return "" if found == wanted else f"{wanted} documents should be there, and there are {found}"

    def _sum_versions(self) -> str:
        keys = [one["_id"] for one in self._copies]
        pipeline: list[Document] = [
            {"$match": {"_id": {"$in": keys}}},
            {"$group": {"_id": None, "versions": {"$sum": "$version"}}},
        ]
        found, wanted = next(self._scratch.aggregate(pipeline))["versions"], sum(self._versions.values())
        return "" if found == wanted else f"all versions should sum up to {wanted}, and they do to {found}"

"""What earlier runs left of one table on the target server: found by the ledger, removed under the table's lease.

A collection counts as ours only when the ledger knows the run that made it; one that is merely called like ours is
listed and left. What does not belong here: what the next run of the table does about it (`recovery`).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.errors import LeaseHeldError
from atlas_pipeline.load.lease import Lease, living_lease
from atlas_pipeline.load.leftover import Leftover, Limits
from atlas_pipeline.load.quarantine import COLLECTION as QUARANTINE
from atlas_pipeline.load.recovery import end_operations
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.staging import staging_name
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.catalogs import CatalogSpec

Document = dict[str, Any]

_OF_A_RUN = re.compile(r"[0-9a-f]{12}")
_BUSY = "a run works on the table; clean again when it has ended"
_GOES_ON = "the next sync goes on with it, unless spec or source change before"
_STRANGE = "the ledger knows no run that made it; drop it by hand if it is not somebody else's"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staging:
    """A collection that is called like a staging collection of the table.

    Attributes:
        name: Its name.
        run_ids: The runs that filled it, as far as they are known, the last one at the end.
        noted: Whether the ledger has noted it.
        spoiled: Whether no run can go on with it.
    """

    name: str
    run_ids: tuple[str, ...]
    noted: bool
    spoiled: bool


class TableLeftovers:
    """The leftovers of one table.

    Args:
        target: Open connection to the server.
        catalog: A catalog.
        collection: The table's collection; the catalog may have forgotten it.
        limits: How much is forgotten.
    """

    def __init__(self, target: Target, catalog: CatalogSpec, collection: str, limits: Limits) -> None:
        self._database, self._pipeline = target.database(catalog), target.pipeline_database(catalog)
        self._catalog, self._collection, self._limits = catalog, collection, limits
        self._table_id = f"{catalog.name}.{collection}"
        self._of_table = {"catalog": catalog.name, "collection": collection}

    def find(self, ours: str = "") -> list[Leftover]:
        """What is left; `ours` is the run that cleans and has the lease."""
        state: Document = self._pipeline["tables"].find_one({"_id": self._table_id}) or {}
        lease = living_lease(self._pipeline["tables"], self._table_id)
        worker = str(lease["run_id"]) if lease and lease["run_id"] != ours else ""
        records = list(
            self._pipeline["runs"]
            .find(self._of_table, {"run_id": 1, "status": 1, "started": 1, "staging": 1})
            .sort("started", 1)
        )
        stagings = self._stagings(state, records)
        going_on = self._going_on(state, stagings)
        kept_runs = set(going_on.run_ids) if going_on else set()
        made = (state.get(name) or {} for name in ("published", "swap", "gap", "loading"))
        needed = {str(one["run_id"]) for one in made if one} | {worker}
        entries = {**self._of_table, "published": False}
        found = [
            *(self._staging(one, kept=one is going_on) for one in stagings if not needed & set(one.run_ids)),
            *self._of_dead_runs("ranges", "key ranges", {"table_id": self._table_id}, needed, kept_runs),
            *self._of_dead_runs(QUARANTINE, "quarantine entries", entries, needed, kept_runs),
            *self._old_runs(state, records, needed | kept_runs),
            *self._old_verifications(state),
        ]
        return [replace(one, kept=one.kept or _BUSY) for one in found] if worker else found

    def remove(self) -> list[Leftover]:
        """Take the lease, look again, and remove what may go; gives that, and what stays."""
        found = self.find()
        if all(one.kept for one in found):
            return found
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        try:
            with Lease(self._pipeline["tables"], self._table_id, run):
                found = self.find(run.run_id)
                for one in found:
                    if not one.kept:
                        one.remove()
                return found
        except LeaseHeldError:
            return [replace(one, kept=one.kept or _BUSY) for one in found]

    # --- staging collections -----------------------------------------------------------------------------------------

    def _stagings(self, state: Document, records: Sequence[Document]) -> list[_Staging]:
        prefix, noted = _staging_of(self._collection, ""), state.get("staging", [])
        tables = {table.collection for table in self._catalog.tables}
        found = []
        for info in self._database.list_collections(filter={"name": {"$regex": f"^{re.escape(prefix)}"}}):
            name, kind = info["name"], info["type"]
            if kind != "collection" or name in tables:
                continue
            made = [one for one in records if (one.get("staging") or {}).get("uuid") == info["info"]["uuid"]]
            named = [one for one in records if _staging_of(self._collection, str(one["run_id"])) == name]
            if made or named or name in noted or _OF_A_RUN.fullmatch(name.removeprefix(prefix)):
                found.append(
                    _Staging(
                        name=name,
                        run_ids=tuple(str(one["run_id"]) for one in made or named),
                        noted=name in noted,
                        spoiled=not made or bool(made[-1]["staging"]["spoiled"]),
                    )
                )
        return found

    def _going_on(self, state: Document, stagings: Sequence[_Staging]) -> _Staging | None:
        """The staging collection that the next sync would go on with, if that is a reload."""
        mode = next((one.sync.mode for one in self._catalog.tables if one.collection == self._collection), None)
        if self._limits.resumable or mode is None or (state.get("published") and mode != "reload"):
            return None
        by_name = {one.name: one for one in stagings if one.noted and not one.spoiled}
        for name in reversed(state.get("staging", [])):
            if name in by_name and self._pipeline["ranges"].find_one(
                {"table_id": self._table_id, "run_id": {"$in": list(by_name[name].run_ids)}}, {"_id": 1}
            ):
                return by_name[name]
        return None

    def _staging(self, staging: _Staging, *, kept: bool) -> Leftover:
        ours = staging.noted or staging.run_ids
        last = staging.run_ids[-1] if staging.run_ids else "unknown"
        return Leftover(
            kind="staging collections",
            place=f"{self._database.name}.{staging.name}",
            count=self._database[staging.name].count_documents({}),
            why=f"run {last} never published it",
            kept=_GOES_ON if kept else "" if ours else _STRANGE,
            remove=lambda: self._drop(staging),
        )

    def _drop(self, staging: _Staging) -> None:
        for run_id in staging.run_ids:
            end_operations(self._database, run_id)  # a write that waits there would bring the collection back
        self._database.drop_collection(staging.name)
        self._pipeline["tables"].update_one({"_id": self._table_id}, {"$pull": {"staging": staging.name}})
        self._pipeline["stretches"].delete_many({"table_id": self._table_id})

    # --- records -----------------------------------------------------------------------------------------------------

    def _of_dead_runs(
        self, name: str, kind: str, query: Document, needed: set[str], going_on: set[str]
    ) -> Iterator[Leftover]:
        """What runs recorded that is neither published nor going to be."""
        collection = self._pipeline[name]
        by_run: list[Document] = [{"$match": query}, {"$group": {"_id": "$run_id", "count": {"$sum": 1}}}]
        for one in sorted(collection.aggregate(by_run), key=lambda one: str(one["_id"])):
            run_id = str(one["_id"])
            if run_id not in needed:
                found = self._records(
                    collection,
                    kind,
                    {**query, "run_id": one["_id"]},
                    count=one["count"],
                    why=f"run {run_id} did not publish them",
                )
                yield replace(found, kept=_GOES_ON if run_id in going_on else "")

    def _old_runs(self, state: Document, records: Sequence[Document], needed: set[str]) -> Iterator[Leftover]:
        needed = needed | {str((state.get("published") or {}).get("synced_by"))}
        old = [
            record["_id"]
            for record in records[:-1]
            if record["started"] < self._limits.before
            and record["status"] != "running"
            and record["run_id"] not in needed
        ]
        if old:
            query = {"_id": {"$in": old}}
            yield self._records(self._pipeline["runs"], "run records", query, count=len(old), why=self._older())

    def _old_verifications(self, state: Document) -> Iterator[Leftover]:
        verifications, differences = self._pipeline["verifications"], self._pipeline["differences"]
        if not list(self._database.list_collections(filter={"name": self._collection})):
            why = "their collection does not exist"
            for collection, kind in ((verifications, "verifications"), (differences, "differences")):
                if count := collection.count_documents(self._of_table):
                    yield self._records(collection, kind, self._of_table, count=count, why=why)
            return
        newest = [
            verifications.find_one({**self._of_table, **only}, {"_id": 1}, sort=[("started", -1)])
            for only in ({}, {"mode": "full", "status": "done"})
        ]
        needed = [one["_id"] for one in newest if one] + [(state.get("verified") or {}).get("verification")]
        old = {**self._of_table, "_id": {"$nin": needed}, "started": {"$lt": self._limits.before}}
        if count := verifications.count_documents(old):
            yield self._records(verifications, "verifications", old, count=count, why=self._older())

    def _records(
        self, collection: Collection[Document], kind: str, query: Document, *, count: int, why: str
    ) -> Leftover:
        return Leftover(
            kind=kind,
            place=f"{collection.full_name} of {self._collection}",
            count=count,
            why=why,
            remove=lambda: _delete(collection, query),
        )

    def _older(self) -> str:
        return f"older than {self._limits.before:%Y-%m-%d}"


def _delete(collection: Collection[Document], query: Document) -> None:
    collection.delete_many(query)


def _staging_of(collection: str, run_id: str) -> str:
    return staging_name(collection, RunIdentity(run_id=run_id, holder=Holder(host="", pid=0, started=0.0)))

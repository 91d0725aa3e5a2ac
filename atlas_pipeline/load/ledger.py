"""The ledger: what was done to each table, by which run, and which keys it loaded.

Collections in `<database>_pipeline`: `tables` (one document per table: lease, direction, what is published), `runs`
(one per run and table: phase, counts, checks, error), `ranges` (the key hashes of what was loaded, by key range) and
`stretches` (what a load in several steps has still to do).
The ledger is written before what it describes becomes visible, so that a run that died can be finished or undone from
it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database

from atlas_pipeline.errors import AtlasError, TargetError
from atlas_pipeline.load.published_keys import PublishedKeys
from atlas_pipeline.load.range_store import KeyRange, RangeStore
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

KEPT_RUNS = 200
"""Runs per table that the ledger remembers."""


class TableLedger:
    """The ledger of one table, as one run sees it."""

    def __init__(self, database: Database[Document], catalog: CatalogSpec, table: TableSpec, run: RunIdentity) -> None:
        self.table_id = f"{catalog.name}.{table.collection}"
        self.tables = database["tables"]
        self._runs = database["runs"]
        self.stretches = database["stretches"]
        self._ranges = database["ranges"]
        self._catalog, self._table, self._run = catalog, table, run
        self._phase = ""
        self._keys: tuple[str, PublishedKeys] | None = None

    def require_forward(self) -> None:
        """Raise TargetError when MongoDB is the primary side of this table, for then SQL must not overwrite it."""
        if self.state().get("primary", "sql") != "sql":
            raise TargetError(
                f"{self.table_id}: MongoDB is the primary side, so a sync from SQL would overwrite newer data.",
                "set primary back to 'sql' in the ledger only if SQL takes the writes again",
            )

    def state(self) -> Document:
        return self.tables.find_one({"_id": self.table_id}) or {}

    # --- one run -----------------------------------------------------------------------------------------------------

    def begin(self, *, source: str) -> None:
        """Open this run's record. A repeated attempt of the same run starts a new one in its place."""
        of_run = [("table_id", 1), ("run_id", 1)]
        self._ranges.create_index([*of_run, ("first", 1), ("position", 1)], name="in_order")
        self._ranges.create_index([*of_run, ("documents", 1)], name="by_documents")
        self._runs.create_index([("run_id", 1)], name="by_run")
        self._runs.create_index([("catalog", 1), ("collection", 1), ("started", -1)], name="by_table")
        earlier = self._runs.find_one({"_id": self._run_key}, {"staging": 1}) or {}
        self._runs.replace_one(
            {"_id": self._run_key},
            {
                **earlier,  # a staging collection that an attempt has filled can still be gone on with
                "_id": self._run_key,
                "catalog": self._catalog.name,
                "table": self._table.source,
                "collection": self._table.collection,
                "run_id": self._run.run_id,
                "holder": self._run.holder.as_document(),
                "source": source,
                "spec": self._table.fingerprint,
                "phase": "begin",
                "started": datetime.now(UTC),
                "status": "running",
            },
            upsert=True,
        )

    def begin_step(self, *, source: str, failed_part: str) -> None:
        """Open this run's record for a step that does a part of it, unless another step has done so. What an earlier
        attempt failed of is forgotten, if it failed in this part.
        """
        if self._runs.find_one({"_id": self._run_key}, {"_id": 1}) is None:
            self.begin(source=source)
        again = {"$set": {"status": "running"}, "$unset": {"ended": "", "error": "", "failed_part": ""}}
        self._runs.update_one({"_id": self._run_key, "failed_part": failed_part}, again)

    def phase(self, name: str) -> None:
        """Record what this run does now."""
        if name == self._phase:
            return
        self._phase = name
        self._runs.update_one({"_id": self._run_key}, {"$set": {"phase": name}})

    def note(self, **facts: Any) -> None:
        """Add facts to this run's record."""
        self._runs.update_one({"_id": self._run_key}, {"$set": facts})

    def end(self, status: str, **facts: Any) -> None:
        """Close this run's record and forget the oldest ones."""
        self._runs.update_one({"_id": self._run_key}, {"$set": {"status": status, "ended": datetime.now(UTC), **facts}})
        mine = {"catalog": self._catalog.name, "collection": self._table.collection}
        for old in self._runs.find(mine, {"_id": 1}).sort("started", -1).skip(KEPT_RUNS):
            self._runs.delete_one({"_id": old["_id"]})

    def fail(self, error: BaseException | None, **facts: Any) -> None:
        """Close this run's record with an error. The texts of errors that are not ours can quote documents."""
        told = str(error) if isinstance(error, AtlasError) else type(error).__name__
        self.end("failed", error=told if error else "not published", **facts)

    @property
    def _run_key(self) -> str:
        return f"{self.table_id}:{self._run.run_id}"

    # --- key ranges --------------------------------------------------------------------------------------------------

    def forget_ranges_of_this_run(self) -> None:
        """Make room for the ranges of this attempt. Those of an attempt that died in the middle of a change stay, under
        another name, for its documents may be there.
        """
        gap = self.state().get("gap") or {}
        if gap.get("run_id") == self._run.run_id:
            aside = f"{self._run.run_id}:gap"
            self.ranges_of(self._run.run_id).rename(aside)
            self._set(gap={**gap, "run_id": aside})
        self.ranges_of(self._run.run_id).remove()

    def ranges_of_this_run(self) -> RangeStore:
        """The ranges that this run records."""
        return self.ranges_of(self._run.run_id)

    def ranges_of(self, run_id: str) -> RangeStore:
        """The ranges that a run recorded of this table."""
        return RangeStore(self._ranges, self.table_id, run_id)

    def ranges(self, run_id: str) -> Iterator[KeyRange]:
        """The ranges that a run loaded, in key order."""
        return self.ranges_of(run_id).all()

    def published_ranges(self) -> Iterator[KeyRange]:
        """The ranges of what is published, and of a run that died while it changed that in place; none when this
        pipeline never published the table as a collection of this kind.
        """
        state = self.state()
        for made in (state.get("published"), state.get("gap")):
            if made and made.get("storage", "plain") == self._table.storage:
                yield from self.ranges(str(made["run_id"]))

    def published_bounds(self) -> list[Any]:
        """The `_id`s at which the published ranges begin, but the first, in their order."""
        published = self.state().get("published") or {}
        return [mark.first for mark in self.ranges_of(str(published.get("run_id"))).marks()[1:]]

    def forget_keys(self, hashes: set[bytes]) -> None:
        """Take keys out of this run's ranges: their documents were removed again before anything was published."""
        self.ranges_of(self._run.run_id).forget_keys(hashes)

    @property
    def published_keys(self) -> PublishedKeys:
        """The keys of what is published, to be changed one by one. Raises TargetError when nothing is."""
        published = self.state().get("published")
        if not published:
            raise TargetError(f"{self.table_id} was never published.", "sync the table first")
        if self._keys is None or self._keys[0] != published["run_id"]:
            keys = PublishedKeys(self._ranges, self.table_id, str(published["run_id"]))
            self._keys = str(published["run_id"]), keys
        return self._keys[1]

    def learn_keys(self, ids: Sequence[Any]) -> dict[int, bytes]:
        """Count `_id`s among the published ones, before their documents are written. Can be repeated.

        Returns:
            Position in `ids` -> hash, of those that were not known.

        Raises:
            TargetError: The table was never published, or one range would have to know too many keys.
        """
        return self.published_keys.learn(ids)

    def forget_published_keys(self, ids: Sequence[Any]) -> None:
        """Take `_id`s out of the published ones, after their documents are gone. Can be repeated."""
        if ids:
            self.published_keys.forget(ids)

    def unknown_keys(self, ids: Sequence[Any]) -> set[int]:
        """Positions of the `_id`s that are not among the published ones: a document there is a foreign one."""
        return self.published_keys.unknown(ids)

    def note_changed(self, *, quarantined: int, **facts: Any) -> None:
        """Bring the record of what is published up to date after single changes: documents, by the keys that are known,
        rows in quarantine, and further facts.
        """
        known = {"documents": self.published_keys.count(), "quarantined": quarantined, "digest": "", **facts}
        self._set(**{f"published.{name}": value for name, value in known.items()})

    def synced(self, facts: Document, *, whole: bool, by_cursor: bool) -> None:
        """Record that what is published was brought in step in place. The run that loaded it stays the one by which its
        ranges and its quarantine are known.

        Args:
            facts: What the ledger keeps of the run.
            whole: Whether the whole table was compared.
            by_cursor: Whether it was synced by its cursor.
        """
        now = datetime.now(UTC)
        changed = {f"published.{name}": value for name, value in facts.items()}
        changed |= {"published.at": now, "published.synced_by": self._run.run_id}
        if whole:
            changed |= {"reconciled": {"at": now, "run_id": self._run.run_id}, "published.cursor_syncs": 0}
        counted = {"$inc": {"published.cursor_syncs": 1}} if by_cursor else {}
        self.tables.update_one({"_id": self.table_id}, {"$set": changed, **counted})

    # --- publication -------------------------------------------------------------------------------------------------

    def announce(self, *, staging: str, uuid: Any, facts: Document) -> None:
        """Say, before the rename, what is about to be published. A rename keeps the collection's UUID.

        Raises:
            TargetError: This run does not hold the lease any more.
        """
        swap = {"run_id": self._run.run_id, "staging": staging, "uuid": uuid, "facts": facts}
        held = {"_id": self.table_id, "lease.run_id": self._run.run_id}
        if not self.tables.update_one(held, {"$set": {"swap": swap}}).matched_count:
            raise TargetError(f"{self.table_id}: the lease was lost right before the swap.", "run again")

    def publish(self) -> None:
        """Record that the announced swap has happened. Can be repeated."""
        swap = self.state().get("swap")
        if swap is None:
            return
        now = datetime.now(UTC)
        published = {"run_id": swap["run_id"], "uuid": swap["uuid"], "at": now, **swap["facts"]}
        self.tables.update_one(
            {"_id": self.table_id, "swap.run_id": swap["run_id"]},
            {
                "$set": {
                    "published": {**published, "synced_by": swap["run_id"]},
                    "reconciled": {"at": now, "run_id": swap["run_id"]},
                    "swap": None,
                    "loading": None,
                    "gap": None,
                }
            },
        )
        self._ranges.delete_many({"table_id": self.table_id, "run_id": {"$ne": swap["run_id"]}})
        self.stretches.delete_many({"table_id": self.table_id})

    def withdraw(self) -> None:
        """Forget an announced swap that did not happen."""
        self._set(swap=None)

    def note_staging(self, name: str) -> None:
        """Record that a staging collection of this run exists, before it does."""
        self.tables.update_one({"_id": self.table_id}, {"$addToSet": {"staging": name}})

    def forget_staging(self, name: str) -> None:
        self.tables.update_one({"_id": self.table_id}, {"$pull": {"staging": name}})

    def note_loading(self, uuid: Any = None) -> None:
        """Record that this run loads a collection that nobody published yet, before it makes it and, with its UUID,
        right after.
        """
        self._set(loading={"run_id": self._run.run_id, "uuid": uuid})

    def forget_loading(self) -> None:
        self._set(loading=None)

    def note_gap(self, **facts: Any) -> None:
        """Record, before the first document goes, that this run changes what is published in place."""
        since = datetime.now(UTC)
        self._set(gap={"run_id": self._run.run_id, "since": since, "storage": self._table.storage, **facts})

    def _set(self, **fields: Any) -> None:
        self.tables.update_one({"_id": self.table_id}, {"$set": fields})

    def close_dead_runs(self) -> list[str]:
        """Mark runs of this table that are still recorded as running, though this run holds the lease, as dead."""
        mine = {
            "catalog": self._catalog.name,
            "collection": self._table.collection,
            "status": "running",
            "run_id": {"$ne": self._run.run_id},
        }
        dead = [run["run_id"] for run in self._runs.find(mine, {"run_id": 1})]
        self._runs.update_many(mine, {"$set": {"status": "died", "ended": datetime.now(UTC)}})
        return dead

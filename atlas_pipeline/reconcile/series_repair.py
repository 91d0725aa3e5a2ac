"""Repairing a time series: by the load that compares all of it and rewrites what differs in place, for no server
changes single documents of one.

What does not belong here: repairing ordinary collections (`repair`), and how a time series is changed
(`atlas_pipeline.load.series_load`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import bson

from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.evolution import as_synced
from atlas_pipeline.load.foreign import foreign_among
from atlas_pipeline.load.lease import require_free
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.reconcile.corrections import FOREIGN, WRITTEN_OFTEN
from atlas_pipeline.reconcile.differences import Difference
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.reconcile.points import look
from atlas_pipeline.reconcile.records import Records
from atlas_pipeline.reconcile.repair_result import Request, TableRepair, pages

MOST_AT_ONCE = 20_000
"""Keys that are looked at in one scan."""


def repair_series(opened: Opened, request: Request, records: Records, found: TableRepair) -> None:
    """Repair what verifications reported of a time series. Raises as `repair.repair_table`."""
    repair = _SeriesRepair(opened, request, records, found)
    repair.run()
    request.progress(found.reported)


@dataclass(slots=True)
class _SeriesRepair:
    opened: Opened
    request: Request
    records: Records
    found: TableRepair

    def run(self) -> None:
        with self.opened.sides() as sides:
            require_free(sides.ledger.tables, sides.ledger.table_id)
        reasons = {why for _, why in self._look()}
        self.found.already_equal = self.found.reported - self.records.count()
        if reasons and (self._may_delete or reasons != {FOREIGN}):
            self._load()
            for one, why in self._look(loaded=True):
                self.found.left.add(one, why if why == FOREIGN else WRITTEN_OFTEN)
        else:
            for one, why in self._look():
                self.found.left.add(one, why)

    @property
    def _may_delete(self) -> bool:
        return self.request.may_delete_foreign(self.opened.table.sync.foreign_documents)

    def _look(self, *, loaded: bool = False) -> Iterator[tuple[Difference, str]]:
        """The reported keys that differ, each with FOREIGN or its reason. What is equal leaves the records.

        Args:
            loaded: Whether all rows were accounted for meanwhile, those without a usable key included.
        """
        for page in pages(self.records.differences(), MOST_AT_ONCE):
            with self.opened.sides() as sides:
                usable = [one for one in page if not one.keyless]
                points = list(look(sides, [one.identifier for one in usable]))
                equal = [one.identifier for one, point in zip(usable, points, strict=True) if point.equal]
                self.records.resolved(equal + [None for one in page if one.keyless and loaded])
                differing = [(one, point) for one, point in zip(usable, points, strict=True) if not point.equal]
                extra = {_hash(point.identifier) for _, point in differing if point.row is None}
                foreign = foreign_among(extra, sides.ledger.published_ranges()) if extra else set()
            for one, point in differing:
                is_foreign = point.row is None and _hash(point.identifier) in foreign
                yield one, FOREIGN if is_foreign else one.why
            yield from ((one, one.why) for one in page if one.keyless and not loaded)

    def _load(self) -> None:
        opened, found, table = self.opened, self.found, self.opened.table
        entries = CurrentEntries(opened.target.pipeline_database(opened.catalog), opened.catalog, table)
        before = entries.count()
        policy = replace(table.sync, foreign_documents="delete" if self._may_delete else table.sync.foreign_documents)
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        pipeline = opened.target.pipeline_database(opened.catalog)
        state = TableLedger(pipeline, opened.catalog, table, run).state()
        with (
            opened.source.snapshot(label=run.run_id) as snapshot,
            SeriesLoad(
                target=opened.target,
                catalog=opened.catalog,
                table=replace(synced := as_synced(snapshot, table, state), sync=policy),
                snapshot=snapshot,
                run=run,
                sealer=self.request.sealer,
            ) as load,
        ):
            load.copy()
            load.build()
            load.publish(spec=synced.fingerprint, schema=(state.get("published") or {}).get("schema"))
        found.recovered = load.facts.recovered
        found.inserted, found.replaced, found.deleted = (
            load.facts.inserted,
            load.facts.replaced,
            load.facts.deleted,
        )
        found.quarantined = max(0, entries.count() - before)


def _hash(identifier: object) -> bytes:
    return key_hash(bson.encode({"_id": identifier}))

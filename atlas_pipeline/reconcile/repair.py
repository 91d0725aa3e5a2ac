"""Repairing one table: the keys that verifications reported, and no others, brought to what their rows map to.

Every key is looked at on both sides before anything is done and again, by a new view of the source, afterwards; what is
equal then leaves the records. The records are the work that is left: whoever is killed in between goes on with them.
What does not belong here: correcting single keys (`corrections`), and finding differences (`verify`).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.recovery import recover_leaving_staging
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import require_plain
from atlas_pipeline.reconcile.corrections import Corrections, Means
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.reconcile.records import MOST_RECORDED, Records
from atlas_pipeline.reconcile.repair_result import Request, TableRepair
from atlas_pipeline.reconcile.rounds import correct_all, page_size
from atlas_pipeline.reconcile.series_repair import repair_series

MOST_ROUNDS = 3
"""How often a key is corrected that differs again when it is looked at afterwards."""


def repair_table(opened: Opened, request: Request | None = None) -> TableRepair:
    """Repair what verifications reported of a table, and look at it again.

    Args:
        opened: Source and target.
        request: How.

    Raises:
        SourceError: The source cannot be read as the spec says.
        LeaseHeldError: Another run works on the table.
        TargetError: The table was never compared as a whole, the collection is not one to be repaired, or the server
            went away. What was corrected until then is.
        DataQualityError: A time series could not be brought to what its table holds.
    """
    request = request or Request()
    began = time.perf_counter()
    table = opened.table
    found = TableRepair(catalog=opened.catalog.name, table=table.source, collection=table.collection)
    with opened.target.translated():
        records = Records(opened.target.pipeline_database(opened.catalog), opened.catalog, table)
        compared = records.last_whole()
        found.reported = records.count()
        if not found.reported and compared is None:
            raise TargetError(
                f"{table.collection}: no verification of all of it is recorded, so nobody knows what to repair.",
                f"run `atlas-pipeline verify {opened.catalog.name} --table {table.collection}` first",
            )
        if found.reported and table.storage == "plain":
            _Repair(opened, request, records, found).run()
        elif found.reported:
            repair_series(opened, request, records, found)
        found.unrecorded = _unrecorded(opened, compared)
    found.seconds = time.perf_counter() - began
    return found


def _unrecorded(opened: Opened, compared: dict[str, Any] | None) -> int:
    """How many differences the last verification found beyond those that are recorded, unless a sync came after it."""
    tables = opened.target.pipeline_database(opened.catalog)["tables"]
    state = tables.find_one({"_id": f"{opened.catalog.name}.{opened.table.collection}"}) or {}
    if compared is None or state.get("published", {}).get("at", compared["ended"]) > compared["ended"]:
        return 0
    return max(0, sum(map(int, compared["counts"]["kinds"].values())) - MOST_RECORDED)


@dataclass(slots=True)
class _Repair:
    """The repair of an ordinary collection."""

    opened: Opened
    request: Request
    records: Records
    found: TableRepair

    def run(self) -> None:
        opened = self.opened
        pipeline = opened.target.pipeline_database(opened.catalog)
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        ledger = TableLedger(pipeline, opened.catalog, opened.table, run)
        lease = Lease(ledger.tables, ledger.table_id, run)
        with lease:
            ledger.begin(source=opened.source.description)
            try:
                self._prepare(ledger, run)
                ledger.phase("repair")
                means = Means(
                    run=run,
                    lease=lease,
                    ledger=ledger,
                    entries=CurrentEntries(pipeline, opened.catalog, opened.table),
                    records=self.records,
                    sealer=self.request.sealer,
                    delete_foreign=self.request.may_delete_foreign(opened.table.sync.foreign_documents),
                    after_dead_run=bool(self.found.recovered),
                )
                self._rounds(means)
            except BaseException as error:
                known = opened.target.translate(error) if isinstance(error, PyMongoError) else error
                ledger.fail(known, **self.found.counts())
                raise
            ledger.end("repaired", **self.found.counts())

    def _prepare(self, ledger: TableLedger, run: RunIdentity) -> None:
        opened = self.opened
        database, pipeline = opened.target.database(opened.catalog), opened.target.pipeline_database(opened.catalog)
        quarantine = Quarantine(pipeline, opened.catalog, opened.table, run)
        self.found.recovered = recover_leaving_staging(database, opened.table.collection, ledger, quarantine)
        ledger.require_forward()
        require_plain(database, opened.table.collection)

    def _rounds(self, means: Means) -> None:
        found = self.found
        if means.after_dead_run:
            means.ledger.note_changed(quarantined=means.entries.count())
        for number in range(MOST_ROUNDS + 1):
            with self.opened.sides() as sides:
                corrections = Corrections(sides, means, write=number < MOST_ROUNDS)
                progress = self.request.progress if number == 0 else lambda _: None
                correct_all(corrections, self.records.differences(), page_size(sides), progress)
            done = corrections.done
            found.inserted += done.inserted
            found.replaced += done.replaced
            found.deleted += done.deleted + done.marked
            found.quarantined += done.quarantined
            found.left = done.left
            if number == 0:
                found.already_equal = done.equal
            if not done.changes:
                return
            means.ledger.note_changed(quarantined=means.entries.count())

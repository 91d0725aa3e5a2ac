"""One step of a load in several steps: one planned stretch of keys, in a view of the source of its own.

It can be repeated, by the same run or another one: what an attempt that did not get to its end has left is removed
first. What does not belong here: which stretches there are (`ranged_plan`), and what changes at the source after a
stretch was read, which the reload finds that goes on behind all of them (`resume`).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

from typing_extensions import override

from atlas_pipeline.errors import SourceError, TargetError
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row, Stretch
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.ranges import RangeRecorder
from atlas_pipeline.load.recovery import end_operations
from atlas_pipeline.load.staging_work import Sent, StagingWork
from atlas_pipeline.load.stretch_plan import Planned, StretchPlan
from atlas_pipeline.load.table_work import unobserved
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.load.unfinished import Unfinished
from atlas_pipeline.load.writer import BulkWriter


class StretchLoad(StagingWork):
    """The load of one planned stretch. Use as a context manager, and `load` within.

    Args:
        number: Of the stretch.
        given: As for any work on a table.

    Raises:
        TargetError: On entering, when no such stretch is planned, or its staging collection is gone.
        SourceError: On entering, when it was planned for another schema or spec.
        LeaseHeldError: On entering, when another run works on the table.
    """

    _shares_lease = True

    def __init__(self, *, number: int, **given: Any) -> None:
        super().__init__(**given)
        self._number = number
        self._part = {"failed_part": str(number)}
        self._comment = f"{self.run.run_id}/{number}"  # so that what it left can be ended without ending the others

    def load(self) -> int:
        """Load the stretch unless it is loaded, and record that it is. Gives the number of rows read.

        Raises:
            SourceError: The source cannot be read on.
            TargetError: The server refused what no single document explains, or a count does not add up.
            LeaseHeldError: The lease was lost meanwhile.
        """
        if not self._planned.loaded:
            self._clear()
            self._copy()
            self._lease.require()
            StretchPlan(self.ledger).note_loaded(self._number, sent_bytes=self.facts.bytes_sent)
        self._ended = True
        return self.facts.read

    @override
    def _prepare(self) -> None:
        self._begin()
        self._open_collection()

    @override
    def _begin(self) -> None:
        self.ledger.begin_step(source=self.snapshot.description, **self._part)

    @override
    def _fail(self, error: BaseException | None) -> None:
        self.ledger.fail(error, **self._part)

    @override
    def _open_collection(self) -> None:
        planned = StretchPlan(self.ledger).stretch(self._number)
        name = None if planned is None else self._name_of(planned.uuid)
        if planned is None or name is None:
            raise TargetError(
                f"{self.ledger.table_id}: stretch {self._number} is not planned any more.",
                "start a run of the whole asset, whose first step plans it",
            )
        filled = Unfinished.of(self.ledger, name, planned.uuid)
        if why := filled.unfit(self._terms):
            raise SourceError(
                f"{self.ledger.table_id}: stretch {self._number} was planned for something else: {why}.",
                "start a run of the whole asset, whose first step plans it anew",
            )
        self.staging = self.database[name]
        self._file_under(planned)

    def _name_of(self, uuid: Any) -> str | None:
        """Name of the staging collection, which others may have renamed since."""
        noted = self.ledger.state().get("staging", [])
        return next((name for name in noted if collection_uuid(self.database, name) == uuid), None)

    def _file_under(self, planned: Planned) -> None:
        """Record what is loaded as the run that planned it does, where the reload looks for it."""
        pipeline, filed = self._target.pipeline_database(self.catalog), replace(self.run, run_id=planned.run_id)
        self._planned = planned
        self._filed = TableLedger(pipeline, self.catalog, self.table, filed)
        self.quarantine = Quarantine(pipeline, self.catalog, self.table, filed, self._sealer)
        self._recorder = RangeRecorder(self._filed, self.seed, position=planned.numbers.start)
        self._batch = planned.numbers.start

    def _clear(self) -> None:
        for run_id in {self.run.run_id, self._planned.run_id}:
            end_operations(self.database, f"{run_id}/{self._number}")
        self._planned.clear(self.staging, self._filed.ranges_of_this_run(), self.quarantine, comment=self._comment)

    def _copy(self) -> None:
        stretch = Stretch(first=self._source_key(self._planned.first), before=self._source_key(self._planned.before))
        with (
            BulkWriter[Sent](self.staging, comment=self._comment, batch_bytes=self.snapshot.batch_bytes) as writer,
            closing(read_ahead(self.snapshot.batches(self.table, stretch=stretch))) as batches,
        ):
            for rows in batches:
                self._send(rows, writer, unobserved)
            self._settle(writer)

    def _source_key(self, bound: Any) -> Row | None:
        return None if bound is None else self._codec.source_key(bound)

    @override
    def _give_up(self, error: BaseException | None, *, lost: bool) -> None:
        """What is loaded of it stays until somebody begins with it anew. When the lease was lost, another run may be
        about to do so in the same collection.
        """

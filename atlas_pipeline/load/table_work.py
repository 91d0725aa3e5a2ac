"""Working on one table under its lease: its lifetime, what dead runs left, and the account of every row.

    with TableWork(...) as work:     lease, recovery of dead runs, refusals before anything is read

What does not belong here: what is done inside the block (`table_load`, `ranged_plan`, `stretch_load`), and Dagster.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pymongo.errors import PyMongoError

from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.fingerprint import seed_of
from atlas_pipeline.load.guards import Guards
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.recovery import recover
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.load.target import Target
from atlas_pipeline.mapping.lookups import read_lookups
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from atlas_pipeline.embedding.enrich import Enricher

Document = dict[str, Any]
Observer = Callable[[list[Row], MappedBatch | None], None]
"""Called with each batch of rows and what it became; with None for rows whose documents are there already."""


def unobserved(_rows: list[Row], _mapped: MappedBatch | None) -> None:
    """The observer that takes note of nothing."""


class TableWork(ABC):
    """What a run does to one table.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: What to load.
        snapshot: The one view of the source that this run reads.
        run: Who does it.
        force: Go on though the collection would lose more of its documents than the policy allows.
        enricher: Gives documents their vectors, for a table that asks for them.
        sealer: Seals values of secret columns in the quarantine; without one they are left out.
        progress: Called with the number of rows that were acknowledged or quarantined.
    """

    _shares_lease = False
    """Whether other steps of the same run work on the table too."""

    _part: Mapping[str, str] = {}
    """What the run's record calls the part that this step does of it, if it fails."""

    def __init__(
        self,
        *,
        target: Target,
        catalog: CatalogSpec,
        table: TableSpec,
        snapshot: Snapshot,
        run: RunIdentity,
        force: bool = False,
        enricher: Enricher | None = None,
        sealer: Sealer | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.catalog, self.table, self.snapshot, self.run = catalog, table, snapshot, run
        self.facts = LoadFacts()
        self.database = target.database(catalog)
        pipeline = target.pipeline_database(catalog)
        self.ledger = TableLedger(pipeline, catalog, table, run)
        self.quarantine = Quarantine(pipeline, catalog, table, run, sealer)
        lookups = read_lookups(snapshot, table)
        self.mapper = Mapper(self._table_to_map(), lookups)
        self.enricher = enricher
        self.seed = seed_of(table, lookups, enricher.model if enricher else "")
        self._target, self._sealer, self._progress = target, sealer, progress
        self._guards = Guards(
            database=self.database, ledger=self.ledger, table=table, snapshot=snapshot, force=force, comment=run.run_id
        )
        self._lease = Lease(self.ledger.tables, self.ledger.table_id, run, shared=self._shares_lease)
        self._open = ExitStack()
        self._ended = False

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(self._target.translated())
            try:
                with self._target.translated():
                    undo.enter_context(self._lease)
                    self._prepare()
            except BaseException as error:
                self._begin()
                self.ledger.fail(error, **self._part)
                raise
            self._open = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:  # gives the lease back, and translates the driver's errors
            known = self._target.translate(error) if isinstance(error, PyMongoError) else error
            if not self._ended:
                self._give_up(known, lost=self._lease.lost())
                self._fail(known)
            if error is not None:
                raise error

    def _prepare(self) -> None:
        self.facts.recovered = self._recover()
        if self._lease.taken_over_from:
            self.facts.recovered.insert(0, f"the lease of dead run {self._lease.taken_over_from} was taken over")
        for require in self._guards.questions_of_holder().values():
            require()
        self._begin()
        self.ledger.phase("read")
        self.facts.source_rows = self.snapshot.count(self.table)
        self.facts.duplicate_keys = self.snapshot.duplicate_keys(self.table)
        self._open_collection()

    def _begin(self) -> None:
        """Open the run's record."""
        self.ledger.begin(source=self.snapshot.description)

    def _fail(self, error: BaseException | None) -> None:
        """Close the run's record with an error."""
        self.ledger.fail(error, **self._summary())

    def _table_to_map(self) -> TableSpec:
        """The table with the fields of its documents in the order in which they are sent."""
        return self.table

    def _recover(self) -> list[str]:
        """Finish or undo what dead runs left. Gives sentences on what was done."""
        return recover(self.database, self.table.collection, self.ledger, self.quarantine)

    def _start_over(self) -> None:
        """Forget what earlier attempts of this run have recorded."""
        self.ledger.forget_ranges_of_this_run()
        self.quarantine.start()

    @abstractmethod
    def _open_collection(self) -> None:
        """Find, or make, the collection that documents go to."""

    @abstractmethod
    def _give_up(self, error: BaseException | None, *, lost: bool) -> None:
        """Clean up after a failure; `lost` says that another run has the table by now."""

    def _take(
        self,
        rows: list[Row],
        distinct: list[Row],
        repeated: list[Reject],
        observe: Observer,
        *,
        batch: int | None = None,
    ) -> MappedBatch:
        """Map one batch and account for each of its rows; `repeated` are those that `distinct` lacks."""
        self.facts.read += len(rows)
        mapped = self._map(distinct)
        self._reject([*repeated, *mapped.rejects], batch=batch)
        self.facts.fidelity.update(mapped.fidelity)
        if mapped.newest is not None:
            self.facts.newest = max(self.facts.newest or mapped.newest, mapped.newest)
        observe(rows, mapped)
        self.facts.document_bytes += sum(map(len, mapped.documents))
        return mapped

    def _map(self, rows: list[Row]) -> MappedBatch:
        return self.mapper.map_batch(rows)

    def _reject(self, rejects: list[Reject], *, batch: int | None = None) -> None:
        if rejects:
            self.quarantine.add(rejects, batch=batch)
            self._progress(len(rejects))

    def _end(self, status: str, **facts: Any) -> None:
        self.ledger.end(status, **(self._summary() | facts))
        self._ended = True

    def _summary(self) -> Document:
        return {**self.facts.summary(), "spec": self.table.fingerprint, "storage": self.table.storage}

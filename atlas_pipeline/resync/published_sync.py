"""What every sync of a published collection in place shares: its lifetime, and what the ledger says of it afterwards.

    with PublishedSync(...) as sync:     lease, recovery of dead runs, refusals before anything is read
        ...                              what the ways do, each in its own order
        sync.record() or sync.withhold()

What does not belong here: finding what differs, and bringing it in step (`in_place`, `series_append`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pymongo.errors import PyMongoError

from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.guards import Covers, Guards
from atlas_pipeline.load.held import Held
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.recovery import recover
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.load.target import Target
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.reconcile.records import Records
from atlas_pipeline.reconcile.sides import Sides, open_sides
from atlas_pipeline.resync.scope import Way
from atlas_pipeline.resync.watermark import settled_until
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from atlas_pipeline.embedding.enrich import Enricher

Document = dict[str, Any]


class PublishedSync(ABC):
    """The sync of one published table in place; see the module's charter for the order of its methods.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: What to sync.
        snapshot: The one view of the source that this run reads.
        run: Who does it.
        way: How what differs is found.
        force: Go on though the collection would lose more of its documents than the policy allows.
        enricher: Gives documents their vectors, for a table that asks for them.
        sealer: Seals values of secret columns in the quarantine; without one they are left out.
        progress: Called with the number of rows that were compared.
    """

    held: Held
    """The documents as the server holds them, for the sample."""

    def __init__(  # noqa: PLR0913 - each is the caller's choice, and all are named
        self,
        *,
        target: Target,
        catalog: CatalogSpec,
        table: TableSpec,
        snapshot: Snapshot,
        run: RunIdentity,
        way: Way,
        force: bool = False,
        enricher: Enricher | None = None,
        sealer: Sealer | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.catalog, self.table, self.snapshot, self.run, self.way = catalog, table, snapshot, run, way
        self.facts = LoadFacts(mode=way)
        self.enricher = enricher
        self.database = target.database(catalog)
        self._pipeline = target.pipeline_database(catalog)
        self.ledger = TableLedger(self._pipeline, catalog, table, run)
        self._target, self._sealer, self._force, self._progress = target, sealer, force, progress
        self._covers: Covers = "whole" if way == "reconcile" else "some"
        self._lease = Lease(self.ledger.tables, self.ledger.table_id, run)
        self._open = ExitStack()
        self._ended = False

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(self._target.translated())
            try:
                with self._target.translated():
                    undo.enter_context(self._lease)
                    self._recover()
                    self._prepare(undo)
            except BaseException as error:
                self.ledger.begin(source=self.snapshot.description)
                self.ledger.fail(error)
                raise
            self._open = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            known = self._target.translate(error) if isinstance(error, PyMongoError) else error
            if not self._ended:
                self.ledger.fail(known, **self._summary())
            if error is not None:
                raise error

    def _recover(self) -> None:
        quarantine = Quarantine(self._pipeline, self.catalog, self.table, self.run)
        self.facts.recovered = recover(self.database, self.table.collection, self.ledger, quarantine)
        if self._lease.taken_over_from:
            self.facts.recovered.insert(0, f"the lease of dead run {self._lease.taken_over_from} was taken over")
        guards = Guards(
            database=self.database,
            ledger=self.ledger,
            table=self.table,
            snapshot=self.snapshot,
            force=self._force,
            comment=self.run.run_id,
        )
        for require in guards.questions_of_holder(self._covers).values():
            require()
        if self._covers == "whole":
            self.facts.source_rows = self.snapshot.count(self.table)
        self.ledger.begin(source=self.snapshot.description)

    @abstractmethod
    def _prepare(self, undo: ExitStack) -> None:
        """Open what this way works with; what is entered into `undo` is left at the end."""

    def _open_sides(self) -> None:
        self.sides: Sides = open_sides(
            target=self._target,
            catalog=self.catalog,
            table=self.table,
            snapshot=self.snapshot,
            enricher=self.enricher,
            comment=self.run.run_id,
            as_next_sync=True,
        )
        self.table = self.sides.table
        self.mapper: Mapper = self.sides.mapper
        self.quarantine: Quarantine = self.sides.quarantine
        self._entries = CurrentEntries(self._pipeline, self.catalog, self.table)
        self._records = Records(self._pipeline, self.catalog, self.table)

    @property
    def last_whole(self) -> tuple[str, list[Document]]:
        """When the whole table was looked at last, and the outcomes of the checks then."""
        state = self.ledger.state()
        at = (state.get("reconciled") or {}).get("at") or self.sides.published["at"]
        return f"{at:%Y-%m-%d %H:%M} UTC", list(self.sides.published.get("checks", []))

    @abstractmethod
    def record(self, **facts: Any) -> None:
        """Record what is published now.

        Args:
            facts: What the ledger should keep of the checks.
        """

    def _record(self, **facts: Any) -> None:
        self._lease.require()
        cursor = self.table.sync.cursor
        whole = self._covers == "whole"
        by_cursor = self.way in ("watermark", "append")
        if cursor is not None and (whole or by_cursor):
            self.facts.watermark = settled_until(self.snapshot.time, cursor)
            self.facts.lag_seconds = (self.snapshot.time.now - self.facts.watermark).total_seconds()
        self.ledger.synced(self._summary() | facts, whole=whole, by_cursor=by_cursor)
        self._end("published", **facts)

    def withhold(self, **facts: Any) -> None:
        """Record that a check failed: what was changed stays, and is not called in step."""
        self._end("withheld", **facts)

    def _end(self, status: str, **facts: Any) -> None:
        self.ledger.end(status, **(self._summary() | facts))
        self._ended = True

    def _summary(self) -> Document:
        return {**self.facts.summary(), "spec": self.table.fingerprint, "storage": self.table.storage}

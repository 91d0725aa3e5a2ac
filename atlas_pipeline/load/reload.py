"""One table by reload: from a snapshot into staging, verified, then swapped in. The phases in their order:

    with Reload(...) as reload:      lease, recovery of dead runs, refusals before anything is read
        reload.copy(observe)         read, map, write: overlapped and bounded
        reload.build()               bytes verified, unique indexes built, exact counts
        ...                          the caller's checks, against the same snapshot and staging
        reload.publish()             swap and ledger

Leaving the block without `publish` leaves the live collection as it was. What does not belong here: Dagster, and what
the caller checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load import duplicates, foreign, indexes, staging
from atlas_pipeline.load.guards import Guards
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.ranges import RangeRecorder
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.target import Target, collection_info
from atlas_pipeline.load.writer import Acknowledged, BulkWriter
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]
Observer = Callable[[list[Row], MappedBatch], None]


@dataclass(slots=True)
class LoadFacts:
    """What a reload did. Counts are of rows and documents, sizes in bytes.

    Attributes:
        source_rows: Rows of the table, counted by the source in the snapshot.
        duplicate_keys: Source rows that share their key with another row.
        read: Rows read.
        loaded: Documents of this table in staging, counted by the server.
        kept_foreign: Foreign documents carried over into staging.
        quarantined: Rows of this run in quarantine, counted by the server.
        bytes_sent: Encoded documents sent.
        truncated: Per column, dates that lost their microseconds.
        digest: Digest over the documents of staging in `_id` order, as they were read back.
        carried_indexes: Live indexes outside the spec that the new collection has too.
        recovered: Sentences on what was found of dead runs and done about it.
    """

    source_rows: int = 0
    duplicate_keys: int = 0
    read: int = 0
    loaded: int = 0
    kept_foreign: int = 0
    quarantined: int = 0
    bytes_sent: int = 0
    truncated: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    carried_indexes: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)


class Reload:
    """The reload of one table; see the module's charter for the order of its methods.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: What to load.
        snapshot: The one view of the source that this run reads.
        run: Who does it.
        force: Go on though the collection would lose more of its documents than the policy allows.
        progress: Called with the number of rows that were acknowledged or quarantined.
    """

    def __init__(
        self,
        *,
        target: Target,
        catalog: CatalogSpec,
        table: TableSpec,
        snapshot: Snapshot,
        run: RunIdentity,
        force: bool = False,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.catalog, self.table, self.snapshot, self.run = catalog, table, snapshot, run
        self.facts = LoadFacts()
        self.database = target.database(catalog)
        pipeline = target.pipeline_database(catalog)
        self.ledger = TableLedger(pipeline, catalog, table, run)
        self.quarantine = Quarantine(pipeline, catalog, table, run)
        self._target, self._progress = target, progress
        self._guards = Guards(
            database=self.database, ledger=self.ledger, table=table, snapshot=snapshot, force=force, comment=run.run_id
        )
        self._lease = Lease(self.ledger.tables, self.ledger.table_id, run)
        self._open = ExitStack()
        self._ended = False
        lookups = {c.name: snapshot.restorable_texts(*c.restored_from) for c in table.columns if c.restored_from}
        self.mapper = Mapper(table, lookups)
        self.staging: Collection[Document]

    def __enter__(self) -> Reload:
        with ExitStack() as undo:
            undo.enter_context(self._target.translated())
            try:
                with self._target.translated():
                    undo.enter_context(self._lease)
                    self._prepare()
            except BaseException as error:
                self.ledger.begin(source=self.snapshot.description)
                self.ledger.fail(error)
                raise
            self._open = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:  # gives the lease back, and translates the driver's errors
            known = self._target.translate(error) if isinstance(error, PyMongoError) else error
            if not self._ended:
                if self._lease.lost():  # who has it now removed our staging collection; a late write of ours remade it
                    self.staging.drop(comment=self.run.run_id)
                self.ledger.fail(known, **self._summary())
            if error is not None:
                raise error

    def _prepare(self) -> None:
        self.facts.recovered = staging.recover(self.database, self.table.collection, self.ledger, self.quarantine)
        if self._lease.taken_over_from:
            self.facts.recovered.insert(0, f"the lease of dead run {self._lease.taken_over_from} was taken over")
        for require in self._guards.questions_of_holder().values():
            require()
        self.ledger.begin(source=self.snapshot.description)
        self.ledger.phase("read")
        self.facts.source_rows = self.snapshot.count(self.table)
        self.facts.duplicate_keys = self.snapshot.duplicate_keys(self.table)
        self.ledger.forget_ranges_of_this_run()
        self.quarantine.start()
        self.staging = staging.create_staging(self.database, self.table.collection, self.run, self.ledger)

    def copy(self, observe: Observer = lambda _rows, _mapped: None) -> None:
        """Read, map and write all rows.

        Args:
            observe: Called with each batch as read and as mapped, in key order.

        Raises:
            SourceError: The source cannot be read on.
            TargetError: The server refused what no single document explains, or a count does not add up.
            DataQualityError: The snapshot gave another number of rows than it counted.
        """
        facts = self.facts
        recorder = RangeRecorder(self.ledger)
        with (
            BulkWriter[MappedBatch](self.staging, comment=self.run.run_id) as writer,
            closing(read_ahead(self.snapshot.batches(self.table))) as batches,
        ):
            last_key: Row | None = None
            for rows in batches:
                facts.read += len(rows)
                distinct, repeated = rows, list[Reject]()
                if facts.duplicate_keys:
                    distinct, repeated = duplicates.split_repeated(self.mapper, rows, last_key)
                last_key = self.mapper.key_of(rows[-1])
                mapped = self.mapper.map_batch(distinct)
                self._quarantine([*repeated, *mapped.rejects])
                facts.truncated.update(mapped.truncated)
                observe(rows, mapped)
                self.ledger.phase("load")
                for acknowledged in writer.send(mapped.documents, mapped):
                    self._acknowledge(acknowledged, recorder)
            for acknowledged in writer.finish():
                self._acknowledge(acknowledged, recorder)
        recorder.close()
        if facts.read != facts.source_rows:
            raise DataQualityError(
                f"Table {self.table.source}: the snapshot counts {facts.source_rows} rows and gave {facts.read}.",
                "check the source's primary key index (PRAGMA integrity_check)",
            )

    def build(self) -> None:
        """Verify the bytes, build unique indexes, count.

        Raises:
            DataQualityError: Staging does not hold the bytes that were sent.
            TargetError: An index cannot be built, or the collection would shrink by more than its policy allows.
        """
        self.ledger.phase("check")
        self.facts.digest = staging.verify_digest(self.staging, self.ledger, self.run)
        self.ledger.phase("index")
        removed = sum(
            duplicates.build_unique(
                self.staging,
                index,
                snapshot=self.snapshot,
                mapper=self.mapper,
                quarantine=self.quarantine,
                ledger=self.ledger,
                comment=self.run.run_id,
            )
            for index in self.table.indexes
            if index.unique
        )
        early = [index for index in self.table.indexes if index.built_on_staging and not index.unique]
        indexes.create(self.staging, early, comment=self.run.run_id)
        if removed:
            self.facts.digest = staging.digest_of(self.staging, comment=self.run.run_id)
        self.ledger.phase("check")
        self.facts.loaded = self.staging.count_documents({}, comment=self.run.run_id)
        self.facts.quarantined = self.quarantine.count()
        self._guards.require_size(self.facts.loaded)

    def publish(self, **facts: Any) -> None:
        """Swap staging in and record it.

        Args:
            facts: What the ledger should keep of the checks.

        Raises:
            TargetError: The live collection is held by a transaction or holds foreign documents by now, or one that is
                to be kept clashes with a row.
            LeaseHeldError: The lease was lost meanwhile.
        """
        comment = self.run.run_id
        self.ledger.phase("rename")
        if collection_info(self.database, self.table.collection) is not None:
            self.facts.carried_indexes = indexes.carry_over(
                self._live, self.staging, self.table.indexes, comment=comment
            )
            if self.table.sync.foreign_documents == "keep":  # late, for what is written from here on is not kept
                self.facts.kept_foreign = foreign.copy_into(
                    self.staging, self._live, self.ledger.published_ranges(), comment=comment
                )
            self._guards.require_no_foreign()
        self._lease.require()
        info = collection_info(self.database, self.staging.name)
        uuid = (info or {}).get("info", {}).get("uuid")
        self.ledger.announce(staging=self.staging.name, uuid=uuid, facts=self._summary() | facts)
        staging.swap(self.staging, self.table.collection, comment=comment)
        self.ledger.phase("ledger")
        self.quarantine.publish(self.run.run_id)
        self.ledger.publish()
        self.ledger.forget_staging(self.staging.name)
        self.ledger.end("published", **self._summary(), **facts)
        self._ended = True

    def withhold(self, **facts: Any) -> None:
        """Give up: drop staging, keep the live collection, record why."""
        self.staging.drop(comment=self.run.run_id)
        self.ledger.forget_staging(self.staging.name)
        self.ledger.end("withheld", **self._summary(), **facts)
        self._ended = True

    @property
    def _live(self) -> Collection[Document]:
        return self.database[self.table.collection]

    def _summary(self) -> Document:
        return {
            "source_rows": self.facts.source_rows,
            "documents": self.facts.loaded,
            "quarantined": self.facts.quarantined,
            "kept_foreign": self.facts.kept_foreign,
            "digest": self.facts.digest,
            "bytes": self.facts.bytes_sent,
            "spec": self.table.fingerprint,
        }

    def _quarantine(self, rejects: list[Reject]) -> None:
        if rejects:
            self.quarantine.add(rejects)
            self._progress(len(rejects))

    def _acknowledge(self, acknowledged: Acknowledged[MappedBatch], recorder: RangeRecorder) -> None:
        mapped, refused = acknowledged.payload, acknowledged.refused
        self._quarantine([self.mapper.reject(mapped.rows[i], "", code, why) for i, (code, why) in refused.items()])
        documents, ids = acknowledged.documents, mapped.ids
        if refused:
            documents = [document for i, document in enumerate(documents) if i not in refused]
            ids = [key for i, key in enumerate(ids) if i not in refused]
        recorder.add(documents, ids)
        self.facts.bytes_sent += sum(map(len, documents))
        self._progress(len(documents))

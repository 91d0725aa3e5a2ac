"""Both sides of one table, opened for comparing: what a row should be, and what is there.

What belongs here: bringing snapshot, mapping, collection and quarantine together. What does not: walking them (`walk`)
and judging what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pymongo.collection import Collection

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.digest import split_documents
from atlas_pipeline.load.evolution import as_synced, judge, require
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.series_collection import SeriesCollection
from atlas_pipeline.load.series_form import in_form
from atlas_pipeline.load.soft_deletes import is_marked
from atlas_pipeline.load.target import Target, collection_info, collection_uuid
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.mapping.lookups import read_lookups
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import Reject, RejectCode, ValueRejectedError
from atlas_pipeline.mapping.scalars import utc_datetime, utc_datetime_from
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from atlas_pipeline.embedding.enrich import Enricher


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both sides of one table.

    Attributes:
        catalog: Catalog of the table.
        table: The table as it was synced, or is going to be.
        snapshot: One view of the source.
        mapper: Maps its rows, with look-ups from the same view.
        codec: Converts its keys.
        collection: The collection to compare with.
        ledger: The table's ledger, as the run that is published sees it.
        quarantine: The quarantine of that run.
        enricher: Judges vectors, for a table that has them.
        series: The collection as a time series, if it is one.
        published: The ledger's entry of what is published; empty when nothing is.
        comment: Shown in the server's log and current operations.
    """

    catalog: CatalogSpec
    table: TableSpec
    snapshot: Snapshot
    mapper: Mapper
    codec: KeyCodec
    collection: Collection[Any]
    ledger: TableLedger
    quarantine: Quarantine
    enricher: Enricher | None
    series: SeriesCollection | None
    published: dict[str, Any]
    comment: str

    @property
    def synced_until(self) -> datetime | None:
        """The latest change that the last sync saw, by the table's change cursor; None where there is none."""
        newest = self.published.get("newest")
        return datetime.fromisoformat(newest) if newest and self.table.changed_at else None

    def changed_since(self, row: Row) -> bool:
        """Whether a row changed after the last sync, by its change cursor."""
        until, changed = self.synced_until, self.changed_at(row)
        return until is not None and changed is not None and changed > until

    def changed_at(self, row: Row) -> datetime | None:
        """When a row changed last, by its change cursor; None where it does not tell."""
        if not self.table.changed_at:
            return None
        column = self.table.column(self.table.changed_at)
        return moment_of(column)(row[self.table.column_names.index(column.name)])

    def comparable(self, document: bytes) -> bytes:
        """A stored document without what is not a function of its row."""
        return document if self.enricher is None else self.enricher.canonical_part(document)

    def is_deleted(self, document: bytes) -> bool:
        """Whether a stored document is marked as deleted, by a policy that does so."""
        return self.table.sync.deletes == "soft" and is_marked(document)

    def expected(self, document: bytes) -> bytes:
        """A mapped document in the form in which it is compared with a stored one."""
        return document if self.series is None else self.series.form.of_mapped(document)[1]

    def stored(self, identifiers: Sequence[Any]) -> Iterator[bytes]:
        """The stored documents with these `_id`s, and of a time series all of them."""
        if not identifiers:
            return
        if self.series is not None:
            yield from (form for _, form in self.series.forms())
            return
        batches: Any = self.collection.find_raw_batches({"_id": {"$in": list(identifiers)}}, comment=self.comment)
        for batch in batches:
            yield from split_documents(batch)

    def problem(self, row: Row, document: bytes) -> str | None:
        """What is wrong with the part of a stored document that is not a function of its row, or None."""
        return None if self.enricher is None else self.enricher.problem(row, document)

    def absent_in_quarantine(self, keys: Sequence[Row]) -> set[Row]:
        """Which of these keys, of rows of their own, are not in quarantine. Rows that repeat the key of another one are
        there for themselves alone.
        """
        return set(self.quarantine.absent(keys, repeats=False))

    def absent_repeats(self, keys: Sequence[Row]) -> set[Row]:
        """Which of these keys are not in quarantine for a row that repeats the key of another one."""
        return set(self.quarantine.absent(keys, repeats=True))

    def lost(self, rejects: Sequence[Reject], keyless: Callable[[Reject], bool] | None = None) -> list[Reject]:
        """Which of these refused rows are not in quarantine.

        Args:
            rejects: The rows.
            keyless: Takes care of a row that has no usable key, and says whether it did; such a row is not lost.
        """
        if keyless is not None:
            rejects = [reject for reject in rejects if not keyless(reject)]
        repeated = [reject.code is RejectCode.DUPLICATE_VALUE for reject in rejects]
        pairs = list(zip(rejects, repeated, strict=True))
        absent = self.absent_in_quarantine([reject.key for reject, repeats in pairs if not repeats])
        absent_repeats = self.absent_repeats([reject.key for reject, repeats in pairs if repeats])
        return [reject for reject, repeats in pairs if reject.key in (absent_repeats if repeats else absent)]

    def repeats_keys(self) -> bool:
        """Whether several rows may have the same key: not where it is the primary key."""
        is_primary = set(self.snapshot.primary_key(self.table.source)) == set(self.table.key)
        return not is_primary and bool(self.snapshot.duplicate_keys(self.table))

    def uuid(self) -> Any:
        """By which the server knows the collection; another one when it was replaced."""
        return collection_uuid(self.collection.database, self.collection.name)


def moment_of(column: ColumnSpec) -> Callable[[Any], datetime | None]:
    """What makes a moment of a value of this column; None of a value that is none."""
    convert = utc_datetime if column.zone == "UTC" else utc_datetime_from(ZoneInfo(column.zone))

    def moment(value: Any) -> datetime | None:
        try:
            return None if value is None else convert(value)
        except ValueRejectedError:
            return None

    return moment


def open_sides(
    *,
    target: Target,
    catalog: CatalogSpec,
    table: TableSpec,
    snapshot: Snapshot,
    enricher: Enricher | None = None,
    comment: str,
    require_collection: bool = True,
    as_next_sync: bool = False,
) -> Sides:
    """Open both sides of a table.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: The table.
        snapshot: One view of the source; it must outlive the sides.
        enricher: For a table with vectors.
        comment: Shown in the server's log and current operations.
        require_collection: Whether the collection must exist.
        as_next_sync: Take new columns of the source as a sync would now, by the policy for drift, rather than leave
            them alone.

    Raises:
        SourceError: The source lacks what the spec describes, or its columns changed in a way that stops it.
        TargetError: The collection does not exist.
    """
    database, pipeline = target.database(catalog), target.pipeline_database(catalog)
    if require_collection and collection_info(database, table.collection) is None:
        raise TargetError(f"{database.name}.{table.collection} does not exist.", "sync the table first")
    is_series = table.storage == "time_series"
    holder = Holder.this_process()
    state = TableLedger(pipeline, catalog, table, RunIdentity(run_id=comment, holder=holder)).state()
    if as_next_sync:
        judged = judge(snapshot, table, state)
        require([judged])
        table = judged.table
    else:
        table = as_synced(snapshot, table, state)
    published = state.get("published") or {}
    run = RunIdentity(run_id=str(published.get("run_id", comment)), holder=holder)
    return Sides(
        catalog=catalog,
        table=table,
        snapshot=snapshot,
        mapper=Mapper(in_form(table) if is_series else table, read_lookups(snapshot, table)),
        codec=KeyCodec(table),
        collection=database[table.collection],
        ledger=TableLedger(pipeline, catalog, table, run),
        quarantine=Quarantine(pipeline, catalog, table, run),
        enricher=enricher,
        series=SeriesCollection(database, table, comment=comment) if is_series else None,
        published=published,
        comment=comment,
    )

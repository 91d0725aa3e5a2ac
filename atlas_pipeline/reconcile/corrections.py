"""Correcting some keys of an ordinary collection: looked at on both sides now, and what differs brought to what its row
maps to.

A refused row goes into the quarantine before its document goes, so that whoever dies in between leaves a row twice
accounted for, and never lost. What does not belong here: which keys, and how often (`repair`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load.apply import Refusal, apply_changes
from atlas_pipeline.load.bson_order import id_of, sort_key
from atlas_pipeline.load.duplicates import split_repeated
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.raw_values import storable_key
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.load.soft_deletes import mark_deleted
from atlas_pipeline.mapping.reject import Reject, RejectCode
from atlas_pipeline.reconcile.differences import Difference
from atlas_pipeline.reconcile.points import Point, look
from atlas_pipeline.reconcile.records import Records
from atlas_pipeline.reconcile.repair_result import Left
from atlas_pipeline.reconcile.sides import Sides

FOREIGN = "a foreign document, which this pipeline never loaded, is left alone"
WRITTEN_OFTEN = "it differs again each time after it was corrected; find out who else writes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What corrections are made with.

    Attributes:
        run: Who makes them.
        lease: The table's lease, held.
        ledger: The table's ledger, as this run sees it.
        entries: The table's quarantine.
        records: The differences that verifications recorded.
        sealer: Seals secret values of rows that are refused.
        delete_foreign: Whether foreign documents may be removed and replaced.
        after_dead_run: Whether a run of this table has died, which may not have come to record what it did.
    """

    run: RunIdentity
    lease: Lease
    ledger: TableLedger
    entries: CurrentEntries
    records: Records
    sealer: Sealer | None
    delete_foreign: bool
    after_dead_run: bool


@dataclass(slots=True)
class Corrected:
    """What was done, and what could not be.

    Attributes:
        inserted: Documents that were missing.
        replaced: Documents that held something else.
        deleted: Documents without a row, or whose row is refused now.
        marked: Documents without a row that are marked as deleted now.
        quarantined: Rows that are refused now, and were not in quarantine.
        foreign: Foreign documents that were removed or replaced.
        equal: Keys that were found equal, so that nothing had to be done.
        left: What still differs.
        vectors: Where the vectors of written documents came from.
        newest: The latest change of a row that was looked at, where the table has a change cursor.
    """

    inserted: int = 0
    replaced: int = 0
    deleted: int = 0
    marked: int = 0
    quarantined: int = 0
    foreign: int = 0
    equal: int = 0
    left: Left = field(default_factory=Left)
    vectors: Counter[str] = field(default_factory=Counter)
    newest: datetime | None = None

    @property
    def changes(self) -> int:
        """Documents that were written or removed, and rows that went into the quarantine."""
        return self.inserted + self.replaced + self.deleted + self.marked + self.quarantined


@dataclass(slots=True)
class _Due:
    """What is to be done about some keys."""

    deletes: list[Any] = field(default_factory=list)
    marks: list[Any] = field(default_factory=list)
    writes: list[tuple[Difference, Point]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Corrections:
    """Corrects keys of one table by one view of its source.

    Args:
        sides: Both sides of the table, an ordinary collection.
        means: What to do it with.
        write: Whether to correct what differs; else it is only said.
    """

    def __init__(self, sides: Sides, means: Means, *, write: bool) -> None:
        self._sides, self._means, self._write = sides, means, write
        self._in_the_way: list[Any] = []
        self.done = Corrected()

    @property
    def _collection(self) -> Collection[Any]:
        return self._sides.collection

    def correct(self, differences: Sequence[Difference], *, last: bool = False) -> list[Difference]:
        """Look at these keys, forget those that are equal, and correct the others.

        Args:
            differences: What was reported of them.
            last: Whether a row whose unique value another document holds is refused for good.

        Returns:
            Unless it is the last time: the rows that another document is in the way of, which may itself be about to
            be corrected.

        Raises:
            LeaseHeldError: The lease was lost.
            TargetError: The server refused for a reason that no single document explains.
        """
        self._means.lease.require()
        equal: list[Point] = []
        unequal: list[tuple[Difference, Point]] = []
        usable = list({sort_key(one.identifier): one for one in differences if not one.keyless}.values())
        points = look(self._sides, [one.identifier for one in usable])
        for one, point in zip(usable, points, strict=True):
            if point.equal:
                equal.append(point)
            else:
                unequal.append((one, point))
            changed = None if point.row is None else self._sides.changed_at(point.row)
            self.done.newest = max(filter(None, (self.done.newest, changed)), default=None)
        self.done.equal += len(equal)
        self._forget([point.identifier for point in equal if point.actual is None])
        self._means.records.resolved(point.identifier for point in equal)
        for one in differences:
            if one.keyless:
                self.done.left.add(one, one.why)
        if not self._write:
            for one, _ in unequal:
                self.done.left.add(one, WRITTEN_OFTEN)
            return []
        return self._apply(self._due(unequal), last=last)

    def in_the_way(self) -> list[Any]:
        """`_id`s of documents that hold unique values which rows claim that were put off since this was asked last, but
        of foreign ones that stay. Whatever showed that those rows have changed need not have shown these.
        """
        found, self._in_the_way = self._in_the_way, []
        foreign = set() if self._means.delete_foreign else self._means.ledger.unknown_keys(found)
        return [identifier for position, identifier in enumerate(found) if position not in foreign]

    def _forget(self, gone: Sequence[Any]) -> None:
        """Let the ledger forget keys whose documents a run removed that died before it could."""
        if gone and self._means.after_dead_run:
            self._means.ledger.forget_published_keys(gone)
            self._means.ledger.note_changed(quarantined=self._means.entries.count())

    def _due(self, unequal: Sequence[tuple[Difference, Point]]) -> _Due:
        due = _Due()
        foreign = self._foreign([point for _, point in unequal])
        for position, (one, point) in enumerate(unequal):
            if point.lost and point.key is not None:
                due.rejects += self._repeated(point.key)
            if point.reject is not None and not point.quarantined:
                due.rejects.append(point.reject)
            if position in foreign and not self._means.delete_foreign:
                self.done.left.add(one, FOREIGN)
                continue
            self.done.foreign += position in foreign
            if point.expected is None and point.actual is not None:
                soft = point.row is None and self._sides.table.sync.deletes == "soft" and position not in foreign
                (due.marks if soft else due.deletes).append(point.identifier)
            elif point.expected is not None and (point.actual != point.expected or point.problem):
                due.writes.append((one, point))
        return due

    def _foreign(self, points: Sequence[Point]) -> set[int]:
        """Positions of the points with a document under a key that this pipeline never loaded."""
        stored = [position for position, point in enumerate(points) if point.actual is not None]
        unknown = self._means.ledger.unknown_keys([points[position].identifier for position in stored])
        return {stored[at] for at in unknown}

    def _repeated(self, key: Row) -> list[Reject]:
        """The rows with this key but the first, of which there is neither a document nor an entry."""
        rows = self._sides.snapshot.rows_by_key(self._sides.table, [key])
        return split_repeated(self._sides.mapper, rows, None)[1]

    def _apply(self, due: _Due, *, last: bool) -> list[Difference]:
        means = self._means
        self._quarantine(due.rejects)
        documents = self._with_vectors([point for _, point in due.writes])
        applied = apply_changes(
            self._collection,
            deletes=due.deletes,
            writes=[(id_of(document), document) for document in documents],
            ledger=means.ledger,
            comment=means.run.run_id,
        )
        now = datetime.now(UTC)
        self.done.marked += mark_deleted(
            self._collection, due.marks, now, ledger=means.ledger, comment=means.run.run_id
        )
        self.done.deleted += applied.deleted
        self.done.replaced += applied.replaced
        self.done.inserted += applied.inserted
        written = [point for at, (_, point) in enumerate(due.writes) if at not in applied.refused]
        self._close_entries([point for point in written if point.quarantined])
        self._in_the_way += applied.in_the_way
        put_off: list[Difference] = []
        refused: list[tuple[Point, Refusal]] = []
        for at, refusal in applied.refused.items():
            one, point = due.writes[at]
            if refusal[0] is RejectCode.DUPLICATE_VALUE and not last:
                put_off.append(one)
            else:
                refused.append((point, refusal))
        self._refuse(refused)
        return put_off

    def _with_vectors(self, points: Sequence[Point]) -> list[bytes]:
        documents = [point.expected or b"" for point in points]
        enricher = self._sides.enricher
        if enricher is None or not documents:
            return documents
        enriched = enricher.enrich([point.row or () for point in points], documents)
        self.done.vectors.update(enriched.counts.by_origin())
        return enriched.documents

    def _refuse(self, refused: Sequence[tuple[Point, Refusal]]) -> None:
        """Rows that the server does not take go into the quarantine, and what is there under their keys goes."""
        mapper = self._sides.mapper
        rejects = [
            mapper.reject(point.row, "", *refusal)
            for point, refusal in refused
            if point.row is not None and not point.quarantined
        ]
        self._quarantine(rejects)
        applied = apply_changes(
            self._collection,
            deletes=[point.identifier for point, _ in refused if point.actual is not None],
            writes=(),
            ledger=self._means.ledger,
            comment=self._means.run.run_id,
        )
        self.done.deleted += applied.deleted

    def _quarantine(self, rejects: Sequence[Reject]) -> None:
        means = self._means
        published = str(self._sides.published["run_id"])
        means.entries.add(rejects, published_run=published, run=means.run, sealer=means.sealer)
        self.done.quarantined += len(rejects)

    def _close_entries(self, points: Sequence[Point]) -> None:
        """Close the entries of rows that have landed. Those that repeat a key keep theirs."""
        repeated = {"code": str(RejectCode.DUPLICATE_VALUE), "column": ", ".join(self._sides.table.key)}
        if keys := [storable_key(point.key) for point in points if point.key is not None]:
            self._means.entries.close(self._means.entries.find({"key": {"$in": keys}, "$nor": [repeated]}))

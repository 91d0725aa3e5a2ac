"""Verifying one table: whether every value in MongoDB is the value in SQL, and where it is not.

What belongs here: the modes, and putting the parts of a whole verification together. What does not: comparing
(`stretches`), other processes (`processes`), and what commands and Dagster show.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.extract.snapshot import Row, Stretch
from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.load.digest import digest_of_ranges
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.reconcile.differences import Difference, Tally
from atlas_pipeline.reconcile.fields import FieldComparison
from atlas_pipeline.reconcile.place import Opened, Place
from atlas_pipeline.reconcile.points import look
from atlas_pipeline.reconcile.processes import compare_in_processes
from atlas_pipeline.reconcile.records import Records, compared_before
from atlas_pipeline.reconcile.sample import wanted_rows
from atlas_pipeline.reconcile.settle import WAIT_SECONDS, Settler
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.stretches import (
    MOST_REPLACEMENTS,
    Numbered,
    StretchOutcome,
    Task,
    compare_stretches,
    replaced_too_often,
)
from atlas_pipeline.reconcile.verification import Mode, TableVerification
from atlas_pipeline.reconcile.walk import OutOfOrderError, Suspect
from atlas_pipeline.spec.sync import DELETED_AT

STRETCH_RANGES = 12
"""Key ranges of the ledger that make one stretch, the unit of progress of a verification."""
LISTED = 1_000
"""Differences of one table that a result lists; all are counted, and recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How to verify.

    Attributes:
        mode: How much is compared.
        since: The key to begin with, in full mode; None for the first.
        resume: Go on where an unfinished verification ended, if there is one.
        wait_seconds: How long to wait before a difference is looked at again.
        progress: Called with the number of rows that were compared.
    """

    mode: Mode = "full"
    since: Row | None = None
    resume: bool = False
    wait_seconds: float = WAIT_SECONDS
    progress: Callable[[int], None] = field(default=lambda _: None)


def verify_table(
    opened: Opened, request: Request | None = None, *, place: Place | None = None, processes: int = 1
) -> TableVerification:
    """Compare a table with its collection. Writes nothing but the record of it.

    Args:
        opened: Source and target.
        request: How; in full by default.
        place: How other processes open source and target; needed for more than one.
        processes: How many compare at once, in full mode.

    Raises:
        SourceError: The source cannot be read.
        TargetError: The collection does not exist, the server went away, or the collection was replaced again and
            again.
        DataQualityError: A time series differs so much that its documents cannot be named.
    """
    request = request or Request()
    began = time.perf_counter()
    with opened.target.translated():
        records = Records(opened.target.pipeline_database(opened.catalog), opened.catalog, opened.table)
        if request.mode != "full":
            found = _some(opened, request, records)
        else:
            found = _Full(opened, request, records, place, processes).run()
        differences, tally = tuple(found.differences[:LISTED]), found.tally
        return TableVerification(
            catalog=opened.catalog.name,
            table=opened.table.source,
            collection=opened.table.collection,
            mode=request.mode,
            tally=tally,
            adds_up=found.adds_up,
            digest=found.digest,
            seconds=time.perf_counter() - began,
            differences=differences,
            oldest=records.oldest(),
            resumed=found.resumed,
            stretches=found.stretches,
            note=found.note,
        )


@dataclass(slots=True)
class _Found:
    tally: Tally = field(default_factory=Tally)
    differences: list[Difference] = field(default_factory=list)
    adds_up: bool = True
    digest: str = ""
    resumed: int = 0
    stretches: int = 1
    note: str = ""

    def summary(self, mode: Mode) -> dict[str, Any]:
        return {
            "mode": mode,
            "counts": self.tally.as_document(),
            "adds_up": self.adds_up,
            "digest": self.digest,
            "note": self.note,
        }


@dataclass(slots=True)
class _Full:
    """Every value, stretch of keys by stretch of keys."""

    opened: Opened
    request: Request
    records: Records
    place: Place | None
    processes: int
    found: _Found = field(default_factory=_Found)

    def run(self) -> _Found:
        opened, codec = self.opened, KeyCodec(self.opened.table)
        ordered = codec.order_preserving and opened.table.storage == "plain"
        run = RunIdentity(run_id=opened.comment, holder=Holder.this_process())
        ledger = TableLedger(opened.target.pipeline_database(opened.catalog), opened.catalog, opened.table, run)
        bounds = ledger.published_bounds() if ordered else []
        since = None if self.request.since is None else codec.identifier(self.request.since)
        record = self.records.unfinished(since) if self.request.resume else None
        try:
            if record is not None:
                return self._go_on(record)
            begun = self.records.begin(mode="full", bounds=bounds, ordered=ordered, since=since)
            return self._compare(begun, bounds, ordered, {})
        except OutOfOrderError:
            self.found = _Found(note="the source orders its keys in another way than MongoDB; compared by key")
            begun = self.records.begin(mode="full", bounds=[], ordered=False, since=since)
            return self._compare(begun, [], False, {})

    def _go_on(self, record: dict[str, Any]) -> _Found:
        done = compared_before(record, self._uuid())
        self.found.resumed = len(done)
        if done:
            oldest = min(record["stretches"][str(position)]["at"] for position in done)
            self.found.note = f"{len(done)} stretches were compared earlier, from {oldest:%Y-%m-%d %H:%M} UTC on"
        return self._compare(record["_id"], record["bounds"], record["ordered"], done)

    def _compare(
        self, identifier: str, bounds: Sequence[Any], ordered: bool, done: dict[int, StretchOutcome]
    ) -> _Found:
        """Compare the stretches that are not done, and those again that were compared with a collection that was
        replaced meanwhile.
        """
        stretches = list(self._stretches(bounds))
        self.found.stretches = len(stretches)
        task = Task(
            stretches=stretches, ordered=ordered, secret=secrets.token_bytes(32), wait_seconds=self.request.wait_seconds
        )
        try:
            for _ in range(MOST_REPLACEMENTS):
                left = [one for one in stretches if one.position not in done]
                self.records.disown(identifier, [one.position for one in left])
                for outcome in self._outcomes(replace(task, stretches=left)):
                    self.records.compared(identifier, outcome)
                    done[outcome.position] = replace(outcome, differences=outcome.differences[:LISTED])
                self._require_all(stretches, done)
                uuid = self._uuid()
                done = {position: one for position, one in done.items() if one.uuid == uuid}
                if len(done) == len(stretches):
                    break
            else:
                raise replaced_too_often(self.opened)
        except OutOfOrderError:
            self.records.end(identifier, "given up")
            raise
        except BaseException:
            self.records.end(identifier, "interrupted")
            raise
        return self._end(identifier, [done[one.position] for one in stretches])

    def _uuid(self) -> Any:
        """By which the server knows the collection now."""
        return collection_uuid(self.opened.target.database(self.opened.catalog), self.opened.table.collection)

    def _end(self, identifier: str, outcomes: Sequence[StretchOutcome]) -> _Found:
        for outcome in outcomes:
            self.found.tally.add(outcome.tally)
            self.found.differences += outcome.differences[: LISTED - len(self.found.differences)]
        if self.found.resumed:
            self.found.differences = list(islice(self.records.differences(identifier), LISTED))
        whole = self.request.since is None
        if whole and self.opened.table.storage == "time_series":
            self.found.digest = outcomes[0].digest  # as its load tells it, which knows no ranges
        elif whole:
            self.found.digest = digest_of_ranges(bytes.fromhex(outcome.digest) for outcome in outcomes)
        status = "done" if whole else "partial"
        self.records.end(identifier, status, whole=whole, uuid=outcomes[0].uuid, **self.found.summary("full"))
        return self.found

    def _stretches(self, bounds: Sequence[Any]) -> Iterator[Numbered]:
        """The table cut at these `_id`s, from the key to begin with on."""
        codec = KeyCodec(self.opened.table)
        first = self.request.since
        lowest = None if first is None else sort_key(codec.identifier(first))
        inside = [bound for bound in bounds if lowest is None or sort_key(bound) > lowest]
        for position, at in enumerate(range(0, len(inside) + 1, STRETCH_RANGES)):
            cuts, end = inside[at : at + STRETCH_RANGES - 1], inside[at + STRETCH_RANGES - 1 : at + STRETCH_RANGES]
            before = codec.source_key(end[0]) if end else None
            yield Numbered(position=position, stretch=Stretch(first=first, before=before), cuts=tuple(cuts))
            first = before

    def _outcomes(self, task: Task) -> Iterator[StretchOutcome]:
        if self.place is not None and self.processes > 1 and len(task.stretches) > 1:
            return compare_in_processes(self.place, task, self.processes, self.request.progress)
        return compare_stretches(self.opened, task, self.request.progress)

    def _require_all(self, stretches: Sequence[Numbered], done: Collection[int]) -> None:
        if missing := [one.position for one in stretches if one.position not in done]:
            raise DataQualityError(
                f"{self.opened.table.collection}: {len(missing)} of {len(stretches)} stretches were not compared.",
                "verify again with --resume",
            )


def _some(opened: Opened, request: Request, records: Records) -> _Found:
    """The counts, and in sampled mode some rows."""
    found = _Found()
    identifier = records.begin(mode=request.mode, bounds=[], ordered=True)
    try:
        with opened.sides() as sides:
            _count(sides, found)
            if request.mode == "sampled":
                _sample(opened, sides, request, found)
    except BaseException:
        records.end(identifier, "interrupted")
        raise
    records.end(identifier, "done", **found.summary(request.mode))
    return found


def _count(sides: Sides, found: _Found) -> None:
    rows = sides.snapshot.count(sides.table)
    found.tally.documents = sides.collection.count_documents({}, comment=sides.comment)
    found.tally.quarantined = sides.quarantine.count()
    found.tally.kept_foreign = int(sides.published.get("kept_foreign", 0))
    if sides.table.sync.deletes == "soft":
        marked = {DELETED_AT: {"$exists": True}}
        found.tally.deleted = sides.collection.count_documents(marked, comment=sides.comment)
    documents = found.tally.documents - found.tally.kept_foreign - found.tally.deleted
    found.adds_up = rows == documents + found.tally.quarantined
    found.note = f"{rows:,} source rows, {documents:,} documents, {found.tally.quarantined:,} in quarantine"


def _sample(opened: Opened, sides: Sides, request: Request, found: _Found) -> None:
    secret = secrets.token_bytes(32)
    comparison = FieldComparison(sides.table.secret_paths, secret)
    settler = Settler(opened.sides, comparison, wait_seconds=request.wait_seconds)
    found.tally.quarantined = 0
    chosen = wanted_rows(sides.snapshot.count(sides.table), seed=secrets.randbits(32))
    identifiers = []
    for position, key in enumerate(sides.snapshot.keys(sides.table)):
        if position in chosen and (identifier := sides.codec.identifier(key)) is not None:
            identifiers.append(identifier)
    for point in look(sides, identifiers):
        found.tally.rows += 1
        if point.equal:
            found.tally.equal += point.actual is not None
            found.tally.quarantined += point.actual is None
        else:
            settler.add(Suspect(point.identifier, point.expected, point.actual, point.reject), found.tally)
    request.progress(found.tally.rows)
    found.differences += settler.settle(found.tally)

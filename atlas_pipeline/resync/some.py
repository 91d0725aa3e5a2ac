"""Some rows of a table: those of a stretch of keys, or those that a cursor shows.

What belongs here: which keys are looked at, and holding what changed against what the ledger knew before. What does
not: where a watermark stands (`watermark`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from typing_extensions import override

from atlas_pipeline.errors import ConfigurationError, DataQualityError, SourceError
from atlas_pipeline.extract.snapshot import Row, Window
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.reconcile.corrections import Corrected
from atlas_pipeline.reconcile.sides import Sides, moment_of
from atlas_pipeline.reconcile.walk import OutOfOrderError, Suspect, Walk
from atlas_pipeline.resync.finding import Finding, Progress
from atlas_pipeline.resync.scope import Part
from atlas_pipeline.resync.watermark import oddities_of, warnings_of
from atlas_pipeline.spec.sync import Cursor


class Some(Finding):
    """Some keys only. What they change is held against what the ledger knew before."""

    def __init__(self, sides: Sides, facts: LoadFacts, progress: Progress) -> None:
        super().__init__(sides, facts, progress)
        self._known, self._foreign = sides.ledger.published_keys.count(), 0
        facts.source_rows = int(sides.published.get("source_rows", 0))
        facts.kept_foreign = int(sides.published.get("kept_foreign", 0))
        facts.soft_deleted = int(sides.published.get("soft_deleted", 0))

    @override
    def account(self, done: Corrected) -> None:
        self._foreign = done.foreign

    @override
    def count(self, ledger: TableLedger) -> None:
        known = ledger.published_keys.count()
        expected = self._known + self.facts.inserted - (self.facts.deleted - self.facts.marked) + self._foreign
        # What a command inserted whose answer was lost counts as replaced.
        if not expected <= known <= expected + self.facts.replaced and not self.facts.recovered:
            raise DataQualityError(
                f"{self.sides.collection.full_name}: {self.facts.inserted} documents were inserted and "
                f"{self.facts.deleted} deleted, which makes {expected:,} keys; the ledger knows {known:,}.",
                "sync the table with --mode reconcile",
            )
        self.facts.soft_deleted += self.facts.marked
        self.facts.loaded = known - self.facts.soft_deleted

    @override
    def mark(self, ledger: TableLedger) -> None:
        """Nothing: no range was read as a whole."""


class Stretch(Some):
    """The rows and documents of a stretch of keys.

    Args:
        part: Which.
    """

    def __init__(self, sides: Sides, facts: LoadFacts, progress: Progress, *, part: Part) -> None:
        super().__init__(sides, facts, progress)
        self._walk = Walk(sides, part.stretch, sides.repeats_keys(), progress)

    @override
    def suspects(self) -> Iterator[Suspect]:
        try:
            yield from self._walk.suspects()
        except OutOfOrderError:
            raise ConfigurationError(
                f"{self.sides.table.collection}: source and server order its keys in different ways, so there is no "
                "range of them.",
                "sync all of it",
            ) from None

    @override
    def account(self, done: Corrected) -> None:
        super().account(done)
        self.facts.read, self.facts.unchanged = self._walk.tally.rows, self._walk.tally.equal


class ByCursor(Some):
    """The rows in a window of a column of moments.

    Args:
        window: Which rows.
        cursor: The policy, where the window is that of a sync.
    """

    def __init__(
        self, sides: Sides, facts: LoadFacts, progress: Progress, *, window: Window, cursor: Cursor | None = None
    ) -> None:
        super().__init__(sides, facts, progress)
        self._window, self._cursor = window, cursor
        self._moment = moment_of(sides.table.column(window.column))
        self._ahead = self._without = 0

    @override
    def suspects(self) -> Iterator[Suspect]:
        sides, now = self.sides, self.sides.snapshot.time.now
        for page in sides.snapshot.keys_in(sides.table, self._window):
            for key, value in page:
                moment = self._moment(value)
                if moment is None:
                    self._without += 1
                    self._refuse_without(key)
                elif not self._covers(moment):
                    continue
                else:
                    self._ahead += moment > now
                self.facts.read += 1
                yield Suspect(sides.codec.identifier(key))
            self._progress(len(page))
        self._warn()

    def _covers(self, moment: datetime) -> bool:
        since, until = self._window.since, self._window.until
        return (since is None or moment >= since) and (until is None or moment < until)

    def _refuse_without(self, key: Row) -> None:
        if self._cursor is not None and self._cursor.on_null == "error":
            raise SourceError(
                f"Table {self.sides.table.source}: row {', '.join(map(str, key))} has no moment in "
                f"{self._window.column}, and the policy on_null is 'error'.",
                "give it one at the source, or set on_null='read'",
            )

    def _warn(self) -> None:
        if self._cursor is not None:
            self.facts.warnings += warnings_of(self.sides.snapshot.time, self._cursor)
        self.facts.warnings += oddities_of(self._window.column, ahead=self._ahead, without=self._without)

    @override
    def account(self, done: Corrected) -> None:
        super().account(done)
        self.facts.unchanged = done.equal

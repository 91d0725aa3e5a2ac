"""A whole load that waits to be published, and what became of a table.

What belongs here: the last step of a load that replaces its collection. What does not: loading and checking
(`table_sync`), and which loads wait for each other (`publication`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atlas_pipeline.extract.schema import SchemaFindings
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.orchestration.phase_clock import PhaseClock
from atlas_pipeline.quality.checks import CheckOutcome
from atlas_pipeline.reconcile.counts import TableCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class TableResult:
    """What became of one table in one run.

    Attributes:
        published: Whether the collection now holds what the source does.
        counts: The exact numbers.
        facts: What the load did.
        outcomes: The checks, in the order of `checks.CHECKS`, and that of all values where the policy wants it.
        schema: Differences between spec and real table that do not stop a load.
        held_back: Why a load that passed its checks was not published; "" for any other.
        seconds: Duration by phase, `total` included.
    """

    published: bool
    counts: TableCounts
    facts: LoadFacts
    outcomes: tuple[CheckOutcome, ...]
    schema: SchemaFindings
    held_back: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def why_not(self) -> str:
        """What kept it from being published, as words."""
        return self.held_back or ", ".join(outcome.check.name for outcome in self.outcomes if outcome.withholds)

    @property
    def left_behind(self) -> str:
        """What a check that failed has left of the collection, as a sentence."""
        if self.facts.mode == "reload":
            return "The live collection is as it was."
        return "Every live document is as it was or as its row is now; the next sync goes on."


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A load that is built and checked. Its block is still open: one of the methods has to end it.

    Attributes:
        load: The load.
        counts: The exact numbers.
        outcomes: The checks.
        schema: Differences between spec and real table that do not stop a load.
        kept: What the ledger should keep of the checks.
        clock: Has the durations so far.
        afterwards: What is to be done once it is published.
    """

    load: Reload | SeriesLoad
    counts: TableCounts
    outcomes: tuple[CheckOutcome, ...]
    schema: SchemaFindings
    kept: Mapping[str, Any]
    clock: PhaseClock
    afterwards: Callable[[], None]

    @property
    def publishable(self) -> bool:
        """Whether no blocking check failed."""
        return not any(outcome.withholds for outcome in self.outcomes)

    def publish(self) -> TableResult:
        """Make it what readers see. Raises as `TableLoad.publish` does."""
        self.load.publish(**self.kept, seconds=self.clock.seconds())
        return self._published()

    def announce(self) -> None:
        """Do all of it but the swap itself. Raises as `TableLoad.publish` does."""
        assert isinstance(self.load, Reload)
        self.clock.lap("wait")
        self.load.announce(**self.kept, seconds=self.clock.seconds())

    def swap(self) -> TableResult:
        """Swap in what was announced. Raises TargetError."""
        assert isinstance(self.load, Reload)
        self.load.swap(**self.kept, seconds=self.clock.seconds())
        return self._published()

    def withhold(self) -> TableResult:
        """Give it up, for a blocking check failed."""
        self.load.withhold(**self.kept, seconds=self.clock.seconds())
        return self._result(published=False)

    def hold_back(self, why: str) -> TableResult:
        """Publish it not now, for no fault of its own; the next load goes on with it."""
        assert isinstance(self.load, Reload)
        self.load.hold_back(why, **self.kept, seconds=self.clock.seconds())
        return self._result(published=False, held_back=why)

    def _published(self) -> TableResult:
        self.afterwards()
        return self._result(published=True)

    def _result(self, *, published: bool, held_back: str = "") -> TableResult:
        self.clock.lap("publish")
        return TableResult(
            published=published,
            counts=self.counts,
            facts=self.load.facts,
            outcomes=self.outcomes,
            schema=self.schema,
            held_back=held_back,
            seconds=self.clock.seconds(),
        )

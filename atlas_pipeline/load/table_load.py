"""What every way of loading a table shares: its phases.

    with TableLoad(...) as load:     lease, recovery of dead runs, refusals before anything is read
        load.copy(observe)           read and map all rows; write them where nobody reads yet
        load.build(sample)           what is there against what was mapped, byte for byte
        ...                          the caller's checks, against the same snapshot and `load.held`
        load.publish()               make it what readers see, and record it

Leaving the block without `publish` leaves the live collection as it was. What does not belong here: the lease and the
account of rows (`table_work`), where documents go (`reload`, `series_load`), Dagster, and what the caller checks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load.held import Held
from atlas_pipeline.load.range_store import KeyRange
from atlas_pipeline.load.table_work import Observer, TableWork, unobserved


class TableLoad(TableWork):
    """The load of one table; see the module's charter for the order of its methods."""

    held: Held
    """After `build`: the documents as the server holds them."""

    @abstractmethod
    def copy(self, observe: Observer = unobserved) -> None:
        """Read and map all rows.

        Args:
            observe: Called with each batch as read and as mapped, or with None when it had not to be mapped.

        Raises:
            SourceError: The source cannot be read on.
            TargetError: The server refused what no single document explains, or a count does not add up.
            DataQualityError: The snapshot gave another number of rows than it counted.
        """

    @abstractmethod
    def build(self, sample: Sequence[Row] = ()) -> None:
        """Compare what is there with what was mapped, byte for byte, and count.

        Args:
            sample: Keys whose documents the caller is going to ask `held` for.

        Raises:
            DataQualityError: The server does not hold the bytes that were sent.
            TargetError: An index cannot be built, a foreign document is in the way, or the collection would shrink by
                more than its policy allows.
        """

    @abstractmethod
    def publish(self, **facts: Any) -> None:
        """Make it what readers see, and record it.

        Args:
            facts: What the ledger should keep of the checks.

        Raises:
            TargetError: The live collection cannot be changed, or holds foreign documents by now.
            LeaseHeldError: The lease was lost meanwhile.
            DataQualityError: What was changed in place is not what was sent.
        """

    @abstractmethod
    def withhold(self, **facts: Any) -> None:
        """Give up: keep the live collection as it is, and record why."""

    def recorded_ranges(self) -> Iterator[KeyRange]:
        """Keys of all documents that this run mapped: those that are there, or are going to be."""
        return self.ledger.ranges(self.run.run_id)

    def _count_quarantined(self) -> None:
        """Count the rows in quarantine, once all of them are there, and which of them a person has discarded."""
        self.quarantine.inherit()
        self.facts.quarantined = self.quarantine.count()
        self.facts.discarded = self.quarantine.count_discarded()

    def _require_every_row(self) -> None:
        if self.facts.read != self.facts.source_rows:
            raise DataQualityError(
                f"Table {self.table.source}: the snapshot counts {self.facts.source_rows} rows "
                f"and gave {self.facts.read}.",
                "check the source's primary key index (SQLite: PRAGMA integrity_check; PostgreSQL: amcheck)",
            )

"""What every way of finding the keys that differ can do.

What belongs here: the protocol. What does not: the ways (`whole`, `some`), and applying (`in_place`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.reconcile.corrections import Corrected
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.walk import Suspect

Progress = Callable[[int], None]


class Finding(ABC):
    """One way of finding keys, gone once.

    Args:
        sides: Both sides of the table.
        facts: What the sync did, which is completed here.
        progress: Called with the number of rows that are done.
    """

    def __init__(self, sides: Sides, facts: LoadFacts, progress: Progress) -> None:
        self.sides, self.facts, self._progress = sides, facts, progress

    @abstractmethod
    def suspects(self) -> Iterator[Suspect]:
        """The keys that differ at first sight, or may differ."""

    @abstractmethod
    def account(self, done: Corrected) -> None:
        """Complete the facts with what was read, once everything is corrected. Raises DataQualityError when a row of
        the source is missing in the account.
        """

    @abstractmethod
    def count(self, ledger: TableLedger) -> None:
        """Complete the facts with what there is now. Raises DataQualityError when it does not add up."""

    @abstractmethod
    def mark(self, ledger: TableLedger) -> None:
        """Tell the ledger which rows its ranges are made of now, as far as that is known."""

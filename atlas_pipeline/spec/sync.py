"""How a collection follows its table: the sync policy and its error budget.

What belongs here: choices that an operator makes per table. What does not: what the table is (`tables`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from atlas_pipeline.errors import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBudget:
    """How many rows of a table may be in quarantine before the run fails; good rows are published all the same. Both
    bounds must hold. Rows that a person has discarded do not count.

    Attributes:
        rows: Largest number of rows; None for any number.
        percent: Largest share of the source rows, in percent.
    """

    rows: int | None = 0
    percent: float = 100.0

    def __post_init__(self) -> None:
        if (self.rows is not None and self.rows < 0) or not 0 <= self.percent <= 100:
            raise SpecError(
                f"Error budget {self.rows} rows, {self.percent} % is out of range.", "use rows >= 0, 0 to 100 %"
            )

    def __str__(self) -> str:
        bounds = [] if self.rows is None else [f"{self.rows:,} rows"]
        if self.percent < 100 or not bounds:
            bounds.append(f"{self.percent:g} %")
        return " and ".join(bounds)

    def exceeded(self, *, quarantined: int, source_rows: int) -> bool:
        """Whether that many rows, of so many at the source, are too many."""
        over_rows = self.rows is not None and quarantined > self.rows
        return over_rows or quarantined * 100 > self.percent * source_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPolicy:
    """How a collection follows its table.

    Attributes:
        mode: `reload`: read the whole table into a staging collection and swap it in.
        foreign_documents: What happens to live documents that this pipeline never loaded: `refuse` stops the swap and
            lists them, `keep` carries them over, `delete` lets the swap remove them.
        error_budget: Rows that may be quarantined before the run fails.
        max_shrink_percent: Largest share of its documents that a collection may lose by one reload, in percent. A
            source that was emptied, or is the wrong one, is refused rather than published; `--force` publishes it.
        values: What the check of all values may stop. `report`: nothing. `block`: what is downstream of the collection
            in the same run. `before_publish`: besides, all values are compared before each swap, and stop it.
    """

    mode: Literal["reload"] = "reload"
    foreign_documents: Literal["refuse", "keep", "delete"] = "refuse"
    error_budget: ErrorBudget = field(default_factory=ErrorBudget)
    max_shrink_percent: float = 80.0
    values: Literal["report", "block", "before_publish"] = "report"

    def __post_init__(self) -> None:
        if self.mode != "reload":
            raise SpecError(f"Sync mode {self.mode!r} is not known.", "use 'reload'")
        if self.foreign_documents not in ("refuse", "keep", "delete"):
            raise SpecError(
                f"Policy {self.foreign_documents!r} for foreign documents is not known.", "use refuse, keep or delete"
            )
        if self.values not in ("report", "block", "before_publish"):
            raise SpecError(f"Policy {self.values!r} for values is not known.", "use report, block or before_publish")

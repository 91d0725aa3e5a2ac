"""How a collection follows its table: the sync policy, its cursor and its error budget.

What belongs here: choices that an operator makes per table. What does not: what the table is (`tables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, get_args

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.columns import ORDERED_KEY_TYPES, ColumnSpec

Mode = Literal["reload", "reconcile", "watermark", "append"]
Drift = Literal["freeze", "evolve", "quarantine"]
MOST_ROWS_PER_RANGE = 1_000_000
"""What is lost of a step that fails is loaded again, so no step should do more."""
DELETED_AT = "deleted_at"
"""The field that marks a document as deleted, by the policy `soft`."""


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
class Cursor:
    """The column by which changed rows are found without reading the others.

    Attributes:
        column: A column of moments that every change of a row moves forward, or, of a log, when the row was written.
        overlap: How far behind the last watermark a sync reads again.
        lag: How long a transaction may take from setting the column to its commit. The watermark stays that far behind
            the source's clock; with zero, a transaction that commits late can be missed until the next reconcile.
        on_null: Rows without a moment: `read` reads them in every sync, `error` refuses to sync.
        unindexed: When no index of the source leads with the column: `refuse`, or `warn` and read the whole table.
    """

    column: str
    overlap: timedelta = timedelta(0)
    lag: timedelta = timedelta(seconds=10)
    on_null: Literal["read", "error"] = "read"
    unindexed: Literal["refuse", "warn"] = "refuse"

    def __post_init__(self) -> None:
        if self.overlap < timedelta(0) or self.lag < timedelta(0):
            raise SpecError(f"Cursor {self.column}: overlap or lag is negative.", "use zero or more")
        _refuse_unknown(self, ("on_null", "unindexed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """The `$jsonSchema` validator that a collection gets from the spec.

    Attributes:
        level: `strict`: every write is held to it; `moderate`: only to documents that held to it before; `off`: none.
        action: Whether the server refuses (`error`), or only logs (`warn`), what does not hold.
    """

    level: Literal["off", "moderate", "strict"] = "strict"
    action: Literal["error", "warn"] = "error"

    def __post_init__(self) -> None:
        _refuse_unknown(self, ("level", "action"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPolicy:
    """How a collection follows its table. The first sync of a table is always a reload.

    Attributes:
        mode: `reload`: read the whole table into a staging collection and swap it in. `reconcile`: read the whole
            table, and apply only what differs. `watermark`: read the rows that changed since the last sync, by
            `cursor`; deletes, and what the cursor missed, are found by a reconcile every `reconcile_every` syncs, or on
            a schedule of its own. `append`: as `watermark`, for logs and time series whose rows hardly ever change.
        cursor: For `watermark` and `append`.
        reconcile_every: After how many syncs by the cursor one of the whole table follows; 0 leaves it to a schedule.
        deletes: What becomes of the document of a row that is gone: `hard` removes it, `soft` sets its `deleted_at`.
        foreign_documents: What happens to live documents that this pipeline never loaded: `refuse` stops the sync and
            lists them, `keep` leaves them, `delete` removes them.
        error_budget: Rows that may be quarantined before the run fails.
        max_shrink_percent: Largest share of its documents that a collection may lose by one sync, in percent. A
            source that was emptied, or is the wrong one, is refused rather than published; `--force` publishes it.
        values: What the check of all values may stop. `report`: nothing. `block`: what is downstream of the collection
            in the same run. `before_publish`: besides, all values are compared before each swap, and stop it.
        drift: What a new column at the source does: `freeze` stops the sync, `evolve` adds it to the documents under
            its own name, where it may be NULL, `quarantine` goes on and puts into quarantine the rows that have a value
            there. A column that was dropped or got another type always stops the sync.
        validator: The validator of the collection; a time series takes none.
        rows_per_second: How fast a sync may read the source; None for as fast as it can.
        load: How a reload reads the table. `whole`: in one step. `ranged`: in stretches of keys, each a step of its own
            that is retried on its own and may work beside others, then all of it once more to see what changed
            meanwhile. For tables of millions of rows whose key the source orders as the server does.
        rows_per_range: Rows of such a stretch. A table that has no more is loaded as a whole.
    """

    mode: Mode = "reconcile"
    cursor: Cursor | None = None
    reconcile_every: int = 24
    deletes: Literal["hard", "soft"] = "hard"
    foreign_documents: Literal["refuse", "keep", "delete"] = "refuse"
    error_budget: ErrorBudget = field(default_factory=ErrorBudget)
    max_shrink_percent: float = 80.0
    values: Literal["report", "block", "before_publish"] = "report"
    drift: Drift = "freeze"
    validator: Validator = field(default_factory=Validator)
    rows_per_second: int | None = None
    load: Literal["whole", "ranged"] = "whole"
    rows_per_range: int = 240_000

    def __post_init__(self) -> None:
        _refuse_unknown(self, ("mode", "deletes", "foreign_documents", "values", "drift", "load"))
        by_cursor = self.mode in ("watermark", "append")
        if by_cursor != (self.cursor is not None):
            raise SpecError(
                f"Sync mode {self.mode} {'without' if by_cursor else 'with'} a cursor.",
                "watermark and append take cursor=Cursor(column=...); the others take none",
            )
        if self.deletes == "soft" and self.mode == "reload":
            raise SpecError("Soft deletes with mode reload.", "a reload forgets what is gone; use reconcile")
        if self.values == "before_publish" and self.mode != "reload":
            raise SpecError(
                f"values='before_publish' with mode {self.mode}.", "only a reload can be proven before it is seen"
            )
        if self.reconcile_every < 0 or (self.rows_per_second is not None and self.rows_per_second < 1):
            raise SpecError("reconcile_every or rows_per_second is out of range.", "use 0 and more, 1 and more")
        if not 1 <= self.rows_per_range <= MOST_ROWS_PER_RANGE:
            raise SpecError(f"rows_per_range={self.rows_per_range}.", f"use 1 to {MOST_ROWS_PER_RANGE:,}")

    def check_ranges(self, where: str, storage: str, key_columns: Sequence[ColumnSpec]) -> None:
        """Raise SpecError when a table with this storage and key is to be loaded in ranges and cannot be."""
        if self.load == "whole":
            return
        if storage != "plain":
            raise SpecError(f"{where}: a time series in ranges.", "it is loaded in place; use load='whole'")
        if unordered := [column.name for column in key_columns if column.value not in ORDERED_KEY_TYPES]:
            raise SpecError(
                f"{where}: ranges of key {', '.join(unordered)}, which source and server order in different ways.",
                "use load='whole'",
            )


_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": get_args(Mode),
    "drift": get_args(Drift),
    "deletes": ("hard", "soft"),
    "foreign_documents": ("refuse", "keep", "delete"),
    "values": ("report", "block", "before_publish"),
    "load": ("whole", "ranged"),
    "on_null": ("read", "error"),
    "unindexed": ("refuse", "warn"),
    "level": ("off", "moderate", "strict"),
    "action": ("error", "warn"),
}


def _refuse_unknown(choice: Any, names: tuple[str, ...]) -> None:
    """Raise SpecError when one of these attributes holds a word that is none of its choices."""
    for name in names:
        if getattr(choice, name) not in _CHOICES[name]:
            raise SpecError(f"{name}={getattr(choice, name)!r} is not known.", f"use {' or '.join(_CHOICES[name])}")

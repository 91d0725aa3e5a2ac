"""The tables of a case: one for each way of loading, each with the rows that belong there.

What belongs here: what a way of loading adds to a case's own table, and what is expected then. What does not: talking
to a server (`world.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.shorthand import boolean, text, utc
from atlas_pipeline.spec.storage import TimeSeries
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.cases.case import WAYS, Case, Dialect, Rejected, Row, Unheld, Way, of

_NEIGHBOUR = boolean("neighbour", sql_type="INTEGER", nullable=True)
_AT = {"sqlite": utc("at"), "postgresql": utc("at", sql_type="TIMESTAMPTZ")}
_PLACE = text("place")
_ADDED = frozenset({"neighbour", "at", "place"})
"""Fields that the ways of loading add to a case's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTable:
    """A case's table for one way of loading.

    Attributes:
        case: The case.
        dialect: Of the source.
        way: The way of loading.
        spec: The table.
        rows: What the source holds: values in the order of the spec's columns, and what becomes of them.
    """

    case: Case
    dialect: Dialect
    way: Way
    spec: TableSpec
    rows: tuple[tuple[tuple[Any, ...], Any], ...]

    @property
    def landing(self) -> list[dict[str, Any]]:
        """Fields of the expected documents."""
        return [outcome for _, outcome in self.rows if isinstance(outcome, dict)]

    @property
    def rejected(self) -> list[tuple[list[Any], Rejected]]:
        """Key as it was written, and reason, of the rows that are expected in quarantine."""
        at = [self.spec.column_names.index(name) for name in self.spec.key]
        return [
            ([values[position] for position in at], outcome)
            for values, outcome in self.rows
            if isinstance(outcome, Rejected)
        ]

    def own(self, document: dict[str, Any]) -> dict[str, Any]:
        """The fields of a document that are the case's own."""
        return {name: value for name, value in document.items() if name not in _ADDED}


def rows_of(case: Case, dialect: Dialect) -> list[Row]:
    """The rows that the dialect can hold."""
    return [row for row in case.rows if not isinstance(of(row.outcome, dialect), Unheld)]


def unheld_rows(case: Case, dialect: Dialect) -> list[Row]:
    """The rows that it cannot hold."""
    return [row for row in case.rows if isinstance(of(row.outcome, dialect), Unheld)]


def table_of(case: Case, dialect: Dialect, way: Way, *, number: int = 0) -> CaseTable | None:
    """The table of a case for a way of loading; None when the case has no rows there.

    Args:
        case: The case.
        dialect: Of the source.
        way: The way of loading.
        number: Tells tables of the same case and way from each other.
    """
    rows = rows_of(case, dialect)
    given = [(_values(row, dialect), of(row.outcome, dialect)) for row in rows]
    if way == "in bulk":
        given = [row for row in given if isinstance(row[1], dict)]
    if not given or dialect in case.absent or way not in case.ways:
        return None
    spec: TableSpec = of(case.table, dialect)
    suffix = f"__{WAYS.index(way)}{number or ''}"
    named: dict[str, Any] = {"source": (case.named or case.name) + suffix, "collection": case.name + suffix}
    if way == "in bulk":
        spec = replace(spec, **named)
    elif way == "row by row":
        spec = _with(spec, (_NEIGHBOUR, *spec.columns), **named)
        given = [((None, *values), outcome) for values, outcome in given]
        given.append(_neighbour(case, dialect, spec, given[0][0]))
    else:
        spec = _with(
            spec,
            (*spec.columns, _AT[dialect], _PLACE),
            **named,
            indexes=(),
            storage="time_series",
            time_series=TimeSeries(time_field="at", meta_field="place", granularity="seconds"),
        )
        given = [
            ((*values, f"2026-01-01 00:00:{second:02}", "here"), outcome)
            for second, (values, outcome) in enumerate(given)
        ]
    return CaseTable(case=case, dialect=dialect, way=way, spec=spec, rows=tuple(given))


def _with(spec: TableSpec, columns: Sequence[ColumnSpec], **changes: Any) -> TableSpec:
    """The table with other columns, and a field for each."""
    return replace(spec, columns=tuple(columns), document=(), **changes)


def _values(row: Row, dialect: Dialect) -> tuple[Any, ...]:
    return tuple(of(value, dialect) for value in row.values)


def _neighbour(case: Case, dialect: Dialect, spec: TableSpec, like: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """A row that is refused for what it holds in a column of its own."""
    key = dict(zip(spec.key, of(case.neighbour_key, dialect), strict=True))
    values = (key.get(name, value) for name, value in zip(spec.column_names, like, strict=True))
    return (2, *list(values)[1:]), Rejected(RejectCode.NOT_BOOLEAN, "neighbour")

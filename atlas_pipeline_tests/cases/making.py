"""The tables that most cases share: one column of values under an integer key, and a key with a note.

What belongs here: functions that make a `Case` of little. What does not: any case.
"""

from __future__ import annotations

from typing import Any

from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.indexes import IndexSpec
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.cases.case import DIALECTS, Case, Lands, Per, Row, of


def table(*columns: ColumnSpec, key: tuple[str, ...] = ("id",), indexes: tuple[IndexSpec, ...] = ()) -> TableSpec:
    """A table whose names do not matter."""
    return TableSpec(source="rows", collection="rows", key=key, columns=columns, indexes=indexes)


def sqlite_catalog(*tables: TableSpec) -> CatalogSpec:
    """A catalog of SQLite whose names do not matter."""
    return CatalogSpec(name="refused", dialect="sqlite", source_variable="REFUSED", database="refused", tables=tables)


def column(value: ValueType, *, sqlite: str, postgresql: str, name: str = "v", **options: Any) -> Per[ColumnSpec]:
    """A column as each dialect declares it; options as for `ColumnSpec`."""
    return Per(
        ColumnSpec(name=name, sql_type=sqlite, value=value, **options),
        ColumnSpec(name=name, sql_type=postgresql, value=value, **options),
    )


def values(says: str, column: ColumnSpec | Per[ColumnSpec], *rows: tuple[Any, Any], **options: Any) -> Case:
    """A case about the values of one column.

    Args:
        says: As for `Case`.
        column: The column, named v.
        rows: Value and outcome of each row; their keys are 1, 2, 3 ...
        options: As for `Case`.
    """
    specs = [table(integer("id"), of(column, dialect)) for dialect in DIALECTS]
    numbered = tuple(
        Row(values=(number, value), outcome=_under(Lands("int", number), outcome))
        for number, (value, outcome) in enumerate(rows, 1)
    )
    return Case(says=says, table=Per(*specs), rows=numbered, **options)


def keys(
    says: str,
    columns: tuple[ColumnSpec | Per[ColumnSpec], ...],
    *rows: tuple[tuple[Any, ...], Any],
    **options: Any,
) -> Case:
    """A case about keys, which have a note beside them.

    Args:
        says: As for `Case`.
        columns: The key columns.
        rows: Key values of each row and its outcome: how its `_id` lands, or why it does not.
        options: As for `Case`.
    """
    several = [tuple(of(one, dialect) for one in columns) for dialect in DIALECTS]
    specs = [table(*one, text("note"), key=tuple(column.name for column in one)) for one in several]
    numbered = tuple(
        Row(values=(*key, f"row {number}"), outcome=_noted(outcome, Lands("string", f"row {number}")))
        for number, (key, outcome) in enumerate(rows, 1)
    )
    return Case(says=says, table=Per(*specs), rows=numbered, **options)


def _under(key: Lands, outcome: Any) -> Any:
    if isinstance(outcome, Per):
        return Per(_under(key, outcome.sqlite), _under(key, outcome.postgresql))
    if isinstance(outcome, Lands):
        return {"_id": key, "v": outcome}
    return {"_id": key, **outcome} if isinstance(outcome, dict) else outcome


def _noted(outcome: Any, note: Lands) -> Any:
    if isinstance(outcome, Per):
        return Per(_noted(outcome.sqlite, note), _noted(outcome.postgresql, note))
    return {"_id": outcome, "note": note} if isinstance(outcome, Lands) else outcome

"""The canonical functions: one per value type, shared by the loader and everything that verifies it.

Each takes a value as the source driver returns it, never NULL, and gives the one Python value that encodes to the
canonical BSON. What does not fit is refused with `ValueRejectedError`, never bent. What does not belong here: plain
values (`scalars`), whole rows, and values that depend on other tables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from atlas_pipeline.errors import SpecError
from atlas_pipeline.mapping.inexact import (
    Note,
    cut_by_bson,
    decimal_or_text,
    moment_or_text,
    rounded_decimal,
    unnoted,
    whole_milliseconds,
)
from atlas_pipeline.mapping.json_values import json_array, json_object, json_value, rounding, text_list
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.mapping.scalars import (
    binary,
    boolean,
    day,
    decimal,
    double,
    integer,
    shape_of,
    text,
    utc_datetime,
    utc_datetime_from,
    uuid,
)
from atlas_pipeline.spec.columns import JSON_TYPES, ColumnSpec, Inexact, ValueType


def array_of(canonical: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """The canonical function of arrays, nested where they have several dimensions. Items may be null."""

    def array(value: Any) -> list[Any]:
        if type(value) is not list:
            raise ValueRejectedError(RejectCode.NOT_ARRAY, f"expected an array, found {shape_of(value)}")
        return [None if one is None else array(one) if type(one) is list else canonical(one) for one in value]

    return array


CANONICAL: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: text,
    ValueType.INTEGER: integer,
    ValueType.DOUBLE: double,
    ValueType.DECIMAL: decimal,
    ValueType.BOOLEAN: boolean,
    ValueType.DATETIME: utc_datetime,
    ValueType.DATE: day,
    ValueType.UUID: uuid,
    ValueType.BINARY: binary,
    ValueType.TEXT_LIST: text_list,
    ValueType.JSON: json_value,
    ValueType.JSON_OBJECT: json_object,
    ValueType.JSON_ARRAY: json_array,
}
"""The canonical function of each value type but ARRAY, whose function depends on its items. Of moments it gives all
digits; what becomes of those that a date does not hold is a matter of the column.
"""


def canonical_of(column: ColumnSpec, note: Note = unnoted) -> Callable[[Any], Any]:
    """The canonical function of a column, with its items, its zone and its policy for what BSON cannot hold exactly.

    Args:
        column: The column.
        note: Called each time that the policy is applied.

    Raises:
        SpecError: The zone is unknown.
    """
    value = column.items if column.items is not None else column.value
    canonical = _read(column, value)
    if apply := _POLICIES.get((value, column.inexact)):
        canonical = apply(canonical, note)
    return array_of(canonical) if column.value is ValueType.ARRAY else canonical


def _read(column: ColumnSpec, value: ValueType) -> Callable[[Any], Any]:
    if value is not ValueType.DATETIME or column.zone == "UTC":
        return CANONICAL[value]
    try:
        return utc_datetime_from(ZoneInfo(column.zone))
    except (ZoneInfoNotFoundError, ValueError):
        raise SpecError(
            f"Column {column.name}: unknown time zone {column.zone}.", "name it as Europe/Berlin does"
        ) from None


_POLICIES: dict[tuple[ValueType, Inexact], Callable[[Callable[..., Any], Note], Callable[[Any], Any]]] = {
    (ValueType.DATETIME, "refuse"): lambda read, _: whole_milliseconds(read),
    (ValueType.DATETIME, "milliseconds"): cut_by_bson,
    (ValueType.DATETIME, "microseconds"): cut_by_bson,
    (ValueType.DATETIME, "text"): lambda read, note: moment_or_text(whole_milliseconds(read), note),
    (ValueType.DATE, "text"): moment_or_text,
    (ValueType.DECIMAL, "round"): lambda _, note: rounded_decimal(note),
    (ValueType.DECIMAL, "text"): lambda _, note: decimal_or_text(note),
    **{(value, "round"): lambda read, note: partial(read, decoder=rounding(note)) for value in JSON_TYPES},
}
"""From the function that reads a value to the one that applies the policy too. All others are canonical as they are."""

IDENTITY_TYPES = frozenset({ValueType.TEXT, ValueType.INTEGER})
"""Types whose canonical function only checks. On the bulk path the document contract makes the same check by batch.
Doubles are not among them: the contract would round an integer that no double holds.
"""

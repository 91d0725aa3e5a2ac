"""The canonical functions for a whole column at once, where all of its values have the plain form.

Each gives what the canonical function gives of every value, in a few calls that do not go through Python for each of
them; or None when a value has another form, and the canonical function has to look at each. So nothing is decided here
that is not decided there. What does not belong here: refusing (`scalars`, `inexact`), and rows (`mapper`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from atlas_pipeline.spec.columns import ColumnSpec, ValueType

Converted = tuple[Sequence[Any], int]
"""The canonical values of a column, and how many of them its policy for what BSON cannot hold was applied to."""
AtOnce = Callable[[Sequence[Any]], Converted | None]

_DIGITS = str.maketrans("123456789", "0" * 9)
_MOMENTS = frozenset(
    f"0000-00-00{between}00:00:00{fraction}"
    for between in " T"
    for fraction in ("", *("." + "0" * digits for digits in range(1, 7)))
)
"""The shapes of a moment without an offset, with 0 for every digit. Part of what `scalars` takes."""
_NONE = type(None)
_TRUTH = {0: False, 1: True, None: None}


def at_once(column: ColumnSpec) -> AtOnce | None:
    """What converts a column at once; None where its values have to be looked at one by one."""
    special = column.default or column.empty_is_null or column.refused or column.restored_from or column.dates
    if special or column.items is not None:
        return None
    if column.value is ValueType.DATETIME and column.zone == "UTC":
        return _moments(counted=column.inexact in ("milliseconds", "microseconds"))
    return {ValueType.DOUBLE: _doubles, ValueType.BOOLEAN: _booleans}.get(column.value)


def _doubles(values: Sequence[Any]) -> Converted | None:
    return (values, 0) if set(map(type, values)) <= {float, _NONE} else None


def _booleans(values: Sequence[Any]) -> Converted | None:
    types = set(map(type, values))
    if types <= {bool, _NONE}:
        return values, 0
    if types <= {int, _NONE} and set(values) <= _TRUTH.keys():
        return list(map(_TRUTH.__getitem__, values)), 0
    return None


def _moments(*, counted: bool) -> AtOnce:
    def convert(values: Sequence[Any]) -> Converted | None:
        there = [value for value in values if value is not None]
        types = set(map(type, there))
        moments: list[datetime] | None = None
        if types == {str}:
            moments = _from_texts(there)
        elif types == {datetime}:
            moments = _in_utc(there)
        elif not types:
            moments = []
        if moments is None:
            return None
        finer = sum([moment.microsecond % 1000 > 0 for moment in moments])
        if finer and not counted:
            return None
        if len(there) == len(values):
            return moments, finer
        rest = iter(moments)
        return [None if value is None else next(rest) for value in values], finer

    return convert


def _from_texts(texts: Sequence[str]) -> list[datetime] | None:
    shapes = "\n".join(texts).translate(_DIGITS).split("\n")  # of all texts in three calls
    if len(shapes) != len(texts) or not _MOMENTS.issuperset(shapes):
        return None
    try:
        return list(map(datetime.fromisoformat, [text + "+00:00" for text in texts]))
    except ValueError:
        return None


def _in_utc(moments: Sequence[datetime]) -> list[datetime] | None:
    zones = {moment.tzinfo for moment in moments}
    if zones == {UTC}:
        return list(moments)
    return [moment.replace(tzinfo=UTC) for moment in moments] if zones == {None} else None

"""Where a field of a document gets its value from: one small class per way, pure data.

What belongs here: the ways, and what follows from them (which columns they read, what may come out). What does not: how
they are computed (`atlas_pipeline.mapping.expressions`) and where in the document the value goes (`document`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from atlas_pipeline.spec.columns import ValueType

DurationUnit = Literal["milliseconds", "minutes", "hours"]


@dataclass(frozen=True, slots=True)
class Tail:
    """A step of a path into a JSON array: the items from this position on, as an array."""

    start: int


Path = tuple[str | int | Tail, ...]
"""A way into a JSON value: keys of objects, positions in arrays. The empty path is the whole value."""


@dataclass(frozen=True, slots=True)
class FromColumn:
    """The canonical value of a column."""

    column: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every document.

    Attributes:
        json: The value as JSON text.
        value: What it is.
    """

    json: str
    value: ValueType


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant, by the catalog's rule. A catalog puts the rule's expression in its place."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Time between two moments of the row, at the source's own precision.

    Whole milliseconds are an integer, cut towards zero; minutes and hours are doubles. Null when a moment is missing or
    the end is before the start; the run counts the latter.
    """

    start: str
    end: str
    unit: DurationUnit


@dataclass(frozen=True, slots=True)
class Microseconds:
    """What a date does not hold of a moment: its microseconds beyond the whole milliseconds, 0 to 999. Null of NULL.

    Attributes:
        column: A column of moments that keeps its microseconds by `inexact="microseconds"`.
    """

    column: str


@dataclass(frozen=True, slots=True)
class Translated:
    """A text of one enumeration in the words of another. Texts that the table does not know stay as they are.

    Attributes:
        column: Text column.
        words: `(source, target)` pairs.
    """

    column: str
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A text of another table's row: `value` of the row whose `key` is this row's `column`. Null when there is none.

    The whole other table is held in memory while this one is read, so it should be small.
    """

    column: str
    table: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One field of a sub-document that is made from a JSON value.

    Attributes:
        name: Field name.
        value: What it holds. A value of another kind does not fit; integers fit a double.
        moved: Key whose value moves here; it leaves the rest when it fits.
        copied: Paths to try in turn, when nothing moved; what they name stays where it is.
        default: JSON text of the value when nothing was found that fits.
        allowed: The closed set of legal texts, or empty. Others are loaded and warned of.
        minimum: Smallest believable number, or None.
        maximum: Largest believable number, or None.
    """

    name: str
    value: ValueType
    moved: str = ""
    copied: tuple[Path, ...] = ()
    default: str = "null"
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def nullable(self) -> bool:
        """Whether null may be there. The whole value always fits."""
        return self.default == "null" and () not in self.copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """A sub-document made from a JSON column: named members, and the rest under one name.

    Nothing is lost: what fits no member stays in the rest. Where there is no rest and no member holds the whole value,
    a value that does not fit refuses the row.

    Attributes:
        column: JSON column; its NULL makes the whole sub-document null.
        members: Its fields, in order.
        rest: Name of the object of all keys that did not move, or "". Follows the members.
        absent_when_bare: The sub-document is null when no member found anything.
    """

    column: str
    members: tuple[Member, ...]
    rest: str = ""
    absent_when_bare: bool = False

    @property
    def keeps_all(self) -> bool:
        """Whether the sub-document holds the whole value, so that members are views of it."""
        return bool(self.rest) or any(() in member.copied for member in self.members)


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several that is not null. All make the same fields."""

    choices: tuple[Unpacked, ...]


Expression = FromColumn | Constant | Tenant | Duration | Microseconds | Translated | Lookup | Unpacked | FirstOf


def columns_of(expression: Expression) -> tuple[str, ...]:
    """Names of the columns that an expression reads."""
    match expression:
        case FromColumn(column) | Microseconds(column) | Translated(column) | Lookup(column) | Unpacked(column=column):
            return (column,)
        case Duration(start, end):
            return (start, end)
        case FirstOf(choices):
            return tuple(choice.column for choice in choices)
    return ()

"""One column of a source table: its declared type, the value it becomes and what is allowed in it.

What belongs here: facts about a column that loader, verifier, expectations and doctor derive their work from. What does
not: how a value is converted (`atlas_pipeline.mapping.values`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from atlas_pipeline.errors import SpecError

_LENGTH = re.compile(r"\((\d+)\)")


class ValueType(StrEnum):
    """What a column's values become in BSON. Each has exactly one canonical function."""

    TEXT = "text"  # string, as stored: never trimmed, never a number
    INTEGER = "integer"  # int32 when it fits, else int64
    DOUBLE = "double"
    DECIMAL = "decimal"  # Decimal128, scale kept
    BOOLEAN = "boolean"
    DATETIME = "datetime"  # a moment, to a date of milliseconds
    DATE = "date"  # a day, to the date of its midnight in UTC
    UUID = "uuid"  # binary, subtype 4
    BINARY = "binary"
    ARRAY = "array"  # of one value type, or null
    TEXT_LIST = "text_list"  # text that is a JSON array of strings, or a list with commas
    JSON_OBJECT = "json_object"
    JSON_ARRAY = "json_array"
    JSON = "json"  # any JSON value


BSON_TYPES: dict[ValueType, tuple[str, ...]] = {
    ValueType.TEXT: ("string",),
    ValueType.INTEGER: ("int", "long"),
    ValueType.DOUBLE: ("double",),
    ValueType.DECIMAL: ("decimal",),
    ValueType.BOOLEAN: ("bool",),
    ValueType.DATETIME: ("date",),
    ValueType.DATE: ("date",),
    ValueType.UUID: ("binData",),
    ValueType.BINARY: ("binData",),
    ValueType.ARRAY: ("array",),
    ValueType.TEXT_LIST: ("array",),
    ValueType.JSON_OBJECT: ("object",),
    ValueType.JSON_ARRAY: ("array",),
    ValueType.JSON: ("object", "array", "string", "int", "long", "double", "bool"),
}
"""BSON type names, as `$type` spells them, that a value of each type may have when it is not null."""

JSON_TYPES = frozenset({ValueType.JSON, ValueType.JSON_OBJECT, ValueType.JSON_ARRAY})
"""Types that are parsed from JSON text."""

ORDERED_KEY_TYPES = frozenset({ValueType.TEXT, ValueType.INTEGER, ValueType.DATE, ValueType.UUID, ValueType.BOOLEAN})
"""Types that both sides order in the same way. MongoDB orders bytes by length first, and NaN before all numbers."""

KEY_TYPES = ORDERED_KEY_TYPES | {ValueType.BINARY, ValueType.DECIMAL}
"""Types that map one to one, so that a key can be made of them. A moment is not: its microseconds are cut."""

Inexact = Literal["refuse", "milliseconds", "microseconds", "round", "text"]
"""What becomes of a value that BSON cannot hold exactly; see ColumnSpec. All but `refuse` and `text` lose something,
`microseconds` only from the date itself."""

POLICIES: dict[ValueType, tuple[Inexact, ...]] = {
    ValueType.DATETIME: ("milliseconds", "microseconds", "text"),
    ValueType.DATE: ("text",),
    ValueType.DECIMAL: ("round", "text"),
    **dict.fromkeys(sorted(JSON_TYPES), ("round",)),
}
"""What a column may say instead of `refuse`. Of types that are not here, BSON holds every value, or none at all."""

_JSON_KINDS: dict[ValueType, tuple[type, ...]] = {
    ValueType.TEXT: (str,),
    ValueType.INTEGER: (int,),
    ValueType.DOUBLE: (float,),
    ValueType.BOOLEAN: (bool,),
    ValueType.JSON_OBJECT: (dict,),
    ValueType.JSON_ARRAY: (list,),
    ValueType.TEXT_LIST: (list,),
    ValueType.JSON: (dict, list, str, int, float, bool),
}


def bson_types(value: ValueType, *, or_text: bool, nullable: bool) -> tuple[str, ...]:
    """BSON type names of a place that holds such a value, or a text or null where these are legal."""
    return BSON_TYPES[value] + (("string",) if or_text else ()) + (("null",) if nullable else ())


def json_fits(text: str, value: ValueType) -> bool:
    """Whether a text is JSON of null or of a value of that type."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return False
    return parsed is None or type(parsed) in _JSON_KINDS.get(value, ())


_UNBOUNDED = JSON_TYPES | {ValueType.TEXT, ValueType.BINARY, ValueType.ARRAY, ValueType.TEXT_LIST}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """One source column and the document field that it becomes.

    Attributes:
        name: Column name in the source.
        sql_type: Declared type in the source, such as `VARCHAR(36)`; compared with the real schema. Where databases of
            the same application differ, all of them: `UUID or VARCHAR(36)`.
        value: What its values become.
        items: What the items of an ARRAY become.
        zone: Time zone of moments that the source stores without one.
        optional: Some databases of the application lack the column; there it reads as NULL.
        default: JSON text of the value that is stored for NULL, or "" to store NULL. The run counts where it was.
        empty_is_null: An empty text is NULL, for JSON that was written by text. The run counts where it was.
        dates: Keys of JSON objects, at any depth, whose ISO 8601 texts become dates where milliseconds hold them.
        inexact: What becomes of a value that BSON cannot hold exactly. What loses something must be named; the run
            counts where it was. `refuse`: the row goes to the quarantine. `milliseconds`: finer digits of a moment
            are cut. `microseconds`: they are cut, and stand as a number of 0 to 999 in a field beside the moment,
            `<field>_us`. `round`: a decimal to 34 digits, half to even, and a number inside JSON to the nearest
            double. `text`: a decimal of more digits, a moment with finer ones, and what names no moment or day, is
            kept as its text. Arrays take what their items do, but for `microseconds`.
        nullable: Whether NULL is legal. NULL, and the JSON text `null`, are stored as BSON null.
        field: Field name in the document; the column name unless given.
        secret: Values never leave the path from source to collection: not into logs, checks, reports or quarantine.
        allowed: The closed set of legal texts, or empty. Others are loaded and warned of.
        minimum: Smallest believable number, or None. Smaller ones are loaded and warned of.
        maximum: Largest believable number, or None. Larger ones are loaded and warned of.
        restored_from: `(table, column)` whose texts this column refers to, where the source has turned numeric-looking
            ones into numbers; they are turned back into the text found there.
        refused: It has no place in the document: a row that has a value there goes to the quarantine.
        about: What a reader must know of the column.
    """

    name: str
    sql_type: str
    value: ValueType
    items: ValueType | None = None
    zone: str = "UTC"
    optional: bool = False
    default: str = ""
    empty_is_null: bool = False
    dates: tuple[str, ...] = ()
    inexact: Inexact = "refuse"
    nullable: bool = False
    field: str = ""
    secret: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    restored_from: tuple[str, str] | None = None
    refused: bool = False
    about: str = ""

    def __post_init__(self) -> None:
        if not self.field:
            object.__setattr__(self, "field", self.name)

    def check(self, where: str) -> None:
        """Raise SpecError, in which `where` names the table, if the column contradicts itself."""
        if not self.name:
            raise SpecError(f"{where}: a column has no name.", "name it as the source does")
        where = f"{where}: column {self.name}"
        if "." in self.field or self.field.startswith("$") or "\0" in self.field:
            raise SpecError(
                f"{where}: field {self.field!r} holds a dot, a leading $ or NUL.",
                "choose a plain field name with field=",
            )
        if not self.sql_type:
            raise SpecError(f"{where} has no sql_type.", "give the declared type of the source")
        if self.allowed and self.value is not ValueType.TEXT:
            raise SpecError(f"{where}: allowed values of a {self.value}.", "use allowed= on text columns only")
        if self.allowed and self.secret:
            raise SpecError(f"{where}: allowed values of a secret.", "others would be reported; drop allowed=")
        bounded = self.minimum is not None or self.maximum is not None
        if bounded and self.value not in {ValueType.INTEGER, ValueType.DOUBLE}:
            raise SpecError(f"{where}: bounds of a {self.value}.", "use minimum= and maximum= on numbers only")
        if self.restored_from is not None and self.value is not ValueType.TEXT:
            raise SpecError(f"{where}: restored_from on a {self.value}.", "restore texts only")
        if (self.items is None) == (self.value is ValueType.ARRAY):
            raise SpecError(
                f"{where}: items={self.items} of a {self.value}.", "give items= to arrays, and only to them"
            )
        if self.items is ValueType.ARRAY:
            raise SpecError(f"{where}: an array of arrays.", "name the innermost type; nesting is in the values")
        if (self.optional or self.refused) and not (self.nullable or self.default):
            raise SpecError(f"{where} is optional or refused, but not nullable.", "add nullable=True or a default")
        if self.default and not json_fits(self.default, self.value):
            raise SpecError(f"{where}: default {self.default!r} is no JSON of a {self.value}.", "correct default=")
        if (self.empty_is_null or self.dates) and self.value not in JSON_TYPES:
            raise SpecError(f"{where}: empty_is_null or dates on a {self.value}.", "use them on JSON columns only")
        self._check_inexact(where)

    def _check_inexact(self, where: str) -> None:
        known = ("refuse", *POLICIES.get(self.items or self.value, ()))
        legal = [one for one in known if self.items is None or one != "microseconds"]
        if self.inexact not in legal:
            kind = f"{self.value} of {self.items}" if self.items else self.value
            raise SpecError(f"{where}: inexact={self.inexact!r} on {kind}.", f"use one of: {', '.join(legal)}")

    @property
    def declared(self) -> tuple[str, ...]:
        """The declared types, upper case: one, or those of all databases of the application."""
        return tuple(one.strip().upper() for one in self.sql_type.split(" or "))

    @property
    def max_length(self) -> int | None:
        """Characters that the declared types promise, or None. SQLite does not enforce it."""
        lengths = [_LENGTH.search(one) for one in self.declared]
        if self.value is not ValueType.TEXT or None in lengths:
            return None
        return max(int(match.group(1)) for match in lengths if match)

    @property
    def unbounded(self) -> bool:
        """Whether a single value can be large, so that batches must be cut by bytes."""
        return self.max_length is None and (self.value in _UNBOUNDED or self.or_text)

    @property
    def bson_types(self) -> tuple[str, ...]:
        """Names of all BSON types that the field may have, `null` included where it is legal."""
        return bson_types(self.value, or_text=self.or_text, nullable=self.stores_null)

    @property
    def or_text(self) -> bool:
        """Whether a document may hold a text in place of the value."""
        return self.inexact == "text" and self.value is not ValueType.ARRAY

    @property
    def stores_null(self) -> bool:
        """Whether a document may hold null for it."""
        return self.nullable and not self.default

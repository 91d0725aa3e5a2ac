"""A row that cannot become a document, and why. Rejects are data: they go to the quarantine and the run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RejectCode(StrEnum):
    """Why a value or a row was refused. The names are stable: operators filter by them."""

    NOT_TEXT = "not_text"
    NOT_UTF8 = "not_utf8"
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_BOOLEAN = "not_boolean"
    NOT_DATE = "not_date"
    NOT_UUID = "not_uuid"
    NOT_BINARY = "not_binary"
    NOT_ARRAY = "not_array"
    NULL_VALUE = "null_value"
    BAD_JSON = "bad_json"
    JSON_SHAPE = "json_shape"
    JSON_NUMBER = "json_number"
    JSON_DEPTH = "json_depth"
    LONE_SURROGATE = "lone_surrogate"
    NUL_IN_KEY = "nul_in_key"
    INEXACT = "inexact"  # BSON cannot hold the value exactly, and the spec names no policy for that
    AMBIGUOUS_REFERENCE = "ambiguous_reference"
    UNKNOWN_COLUMN = "unknown_column"  # a value in a column that appeared at the source, by the policy `quarantine`
    CONTRACT = "contract"  # the document contract refused what the canonical functions let pass
    TOO_LARGE = "too_large"
    DUPLICATE_VALUE = "duplicate_value"  # another row with a lower key holds the same unique value
    REFUSED_BY_SERVER = "refused_by_server"  # a validator or a limit of the server


class ValueRejectedError(Exception):
    """A value that its canonical function refuses. Never leaves the mapping layer.

    The reason describes the shape of what was found, never the value, so that it can be shown for secret columns too.
    """

    def __init__(self, code: RejectCode, reason: str, column: str = "") -> None:
        super().__init__(code, reason, column)
        self.code = code
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One refused row.

    Attributes:
        key: Primary key values as read, in key order.
        column: The first column that was refused, or "" when it is the document as a whole.
        code: Why.
        reason: What was expected and what shape was found; holds no values.
        row: The raw row by column name.
    """

    key: tuple[Any, ...]
    column: str
    code: RejectCode
    reason: str
    row: dict[str, Any]

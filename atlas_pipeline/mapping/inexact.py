"""What becomes of plain values that BSON cannot hold exactly: one function per policy of a column.

What belongs here: the policies of moments, days and decimals, each a function around the reading of the value. What
does not: the reading itself (`scalars`), numbers inside JSON (`json_values`), and which policy a column has (its spec).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context
from typing import Any

from bson.decimal128 import Decimal128

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.mapping.scalars import DECIMAL_DIGITS, decimal, fits_decimal128, number_of, text

Note = Callable[[None], object]
"""Called each time that a policy is applied, so that somebody can count."""

_IN_128_BITS = Context(prec=DECIMAL_DIGITS, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, clamp=1, traps=[])


def unnoted(_: None) -> None:
    """For those who do not count."""


def whole_milliseconds(read: Callable[[Any], datetime]) -> Callable[[Any], datetime]:
    """Moments that a date holds. Those with finer digits are refused."""

    def canonical(value: Any) -> datetime:
        moment = read(value)
        if moment.microsecond % 1000:
            raise ValueRejectedError(RejectCode.INEXACT, "a moment has microseconds, and a date holds milliseconds")
        return moment

    return canonical


def cut_by_bson(read: Callable[[Any], datetime], note: Note) -> Callable[[Any], datetime]:
    """Moments with all their digits, of which BSON cuts what is finer than milliseconds."""

    def canonical(value: Any) -> datetime:
        moment = read(value)
        if moment.microsecond % 1000:
            note(None)
        return moment

    return canonical


def moment_or_text(exact: Callable[[Any], datetime], note: Note) -> Callable[[Any], datetime | str]:
    """Moments or days that BSON holds; what is none, or too fine, as its text."""

    def canonical(value: Any) -> datetime | str:
        try:
            return exact(value)
        except ValueRejectedError as error:
            refusal = error
        kept = _as_text(value, refusal)
        note(None)
        return kept

    return canonical


def rounded_decimal(note: Note) -> Callable[[Any], Decimal128]:
    """Decimals of 34 digits, half to even. One that is too large for 128 bits is still refused."""

    def canonical(value: Any) -> Decimal128:
        number = number_of(value)
        if fits_decimal128(number):
            return Decimal128(number)
        rounded = _IN_128_BITS.create_decimal(number)
        if not rounded.is_finite():
            raise ValueRejectedError(RejectCode.NOT_NUMBER, "the number is larger than 128 bits can hold")
        note(None)
        return Decimal128(rounded)

    return canonical


def decimal_or_text(note: Note) -> Callable[[Any], Decimal128 | str]:
    """Decimals that BSON holds, others as the text of all their digits. What is no number is still refused."""

    def canonical(value: Any) -> Decimal128 | str:
        number = number_of(value)
        if fits_decimal128(number):
            return decimal(value)
        note(None)
        return value if type(value) is str else format(number, "f")

    return canonical


def _as_text(value: Any, refusal: ValueRejectedError) -> str:
    """The text of a value that names no moment, as the source has it or as it writes it in ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Undecodable):
        return value.decode("ascii") if value.isascii() else text(value)  # which refuses it
    if type(value) is int or type(value) is float:
        return str(value)
    if type(value) is str:
        return text(value)
    raise refusal

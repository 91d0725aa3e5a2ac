"""Random changes of one field of a random row, on either side, each with the place where verify must find it.

What does not belong here: the rows (`generated_rows.py`), and making the changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from bson import SON, Int64
from bson.binary import Binary
from bson.decimal128 import Decimal128
from hypothesis import strategies as st

from atlas_pipeline_tests.reconcile.generated_rows import KINDS, Row, Value

NUMBERS = (int, float, Decimal128)
_STRANGE = Binary(b"other", 0x80)
"""A value that no row becomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one field, and what verify must find of it.

    Attributes:
        column: The column, or the field, that changes.
        sql: The other value at the source; None when the document changes.
        path: Where verify must find it.
        representation: Whether it is the same value in another form.
        apply: Changes the document; does nothing when the source changes.
    """

    column: str
    path: str
    sql: Value | None = None
    representation: bool = False
    apply: Callable[[SON[str, Any]], None] = lambda _: None


def changes(row: Row) -> st.SearchStrategy[Change]:
    """Changes of one field of this row, on either side."""
    return st.sampled_from(list(row)).flatmap(
        lambda name: st.one_of(
            _at_source(name, row[name]), st.sampled_from(list(_in_document(name, row[name].becomes)))
        )
    )


def _at_source(name: str, value: Value) -> st.SearchStrategy[Change]:
    if value.becomes is None:
        other = KINDS[name].values.filter(lambda one: one.becomes is not None)
    elif isinstance(value.becomes, dict | list):
        return st.just(Change(column=name, path=name, sql=Value(None, None)))
    else:
        other = KINDS[name].values.filter(lambda one: not _equal(one.becomes, value.becomes))
    return other.map(lambda one: Change(column=name, path=name, sql=one))


def _in_document(name: str, value: Any) -> Iterator[Change]:
    """Another value, no value, null, the same number in another form, or something else inside of a container."""
    yield Change(column=name, path=name, apply=lambda document: document.__setitem__(name, _STRANGE))
    yield Change(column=name, path=name, apply=lambda document: document.__delitem__(name))
    if value is not None:
        yield Change(column=name, path=name, apply=lambda document: document.__setitem__(name, None))
    for path, inside in _places(name, value):
        if (form := _other_form(inside)) is not None:
            yield Change(
                column=name,
                path=path,
                representation=True,
                apply=partial(_put, name=name, whole=value, path=path, value=form),
            )
        yield Change(column=name, path=path, apply=partial(_put, name=name, whole=value, path=path, value=_STRANGE))


def _places(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """All scalars of a value with their dotted paths."""
    if isinstance(value, dict | list):
        for name, inside in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(f"{path}.{name}", inside)
    elif value is not None:
        yield path, value


def _other_form(value: Any) -> Any:
    """The same number as another BSON type or with another scale; None where there is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Int64(value) if -(2**31) <= value < 2**31 else Decimal128(str(value))
    if isinstance(value, float):
        return Decimal128(Decimal(value)) if value == 0 or len(Decimal(value).as_tuple().digits) <= 34 else None
    if isinstance(value, Decimal128):
        number = value.to_decimal()
        digits = format(number, "f")
        return Decimal128(f"{digits}0") if "." in digits and len(number.as_tuple().digits) < 34 else None
    return None


def _put(document: SON[str, Any], *, name: str, whole: Any, path: str, value: Any) -> None:
    """Put a value at the first place of that path."""
    done = False

    def copied(at: str, here: Any) -> Any:
        nonlocal done
        if isinstance(here, dict):
            return {key: copied(f"{at}.{key}", inside) for key, inside in here.items()}
        if isinstance(here, list):
            return [copied(f"{at}.{position}", inside) for position, inside in enumerate(here)]
        if at == path and not done:
            done = True
            return value
        return here

    document[name] = copied(name, whole)


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are one value, in whatever form."""
    if isinstance(one, NUMBERS) and isinstance(other, NUMBERS) and not isinstance(one, bool):
        return _number(one) == _number(other)
    return type(one) is type(other) and bool(one == other)


def _number(value: Any) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)

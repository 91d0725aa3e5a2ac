"""A JSON value into the fields of a sub-document, one function per value kind, nothing lost.

What belongs here: whether a JSON value fits a member, and where it goes when it does not. What does not: parsing JSON
(`values`), and sub-documents that are made of several columns (`shape`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.expressions import Member, Path, Tail, Unpacked

_ABSENT = object()
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3}0{0,3})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def unpacker(unpacked: Unpacked, *, kept_elsewhere: bool = False) -> Callable[[Any], dict[str, Any] | None]:
    """The function that makes the sub-document of one JSON value, or None of None.

    It raises ValueRejectedError when a value fits no member and is kept nowhere else.

    Args:
        unpacked: What to make.
        kept_elsewhere: Whether another field of the document holds the whole value.
    """
    strict = not (unpacked.keeps_all or kept_elsewhere)
    defaults = [json.loads(member.default) for member in unpacked.members]
    members = list(zip(unpacked.members, (FITTING[member.value] for member in unpacked.members), defaults, strict=True))

    def unpack(value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        rest = dict(value) if unpacked.rest else {}
        result: dict[str, Any] = {}
        bare = True
        for member, fit, default in members:
            found = _moved(member, fit, value, rest)
            if found is _ABSENT:
                found = _copied(member, fit, value, strict=strict)
            bare = bare and found is _ABSENT
            result[member.name] = default if found is _ABSENT else found
        if bare and unpacked.absent_when_bare:
            return None
        if unpacked.rest:
            result[unpacked.rest] = rest
        return result

    return unpack


def with_dates(value: Any, keys: frozenset[str]) -> Any:
    """The same JSON value with the texts under these keys as dates, at any depth, where they are ISO 8601 and
    milliseconds hold them. Others stay texts.
    """
    if isinstance(value, dict):
        return {
            key: (_iso(part) or part) if key in keys and isinstance(part, str) else with_dates(part, keys)
            for key, part in value.items()
        }
    return [with_dates(part, keys) for part in value] if isinstance(value, list) else value


def _moved(member: Member, fit: Callable[[Any], Any], value: Any, rest: dict[str, Any]) -> Any:
    if not member.moved or not isinstance(value, dict) or member.moved not in value:
        return _ABSENT
    found = fit(value[member.moved])
    if found is not _ABSENT:
        rest.pop(member.moved, None)
    return found


def _copied(member: Member, fit: Callable[[Any], Any], value: Any, *, strict: bool) -> Any:
    for path in member.copied:
        part = _at(value, path)
        found = _ABSENT if part is _ABSENT else fit(part)
        if found is not _ABSENT:
            return found
        if strict and part is not _ABSENT:
            raise ValueRejectedError(
                RejectCode.JSON_SHAPE, f"{member.name} is to be {member.value}, and the JSON value there is not"
            )
    return _ABSENT


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return _ABSENT
            value = value[step]
        elif isinstance(step, Tail) and isinstance(value, list):
            value = value[step.start :]
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return _ABSENT
    return value


def _only(*kinds: type) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        return value if type(value) in kinds else _ABSENT

    return fit


def _double(value: Any) -> Any:
    if type(value) is float:
        return value
    return float(value) if type(value) is int and abs(value) <= 2**53 else _ABSENT


def _moment(value: Any) -> Any:
    return (_iso(value) or _ABSENT) if isinstance(value, str) else _ABSENT


def _iso(text: str) -> datetime | None:
    if _ISO.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _texts(value: Any) -> Any:
    return value if type(value) is list and all(type(one) is str for one in value) else _ABSENT


def _any(value: Any) -> Any:
    return _ABSENT if value is None else value


FITTING: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: _only(str),
    ValueType.INTEGER: _only(int),
    ValueType.DOUBLE: _double,
    ValueType.BOOLEAN: _only(bool),
    ValueType.DATETIME: _moment,
    ValueType.JSON: _any,
    ValueType.JSON_OBJECT: _only(dict),
    ValueType.JSON_ARRAY: _only(list),
    ValueType.TEXT_LIST: _texts,
}
"""For each kind of member: the JSON value as BSON is to hold it, or a mark that it does not fit."""

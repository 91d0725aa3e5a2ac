"""Values that Python cannot hold, as `Undecodable`: for a fetch that the driver's own loaders refuse.

What belongs here: loaders of binary results, and the way back for keys. What does not: when they are used
(`postgres_session`).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from psycopg import DataError, adapters
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Dumper, Loader
from psycopg.pq import Format
from psycopg.types.datetime import DateBinaryLoader, TimestampBinaryLoader, TimestamptzBinaryLoader

from atlas_pipeline.extract.snapshot import Undecodable

_EPOCH = date(2000, 1, 1)
_DAY = 24 * 60 * 60 * 1_000_000
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400
"""The calendar repeats after so many days."""


def tolerant_adapters() -> AdaptersMap:
    """The driver's loaders, those replaced that can fail on a value that the server holds."""
    result = AdaptersMap(adapters)
    use_any_bytes(result)
    result.register_loader("date", _Date)
    result.register_loader("timestamp", _Timestamp)
    result.register_loader("timestamptz", _Timestamptz)
    return result


def use_any_bytes(context: AdaptersMap) -> None:
    """Texts may be any bytes, in both directions."""
    for name in ("text", "varchar", "bpchar", "name"):
        context.register_loader(name, _Text)
    context.register_dumper(Undecodable, _Undecodable)


class _Text(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> str | Undecodable:
        raw = bytes(data)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return Undecodable(raw)


class _Undecodable(Dumper):
    """As a literal of unknown type, which the server takes for a text where it is compared with one."""

    def dump(self, obj: Undecodable) -> Buffer:
        return bytes(obj)


class _Date(DateBinaryLoader):
    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except DataError:
            return Undecodable(_written(int.from_bytes(data, signed=True), 32, 1))


class _Timestamp(TimestampBinaryLoader):
    def load(self, data: Buffer) -> Any:
        return _moment(super(), data)


class _Timestamptz(TimestamptzBinaryLoader):
    def load(self, data: Buffer) -> Any:
        return _moment(super(), data)


def _moment(loader: Any, data: Buffer) -> Any:
    try:
        return loader.load(data)
    except DataError:
        return Undecodable(_written(int.from_bytes(data, signed=True), 64, _DAY))


def _written(number: int, bits: int, per_day: int) -> bytes:
    """ISO 8601 of a number of days or microseconds since 2000, with more digits or a sign where the year needs them."""
    largest = 2 ** (bits - 1) - 1
    if number in (largest, -largest - 1):
        return b"infinity" if number > 0 else b"-infinity"
    days, rest = divmod(number, per_day)
    cycles, days = divmod(days, _CYCLE_DAYS)
    day = _EPOCH + timedelta(days=days)
    text = f"{day.year + cycles * _CYCLE_YEARS:05}{day:-%m-%d}"
    if per_day > 1:
        seconds, microseconds = divmod(rest, 1_000_000)
        text += f"T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{microseconds:06}"
    return text.encode("ascii")

"""Where every value of the platform sample comes from: keys, chances, times, numbers and ciphertexts.

What belongs here: the small makers that all table modules share. Keys are hashes of table and name, so that a row can
refer to another without having seen it. What does not: words (`vocabulary`) and rows.

There is no wall clock and no system entropy. Both shapes of the schema get the same texts: PostgreSQL reads a time with
offset +00:00 into TIMESTAMPTZ as that moment and into TIMESTAMP as its wall clock, which is UTC.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.sample.world import between, pick, uuid_text

Shape = Literal["orm", "sql"]
Value = None | bool | int | float | str
Row = dict[str, Value]

SECRET_MARKER = "AtlasPlatformSecret5d2e"  # noqa: S105  every ciphertext of the sample holds it, and nothing else does

LAUNCH = datetime(2024, 1, 8, 6, 0, tzinfo=UTC)
LIFE = timedelta(days=730)
SECOND = 1_000_000  # in microseconds, as all spans here
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND

_LIFE = int(LIFE / timedelta(microseconds=1))
_SCATTER = 2_654_435_761  # a prime near 2^32 over the golden ratio: multiples of it spread evenly
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True)
class World:
    """One sample: how large, and for which shape of the schema. Ordinary rows are the same in both."""

    size: PlatformSize
    shape: Shape

    def rng(self, table: str) -> Random:
        """A generator of its own for each table, so that the size of one does not change the rows of another."""
        return Random(f"platform:{table}")  # noqa: S311  made to be repeated, not to be secret

    def count(self, table: str) -> int:
        """Ordinary rows of a table."""
        return self.size.rows(table)

    def begun(self, table: str, position: int) -> int:
        """When the ordinary row at this position began, in microseconds after the launch; ascending but for a day."""
        return _LIFE * position // self.count(table) + scattered(position, DAY)


RowMaker = Callable[[World], Iterator[Row]]


def row_key(table: str, name: int | str) -> str:
    """The lower-case UUID (in the form of version 4) of the row called `name`: a position, or a word if hard."""
    return uuid_text(f"platform/{table}/{name}")


def scattered(position: int, span: int) -> int:
    """A number from 0 to below `span` that looks random, the same for a position every time."""
    return position * _SCATTER % 4_294_967_291 * span // 4_294_967_291


def time(microseconds: int) -> str:
    """A moment, in microseconds after the launch, as text for TIMESTAMP and TIMESTAMPTZ alike."""
    return (LAUNCH + timedelta(microseconds=microseconds)).isoformat(" ", "microseconds")


def iso_time(microseconds: int) -> str:
    """A moment as JSON holds it: ISO 8601 in UTC with milliseconds."""
    return (LAUNCH + timedelta(microseconds=microseconds)).isoformat("T", "milliseconds")


def fraction(rng: Random, limit: int = 1) -> float:
    """Thousandths between 0 and `limit`, never whole, so that JSON text and JSONB write it alike."""
    return (between(rng, 0, limit - 1) * 1_000 + between(rng, 1, 999)) / 1_000


def eighths(rng: Random, low: int, high: int) -> float:
    """A number from `low` to `high` of at most six digits that REAL holds exactly and prints in full; below 1,000."""
    return between(rng, low * 8, high * 8) / 8


def to_json(value: Any) -> str:
    """JSON text as the application writes it: Python's `json.dumps`, anything but ASCII escaped."""
    return json.dumps(value)


def ciphertext(rng: Random, length: int = 160) -> str:
    """Base64 of the length and padding of an AES-256-GCM ciphertext; `length` characters, a multiple of 4."""
    body = "".join(pick(rng, _BASE64) for _ in range(length - 2 - len(SECRET_MARKER)))
    return f"{body[:32]}{SECRET_MARKER}{body[32:]}=="

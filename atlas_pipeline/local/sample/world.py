"""Where every value of the sample comes from: one seed, and from it keys, chances, times and secrets.

What belongs here: the small makers that all table modules share. Keys are hashes of seed, table and name, so that a row
can refer to another without having seen it. What does not belong here: words (`vocabulary`) and rows.

Only `Random.random` is used, whose sequence Python promises to keep; there is no wall clock and no system entropy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from atlas_pipeline.local.sample.size import SampleSize

SECRET_MARKER = "atlas-secret-marker-7f3a"  # noqa: S105  every secret of the sample holds it, and nothing else does
# Tables with integer keys: the hard rows count from 1, those with a dangling reference and the ordinary ones from here.
FIRST_ORPHAN_ID = 901
FIRST_ORDINARY_ID = 1001

LAUNCH = datetime(2024, 3, 1, 6, 0, tzinfo=UTC)
TODAY = datetime(2026, 1, 18, 12, 0, tzinfo=UTC)

Value = None | int | float | str | bytes
Row = dict[str, Value]
T = TypeVar("T")

_HEX = "0123456789abcdef"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_BCRYPT_LETTERS = "./" + _LETTERS[:-1]


@dataclass(frozen=True)
class World:
    """Seed and size of one sample; the same two make the same rows."""

    seed: int
    size: SampleSize

    def rng(self, table: str) -> Random:
        """A generator of its own for each table, so that the size of one table does not change the rows of another."""
        return Random(f"{self.seed}:{table}")  # noqa: S311  made to be repeated, not to be secret

    def count(self, table: str) -> int:
        """Ordinary rows of a table."""
        return self.size.rows[table]

    def key(self, table: str, name: int | str) -> str:
        """The key of the row called `name`: a position, or a word if hard."""
        return uuid_text(f"{self.seed}/{table}/{name}")


def uuid_text(name: str) -> str:
    """The lower-case UUID, in the form of version 4, that stands for a name."""
    h = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


def variant(base: Mapping[str, T], **changes: T) -> dict[str, T]:
    """A copy of `base` with other values.

    Raises:
        ValueError: A name is not a column of `base`.
    """
    unknown = changes.keys() - base.keys()
    if unknown:
        raise ValueError(f"no such column: {', '.join(sorted(unknown))}")
    return {**base, **changes}


def pick(rng: Random, choices: Sequence[T]) -> T:
    """One of the choices, all equally likely."""
    return choices[int(rng.random() * len(choices))]


def between(rng: Random, low: int, high: int) -> int:
    """An integer from `low` up to and including `high`."""
    return low + int(rng.random() * (high - low + 1))


def chance(rng: Random, share: float) -> bool:
    """True in `share` of the calls."""
    return rng.random() < share


def moment(share: float) -> datetime:
    """The time at `share` (0 to 1) of the application's life."""
    return LAUNCH + (TODAY - LAUNCH) * share


def later(start: datetime, rng: Random, days: float) -> datetime:
    """A time up to `days` after `start`, with microseconds."""
    return start + timedelta(days=days * rng.random())


def precise(when: datetime) -> str:
    """A time as the application writes it: UTC text with six digits of fraction."""
    return when.replace(tzinfo=None).isoformat(" ", "microseconds")


def whole(when: datetime) -> str:
    """A time as CURRENT_TIMESTAMP writes it: UTC text in whole seconds."""
    return when.replace(tzinfo=None).isoformat(" ", "seconds")


def to_json(value: Any) -> str:
    """JSON text as the application writes it: Python's `json.dumps`, anything but ASCII escaped."""
    return json.dumps(value)


def hex_digits(rng: Random, count: int) -> str:
    """Random lower-case hexadecimal digits."""
    return "".join(pick(rng, _HEX) for _ in range(count))


def api_secret(rng: Random) -> str:
    """A plain-text token."""
    return f"atk_{SECRET_MARKER}_{hex_digits(rng, 24)}"


def password_hash(rng: Random) -> str:
    """A text of the length and beginning of a bcrypt hash."""
    tail = "".join(pick(rng, _BCRYPT_LETTERS) for _ in range(53 - len(SECRET_MARKER)))
    return f"$2b$12${tail[:20]}{SECRET_MARKER}{tail[20:]}"


def fernet_token(rng: Random, length: int = 140) -> str:
    """A text of the alphabet, beginning and padding of a Fernet token; `length` characters, a multiple of 4."""
    body = "".join(pick(rng, _LETTERS) for _ in range(length - 9 - len(SECRET_MARKER)))
    return f"gAAAAAB{body[:24]}{SECRET_MARKER}{body[24:]}=="

"""The tables that a benchmark generates, described and filled: wide, narrow, of JSON, of large and of huge rows.

What belongs here: specs, and rows made from a seed, block by block, so that memory does not grow with their number.
What does not: putting rows into a source (`sources`), and tables of other generators (`tpch`).

Values are those that both dialects take as they are: moments as texts, truth values as 0 and 1.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import boolean, double, integer, json_object, text, utc
from atlas_pipeline.spec.sync import SyncPolicy
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from numpy.random import Generator

Column = Sequence[Any]
"""Values of one column, for the rows of one block."""

SEED = 20_240_229
BLOCK_ROWS = 4_096
POOL = 512
"""Different texts of one column in one block."""
NULLS = 0.05
"""Share of the rows that hold NULL in a nullable column."""
_WORDS = (
    "account", "billing", "carrier", "delivery", "estimate", "freight", "gateway", "harbour", "invoice", "journal",
    "köper", "ledger", "margin", "north", "order", "parcel", "quota", "route", "supplier", "tariff", "unit", "vendor",
)  # fmt: skip
_FIRST_MOMENT, _MILLISECONDS = "2020-01-01T00:00:00.000", 6 * 365 * 86_400_000


@dataclass(frozen=True, kw_only=True)
class GeneratedTable:
    """A table whose rows are made.

    Attributes:
        spec: The table.
        block: The values of a block by column, from a generator of random numbers, the number of the block's first row
            and how many rows it has.
        block_rows: Rows of a block.
    """

    spec: TableSpec
    block: Callable[[Generator, int, int], Sequence[Column]]
    block_rows: int = BLOCK_ROWS

    def rows(self, count: int, *, seed: int = SEED) -> Iterator[Row]:
        """That many rows. The same seed gives the same rows, and a larger count begins with those of a smaller one."""
        return islice(self._endless(seed), count)

    def _endless(self, seed: int) -> Iterator[Row]:
        from numpy.random import default_rng

        random = default_rng([seed, zlib.crc32(self.spec.source.encode())])
        first = 0
        while True:
            yield from zip(*self.block(random, first, self.block_rows), strict=True)
            first += self.block_rows


def _wide_columns() -> tuple[ColumnSpec, ...]:
    return (
        text("id", 36),
        *(text(f"t{n}", 20 + 10 * n, nullable=n == 7) for n in range(8)),
        *(integer(f"i{n}", nullable=n == 3) for n in range(4)),
        *(double(f"d{n}", sql_type="DOUBLE or DOUBLE PRECISION") for n in range(3)),
        *(boolean(f"b{n}") for n in range(2)),
        *(utc(f"m{n}", sql_type="TIMESTAMP") for n in range(2)),
    )


def _wide(random: Generator, _: int, rows: int) -> list[Column]:
    texts: list[Column] = [_texts(random, rows, 6 + 8 * n, 14 + 8 * n) for n in range(8)]
    numbers: list[Column] = [random.integers(0, 10 ** (3 + 2 * n), rows).tolist() for n in range(4)]
    return [
        _uuids(random, rows),
        *texts[:7],
        _with_nulls(random, texts[7]),
        *numbers[:3],
        _with_nulls(random, numbers[3]),
        *((random.random(rows) * 10**n).round(6).tolist() for n in range(3)),
        *(random.integers(0, 2, rows).tolist() for _ in range(2)),
        *(_moments(random, rows) for _ in range(2)),
    ]


def _narrow(random: Generator, first: int, rows: int) -> list[Column]:
    return [range(first + 1, first + 1 + rows), random.integers(0, 10**6, rows).tolist(), _texts(random, rows, 6, 14)]


def _json(random: Generator, first: int, rows: int) -> list[Column]:
    parts = zip(
        _uuids(random, rows),
        *(_texts(random, rows, 20, 60) for _ in range(4)),
        random.integers(0, 10**6, (rows, 8)).tolist(),
        random.random((rows, 8)).round(6).tolist(),
        _moments(random, rows),
        strict=True,
    )
    encode = json.JSONEncoder(ensure_ascii=False).encode
    payloads = [encode(_payload(*part)) for part in parts]
    return [range(first + 1, first + 1 + rows), payloads, _moments(random, rows)]


def _payload(
    trace: str,
    title: str,
    note: str,
    street: str,
    reason: str,
    numbers: list[int],
    shares: list[float],
    moment: str,
) -> dict[str, Any]:
    """About a kilobyte as JSON: objects in objects, lists of objects, and all the kinds of values that JSON has."""
    return {
        "trace": trace,
        "title": title,
        "customer": {"number": numbers[0], "active": numbers[0] % 2 == 0, "address": {"street": street, "zip": None}},
        "lines": [
            {"line": n + 1, "article": f"A-{number:06}", "amount": number % 100, "share": share, "note": note}
            for n, (number, share) in enumerate(zip(numbers[1:6], shares[1:6], strict=True))
        ],
        "totals": {"net": shares[6], "gross": shares[7], "count": numbers[6]},
        "history": [{"at": moment, "state": "open"}, {"at": moment, "state": "closed", "reason": reason}],
        "labels": title.split(),
    }


def _large(smallest: int, largest: int) -> Callable[[Generator, int, int], list[Column]]:
    """Rows of a text and of bytes, which together are between these sizes: as many of each magnitude in between."""

    def block(random: Generator, first: int, rows: int) -> list[Column]:
        import numpy

        sizes = numpy.exp(random.uniform(numpy.log(smallest), numpy.log(largest), rows)).astype(int).tolist()
        words = " ".join(random.choice(_WORDS, 20_000))
        starts = random.integers(0, len(words) // 2, rows).tolist()
        stretches = [words[start:] for start in starts]
        bodies = [
            (stretch * (3 * size // 4 // len(stretch) + 1))[: 3 * size // 4]
            for stretch, size in zip(stretches, sizes, strict=True)
        ]
        return [range(first + 1, first + 1 + rows), bodies, [random.bytes(size // 4) for size in sizes]]

    return block


def _large_spec(name: str) -> TableSpec:
    content = ColumnSpec(name="content", sql_type="BLOB or BYTEA", value=ValueType.BINARY)
    return _spec(name, integer("id"), text("body"), content)


def _spec(name: str, *columns: ColumnSpec) -> TableSpec:
    return TableSpec(
        source=name, collection=name, key=(columns[0].name,), columns=columns, sync=SyncPolicy(mode="reload")
    )


def _uuids(random: Generator, rows: int) -> list[str]:
    digits = random.bytes(16 * rows).hex()
    cut = (digits[at : at + 32] for at in range(0, 32 * rows, 32))
    return [f"{one[:8]}-{one[8:12]}-4{one[13:16]}-a{one[17:20]}-{one[20:]}" for one in cut]


def _texts(random: Generator, rows: int, shortest: int, longest: int) -> list[str]:
    """Texts of words, from a pool that is new for each block: to make each anew would take longer than to store it."""
    words = random.choice(_WORDS, (POOL, longest // 4 + 1)).tolist()
    lengths = random.integers(shortest, longest + 1, POOL).tolist()
    pool = [" ".join(some)[:length].strip() for some, length in zip(words, lengths, strict=True)]
    return [pool[at] for at in random.integers(0, POOL, rows).tolist()]


def _moments(random: Generator, rows: int) -> list[str]:
    """As an application in Python stores them: with six digits, of which the last three are zeros."""
    import numpy

    first = numpy.datetime64(_FIRST_MOMENT, "ms")
    moments = first + random.integers(0, _MILLISECONDS, rows).astype("timedelta64[ms]")
    return [moment.replace("T", " ") for moment in numpy.datetime_as_string(moments, unit="us").tolist()]


def _with_nulls(random: Generator, values: Column) -> Column:
    absent = (random.random(len(values)) < NULLS).tolist()
    return [None if null else value for value, null in zip(values, absent, strict=True)]


WIDE = GeneratedTable(spec=_spec("wide", *_wide_columns()), block=_wide)
"""20 fields, about 530 bytes of BSON, keys in no order."""
NARROW = GeneratedTable(spec=_spec("narrow", integer("id"), integer("amount"), text("name", 20)), block=_narrow)
"""Three fields, about 60 bytes of BSON."""
JSON = GeneratedTable(
    spec=_spec(
        "json_heavy",
        integer("id"),
        json_object("payload", sql_type="JSON or JSONB"),
        utc("stored_at", sql_type="TIMESTAMP"),
    ),
    block=_json,
)
"""An object of about a kilobyte per row."""
LARGE = GeneratedTable(spec=_large_spec("large"), block=_large(100_000, 350_000), block_rows=16)
"""About 200 kB per row."""
HUGE = GeneratedTable(spec=_large_spec("huge"), block=_large(1_000, 10_000_000), block_rows=4)
"""From one kB to 10 MB per row, a megabyte on average."""
GENERATED = {table.spec.source: table for table in (WIDE, NARROW, JSON, LARGE, HUGE)}

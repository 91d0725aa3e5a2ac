"""The keys of one table against the keys that were loaded, as the ledger recorded them.

For a time series, which has no index on its keys, and for keys that are neither texts nor integers: that the collection
holds exactly what was loaded is known from its bytes, and here it is told that what was loaded are the rows of the
source, each once. What does not belong here: values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import bson

from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.digest import KEY_HASH_BYTES, key_hash
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.range_store import KeyRange
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.reconcile.keys import EXAMPLES, KeyComparison
from atlas_pipeline.spec.tables import TableSpec

_PARTS = 1 << 16
_BATCH = 1_000
_NO_KEY = b"\1" * KEY_HASH_BYTES
"""Stands for values that no document can have as its key."""


def compare_recorded_keys(
    snapshot: Snapshot, table: TableSpec, loaded: Callable[[], Iterable[KeyRange]], quarantine: Quarantine
) -> KeyComparison:
    """Compare all keys, in any order.

    Each side is summed up in 65,536 parts; only the keys of the parts that differ are held in memory.

    Args:
        snapshot: The view of the source that was loaded.
        table: The table.
        loaded: Gives the ranges that this run recorded, each time it is called.
        quarantine: Where rows without a document should be.
    """
    sums = [0] * _PARTS
    for hashed, _ in _source(snapshot, table):
        sums[_part(hashed)] += int.from_bytes(hashed, "little")
    result = KeyComparison()
    for hashed in _recorded(loaded()):
        sums[_part(hashed)] -= int.from_bytes(hashed, "little")
        result.matched += 1
    suspicious = {part for part, left in enumerate(sums) if left}
    if not suspicious:
        return result
    there = Counter(hashed for hashed in _recorded(loaded()) if _part(hashed) in suspicious)
    unmatched: list[Row] = []
    for hashed, key in _source(snapshot, table):
        if _part(hashed) not in suspicious:
            continue
        if there[hashed]:
            there[hashed] -= 1
        else:
            unmatched.append(key)
    for start in range(0, len(unmatched), _BATCH):
        for key in quarantine.absent(unmatched[start : start + _BATCH]):
            result.missing += 1
            if len(result.missing_examples) < EXAMPLES:
                result.missing_examples.append(key)
    result.extra = there.total()
    result.extra_examples = [(f"key with hash {hashed.hex()}",) for hashed in (+there)][:EXAMPLES]
    result.matched -= result.extra
    return result


def _source(snapshot: Snapshot, table: TableSpec) -> Iterator[tuple[bytes, Row]]:
    codec = KeyCodec(table)
    for key in snapshot.keys(table):
        identifier = codec.identifier(key)
        yield _NO_KEY if identifier is None else key_hash(bson.encode({"_id": identifier})), key


def _recorded(ranges: Iterable[KeyRange]) -> Iterator[bytes]:
    for key_range in ranges:
        for start in range(0, len(key_range.keys), KEY_HASH_BYTES):
            yield key_range.keys[start : start + KEY_HASH_BYTES]


def _part(hashed: bytes) -> int:
    return hashed[0] | hashed[1] << 8

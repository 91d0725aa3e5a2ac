"""The keys of one table against the keys of its collection: an ordered walk over both, whole, without values.

What does not belong here: comparing values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import bson
from bson.int64 import Int64
from pymongo.collection import Collection

from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.bson_order import ID_OPTIONS
from atlas_pipeline.load.digest import raw_range
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.tables import TableSpec

EXAMPLES = 20
_BATCH = 1_000
_PYTHON_TYPES: dict[ValueType, type] = {ValueType.TEXT: str, ValueType.INTEGER: int}
_PLAIN = {ValueType.TEXT: frozenset({str}), ValueType.INTEGER: frozenset({int, Int64})}
"""Types of `_id`s that need no second look."""


def can_compare(table: TableSpec) -> bool:
    """Whether the keys of a table are of types that this walk knows."""
    return all(column.value in _PYTHON_TYPES for column in table.key_columns)


@dataclass(slots=True)
class KeyComparison:
    """What the walk found.

    Attributes:
        matched: Keys on both sides.
        missing: Source keys with neither a document nor a quarantine entry.
        extra: Documents whose key is not in the source.
        missing_examples: The first missing keys.
        extra_examples: The first extra keys.
    """

    matched: int = 0
    missing: int = 0
    extra: int = 0
    missing_examples: list[Row] = field(default_factory=list)
    extra_examples: list[Row] = field(default_factory=list)


def compare_keys(
    snapshot: Snapshot, table: TableSpec, collection: Collection[Any], quarantine: Quarantine, *, comment: str
) -> KeyComparison:
    """Walk both sides in key order. Memory is constant; the quarantine is asked only for keys without a document."""
    result = KeyComparison()
    documents = chain.from_iterable(_target_keys(collection, table, result, comment))
    rows = snapshot.keys(table)
    there: list[Row] = []
    while keys := list(islice(rows, _BATCH)):
        there += islice(documents, max(0, len(keys) - len(there)))
        if keys == there:
            result.matched += len(keys)
            there = []
        else:
            ahead = iter(there)
            unmatched, current = _walk(keys, chain(ahead, documents), table, result)
            there = [*current, *ahead]
            _judge(unmatched, quarantine, result)
    for key in chain(there, documents):
        _extra(result, key)
    return result


def _walk(
    keys: Sequence[Row], documents: Iterator[Row], table: TableSpec, result: KeyComparison
) -> tuple[list[Row], list[Row]]:
    """Walk some keys and the documents beside them; gives the keys without a document, and the document after them."""
    unmatched: list[Row] = []
    current = next(documents, None)
    for key in keys:
        while current is not None and _can_be_a_key(key, table) and current < key:
            _extra(result, current)
            current = next(documents, None)
        if current == key:
            result.matched += 1
            current = next(documents, None)
        else:
            unmatched.append(key)
    return unmatched, [] if current is None else [current]


def _target_keys(
    collection: Collection[Any], table: TableSpec, result: KeyComparison, comment: str
) -> Iterator[list[Row]]:
    """Keys of the documents in `_id` order, in batches. An `_id` of another type or shape can match no row and is
    counted as extra.
    """
    fields = [column.field for column in table.key_columns] if len(table.key) > 1 else None
    plain = _PLAIN[table.key_columns[0].value] if fields is None else frozenset()
    for batch in raw_range(collection, projection={"_id": 1}, comment=comment):
        identifiers = [document["_id"] for document in bson.decode_all(batch, ID_OPTIONS)]
        if plain.issuperset(map(type, identifiers)):
            yield list(zip(identifiers, strict=True))
            continue
        keys = []
        for identifier in identifiers:
            shape, key = None, (identifier,)
            if isinstance(identifier, dict):
                shape, key = list(identifier), tuple(identifier.values())
            if shape == fields and _can_be_a_key(key, table):
                keys.append(key)
            else:
                _extra(result, key)
        yield keys


def _can_be_a_key(key: Row, table: TableSpec) -> bool:
    return len(key) == len(table.key) and all(
        isinstance(value, _PYTHON_TYPES[column.value]) and not isinstance(value, bool)
        for value, column in zip(key, table.key_columns, strict=True)
    )


def _judge(keys: Iterable[Row], quarantine: Quarantine, result: KeyComparison) -> None:
    for key in quarantine.absent(list(keys)):
        result.missing += 1
        if len(result.missing_examples) < EXAMPLES:
            result.missing_examples.append(key)


def _extra(result: KeyComparison, key: Row) -> None:
    result.extra += 1
    if len(result.extra_examples) < EXAMPLES:
        result.extra_examples.append(key)

"""Columns of canonical values in, documents out: the shape of a table, computed a whole batch at a time.

A document is a tree; each node makes one list with a value per row, and a sub-document is made of the lists of its
parts. A flat document is a tree of one level. What does not belong here: single values (`values`), and encoding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any

from atlas_pipeline.mapping.fidelity import Fidelity
from atlas_pipeline.mapping.lookups import Lookups
from atlas_pipeline.mapping.reject import ValueRejectedError
from atlas_pipeline.mapping.unpacking import unpacker
from atlas_pipeline.spec.document import FieldSpec
from atlas_pipeline.spec.expressions import (
    Constant,
    Duration,
    Expression,
    FirstOf,
    FromColumn,
    Lookup,
    Microseconds,
    Translated,
    Unpacked,
)
from atlas_pipeline.spec.tables import TableSpec

Columns = Sequence[Sequence[Any]]
Compute = Callable[[Columns, Fidelity], Sequence[Any]]
"""From columns of canonical values in the spec's order to one value per row; counts the policies that it applies."""
Tree = dict[str, "Tree | Compute"]

UNITS: dict[str, timedelta] = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
_MILLISECOND = timedelta(milliseconds=1)
_ZERO = timedelta(0)


def document_tree(table: TableSpec, lookups: Lookups) -> Tree:
    """The fields of a table's documents as a tree of computations."""
    positions = {name: position for position, name in enumerate(table.column_names)}
    tree: Tree = {}
    kept = _kept_whole(table)
    for field in table.document:
        *above, name = field.path.split(".")
        node: Any = tree
        for part in above:
            node = node.setdefault(part, {})
        node[name] = _unpacking(field.source, positions, kept) or _compute(field, positions, lookups)
    return tree


def _kept_whole(table: TableSpec) -> frozenset[str]:
    """JSON columns whose whole value is in the document, so that whatever else is made of them is a view."""
    kept = set()
    for field in table.document:
        source = field.source.choices[0] if isinstance(field.source, FirstOf) else field.source
        if isinstance(source, FromColumn) or (isinstance(source, Unpacked) and source.keeps_all):
            kept.add(source.column)
    return frozenset(kept)


def assemble(tree: Tree, columns: Columns, fidelity: Fidelity) -> list[Sequence[Any]]:
    """The lists of values of a tree's nodes, in order."""
    return [
        _sub_documents(node, columns, fidelity) if isinstance(node, dict) else node(columns, fidelity)
        for node in tree.values()
    ]


def _sub_documents(tree: Tree, columns: Columns, fidelity: Fidelity) -> list[dict[str, Any]]:
    return documents_of(tuple(tree), assemble(tree, columns, fidelity))


def documents_of(names: Sequence[str], columns: Columns) -> list[dict[str, Any]]:
    """Documents of these fields, of which each has a column of values. In calls that do not go through Python for each
    document.
    """
    return list(map(dict, map(zip, repeat(names), zip(*columns, strict=True))))


def _compute(field: FieldSpec, positions: Mapping[str, int], lookups: Lookups) -> Compute:
    match field.source:
        case Constant(text):
            value = json.loads(text)
            return lambda columns, _: [value] * len(columns[0])
        case Duration(start, end, unit):
            return _duration((field.path, "end before start, stored as null"), positions[start], positions[end], unit)
        case FromColumn(column) | Microseconds(column) | Translated(column) | Lookup(column):
            return _of_column(field, field.source, positions[column], lookups)
        case _:
            raise TypeError(f"{field.path}: the tenant has no source; only a catalog's tables can be mapped")


def _of_column(field: FieldSpec, source: Expression, position: int, lookups: Lookups) -> Compute:
    if isinstance(source, Lookup):
        joined = lookups.joined[field.path]
        return lambda columns, _: [joined.get(value) for value in columns[position]]
    if isinstance(source, Translated):
        known = dict(source.words)
        return lambda columns, _: [known.get(value, value) for value in columns[position]]
    if isinstance(source, Microseconds):
        return lambda columns, _: [None if one is None else one.microsecond % 1000 for one in columns[position]]
    return lambda columns, _: columns[position]


def _unpacking(source: Expression, positions: Mapping[str, int], kept: frozenset[str]) -> Compute | None:
    if isinstance(source, FirstOf):
        return _first_of([_unpack(choice, positions, kept) for choice in source.choices])
    return _unpack(source, positions, kept) if isinstance(source, Unpacked) else None


def _unpack(unpacked: Unpacked, positions: Mapping[str, int], kept: frozenset[str]) -> Compute:
    position, unpack = positions[unpacked.column], unpacker(unpacked, kept_elsewhere=unpacked.column in kept)

    def compute(columns: Columns, _: Fidelity) -> Sequence[Any]:
        try:
            return list(map(unpack, columns[position]))
        except ValueRejectedError as error:
            raise ValueRejectedError(error.code, error.reason, unpacked.column) from None

    return compute


def _first_of(choices: Sequence[Compute]) -> Compute:
    def compute(columns: Columns, fidelity: Fidelity) -> Sequence[Any]:
        made = [choice(columns, fidelity) for choice in choices]
        return [next((value for value in values if value is not None), None) for values in zip(*made, strict=True)]

    return compute


def _duration(negative: tuple[str, str], start: int, end: int, unit: str) -> Compute:
    def compute(columns: Columns, fidelity: Fidelity) -> Sequence[Any]:
        spans = [_span(first, last) for first, last in zip(columns[start], columns[end], strict=True)]
        if backwards := sum(span is not None and span < _ZERO for span in spans):
            fidelity[negative] += backwards
            spans = [None if span is not None and span < _ZERO else span for span in spans]
        if unit == "milliseconds":
            return [None if span is None else span // _MILLISECOND for span in spans]
        return [None if span is None else span / UNITS[unit] for span in spans]

    return compute


def _span(first: datetime | None, last: datetime | None) -> timedelta | None:
    return None if first is None or last is None else last - first

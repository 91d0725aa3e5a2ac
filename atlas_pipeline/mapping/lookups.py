"""What mapping a table needs of other tables, read once per run from the same snapshot as its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.spec.expressions import Lookup
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Facts of other tables, in memory.

    Attributes:
        texts: For each column with `restored_from`: number -> the texts that the source turns into that number.
        joined: For each field made by a Lookup: referring value -> value found.
    """

    texts: Mapping[str, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    joined: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)


def read_lookups(snapshot: Snapshot, table: TableSpec) -> Lookups:
    """Everything that the mapper of this table needs. Raises SourceError."""
    return Lookups(
        texts={
            column.name: snapshot.restorable_texts(*column.restored_from)
            for column in table.columns
            if column.restored_from
        },
        joined={
            one.path: snapshot.lookup(one.source.table, one.source.key, one.source.value)
            for one in table.document
            if isinstance(one.source, Lookup)
        },
    )

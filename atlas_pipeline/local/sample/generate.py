"""Write a sample file: the interface of this package.

What belongs here: the two functions that write a whole file, and what they report. What does not: rows (`tables` says
where they come from) and the care for files (`store`).

Same seed and size, same rows. Two files may still differ in bytes, with the SQLite version that wrote them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from atlas_pipeline.local.sample.bad_rows import BadRow, bad_rows
from atlas_pipeline.local.sample.ddl import index_statements, loosened_table_statements, table_statements
from atlas_pipeline.local.sample.orphans import Orphan, planted_orphans
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.sample.store import insert_one, insert_rows, new_database
from atlas_pipeline.local.sample.tables import ROW_MAKERS
from atlas_pipeline.local.sample.world import World

DEFAULT_SEED = 20260118


@dataclass(frozen=True)
class SampleFacts:
    """What a clean sample holds.

    Attributes:
        rows: Rows by table, all 32 of them.
        orphans: Every reference that dangles, enforced by a constraint or not.
    """

    rows: Mapping[str, int]
    orphans: tuple[Orphan, ...]


@dataclass(frozen=True)
class DirtyFacts:
    """What a dirty sample holds: the rows of the clean one, and bad ones.

    Attributes:
        rows: Rows by table, the bad ones included.
        orphans: As in `SampleFacts`; no bad row is listed here.
        bad_rows: Every row that must be refused, with the one column that is the reason.
    """

    rows: Mapping[str, int]
    orphans: tuple[Orphan, ...]
    bad_rows: tuple[BadRow, ...]


def write_sample(path: Path, *, seed: int = DEFAULT_SEED, size: SampleSize | None = None) -> SampleFacts:
    """Write a clean sample: every row of it can be loaded.

    The file appears whole or not at all, in WAL mode, readable by its owner only. An older sample at `path` is
    replaced; any other file is not.

    Args:
        path: The SQLite file; its folder is made when it is missing.
        seed: Any integer.
        size: Ordinary rows per table, `SampleSize.default()` when None.

    Returns:
        What was written.

    Raises:
        ConfigurationError: `path` holds something that is not a sample, or a program has the sample there open.
    """
    world = World(seed, size or SampleSize.default())
    with new_database(path) as database:
        rows = _fill(database, world, table_statements())
        for statement in index_statements():
            database.execute(statement)
    return SampleFacts(MappingProxyType(rows), planted_orphans(world))


def write_dirty_sample(path: Path, *, seed: int = DEFAULT_SEED, size: SampleSize | None = None) -> DirtyFacts:
    """Write a dirty sample: the rows of the clean one and bad rows, each wrong in exactly one column.

    The schema lacks the few constraints that some bad rows break (`ddl.LOOSENED`), as that of a hand-edited file does.
    Otherwise, and for arguments and errors, as `write_sample`.
    """
    world = World(seed, size or SampleSize.default())
    with new_database(path) as database:
        rows = _fill(database, world, loosened_table_statements())
        listed = []
        for bad, row in bad_rows(world):
            insert_one(database, bad.table, row)
            rows[bad.table] += 1
            listed.append(bad)
        for statement in index_statements():
            database.execute(statement)
    return DirtyFacts(MappingProxyType(rows), planted_orphans(world), tuple(listed))


def _fill(database: sqlite3.Connection, world: World, statements: dict[str, str]) -> dict[str, int]:
    rows = {}
    for table, statement in statements.items():
        database.execute(statement)
        rows[table] = insert_rows(database, table, ROW_MAKERS[table](world))
    return rows

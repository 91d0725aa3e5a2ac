"""Write a sample database of the investigation platform: the interface of this package.

What belongs here: the two functions that fill a whole database. What does not: rows (`tables` says where they come
from) and the server (`store`).

Same size and shape, same rows, on every machine and at every time.
"""

from __future__ import annotations

from collections.abc import Iterator

from atlas_pipeline.local.platform_sample.dirty import dirty_rows
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.platform_sample.store import LOAD_ORDER, copy_rows, create_indexes, create_tables, database
from atlas_pipeline.local.platform_sample.tables import HARD, ORDINARY
from atlas_pipeline.local.platform_sample.world import Row, Shape, World


def write_platform_sample(
    url: str, *, shape: Shape = "orm", size: PlatformSize | None = None, hard: bool = True
) -> None:
    """Create the ten tables in an empty database and fill them; every row can be loaded.

    It happens in one transaction, so that the database stays empty when it fails.

    Args:
        url: SQLAlchemy URL, postgresql+psycopg://user:password@host:port/database.
        shape: `orm` for what the application's ORM creates, `sql` for what its numbered SQL files create.
        size: Ordinary rows per table, `PlatformSize()` when None.
        hard: Whether the hard rows come on top. Without them both shapes hold every fact exactly, and the same ones.

    Raises:
        ConfigurationError: The URL is not one of PostgreSQL, the database is not empty, or the user lacks a right.
        ServerUnavailableError: The server does not answer, refuses this user, or ends in the middle.
    """
    _write(url, World(size or PlatformSize(), shape), hard=hard, dirty=False)


def write_dirty_platform_sample(url: str, *, shape: Shape = "orm", size: PlatformSize | None = None) -> None:
    """As `write_platform_sample` with its hard rows, and the rows of `dirty.DIRTY_ROWS` that this shape can hold."""
    _write(url, World(size or PlatformSize(), shape), hard=True, dirty=True)


def _write(url: str, world: World, *, hard: bool, dirty: bool) -> None:
    with database(url) as connection:
        create_tables(connection, world.shape)
        for table in LOAD_ORDER:
            copy_rows(connection, table, _rows(world, table, hard=hard, dirty=dirty))
        create_indexes(connection, world.shape)


def _rows(world: World, table: str, *, hard: bool, dirty: bool) -> Iterator[Row]:
    yield from ORDINARY[table](world)
    if hard:
        yield from HARD[table](world)
    if dirty:
        yield from dirty_rows(world, table)

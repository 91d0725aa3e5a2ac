"""Changing a generated source as an application would, so that a sync has something to find.

What belongs here: the index that a cursor needs, and updates at random. What does not: the rows (`generated`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import create_engine, text

from atlas_pipeline.benchmarking.tasks import CURSOR


def prepare(url: str, table: str) -> None:
    """Make the index that leads with the table's column of changes, if it has one."""
    if table in CURSOR:
        _execute(url, f"CREATE INDEX {table}_changes ON {table} ({CURSOR[table]})")


def change(url: str, table: str, rows: int) -> None:
    """Update so many rows, chosen at random, and the moment of their change."""
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
    some = f"SELECT id FROM {table} ORDER BY random() LIMIT {rows:d}"
    _execute(url, f"UPDATE {table} SET i0 = i0 + 1, {CURSOR[table]} = '{moment}' WHERE id IN ({some})")


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement.replace(":", r"\:")))
    finally:
        engine.dispose()

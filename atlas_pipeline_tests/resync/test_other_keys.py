"""Reconciling tables whose keys are no plain texts: numbers, days, several columns, keys that both sides order in
different ways, and keys that several rows have.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from atlas_pipeline.errors import TargetError
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.reconcile.proof_tables import AMOUNTS, BLOBS, DAYS, NUMBERS, SEATS, UUIDS
from atlas_pipeline_tests.resync.syncing import Row, Syncing, did

pytestmark = pytest.mark.usefixtures("small_ranges")

COUNT = 100


def rows_of(spec: TableSpec, table: Syncing) -> list[Row]:
    """A hundred rows, in an order that is not that of the server for some of the tables."""
    lite = table.proof.is_sqlite
    keys: dict[str, Any] = {
        "numbers": lambda n: (n * 3 - 150,),
        "seats": lambda n: (f"room {n // 10}", n % 10 - 5),
        "days": lambda n: (f"20{n:02}-02-{n % 28 + 1:02}",),
        "blobs": lambda n: (b"\xff" * (n % 3) + bytes([n]) * (n % 7 + 1) + bytes([n]),),
        "amounts": lambda n: (n + 0.5,) if lite else (Decimal(n) / 4,),
        "pg_uuids": lambda n: (f"{(n * 2654435761) % 2**32:08x}-0000-4000-8000-{n:012x}",),
    }
    rest = (None,) * (len(spec.columns) - len(spec.key) - 1)
    return [(*keys[spec.source](n), f"name {n}", *rest) for n in range(COUNT)]


def is_proven(table: Syncing, spec: TableSpec) -> bool:
    """By a verification of all values, and by a further sync that finds nothing to do."""
    facts = table.of_table(spec)
    return table.is_proven(spec) and did(facts) == (0, 0, 0, facts.loaded)


@pytest.mark.parametrize("spec", [NUMBERS, SEATS, DAYS, BLOBS, AMOUNTS], ids=lambda spec: spec.source)
def test_changes_all_over_a_table_are_brought_over(in_sqlite: Syncing, spec: TableSpec) -> None:
    reconciled(in_sqlite, spec)


@pytest.mark.parametrize("spec", [NUMBERS, SEATS, BLOBS, AMOUNTS, UUIDS], ids=lambda spec: spec.source)
def test_changes_all_over_a_table_of_postgresql_are_brought_over(in_postgres: Syncing, spec: TableSpec) -> None:
    reconciled(in_postgres, spec)


def reconciled(table: Syncing, spec: TableSpec) -> None:
    """Change, delete and insert rows at both ends and in the middle, and hold the sync to them."""
    rows = rows_of(spec, table)
    late, early = rows[:5] + rows[50:55] + rows[95:], rows[5:50] + rows[55:95]
    table.proof.create(spec, early)
    assert did(table.of_table(spec)) == (85, 0, 0, 0)
    table.proof.insert(spec, late)
    for position in (0, 40, 84):
        change(table, spec, early[position], "UPDATE {} SET name = 'new' WHERE {}")
    for position in (1, 41, 83):
        change(table, spec, early[position], "DELETE FROM {} WHERE {}")
    assert did(table.of_table(spec)) == (15, 3, 3, 79)
    assert is_proven(table, spec)


def change(table: Syncing, spec: TableSpec, row: Row, statement: str) -> None:
    where = " AND ".join(f"{name} = ?" for name in spec.key)
    table.proof.change(statement.format(spec.source, where), *row[: len(spec.key)])


@pytest.mark.parametrize("spec", [NUMBERS, BLOBS], ids=lambda spec: spec.source)
def test_keys_that_several_rows_have_are_each_accounted_for(in_sqlite: Syncing, spec: TableSpec) -> None:
    rows = rows_of(spec, in_sqlite)
    in_sqlite.proof.create(spec, rows, keyed=False)
    in_sqlite.proof.insert(spec, [(*row[:1], "again", *row[2:]) for row in rows[20:40]])
    facts = in_sqlite.of_table(spec)
    assert (facts.loaded, facts.quarantined) == (100, 20)
    assert is_proven(in_sqlite, spec)

    in_sqlite.proof.insert(spec, [(*rows[50][:1], "again", *rows[50][2:])])  # a key that is new among the repeated
    in_sqlite.proof.insert(spec, [(*rows[20][:1], "and again", *rows[20][2:])])
    in_sqlite.proof.change(f"DELETE FROM {spec.source} WHERE name = 'name 21'")  # the second row takes its place
    in_sqlite.proof.change(f"DELETE FROM {spec.source} WHERE name = 'again' AND id = ?", rows[22][0])
    change(in_sqlite, spec, rows[23], "DELETE FROM {} WHERE {}")
    facts = in_sqlite.of_table(spec)
    assert (facts.loaded, facts.quarantined, facts.deleted, facts.replaced) == (99, 19, 1, 1)
    assert is_proven(in_sqlite, spec)
    document = in_sqlite.proof.live(spec).find_one({"name": "again"})
    assert document is not None
    assert document["_id"] == rows[21][0]


def test_foreign_documents_among_keys_of_another_order_are_found(in_sqlite: Syncing) -> None:
    in_sqlite.proof.create(BLOBS, rows_of(BLOBS, in_sqlite))
    in_sqlite.of_table(BLOBS)
    in_sqlite.proof.live(BLOBS).insert_many([{"_id": b"theirs"}, {"_id": "theirs"}, {"_id": 17}])
    with pytest.raises(TargetError, match="holds 3 foreign documents"):
        in_sqlite.of_table(BLOBS)


def test_what_a_verification_reported_is_corrected_in_a_range_whose_rows_have_not_changed(in_sqlite: Syncing) -> None:
    in_sqlite.proof.create(NUMBERS, rows_of(NUMBERS, in_sqlite))
    in_sqlite.of_table(NUMBERS)
    live = in_sqlite.proof.live(NUMBERS)
    live.update_one({"_id": 0}, {"$set": {"name": "theirs"}})
    assert not in_sqlite.is_proven(NUMBERS)
    facts = in_sqlite.of_table(NUMBERS)
    assert (facts.ranges, facts.ranges_unchanged, facts.replaced) == (5, 5, 1)
    assert is_proven(in_sqlite, NUMBERS)


def test_a_foreign_document_that_was_reported_and_has_gone_stops_nothing(in_sqlite: Syncing) -> None:
    in_sqlite.proof.create(NUMBERS, rows_of(NUMBERS, in_sqlite))
    in_sqlite.of_table(NUMBERS)
    in_sqlite.proof.live(NUMBERS).insert_one({"_id": 1})
    assert not in_sqlite.is_proven(NUMBERS)
    with pytest.raises(TargetError, match="holds 1 foreign documents"):
        in_sqlite.of_table(NUMBERS)
    in_sqlite.proof.live(NUMBERS).delete_one({"_id": 1})
    assert is_proven(in_sqlite, NUMBERS)

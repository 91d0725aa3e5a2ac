"""Verify finds in a PostgreSQL source what it finds in SQLite, with keys of the types that only PostgreSQL has too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Int64, ObjectId
from bson.decimal128 import Decimal128

from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.reconcile.proof import Proof, Row, accounted, found, kinds
from atlas_pipeline_tests.reconcile.proof_tables import (
    AMOUNTS,
    BLOBS,
    DAYS,
    EVENTS,
    ITEMS,
    NUMBERS,
    PEOPLE,
    SEATS,
    UUIDS,
)

ROWS = 600
Made = Callable[[int], Any]


def amount(n: int) -> Decimal:
    """Every number but one, which is the first for MongoDB and the last for PostgreSQL."""
    return Decimal("NaN") if n == 50 else Decimal(n - 300) / 8


TABLES: dict[str, tuple[TableSpec, Made, Made]] = {
    "text": (ITEMS, lambda n: (f"item-{n:05}", f"name {n}", n), lambda n: f"item-{n:05}"),
    "integer": (NUMBERS, lambda n: (n - 300, f"name {n}"), lambda n: n - 300),
    "two": (SEATS, lambda n: (f"r{n // 7:04}", n % 7, f"name {n}"), lambda n: {"room": f"r{n // 7:04}", "seat": n % 7}),
    "uuid": (UUIDS, lambda n: (UUID(int=n << 64), f"name {n}"), lambda n: Binary(UUID(int=n << 64).bytes, 4)),
    "decimal": (
        AMOUNTS,
        lambda n: (amount(n), f"name {n}"),
        lambda n: Decimal128(amount(n)),
    ),
    "day": (
        DAYS,
        lambda n: (f"{1 + n:04}-02-28", f"name {n}"),
        lambda n: datetime(1 + n, 2, 28, tzinfo=UTC),
    ),
    "bytes": (BLOBS, lambda n: (n.to_bytes(2, "big"), f"name {n}", n), lambda n: n.to_bytes(2, "big")),
}


@pytest.mark.usefixtures("small_stretches")
@pytest.mark.parametrize("name", TABLES)
def test_differences_of_all_kinds_are_found_under_keys_of_every_type(postgres_proof: Proof, name: str) -> None:
    table, row, key = TABLES[name]
    facts = postgres_proof.table(table, map(row, range(ROWS)))
    clean = postgres_proof.verify(table)
    assert (found(clean), accounted(clean), clean.digest) == ([], (ROWS, ROWS, ROWS, 0), facts.digest)
    assert clean.stretches == (1 if table in (BLOBS, AMOUNTS) else 6)  # those are not ordered alike on both sides
    live = postgres_proof.live(table)
    live.delete_many({"_id": {"$in": [key(100), key(599)]}})
    live.update_many({"_id": {"$in": [key(99), key(0)]}}, {"$set": {"name": "other"}})
    live.insert_many([{"_id": one} for one in (None, ObjectId(), True, float("inf"))])
    postgres_proof.change(f"DELETE FROM {table.source} WHERE name = ?", "name 200")
    postgres_proof.change(f"UPDATE {table.source} SET name = 'new' WHERE name = ?", "name 300")
    verification = postgres_proof.verify(table)
    by_kind = {str(kind): count for kind, count in verification.tally.kinds.items()}
    assert by_kind == {"missing_in_target": 2, "extra_in_target": 5, "value": 3, "representation": 0}
    assert accounted(verification) == (ROWS - 1, ROWS + 2, ROWS - 6, 0)
    whys = sorted(one.why for one in verification.differences if one.kind == "extra_in_target")
    assert whys == ["deleted at the source", *["foreign: this pipeline never loaded it"] * 4]
    changed = {field for _, _, fields in found(verification) for field in fields}
    assert "name: 'new' (string) is 'name 300' (string)" in changed
    live.delete_many({"name": {"$exists": False}})
    postgres_proof.load(table)
    assert postgres_proof.verify(table).strictly_equal


@pytest.mark.usefixtures("small_stretches")
def test_two_processes_give_the_answer_of_one(postgres_proof: Proof) -> None:
    table, row, key = TABLES["integer"]
    postgres_proof.table(table, map(row, range(ROWS)))
    postgres_proof.live(table).update_many({"_id": {"$in": [key(99), key(500)]}}, {"$set": {"name": "other"}})
    one, two = postgres_proof.verify(table), postgres_proof.verify(table, processes=2)
    assert (found(one), one.digest, accounted(one)) == (found(two), two.digest, accounted(two))
    assert len(kinds(two)) == 2


def test_nested_documents_are_compared_field_by_field(postgres_proof: Proof) -> None:
    person = ("p1", "Ada", 36, Decimal("1.50"), 2.0, "1815-12-10 01:02:03.004", "a, b", '{"z": {"y": [1]}}', "[1]")
    postgres_proof.table(PEOPLE, [(*person, "password", '{"k": 1}')])
    live = postgres_proof.live(PEOPLE)
    live.update_one({}, {"$set": {"settings.z.y.0": 2, "facts.age": Int64(36), "access.keys.k": 2, "tags": ["a", "c"]}})
    ((kind, _, fields),) = found(postgres_proof.verify(PEOPLE))
    assert kind == "value"
    assert [field.split(" ")[0] for field in fields] == ["facts.age:", "tags.1:", "settings.z.y.0:", "access.keys:"]
    assert fields[-1].startswith("access.keys: hmac:")


def test_a_time_series_is_compared_whole(postgres_proof: Proof) -> None:
    def event(n: int) -> Row:
        return f"event-{n:04}", f"2026-01-01 {n // 60:02}:{n % 60:02}:00", f"zone {n % 3}", n, '{"b": 1, "a": 2.0}'

    facts = postgres_proof.table(EVENTS, map(event, range(ROWS)))
    clean = postgres_proof.verify(EVENTS)
    assert (found(clean), accounted(clean), clean.digest) == ([], (ROWS, ROWS, ROWS, 0), facts.digest)
    postgres_proof.change("UPDATE events SET number = -1 WHERE id = 'event-0007'")
    postgres_proof.change("DELETE FROM events WHERE id = 'event-0008'")
    postgres_proof.insert(EVENTS, [event(ROWS)])
    assert found(postgres_proof.verify(EVENTS)) == [
        ("value", "event-0007", ["number: -1 (int) is 7 (int)"]),
        ("extra_in_target", "event-0008", []),
        ("missing_in_target", "event-0600", []),
    ]

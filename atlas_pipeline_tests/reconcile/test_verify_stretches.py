"""However a table is cut, ordered or spread over processes, verify finds the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId

from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.reconcile.verification import TableVerification
from atlas_pipeline.reconcile.verify import Request, verify_table
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.reconcile.proof import Proof, Row, accounted, found, kinds, texts
from atlas_pipeline_tests.reconcile.proof_tables import AMOUNTS, BLOBS, DAYS, ITEMS, NUMBERS, SEATS

pytestmark = pytest.mark.usefixtures("small_stretches")
ROWS = 1_000
STRETCHES = ROWS // 100


def numbers(count: int) -> list[Row]:
    return [(n - count // 2, f"name {n}") for n in range(count)]


def seats(count: int) -> list[Row]:
    return [(f"r{n // 7:04}", n % 7, f"name {n}") for n in range(count)]


def amounts(count: int) -> list[Row]:
    return [(str(Decimal(n - count // 2) / 8), f"name {n}") for n in range(count)]


def days(count: int) -> list[Row]:
    return [(f"{1 + n * 9:04}-02-{1 + n % 28:02}", f"name {n}") for n in range(count)]


TABLES: dict[str, tuple[TableSpec, Any]] = {
    "text": (ITEMS, texts),
    "integer": (NUMBERS, numbers),
    "two": (SEATS, seats),
    "decimal": (AMOUNTS, amounts),
    "day": (DAYS, days),
}
SEAMS = [0, 1, 99, 100, 101, 199, 200, 550, 899, 900, 998, 999]


def spoil(proof: Proof, table: TableSpec) -> None:
    """Differences of all kinds at the seams of stretches, and foreign ids at both ends."""
    live = proof.live(table)
    ids = [one["_id"] for one in live.find({}, {"_id": 1}).sort("_id", 1)]
    for turn, position in enumerate(SEAMS):
        wanted = {"_id": ids[position]}
        if turn % 3 == 0:
            live.delete_one(wanted)
        elif turn % 3 == 1:
            live.update_one(wanted, {"$set": {"name": "other"}})
        else:
            key, name = table.key[0], table.key[-1]
            value = ids[position] if len(table.key) == 1 else ids[position][name]
            proof.change(f"DELETE FROM {table.source} WHERE name = ?", live.find_one(wanted)["name"])
            assert (key, value) is not None
    live.insert_many([{"_id": one} for one in (None, ObjectId("6" * 24), True, float("-inf"), Decimal128("1E+40"))])
    if table is not ITEMS:
        live.insert_one({"_id": "a string"})


def forget_stretches(proof: Proof) -> None:
    """Let the ledger know one range with all keys, so that the table is one stretch."""
    ranges = proof.pipeline["ranges"]
    first, *others = ranges.find().sort("position", 1)
    keys = b"".join(bytes(one["keys"]) for one in (first, *others))
    ranges.update_one({"_id": first["_id"]}, {"$set": {"keys": keys}})
    ranges.delete_many({"_id": {"$ne": first["_id"]}})


def shown(verification: TableVerification) -> Any:
    """All of a verification that must not depend on how it was done."""
    why = sorted((one.key, one.why) for one in verification.differences)
    return found(verification), why, accounted(verification), verification.tally.first_seen


@pytest.mark.parametrize("name", TABLES)
def test_stretches_give_the_answer_of_the_whole(sqlite_proof: Proof, name: str) -> None:
    table, rows = TABLES[name]
    facts = sqlite_proof.table(table, rows(ROWS))
    cut = sqlite_proof.verify(table)
    stretches = 1 if table is AMOUNTS else STRETCHES  # decimals are not ordered alike by all sources
    assert (cut.stretches, cut.strictly_equal, cut.digest) == (stretches, True, facts.digest)
    assert accounted(cut) == (ROWS, ROWS, ROWS, 0)
    spoil(sqlite_proof, table)
    cut = sqlite_proof.verify(table)
    assert cut.tally.differences == len(SEAMS) + (6 if table is not ITEMS else 5)
    forget_stretches(sqlite_proof)
    whole = sqlite_proof.verify(table)
    assert (cut.stretches, whole.stretches) == (stretches, 1)
    assert shown(cut) == shown(whole)


def test_two_processes_give_the_answer_of_one(sqlite_proof: Proof) -> None:
    facts = sqlite_proof.table(ITEMS, texts(ROWS))
    clean = sqlite_proof.verify(ITEMS, processes=2)
    assert (clean.strictly_equal, clean.digest, clean.stretches) == (True, facts.digest, STRETCHES)
    spoil(sqlite_proof, ITEMS)
    compared: list[int] = []
    two = sqlite_proof.verify(ITEMS, processes=2, progress=compared.append)
    one = sqlite_proof.verify(ITEMS)
    assert shown(two) == shown(one)
    assert two.digest == one.digest
    assert sum(compared) == two.tally.rows


def test_from_a_key_on_only_what_follows_is_compared(sqlite_proof: Proof) -> None:
    sqlite_proof.table(NUMBERS, numbers(ROWS))
    spoil(sqlite_proof, NUMBERS)
    whole = sqlite_proof.verify(NUMBERS)
    keys = sorted(one["_id"] for one in sqlite_proof.live(NUMBERS).find({"name": {"$exists": True}}))
    for first in (keys[150], keys[200], keys[-1]):
        part = sqlite_proof.verify(NUMBERS, since=(first,))
        expected = [one.identifier for one in whole.differences if is_key(one.identifier) and one.identifier >= first]
        assert [one.identifier for one in part.differences if is_key(one.identifier)] == expected
        assert part.tally.rows == sqlite_rows(sqlite_proof, first)
        assert part.digest == ""
    assert sqlite_proof.records(NUMBERS).count() == whole.tally.differences  # what was not compared is still known


def is_key(identifier: Any) -> bool:
    return type(identifier) in (int, Int64)


def sqlite_rows(proof: Proof, first: int) -> int:
    with proof.connected() as execute:
        return int(execute("SELECT count(*) FROM numbers WHERE id >= ?", first).fetchone()[0])


def test_keys_that_are_ordered_otherwise_give_the_answer_of_an_ordered_walk(sqlite_proof: Proof) -> None:
    """The same data under texts and under bytes, which the server sorts by their length first."""
    words = [f"{n:03}" for n in range(ROWS)]
    other_lengths = ["", "0", "0000", "1", "1234567", "5", "9", "99", "zz"]
    columns = tuple(column for column in ITEMS.columns if column.name != "id")
    texts_table = replace(ITEMS, source="texts", collection="texts", columns=(ITEMS.columns[0], *columns), document=())
    answers = []
    for table, as_key in ((texts_table, lambda word: word), (BLOBS, str.encode)):
        rows = [(as_key(word), f"name {word}", len(word)) for word in (*words, *other_lengths)]
        facts = sqlite_proof.table(table, rows)
        clean = sqlite_proof.verify(table)
        assert (found(clean), accounted(clean)) == ([], (ROWS + 9, ROWS + 9, ROWS + 9, 0)), clean.note
        assert clean.digest == facts.digest
        live = sqlite_proof.live(table)
        live.delete_many({"_id": {"$in": [as_key(word) for word in ("000", "500", "5", "999")]}})
        live.update_many({"_id": {"$in": [as_key(word) for word in ("001", "9", "")]}}, {"$set": {"name": "other"}})
        live.insert_many([{"_id": as_key(word)} for word in ("5005", "x", "000a")])
        live.insert_many([{"_id": one} for one in (None, True, 7)])
        sqlite_proof.change(f"DELETE FROM {table.source} WHERE id = ?", as_key("700"))
        sqlite_proof.change(f"INSERT INTO {table.source} VALUES (?, ?, ?)", as_key("700a"), "new", 1)
        answers.append(sqlite_proof.verify(table))
    text, blob = answers
    assert (text.stretches, blob.stretches) == (STRETCHES + 1, 1)
    in_text = [(str(one.kind), one.key, one.why, one.fields) for one in text.differences]
    in_blob = [(str(one.kind), _as_text(one.identifier, one.key), one.why, one.fields) for one in blob.differences]
    assert sorted(in_text) == sorted(in_blob)
    assert accounted(text) == accounted(blob)
    assert len(in_text) == 15


class Misordered:
    """A source that orders texts by another rule than the target."""

    def __init__(self, source: Any, collation: str) -> None:
        self._source, self._collation, self.description = source, collation, source.description

    @contextmanager
    def snapshot(self, *, label: str = "") -> Iterator[Snapshot]:
        with self._source.snapshot(label=label) as snapshot:
            snapshot._collation = self._collation
            yield snapshot


def misordered(proof: Proof, **request: Any) -> TableVerification:
    opened = proof.opened(ITEMS)
    wrong = replace(opened, source=Misordered(opened.source, "NOCASE"))
    return verify_table(wrong, Request(wait_seconds=0, **request))


def mixed_case(count: int) -> Sequence[Row]:
    return [(f"{'aAbB'[n % 4]}{n:04}", f"name {n}", n) for n in range(count)]


def test_a_source_of_another_order_is_compared_by_key(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, mixed_case(ROWS))
    clean = misordered(sqlite_proof)
    assert "orders its keys in another way" in clean.note
    assert (clean.strictly_equal, accounted(clean)) == (True, (ROWS, ROWS, ROWS, 0))
    spoil(sqlite_proof, ITEMS)
    right, wrong = sqlite_proof.verify(ITEMS), misordered(sqlite_proof)
    assert found(wrong) == found(right)
    assert accounted(wrong) == accounted(right)


def test_a_source_of_another_order_is_compared_by_key_also_when_going_on(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, mixed_case(ROWS))
    sqlite_proof.live(ITEMS).delete_one({"_id": "b0998"})
    records = sqlite_proof.records(ITEMS)
    records.end(records.begin(mode="full", bounds=["B0501"], ordered=True), "interrupted")
    assert kinds(misordered(sqlite_proof, resume=True)) == [("missing_in_target", "b0998")]


def _as_text(identifier: Any, key: str) -> str:
    return identifier.decode() if isinstance(identifier, bytes) else key

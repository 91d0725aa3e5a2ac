"""Repairs and plans of tables of every kind: keys in another order, PostgreSQL, nested documents, secrets, vectors."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from cryptography.fernet import Fernet

from atlas_pipeline.embedding.embedder import make_embedder
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile.plan import plan_table
from atlas_pipeline.reconcile.plan_result import TablePlan
from atlas_pipeline.reconcile.repair import repair_table
from atlas_pipeline.reconcile.repair_result import Request, TableRepair
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.reconcile.proof import Proof, proof
from atlas_pipeline_tests.reconcile.proof_tables import AMOUNTS, PEOPLE, TALES, UUIDS
from atlas_pipeline_tests.reconcile.repairing import did
from atlas_pipeline_tests.reconcile.test_plan import says


def repair(world: Proof, table: TableSpec, **how: Any) -> TableRepair:
    return repair_table(world.opened(table), Request(**how))


def plan(world: Proof, table: TableSpec) -> TablePlan:
    return plan_table(world.opened(table))


def test_keys_in_another_order_than_the_source_has(sqlite_proof: Proof) -> None:
    world = sqlite_proof
    world.table(AMOUNTS, [(f"{n}.5", f"name {n}") for n in range(30)])
    live = world.live(AMOUNTS)
    change_one, remove = bson.Decimal128("7.5"), bson.Decimal128("8.5")
    live.update_one({"_id": change_one}, {"$set": {"name": "changed"}})
    live.delete_one({"_id": remove})
    world.change("DELETE FROM amounts WHERE id = ?", "9.5")
    assert says(plan(world, AMOUNTS)) == (1, 1, 1, 27, 0)
    world.verify(AMOUNTS)
    assert did(repair(world, AMOUNTS)) == (1, 1, 1, 0, 0)
    assert world.verify(AMOUNTS).strictly_equal
    assert says(plan(world, AMOUNTS)) == (0, 0, 0, 29, 0)


def test_a_key_that_two_rows_have_where_keys_are_compared_one_by_one(sqlite_proof: Proof) -> None:
    world = sqlite_proof
    rows = [(f"{n}.5", f"name {n}") for n in range(10)]
    world.create(AMOUNTS, [*rows, ("7.5", "again")], keyed=False)
    planned = plan(world, AMOUNTS)
    facts = world.load(AMOUNTS)
    assert says(planned) == (facts.loaded, 0, 0, 0, facts.quarantined) == (10, 0, 0, 0, 1)
    assert says(plan(world, AMOUNTS)) == (0, 0, 0, 10, 1)
    assert plan(world, AMOUNTS).nothing_to_do


def test_uuids_of_postgresql(postgres_proof: Proof) -> None:
    world = postgres_proof
    keys = sorted((uuid.uuid4() for _ in range(20)), key=str)
    world.table(UUIDS, [(key, f"name {n}") for n, key in enumerate(keys)])
    live = world.live(UUIDS)
    live.update_one({"_id": bson.Binary.from_uuid(keys[3])}, {"$set": {"name": "changed"}})
    live.delete_one({"_id": bson.Binary.from_uuid(keys[4])})
    world.change("DELETE FROM pg_uuids WHERE id = ?", keys[5])
    assert says(plan(world, UUIDS)) == (1, 1, 1, 17, 0)
    world.verify(UUIDS)
    assert did(repair(world, UUIDS)) == (1, 1, 1, 0, 0)
    assert world.verify(UUIDS).strictly_equal


def test_secrets_of_a_row_that_is_refused_are_sealed_or_left_out(sqlite_proof: Proof) -> None:
    world = sqlite_proof
    row = ("anna", "Anna", 40, "1.50", 0.5, None, "[]", "{}", "[]", "open sesame", None)
    world.table(PEOPLE, [row, ("bert", *row[1:]), ("carl", *row[1:])])
    sealer = Sealer(Fernet.generate_key().decode())
    for name, how in (("anna", {}), ("bert", {"sealer": sealer})):
        world.change("UPDATE people SET age = 'forty' WHERE id = ?", name)
        world.verify(PEOPLE)
        assert did(repair(world, PEOPLE, **how)) == (0, 0, 1, 1, 0)
    entries = {entry["key"][0]: entry["row"]["password"] for entry in world.pipeline["quarantine"].find()}
    assert entries["anna"] == {"left_out": "secret"}
    assert sealer.open(entries["bert"]) == "open sesame"
    assert world.verify(PEOPLE).strictly_equal


@pytest.fixture
def with_vectors(mongo_server: MongoServer, tmp_path: Path) -> Iterator[Proof]:
    """A source and a target whose pipeline makes vectors."""
    embedder = make_embedder("hashing", 384)
    with proof(mongo_server.uri, f"sqlite:///{tmp_path / 'source.sqlite3'}", tmp_path, embedder=embedder) as made:
        yield made


def test_documents_with_vectors_are_written_with_them(with_vectors: Proof) -> None:
    world = with_vectors
    world.table(TALES, [(f"tale-{n}", n, f"once upon {n} times") for n in range(12)])
    live = world.live(TALES)
    before = {one["_id"]: one for one in live.find()}
    assert TALES.embedding is not None
    path = TALES.embedding.path
    live.update_one({"_id": "tale-1"}, {"$set": {"team": 99}})
    live.update_one({"_id": "tale-2"}, {"$set": {path: [0.0] * 384}})
    live.delete_one({"_id": "tale-3"})
    world.change("UPDATE tales SET tale = 'a new one' WHERE id = 'tale-4'")
    now = everything_of(world)
    assert says(plan(world, TALES)) == (1, 3, 0, 8, 0)
    assert everything_of(world) == now
    world.verify(TALES)
    assert did(repair(world, TALES)) == (1, 3, 0, 0, 0)
    after = {one["_id"]: one for one in live.find()}
    assert {name for name in before if before[name] != after[name]} == {"tale-4"}
    assert len(after["tale-4"][path]) == 384
    assert world.verify(TALES).strictly_equal
    assert plan(world, TALES).nothing_to_do


def everything_of(world: Proof) -> dict[str, list[bytes]]:
    """Every byte of the target and of what the pipeline keeps, the vectors included."""
    return {
        f"{database.name}.{name}": list(database[name].find_raw_batches({}).sort("_id", 1))
        for database in (world.client[world.catalog.database], world.pipeline)
        for name in database.list_collection_names()
    }

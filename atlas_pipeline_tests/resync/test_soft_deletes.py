"""Documents whose row is gone and that stay, marked as deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_pipeline.errors import ConfigurationError, SpecError
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline.spec.sync import SyncPolicy
from atlas_pipeline_tests.resync.syncing import ANY_NUMBER, LINES, Syncing, line, lines, syncing, with_policy

SOFT = replace(LINES, indexes=(), sync=SyncPolicy(mode="reconcile", deletes="soft", error_budget=ANY_NUMBER))


@pytest.fixture
def world(mongo_server: MongoServer, tmp_path: Path) -> Iterator[Syncing]:
    url = f"sqlite:///{tmp_path / 'source.sqlite3'}"
    with syncing(mongo_server.uri, url, tmp_path, tmp_path / "project", lines(20)) as made:
        made.sync(SOFT)
        yield made


def test_a_deleted_row_leaves_its_document_marked_and_all_else_as_it_was(world: Syncing) -> None:
    before = world.documents()
    world.delete(3, 4)
    facts = world.sync(SOFT)
    after = world.documents()
    assert (facts.deleted, facts.loaded, facts.soft_deleted) == (2, 18, 2)
    assert {key for key, document in after.items() if "deleted_at" in document} == {"line-000003", "line-000004"}
    assert {key: {**document, "deleted_at": 0} for key, document in after.items()} == {
        key: {**document, "deleted_at": 0} for key, document in before.items()
    }


def test_a_verification_counts_marked_documents_apart_and_finds_both_sides_equal(world: Syncing) -> None:
    world.delete(3, 4)
    world.sync(SOFT)
    for mode in ("full", "sampled", "counts"):
        verification = world.proof.verify(SOFT, mode=mode)
        assert (verification.strictly_equal, verification.tally.deleted) == (True, 2), mode


def test_a_second_sync_marks_nothing_again(world: Syncing) -> None:
    world.delete(3)
    world.sync(SOFT)
    marked, operations = world.documents()["line-000003"], world.operations()
    facts = world.sync(SOFT)
    assert (facts.deleted, facts.soft_deleted, facts.loaded) == (0, 1, 19)
    assert world.documents()["line-000003"] == marked
    assert world.operations() == operations


def test_a_row_that_comes_back_takes_the_mark_away(world: Syncing) -> None:
    world.delete(3)
    world.sync(SOFT)
    world.insert(line(3, "back"))
    facts = world.sync(SOFT)
    assert (facts.replaced, facts.soft_deleted, facts.loaded) == (1, 0, 20)
    assert world.documents()["line-000003"]["name"] == "back"
    assert "deleted_at" not in world.documents()["line-000003"]
    assert world.is_proven(SOFT)


def test_a_part_of_the_table_is_marked_too(world: Syncing) -> None:
    world.delete(3, 15)
    facts = world.sync(SOFT, Scope(before=("line-000010",)))
    assert (facts.deleted, facts.soft_deleted) == (1, 1)
    assert "deleted_at" not in world.documents()["line-000015"]


def test_a_reload_that_would_forget_marked_documents_is_refused(world: Syncing) -> None:
    with pytest.raises(ConfigurationError, match="marked as deleted"):
        world.sync(SOFT, Scope(mode="reload"))


def test_a_spec_by_which_a_marked_document_would_be_in_the_way_is_refused() -> None:
    with pytest.raises(SpecError, match="unique index by_slot"):
        with_policy(deletes="soft")
    with pytest.raises(SpecError, match="reload"):
        SyncPolicy(mode="reload", deletes="soft")
    assert LINES.sync.deletes == "hard"

"""The seven queries on real collections: what they find, what they write and where, and when a target is missed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from atlas_pipeline.benchmarking.latency import Sampling, measure
from atlas_pipeline.benchmarking.queries import TARGETS, Report, measure_queries, targets_with
from atlas_pipeline.benchmarking.reads import ByOwner, aggregation, pagination, simple
from atlas_pipeline.benchmarking.vectors import pipeline_of, vector_search
from atlas_pipeline.benchmarking.writes import Writes
from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.errors import (
    EXIT_CANNOT,
    EXIT_DIFFERENCES,
    EXIT_DONE,
    ConfigurationError,
    LeaseHeldError,
    TargetError,
)
from atlas_pipeline.load import indexes
from atlas_pipeline.load.scratch import scratch_of
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline_tests.benchmarking.migrated import EVENTS, INVESTIGATIONS, OWNERS, STATUSES, migrate

QUICK = Sampling(samples=20, warm_up=2, quick=True)
NEVER_MISSED = dict.fromkeys(TARGETS, 1e9)
HELD = 130


@dataclass(frozen=True)
class Platform:
    """A migrated platform in databases of its own, with HELD investigations."""

    target: Target
    catalog: CatalogSpec

    def __getitem__(self, name: str) -> Any:
        return self.target.database(self.catalog)[name]

    def measured(self, **targets: float) -> Report:
        return measure_queries(self.target, self.catalog, QUICK, {**NEVER_MISSED, **targets})

    def content(self) -> dict[str, list[Any]]:
        """Everything that is live."""
        return {name: list(self[name].find().sort("_id", 1)) for name in (INVESTIGATIONS, EVENTS)}

    def scratches(self) -> list[str]:
        names = self.target.pipeline_database(self.catalog).list_collection_names()
        return [name for name in names if name.startswith("scratch_")]


@contextmanager
def platform_with(mongo_server: MongoServer, **sizes: int) -> Iterator[Platform]:
    catalog = replace(INVESTIGATION_PLATFORM, database=f"bench_{uuid.uuid4().hex[:12]}")
    with Target(mongo_server.uri) as target:
        try:
            migrate(target, catalog, **sizes)
            yield Platform(target, catalog)
        finally:
            for database in (catalog.database, catalog.pipeline_database):
                target.client.drop_database(database)


@pytest.fixture(scope="module")
def platform(mongo_server: MongoServer) -> Iterator[Platform]:
    """Tests give back what they change."""
    with platform_with(mongo_server) as made:
        yield made


@pytest.fixture
def writes(platform: Platform) -> Iterator[tuple[Writes, Any]]:
    """The writes, and the scratch collection that they go to."""
    with scratch_of(platform.target, platform.catalog, platform.catalog.table(INVESTIGATIONS)) as scratch:
        yield Writes(platform[INVESTIGATIONS], scratch, 1), scratch


def test_all_seven_are_measured_and_nothing_live_is_changed_or_left_behind(platform: Platform) -> None:
    before = platform.content()
    report = platform.measured()
    assert [(one.name, one.state) for one in report.results] == [(name, "met") for name in TARGETS]
    assert {one.latencies.samples for one in report.results if one.latencies} == {QUICK.samples}
    assert (report.exit_code, report.documents) == (EXIT_DONE, {INVESTIGATIONS: HELD, EVENTS: 30})
    assert (platform.content(), platform.scratches()) == (before, [])
    how = {one.name: one.how for one in report.results}
    assert how["indexed"] == "the server's plan uses user_id_1_created_at_-1"
    assert "130 copies" in how["insert"]
    assert "exact, over all vectors" in how["vector_search"]


def test_for_machines_it_tells_every_figure_and_that_a_trial_is_none(platform: Platform) -> None:
    told = platform.measured().as_json()
    assert (told["ok"], told["measurement"], told["percentiles"]) == (True, False, "nearest rank")
    for one in told["queries"]:
        assert one["samples"] == 20
        assert 0 < one["min_ms"] <= one["median_ms"] <= one["p95_ms"] <= one["p99_ms"] <= one["max_ms"]
        assert one["min_ms"] <= one["mean_ms"] <= one["max_ms"]


@pytest.mark.parametrize("name", ["simple", "update", "vector_search"])
def test_a_missed_target_is_told_and_ends_with_1(platform: Platform, name: str) -> None:
    report = platform.measured(**{name: 1e-6})
    assert [one.name for one in report.results if one.state == "missed"] == [name]
    (missed,) = (one for one in report.results if one.state == "missed")
    assert missed.because.startswith("P99 is ")
    assert (report.exit_code, report.as_json()["ok"]) == (EXIT_DIFFERENCES, False)


def test_the_targets_are_those_of_the_platform_and_others_must_be_named_rightly() -> None:
    assert list(TARGETS.values()) == [100, 100, 200, 500, 100, 100, 500]
    assert targets_with({"simple": 7}) == {**TARGETS, "simple": 7}
    for wrong in ({"simpel": 1.0}, {"simple": 0.0}, {"simple": float("nan")}):
        with pytest.raises(ConfigurationError):
            targets_with(wrong)


@pytest.mark.parametrize("other", ["", "of_somebody"])
def test_an_indexed_query_without_its_index_is_missed_however_fast_it_is(platform: Platform, other: str) -> None:
    name, live = "user_id_1_created_at_-1", platform[INVESTIGATIONS]
    live.drop_index(name)
    if other:
        live.create_index("user_id", name=other)
    try:
        report = platform.measured()
    finally:
        if other:
            live.drop_index(other)
        indexes.ensure(live, platform.catalog.table(INVESTIGATIONS).indexes, comment="")
    (missed,) = (one for one in report.results if one.state == "missed")
    assert (missed.name, name in missed.because) == ("indexed", True)
    assert missed.how == f"the server's plan uses {other or 'no index'}"
    assert report.exit_code == EXIT_DIFFERENCES


@pytest.mark.parametrize("events", [0, 5])
def test_without_vectors_the_search_is_skipped_which_is_not_met(mongo_server: MongoServer, events: int) -> None:
    with platform_with(mongo_server, investigations=7, events=events) as platform:
        platform[EVENTS].update_many({}, {"$set": {"embedding": None}})
        report = platform.measured()
    last = report.results[-1]
    assert (last.name, last.state, last.latencies) == ("vector_search", "skipped", None)
    assert "no document of" in last.because
    assert (report.exit_code, report.as_json()["skipped"]) == (EXIT_DONE, ["vector_search"])


def test_where_nothing_is_migrated_it_refuses_and_says_what_to_run(mongo_server: MongoServer) -> None:
    with platform_with(mongo_server, investigations=0) as platform:
        for _ in range(2):
            with pytest.raises(TargetError, match="holds no documents") as refused:
                platform.measured()
            assert "atlas-pipeline sync investigation_platform" in refused.value.cure
            assert refused.value.exit_code == EXIT_CANNOT
            platform[INVESTIGATIONS].drop()  # and the same without the collection
        assert platform.scratches() == []


def test_two_benchmarks_do_not_measure_each_other(platform: Platform, writes: tuple[Writes, Any]) -> None:
    with pytest.raises(LeaseHeldError):
        platform.measured()
    assert platform.scratches() == [writes[1].name]


def test_the_same_seed_asks_for_the_same_documents(platform: Platform) -> None:
    def asked(seed: int) -> list[Any]:
        live = platform[INVESTIGATIONS]
        operations: list[Any] = [
            simple(live, seed),
            ByOwner(live, seed).operation(),
            pagination(live, HELD, seed),
            aggregation(live, seed),
        ]
        return [[operation.draw() for _ in range(10)] for operation in operations]

    assert asked(3) == asked(3)
    assert all(one != other for one, other in zip(asked(3), asked(4), strict=True))


# --- what an answer must be -----------------------------------------------------------------------------------------


def test_a_document_that_is_not_found_is_no_fast_answer(platform: Platform) -> None:
    operation = simple(platform[INVESTIGATIONS], 1)
    key = operation.draw()
    assert operation.check(key, operation.ask(key)) == ""
    assert operation.check(key, None) != ""
    assert operation.check(key, operation.ask("case-0000" if key != "case-0000" else "case-0001")) != ""


def test_an_owner_s_investigations_are_his_of_the_window_newest_first(platform: Platform) -> None:
    operation = ByOwner(platform[INVESTIGATIONS], 1).operation()
    owned = operation.draw()
    found = operation.ask(owned)
    assert operation.check(owned, found) == ""
    assert operation.check(owned, []) != ""
    assert operation.check(owned, found[1:]) != ""
    stranger = next(owner for owner in OWNERS if owner != owned[0])
    assert operation.check(owned, [found[0], {**found[0], "user_id": stranger}]) != ""


def test_pages_are_disjoint_and_in_the_order_of_their_moments(platform: Platform) -> None:
    operation = pagination(platform[INVESTIGATIONS], HELD, 1)
    pages = [operation.ask(page) for page in range(HELD // 20)]
    assert all(operation.check(number, page) == "" for number, page in enumerate(pages))
    newest = platform[INVESTIGATIONS].find({}, {"_id": 1}).sort("created_at", -1).limit(120)
    assert [one["_id"] for page in pages for one in page] == [one["_id"] for one in newest]
    assert {operation.draw() for _ in range(200)} == set(range(6))
    assert operation.check(0, pages[0][1:]) != ""
    assert operation.check(0, pages[0][::-1]) != ""


def test_an_aggregation_is_about_a_status_that_exists_and_finds_its_owners(platform: Platform) -> None:
    operation = aggregation(platform[INVESTIGATIONS], 1)
    assert {operation.draw() for _ in range(100)} == set(STATUSES)
    found = operation.ask("ERROR")
    assert {one["_id"] for one in found} == set(OWNERS)
    assert operation.check("ERROR", found) == ""
    assert operation.check("ERROR", []) != ""
    assert operation.check("ERROR", [{**found[0], "investigations": 0}, *found[1:]]) != ""


def test_the_stored_vector_s_own_document_is_the_nearest(platform: Platform) -> None:
    embedding = platform.catalog.table(EVENTS).embedding
    assert embedding is not None
    operation = vector_search(platform[EVENTS], embedding, 1).operation
    assert operation is not None
    vector = operation.draw()
    found = operation.ask(vector)
    assert (len(found), operation.check(vector, found)) == (10, "")
    assert operation.check(vector, found[1:]) != ""
    assert operation.check(vector, found[::-1]) != ""
    assert operation.check(-vector, operation.ask(-vector)) != ""


def test_the_server_s_index_is_asked_for_ten_of_a_hundred_candidates() -> None:
    embedding = INVESTIGATION_PLATFORM.table(EVENTS).embedding
    assert embedding is not None
    search, shown = pipeline_of(embedding, [0.5, 0.25])
    assert search["$vectorSearch"] == {
        "index": "anomaly_vector_index",
        "path": "embedding",
        "queryVector": [0.5, 0.25],
        "numCandidates": 100,
        "limit": 10,
    }
    assert shown == {"$project": {"_id": 1, "score": {"$meta": "vectorSearchScore"}}}


# --- what is written ------------------------------------------------------------------------------------------------


def test_each_insert_adds_one_document_and_each_update_changes_one(writes: tuple[Writes, Any]) -> None:
    made, scratch = writes
    versions = {one["_id"]: one["version"] for one in scratch.find()}
    assert len(versions) == made.copies == HELD
    measure(made.insert(), QUICK)
    assert scratch.count_documents({}) == HELD + 22
    added = list(scratch.find({"_id": {"$nin": list(versions)}}))
    assert {(one["_id"] == one["investigation_id"], one["version"]) for one in added} == {(True, 1)}
    measure(made.update(), QUICK)
    assert sum(one["version"] - versions.get(one["_id"], 1) for one in scratch.find()) == 22


def test_an_insert_that_somebody_else_made_spoils_the_account(writes: tuple[Writes, Any]) -> None:
    made, scratch = writes
    scratch.insert_one({**scratch.find_one(), "_id": "stranger", "investigation_id": "stranger"})
    with pytest.raises(TargetError, match="152 documents should be there, and there are 153"):
        measure(made.insert(), QUICK)


def test_an_update_that_matches_nothing_is_no_fast_update(writes: tuple[Writes, Any]) -> None:
    made, scratch = writes
    scratch.update_many({}, {"$inc": {"version": 1}})
    with pytest.raises(TargetError, match="matched 0 documents and changed 0"):
        measure(made.update(), QUICK)


def test_an_update_that_somebody_undid_spoils_the_account(writes: tuple[Writes, Any]) -> None:
    made, scratch = writes
    operation = made.update()

    def undone() -> str:
        scratch.update_many({}, {"$inc": {"version": -1}})
        return operation.check_all()

    with pytest.raises(TargetError, match="all versions should sum up to"):
        measure(replace(operation, check_all=undone), QUICK)

"""`bench queries` by the command line: its exit codes, and that nothing of it stays, however it ends."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.benchmarking.queries import TARGETS
from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DIFFERENCES, EXIT_DONE, EXIT_INTERRUPTED
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.benchmarking.migrated import migrate
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.commands.in_process import run
from atlas_pipeline_tests.load.faults import held, held_operations
from atlas_pipeline_tests.waiting import wait_until

Client = MongoClient[dict[str, Any]]

QUICK = ("bench", "queries", "--quick", "--samples", "3", "--warm-up", "1")
PATIENT = tuple(word for name in TARGETS for word in ("--target", f"{name}=1e9"))


@dataclass(frozen=True)
class Bench:
    """The tool, and a target with a migrated platform."""

    env: dict[str, str]
    client: Client

    def run(self, *arguments: str) -> cli.Said:
        return run(*arguments, env=self.env)

    def scratches(self) -> list[str]:
        names = self.client["olorin_pipeline"].list_collection_names()
        return [name for name in names if name.startswith("scratch_")]


@pytest.fixture(scope="module")
def bench(mongo_server: MongoServer, empty_target: Client, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    env = {"ATLAS_STATE_DIR": str(tmp_path_factory.mktemp("state")), "MONGODB_URI": mongo_server.uri}
    with Target(mongo_server.uri) as target:
        migrate(target, INVESTIGATION_PLATFORM)
    return Bench(env, empty_target)


def test_it_tells_every_query_and_that_a_trial_is_no_measurement(bench: Bench) -> None:
    said = bench.run(*QUICK, *PATIENT)
    assert said.code == EXIT_DONE, said.text
    assert all(f"{name}: " in said.out for name in TARGETS)
    assert "3 samples are a trial, not a measurement." in said.out
    assert bench.scratches() == []


def test_a_missed_target_ends_it_with_1(bench: Bench) -> None:
    said = bench.run(*QUICK, *PATIENT, "--target", "pagination=0.000001", "--json")
    assert (said.code, said.json["ok"]) == (EXIT_DIFFERENCES, False)
    assert [one["name"] for one in said.json["queries"] if one["state"] == "missed"] == ["pagination"]


def test_vectors_that_are_missing_are_skipped_in_sight(bench: Bench) -> None:
    events = bench.client["olorin"]["anomaly_events"]
    vectors = {one["_id"]: one["embedding"] for one in events.find()}
    events.update_many({}, {"$unset": {"embedding": ""}})
    try:
        said = bench.run(*QUICK, *PATIENT, "--json")
        shown = bench.run(*QUICK, *PATIENT)
    finally:
        for key, vector in vectors.items():
            events.update_one({"_id": key}, {"$set": {"embedding": vector}})
    assert (said.code, said.json["ok"], said.json["skipped"]) == (EXIT_DONE, True, ["vector_search"])
    assert "skipped: no document of olorin.anomaly_events has a vector" in shown.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--samples", "999"], "at least 1,000"),
        (["--quick", "--target", "simple"], "NAME=MILLISECONDS"),
        (["--quick", "--target", "simpel=5"], "did you mean 'simple'"),
    ],
)
def test_too_few_samples_and_wrong_targets_are_refused(bench: Bench, arguments: list[str], word: str) -> None:
    said = bench.run("bench", "queries", *arguments)
    assert (said.code, word in said.err) == (EXIT_CANNOT, True), said.err


def test_interrupted_it_leaves_nothing_behind(bench: Bench) -> None:
    with held(bench.client, "insert") as waiting, cli.started(*QUICK, env=bench.env) as process:
        waiting.wait()
        assert len(bench.scratches()) == 1
        process.send_signal(signal.SIGINT)
        said = cli.ended(process)
        assert (said.code, bench.scratches()) == (EXIT_INTERRUPTED, []), said.text
        wait_until(lambda: not held_operations(bench.client, "insert"), "the end of the insert that was on its way")
    assert bench.scratches() == []  # which would have made it again


def test_what_a_killed_one_left_is_found_by_clean(bench: Bench) -> None:
    with held(bench.client, "insert") as waiting, cli.started(*QUICK, env=bench.env) as process:
        waiting.wait()
        process.kill()
        process.wait()
    (left,) = bench.scratches()
    listed = bench.run("clean", "investigation_platform", "--json")
    (found,) = listed.json["leftovers"]
    assert (found["kind"], found["place"], found["kept"]) == ("scratch collections", f"olorin_pipeline.{left}", "")
    assert bench.scratches() == [left]
    bench.run("clean", "investigation_platform", "--yes")
    assert bench.scratches() == []


def test_where_nothing_is_migrated_it_says_what_to_run(bench: Bench) -> None:
    bench.client["olorin"].drop_collection("investigations")
    said = bench.run("bench", "queries")
    assert said.code == EXIT_CANNOT
    assert "atlas-pipeline sync investigation_platform" in said.err
    assert "atlas-pipeline demo" in said.err

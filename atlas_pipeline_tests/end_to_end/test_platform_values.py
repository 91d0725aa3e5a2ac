"""All ten tables of the platform's sample, in both shapes, become the documents that a second, plain mapping gives."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_pipeline.local.platform_sample.dirty import DIRTY_ROWS
from atlas_pipeline.local.platform_sample.generate import write_dirty_platform_sample, write_platform_sample
from atlas_pipeline.local.platform_sample.world import SECRET_MARKER
from atlas_pipeline.local.servers import MongoServer, PostgresServer
from atlas_pipeline_tests.catalogs.facts_investigation_platform import FACTS, TIME_SERIES, VECTOR
from atlas_pipeline_tests.end_to_end.platform_states import (
    COLLECTIONS,
    RAW,
    SHAPES,
    Synced,
    both_shapes,
    keys_that_differ,
    opened,
)
from atlas_pipeline_tests.plain_platform import Document
from atlas_pipeline_tests.plain_platform_values import Row, plain_rows

each_collection = pytest.mark.parametrize("collection", COLLECTIONS)
each_shape = pytest.mark.parametrize("shape", SHAPES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the checks of a run keep their results."""
    return tmp_path_factory.mktemp("dirty")


@pytest.fixture(scope="module")
def dirty(mongo_server: MongoServer, postgres_server: PostgresServer, folder: Path) -> Iterator[Synced]:
    """Ordinary, hard and bad rows."""
    with both_shapes(write_dirty_platform_sample, mongo_server, postgres_server, folder) as states:
        yield states


# --- every field of every row ----------------------------------------------------------------------------------------


@each_shape
@each_collection
def test_every_document_is_the_one_of_the_plain_mapping(dirty: Synced, shape: str, collection: str) -> None:
    state = dirty[shape]
    assert state.expected[collection]
    assert keys_that_differ(state.expected[collection], state.stored(collection)) == []


@each_shape
@each_collection
def test_documents_and_quarantined_rows_add_up_to_the_rows_of_the_source(
    dirty: Synced, shape: str, collection: str
) -> None:
    state, source = dirty[shape], FACTS[collection]["source"]
    with opened(state.url) as connection:
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {source}").fetchall()
    facts = state.facts[collection]
    documents = state.database[collection].count_documents({})
    quarantined = state.pipeline["quarantine"].count_documents({"table": source})
    assert (facts.source_rows, facts.loaded, facts.quarantined) == (rows, documents, quarantined)
    assert documents + quarantined == rows > 0


@each_shape
def test_exactly_the_bad_rows_are_in_quarantine_each_with_its_column_and_reason(dirty: Synced, shape: str) -> None:
    state = dirty[shape]
    entries = state.pipeline["quarantine"].find()
    found = sorted((one["table"], tuple(one["key"]), one["column"], one["code"]) for one in entries)
    bad = [one for one in DIRTY_ROWS if shape in one.shapes]
    assert found == sorted((one.table, one.key, one.column, str(one.code)) for one in bad)
    refused = {(FACTS[name]["source"], tuple(key)) for name, keys in state.refused.items() for key in keys}
    assert refused == {(one.table, one.key) for one in bad}


def test_a_secret_is_in_its_collection_and_nowhere_else(dirty: Synced, folder: Path) -> None:
    state, marker = dirty[SHAPES[-1]], SECRET_MARKER.encode()

    def hold_it(database: Any) -> set[str]:
        found: Any = {
            name: database.get_collection(name, codec_options=RAW) for name in database.list_collection_names()
        }
        return {name for name, documents in found.items() if any(marker in one.raw for one in documents.find())}

    assert hold_it(state.database) == {"composio_connections"}
    assert hold_it(state.pipeline) == set()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".html" for path in files)
    assert [path for path in files if marker in path.read_bytes()] == []


@each_shape
@each_collection
def test_dates_that_lost_microseconds_are_counted(dirty: Synced, shape: str, collection: str) -> None:
    state, source = dirty[shape], FACTS[collection]["source"]
    refused = {tuple(key) for key in state.refused[collection]}
    expected: Counter[str] = Counter()
    moments = [name for name, orm, _ in FACTS[collection]["declared"] if orm.startswith("TIMESTAMP")]
    with opened(state.url) as connection:
        for row in plain_rows(connection, source):
            if tuple(row[name] for name in FACTS[collection]["key"]) not in refused:
                expected.update(name for name in moments if row[name] is not None and int(row[name]) % 1000)
    assert state.facts[collection].truncated == expected


@each_shape
def test_what_a_policy_stored_in_place_of_a_value_is_counted(dirty: Synced, shape: str) -> None:
    state = dirty[shape]
    found = {name: set(facts.adjusted) for name, facts in state.facts.items() if facts.adjusted}
    empty = "empty text, stored as null"
    negative = {"duration_ms: end before start, stored as null"}
    expected = {
        "investigations": {f"settings_json: {empty}", f"progress_json: {empty}"},
        "detection_runs": negative,
        "soar_playbook_executions": negative | {f"actions_executed: {empty}"},
        "composio_action_audits": {f"parameters: {empty}", f"result: {empty}"},
        "audit_log": {f"changes_json: {empty}", f"state_snapshot_json: {empty}"},
    }
    if shape == "sql":
        expected["investigations"] |= {f"results_json: {empty}"}
        expected["detection_runs"] = negative | {f"info: {empty}"}
        expected["anomaly_events"] = {f"evidence: {empty}"}
        expected["composio_action_audits"] |= {"retry_count: NULL, stored as 0"}
    assert found == expected


# --- the server ------------------------------------------------------------------------------------------------------


@each_shape
@each_collection
def test_every_index_is_there_with_its_options_and_no_other(dirty: Synced, shape: str, collection: str) -> None:
    found = {}
    for index in dirty[shape].database[collection].list_indexes():
        options = {name: value for name, value in index.items() if name not in ("v", "key", "name")}
        found[index["name"]] = (list(index["key"].items()), options)
    made = {
        "_".join(f"{field}_{way}" for field, way in keys): (keys, how) for keys, how in FACTS[collection]["indexes"]
    }
    of_server = {"metadata_1_started_at_1", "metadata_1_timestamp_1"} if collection in TIME_SERIES else {"_id_"}
    assert {name: one for name, one in found.items() if name not in of_server} == made


@each_shape
def test_exactly_the_two_time_series_are_time_series_with_their_options(dirty: Synced, shape: str) -> None:
    infos = [one for one in dirty[shape].database.list_collections() if not one["name"].startswith("system.")]
    assert {info["name"] for info in infos} == set(COLLECTIONS)
    found = {info["name"]: info["options"]["timeseries"] for info in infos if info["type"] == "timeseries"}
    for options in found.values():
        del options["bucketMaxSpanSeconds"]  # which the server derives
    assert found == TIME_SERIES


# --- vectors ---------------------------------------------------------------------------------------------------------


def text_of(event: Document) -> str:
    """What the vector of an event is made from."""
    entries = [(name, event[name]) for name in VECTOR["text"]]
    entries += sorted((event["evidence"] or {}).items())
    told = [(name, f"{one:.2f}" if isinstance(one, bool | int | float) else one) for name, one in entries]
    return " | ".join(f"{name}: {one}" for name, one in told if isinstance(one, str))


def test_every_event_has_a_vector_of_its_text(dirty: Synced) -> None:
    hashes: dict[str, set[str]] = {}
    for event in dirty["sql"].database["anomaly_events"].find({}):
        info, vector = event["embedding_info"], event["embedding"]
        assert (len(vector), info["dimensions"]) == (384, 384)
        assert math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-4)
        assert math.isclose(info["norm"], 1.0, abs_tol=1e-4)
        assert info["model"]
        hashes.setdefault(text_of(event), set()).add(info["text_hash"])
    assert len(hashes) > 100
    assert all(len(found) == 1 for found in hashes.values())
    assert len({one for found in hashes.values() for one in found}) == len(hashes)


# --- what both can hold ----------------------------------------------------------------------------------------------

BOTH_HOLD = (
    "ids that are lower-case UUIDs; texts; 32-bit integers; truth values; NULL where both declare it",
    "numbers of an event with at most 24 significant bits, which REAL holds exactly; the sample's are eighths",
    "moments to the microsecond, whose wall clock is that of UTC",
    "JSON that names each key of an object once, in any order, with any blanks and escapes, without NUL in a text",
    "numbers in JSON that are 64-bit integers in digits, or have a point and no exponent and are not minus zero",
    "results inside progress_json, for only one shape has results_json",
)
"""The facts that both shapes hold exactly. The sample without its hard rows has no others."""


@pytest.fixture(scope="module")
def exact(mongo_server: MongoServer, postgres_server: PostgresServer) -> Iterator[Synced]:
    """Facts of the list BOTH_HOLD, and no others."""

    def write(url: str, **options: Any) -> None:
        write_platform_sample(url, hard=False, **options)

    with both_shapes(write, mongo_server, postgres_server) as states:
        yield states


def facts_of(url: str, source: str) -> dict[str, Row]:
    """Rows of a table by their key, JSON parsed, and without what one of the shapes lacks."""
    (declared, key) = next((one["declared"], one["key"]) for one in FACTS.values() if one["source"] == source)
    parsed = {name for name, orm, sql in declared if name.endswith("_json") or orm == "JSONB"}
    rows = {}
    with opened(url) as connection:
        for row in plain_rows(connection, source):
            row.pop("results_json", None)
            told = {name: json.loads(one) if name in parsed and one is not None else one for name, one in row.items()}
            rows[str([row[name] for name in key])] = told
    return rows


@each_collection
def test_both_shapes_hold_the_same_facts(exact: Synced, collection: str) -> None:
    source = FACTS[collection]["source"]
    assert facts_of(exact["orm"].url, source) == facts_of(exact["sql"].url, source)


@each_collection
def test_the_same_facts_in_both_shapes_give_byte_identical_collections(exact: Synced, collection: str) -> None:
    orm, sql = exact["orm"], exact["sql"]
    stored = orm.stored(collection)
    assert len(stored) == orm.facts[collection].source_rows > 0
    assert keys_that_differ(stored, sql.stored(collection)) == []
    assert keys_that_differ(orm.expected[collection], stored) == []


# --- the second mapping itself ---------------------------------------------------------------------------------------


def test_the_plain_mapping_shares_no_code_with_the_pipeline() -> None:
    script = (
        "import sys, atlas_pipeline_tests.plain_platform\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'atlas_pipeline'])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"

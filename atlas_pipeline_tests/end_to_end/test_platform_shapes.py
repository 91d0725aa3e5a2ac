"""What one of the two shapes of the platform's schema cannot hold has a defined result in each."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bson
import psycopg
import pytest
from bson import CodecOptions

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.extract.postgres_source import PostgresSource
from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.servers import PostgresServer
from atlas_pipeline.mapping.lookups import read_lookups
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline_tests.catalogs.facts_investigation_platform import FACTS
from atlas_pipeline_tests.postgres import empty_database

AWARE = CodecOptions[dict[str, Any]](tz_aware=True)
SHAPES = ("orm", "sql")
REFUSED_NUMBER, REFUSED_JSON = RejectCode.JSON_NUMBER, RejectCode.BAD_JSON
REAL_TENTH = 0.10000000149011612
NOON, THREE = datetime(2025, 5, 1, 12, tzinfo=UTC), datetime(2025, 5, 1, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A value that the shapes hold differently, and what becomes of it."""

    name: str
    collection: str
    column: str
    value: Any
    path: str
    orm: Any
    sql: Any


def in_json(name: str, number: str, orm: Any, sql: Any) -> Case:
    """A number inside JSON."""
    return Case(name, "detectors", "params", f'{{"k": {number}}}', "params.algorithm_specific.k", orm, sql)


CASES = [
    Case("a tenth", "anomaly_events", "observed", "0.1", "observed", 0.1, REAL_TENTH),
    Case("a third", "anomaly_events", "score", 1 / 3, "score", 1 / 3, 0.3333333432674408),
    Case("an eighth", "anomaly_events", "observed", "0.125", "observed", 0.125, 0.125),
    Case("minus zero", "anomaly_events", "observed", "-0.0", "observed", -0.0, -0.0),
    Case("no number", "anomaly_events", "expected", "NaN", "expected", float("nan"), float("nan")),
    in_json("an exponent", "1e5", 100_000, 100_000.0),
    in_json("an exponent of 20", "1e20", REFUSED_NUMBER, 1e20),
    in_json("an exponent of 300", "1e300", REFUSED_NUMBER, 1e300),
    in_json("a small exponent", "1.5e-7", 1.5e-7, 1.5e-7),
    in_json("a trailing zero", "1.50", 1.5, 1.5),
    in_json("a whole double", "3.0", 3.0, 3.0),
    in_json("minus zero in JSON", "-0.0", 0.0, -0.0),
    in_json("64 bits", str(2**63 - 1), 2**63 - 1, 2**63 - 1),
    in_json("more than 64 bits", str(2**63), REFUSED_NUMBER, REFUSED_NUMBER),
    Case("a key twice", "detectors", "params", '{"k": 1, "k": 2}', "params.algorithm_specific", {"k": 2}, REFUSED_JSON),
    Case("the order of keys", "detectors", "params", '{"bb": 1, "c": 2, "a": 3}', "params.algorithm_specific",
        {"a": 3, "bb": 1, "c": 2}, {"a": 3, "bb": 1, "c": 2}),
    Case("an offset", "detectors", "created_at", "2025-05-01 12:00:00+09:00", "created_at", THREE, NOON),
    Case("a wall clock", "detectors", "created_at", "2025-05-01 12:00:00", "created_at", NOON, NOON),
    Case("upper case in an id", "detectors", "id", "ABCDEF00-0000-4000-8000-00000000000F", "_id",
        "abcdef00-0000-4000-8000-00000000000f", "ABCDEF00-0000-4000-8000-00000000000F"),
    Case("JSON null", "anomaly_events", "evidence", "null", "evidence", None, None),
]  # fmt: skip
ONLY_SQL = [
    Case("no retries told", "composio_action_audits", "retry_count", None, "retry_count", None, 0),
    Case("no moment of a score", "transaction_scores", "created_at", None, "created_at", None, None),
    Case("an empty text", "anomaly_events", "evidence", "", "evidence", None, None),
    Case("results of their own", "investigations", "results_json", '{"risk_score": 1, "k": 2}', "results.metadata",
        None, {"k": 2}),
]  # fmt: skip
Mapped = dict[tuple[str, str], Any]


@pytest.fixture(scope="module")
def mapped(postgres_server: PostgresServer) -> dict[str, Mapped]:
    """By shape: collection and case, and the document of that row, or the code under which it was refused."""
    with ExitStack() as stack:
        found = {}
        for shape in SHAPES:
            url = stack.enter_context(empty_database(postgres_server))
            write_platform_sample(url, shape=shape, size=ONE_OF_EACH, hard=False)
            cases = CASES if shape == "orm" else [*CASES, *ONLY_SQL]
            found[shape] = mapped_cases(url, [(case, insert(url, case)) for case in cases])
    return found


ONE_OF_EACH = PlatformSize(
    investigation_states=1,
    investigation_audit_log=1,
    detectors=1,
    detection_runs=1,
    anomaly_events=1,
    scored_investigations=1,
    scores_per_investigation=1,
    investigation_templates=1,
    composio_connections=1,
    composio_action_audit=1,
    soar_playbook_executions=1,
)


def insert(url: str, case: Case) -> str:
    """Copy the first row of the case's table under another key, with the case's value; the key."""
    source, key = FACTS[case.collection]["source"], FACTS[case.collection]["key"][-1]
    name = str(case.value) if case.column == key else str(uuid.uuid5(uuid.NAMESPACE_OID, case.name))
    copied = f"jsonb_populate_record(one, jsonb_build_object('{key}', %s::text))"
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute(f"INSERT INTO {source} SELECT ({copied}).* FROM {source} one LIMIT 1", [name])
        connection.execute(f"UPDATE {source} SET {case.column} = %s WHERE {key} = %s", [case.value, name])
    return name.lower() if case.orm == name.lower() else name


def mapped_cases(url: str, cases: list[tuple[Case, str]]) -> Mapped:
    made: dict[tuple[str, str], Any] = {}
    with PostgresSource(url, variable="DATABASE_URL").snapshot() as snapshot:
        for table in INVESTIGATION_PLATFORM.tables:
            mapper = Mapper(table, read_lookups(snapshot, table))
            for rows in snapshot.batches(table):
                batch = mapper.map_batch(rows)
                for row, document in zip(batch.rows, batch.documents, strict=True):
                    made[table.collection, mapper.key_of(row)[-1]] = bson.decode(document, AWARE)
                made |= {(table.collection, reject.key[-1]): reject.code for reject in batch.rejects}
    by_key = {(place, key.lower()): one for (place, key), one in made.items()}
    return {(case.collection, case.name): by_key[case.collection, key.lower()] for case, key in cases}


def at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document if isinstance(document, RejectCode) else document[name]
    return document


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_shape_cannot_hold_has_a_defined_result(mapped: dict[str, Mapped], shape: str, case: Case) -> None:
    found = at(mapped[shape][case.collection, case.name], case.path)
    expected = case.orm if shape == "orm" else case.sql
    assert type(found) is type(expected) or isinstance(found, int)
    assert bson.encode({"": found}) == bson.encode({"": expected})


@pytest.mark.parametrize("case", ONLY_SQL, ids=lambda case: case.name.replace(" ", "-"))
def test_what_only_the_sql_shape_can_hold_has_a_defined_result(mapped: dict[str, Mapped], case: Case) -> None:
    assert at(mapped["sql"][case.collection, case.name], case.path) == case.sql

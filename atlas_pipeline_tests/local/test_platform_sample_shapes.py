"""Without its hard rows the sample holds the same facts in both shapes of the schema, each exactly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from atlas_pipeline.local.platform_sample.audit import ACTIONS
from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.servers import PostgresServer
from atlas_pipeline_tests.local.platform_oracle import JSON_COLUMNS, KEYS, column_types, connected, faults, texts
from atlas_pipeline_tests.postgres import empty_database

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
Facts = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def both(postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """The URLs of the two shapes, ORM first."""
    with empty_database(postgres_server) as orm, empty_database(postgres_server) as sql:
        write_platform_sample(orm, shape="orm", size=PlatformSize.small(), hard=False)
        write_platform_sample(sql, shape="sql", size=PlatformSize.small(), hard=False)
        yield orm, sql


@pytest.fixture(scope="module")
def facts(both: tuple[str, str]) -> tuple[Facts, Facts]:
    return facts_of(both[0]), facts_of(both[1])


def facts_of(url: str) -> Facts:
    """Every row; JSON parsed but with numbers as they are written, moments without their offset."""
    found: Facts = {}
    with connected(url) as connection:
        for table in KEYS:
            types = dict(column_types(connection, table))
            found[table] = [
                {column: fact(f"{table}.{column}", types[column], value) for column, value in row.items()}
                for row in texts(connection, table)
            ]
    return found


def fact(column: str, kind: str, value: str | None) -> Any:
    if value is None:
        return None
    if column in JSON_COLUMNS:
        return json.loads(value, parse_float=lambda digits: ("float", digits), parse_int=lambda n: ("int", n))
    return value.removesuffix("+00") if kind == "timestamptz" else value


def test_both_shapes_hold_the_same_facts(facts: tuple[Facts, Facts]) -> None:
    orm, sql = facts
    for row in sql["investigation_states"]:
        assert row.pop("results_json") is None
    for table in KEYS:
        assert len(orm[table]) == PlatformSize.small().rows(table)
        assert orm[table] == sql[table], table


def test_json_numbers_are_written_as_any_program_writes_them(facts: tuple[Facts, Facts]) -> None:
    seen = 0
    for table in KEYS:
        for row in facts[1][table]:
            for kind, digits in numbers(row):
                seen += 1
                assert re.fullmatch(r"-?(0|[1-9]\d*)" if kind == "int" else r"-?(0|[1-9]\d*)\.\d*[1-9]", digits), digits
    assert seen > 10_000


def numbers(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, tuple):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)


def test_json_of_the_application_has_no_key_twice_and_is_written_by_json_dumps(both: tuple[str, str]) -> None:
    with connected(both[1]) as connection:
        assert list(faults(connection)) == []
        for column in JSON_COLUMNS:
            table, name = column.split(".")
            if name in ("results_json", "state_snapshot_json"):
                continue
            found = [text for (text,) in connection.execute(f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL")]
            assert found
            assert all(json.dumps(json.loads(text)) == text for text in found), column


def test_the_three_anomaly_numbers_are_exact_in_four_bytes_and_in_their_text(both: tuple[str, str]) -> None:
    for url in both:
        with connected(url) as connection:
            for name in ("observed", "expected", "score"):
                rows = connection.execute(f"SELECT {name}::float8, {name}::text FROM anomaly_events").fetchall()
                assert len(rows) == PlatformSize.small().anomaly_events
                assert all(number * 64 == int(number * 64) and float(text) == number for number, text in rows)


def test_ids_are_lower_case_uuids(facts: tuple[Facts, Facts]) -> None:
    for table, key in KEYS.items():
        if table != "transaction_scores":
            assert all(UUID.fullmatch(row[key[0]]) for row in facts[1][table]), table
    linked = [row["investigation_id"] for row in facts[1]["anomaly_events"] if row["investigation_id"]]
    assert linked
    assert set(linked) <= {row["investigation_id"] for row in facts[1]["investigation_states"]}


def test_all_twelve_actions_occur_most_of_them_by_agents_and_tools(facts: tuple[Facts, Facts]) -> None:
    entries = facts[0]["investigation_audit_log"]
    counts = {action: sum(entry["action_type"] == action for entry in entries) for action in ACTIONS}
    assert sum(counts.values()) == len(entries)
    assert min(counts.values()) >= 1
    assert counts["PROGRESS"] + counts["TOOL_EXECUTION"] > len(entries) / 3
    assert counts["CREATED"] < len(entries) / 10
    payloads = {action: {tuple(e["changes_json"]) for e in entries if e["action_type"] == action} for action in ACTIONS}
    assert len({frozenset(keys) for keys in payloads.values()}) == len(ACTIONS)


def test_the_story_of_an_investigation_is_in_order(facts: tuple[Facts, Facts]) -> None:
    stories: dict[str, list[dict[str, Any]]] = {}
    for entry in sorted(facts[0]["investigation_audit_log"], key=lambda one: str(one["timestamp"])):
        stories.setdefault(entry["investigation_id"], []).append(entry)
    states = {row["investigation_id"]: row["status"] for row in facts[0]["investigation_states"]}
    assert states.keys() < stories.keys()
    for name, story in stories.items():
        assert story[0]["action_type"] == "CREATED"
        assert (story[-1]["action_type"] == "DELETED") == (name not in states)
        assert [int(entry["to_version"]) for entry in story[:-1]] == list(range(1, len(story)))
        if states.get(name) in ("COMPLETED", "ERROR", "CANCELLED"):
            assert story[-1]["action_type"] == states[name]


def test_every_word_of_the_enumerations_occurs(facts: tuple[Facts, Facts]) -> None:
    expected = {
        "investigation_states.status": {"CREATED", "SETTINGS", "IN_PROGRESS", "COMPLETED", "ERROR", "CANCELLED"},
        "investigation_states.lifecycle_stage": {"CREATED", "SETTINGS", "IN_PROGRESS", "COMPLETED"},
        "detectors.type": {"stl_mad", "cusum", "isoforest", "rcf", "matrix_profile"},
        "detection_runs.status": {"queued", "running", "success", "failed"},
        "anomaly_events.severity": {"info", "warn", "critical"},
        "anomaly_events.status": {"new", "triaged", "closed"},
        "composio_connections.status": {"active", "expired", "revoked"},
        "composio_action_audit.status": {"success", "failed", "retrying"},
        "soar_playbook_executions.status": {"running", "completed", "failed", "cancelled"},
    }
    for column, words in expected.items():
        table, name = column.split(".")
        assert {row[name] for row in facts[0][table]} == words, column
    for table in ("composio_connections", "composio_action_audit", "soar_playbook_executions"):
        assert len({row["tenant_id"] for row in facts[0][table]}) > 2, table

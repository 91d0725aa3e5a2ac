"""What goes wrong in the original migration goes right here: one test per defect that a row alone can show.

Every defect of the original migration has a number from M01 to M53. Its test is here, or in
`test_platform_defects_of_collections`, or where HELD_ELSEWHERE says, or does not apply, as NOT_APPLICABLE says why.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline_tests.catalogs.facts_investigation_platform import FACTS
from atlas_pipeline_tests.catalogs.platform_rows import GOOD, document_of, mapped, refusal_of

TESTS = Path(__file__).resolve().parent.parent
HERE = (Path(__file__), Path(__file__).with_name("test_platform_defects_of_collections.py"))

HELD_ELSEWHERE = {
    "M06": "load/test_reload.py::test_a_withheld_reload_leaves_the_live_collection_and_no_staging",
    "M07": "test_memory.py::test_a_load_adds_little_memory_to_what_the_process_had_after_its_imports",
    "M16": "end_to_end/test_platform_values.py::test_every_document_is_the_one_of_the_plain_mapping",
    "M27": "extract/test_postgres_rows.py::test_all_rows_come_in_key_order_and_bounded_batches",
    "M30": "load/test_connection_faults.py::test_dropped_connections_during_inserts_are_absorbed",
    "M32": "commands/test_bad_servers.py::test_an_unreachable_server_is_given_up_within_the_timeout",
    "M33": "reconcile/test_sample_keys.py::test_a_sample_is_spread_over_the_whole_table",
    "M34": "reconcile/test_compare_keys.py::test_a_row_without_a_document_is_missing",
    "M37": "end_to_end/test_platform_values.py::test_every_event_has_a_vector_of_its_text",
    "M38": "extract/test_postgres_rows.py::test_references_that_lead_nowhere_are_counted_across_types",
    "M39": "commands/test_platform_sources.py::test_a_wrong_source_is_refused_with_its_cure_before_anything_is_touched",
    "M43": "commands/test_secrets_stay_secret.py::test_no_command_says_a_secret",
    "M52": "load/test_live_options.py::test_indexes_outside_the_spec_are_carried_over_as_they_are",
}
NOT_APPLICABLE = {
    "M15": "there is no dry run yet, so none can fail",
    "M40": "doctor asks the server for its roles and writes nothing into a collection of the application",
    "M46": "the application's client is not part of the pipeline; the pipeline's own reads and writes the primary",
    "M48": "there is no benchmark of a server's latency",
    "M49": "there is no benchmark of a server's latency",
    "M50": "there is no benchmark of a server's latency",
    "M51": "there is no benchmark that writes into the collections of the application",
    "M53": "about tests of the original that cannot pass",
}
TWELVE = {
    "CREATED": "CREATE", "UPDATED": "UPDATE", "DELETED": "DELETE", "STATE_CHANGE": "STATE_CHANGE",
    "STARTED": "STATE_CHANGE", "PROGRESS": "UPDATE", "PHASE_CHANGE": "STATE_CHANGE", "COMPLETED": "STATE_CHANGE",
    "ERROR": "STATE_CHANGE", "CANCELLED": "STATE_CHANGE", "TOOL_EXECUTION": "EXECUTE", "DOMAIN_FINDINGS": "UPDATE",
}  # fmt: skip


def test_every_defect_is_accounted_for_once() -> None:
    told = [*HELD_ELSEWHERE, *NOT_APPLICABLE]
    for path in HERE:
        names = re.findall(r"^def test_((?:m\d\d_(?:and_)?)+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        told += {number.upper() for name in names for number in re.findall(r"m\d\d", name)}
    assert sorted(told) == [f"M{number:02}" for number in range(1, 54)]


@pytest.mark.parametrize("test", HELD_ELSEWHERE.values())
def test_what_is_held_elsewhere_is_there(test: str) -> None:
    module, _, name = test.partition("::")
    assert f"\ndef {name}(" in (TESTS / module).read_text(encoding="utf-8")


# --- tables that never arrived ---------------------------------------------------------------------------------------


def test_m01_templates_arrive() -> None:
    template = {"entities": [{"entity_type": "ip", "entity_value": "{{ip}}"}], "name": "{{ name }}"}
    document = document_of("templates", template_json=json.dumps(template), usage_count=3)
    assert document["template"]["settings"] == template
    assert document["template"]["entity_type"] == "ip"
    assert (document["_id"], document["name"], document["usage_count"]) == ("template-1", "Card testing", 3)


def test_m02_action_audits_arrive_with_what_was_asked_and_answered() -> None:
    document = document_of("composio_action_audits", parameters='{"text": "hi"}', result='{"ok": true}')
    assert (document["audit_id"], document["parameters"], document["result"]) == (
        "audit-1",
        {"text": "hi"},
        {"ok": True},
    )
    assert document["connection_id"] == "conn_1"


def test_m03_playbook_executions_arrive_also_with_steps_that_lack_what_the_original_requires() -> None:
    steps = [{"action_id": "1", "started_at": "2025-05-01T10:00:01.250+00:00"}, {"name": "block"}]
    document = document_of("soar_playbook_executions", actions_executed=json.dumps(steps))
    first, second = document["actions_executed"]
    assert first == {"action_id": "1", "started_at": datetime(2025, 5, 1, 10, 0, 1, 250_000, tzinfo=UTC)}
    assert second == {"name": "block"}
    assert document["execution_id"] == "execution-1"


def test_m04_audit_entries_arrive() -> None:
    document = document_of("audit_log")
    assert (document["_id"], document["entry_id"]) == ("entry-1", "entry-1")
    assert document["metadata"]["investigation_id"] == "case-1"


def test_m05_one_row_that_is_refused_is_over_the_budget_of_every_table() -> None:
    for table in INVESTIGATION_PLATFORM.tables:
        assert table.sync.error_budget.exceeded(quarantined=1, source_rows=1_000_000), table.source


def test_m29_all_ten_tables_are_moved() -> None:
    assert {table.source for table in INVESTIGATION_PLATFORM.tables} == {one["source"] for one in FACTS.values()}
    assert INVESTIGATION_PLATFORM.left_alone([one["source"] for one in FACTS.values()]) == ()


# --- investigations --------------------------------------------------------------------------------------------------


def test_m09_the_tenant_is_the_one_that_readers_ask_for_and_never_the_user() -> None:
    for collection in ("investigations", "templates"):
        assert document_of(collection)["tenant_id"] == "default" != GOOD[collection]["user_id"]
    assert document_of("audit_log", user_id="ines.garcia")["metadata"]["tenant_id"] == "default"
    assert document_of("composio_connections", tenant_id="acme")["tenant_id"] == "acme"


def test_m10_settings_are_where_readers_look_for_them_and_whole() -> None:
    settings = {
        "name": "n",
        "entities": [{"entity_type": "email", "entity_value": "a@b.c"}],
        "time_range": {"start_time": None, "duration_hours": 24, "type": "rolling"},
        "tools": [{"tool_name": "splunk_query", "enabled": True, "config": {}}],
    }
    found = document_of("investigations", settings_json=json.dumps(settings))["settings"]
    assert (found["entity_type"], found["entity_value"]) == ("email", "a@b.c")
    assert found["time_range"] == settings["time_range"]
    assert found["additional_config"] == {name: settings[name] for name in ("name", "entities", "tools")}


def test_m20_settings_and_progress_of_text_columns_arrive() -> None:
    progress = {"current_phase": None, "percent_complete": 40, "tools_executed": ["a"], "estimated_completion": "soon"}
    document = document_of("investigations", settings_json='{"name": "n"}', progress_json=json.dumps(progress))
    assert document["settings"]["additional_config"] == {"name": "n"}
    assert document["progress"]["progress_percentage"] == 40.0
    assert document["progress"]["current_phase"] == ""
    assert document["progress"]["additional_data"] == progress


def test_m21_versions_and_dates_are_those_of_the_source() -> None:
    document = document_of("investigations", version=42)
    assert document["version"] == 42
    assert document["created_at"] == GOOD["investigations"]["created_at"].replace(microsecond=123_000)
    assert document["updated_at"] == GOOD["investigations"]["updated_at"].replace(microsecond=654_000)


@pytest.mark.parametrize("results", [None, "", "null"])
def test_m22_results_come_from_their_own_column_and_else_from_the_progress(results: str | None) -> None:
    own = '{"summary": "s", "risk_score": 1, "findings": [{"id": 1}], "notes": "n"}'
    progress = '{"overall_risk_score": 0.25, "findings": [{"id": 2}], "risk_score": null}'
    found = document_of("investigations", results_json=own, progress_json=progress)["results"]
    assert (found["summary"], found["risk_score"], found["findings"]) == ("s", 1.0, [{"id": 1}])
    assert found["metadata"] == {"notes": "n"}
    carried = document_of("investigations", results_json=results, progress_json=progress)["results"]
    assert (carried["summary"], carried["risk_score"], carried["findings"]) == (None, 0.25, [{"id": 2}])


# --- detectors, runs and events --------------------------------------------------------------------------------------


def test_m11_arrays_of_a_detector_become_the_sub_documents_that_readers_expect() -> None:
    document = document_of("detectors", cohort_by='["geo", "bin"]', metrics='["a", "b", "c"]', params='{"k": 3.5}')
    assert document["cohort_by"] == {"dimensions": ["geo", "bin"], "filters": {}}
    assert document["metrics"] == {"primary": "a", "secondary": ["b", "c"], "aggregations": []}
    assert document["params"]["algorithm_specific"] == {"k": 3.5}


@pytest.mark.parametrize("metrics", ["[5]", '["a", 5]', '["a", null]', "[null]"])
def test_m11_a_metric_that_is_no_text_is_refused_rather_than_misread(metrics: str) -> None:
    assert refusal_of("detectors", metrics=metrics) == ("metrics", "json_shape")


def test_m12_the_type_of_a_runs_detector_is_joined() -> None:
    assert document_of("detection_runs")["metadata"]["detector_type"] == "cusum"
    assert document_of("detection_runs", detector_id="gone")["metadata"]["detector_type"] is None


def test_m13_a_severity_of_null_is_legal() -> None:
    assert document_of("anomaly_events", severity=None)["severity"] is None
    (leaf,) = (leaf for leaf in INVESTIGATION_PLATFORM.table("anomaly_events").leaves if leaf.path == "severity")
    assert leaf.nullable


def test_m19_a_duration_is_never_negative_and_a_missing_one_is_counted() -> None:
    start = GOOD["detection_runs"]["started_at"]
    for collection, end in (("detection_runs", "finished_at"), ("soar_playbook_executions", "completed_at")):
        early = mapped(collection, {end: start.replace(hour=8)})
        assert early.adjusted == {"duration_ms: end before start, stored as null": 1}
        assert document_of(collection, **{end: start.replace(hour=8)})["duration_ms"] is None
        assert document_of(collection, **{end: start.replace(second=1)})["duration_ms"] == 1_000


# --- templates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ('["fraud", "a, b"]', ["fraud", "a, b"]),
        (" fraud , account takeover,", ["fraud", "account takeover"]),
        ("", []),
        ("[]", []),
        ("null", None),
        (None, None),
    ],
)
def test_m14_tags_of_both_encodings_arrive(tags: str | None, expected: list[str] | None) -> None:
    assert document_of("templates", tags=tags)["tags"] == expected


# --- audit entries ---------------------------------------------------------------------------------------------------


def test_m23_the_payload_of_an_audit_entry_is_whole() -> None:
    payload = {"tool_name": "splunk_query", "rows": 7, "fields_modified": ["status"], "before": "CREATED", "after": 1}
    changes = document_of("audit_log", changes_json=json.dumps(payload))["changes"]
    assert changes["after"] == payload
    assert (changes["fields_modified"], changes["before"]) == (["status"], "CREATED")
    assert refusal_of("audit_log", changes_json="{'tool': 1}") == ("changes_json", "bad_json")


def test_m24_the_twelve_actions_are_translated_and_survive_in_the_writers_words() -> None:
    for action, translated in TWELVE.items():
        document = document_of("audit_log", action_type=action)
        assert document["metadata"]["action_type"] == translated
        assert document["original"]["action_type"] == action
    assert document_of("audit_log", action_type="RESTARTED")["metadata"]["action_type"] == "RESTARTED"


def test_m25_an_entry_made_in_the_user_interface_is_not_said_to_come_from_the_api() -> None:
    document = document_of("audit_log", source="UI")
    assert (document["metadata"]["source"], document["original"]["source"]) == ("USER", "UI")


@pytest.mark.parametrize("payload", [["status"], "by hand", 5, True, [], "", {}, 0, False])
def test_m26_a_payload_of_any_json_is_kept(payload: Any) -> None:
    changes = document_of("audit_log", changes_json=json.dumps(payload))["changes"]
    assert type(changes["after"]) is type(payload)
    assert changes["after"] == payload


def test_m26_a_snapshot_that_is_no_json_is_refused_and_not_emptied() -> None:
    assert refusal_of("audit_log", state_snapshot_json="{cut off") == ("state_snapshot_json", "bad_json")
    assert document_of("audit_log", state_snapshot_json=None)["state_snapshot"] is None

"""The trail of changes to investigations.

What belongs here: who changed what, as the application's writers recorded it. What does not: attempts of external
actions (`composio`).
"""

from __future__ import annotations

from datetime import timedelta

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.shapes import constant, copied, field, tenant, translated, unpacked, whole
from atlas_pipeline.spec.shorthand import by_keys, integer, json_object, json_value, text, utc
from atlas_pipeline.spec.storage import TimeSeries
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import Reference, TableSpec

ACTIONS = ("CREATE", "UPDATE", "DELETE", "EXECUTE", "STATE_CHANGE", "SETTINGS_CHANGE")
SOURCES = ("POLLING", "USER", "SYSTEM", "API", "WEBHOOK")

AUDIT_LOG = TableSpec(
    source="investigation_audit_log",
    collection="audit_log",
    about="Changes to investigations. Entries outlive the investigation that they are about.",
    key=("entry_id",),
    sync=SyncPolicy(mode="append", cursor=Cursor(column="timestamp", overlap=timedelta(minutes=5))),
    columns=(
        text("entry_id", 255, about="A UUID; older ones are milliseconds and a sequence."),
        text("investigation_id", 255),
        text("user_id", 255, about="SYSTEM for agents and tools."),
        text("action_type", sql_type="VARCHAR(100) or VARCHAR(50)"),
        json_value("changes_json", sql_type="TEXT", nullable=True, empty_is_null=True, about="Each writer has a form."),
        json_object("state_snapshot_json", sql_type="TEXT", nullable=True, empty_is_null=True),
        text("source", 50),
        integer("from_version", nullable=True, minimum=0),
        integer("to_version", nullable=True, minimum=0, about="Null on delete."),
        utc("timestamp", inexact="milliseconds", sql_type="TIMESTAMP"),
    ),
    document=(
        field("entry_id"),
        field("metadata.investigation_id", "investigation_id"),
        field("metadata.user_id", "user_id"),
        field("metadata.tenant_id", tenant()),
        field(
            "metadata.action_type",
            translated(
                "action_type",
                CREATED="CREATE",
                UPDATED="UPDATE",
                DELETED="DELETE",
                EXECUTED="EXECUTE",
                PROGRESS="UPDATE",
                PHASE_CHANGE="STATE_CHANGE",
                STARTED="STATE_CHANGE",
                COMPLETED="STATE_CHANGE",
                ERROR="STATE_CHANGE",
                CANCELLED="STATE_CHANGE",
                DOMAIN_FINDINGS="UPDATE",
                TOOL_EXECUTION="EXECUTE",
            ),
            allowed=ACTIONS,
            about="In the words of the new application; the writer's own word is in original.",
        ),
        field("metadata.source", translated("source", UI="USER"), allowed=SOURCES),
        field("timestamp"),
        field(
            "changes",
            unpacked(
                "changes_json",
                copied("fields_modified", ValueType.JSON_ARRAY, ("fields_modified",), default=[]),
                copied("before", ValueType.JSON, ("before",)),
                whole("after", ValueType.JSON),
            ),
            about="The payload is whole in after.",
        ),
        field("state_snapshot", "state_snapshot_json"),
        field("from_version"),
        field("to_version"),
        field("ip_address", constant(None)),
        field("user_agent", constant(None)),
        field("original.action_type", "action_type"),
        field("original.source", "source"),
    ),
    storage="time_series",
    time_series=TimeSeries(time_field="timestamp", meta_field="metadata", granularity="seconds"),
    # A time series takes no unique index, so entry_id has a plain one.
    indexes=(
        by_keys("entry_id"),
        by_keys("metadata.investigation_id"),
        by_keys("metadata.action_type"),
        by_keys("timestamp"),
    ),
    references=(
        Reference(
            column="investigation_id",
            targets=(("investigation_states", "investigation_id"),),
            about="Entries outlive a deleted investigation.",
        ),
    ),
)

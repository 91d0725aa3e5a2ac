"""What the platform does elsewhere: connections to external tools, attempts of actions there, executions of playbooks.

What belongs here: the tables that have a tenant of their own. What does not: why something was done
(`investigations`, `anomalies`).
"""

from __future__ import annotations

from datetime import timedelta

from atlas_pipeline.spec.shapes import constant, duration, field, tenant
from atlas_pipeline.spec.shorthand import by_keys, integer, json_array, json_object, text, utc
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import Reference, TableSpec

MOMENT = "TIMESTAMPTZ or TIMESTAMP"

COMPOSIO_CONNECTIONS = TableSpec(
    source="composio_connections",
    collection="composio_connections",
    about="Connections of tenants to external tools, with the application's ciphertext of their tokens.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("tenant_id", 255),
        text("toolkit_name", 100),
        text("connection_id", 255, about="Id at the external provider."),
        text("status", 50, allowed=("active", "expired", "revoked")),
        # Encrypting anew gives another text each time, so only a byte-for-byte copy can be verified.
        text("encrypted_access_token", secret=True, about="Ciphertext, copied as it is and never decrypted."),
        text("refresh_token", secret=True, nullable=True, about="Ciphertext."),
        utc("expires_at", inexact="milliseconds", sql_type=MOMENT, nullable=True),
        utc("created_at", inexact="milliseconds", sql_type=MOMENT),
        utc("updated_at", inexact="milliseconds", sql_type=MOMENT),
        utc("last_used_at", inexact="milliseconds", sql_type=MOMENT, nullable=True),
    ),
    document=(
        field("connection_id", "id", about="The row's id; the provider's is composio_connection_id."),
        field("tenant_id", tenant()),
        field("toolkit_name"),
        field("composio_connection_id", "connection_id"),
        field("status"),
        field("encrypted_access_token"),
        field("refresh_token"),
        field("expires_at"),
        field("created_at"),
        field("updated_at"),
        field("last_used_at"),
    ),
    indexes=(
        by_keys("connection_id", unique=True),
        by_keys("tenant_id", "toolkit_name", "status"),
        by_keys("tenant_id", "toolkit_name", "composio_connection_id", unique=True),
    ),
)

COMPOSIO_ACTION_AUDITS = TableSpec(
    source="composio_action_audit",
    collection="composio_action_audits",
    about="Attempts of actions in external tools; one row per attempt.",
    key=("id",),
    # A day, for the writer gives UTC without a zone, which a session in another zone takes for its own time.
    sync=SyncPolicy(mode="append", cursor=Cursor(column="executed_at", overlap=timedelta(days=1))),
    columns=(
        text("id", 36),
        text("action_id", 255, about="Repeats with each attempt."),
        text("execution_id", 255, nullable=True),
        text("toolkit_name", 100),
        text("action_name", 100),
        text("tenant_id", 255),
        text("connection_id", 255, about="Id at the external provider."),
        json_object("parameters", sql_type="TEXT", nullable=True, empty_is_null=True),
        json_object("result", sql_type="TEXT", nullable=True, empty_is_null=True),
        text("status", 50, allowed=("success", "failed", "retrying")),
        utc("executed_at", inexact="milliseconds", sql_type=MOMENT),
        integer("retry_count", minimum=0, nullable=True, default="0", about="NULL means never tried again."),
        text("error_message", nullable=True),
    ),
    document=(
        field("audit_id", "id"),
        field("action_id"),
        field("execution_id"),
        field("toolkit_name"),
        field("action_name"),
        field("tenant_id", tenant()),
        field("connection_id", about="Joins composio_connections.composio_connection_id."),
        field("parameters"),
        field("result"),
        field("status"),
        field("executed_at"),
        field("retry_count"),
        field("error_message"),
    ),
    indexes=(
        by_keys("audit_id", unique=True),
        by_keys("connection_id"),
        by_keys("action_id"),
        by_keys("execution_id"),
        by_keys("toolkit_name"),
        by_keys("status"),
        by_keys("tenant_id", "-executed_at"),
    ),
    references=(
        Reference(
            column="connection_id",
            targets=(("composio_connections", "connection_id"),),
            about="Attempts outlive their connection.",
        ),
        Reference(column="execution_id", targets=(("soar_playbook_executions", "id"),)),
    ),
)

SOAR_PLAYBOOK_EXECUTIONS = TableSpec(
    source="soar_playbook_executions",
    collection="soar_playbook_executions",
    about="Executions of playbooks by an external system.",
    key=("id",),
    columns=(
        text("id", 36),
        text("playbook_id", 255),
        text("investigation_id", 255, nullable=True),
        text("anomaly_id", 255, nullable=True),
        text("tenant_id", 255),
        text("trigger_reason", nullable=True),
        text("status", 50, allowed=("running", "completed", "failed", "cancelled")),
        utc("started_at", inexact="milliseconds", sql_type=MOMENT),
        utc("completed_at", inexact="milliseconds", sql_type=MOMENT, nullable=True),
        json_array(
            "actions_executed",
            sql_type="TEXT",
            nullable=True,
            empty_is_null=True,
            dates=("started_at", "completed_at"),
            inexact="round",
            about="As the external system wrote them, unchecked.",
        ),
        text("error_message", nullable=True),
    ),
    document=(
        field("execution_id", "id"),
        field("playbook_id"),
        field("investigation_id"),
        field("anomaly_id"),
        field("tenant_id", tenant()),
        field("trigger_reason"),
        field("triggered_by", constant(None)),
        field("status"),
        field("started_at"),
        field("completed_at"),
        field("duration_ms", duration("started_at", "completed_at", unit="milliseconds")),
        field("actions_executed"),
        field("error_message"),
    ),
    indexes=(
        by_keys("execution_id", unique=True),
        by_keys("tenant_id", "status", "-started_at"),
        by_keys("investigation_id", "-started_at"),
        by_keys("playbook_id"),
    ),
    references=(
        Reference(
            column="investigation_id",
            targets=(("investigation_states", "investigation_id"),),
            about="Executions outlive their investigation.",
        ),
        Reference(column="anomaly_id", targets=(("anomaly_events", "id"),)),
    ),
)

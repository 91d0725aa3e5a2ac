"""Investigations of the platform, the templates they start from and the scores of their transactions.

What belongs here: state that the application changes under optimistic locking, and what hangs on it. What does not:
the trail of changes (`audit`) and what detectors find (`anomalies`).
"""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.expressions import FirstOf
from atlas_pipeline.spec.shapes import constant, copied, field, fixed, moved, tenant, unpacked, whole
from atlas_pipeline.spec.shorthand import by_keys, double, integer, json_object, text, text_list, utc
from atlas_pipeline.spec.tables import Reference, TableSpec

STAGES = ("CREATED", "SETTINGS", "IN_PROGRESS", "COMPLETED")
STATUSES = ("CREATED", "SETTINGS", "IN_PROGRESS", "COMPLETED", "ERROR", "CANCELLED")

INVESTIGATIONS = TableSpec(
    source="investigation_states",
    collection="investigations",
    about="Investigations with their settings, progress and results.",
    key=("investigation_id",),
    changed_at="updated_at",
    columns=(
        text("investigation_id", 255, about="Free-form; a UUID, or auto-comp-... for automatic comparisons."),
        text("user_id", 255, about="Owner; auto-comparison-system for automatic comparisons."),
        text("lifecycle_stage", 50, allowed=STAGES),
        json_object("settings_json", sql_type="TEXT", nullable=True, empty_is_null=True),
        json_object("progress_json", sql_type="TEXT", nullable=True, empty_is_null=True, about="Carries the results."),
        json_object(
            "results_json",
            sql_type="TEXT",
            nullable=True,
            optional=True,
            empty_is_null=True,
            about="Only in databases that the SQL files made.",
        ),
        text("status", 50, allowed=STATUSES),
        integer("version", minimum=1, about="Counts accepted updates; optimistic locking compares it."),
        utc("created_at", inexact="milliseconds", sql_type="TIMESTAMP"),
        utc("updated_at", inexact="milliseconds", sql_type="TIMESTAMP"),
        utc("last_accessed", inexact="milliseconds", sql_type="TIMESTAMP", nullable=True),
    ),
    document=(
        field("investigation_id"),
        field("user_id"),
        field("tenant_id", tenant()),
        field("lifecycle_stage"),
        field("status"),
        field(
            "settings",
            unpacked(
                "settings_json",
                copied("entity_type", ValueType.TEXT, ("entity_type",), ("entities", 0, "entity_type")),
                copied("entity_value", ValueType.TEXT, ("entity_value",), ("entities", 0, "entity_value")),
                moved("time_range", ValueType.JSON_OBJECT),
                moved("agents_selected", ValueType.JSON_ARRAY, default=[]),
                moved("data_sources", ValueType.JSON_ARRAY, default=[]),
                rest="additional_config",
            ),
        ),
        field(
            "progress",
            unpacked(
                "progress_json",
                moved("current_phase", ValueType.TEXT, default=""),
                moved(
                    "progress_percentage",
                    ValueType.DOUBLE,
                    copied=(("percent_complete",),),
                    default=0.0,
                    minimum=0,
                    maximum=100,
                ),
                moved("phases_completed", ValueType.JSON_ARRAY, default=[]),
                copied("estimated_completion", ValueType.DATETIME, ("estimated_completion",)),
                rest="additional_data",
            ),
        ),
        field(
            "results",
            FirstOf(
                (
                    unpacked(
                        "results_json",
                        moved("summary", ValueType.TEXT),
                        moved("risk_score", ValueType.DOUBLE, minimum=0, maximum=1),
                        moved("findings", ValueType.JSON_ARRAY, default=[]),
                        moved("recommendations", ValueType.JSON_ARRAY, default=[]),
                        rest="metadata",
                    ),
                    unpacked(
                        "progress_json",
                        copied("summary", ValueType.TEXT, ("summary",)),
                        copied(
                            "risk_score",
                            ValueType.DOUBLE,
                            ("risk_score",),
                            ("overall_risk_score",),
                            minimum=0,
                            maximum=1,
                        ),
                        copied("findings", ValueType.JSON_ARRAY, ("findings",), default=[]),
                        fixed("recommendations", []),
                        fixed("metadata", {}),
                        absent_when_bare=True,
                    ),
                )
            ),
            about="Of results_json where there is one, else the results that progress carries.",
        ),
        field("version"),
        field("created_at"),
        field("updated_at"),
        field("last_accessed"),
        field("metadata.source", constant("MIGRATION")),
        field("metadata.priority", constant(None)),
        field("metadata.tags", constant([])),
        field("metadata.custom_fields", constant({})),
    ),
    indexes=(
        by_keys("investigation_id", unique=True),
        by_keys("user_id", "-created_at"),
        by_keys("tenant_id", "status"),
        by_keys("status", "-updated_at"),
    ),
)

TEMPLATES = TableSpec(
    source="investigation_templates",
    collection="templates",
    about="Settings that users start investigations from.",
    key=("template_id",),
    changed_at="updated_at",
    columns=(
        text("template_id", 255),
        text("user_id", 255),
        text("name", 255),
        text("description", nullable=True),
        text_list("tags", nullable=True, about="A JSON array, or a list with commas."),
        json_object("template_json", sql_type="TEXT", about="Settings; may hold double-brace placeholders."),
        integer("usage_count", minimum=0),
        utc("last_used", inexact="milliseconds", sql_type="TIMESTAMP", nullable=True),
        utc("created_at", inexact="milliseconds", sql_type="TIMESTAMP"),
        utc("updated_at", inexact="milliseconds", sql_type="TIMESTAMP"),
    ),
    document=(
        field("template_id"),
        field("user_id"),
        field("tenant_id", tenant()),
        field("name"),
        field("description"),
        field("tags"),
        field(
            "template",
            unpacked(
                "template_json",
                copied("entity_type", ValueType.TEXT, ("entity_type",), ("entities", 0, "entity_type")),
                whole("settings", ValueType.JSON_OBJECT),
                fixed("agents", []),
                fixed("data_sources", []),
                fixed("default_params", {}),
            ),
        ),
        field("usage_count"),
        field("last_used"),
        field("created_at"),
        field("updated_at"),
    ),
    indexes=(
        by_keys("template_id", unique=True),
        by_keys("user_id", "name", unique=True),
        by_keys("tenant_id", "-usage_count"),
    ),
)

TRANSACTION_SCORES = TableSpec(
    source="transaction_scores",
    collection="transaction_scores",
    about="Risk scores of single transactions of an investigation.",
    key=("investigation_id", "transaction_id"),
    columns=(
        text("investigation_id", 255),
        text("transaction_id", 255),
        double("risk_score", sql_type="DOUBLE PRECISION", minimum=0, maximum=1),
        utc(
            "created_at",
            inexact="milliseconds",
            sql_type="TIMESTAMP",
            nullable=True,
            about="Null where a helper script made the table.",
        ),
    ),
    document=(
        field("investigation_id"),
        field("transaction_id"),
        field("tenant_id", tenant()),
        field("risk_score"),
        field("score_components", constant(None)),
        field("created_at"),
    ),
    indexes=(
        by_keys("investigation_id", "transaction_id", unique=True),
        by_keys("investigation_id", "-risk_score"),
        by_keys("tenant_id", "-created_at"),
        by_keys("transaction_id"),
    ),
    references=(
        Reference(
            column="investigation_id",
            targets=(("investigation_states", "investigation_id"),),
            about="Scores outlive their investigation.",
        ),
    ),
)

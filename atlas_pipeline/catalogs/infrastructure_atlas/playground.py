"""Agent playground of Infrastructure Atlas: sessions and one usage row per request.

What belongs here: work with agents. What does not: chat without an agent (`chat`) and messages of bots (`bots`).
"""

from __future__ import annotations

from datetime import timedelta

from atlas_pipeline.spec.shorthand import double, index, integer, json_array, json_object, text, utc
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import Reference, TableSpec

CLIENTS = ("web", "telegram", "slack", "teams")

PLAYGROUND_SESSIONS = TableSpec(
    source="playground_sessions",
    collection="playground_sessions",
    about="Agent sessions, each with its whole conversation in one row, which can pass the size limit of a document.",
    key=("id",),
    # A source that was made without its migrations has no index on the column.
    sync=SyncPolicy(
        mode="watermark", cursor=Cursor(column="updated_at", overlap=timedelta(minutes=5), unindexed="warn")
    ),
    changed_at="updated_at",
    columns=(
        text("id", 36, about="A client may choose it."),
        text("agent_id", 255),
        text("user_id", 36, nullable=True),
        json_object("state"),
        json_object("config_override"),
        json_array("messages", about="Times inside are ISO texts and stay texts."),
        integer("total_tokens", minimum=0),
        double("total_cost_usd", nullable=True, minimum=0, about="US dollars."),
        utc("created_at", inexact="milliseconds", about="Whole seconds."),
        utc("updated_at", inexact="milliseconds", about="Whole seconds."),
        text("client", 50, nullable=True, allowed=CLIENTS),
    ),
    indexes=(
        index("idx_user_id", "user_id"),
        index("idx_agent_id", "agent_id"),
        index("idx_updated_at", "-updated_at"),
    ),
    references=(Reference(column="user_id", targets=(("users", "id"),), enforced=True),),
)

PLAYGROUND_USAGE = TableSpec(
    source="playground_usage",
    collection="playground_usage",
    about="One row per agent request, with its messages, tokens and cost.",
    key=("id",),
    sync=SyncPolicy(mode="append", cursor=Cursor(column="created_at", overlap=timedelta(minutes=5))),
    columns=(
        integer("id"),
        # The column has INTEGER affinity, which turns an all-digit id of a user into a number.
        text(
            "user_id",
            sql_type="INTEGER",
            nullable=True,
            restored_from=("users", "id"),
            about="Declared INTEGER, holds users.id, which is text.",
        ),
        text("username", 255, nullable=True),
        text("session_id", 64),
        text("agent_id", 50),
        text("model", 100),
        text("user_message", about="May hold personal data."),
        text("assistant_message", nullable=True),
        integer("input_tokens", minimum=0),
        integer("output_tokens", minimum=0),
        integer("total_tokens", minimum=0),
        double("cost_usd", minimum=0, about="US dollars."),
        json_array("tool_calls", nullable=True),
        integer("duration_ms", nullable=True, minimum=0),
        text("error", nullable=True),
        utc(
            "created_at",
            inexact="milliseconds",
            about="Whole seconds with many ties; order by created_at, then by _id.",
        ),
        text("client", 50, nullable=True, allowed=CLIENTS),
    ),
    indexes=(
        index("idx_user_id_created_at", "user_id", "-created_at"),
        index("idx_agent_id_created_at", "agent_id", "-created_at"),
        index("idx_session_id", "session_id"),
        index("idx_created_at", "-created_at"),
    ),
    references=(
        Reference(column="user_id", targets=(("users", "id"),), enforced=True),
        Reference(
            column="session_id",
            targets=(("playground_sessions", "id"),),
            about="Dangling is normal: sessions live shorter than their usage rows.",
        ),
    ),
)

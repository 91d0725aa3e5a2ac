"""AI chat of Infrastructure Atlas: sessions and their messages.

What belongs here: the chat of people with a model. What does not: sessions of agents (`playground`) and the cost of
calls (`ai`).
"""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import index, json_object, text, unique, utc
from atlas_pipeline.spec.tables import Reference, TableSpec

CHAT_SESSIONS = TableSpec(
    source="chat_sessions",
    collection="chat_sessions",
    about="Chat sessions. Each has two identifiers: `id`, to which messages refer, and the public `session_id`.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("session_id", 64, about="Public identifier; a client may choose it. Messages do not refer to it."),
        text("user_id", 36, nullable=True, about="Null for anonymous sessions."),
        text("title", 200),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
        json_object(
            "context_variables", sql_type="TEXT", about="Declared TEXT by the migrations, holds a JSON object."
        ),
        text("agent_config_id", 36, nullable=True),
        text("provider_type", 32, nullable=True),
        text("model", 128, nullable=True),
    ),
    indexes=(
        unique("idx_session_id_unique", "session_id"),
        index("idx_user_id", "user_id"),
        index("idx_updated_at", "-updated_at"),
        # The list of one user's latest sessions; the source has this index too.
        index("idx_user_id_updated_at", "user_id", "-updated_at"),
    ),
    references=(
        Reference(column="user_id", targets=(("users", "id"),), enforced=True),
        Reference(
            column="agent_config_id",
            targets=(("ai_agent_configs", "id"),),
            about="The table it names stays in the source.",
        ),
    ),
)

CHAT_MESSAGES = TableSpec(
    source="chat_messages",
    collection="chat_messages",
    about="Messages of chat sessions. Stored with microseconds, so that closer ones may tie after the move.",
    key=("id",),
    columns=(
        text("id", 36),
        text("session_id", 36, about="chat_sessions.id, not chat_sessions.session_id."),
        text("role", 16, allowed=("user", "assistant", "system", "tool")),
        text("content", about="May end with a marker [[TOKENS {...}]], which is part of the text."),
        utc("created_at", inexact="milliseconds"),
        text("message_type", 32, nullable=True),
        text("tool_call_id", 64, nullable=True),
        text("tool_name", 128, nullable=True),
        json_object("metadata_json", nullable=True, about="Usage, cost, model and provider of the answer."),
    ),
    indexes=(
        index("idx_session_id", "session_id"),
        index("idx_session_id_created_at", "session_id", "created_at"),
    ),
    references=(Reference(column="session_id", targets=(("chat_sessions", "id"),), enforced=True),),
)

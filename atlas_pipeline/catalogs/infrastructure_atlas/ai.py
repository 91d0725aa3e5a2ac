"""Costs of AI in Infrastructure Atlas: prices of models and a log of calls.

What belongs here: what models cost and what calls have cost. What does not: what was said (`chat`, `playground`).
"""

from __future__ import annotations

from datetime import timedelta

from atlas_pipeline.spec.shorthand import boolean, double, index, integer, text, unique, utc
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import Reference, TableSpec

AI_MODEL_CONFIGS = TableSpec(
    source="ai_model_configs",
    collection="ai_model_configs",
    about="Prices and abilities of models, which override those built into the application.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("provider", 32),
        text("model_id", 128),
        text("display_name", 128, nullable=True),
        double("price_input_per_million", minimum=0, about="US dollars per million tokens."),
        double("price_output_per_million", minimum=0, about="US dollars per million tokens."),
        integer("context_window", nullable=True, minimum=0, about="Tokens."),
        boolean("supports_tools"),
        boolean("supports_streaming"),
        boolean("supports_vision"),
        boolean("is_active"),
        boolean("is_preferred"),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(
        unique("idx_provider_model_unique", "provider", "model_id"),
        index("idx_is_active", "is_active"),
    ),
)

AI_ACTIVITY_LOGS = TableSpec(
    source="ai_activity_logs",
    collection="ai_activity_logs",
    about="One row per AI call, for cost reports. The largest table.",
    key=("id",),
    sync=SyncPolicy(mode="append", cursor=Cursor(column="created_at", overlap=timedelta(minutes=5))),
    columns=(
        text("id", 36),
        text("generation_id", 64, nullable=True),
        utc("created_at", inexact="milliseconds"),
        text("provider", 32),
        text("model", 128),
        text("model_provider", 64, nullable=True),
        integer("tokens_prompt", minimum=0),
        integer("tokens_completion", minimum=0),
        integer("tokens_reasoning", minimum=0),
        integer("tokens_total", minimum=0, about="Sum of prompt, completion and reasoning."),
        double("cost_usd", minimum=0, about="US dollars."),
        integer("generation_time_ms", nullable=True, minimum=0),
        integer("time_to_first_token_ms", nullable=True, minimum=0),
        double("tokens_per_second", nullable=True, minimum=0),
        boolean("streamed"),
        text("finish_reason", 32, nullable=True, about="An open set, passed on from the provider."),
        boolean("cancelled"),
        text("user_id", 36, nullable=True),
        text("session_id", 64, nullable=True, about="Which kind of session it names follows from app_name."),
        text("app_name", 64, nullable=True, about="atlas-chat, or playground/<agent id>."),
    ),
    indexes=(
        # Nulls are stored explicitly, so sparse skips nothing; the application defines two of these so.
        index("idx_generation_id", "generation_id", sparse=True),
        index("idx_created_at", "-created_at"),
        index("idx_provider", "provider"),
        index("idx_model", "model"),
        index("idx_user_id", "user_id"),
        index("idx_session_id", "session_id", sparse=True),
    ),
    references=(
        Reference(
            column="user_id",
            targets=(("users", "id"),),
            about="Dangling is normal: the log outlives its users.",
        ),
        Reference(
            column="session_id",
            targets=(("chat_sessions", "session_id"), ("playground_sessions", "id")),
            about="A chat session by its public identifier, or an agent session.",
        ),
    ),
)

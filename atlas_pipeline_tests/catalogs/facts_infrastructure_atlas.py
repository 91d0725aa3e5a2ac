"""Facts about Infrastructure Atlas, written down a second time, so that a wrong edit of the catalog fails a test.

What belongs here: plain data, independent of `atlas_pipeline`. What does not: anything derived from the catalog.

`FACTS` maps each collection, in load order, to a dict of

- `source`: name of the source table,
- `declared`: `(column, declared SQL type)` in the order of the source,
- `fields`: `(field, BSON type)` in document order, `_id` first. Types are string, int (32 or 64 bits), double, bool,
  date, object and array; `|null` behind one means that the field may be null. Every field is always present,
- `indexes`: `(name, [(field, direction), ...], options)`, without `_id_`; options hold only those that are set.

`LEFT_ALONE` names the tables of the source that are not moved, `BOOKKEEPING` those without data of the application.
"""

from __future__ import annotations

from typing import TypedDict


class CollectionFacts(TypedDict):
    """What is known of one collection; see the module."""

    source: str
    declared: list[tuple[str, str]]
    fields: list[tuple[str, str]]
    indexes: list[tuple[str, list[tuple[str, int]], dict[str, bool]]]


# fmt: off
FACTS: dict[str, CollectionFacts] = {
    "role_permissions": {
        "source": "role_permissions",
        "declared": [("role", "VARCHAR(32)"), ("label", "VARCHAR(64)"), ("description", "VARCHAR(255)"),
            ("permissions", "JSON"), ("created_at", "DATETIME"), ("updated_at", "DATETIME")],
        "fields": [("_id", "string"), ("role", "string"), ("label", "string"), ("description", "string|null"),
            ("permissions", "array"), ("created_at", "date"), ("updated_at", "date")],
        "indexes": [("idx_role_unique", [("role", 1)], {"unique": True})],
    },
    "users": {
        "source": "users",
        "declared": [("id", "VARCHAR(36)"), ("username", "VARCHAR(64)"), ("display_name", "VARCHAR(120)"),
            ("email", "VARCHAR(320)"), ("role", "VARCHAR(16)"), ("password_hash", "VARCHAR(255)"),
            ("is_active", "BOOLEAN"), ("external_provider", "VARCHAR(32)"), ("external_subject", "VARCHAR(255)"),
            ("system_username", "VARCHAR(64)"), ("created_at", "DATETIME"), ("updated_at", "DATETIME")],
        "fields": [("_id", "string"), ("username", "string"), ("display_name", "string|null"),
            ("email", "string|null"), ("role", "string"), ("password_hash", "string|null"), ("is_active", "bool"),
            ("external_provider", "string|null"), ("external_subject", "string|null"),
            ("system_username", "string|null"), ("created_at", "date"), ("updated_at", "date")],
        "indexes": [
            ("idx_username_unique", [("username", 1)], {"unique": True}),
            ("idx_email", [("email", 1)], {"sparse": True}),
            ("idx_external_subject", [("external_subject", 1)], {"sparse": True}),
            ("idx_is_active", [("is_active", 1)], {}),
            ("idx_created_at", [("created_at", -1)], {}),
        ],
    },
    "secrets": {
        "source": "secure_settings",
        "declared": [("name", "VARCHAR(64)"), ("encrypted_value", "TEXT"), ("created_at", "DATETIME"),
            ("updated_at", "DATETIME")],
        "fields": [("_id", "string"), ("name", "string"), ("encrypted_value", "string"), ("created_at", "date"),
            ("updated_at", "date")],
        "indexes": [("idx_name_unique", [("name", 1)], {"unique": True})],
    },
    "user_api_keys": {
        "source": "user_api_keys",
        "declared": [("id", "VARCHAR(36)"), ("user_id", "VARCHAR(36)"), ("provider", "VARCHAR(32)"),
            ("label", "VARCHAR(120)"), ("secret", "TEXT"), ("created_at", "DATETIME"), ("updated_at", "DATETIME")],
        "fields": [("_id", "string"), ("user_id", "string"), ("provider", "string"), ("label", "string|null"),
            ("secret", "string"), ("created_at", "date"), ("updated_at", "date")],
        "indexes": [
            ("idx_user_provider_unique", [("user_id", 1), ("provider", 1)], {"unique": True}),
            ("idx_user_id", [("user_id", 1)], {}),
        ],
    },
    "global_api_keys": {
        "source": "global_api_keys",
        "declared": [("id", "VARCHAR(36)"), ("provider", "VARCHAR(32)"), ("label", "VARCHAR(120)"), ("secret", "TEXT"),
            ("created_at", "DATETIME"), ("updated_at", "DATETIME")],
        "fields": [("_id", "string"), ("provider", "string"), ("label", "string|null"), ("secret", "string"),
            ("created_at", "date"), ("updated_at", "date")],
        "indexes": [("idx_provider_unique", [("provider", 1)], {"unique": True})],
    },
    "chat_sessions": {
        "source": "chat_sessions",
        "declared": [("id", "VARCHAR(36)"), ("session_id", "VARCHAR(64)"), ("user_id", "VARCHAR(36)"),
            ("title", "VARCHAR(200)"), ("created_at", "DATETIME"), ("updated_at", "DATETIME"),
            ("context_variables", "TEXT"), ("agent_config_id", "VARCHAR(36)"), ("provider_type", "VARCHAR(32)"),
            ("model", "VARCHAR(128)")],
        "fields": [("_id", "string"), ("session_id", "string"), ("user_id", "string|null"), ("title", "string"),
            ("created_at", "date"), ("updated_at", "date"), ("context_variables", "object"),
            ("agent_config_id", "string|null"), ("provider_type", "string|null"), ("model", "string|null")],
        "indexes": [
            ("idx_session_id_unique", [("session_id", 1)], {"unique": True}),
            ("idx_user_id", [("user_id", 1)], {}),
            ("idx_updated_at", [("updated_at", -1)], {}),
            ("idx_user_id_updated_at", [("user_id", 1), ("updated_at", -1)], {}),
        ],
    },
    "chat_messages": {
        "source": "chat_messages",
        "declared": [("id", "VARCHAR(36)"), ("session_id", "VARCHAR(36)"), ("role", "VARCHAR(16)"),
            ("content", "TEXT"), ("created_at", "DATETIME"), ("message_type", "VARCHAR(32)"),
            ("tool_call_id", "VARCHAR(64)"), ("tool_name", "VARCHAR(128)"), ("metadata_json", "JSON")],
        "fields": [("_id", "string"), ("session_id", "string"), ("role", "string"), ("content", "string"),
            ("created_at", "date"), ("message_type", "string|null"), ("tool_call_id", "string|null"),
            ("tool_name", "string|null"), ("metadata_json", "object|null")],
        "indexes": [
            ("idx_session_id", [("session_id", 1)], {}),
            ("idx_session_id_created_at", [("session_id", 1), ("created_at", 1)], {}),
        ],
    },
    "vcenter_configs": {
        "source": "vcenter_configs",
        "declared": [("id", "VARCHAR(36)"), ("name", "VARCHAR(80)"), ("base_url", "VARCHAR(255)"),
            ("username", "VARCHAR(128)"), ("password_secret", "VARCHAR(128)"), ("verify_ssl", "BOOLEAN"),
            ("created_at", "DATETIME"), ("updated_at", "DATETIME"), ("is_esxi", "BOOLEAN")],
        "fields": [("_id", "string"), ("name", "string"), ("base_url", "string"), ("username", "string"),
            ("password_secret", "string"), ("verify_ssl", "bool"), ("created_at", "date"), ("updated_at", "date"),
            ("is_esxi", "bool")],
        "indexes": [("idx_name_unique", [("name", 1)], {"unique": True})],
    },
    "foreman_configs": {
        "source": "foreman_configs",
        "declared": [("id", "VARCHAR(36)"), ("name", "VARCHAR(80)"), ("base_url", "VARCHAR(255)"),
            ("token_secret", "VARCHAR(128)"), ("verify_ssl", "BOOLEAN"), ("created_at", "DATETIME"),
            ("updated_at", "DATETIME"), ("username", "VARCHAR(128)")],
        "fields": [("_id", "string"), ("name", "string"), ("base_url", "string"), ("token_secret", "string"),
            ("verify_ssl", "bool"), ("created_at", "date"), ("updated_at", "date"), ("username", "string")],
        "indexes": [("idx_name_unique", [("name", 1)], {"unique": True})],
    },
    "puppet_configs": {
        "source": "puppet_configs",
        "declared": [("id", "VARCHAR(36)"), ("name", "VARCHAR(80)"), ("remote_url", "VARCHAR(512)"),
            ("branch", "VARCHAR(128)"), ("ssh_key_secret", "VARCHAR(128)"), ("local_path", "VARCHAR(512)"),
            ("created_at", "DATETIME"), ("updated_at", "DATETIME")],
        "fields": [("_id", "string"), ("name", "string"), ("remote_url", "string"), ("branch", "string"),
            ("ssh_key_secret", "string|null"), ("local_path", "string|null"), ("created_at", "date"),
            ("updated_at", "date")],
        "indexes": [("idx_name_unique", [("name", 1)], {"unique": True})],
    },
    "playground_sessions": {
        "source": "playground_sessions",
        "declared": [("id", "VARCHAR(36)"), ("agent_id", "VARCHAR(255)"), ("user_id", "VARCHAR(36)"),
            ("state", "JSON"), ("config_override", "JSON"), ("messages", "JSON"), ("total_tokens", "INTEGER"),
            ("total_cost_usd", "FLOAT"), ("created_at", "DATETIME"), ("updated_at", "DATETIME"),
            ("client", "VARCHAR(50)")],
        "fields": [("_id", "string"), ("agent_id", "string"), ("user_id", "string|null"), ("state", "object"),
            ("config_override", "object"), ("messages", "array"), ("total_tokens", "int"),
            ("total_cost_usd", "double|null"), ("created_at", "date"), ("updated_at", "date"),
            ("client", "string|null")],
        "indexes": [
            ("idx_user_id", [("user_id", 1)], {}),
            ("idx_agent_id", [("agent_id", 1)], {}),
            ("idx_updated_at", [("updated_at", -1)], {}),
        ],
    },
    "playground_usage": {
        "source": "playground_usage",
        "declared": [("id", "INTEGER"), ("user_id", "INTEGER"), ("username", "VARCHAR(255)"),
            ("session_id", "VARCHAR(64)"), ("agent_id", "VARCHAR(50)"), ("model", "VARCHAR(100)"),
            ("user_message", "TEXT"), ("assistant_message", "TEXT"), ("input_tokens", "INTEGER"),
            ("output_tokens", "INTEGER"), ("total_tokens", "INTEGER"), ("cost_usd", "FLOAT"), ("tool_calls", "JSON"),
            ("duration_ms", "INTEGER"), ("error", "TEXT"), ("created_at", "DATETIME"), ("client", "VARCHAR(50)")],
        "fields": [("_id", "int"), ("user_id", "string|null"), ("username", "string|null"), ("session_id", "string"),
            ("agent_id", "string"), ("model", "string"), ("user_message", "string"),
            ("assistant_message", "string|null"), ("input_tokens", "int"), ("output_tokens", "int"),
            ("total_tokens", "int"), ("cost_usd", "double"), ("tool_calls", "array|null"), ("duration_ms", "int|null"),
            ("error", "string|null"), ("created_at", "date"), ("client", "string|null")],
        "indexes": [
            ("idx_user_id_created_at", [("user_id", 1), ("created_at", -1)], {}),
            ("idx_agent_id_created_at", [("agent_id", 1), ("created_at", -1)], {}),
            ("idx_session_id", [("session_id", 1)], {}),
            ("idx_created_at", [("created_at", -1)], {}),
        ],
    },
    "ai_model_configs": {
        "source": "ai_model_configs",
        "declared": [("id", "VARCHAR(36)"), ("provider", "VARCHAR(32)"), ("model_id", "VARCHAR(128)"),
            ("display_name", "VARCHAR(128)"), ("price_input_per_million", "FLOAT"),
            ("price_output_per_million", "FLOAT"), ("context_window", "INTEGER"), ("supports_tools", "BOOLEAN"),
            ("supports_streaming", "BOOLEAN"), ("supports_vision", "BOOLEAN"), ("is_active", "BOOLEAN"),
            ("is_preferred", "BOOLEAN"), ("created_at", "DATETIME"), ("updated_at", "DATETIME")],
        "fields": [("_id", "string"), ("provider", "string"), ("model_id", "string"), ("display_name", "string|null"),
            ("price_input_per_million", "double"), ("price_output_per_million", "double"),
            ("context_window", "int|null"), ("supports_tools", "bool"), ("supports_streaming", "bool"),
            ("supports_vision", "bool"), ("is_active", "bool"), ("is_preferred", "bool"), ("created_at", "date"),
            ("updated_at", "date")],
        "indexes": [
            ("idx_provider_model_unique", [("provider", 1), ("model_id", 1)], {"unique": True}),
            ("idx_is_active", [("is_active", 1)], {}),
        ],
    },
    "ai_activity_logs": {
        "source": "ai_activity_logs",
        "declared": [("id", "VARCHAR(36)"), ("generation_id", "VARCHAR(64)"), ("created_at", "DATETIME"),
            ("provider", "VARCHAR(32)"), ("model", "VARCHAR(128)"), ("model_provider", "VARCHAR(64)"),
            ("tokens_prompt", "INTEGER"), ("tokens_completion", "INTEGER"), ("tokens_reasoning", "INTEGER"),
            ("tokens_total", "INTEGER"), ("cost_usd", "FLOAT"), ("generation_time_ms", "INTEGER"),
            ("time_to_first_token_ms", "INTEGER"), ("tokens_per_second", "FLOAT"), ("streamed", "BOOLEAN"),
            ("finish_reason", "VARCHAR(32)"), ("cancelled", "BOOLEAN"), ("user_id", "VARCHAR(36)"),
            ("session_id", "VARCHAR(64)"), ("app_name", "VARCHAR(64)")],
        "fields": [("_id", "string"), ("generation_id", "string|null"), ("created_at", "date"), ("provider", "string"),
            ("model", "string"), ("model_provider", "string|null"), ("tokens_prompt", "int"),
            ("tokens_completion", "int"), ("tokens_reasoning", "int"), ("tokens_total", "int"), ("cost_usd", "double"),
            ("generation_time_ms", "int|null"), ("time_to_first_token_ms", "int|null"),
            ("tokens_per_second", "double|null"), ("streamed", "bool"), ("finish_reason", "string|null"),
            ("cancelled", "bool"), ("user_id", "string|null"), ("session_id", "string|null"),
            ("app_name", "string|null")],
        "indexes": [
            ("idx_generation_id", [("generation_id", 1)], {"sparse": True}),
            ("idx_created_at", [("created_at", -1)], {}),
            ("idx_provider", [("provider", 1)], {}),
            ("idx_model", [("model", 1)], {}),
            ("idx_user_id", [("user_id", 1)], {}),
            ("idx_session_id", [("session_id", 1)], {"sparse": True}),
        ],
    },
    "bot_platform_accounts": {
        "source": "bot_platform_accounts",
        "declared": [("id", "INTEGER"), ("user_id", "VARCHAR(36)"), ("platform", "VARCHAR(32)"),
            ("platform_user_id", "VARCHAR(255)"), ("platform_username", "VARCHAR(255)"), ("verified", "BOOLEAN"),
            ("verification_code", "VARCHAR(16)"), ("verification_expires", "DATETIME"), ("created_at", "DATETIME"),
            ("updated_at", "DATETIME")],
        "fields": [("_id", "int"), ("user_id", "string"), ("platform", "string"), ("platform_user_id", "string"),
            ("platform_username", "string|null"), ("verified", "bool"), ("verification_code", "string|null"),
            ("verification_expires", "date|null"), ("created_at", "date"), ("updated_at", "date")],
        "indexes": [
            ("idx_platform_user_unique", [("platform", 1), ("platform_user_id", 1)], {"unique": True}),
            ("idx_user_id", [("user_id", 1)], {}),
        ],
    },
    "bot_conversations": {
        "source": "bot_conversations",
        "declared": [("id", "INTEGER"), ("platform", "VARCHAR(32)"), ("platform_conversation_id", "VARCHAR(255)"),
            ("platform_account_id", "INTEGER"), ("agent_id", "VARCHAR(255)"), ("session_id", "VARCHAR(64)"),
            ("created_at", "DATETIME"), ("last_message_at", "DATETIME")],
        "fields": [("_id", "int"), ("platform", "string"), ("platform_conversation_id", "string"),
            ("platform_account_id", "int"), ("agent_id", "string|null"), ("session_id", "string|null"),
            ("created_at", "date"), ("last_message_at", "date")],
        "indexes": [
            ("idx_platform_conversation_unique", [("platform", 1), ("platform_conversation_id", 1)], {"unique": True}),
            ("idx_platform_account_id", [("platform_account_id", 1)], {}),
        ],
    },
    "bot_messages": {
        "source": "bot_messages",
        "declared": [("id", "INTEGER"), ("conversation_id", "INTEGER"), ("direction", "VARCHAR(16)"),
            ("content", "TEXT"), ("platform_message_id", "VARCHAR(255)"), ("agent_id", "VARCHAR(255)"),
            ("tool_calls", "JSON"), ("input_tokens", "INTEGER"), ("output_tokens", "INTEGER"), ("cost_usd", "FLOAT"),
            ("duration_ms", "INTEGER"), ("error", "TEXT"), ("created_at", "DATETIME")],
        "fields": [("_id", "int"), ("conversation_id", "int"), ("direction", "string"), ("content", "string"),
            ("platform_message_id", "string|null"), ("agent_id", "string|null"), ("tool_calls", "array|null"),
            ("input_tokens", "int"), ("output_tokens", "int"), ("cost_usd", "double"), ("duration_ms", "int|null"),
            ("error", "string|null"), ("created_at", "date")],
        "indexes": [
            ("idx_conversation_id", [("conversation_id", 1)], {}),
            ("idx_created_at", [("created_at", -1)], {}),
        ],
    },
    "bot_webhook_configs": {
        "source": "bot_webhook_configs",
        "declared": [("id", "INTEGER"), ("platform", "VARCHAR(32)"), ("enabled", "BOOLEAN"),
            ("webhook_secret", "VARCHAR(255)"), ("bot_token_secret", "VARCHAR(128)"), ("extra_config", "JSON"),
            ("created_at", "DATETIME"), ("updated_at", "DATETIME")],
        "fields": [("_id", "int"), ("platform", "string"), ("enabled", "bool"), ("webhook_secret", "string|null"),
            ("bot_token_secret", "string"), ("extra_config", "object|null"), ("created_at", "date"),
            ("updated_at", "date")],
        "indexes": [("idx_platform_unique", [("platform", 1)], {"unique": True})],
    },
}

LEFT_ALONE = (
    "ai_agent_configs", "ai_provider_configs", "device_relationships", "devices", "execution_steps",
    "human_interventions", "module_configs", "playground_presets", "skill_actions", "skills", "sync_metadata",
    "workflow_executions", "workflows",
)
# fmt: on

BOOKKEEPING = ("alembic_version",)

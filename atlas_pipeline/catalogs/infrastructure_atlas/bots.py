"""Chat bots of Infrastructure Atlas: accounts, conversations, messages and webhooks on chat platforms.

What belongs here: traffic with Telegram, Slack and Teams. What does not: the agent sessions behind it (`playground`).
Identifiers of platforms are text even when they are all digits.
"""

from __future__ import annotations

from datetime import timedelta

from atlas_pipeline.spec.shorthand import boolean, double, index, integer, json_array, json_object, text, unique, utc
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import Reference, TableSpec

PLATFORMS = ("telegram", "slack", "teams")

BOT_PLATFORM_ACCOUNTS = TableSpec(
    source="bot_platform_accounts",
    collection="bot_platform_accounts",
    about="Links a user of a chat platform to a local account.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        integer("id"),
        text("user_id", 36),
        text("platform", 32, allowed=PLATFORMS),
        text("platform_user_id", 255, about="pending:<user id> until the link is confirmed."),
        text("platform_username", 255, nullable=True),
        boolean("verified"),
        text("verification_code", 16, nullable=True, about="Leading zeros count; null once verified."),
        utc("verification_expires", inexact="milliseconds", nullable=True, about="Null once verified."),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(
        unique("idx_platform_user_unique", "platform", "platform_user_id"),
        index("idx_user_id", "user_id"),
    ),
    references=(Reference(column="user_id", targets=(("users", "id"),), enforced=True),),
)

BOT_CONVERSATIONS = TableSpec(
    source="bot_conversations",
    collection="bot_conversations",
    about="A chat or channel on a platform.",
    key=("id",),
    columns=(
        integer("id"),
        text("platform", 32, allowed=PLATFORMS),
        text("platform_conversation_id", 255, about="Can look like a negative number."),
        integer("platform_account_id"),
        text("agent_id", 255, nullable=True),
        text("session_id", 64, nullable=True),
        utc("created_at", inexact="milliseconds"),
        utc("last_message_at", inexact="milliseconds"),
    ),
    indexes=(
        unique("idx_platform_conversation_unique", "platform", "platform_conversation_id"),
        index("idx_platform_account_id", "platform_account_id"),
    ),
    references=(
        Reference(column="platform_account_id", targets=(("bot_platform_accounts", "id"),), enforced=True),
        Reference(column="session_id", targets=(("playground_sessions", "id"),)),
    ),
)

BOT_MESSAGES = TableSpec(
    source="bot_messages",
    collection="bot_messages",
    about="Log of all traffic of the bots.",
    key=("id",),
    sync=SyncPolicy(mode="append", cursor=Cursor(column="created_at", overlap=timedelta(minutes=5))),
    columns=(
        integer("id"),
        integer("conversation_id"),
        text("direction", 16, allowed=("inbound", "outbound")),
        text("content"),
        text("platform_message_id", 255, nullable=True),
        text("agent_id", 255, nullable=True),
        json_array("tool_calls", nullable=True),
        integer("input_tokens", minimum=0),
        integer("output_tokens", minimum=0),
        double("cost_usd", minimum=0, about="Always 0.0; the cost is in playground_usage."),
        integer("duration_ms", nullable=True, minimum=0),
        text("error", nullable=True),
        utc("created_at", inexact="milliseconds"),
    ),
    indexes=(
        index("idx_conversation_id", "conversation_id"),
        index("idx_created_at", "-created_at"),
    ),
    references=(Reference(column="conversation_id", targets=(("bot_conversations", "id"),), enforced=True),),
)

BOT_WEBHOOK_CONFIGS = TableSpec(
    source="bot_webhook_configs",
    collection="bot_webhook_configs",
    about="Settings of the bot on each platform.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        integer("id"),
        text("platform", 32, allowed=PLATFORMS),
        boolean("enabled"),
        text(
            "webhook_secret",
            255,
            nullable=True,
            secret=True,
            about="Plain text for Telegram, the name of an environment variable for Slack.",
        ),
        text("bot_token_secret", 128, about="Name of a vault entry or of an environment variable."),
        json_object("extra_config", nullable=True),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(unique("idx_platform_unique", "platform"),),
    references=(
        Reference(
            column="bot_token_secret",
            targets=(("secure_settings", "name"),),
            about="Dangling is normal where it names an environment variable.",
        ),
    ),
)

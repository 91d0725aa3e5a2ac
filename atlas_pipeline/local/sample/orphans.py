"""The references of the sample that lead nowhere, listed.

What belongs here: for every reference of the schema, enforced by a constraint or not, the rows whose value has no
partner. What does not: the rows themselves, which the table modules make.

One reference only looks like an orphan and is not listed: playground_usage.user_id holds the integer 42 for the user
'0042', which SQL does not find but a look-up by value does.
"""

from __future__ import annotations

from dataclasses import dataclass

from atlas_pipeline.local.sample.playground import USAGE_ORPHANS
from atlas_pipeline.local.sample.world import FIRST_ORPHAN_ID, World


@dataclass(frozen=True)
class Orphan:
    """One dangling reference: the row and the column."""

    table: str
    key: str | int
    column: str


# Table, name of the row, column; for tables with text keys that are made from names.
_NAMED = (
    ("users", "no-role", "role"),
    ("user_api_keys", "no-user", "user_id"),
    ("chat_sessions", "no-user", "user_id"),
    ("chat_sessions", "no-agent", "agent_config_id"),
    ("chat_messages", "no-session", "session_id"),
    ("chat_messages", "public-id", "session_id"),
    ("vcenter_configs", "no-secret", "password_secret"),
    ("foreman_configs", "no-secret", "token_secret"),
    ("puppet_configs", "no-secret", "ssh_key_secret"),
    ("playground_sessions", "no-user", "user_id"),
    ("ai_activity_logs", "no-user", "user_id"),
    ("ai_activity_logs", "no-chat", "session_id"),
    ("ai_activity_logs", "no-playground", "session_id"),
)


def planted_orphans(world: World) -> tuple[Orphan, ...]:
    """All dangling references of a sample."""
    named = [Orphan(table, world.key(table, name), column) for table, name, column in _NAMED]
    usage = [
        Orphan("playground_usage", key, column) for key, (column, _) in enumerate(USAGE_ORPHANS, start=FIRST_ORPHAN_ID)
    ]
    bots = [
        Orphan("bot_platform_accounts", FIRST_ORPHAN_ID, "user_id"),
        Orphan("bot_webhook_configs", 2**31, "bot_token_secret"),
        Orphan("bot_conversations", FIRST_ORPHAN_ID, "platform_account_id"),
        Orphan("bot_conversations", FIRST_ORPHAN_ID + 1, "session_id"),
        Orphan("bot_messages", FIRST_ORPHAN_ID, "conversation_id"),
    ]
    return (*named, *usage, *bots)

"""Which function makes the rows of which table.

What belongs here: the list of all 32 tables, 18 of the catalog and 14 others. What does not: rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from atlas_pipeline.local.sample import activity, bots, chat, connections, people, playground
from atlas_pipeline.local.sample.extras import EXTRA_TABLES
from atlas_pipeline.local.sample.world import Row, World

RowMaker = Callable[[World], Iterator[Row]]

CATALOG_TABLES: Mapping[str, RowMaker] = MappingProxyType(
    {
        "users": people.users,
        "user_api_keys": people.user_api_keys,
        "global_api_keys": connections.global_api_keys,
        "secure_settings": connections.secure_settings,
        "role_permissions": people.role_permissions,
        "chat_sessions": chat.chat_sessions,
        "chat_messages": chat.chat_messages,
        "vcenter_configs": connections.vcenter_configs,
        "foreman_configs": connections.foreman_configs,
        "puppet_configs": connections.puppet_configs,
        "playground_usage": playground.playground_usage,
        "playground_sessions": playground.playground_sessions,
        "ai_activity_logs": activity.ai_activity_logs,
        "ai_model_configs": activity.ai_model_configs,
        "bot_platform_accounts": bots.bot_platform_accounts,
        "bot_webhook_configs": bots.bot_webhook_configs,
        "bot_conversations": bots.bot_conversations,
        "bot_messages": bots.bot_messages,
    }
)
ROW_MAKERS: Mapping[str, RowMaker] = MappingProxyType({**CATALOG_TABLES, **EXTRA_TABLES})

"""The catalog of Infrastructure Atlas: its tables in load order, its target and where its source is configured.

What belongs here: the list. What does not: a table itself, which is in the module of its subject.
"""

from __future__ import annotations

from atlas_pipeline.catalogs.infrastructure_atlas.accounts import (
    GLOBAL_API_KEYS,
    ROLE_PERMISSIONS,
    USER_API_KEYS,
    USERS,
)
from atlas_pipeline.catalogs.infrastructure_atlas.ai import AI_ACTIVITY_LOGS, AI_MODEL_CONFIGS
from atlas_pipeline.catalogs.infrastructure_atlas.bots import (
    BOT_CONVERSATIONS,
    BOT_MESSAGES,
    BOT_PLATFORM_ACCOUNTS,
    BOT_WEBHOOK_CONFIGS,
)
from atlas_pipeline.catalogs.infrastructure_atlas.chat import CHAT_MESSAGES, CHAT_SESSIONS
from atlas_pipeline.catalogs.infrastructure_atlas.connections import FOREMAN_CONFIGS, PUPPET_CONFIGS, VCENTER_CONFIGS
from atlas_pipeline.catalogs.infrastructure_atlas.playground import PLAYGROUND_SESSIONS, PLAYGROUND_USAGE
from atlas_pipeline.catalogs.infrastructure_atlas.vault import SECRETS
from atlas_pipeline.spec.catalogs import CatalogSpec

# Moments of all tables are cut to milliseconds, for readers expect plain dates. No JSON column rounds: Python wrote
# every number in them, of doubles the shortest form, so that one of more digits is a mistake.
INFRASTRUCTURE_ATLAS = CatalogSpec(
    name="infrastructure_atlas",
    about="Operations portal with accounts, AI chat, agents and chat bots, kept in SQLite.",
    dialect="sqlite",
    source_variable="ATLAS_DB_URL",
    database="atlas",
    bookkeeping=("alembic_version",),
    tables=(  # referenced tables come first
        ROLE_PERMISSIONS,
        USERS,
        SECRETS,
        USER_API_KEYS,
        GLOBAL_API_KEYS,
        CHAT_SESSIONS,
        CHAT_MESSAGES,
        VCENTER_CONFIGS,
        FOREMAN_CONFIGS,
        PUPPET_CONFIGS,
        PLAYGROUND_SESSIONS,
        PLAYGROUND_USAGE,
        AI_MODEL_CONFIGS,
        AI_ACTIVITY_LOGS,
        BOT_PLATFORM_ACCOUNTS,
        BOT_CONVERSATIONS,
        BOT_MESSAGES,
        BOT_WEBHOOK_CONFIGS,
    ),
)

"""The embedded servers of a state folder, as the settings ask for them.

Here: one maker per kind, and the refusal where no embedded server can work. Not here: what the kinds can do
(`atlas_pipeline.local.engine`). Locks need POSIX, so nothing of them is imported before the platform was looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.settings import Settings

if TYPE_CHECKING:
    from atlas_pipeline.local.engine import Engine
    from atlas_pipeline.local.mongod import MongoEngine
    from atlas_pipeline.local.postgres import PostgresEngine


def can_embed() -> bool:
    """True where embedded servers can work at all."""
    return sys.platform != "win32"


def mongo_engine(settings: Settings, extra_args: Sequence[str] = ()) -> MongoEngine:
    """The embedded MongoDB, whether it runs or not.

    Raises:
        ServerUnavailableError: Embedded servers do not work on this platform.
    """
    _refuse_platform("MONGODB_URI")
    from atlas_pipeline.local.files import MONGODB, ServerFiles
    from atlas_pipeline.local.mongod import MongoEngine

    return MongoEngine(ServerFiles(settings.state, MONGODB), settings.mongod_cache_gb, tuple(extra_args))


def postgres_engine(settings: Settings, extra_args: Sequence[str] = ()) -> PostgresEngine:
    """The embedded PostgreSQL, whether it runs or not.

    Raises:
        ServerUnavailableError: Embedded servers do not work on this platform.
    """
    _refuse_platform("DATABASE_URL")
    from atlas_pipeline.local.files import POSTGRESQL, ServerFiles
    from atlas_pipeline.local.postgres import PostgresEngine

    return PostgresEngine(ServerFiles(settings.state, POSTGRESQL), tuple(extra_args))


def all_engines(settings: Settings) -> list[Engine]:
    """Every kind of embedded server."""
    return [mongo_engine(settings), postgres_engine(settings)]


def _refuse_platform(variable: str) -> None:
    if not can_embed():
        raise ServerUnavailableError("Embedded servers need Linux or macOS.", f"set {variable} to a server.")

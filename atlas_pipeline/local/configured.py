"""Servers that are given by an environment variable: whether they answer, and what they are.

Here: one look at each, with messages that name host and port and never a password. Not here: embedded servers
(`atlas_pipeline.local.embedded`), reading and writing data.
"""

from __future__ import annotations

from typing import Any

from atlas_pipeline.errors import ConfigurationError, SourceError, TargetError, TargetUnavailableError

_AUTHENTICATION_CODES = (18, 8000)  # of the server, of Atlas


def address_of(uri: str) -> str:
    """The hosts of a connection string, without credentials and parameters."""
    return uri.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


def mongodb_version(uri: str, timeout_ms: int) -> str:
    """The version of the server of MONGODB_URI, after it took the credentials.

    Raises:
        ConfigurationError: The string is malformed.
        TargetUnavailableError: Nobody answers within `timeout_ms`.
        TargetError: The credentials are refused.
    """
    from pymongo import MongoClient
    from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

    try:
        client = MongoClient[dict[str, Any]](
            uri, serverSelectionTimeoutMS=timeout_ms, connectTimeoutMS=timeout_ms, timeoutMS=timeout_ms
        )
    except (PyMongoError, ValueError, TypeError) as error:
        # The library's text may quote a part of the string, and with it a part of the password.
        raise ConfigurationError(
            f"MONGODB_URI is no usable connection string ({type(error).__name__}).",
            "mongodb://user:password@host:port/?options with user and password percent-encoded, or mongodb+srv:// "
            "with a host name that DNS knows.",
        ) from None
    with client:
        try:
            client.admin.command("ping")
            return str(client.server_info()["version"])
        except ConnectionFailure as error:
            reason = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
            raise TargetUnavailableError(
                f"No MongoDB answers at {address_of(uri)} within {timeout_ms} ms ({reason}).",
                "check MONGODB_URI and that the server runs, or raise ATLAS_MONGODB_TIMEOUT_MS.",
            ) from error
        except OperationFailure as error:
            refused = "the credentials" if error.code in _AUTHENTICATION_CODES else f"a ping (code {error.code})"
            raise TargetError(
                f"MongoDB at {address_of(uri)} refuses {refused} of MONGODB_URI.",
                "check user, password and the option authSource.",
            ) from error


def postgres_version(url: str, timeout_seconds: float) -> str:
    """The version of the server of DATABASE_URL, after it let us into the database.

    Raises:
        ConfigurationError: The URL is malformed, or of another kind of database.
        SourceError: Nobody answers, or we are not let in.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        backend = make_url(url).get_backend_name()
    except (SQLAlchemyError, ValueError):
        backend = ""  # the library's text quotes the URL, and with it the password
    if backend != "postgresql":
        raise ConfigurationError(
            "DATABASE_URL is no usable PostgreSQL URL.",
            "postgresql+psycopg://user:password@host:port/database with user and password percent-encoded.",
        )
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": max(1, round(timeout_seconds))})
    try:
        with engine.connect() as connection:
            return ".".join(str(part) for part in connection.dialect.server_version_info or ())
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise SourceError(
            f"PostgreSQL at {address_of(url)} cannot be used ({reason}).",
            "check DATABASE_URL and that the server runs.",
        ) from error

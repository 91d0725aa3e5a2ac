"""The servers that commands work on: the configured ones, or embedded ones for as long as they are needed.

Here: the public interface, and the choice. `MONGODB_URI` wins; else the embedded server of the state folder is attached
to when it runs, and started when it does not. Who has no `DATABASE_URL` asks for the embedded PostgreSQL. Not here: the
look at configured servers (`atlas_pipeline.local.configured`), how embedded ones are started and kept from being
doubled (`atlas_pipeline.local.embedded`).

An embedded server ends when its last user has ended, in whatever way; `start` makes it stay until `stop`. It listens on
127.0.0.1 only. PostgreSQL asks for a password, which is in files for this user alone; MongoDB asks for none: every user
of this machine can reach it. Embedded servers are for demonstrations and tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from atlas_pipeline.errors import (
    AtlasError,
    ConfigurationError,
    SourceError,
    TargetUnavailableError,
)
from atlas_pipeline.local import configured, ports
from atlas_pipeline.local.configured import address_of
from atlas_pipeline.local.engines import all_engines, can_embed, mongo_engine, postgres_engine
from atlas_pipeline.settings import Settings

if TYPE_CHECKING:
    from atlas_pipeline.local.embedded import EmbeddedServer
    from atlas_pipeline.local.engine import Engine
    from atlas_pipeline.local.postgres import PostgresEngine


@dataclass(frozen=True)
class MongoServer:
    """A server that answered a moment ago.

    Attributes:
        uri: Connection string, complete with its parameters. It may hold credentials, so it is not in the repr.
        origin: `environment` for MONGODB_URI, `running` for an embedded server that was there already, `started` for
            one that was started for this caller.
        version: Version of the server, for example 6.0.5.
        pid: Process id of an embedded server, else None.
    """

    name: ClassVar[str] = "MongoDB"
    uri: str = field(repr=False)
    origin: Literal["environment", "running", "started"]
    version: str
    pid: int | None

    @property
    def address(self) -> str:
        """Host and port (several with commas), without credentials."""
        return address_of(self.uri)


@dataclass(frozen=True)
class PostgresServer:
    """An embedded server that answered a moment ago.

    Attributes:
        port: Where it listens on 127.0.0.1.
        password: Password of its superuser. It is not in the repr.
        origin: `running` for one that was there already, `started` for one that was started for this caller.
        version: Version of the server, for example 18.6.
        pid: Process id of its first process.
    """

    name: ClassVar[str] = "PostgreSQL"
    port: int
    password: str = field(repr=False)
    origin: Literal["running", "started"]
    version: str
    pid: int

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return ports.address(self.port)

    def url(self, database: str) -> str:
        """SQLAlchemy URL of a database in it, with the password; `postgres` is always there."""
        from atlas_pipeline.local import postgres

        return postgres.url(self.port, self.password, database)


@dataclass(frozen=True)
class ServerStatus:
    """What is known of one server; `address` holds no credentials, and what is unknown is None."""

    name: str
    state: Literal["running", "starting", "stopping", "stopped", "unreachable"]
    address: str | None
    pid: int | None
    version: str | None
    origin: Literal["environment", "embedded"]
    data_folder: Path | None


@contextmanager
def mongodb(settings: Settings, *, extra_args: Sequence[str] = ()) -> Iterator[MongoServer]:
    """The target server for as long as the caller needs it.

    Args:
        settings: Where to look; nothing else is asked.
        extra_args: Arguments that an embedded mongod must have been started with.

    Raises:
        ServerUnavailableError: None is configured, and none can be started; the cure names the ways to get one.
        TargetUnavailableError: MONGODB_URI is set, and nobody answers there within `settings.mongodb_timeout_ms`.
        TargetError: MONGODB_URI is set, and its credentials are refused.
        ConfigurationError: MONGODB_URI is malformed, the state folder cannot be used, or a server that is there
            already lacks `extra_args`.
    """
    if settings.mongodb_uri is not None:
        if extra_args:
            raise ConfigurationError("A server given by MONGODB_URI cannot be started with arguments.", "unset it.")
        uri = settings.mongodb_uri.get_secret_value()
        yield MongoServer(uri, "environment", configured.mongodb_version(uri, settings.mongodb_timeout_ms), None)
        return
    from atlas_pipeline.local import embedded

    engine = mongo_engine(settings, extra_args)
    with embedded.in_use(engine) as server:
        yield _mongo_server(engine, server)


@contextmanager
def postgresql(settings: Settings, *, extra_args: Sequence[str] = ()) -> Iterator[PostgresServer]:
    """The embedded PostgreSQL for as long as the caller needs it; DATABASE_URL is not asked.

    Args:
        settings: Says which state folder.
        extra_args: Arguments that it must have been started with.

    Raises:
        ServerUnavailableError: None can be started; the cure names the ways to get one.
        ConfigurationError: The state folder cannot be used, or a server that is there already lacks `extra_args`.
    """
    from atlas_pipeline.local import embedded

    engine = postgres_engine(settings, extra_args)
    with embedded.in_use(engine) as server:
        yield _postgres_server(engine, server)


def start(settings: Settings) -> list[MongoServer | PostgresServer]:
    """Make the embedded servers stay, also without users, until `stop`; one is started when it does not run.

    A kind that is configured by its environment variable is left out.

    Raises:
        ConfigurationError: MONGODB_URI and DATABASE_URL are set, so that no command would use an embedded server.
        ServerUnavailableError: There is no program that could be started. What was started before stays.
    """
    if settings.mongodb_uri is not None and settings.database_url is not None:
        raise ConfigurationError(
            "MONGODB_URI and DATABASE_URL are set: no command would use an embedded server.", "unset one of them."
        )
    from atlas_pipeline.local import embedded

    started: list[MongoServer | PostgresServer] = []
    if settings.mongodb_uri is None:
        mongo = mongo_engine(settings)
        started.append(_mongo_server(mongo, embedded.keep(mongo)))
    if settings.database_url is None:
        postgres = postgres_engine(settings)
        started.append(_postgres_server(postgres, embedded.keep(postgres)))
    return started


def stop(settings: Settings) -> list[str]:
    """End the embedded servers of this state folder, whoever uses them, and wait for their end.

    Returns:
        The names of those that were running.

    Raises:
        ServerUnavailableError: One did not come to its end; the others were ended nevertheless.
    """
    from atlas_pipeline.local import embedded

    stopped, failures = [], []
    for engine in all_engines(settings):
        try:
            if embedded.stop(engine):
                stopped.append(engine.files.kind.name)
        except AtlasError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return stopped


def status(settings: Settings) -> list[ServerStatus]:
    """The configured servers, if there are any, and the embedded ones; starts and changes nothing."""
    found = []
    if settings.mongodb_uri is not None:
        uri, timeout_ms = settings.mongodb_uri.get_secret_value(), settings.mongodb_timeout_ms
        found.append(_configured_status("MongoDB", uri, lambda: configured.mongodb_version(uri, timeout_ms)))
    if settings.database_url is not None:
        url, seconds = settings.database_url.get_secret_value(), settings.source_timeout_seconds
        found.append(_configured_status("PostgreSQL", url, lambda: configured.postgres_version(url, seconds)))
    if can_embed():
        found += [_embedded_status(engine) for engine in all_engines(settings)]
    return found


def _mongo_server(engine: Engine, server: EmbeddedServer) -> MongoServer:
    origin: Literal["started", "running"] = "started" if server.started else "running"
    return MongoServer(engine.uri(server.port), origin, server.version, server.pid)


def _postgres_server(engine: PostgresEngine, server: EmbeddedServer) -> PostgresServer:
    origin: Literal["started", "running"] = "started" if server.started else "running"
    return PostgresServer(server.port, engine.password(), origin, server.version, server.pid)


def _embedded_status(engine: Engine) -> ServerStatus:
    from atlas_pipeline.local import embedded

    state, server = embedded.look(engine)
    return ServerStatus(
        name=engine.files.kind.name,
        state=state,
        address=ports.address(server.port) if server else None,
        pid=server.pid if server else None,
        version=server.version if server else None,
        origin="embedded",
        data_folder=engine.files.data,
    )


def _configured_status(name: str, uri: str, ask: Callable[[], str]) -> ServerStatus:
    try:
        version = ask()
    except (TargetUnavailableError, SourceError):
        version = None
    return ServerStatus(
        name=name,
        state="running" if version else "unreachable",
        address=address_of(uri),
        pid=None,
        version=version,
        origin="environment",
        data_folder=None,
    )

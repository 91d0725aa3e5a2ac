"""The MongoDB server that a command works on: the configured one, or an embedded one for as long as it is needed.

Here: the public interface, and the choice. `MONGODB_URI` wins; else the embedded server of the state folder is attached
to when it runs, and started when it does not. Not here: how an embedded server is started and kept from being doubled
(`atlas_pipeline.local.embedded`).

An embedded server ends when its last user has ended, in whatever way; `start` makes it stay until `stop`. It listens on
127.0.0.1 only and asks for no password: every user of this machine can reach it. It is for demonstrations and tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from atlas_pipeline.errors import (
    ConfigurationError,
    ServerUnavailableError,
    TargetError,
    TargetUnavailableError,
)
from atlas_pipeline.settings import Settings

if TYPE_CHECKING:
    from atlas_pipeline.local.embedded import EmbeddedServer
    from atlas_pipeline.local.files import ServerFiles

_NAME = "MongoDB"
_AUTHENTICATION_CODES = (18, 8000)  # of the server, of Atlas


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

    uri: str = field(repr=False)
    origin: Literal["environment", "running", "started"]
    version: str
    pid: int | None

    @property
    def address(self) -> str:
        """Host and port (several with commas), without credentials."""
        return address_of(self.uri)


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
        yield _configured(settings.mongodb_uri.get_secret_value(), settings.mongodb_timeout_ms)
        return
    from atlas_pipeline.local import embedded

    files = _embedded_files(settings)
    started = False
    try:
        with embedded.using(files):
            server = embedded.attach_or_start(files, cache_gb=settings.mongod_cache_gb, extra_args=extra_args)
            started = server.started
            yield _public(server)
    finally:
        if started:
            embedded.wait_for_end(files)


def start(settings: Settings) -> MongoServer:
    """Make the embedded server stay, also without users, until `stop`; it is started when it does not run.

    Raises:
        ConfigurationError: MONGODB_URI is set, so that no command would use the embedded server.
        ServerUnavailableError: There is no mongod that could be started.
    """
    if settings.mongodb_uri is not None:
        raise ConfigurationError("MONGODB_URI is set: no command would use an embedded server.", "unset MONGODB_URI.")
    from atlas_pipeline.local import embedded

    files = _embedded_files(settings)
    with embedded.using(files):
        server = embedded.attach_or_start(files, cache_gb=settings.mongod_cache_gb)
        files.keep.touch(mode=0o600)
    return _public(server)


def stop(settings: Settings) -> bool:
    """End the embedded server of this state folder, whoever uses it, and wait for its end.

    Returns:
        True if one was running.

    Raises:
        ServerUnavailableError: It did not come to its end.
    """
    from atlas_pipeline.local import embedded

    return embedded.stop(_embedded_files(settings))


def status(settings: Settings) -> list[ServerStatus]:
    """The configured server, if there is one, and the embedded one; starts and changes nothing."""
    found = []
    if settings.mongodb_uri is not None:
        found.append(_configured_status(settings.mongodb_uri.get_secret_value(), settings.mongodb_timeout_ms))
    if sys.platform != "win32":
        found.append(_embedded_status(_embedded_files(settings)))
    return found


def address_of(uri: str) -> str:
    """The hosts of a connection string, without credentials and parameters."""
    return uri.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


def _embedded_files(settings: Settings) -> ServerFiles:
    if sys.platform == "win32":
        raise ServerUnavailableError("Embedded servers need Linux or macOS.", "set MONGODB_URI to a server.")
    from atlas_pipeline.local.files import ServerFiles

    return ServerFiles(settings.state)


def _public(server: EmbeddedServer) -> MongoServer:
    return MongoServer(server.uri, "started" if server.started else "running", server.version, server.pid)


def _embedded_status(files: ServerFiles) -> ServerStatus:
    from atlas_pipeline.local import embedded

    state, server = embedded.look(files)
    return ServerStatus(
        name=_NAME,
        state=state,
        address=address_of(server.uri) if server else None,
        pid=server.pid if server else None,
        version=server.version if server else None,
        origin="embedded",
        data_folder=files.data,
    )


def _configured_status(uri: str, timeout_ms: int) -> ServerStatus:
    try:
        version = _configured(uri, timeout_ms).version
    except TargetUnavailableError:
        version = None
    return ServerStatus(
        name=_NAME,
        state="running" if version else "unreachable",
        address=address_of(uri),
        pid=None,
        version=version,
        origin="environment",
        data_folder=None,
    )


def _configured(uri: str, timeout_ms: int) -> MongoServer:
    """The server of MONGODB_URI, after it took the credentials and told its version."""
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
            version = str(client.server_info()["version"])
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
    return MongoServer(uri, "environment", version, None)

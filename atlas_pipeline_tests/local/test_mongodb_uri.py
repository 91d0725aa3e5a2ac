"""A server given by MONGODB_URI: it is used as it is, and its credentials are never shown."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.errors import ConfigurationError, TargetError, TargetUnavailableError
from atlas_pipeline.local.servers import MongoServer, mongodb, start, status
from atlas_pipeline.settings import Settings

PASSWORD = "pa55-marker"
USER = "atlas_uri_user"


@pytest.fixture
def address(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """Address of a server that knows USER with PASSWORD."""
    mongo_client.admin.command("createUser", USER, pwd=PASSWORD, roles=["readAnyDatabase"])
    yield mongo_server.address
    mongo_client.admin.command("dropUser", USER)


def test_the_configured_server_is_used_and_its_password_is_not_shown(
    make_settings: Callable[..., Settings], address: str
) -> None:
    settings = make_settings(MONGODB_URI=f"mongodb://{USER}:{PASSWORD}@{address}/?directConnection=true")
    with mongodb(settings) as server:
        assert (server.origin, server.pid, server.address) == ("environment", None, address)
        assert PASSWORD in server.uri
        assert PASSWORD not in repr(server)
    found = status(settings)
    assert [(one.name, one.origin, one.state, one.address) for one in found] == [
        ("MongoDB", "environment", "running", address),
        ("MongoDB", "embedded", "stopped", None),
        ("PostgreSQL", "embedded", "stopped", None),
    ]
    assert PASSWORD not in repr(found)
    assert not settings.state.exists()


def test_refused_credentials_are_named_without_the_password(
    make_settings: Callable[..., Settings], address: str
) -> None:
    settings = make_settings(MONGODB_URI=f"mongodb://{USER}:{PASSWORD}-not@{address}/?directConnection=true")
    with pytest.raises(TargetError, match=f"{address} refuses the credentials") as caught, mongodb(settings):
        pytest.fail("the password is wrong")
    assert PASSWORD not in str(caught.value)


@pytest.mark.timeout(20)  # the driver's own patience is 30 s
@pytest.mark.parametrize("listening", [False, True], ids=["nobody listens", "somebody listens and says nothing"])
def test_an_unreachable_server_is_named_by_host_and_port_in_time(
    make_settings: Callable[..., Settings], listening: bool
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = make_settings(MONGODB_URI=f"mongodb://{USER}:{PASSWORD}@{address}", ATLAS_MONGODB_TIMEOUT_MS=150)
        expected = pytest.raises(TargetUnavailableError, match=f"No MongoDB answers at {address}")
        with expected as caught, mongodb(settings):
            pytest.fail("there is no server")
        assert PASSWORD not in str(caught.value)
        assert status(settings)[0].state == "unreachable"


@pytest.mark.parametrize(
    "uri",
    [f"postgresql://{USER}:{PASSWORD}@host/db", f"mongodb://{USER}:{PASSWORD}@x@host", f"mongodb://u:{PASSWORD}/x@h"],
)
def test_a_malformed_connection_string_is_refused_without_quoting_it(
    make_settings: Callable[..., Settings], uri: str
) -> None:
    settings = make_settings(MONGODB_URI=uri)
    with pytest.raises(ConfigurationError, match="MONGODB_URI is no usable") as caught, mongodb(settings):
        pytest.fail("the string is malformed")
    assert PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__  # the driver's own text, which may quote it, is not printed either


def test_arguments_and_start_are_for_embedded_servers_only(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(DATABASE_URL="postgresql+psycopg://somebody@127.0.0.1:1/somewhere")
    with pytest.raises(ConfigurationError, match="MONGODB_URI"), mongodb(settings, extra_args=["--quiet"]):
        pytest.fail("a running server takes no arguments")
    with pytest.raises(ConfigurationError, match="MONGODB_URI and DATABASE_URL are set"):
        start(settings)
    assert not settings.state.exists()

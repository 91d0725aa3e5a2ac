"""A marker stands in every secret of the sample; it must be in the target's collections and nowhere else.

The runs below reject rows that hold secrets, and fail in ways in which server and driver quote whole documents.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DIFFERENCES, EXIT_DONE
from atlas_pipeline.local.files import ServerFiles
from atlas_pipeline.local.sample.generate import write_dirty_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.sample.world import SECRET_MARKER
from atlas_pipeline_tests.commands.cli import Said
from atlas_pipeline_tests.commands.tool import CATALOG, Client, Tool, server_in

# Collection -> field, for every secret column; its rows in the dirty sample are bad in the secret itself, or beside it.
SECRETS = {
    "users": "password_hash",
    "user_api_keys": "secret",
    "global_api_keys": "secret",
    "secrets": "encrypted_value",
    "puppet_configs": "remote_url",
    "bot_webhook_configs": "webhook_secret",
}
SOURCES = {name: name for name in SECRETS} | {"secrets": "secure_settings"}


def spellings() -> set[bytes]:
    """The marker as it is, in hexadecimal, and in base64 at each of its three alignments."""
    marker = SECRET_MARKER.encode()
    aligned = (base64.b64encode(b"\0" * shift + marker)[4 if shift else 0 : -4] for shift in range(3))
    return {marker, marker.hex().encode(), SECRET_MARKER.encode("utf-16-le"), *aligned}


SPELLINGS = spellings()


def holds_marker(data: bytes) -> bool:
    return any(spelling in data for spelling in SPELLINGS)


def leaking_files(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and holds_marker(path.read_bytes())]


def leaking_collections(database: Database[dict[str, Any]]) -> list[str]:
    return [name for name in sorted(database.list_collection_names()) if any(map(holds_marker, raw(database, name)))]


def raw(database: Database[dict[str, Any]], collection: str) -> Iterator[bytes]:
    batches: Any = database[collection].find_raw_batches({})
    yield from batches


@dataclass(frozen=True)
class Aftermath:
    """What is there after all commands have run.

    Attributes:
        log: The server's log.
        said: What each command said, by its arguments.
    """

    tool: Tool
    client: Client
    log: Path
    said: dict[tuple[str, ...], Said]


def tables(*names: str) -> tuple[str, ...]:
    return tuple(word for name in names for word in ("--table", name))


REJECTING = ("sync", *tables(*SECRETS))
FAILING = ("sync", "--json", "--mode", "reload", *tables("users", "user_api_keys"))
FOREIGN = ("sync", *tables("global_api_keys"))
WITHOUT_COLUMN = ("sync", *tables("bot_webhook_configs"))


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("secrets")
    source, server = folder / "source" / "dirty.sqlite3", folder / "server"
    write_dirty_sample(source, size=SampleSize.default().scaled(0.0005))
    with server_in(server) as uri, MongoClient[dict[str, Any]](uri) as client:
        tool = Tool(state=folder / "state", source=source, uri=uri)
        said = {REJECTING: tool.run(*REJECTING)}
        entries = {entry["table"]: entry for entry in rejected_for_their_secret(client)}
        looks: list[tuple[str, ...]] = [
            ("status",),
            ("status", "--json"),
            ("doctor",),
            ("doctor", "--json"),
            ("quarantine", "list", CATALOG),
            ("quarantine", "list", CATALOG, "--json"),
            ("quarantine", "show", entries["users"]["_id"]),
            *(("quarantine", "show", entry["_id"], "--json") for entry in entries.values()),
        ]
        said |= {words: tool.run(*words) for words in looks}
        provoke_failures_while_loading(client, source)
        said[FAILING] = tool.run(*FAILING)
        provoke_refusals_before_loading(client, source)
        refused = (FOREIGN, WITHOUT_COLUMN, ("doctor", "--json"))
        said |= {words: tool.run(*words) for words in refused}
        yield Aftermath(tool, client, ServerFiles(server).log, said)


def rejected_for_their_secret(client: Client) -> list[dict[str, Any]]:
    entries = client.atlas_pipeline.quarantine.find({"column": {"$in": list(SECRETS.values())}})
    return sorted(entries, key=lambda entry: str(entry["_id"]))


def provoke_failures_while_loading(client: Client, source: Path) -> None:
    """A validator that no user passes, whose refusal quotes the password hash; and a unique index that two tokens
    break, whose refusal quotes the token.
    """
    client.atlas.command(
        "collMod", "users", validator={"$jsonSchema": {"properties": {"password_hash": {"maxLength": 3}}}}
    )
    client.atlas.user_api_keys.create_index("secret", unique=True, name="token_once")
    with closing(sqlite3.connect(source)) as database, database:
        (token,) = database.execute("SELECT secret FROM user_api_keys WHERE typeof(secret) = 'text' LIMIT 1").fetchone()
        database.execute("UPDATE user_api_keys SET secret = ? WHERE typeof(secret) = 'text'", (token,))


def provoke_refusals_before_loading(client: Client, source: Path) -> None:
    """A foreign document with a token, and a table without one of its columns."""
    client.atlas.global_api_keys.insert_one(
        {"_id": "stranger", "provider": "stranger", "secret": SECRET_MARKER}, bypass_document_validation=True
    )
    with closing(sqlite3.connect(source)) as database, database:
        database.execute("ALTER TABLE bot_webhook_configs DROP COLUMN bot_token_secret")


# --- the scan finds what is there ------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", SECRETS)
def test_the_scan_finds_the_marker_in_the_source_and_in_the_collection(aftermath: Aftermath, collection: str) -> None:
    with closing(sqlite3.connect(aftermath.tool.source)) as database:
        database.text_factory = bytes
        rows = database.execute(f"SELECT * FROM {SOURCES[collection]}").fetchall()
    assert any(holds_marker(value) for row in rows for value in row if isinstance(value, bytes))
    assert collection in leaking_collections(aftermath.client.atlas)


def test_the_scan_finds_the_marker_in_the_bytes_of_a_file_however_it_is_written(tmp_path: Path) -> None:
    assert len(SPELLINGS) == 6
    for shift in range(3):
        text = b"x" * shift + SECRET_MARKER.encode() + b"tail"
        (tmp_path / f"base64-{shift}").write_bytes(base64.b64encode(text))
        (tmp_path / f"plain-{shift}").write_bytes(b"\xff" + text)
    (tmp_path / "hexadecimal").write_text(f"0x{SECRET_MARKER.encode().hex()}", encoding="utf-8")
    (tmp_path / "clean").write_bytes(SECRET_MARKER[:-1].encode())
    assert len(leaking_files(tmp_path)) == 7


def test_the_source_file_holds_the_marker(aftermath: Aftermath) -> None:
    assert str(aftermath.tool.source) in leaking_files(aftermath.tool.source.parent)


# --- the runs went the way that the scan is about --------------------------------------------------------------------


def test_rows_with_a_bad_secret_are_in_quarantine(aftermath: Aftermath) -> None:
    assert aftermath.said[REJECTING].code == EXIT_DIFFERENCES
    entries = rejected_for_their_secret(aftermath.client)
    assert {entry["collection"] for entry in entries} == set(SECRETS)
    for entry in entries:
        assert entry["row"][SECRETS[entry["collection"]]] == {"left_out": "secret"}
    for arguments, said in aftermath.said.items():
        if arguments[0] in ("status", "quarantine"):
            assert said.code == EXIT_DONE, said.err


def test_the_provoked_failures_happened_where_documents_are_quoted(aftermath: Aftermath) -> None:
    failing = aftermath.said[FAILING]
    assert failing.code == EXIT_CANNOT, failing.err
    problems = dict(problem.split(": ", 1) for problem in failing.json["problems"])
    assert "would shrink" in problems[f"{CATALOG}__users"]
    assert "token_once" in problems[f"{CATALOG}__user_api_keys"]
    assert {each["status"] for each in failing.json["tables"]} == {"failed"}


def test_the_refusals_name_the_foreign_document_and_the_missing_column(aftermath: Aftermath) -> None:
    foreign, schema = aftermath.said[FOREIGN], aftermath.said[WITHOUT_COLUMN]
    assert foreign.code == schema.code == EXIT_CANNOT
    assert "'stranger'" in foreign.err
    assert "bot_webhook_configs" in schema.err
    assert "bot_token_secret" in schema.err


# --- and the marker is nowhere ---------------------------------------------------------------------------------------


def test_no_command_says_a_secret(aftermath: Aftermath) -> None:
    assert len(aftermath.said) >= 16
    assert [arguments for arguments, said in aftermath.said.items() if holds_marker(said.text.encode())] == []


def test_no_file_of_the_state_folder_holds_a_secret(aftermath: Aftermath) -> None:
    state = aftermath.tool.state
    for kept in ("dagster_home/history", "reports", "data_docs", "validations"):
        assert any(path.is_file() and path.stat().st_size for path in (state / kept).rglob("*")), kept
    assert leaking_files(state) == []


def test_neither_ledger_nor_quarantine_holds_a_secret(aftermath: Aftermath) -> None:
    pipeline = aftermath.client.atlas_pipeline
    assert {"tables", "runs", "ranges", "quarantine"} <= set(pipeline.list_collection_names())
    assert all(pipeline[name].count_documents({}) for name in ("tables", "runs", "ranges", "quarantine"))
    assert leaking_collections(pipeline) == []


def test_the_log_of_the_server_holds_no_secret_though_somebody_put_a_unique_index_on_one(aftermath: Aftermath) -> None:
    lines = aftermath.log.read_bytes().splitlines()
    assert any(b"token_once" in line for line in lines)  # the index itself is logged, so the log is the right one
    assert [line for line in lines if holds_marker(line)] == []

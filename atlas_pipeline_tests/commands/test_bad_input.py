"""What an operator can get wrong: each ends with exit code 2 and a clear error, and changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from atlas_pipeline.local import mongod
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.commands.cli import Said
from atlas_pipeline_tests.commands.in_process import run
from atlas_pipeline_tests.load.small import digest

PASSWORD = "pass-word-that-nobody-may-see"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A command that cannot be done.

    Attributes:
        words: What the error must say, the thing and the cure.
        arguments: The command line.
        source: Name of the source file, or a whole URL.
        env: Further variables.
    """

    words: tuple[str, ...]
    arguments: tuple[str, ...] = ("sync", "--table", "foreman_configs")
    source: str = "good.sqlite3"
    env: Mapping[str, str] = field(default_factory=dict)


MISTAKES: dict[str, Mistake] = {
    "missing file": Mistake(source="nowhere.sqlite3", words=("nowhere.sqlite3", "does not exist", "check the path")),
    "folder": Mistake(source="folder", words=("/folder", "not a file", "check the path")),
    "not SQLite": Mistake(source="text.sqlite3", words=("text.sqlite3", "not an SQLite database", "SQLite 3 file")),
    "encrypted": Mistake(source="random.sqlite3", words=("random.sqlite3", "encrypted", "unencrypted")),
    "damaged": Mistake(source="damaged.sqlite3", words=("damaged.sqlite3", "damaged", "integrity_check")),
    "empty file": Mistake(source="empty.sqlite3", words=("Table foreman_configs is missing", "no tables at all")),
    "missing table": Mistake(
        source="no_table.sqlite3", words=("Table foreman_configs is missing", "did you mean 'foreman_config'")
    ),
    "missing column": Mistake(
        source="no_column.sqlite3",
        words=("Table foreman_configs lacks column username", "Source:", "user_name", "schema"),
    ),
    "locked": Mistake(
        source="locked.sqlite3",
        env={"ATLAS_SOURCE_TIMEOUT_SECONDS": "0.5"},
        words=("locked.sqlite3", "locked by another program", "wait longer"),
    ),
    "other dialect": Mistake(
        source=f"postgresql://atlas:{PASSWORD}@db.example.org/atlas", words=("postgresql", "ATLAS_DB_URL", "sqlite:///")
    ),
    "no URL": Mistake(source=f"not a url {PASSWORD}", words=("ATLAS_DB_URL is not a database URL", "sqlite:///")),
    "no number": Mistake(
        env={"ATLAS_SOURCE_TIMEOUT_SECONDS": "soon"}, words=("ATLAS_SOURCE_TIMEOUT_SECONDS", "number", "unset")
    ),
    "unreachable": Mistake(
        env={
            "MONGODB_URI": f"mongodb://operator:{PASSWORD}@127.0.0.1:{mongod.free_port()}/",
            "ATLAS_MONGODB_TIMEOUT_MS": "500",
        },
        words=("No MongoDB answers at 127.0.0.1:", "500 ms", "check MONGODB_URI"),
    ),
    "no connection string": Mistake(
        env={"MONGODB_URI": f"mongo//operator:{PASSWORD}@host"}, words=("MONGODB_URI", "mongodb://")
    ),
    "view": Mistake(arguments=("sync", "--table", "users"), words=("atlas.users is a view", "rename or drop it")),
    "time series": Mistake(
        arguments=("sync", "--table", "chat_messages"), words=("atlas.chat_messages is a timeseries", "rename or drop")
    ),
    "foreign documents": Mistake(
        arguments=("sync", "--table", "foreman_configs", "--table", "vcenter_configs"),
        words=(
            "atlas.vcenter_configs holds 3 foreign documents",
            "'made-by-the-application'",
            "ObjectId('507f1f77bcf86cd799439011')",
            "7",
            "foreign_documents is 'refuse'",
        ),
    ),
    "unknown catalog": Mistake(
        arguments=("sync", "infrastructure_atlass"), words=("no catalog 'infrastructure_atlass'", "did you mean")
    ),
    "unknown table": Mistake(
        arguments=("sync", "--table", "forman_configs"),
        words=("no table 'forman_configs'", "did you mean 'foreman_configs'"),
    ),
    "unknown quarantine entry": Mistake(
        arguments=("quarantine", "show", "infrastructure_atlas.users:none:1"),
        words=("no quarantine entry", "quarantine list"),
    ),
}


def _spoil_sources(folder: Path, good: Path) -> None:
    shutil.copy(good, folder / "good.sqlite3")
    (folder / "folder").mkdir()
    (folder / "text.sqlite3").write_text("These are no tables.\n" * 500, encoding="utf-8")
    (folder / "random.sqlite3").write_bytes(os.urandom(8_192))
    (folder / "empty.sqlite3").touch()
    content = bytearray(good.read_bytes())
    content[100:4_096] = bytes(3_996)  # the page of the schema, behind a header that is right
    (folder / "damaged.sqlite3").write_bytes(content)
    for name, change in {
        "no_table": "ALTER TABLE foreman_configs RENAME TO foreman_config",
        "no_column": "ALTER TABLE foreman_configs RENAME COLUMN username TO user_name",
        "locked": "PRAGMA journal_mode = DELETE",
    }.items():
        path = folder / f"{name}.sqlite3"
        shutil.copy(good, path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(change)


def _spoil_target(client: MongoClient[dict[str, Any]]) -> None:
    client["atlas"].create_collection("users", viewOn="people", pipeline=[])
    client["atlas"].create_collection("chat_messages", timeseries={"timeField": "at"})
    strange = ("made-by-the-application", ObjectId("507f1f77bcf86cd799439011"), 7)
    client["atlas"]["vcenter_configs"].insert_many(
        [{"_id": identifier} for identifier in strange], bypass_document_validation=True
    )
    client["atlas"]["foreman_configs"].create_index("name", name="made_by_the_application")


def _whole(client: MongoClient[dict[str, Any]]) -> dict[str, str]:
    """Everything that the server holds, by collection."""
    return {
        f"{database}.{name}": digest(client[database], name)
        for database in ("atlas", "atlas_pipeline")
        for name in client[database].list_collection_names()
        if not name.startswith("system.")
    }


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of all mistakes, tried one after the other.

    Attributes:
        said: What each command said.
        before: What the server held before.
        after: What it held after.
        left: Files in the state folders.
    """

    said: Mapping[str, Said]
    before: Mapping[str, str]
    after: Mapping[str, str]
    left: tuple[str, ...]


@pytest.fixture(scope="module")
def tried(
    empty_target: MongoClient[dict[str, Any]],
    mongo_server: MongoServer,
    sample: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Tried:
    """Every mistake, made with `--json` and without a terminal."""
    folder = tmp_path_factory.mktemp("bad_input")
    _spoil_sources(folder, sample)
    _spoil_target(empty_target)
    before = _whole(empty_target)

    def attempt(name: str) -> Said:
        mistake = MISTAKES[name]
        url = (
            f"sqlite:///{folder / mistake.source}" if mistake.source.endswith(("sqlite3", "folder")) else mistake.source
        )
        env = {
            "ATLAS_STATE_DIR": folder / "state" / name.replace(" ", "_"),
            "ATLAS_DB_URL": url,
            "MONGODB_URI": mongo_server.uri,
            **mistake.env,
        }
        return run(*mistake.arguments, "--json", env=env)

    with closing(sqlite3.connect(folder / "locked.sqlite3", isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        said = {name: attempt(name) for name in MISTAKES}
    left = tuple(sorted(str(path) for path in (folder / "state").rglob("*") if path.is_file()))
    return Tried(said=said, before=before, after=_whole(empty_target), left=left)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_with_exit_code_2_and_says_what_is_wrong_and_what_to_do(tried: Tried, name: str) -> None:
    said = tried.said[name]
    assert said.code == 2, said
    assert [word for word in MISTAKES[name].words if word not in said.err] == []
    assert "Traceback" not in said.text
    assert PASSWORD not in said.text


@pytest.mark.parametrize("name", MISTAKES)
def test_with_json_standard_output_holds_the_error_as_one_value(tried: Tried, name: str) -> None:
    said = tried.said[name]
    assert said.json["ok"] is False
    assert said.json["error"] in said.err
    assert said.json["cure"] in said.err
    assert said.json["cure"]


def test_no_mistake_changes_anything_on_the_server(tried: Tried) -> None:
    assert tried.after == tried.before
    assert "atlas.vcenter_configs" in tried.before
    assert not any(name.startswith("atlas_pipeline.") for name in tried.after)


def test_no_mistake_leaves_a_copy_of_the_source_or_starts_a_server(tried: Tried) -> None:
    assert [path for path in tried.left if "sqlite3" in path or "mongodb" in path] == []

"""PostgreSQL sources that refuse, lack something or go away: exit code 2, table and cure, nothing live touched."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psutil
import psycopg
import pytest
from pymongo import MongoClient
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from atlas_pipeline.cli import app
from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.servers import MongoServer, PostgresServer
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.commands.in_process import run
from atlas_pipeline_tests.load.faults import PausedInserts
from atlas_pipeline_tests.load.small import digest
from atlas_pipeline_tests.postgres import empty_database, running_server
from atlas_pipeline_tests.waiting import wait_until

Client = MongoClient[dict[str, Any]]
READER, PASSWORD = "sparse_reader", "pass-word-that-nobody-may-see"
COLLECTIONS = ("templates", "transaction_scores", "audit_log")
SIZE = replace(PlatformSize.small(), scores_per_investigation=20_000)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What is wrong with a source.

    Attributes:
        words: What the error must say, the thing and the cure.
        statements: What is done to the database beforehand, and undone after.
        undo: The statements that undo it.
        change: Makes another URL of the good one.
    """

    words: tuple[str, ...]
    statements: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    change: Callable[[str], str] = field(default=lambda url: url)


def _as(**parts: Any) -> Callable[[str], str]:
    return lambda url: make_url(url).set(**parts).render_as_string(hide_password=False)


MISTAKES = {
    "wrong password": Mistake(change=_as(password=PASSWORD), words=("refuses the connection", "password", "correct")),
    "missing database": Mistake(change=_as(database="nowhere"), words=("no such database", "DATABASE_URL")),
    "unreachable server": Mistake(change=_as(port=1), words=("cannot be reached", "DATABASE_URL")),
    "another dialect": Mistake(change=lambda _: "sqlite:////tmp/a.sqlite3", words=("DATABASE_URL", "postgresql")),
    "no URL": Mistake(change=lambda _: f"postgresql://reader:{PASSWORD}", words=("DATABASE_URL", "postgresql")),
    "missing table": Mistake(
        statements=("ALTER TABLE investigation_templates RENAME TO investigation_template",),
        undo=("ALTER TABLE investigation_template RENAME TO investigation_templates",),
        words=("Table investigation_templates is missing", "did you mean 'investigation_template'"),
    ),
    "missing column": Mistake(
        statements=("ALTER TABLE investigation_templates RENAME usage_count TO used",),
        undo=("ALTER TABLE investigation_templates RENAME used TO usage_count",),
        words=("investigation_templates", "lacks column usage_count", "used"),
    ),
    "column of another type": Mistake(
        statements=("ALTER TABLE transaction_scores ALTER risk_score TYPE TEXT",),
        undo=("ALTER TABLE transaction_scores ALTER risk_score TYPE DOUBLE PRECISION USING risk_score::float8",),
        words=("transaction_scores", "risk_score", "TEXT", "double"),
    ),
    "unknown type": Mistake(
        statements=(
            "CREATE TYPE odd",
            "CREATE FUNCTION odd_in(cstring) RETURNS odd AS 'textin' LANGUAGE internal IMMUTABLE STRICT",
            "CREATE FUNCTION odd_out(odd) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT",
            "CREATE TYPE odd (input = odd_in, output = odd_out, like = text)",
            "ALTER TABLE investigation_templates ADD odd odd, DROP description",
            "ALTER TABLE investigation_templates RENAME odd TO description",
        ),
        undo=(
            "ALTER TABLE investigation_templates DROP description, ADD description TEXT",
            "DROP TYPE odd CASCADE",
        ),
        words=("investigation_templates", "description", "ODD"),
    ),
    "permission missing on one table": Mistake(
        statements=(
            f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}",
            f"REVOKE SELECT ON transaction_scores FROM {READER}",
        ),
        undo=(f"DROP OWNED BY {READER}", f"DROP ROLE {READER}"),
        change=_as(username=READER, password=PASSWORD),
        words=("Table transaction_scores", "permission denied", "GRANT SELECT"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A good source, synced once.

    Attributes:
        url: The source.
        env: Environment of the tool, with that source.
        client: A client of the target.
        before: Digest of each collection.
    """

    url: str
    env: dict[str, str]
    client: Client
    before: dict[str, str]


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    mongo_server: MongoServer,
    empty_target: Client,
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("platform")
    with empty_database(postgres_server) as url:
        write_platform_sample(url, size=SIZE, hard=False)
        env = {"DATABASE_URL": url, "MONGODB_URI": mongo_server.uri, "ATLAS_STATE_DIR": str(folder)}
        tables = (word for name in COLLECTIONS for word in ("--table", name))
        said = run("sync", "investigation_platform", *tables, env=env)
        assert said.code == 0, said
        yield Place(url=url, env=env, client=empty_target, before=_digests(empty_target))


def _digests(client: Client) -> dict[str, str]:
    """Of each collection; the staging of a failed run stays for a look."""
    names = client["olorin"].list_collection_names()
    return {name: digest(client["olorin"], name) for name in sorted(names) if "__staging_" not in name}


def _execute(url: str, statements: tuple[str, ...]) -> None:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_source_is_refused_with_its_cure_before_anything_is_touched(
    place: Place, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake = MISTAKES[name]
    for variable, value in {**place.env, "DATABASE_URL": mistake.change(place.url)}.items():
        monkeypatch.setenv(variable, value)
    _execute(place.url, mistake.statements)
    try:
        words = [word for one in ("templates", "transaction_scores") for word in ("--table", one)]
        said = CliRunner().invoke(app, ["sync", "investigation_platform", *words])
    finally:
        _execute(place.url, mistake.undo)
    assert said.exit_code == 2, said.output
    assert [word for word in mistake.words if word not in said.output] == []
    assert "Cure:" in said.output
    assert PASSWORD not in said.output
    assert str(make_url(place.url).password) not in said.output
    assert "Traceback" not in said.output
    assert _digests(place.client) == place.before


def test_the_doctor_names_the_table_that_it_may_not_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake = MISTAKES["permission missing on one table"]
    for variable, value in {**place.env, "DATABASE_URL": mistake.change(place.url)}.items():
        monkeypatch.setenv(variable, value)
    _execute(place.url, mistake.statements)
    try:
        said = CliRunner().invoke(app, ["doctor", "investigation_platform", "--json"])
    finally:
        _execute(place.url, mistake.undo)
    assert said.exit_code == 2, said.output
    found = json.loads(said.stdout)
    wrong = {one["subject"]: one["cure"] for one in found["findings"] if one["state"] == "wrong"}
    assert found["ok"] is False
    assert all("transaction_scores" in subject for subject in wrong)
    assert "GRANT SELECT" in wrong["rows of transaction_scores"]


def test_the_doctor_looks_at_storage_indexes_and_latency_of_what_was_synced(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in place.env.items():
        monkeypatch.setenv(variable, value)
    said = CliRunner().invoke(app, ["doctor", "investigation_platform", "--json"])
    assert said.exit_code == 0, said.output
    found = {one["subject"]: one for one in json.loads(said.stdout)["findings"]}
    assert "seconds" in found["audit_log: storage"]["detail"]
    assert "metadata" in found["audit_log: storage"]["detail"]
    for name in COLLECTIONS:
        assert found[f"{name}: indexes"]["state"] == "ok"
        assert "one document in" in found[f"{name}: latency"]["detail"]
    assert found["detectors: collection"]["detail"] == "not synced yet"


def test_an_ordinary_collection_in_the_place_of_a_time_series_is_wrong_and_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in place.env.items():
        monkeypatch.setenv(variable, value)
    live = place.client["olorin"]["detection_runs"]
    live.insert_one({"_id": "of somebody else"}, bypass_document_validation=True)
    try:
        words = ["investigation_platform", "--table", "detection_runs"]
        doctor, sync = (CliRunner().invoke(app, [command, *words]) for command in ("doctor", "sync"))
        assert live.count_documents({}) == 1
    finally:
        live.drop()
    for said in (doctor, sync):
        assert said.exit_code == 2, said.output
        assert "detection_runs" in said.output
        assert "plain" in said.output


def test_a_source_that_stops_in_the_middle_of_a_load_leaves_the_live_collection_as_it_was(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_server(tmp_path_factory.mktemp("stopping")) as server:
        url = server.url("postgres")
        write_platform_sample(url, size=SIZE, hard=False)
        with (
            PausedInserts(place.client) as paused,
            cli.started(
                "sync",
                "investigation_platform",
                "--table",
                "transaction_scores",
                "--mode",
                "reload",
                env={**place.env, "DATABASE_URL": url},
            ) as process,
        ):
            paused.wait(process)
            os.kill(server.pid, signal.SIGQUIT)  # at once, without a word to its clients
            wait_until(lambda: not psutil.pid_exists(server.pid), "the end of the source's server")
            paused.go_on()
            said = cli.ended(process)
    assert said.code == 2, said
    assert "went away while Table transaction_scores was read" in said.err
    assert "Traceback" not in said.text
    assert _digests(place.client) == place.before

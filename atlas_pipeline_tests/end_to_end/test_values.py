"""All 18 tables of the sample become the documents that a second, plain mapping gives, byte by byte."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.load import indexes
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.sample.generate import DirtyFacts, write_dirty_sample, write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile.keys import compare_keys
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.shorthand import double, integer, text, unique
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.catalogs.facts_infrastructure_atlas import FACTS
from atlas_pipeline_tests.plain_mapping import plain_documents

SMALL = SampleSize.default().scaled(0.02)
RAW = CodecOptions[RawBSONDocument](document_class=RawBSONDocument)
COLLECTIONS = list(FACTS)


@dataclass(frozen=True)
class Loaded:
    """A source file and the databases that hold what was made of it."""

    path: Path
    rows: Mapping[str, int]
    database: Database[dict[str, Any]]
    pipeline: Database[dict[str, Any]]
    facts: Mapping[str, LoadFacts]

    def raw(self, collection: str) -> dict[bytes, bytes]:
        """Encoded `_id` -> encoded document, as the server holds them."""
        found: Any = self.database.get_collection(collection, codec_options=RAW).find({})
        return {bson.encode({"": document["_id"]}): document.raw for document in found}


@contextmanager
def loaded(uri: str, catalog: CatalogSpec, path: Path, rows: Mapping[str, int]) -> Iterator[Loaded]:
    """Load every table of a catalog into databases of its own."""
    catalog = replace(catalog, database=f"values_{uuid.uuid4().hex[:12]}")
    source = SqliteSource(f"sqlite:///{path}", variable="ATLAS_DB_URL", copies=path.parent.parent / "copies")
    run = RunIdentity(run_id=uuid.uuid4().hex, holder=Holder.this_process())
    facts = {}
    with Target(uri) as target:
        database = target.database(catalog)
        try:
            with source.snapshot() as snapshot:
                for table in catalog.tables:
                    with Reload(target=target, catalog=catalog, table=table, snapshot=snapshot, run=run) as reload:
                        reload.copy()
                        reload.build()
                        compared = compare_keys(snapshot, table, reload.staging, reload.quarantine, comment=run.run_id)
                        assert (compared.missing, compared.extra) == (0, 0)
                        reload.publish()
                    indexes.ensure(database[table.collection], table.indexes, comment=run.run_id)
                    facts[table.collection] = reload.facts
            yield Loaded(path, rows, database, target.pipeline_database(catalog), facts)
        finally:
            target.client.drop_database(catalog.database)
            target.client.drop_database(catalog.pipeline_database)


@pytest.fixture(scope="module")
def clean(mongo_server: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    path = tmp_path_factory.mktemp("clean") / "source" / "sample.sqlite3"
    facts = write_sample(path, size=SMALL)
    with loaded(mongo_server.uri, INFRASTRUCTURE_ATLAS, path, facts.rows) as made:
        yield made


@pytest.fixture(scope="module")
def dirty(mongo_server: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Loaded, DirtyFacts]]:
    path = tmp_path_factory.mktemp("dirty") / "source" / "sample.sqlite3"
    facts = write_dirty_sample(path, size=SMALL)
    with loaded(mongo_server.uri, INFRASTRUCTURE_ATLAS, path, facts.rows) as made:
        yield made, facts


def expected_documents(path: Path, collection: str) -> dict[bytes, bytes]:
    """Encoded `_id` -> encoded document, by the plain mapping."""
    with closing(sqlite3.connect(path)) as database:
        documents = list(plain_documents(database, collection))
    return {bson.encode({"": document["_id"]}): bson.encode(document) for document in documents}


def keys_that_differ(expected: dict[bytes, bytes], found: dict[bytes, bytes]) -> list[Any]:
    different = {key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)}
    return [bson.decode(key)[""] for key in sorted(different)]


# --- the clean sample ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_document_is_the_one_of_the_plain_mapping(clean: Loaded, collection: str) -> None:
    expected = expected_documents(clean.path, collection)
    assert len(expected) == clean.rows[FACTS[collection]["source"]] > 0
    assert keys_that_differ(expected, clean.raw(collection)) == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_counts_are_exact(clean: Loaded, collection: str) -> None:
    facts = clean.facts[collection]
    with closing(sqlite3.connect(clean.path)) as database:
        (rows,) = database.execute(f"SELECT count(*) FROM {FACTS[collection]['source']}").fetchone()
    assert rows == clean.rows[FACTS[collection]["source"]] == clean.database[collection].count_documents({})
    assert (facts.source_rows, facts.read, facts.loaded) == (rows, rows, rows)
    assert (facts.quarantined, facts.kept_foreign, facts.duplicate_keys) == (0, 0, 0)
    assert facts.bytes_sent == sum(map(len, clean.raw(collection).values()))


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_index_is_there_with_its_options_and_no_other(clean: Loaded, collection: str) -> None:
    found = {}
    for index in clean.database[collection].list_indexes():
        options = {name: value for name, value in index.items() if name not in ("v", "key", "name")}
        found[index["name"]] = (list(index["key"].items()), options)
    expected = {name: (keys, options) for name, keys, options in FACTS[collection]["indexes"]}
    assert found == {"_id_": ([("_id", 1)], {}), **expected}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_the_server_finds_no_value_of_another_type(clean: Loaded, collection: str) -> None:
    fields = FACTS[collection]["fields"]
    types = {f"t{number}": {"$addToSet": {"$type": f"${field}"}} for number, (field, _) in enumerate(fields)}
    (found,) = clean.database[collection].aggregate([{"$group": {"_id": None, **types}}])
    for number, (_, kind) in enumerate(fields):
        allowed = {"long" if name == "int64" else name for name in kind.replace("int", "int|int64").split("|")}
        assert set(found[f"t{number}"]) - allowed == set()
        assert found[f"t{number}"]


def test_nothing_but_the_collections_is_left_in_the_database(clean: Loaded) -> None:
    assert set(clean.database.list_collection_names()) == set(COLLECTIONS)


def test_a_number_that_was_a_users_id_refers_to_that_user(clean: Loaded) -> None:
    usage, users = clean.database["playground_usage"], clean.database["users"]
    for user in ("0042", "1024"):
        assert users.count_documents({"_id": user}) == 1
        assert usage.count_documents({"user_id": user}) > 0
    assert usage.count_documents({"user_id": {"$type": "number"}}) == 0


def test_dates_that_lost_their_microseconds_are_counted(clean: Loaded) -> None:
    """A date that ends in three digits other than 000 loses them; no other does."""
    for collection in COLLECTIONS:
        source = FACTS[collection]["source"]
        expected = {}
        with closing(sqlite3.connect(clean.path)) as database:
            for column, declared in FACTS[collection]["declared"]:
                cut = f"length({column}) = 26 AND {column} NOT LIKE '%000'"
                (rows,) = database.execute(f"SELECT count(*) FROM {source} WHERE {cut}").fetchone()
                if declared == "DATETIME" and rows:
                    expected[column] = rows
        assert clean.facts[collection].truncated == expected
    assert clean.facts["chat_messages"].truncated["created_at"] > 100


# --- the dirty sample ------------------------------------------------------------------------------------------------


def test_every_bad_row_is_in_quarantine_once(dirty: tuple[Loaded, DirtyFacts]) -> None:
    made, facts = dirty
    entries = made.pipeline["quarantine"].find()
    found = sorted((entry["table"], str(entry["key"]), entry["code"], entry["column"]) for entry in entries)
    expected = sorted((bad.table, str([bad.key]), bad.code, bad.column) for bad in facts.bad_rows)
    assert found == expected
    assert sum(each.quarantined for each in made.facts.values()) == len(facts.bad_rows)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_good_row_is_loaded_although_others_are_not(
    clean: Loaded, dirty: tuple[Loaded, DirtyFacts], collection: str
) -> None:
    """The dirty sample is the clean one and its bad rows, so the documents are those of the clean one."""
    assert keys_that_differ(expected_documents(clean.path, collection), dirty[0].raw(collection)) == []


# --- a composite key -------------------------------------------------------------------------------------------------

MEMBERS = TableSpec(
    source="members",
    collection="memberships",
    key=("team", "account"),
    columns=(
        text("note", 80, nullable=True),
        text("account", 36, field="accountId"),
        double("share"),
        integer("team"),
    ),
    indexes=(unique("idx_note_unique", "note", "share"),),
)
SMALL_CATALOG = CatalogSpec(
    name="small", dialect="sqlite", source_variable="SMALL_DB_URL", database="small", tables=(MEMBERS,)
)


def test_a_table_with_a_composite_key_goes_all_the_way(mongo_server: MongoServer, tmp_path: Path) -> None:
    path = tmp_path / "source" / "small.sqlite3"
    path.parent.mkdir()
    rows = [(n % 7 + (n % 2) * 2**40, f"é-{n}" if n % 3 else f"𠮷-{n}", f"n{n}", n / 8) for n in range(4_500)]
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE members (team INTEGER, account TEXT, note TEXT, share FLOAT)")
        database.executemany("INSERT INTO members VALUES (?, ?, ?, ?)", rows)
        database.execute("INSERT INTO members VALUES (7, 'bad text', CAST(x'636166e9' AS TEXT), 0.5)")
        database.execute("INSERT INTO members VALUES (?, ?, 'has a key that another row has', 0.25)", rows[5][:2])
        database.execute("INSERT INTO members VALUES (2000000000000, 'same note', 'n6', 0.75)")
    expected = {
        bson.encode({"": {"team": team, "accountId": account}}): bson.encode(
            {"_id": {"team": team, "accountId": account}, "note": note, "share": share}
        )
        for team, account, note, share in rows
    }
    assert len(expected) == len(rows)
    with loaded(mongo_server.uri, SMALL_CATALOG, path, {"members": len(rows) + 3}) as made:
        assert keys_that_differ(expected, made.raw("memberships")) == []
        facts = made.facts["memberships"]
        assert (facts.source_rows, facts.loaded, facts.quarantined, facts.duplicate_keys) == (4_503, 4_500, 3, 2)
        entries = made.pipeline["quarantine"].find().sort("code", 1)
        assert [(entry["key"], entry["code"], entry["column"]) for entry in entries] == [
            (list(rows[5][:2]), "duplicate_value", "team, account"),
            ([2_000_000_000_000, "same note"], "duplicate_value", "note, share"),
            ([7, "bad text"], "not_utf8", "note"),
        ]
        assert made.database["memberships"].index_information()["idx_note_unique"]["unique"] is True


# --- the second mapping itself ---------------------------------------------------------------------------------------


def test_the_plain_mapping_shares_no_code_with_the_pipeline() -> None:
    script = (
        "import sys, atlas_pipeline_tests.plain_mapping\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'atlas_pipeline'])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"

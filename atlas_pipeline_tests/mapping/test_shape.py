"""Documents that are not rows: durations, translations, joins, tenants, first choices, and where each field stands."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import CodecOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.mapping.lookups import read_lookups
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.catalogs import CatalogSpec, TenantRule
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.document import FieldSpec
from atlas_pipeline.spec.expressions import FirstOf, Tail
from atlas_pipeline.spec.shapes import (
    constant,
    copied,
    duration,
    field,
    lookup,
    moved,
    tenant,
    translated,
    unpacked,
)
from atlas_pipeline.spec.shorthand import integer, json_array, json_object, text, utc
from atlas_pipeline.spec.tables import TableSpec

AWARE = CodecOptions[dict[str, Any]](tz_aware=True)


def shaped(columns: tuple[ColumnSpec, ...], *document: FieldSpec) -> TableSpec:
    return TableSpec(source="t", collection="t", key=("id",), columns=(integer("id"), *columns), document=document)


def documents(mapped: MappedBatch) -> list[dict[str, Any]]:
    """The documents without their `_id`."""
    assert mapped.rejects == []
    decoded = [bson.decode(document, AWARE) for document in mapped.documents]
    return [{name: value for name, value in document.items() if name != "_id"} for document in decoded]


# --- where fields stand ----------------------------------------------------------------------------------------------


def test_fields_with_the_same_beginning_share_a_sub_document_that_stands_where_the_first_of_them_does() -> None:
    table = shaped(
        (text("a"), text("b")), field("x.one", "a"), field("y", "b"), field("x.deep.two", "b"), field("x.three", "a")
    )
    (made,) = documents(Mapper(table).map_batch([(1, "A", "B")]))
    assert list(made) == ["x", "y"]
    assert list(made["x"].items()) == [("one", "A"), ("deep", {"two": "B"}), ("three", "A")]
    assert table.fields == ("_id", "x.one", "y", "x.deep.two", "x.three")


def test_a_column_can_go_to_several_fields() -> None:
    table = shaped((utc("start"),), field("window.start", "start"), field("first_seen", "start"))
    (made,) = documents(Mapper(table).map_batch([(1, datetime(2025, 1, 1, tzinfo=UTC))]))
    assert made["window"]["start"] == made["first_seen"] == datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", ["word", 7, 0.5, True, None, [], {}, ["a"], {"k": [1]}])
def test_a_constant_is_in_every_document(value: Any) -> None:
    table = shaped((text("a"),), field("a"), field("always.there", constant(value)))
    for made in documents(Mapper(table).map_batch([(1, "x"), (2, "y")])):
        assert bson.encode(made["always"]) == bson.encode({"there": value})


# --- durations -------------------------------------------------------------------------------------------------------

WINDOWS = shaped(
    (utc("start", inexact="milliseconds"), utc("end", inexact="milliseconds", nullable=True), text("note")),
    field("start"),
    field("end"),
    field("note"),
    field("ms", duration("start", "end", unit="milliseconds")),
    field("minutes", duration("start", "end", unit="minutes")),
    field("hours", duration("start", "end", unit="hours")),
)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


@settings(max_examples=200, deadline=None)
@given(microseconds=st.integers(0, 10**14))
def test_durations_are_exact_to_the_unit_and_of_the_sources_own_precision(microseconds: int) -> None:
    row = (1, BEGIN, BEGIN + timedelta(microseconds=microseconds), "")
    (made,) = documents(Mapper(WINDOWS).map_batch([row]))
    assert made["ms"] == microseconds // 1000
    assert made["minutes"] == float(Fraction(microseconds, 60_000_000))
    assert made["hours"] == float(Fraction(microseconds, 3_600_000_000))
    assert (type(made["minutes"]), type(made["hours"])) == (float, float)


def test_a_duration_is_of_the_source_and_not_of_the_dates_that_lost_microseconds() -> None:
    row = (1, BEGIN.replace(microsecond=999), BEGIN.replace(microsecond=1_998), "")
    (made,) = documents(Mapper(WINDOWS).map_batch([row]))
    assert (made["end"] - made["start"], made["ms"]) == (timedelta(milliseconds=1), 0)


def test_moments_of_different_zones_are_compared_as_moments() -> None:
    row = (1, BEGIN, datetime.fromisoformat("2025-01-01T03:00:00+02:00"), "")
    (made,) = documents(Mapper(WINDOWS).map_batch([row]))
    assert (made["ms"], made["minutes"], made["hours"]) == (3_600_000, 60.0, 1.0)


def test_an_end_before_its_start_gives_null_and_is_counted_and_a_missing_end_gives_null_and_is_not() -> None:
    rows = [(1, BEGIN, BEGIN - timedelta(microseconds=1), ""), (2, BEGIN, None, ""), (3, BEGIN, BEGIN, "")]
    mapped = Mapper(WINDOWS).map_batch(rows)
    found = [(made["ms"], made["minutes"], made["hours"]) for made in documents(mapped)]
    assert found == [(None, None, None), (None, None, None), (0, 0.0, 0.0)]
    assert mapped.adjusted == {f"{name}: end before start, stored as null": 1 for name in ("ms", "minutes", "hours")}


def test_one_bad_row_changes_neither_the_bytes_nor_the_counts_of_the_others() -> None:
    good = [(n, BEGIN.replace(microsecond=n), BEGIN - timedelta(days=n), "") for n in range(1, 20)]
    mapper = Mapper(WINDOWS)
    alone, together = mapper.map_batch(good), mapper.map_batch([*good[:7], (99, BEGIN, None, 5), *good[7:]])
    assert together.documents == alone.documents
    assert together.adjusted == alone.adjusted == dict.fromkeys(alone.adjusted, 19)
    assert together.truncated == alone.truncated == {"start": 19}
    assert [(reject.key, reject.column, reject.code) for reject in together.rejects] == [
        ((99,), "note", RejectCode.NOT_TEXT)
    ]


# --- words of other places -------------------------------------------------------------------------------------------


def test_a_word_is_translated_and_an_unknown_one_stays_as_it_is() -> None:
    table = shaped((text("word", nullable=True),), field("new", translated("word", OLD="NEW")), field("word"))
    made = documents(Mapper(table).map_batch([(1, "OLD"), (2, "old"), (3, "OTHER"), (4, None), (5, "")]))
    assert [one["new"] for one in made] == ["NEW", "old", "OTHER", None, ""]
    assert [one["word"] for one in made] == ["OLD", "old", "OTHER", None, ""]


PETS = shaped(
    (text("owner", nullable=True),), field("owner"), field("meta.city", lookup("owner", "owners.city", key="name"))
)


@pytest.fixture
def pets(tmp_path: Path) -> SqliteSource:
    path = tmp_path / "source" / "pets.sqlite3"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE owners (name TEXT, city TEXT)")
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, owner TEXT)")
        database.executemany("INSERT INTO owners VALUES (?, ?)", [("ann", "Oslo"), ("bob", None), ("bob", None)])
    return SqliteSource(f"sqlite:///{path}", variable="PETS", copies=tmp_path / "copies")


def test_a_join_finds_the_text_of_the_other_row_or_null(pets: SqliteSource) -> None:
    with pets.snapshot() as snapshot:
        lookups = read_lookups(snapshot, PETS)
    made = documents(Mapper(PETS, lookups).map_batch([(1, "ann"), (2, "bob"), (3, "nobody"), (4, None), (5, "Ann")]))
    assert [one["meta"]["city"] for one in made] == ["Oslo", None, None, None, None]


def test_a_join_on_a_key_that_names_two_rows_with_different_values_is_refused(
    pets: SqliteSource, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "source" / "pets.sqlite3")) as database, database:
        database.execute("INSERT INTO owners VALUES ('ann', 'Bergen')")
    with pets.snapshot() as snapshot, pytest.raises(SourceError, match=r"owners.*same name differ in city") as caught:
        read_lookups(snapshot, PETS)
    assert "Bergen" not in str(caught.value)


# --- first choices ---------------------------------------------------------------------------------------------------

FIRST = unpacked("results", moved("risk", ValueType.DOUBLE), rest="more")
SECOND = unpacked(
    "progress",
    copied("risk", ValueType.DOUBLE, ("risk",)),
    copied("more", ValueType.JSON_OBJECT, ("more",), default={}),
    absent_when_bare=True,
)
CASES = shaped(
    (json_object("results", nullable=True), json_object("progress", nullable=True)),
    field("results", FirstOf((FIRST, SECOND))),
    field("progress", unpacked("progress", moved("phase", ValueType.TEXT, default=""), rest="more")),
)


@pytest.mark.parametrize(
    ("results", "progress", "expected"),
    [
        ('{"risk": 1, "k": 2}', '{"risk": 3}', {"risk": 1.0, "more": {"k": 2}}),
        ("{}", '{"risk": 3}', {"risk": None, "more": {}}),
        (None, '{"risk": 3}', {"risk": 3.0, "more": {}}),
        ("null", '{"risk": 3}', {"risk": 3.0, "more": {}}),
        (None, '{"risk": null}', None),
        (None, '{"risk": "high"}', None),
        (None, None, None),
    ],
)
def test_the_first_choice_that_is_there_is_taken(
    results: str | None, progress: str | None, expected: dict[str, Any] | None
) -> None:
    (made,) = documents(Mapper(CASES).map_batch([(1, results, progress)]))
    assert made["results"] == expected
    if progress is not None:
        assert made["progress"] == {"phase": "", "more": json.loads(progress)}


def test_a_value_that_fits_nowhere_refuses_its_row_and_names_its_column() -> None:
    parts = (copied("first", ValueType.TEXT, (0,)), copied("others", ValueType.JSON_ARRAY, (Tail(1),), default=[]))
    table = shaped((json_array("metrics"), text("name")), field("metrics", unpacked("metrics", *parts)), field("name"))
    mapped = Mapper(table).map_batch([(1, '["a"]', "x"), (2, "[5]", "y"), (3, "[]", "z")])
    assert mapped.ids == [1, 3]
    assert [(reject.key, reject.column, reject.code) for reject in mapped.rejects] == [
        ((2,), "metrics", RejectCode.JSON_SHAPE)
    ]


# --- tenants ---------------------------------------------------------------------------------------------------------


def test_the_tenant_of_a_table_is_its_column_or_the_default_of_the_catalog() -> None:
    document = (field("owner.tenant", tenant()), field("name"))
    with_column = TableSpec(
        source="a", collection="a", key=("id",), columns=(integer("id"), text("org"), text("name")), document=document
    )
    without = TableSpec(
        source="b", collection="b", key=("id",), columns=(integer("id"), text("name")), document=document
    )
    catalog = CatalogSpec(
        name="c",
        dialect="sqlite",
        source_variable="C",
        database="c",
        tables=(with_column, without),
        tenant=TenantRule(column="org", default="house"),
    )
    one, other = catalog.tables
    assert documents(Mapper(one).map_batch([(1, "acme", "n")])) == [{"owner": {"tenant": "acme"}, "name": "n"}]
    assert documents(Mapper(other).map_batch([(1, "n")])) == [{"owner": {"tenant": "house"}, "name": "n"}]

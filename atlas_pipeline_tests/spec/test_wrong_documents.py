"""A wrong shape of a document fails when it is written down, not at row ten million, and says where and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.expressions import Constant, FirstOf, Member
from atlas_pipeline.spec.shapes import copied, duration, field, fixed, lookup, moved, translated, unpacked, whole
from atlas_pipeline.spec.shorthand import by_keys, index, integer, json_array, json_object, json_value, text, utc
from atlas_pipeline.spec.storage import Embedding, VectorIndex
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.spec.event_tables import events, series

TEXT, OBJECT, ARRAY, ANY = ValueType.TEXT, ValueType.JSON_OBJECT, ValueType.JSON_ARRAY, ValueType.JSON
BY_END = SyncPolicy(mode="append", cursor=Cursor(column="end"))


def wrong(name: str, build: Callable[[], object], *named: str) -> Any:
    return pytest.param(build, named, id=name.replace(" ", "-"))


def on(column: ColumnSpec, *sources: Any) -> Callable[[], TableSpec]:
    """A table in which each source makes a field from the column."""
    return lambda: events(*(field(f"f{n}", one) for n, one in enumerate(sources)), columns=(column,))


J, N = json_object("j"), text("name")


def embedded(dimensions: int, *columns: str) -> TableSpec:
    """Events with an embedding of these columns."""
    index = VectorIndex(name="v", similarity="cosine")
    return events(embedding=Embedding(dimensions=dimensions, columns=columns, index=index))


WRONG_FIELDS = [
    wrong("a path without name", lambda: events(field("a..b", "name"), columns=(N,)), "field a..b"),
    wrong("a path with a dollar", lambda: events(field("$a", "name"), columns=(N,)), "'$a'"),
    wrong("a field under the id", lambda: events(field("_id.x", "name"), columns=(N,)), "key="),
    wrong("a field twice", lambda: events(field("at"), columns=()), "field at"),
    wrong("a field in a value", lambda: events(field("at.x", "name"), columns=(N,)), "field at", "at.x"),
    wrong("an unknown column", lambda: events(field("seller")), "field seller", "id, at"),
    wrong("an index on a field that is not there", lambda: events(indexes=(by_keys("nothing"),)), "nothing"),
    wrong(
        "allowed words of a number", lambda: events(field("x", "n", allowed=("a",)), columns=(integer("n"),)), "field x"
    ),
]

WRONG_EXPRESSIONS = [
    wrong("a duration of texts", lambda: events(field("d", duration("name", "at", unit="hours")), field("name"),
        columns=(N,)), "field d", "name"),
    wrong("a unit that is none", lambda: events(field("d", duration("at", "at", unit="days"))), "field d", "days"),  # type: ignore[arg-type]
    wrong("a translated number", on(integer("n"), translated("n", a="b"), "n"), "field f0", "n"),
    wrong("a join on JSON", on(J, lookup("j", "other.city", key="id"), "j"), "field f0", "j"),
    wrong("a join of no column", on(N, lookup("name", "city", key="id"), "name"), "field f0"),
    wrong("a constant that is no JSON", on(N, Constant("{", TEXT), "name"), "field f0"),
    wrong("a constant of another kind", on(N, Constant("5", TEXT), "name"), "field f0"),
    wrong("no choice", on(N, FirstOf(()), "name"), "field f0"),
    wrong("choices of other fields", lambda: events(field("x", FirstOf((unpacked("a", whole("p", ANY)),
        unpacked("b", whole("q", ANY))))), columns=(json_value("a"), json_value("b"))), "field x"),
]  # fmt: skip

WRONG_SUB_DOCUMENTS = [
    wrong("a member twice", on(J, unpacked("j", fixed("a", 1), fixed("a", 2), rest="r")), "field f0", "twice"),
    wrong("a member named as the rest", on(J, unpacked("j", fixed("r", 1), rest="r")), "field f0", "twice"),
    wrong("a key that moves twice",
        on(J, unpacked("j", moved("a", TEXT, key="k"), moved("b", TEXT, key="k"), rest="r")), "field f0", "k"),
    wrong("a member moves and there is no rest", on(J, unpacked("j", moved("a", TEXT))), "f0.a", "rest="),
    wrong("bare with a rest", on(J, unpacked("j", fixed("a", 1), rest="r", absent_when_bare=True)), "field f0"),
    wrong("a member with a dot", on(J, unpacked("j", moved("a.b", TEXT), rest="r")), "field f0", "a.b"),
    wrong("a member with a dollar", on(J, unpacked("j", moved("$a", TEXT), rest="r")), "field f0", "$a"),
    wrong("a member without name", on(J, unpacked("j", moved("", TEXT), rest="r")), "field f0"),
    wrong("a member of no JSON kind", on(J, unpacked("j", moved("a", ValueType.DECIMAL), rest="r")), "f0.a", "decimal"),
    wrong("a member with a default that is no JSON",
        on(J, unpacked("j", Member(name="a", value=TEXT, default="{"), rest="r")), "f0.a"),
    wrong("a member with a default of another kind",
        on(J, unpacked("j", moved("a", ARRAY, default="x"), rest="r")), "f0.a"),
    wrong("a sub-document of text", on(N, unpacked("name", whole("all", TEXT))), "field f0", "name"),
    wrong("a rest of an array", on(json_array("j"), unpacked("j", rest="r")), "field f0", "j"),
    wrong("a rest of any JSON", on(json_value("j"), unpacked("j", rest="r")), "field f0", "j"),
    wrong("a whole that is narrower than its column",
        on(json_value("j"), unpacked("j", whole("all", OBJECT))), "f0.all"),
]  # fmt: skip

GOES_NOWHERE = [
    wrong("a column of no field", lambda: events(columns=(N,)), "column name"),
    wrong("a moment that only a duration reads", lambda: events(field("d", duration("at", "end", unit="hours")),
        columns=(utc("end"),)), "column end"),
    wrong("a word that is only translated", on(N, translated("name", a="b", c="b")), "column name"),
    wrong("a value that is only joined by", on(N, lookup("name", "other.city", key="id")), "column name"),
    wrong("JSON of which some keys are copied", on(J, unpacked("j", copied("a", TEXT, ("a",)))), "column j"),
    wrong("JSON of which nothing is taken", on(J, unpacked("j", fixed("a", 1))), "column j"),
    wrong("an array of which the first is taken",
        on(json_array("j"), unpacked("j", copied("a", TEXT, (0,)))), "column j"),
    wrong("the second of two choices", lambda: events(field("x", FirstOf((unpacked("a", whole("p", ANY)),
        unpacked("b", whole("p", ANY))))), columns=(json_value("a"), json_value("b"))), "column b"),
]  # fmt: skip

WRONG_STORAGE = [
    wrong("a time series without options", lambda: events(storage="time_series"), "time_series="),
    wrong("an unknown storage", lambda: events(storage="capped"), "'capped'"),
    wrong("a time that may be null", lambda: series(time="end"), "time field end"),
    wrong("a time that is no moment", lambda: series(time="meta.id"), "time field meta.id"),
    wrong("a time that is not there", lambda: series(time="when"), "time field when"),
    wrong("a meta field that is not there", lambda: series(meta="tags"), "tags"),
    wrong("a meta field that is the time", lambda: series(meta="at"), "at"),
    wrong("a unique index on a time series", lambda: series(indexes=(by_keys("meta.id", unique=True),)), "meta.id_1"),
    wrong("a sparse index on a time series", lambda: series(indexes=(index("s", "meta.id", sparse=True),)), "index s"),
    wrong("an embedding on a time series", lambda: series(embedding=embedded(3, "id").embedding), "embedding"),
    wrong("foreign documents of a time series", lambda: series(sync=SyncPolicy(foreign_documents="keep")), "foreign"),
    wrong("a cursor that is not the time", lambda: series(sync=BY_END), "cursor end", "its time, at"),
    wrong("an embedding of nothing", lambda: embedded(3), "column"),
    wrong("an embedding of no dimension", lambda: embedded(0, "id"), "0 dimensions"),
    wrong("an embedding of an unknown column", lambda: embedded(3, "x"), "column x"),
]  # fmt: skip

WRONG_COLUMNS = [
    wrong("empty is null on text", on(replace(N, empty_is_null=True), "name"), "column name"),
    wrong("dates on text", on(replace(N, dates=("at",)), "name"), "column name"),
    wrong("an optional column that must be there", on(replace(N, optional=True), "name"), "column name", "nullable"),
    wrong("a default that is no JSON", on(replace(N, nullable=True, default="{"), "name"), "column name"),
    wrong("a default of another kind", on(integer("n", nullable=True, default='"x"'), "n"), "column n"),
    wrong("items of a text", on(replace(N, items=TEXT), "name"), "column name", "items="),
    wrong("an array without items", on(replace(N, value=ValueType.ARRAY), "name"), "column name", "items="),
]


@pytest.mark.parametrize(
    ("build", "named"),
    [*WRONG_FIELDS, *WRONG_EXPRESSIONS, *WRONG_SUB_DOCUMENTS, *GOES_NOWHERE, *WRONG_STORAGE, *WRONG_COLUMNS],
)
def test_a_wrong_document_is_refused_with_its_table_what_is_wrong_and_the_cure(
    build: Callable[[], object], named: tuple[str, ...]
) -> None:
    with pytest.raises(SpecError) as caught:
        build()
    assert "Table events" in str(caught.value)
    assert [name for name in named if name not in str(caught.value)] == []
    assert caught.value.cure

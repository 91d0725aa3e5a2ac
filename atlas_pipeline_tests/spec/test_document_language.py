"""The language in which documents are shaped: a wrong spec fails when it is made, and a right one tells its leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.errors import SpecError
from atlas_pipeline.mapping.contract import json_schema
from atlas_pipeline.spec.catalogs import CatalogSpec, TenantRule
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.document import Leaf
from atlas_pipeline.spec.expressions import Constant, Tail, Unpacked
from atlas_pipeline.spec.shapes import (
    constant,
    copied,
    duration,
    field,
    fixed,
    moved,
    tenant,
    translated,
    unpacked,
    whole,
)
from atlas_pipeline.spec.shorthand import (
    by_keys,
    json_array,
    json_object,
    text,
    text_list,
    utc,
)
from atlas_pipeline.spec.storage import VectorIndex
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.spec.event_tables import events, series

TEXT, OBJECT, ARRAY = ValueType.TEXT, ValueType.JSON_OBJECT, ValueType.JSON_ARRAY
INDEX = VectorIndex(name="v", similarity="cosine")
EVERY_TABLE = [
    pytest.param(table, id=f"{catalog.name}-{table.collection}")
    for catalog in CATALOGS.values()
    for table in catalog.tables
]


# --- tenants ---------------------------------------------------------------------------------------------------------


def catalog(*tables: TableSpec, **changes: Any) -> CatalogSpec:
    return CatalogSpec(name="c", dialect="postgresql", source_variable="C", database="c", tables=tables, **changes)


def test_a_catalog_without_rule_refuses_a_table_that_has_a_tenant() -> None:
    with pytest.raises(SpecError, match="events has a tenant, and there is no rule") as caught:
        catalog(events(field("org", tenant())))
    assert caught.value.cure == "give tenant="


def test_one_rule_gives_each_table_its_tenant_and_the_checks_that_waited_for_it_are_made_then() -> None:
    rule = TenantRule(column="org", default="house")
    with_column = events(field("owner", tenant()), columns=(text("org"),), indexes=(by_keys("owner"),))
    (made,) = catalog(with_column, tenant=rule).tables
    assert not made.has_tenant
    assert [(leaf.path, leaf.origin) for leaf in made.leaves] == [("owner", "org"), ("at", "at")]
    (constant_one,) = catalog(events(field("owner", tenant())), tenant=rule).tables
    assert constant_one.leaves[0].origin == 'constant "house"'

    with pytest.raises(SpecError, match="field nothing"):
        catalog(events(field("owner", tenant()), indexes=(by_keys("nothing"),)), tenant=rule)
    with pytest.raises(SpecError, match="column name goes nowhere"):
        catalog(events(field("owner", tenant()), columns=(text("name"),)), tenant=rule)


# --- what is derived -------------------------------------------------------------------------------------------------


def test_the_leaves_say_where_they_come_from_and_what_may_be_there() -> None:
    table = events(
        field("d", duration("at", "end", unit="hours")),
        field("end"),
        field("word", translated("name", a="b"), allowed=("b",)),
        field("name"),
        field("j", unpacked("j", moved("n", ValueType.INTEGER, key="k", minimum=1), fixed("x", []), rest="more")),
        columns=(utc("end", nullable=True), text("name"), json_object("j", nullable=True, secret=True)),
    )
    found = {leaf.path: leaf for leaf in table.leaves}
    assert list(found) == ["d", "end", "word", "name", "j.n", "j.x", "j.more", "at"]
    assert found["d"] == Leaf(
        path="d",
        value=ValueType.DOUBLE,
        nullable=True,
        columns=("at", "end"),
        declared="DATETIME, DATETIME",
        origin="hours from at to end",
        minimum=0,
    )
    assert (found["word"].allowed, found["word"].origin) == (("b",), "name, translated")
    assert (found["j.n"].value, found["j.n"].nullable, found["j.n"].minimum) == (ValueType.INTEGER, True, 1)
    assert (found["j.n"].origin, found["j.more"].origin) == ("j: k", "the other keys of j")
    assert table.secret_paths == {"j.n", "j.x", "j.more"}
    assert not found["at"].nullable


def test_an_array_may_be_taken_apart_when_all_of_it_is_taken() -> None:
    parts = (copied("first", TEXT, (0,)), copied("others", ARRAY, (Tail(1),), default=[]))
    table = events(field("list", unpacked("j", *parts)), columns=(json_array("j"),))
    assert [leaf.path for leaf in table.leaves] == ["list.first", "list.others", "at"]


def test_one_word_makes_an_ordinary_collection_of_a_time_series() -> None:
    plain = replace(series(), storage="plain")
    assert plain.fields == series().fields
    assert plain.fingerprint != series().fingerprint


def test_the_fingerprint_changes_with_every_part_of_an_expression() -> None:
    def of(source: Unpacked | Constant) -> str:
        return events(field("j", source), field("kept", "j"), columns=(json_object("j"),)).fingerprint

    sources = [
        unpacked("j", moved("a", TEXT), rest="r"),
        unpacked("j", moved("a", TEXT, default=""), rest="r"),
        unpacked("j", moved("a", TEXT, key="b"), rest="r"),
        unpacked("j", moved("a", TEXT), rest="s"),
        unpacked("j", whole("a", OBJECT)),
        constant({}),
        constant([]),
    ]
    assert len({of(source) for source in sources}) == len(sources)


def test_texts_in_a_list_are_an_array() -> None:
    table = events(field("tags"), columns=(text_list("tags", nullable=True),))
    assert table.leaves[0].bson_types == ("array", "null")


# --- the contract ----------------------------------------------------------------------------------------------------

JSON_SCHEMA_TYPES = {
    ValueType.TEXT: "string",
    ValueType.INTEGER: "integer",
    ValueType.DOUBLE: "number",
    ValueType.BOOLEAN: "boolean",
    ValueType.DATETIME: "string",
    ValueType.TEXT_LIST: "array",
    ValueType.JSON_OBJECT: "object",
    ValueType.JSON_ARRAY: "array",
}


def _leaves(schema: dict[str, Any], node: dict[str, Any], path: str, *, null: bool) -> Iterator[tuple[str, Any, bool]]:
    """Path, type and whether null is legal of every leaf; every object with known fields is closed and complete."""
    forms = [
        schema["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in node.get("anyOf", [node])
    ]
    null = null or any(one.get("type") == "null" for one in forms)
    (form,) = [one for one in forms if one.get("type") != "null"]
    if "properties" not in form:
        yield path, form.get("type"), null
        return
    assert form["additionalProperties"] is False
    assert set(form["required"]) == set(form["properties"])
    for name, below in form["properties"].items():
        yield from _leaves(schema, below, f"{path}.{name}".lstrip("."), null=null)


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_contract_and_leaves_describe_the_same_documents(table: TableSpec) -> None:
    schema = json_schema(table)
    found = [leaf for leaf in _leaves(schema, schema, "", null=False) if leaf[0].split(".")[0] != "_id"]
    assert found == [(leaf.path, JSON_SCHEMA_TYPES.get(leaf.value), leaf.nullable) for leaf in table.leaves]

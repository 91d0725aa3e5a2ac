"""What loses something must be named in the spec, and what is named shows in everything that is derived from it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.errors import SpecError
from atlas_pipeline.quality.suites import suite
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import ColumnSpec, Inexact, ValueType
from atlas_pipeline.spec.shapes import duration, field, microseconds
from atlas_pipeline.spec.shorthand import decimal, integer, json_object, utc
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.spec.event_tables import events

LEGAL: dict[ValueType, set[str]] = {
    ValueType.DATETIME: {"refuse", "milliseconds", "microseconds", "text"},
    ValueType.DATE: {"refuse", "text"},
    ValueType.DECIMAL: {"refuse", "round", "text"},
    ValueType.JSON: {"refuse", "round"},
    ValueType.JSON_OBJECT: {"refuse", "round"},
    ValueType.JSON_ARRAY: {"refuse", "round"},
}


def flat(*columns: ColumnSpec) -> TableSpec:
    return TableSpec(source="t", collection="t", key=("id",), columns=(integer("id"), *columns))


def test_no_column_loses_anything_unless_it_says_so() -> None:
    assert ColumnSpec(name="a", sql_type="X", value=ValueType.DATETIME).inexact == "refuse"
    assert {column.inexact for column in (utc("a"), json_object("a"), decimal("a"))} == {"refuse"}


@pytest.mark.parametrize("policy", get_args(Inexact))
@pytest.mark.parametrize("value", [value for value in ValueType if value is not ValueType.ARRAY])
def test_a_column_takes_the_policies_of_its_type_and_no_others(value: ValueType, policy: Inexact) -> None:
    column = ColumnSpec(name="a", sql_type="X", value=value, inexact=policy)
    if policy in LEGAL.get(value, {"refuse"}):
        assert flat(column).column("a").inexact == policy
        return
    with pytest.raises(SpecError, match=f"Table t: column a: inexact='{policy}' on {value}") as caught:
        flat(column)
    assert "refuse" in caught.value.cure


@pytest.mark.parametrize("policy", get_args(Inexact))
def test_an_array_takes_the_policies_of_its_items_but_has_no_field_for_microseconds(policy: Inexact) -> None:
    column = ColumnSpec(name="a", sql_type="X", value=ValueType.ARRAY, items=ValueType.DATETIME, inexact=policy)
    if policy in {"refuse", "milliseconds", "text"}:
        assert flat(column).leaves[0].bson_types == ("array",)
    else:
        with pytest.raises(SpecError, match="on array of datetime"):
            flat(column)


def test_a_moment_that_keeps_its_microseconds_has_a_field_for_them_beside_it() -> None:
    table = flat(utc("at", nullable=True, inexact="microseconds", field="when"), integer("n"))
    assert table.fields == ("_id", "when", "when_us", "n")
    leaf = table.leaves[1]
    assert (leaf.value, leaf.nullable, leaf.minimum, leaf.maximum) == (ValueType.INTEGER, True, 0, 999)
    assert (leaf.columns, leaf.origin, leaf.bson_types) == (("at",), "at, microseconds", ("int", "long", "null"))
    assert not flat(utc("at", inexact="microseconds")).leaves[1].nullable


def test_the_field_of_microseconds_is_judged_as_every_other() -> None:
    table = flat(utc("at", inexact="microseconds"))
    catalog = CatalogSpec(name="c", dialect="sqlite", source_variable="C", database="c", tables=(table,))
    judged = [one for one in suite(catalog, table, "sample")["expectations"] if one["kwargs"]["column"] == "at_us"]
    assert [one["type"] for one in judged] == [
        "expect_column_values_to_have_bson_type",
        "expect_column_values_to_be_between",
    ]
    assert judged[1]["kwargs"] == {"column": "at_us", "min_value": 0, "max_value": 999}


def test_microseconds_of_a_secret_moment_are_secret() -> None:
    assert flat(utc("at", inexact="microseconds", secret=True)).secret_paths == {"at", "at_us"}


def test_a_shaped_document_names_the_field_of_microseconds_itself() -> None:
    start = utc("start", inexact="microseconds")
    table = events(field("w.from", "start"), field("w.rest", microseconds("start")), columns=(start,))
    assert table.fields == ("_id", "w.from", "w.rest", "at")
    with pytest.raises(SpecError, match=r"column start \(its microseconds\) goes nowhere"):
        events(field("start"), columns=(start,))


def test_microseconds_can_only_be_taken_of_a_column_that_keeps_them() -> None:
    with pytest.raises(SpecError, match="field us: column at does not keep its microseconds") as caught:
        events(field("us", microseconds("at")))
    assert "inexact=" in caught.value.cure


def test_a_field_that_is_taken_already_is_no_field_of_microseconds() -> None:
    with pytest.raises(SpecError, match="field at_us is listed twice"):
        flat(utc("at", inexact="microseconds"), integer("at_us"))


@pytest.mark.parametrize(
    ("column", "types"),
    [
        (utc("a", inexact="text"), ("date", "string")),
        (decimal("a", inexact="text"), ("decimal", "string")),
        (ColumnSpec(name="a", sql_type="DATE", value=ValueType.DATE, inexact="text", nullable=True),
         ("date", "string", "null")),
        (utc("a", inexact="milliseconds"), ("date",)),
        (decimal("a", inexact="round"), ("decimal",)),
    ],
)  # fmt: skip
def test_where_a_text_may_stand_it_is_a_legal_type(column: ColumnSpec, types: tuple[str, ...]) -> None:
    (leaf,) = flat(column).leaves
    assert column.bson_types == leaf.bson_types == types
    assert column.unbounded is ("string" in types)


def test_no_duration_is_made_of_moments_that_may_be_texts() -> None:
    end = utc("end", inexact="text")
    with pytest.raises(SpecError, match="field d cannot be made of column end, whose moments may be texts"):
        events(field("d", duration("at", "end", unit="hours")), field("end"), columns=(end,))


def test_the_fingerprint_changes_with_the_policy() -> None:
    policies: tuple[Inexact, ...] = ("refuse", "milliseconds", "microseconds", "text")
    assert len({flat(utc("a", inexact=policy)).fingerprint for policy in policies}) == 4


@pytest.mark.parametrize("name", CATALOGS)
def test_a_catalog_says_for_each_moment_what_becomes_of_its_microseconds(name: str) -> None:
    columns: list[Any] = [column for table in CATALOGS[name].tables for column in table.columns]
    assert {column.inexact for column in columns if column.value is ValueType.DATETIME} == {"milliseconds"}

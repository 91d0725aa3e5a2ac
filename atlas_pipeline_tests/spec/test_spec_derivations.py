"""What is derived from a right spec: fields, indexes, fingerprints; and the short forms that specs are written in."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import BSON_TYPES, ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import boolean, double, index, integer, json_array, json_object, text, unique, utc
from atlas_pipeline.spec.sync import ErrorBudget, SyncPolicy
from atlas_pipeline.spec.tables import TableSpec


def _orders(**changes: Any) -> TableSpec:
    values: dict[str, Any] = {
        "source": "orders",
        "collection": "orders",
        "key": ("id",),
        "columns": (text("id", 36), text("buyer", 80), integer("amount")),
    }
    return TableSpec(**(values | changes))


def test_every_value_type_has_bson_types() -> None:
    assert set(BSON_TYPES) == set(ValueType)
    assert all(BSON_TYPES.values())


@pytest.mark.parametrize(
    ("column", "sql_type", "value"),
    [
        (text("a", 36), "VARCHAR(36)", ValueType.TEXT),
        (text("a"), "TEXT", ValueType.TEXT),
        (text("a", sql_type="INTEGER"), "INTEGER", ValueType.TEXT),
        (integer("a"), "INTEGER", ValueType.INTEGER),
        (double("a"), "FLOAT", ValueType.DOUBLE),
        (boolean("a"), "BOOLEAN", ValueType.BOOLEAN),
        (utc("a"), "DATETIME", ValueType.DATETIME),
        (json_object("a"), "JSON", ValueType.JSON_OBJECT),
        (json_array("a", sql_type="TEXT"), "TEXT", ValueType.JSON_ARRAY),
    ],
)
def test_a_short_form_gives_the_declared_type_that_goes_with_the_value(
    column: ColumnSpec, sql_type: str, value: ValueType
) -> None:
    assert column == ColumnSpec(name="a", sql_type=sql_type, value=value)


def test_a_short_form_passes_every_option_on() -> None:
    options: dict[str, Any] = {
        "nullable": True,
        "field": "b",
        "secret": True,
        "about": "why",
        "allowed": ("x",),
        "restored_from": ("users", "id"),
    }
    assert text("a", 5, **options) == ColumnSpec(name="a", sql_type="VARCHAR(5)", value=ValueType.TEXT, **options)
    assert double("a", minimum=0.5).minimum == 0.5


def test_a_leading_minus_makes_an_index_key_descending() -> None:
    assert index("idx", "a", "-b").keys == (("a", 1), ("b", -1))
    assert unique("idx", "-a", "b").keys == (("a", -1), ("b", 1))


def test_index_options_are_only_those_that_are_set() -> None:
    assert index("idx", "a").options() == {}
    assert index("idx", "a", sparse=True).options() == {"sparse": True}
    assert unique("idx", "a").options() == {"unique": True}


def test_unique_indexes_and_those_that_ask_for_it_are_built_on_staging() -> None:
    assert unique("idx", "a").built_on_staging
    assert dataclasses.replace(index("idx", "a"), before_publish=True).built_on_staging
    assert not index("idx", "a").built_on_staging


def test_the_length_of_a_text_is_the_declared_one() -> None:
    assert text("a", 36).max_length == 36
    assert text("a").max_length is None
    assert integer("a", sql_type="NUMBER(9)").max_length is None


@pytest.mark.parametrize(
    ("column", "unbounded"),
    [
        (text("a"), True),
        (text("a", 36), False),
        (json_object("a"), True),
        (json_array("a"), True),
        (ColumnSpec(name="a", sql_type="JSON", value=ValueType.JSON), True),
        (integer("a"), False),
        (double("a"), False),
        (boolean("a"), False),
        (utc("a"), False),
    ],
)
def test_texts_without_a_length_and_json_are_unbounded(column: ColumnSpec, unbounded: bool) -> None:
    assert column.unbounded is unbounded


def test_null_is_a_legal_type_only_where_the_column_is_nullable() -> None:
    assert integer("a").bson_types == ("int", "long")
    assert integer("a", nullable=True).bson_types == ("int", "long", "null")


def test_the_key_becomes_the_id_and_leaves_the_body() -> None:
    table = _orders()
    assert table.fields == ("_id", "buyer", "amount")
    assert [leaf.path for leaf in table.leaves] == ["buyer", "amount"]
    assert [column.name for column in table.key_columns] == ["id"]
    assert table.column_names == ("id", "buyer", "amount")


def test_a_kept_key_stays_a_field_and_can_be_indexed() -> None:
    table = _orders(keep_key=True, indexes=(unique("idx_id", "id"),))
    assert table.fields == ("_id", "id", "buyer", "amount")


def test_a_compound_key_keeps_its_own_order() -> None:
    table = _orders(key=("amount", "id"))
    assert [column.name for column in table.key_columns] == ["amount", "id"]
    assert table.fields == ("_id", "buyer")


def test_secret_fields_are_named_as_the_document_names_them() -> None:
    table = _orders(columns=(text("id"), text("buyer"), text("card", secret=True, field="card_number")))
    assert table.secret_paths == {"card_number"}


def test_an_unknown_column_is_answered_with_those_there_are() -> None:
    assert _orders().column("amount").value is ValueType.INTEGER
    with pytest.raises(SpecError, match="Table orders: a caller names column price") as caught:
        _orders().column("price")
    assert "id, buyer, amount" in caught.value.cure


@pytest.mark.parametrize(
    "change",
    [
        {"collection": "sales"},
        {"keep_key": True},
        {"columns": (text("id", 36), text("buyer", 81), integer("amount"))},
        {"columns": (text("id", 36), text("buyer", 80, nullable=True), integer("amount"))},
        {"indexes": (index("idx_buyer", "buyer"),)},
        {"sync": SyncPolicy(foreign_documents="keep")},
        {"sync": SyncPolicy(error_budget=ErrorBudget(rows=1))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_changes_with_the_spec_and_only_with_it(change: dict[str, Any]) -> None:
    used = _orders()
    assert used.fields
    assert used.fingerprint == _orders().fingerprint
    assert _orders(**change).fingerprint != used.fingerprint


def test_a_spec_cannot_be_changed_once_made() -> None:
    for spec, name in ((_orders(), "source"), (text("a"), "name"), (index("idx", "a"), "name"), (SyncPolicy(), "mode")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(spec, name, "other")


@pytest.mark.parametrize(
    ("budget", "quarantined", "source_rows", "exceeded"),
    [
        (ErrorBudget(), 0, 100, False),
        (ErrorBudget(), 1, 100, True),
        (ErrorBudget(rows=5), 5, 100, False),
        (ErrorBudget(rows=5), 6, 100, True),
        (ErrorBudget(rows=5, percent=2), 2, 100, False),
        (ErrorBudget(rows=5, percent=2), 3, 100, True),
        (ErrorBudget(rows=5, percent=0), 0, 0, False),
    ],
)
def test_an_error_budget_holds_only_within_both_bounds(
    budget: ErrorBudget, quarantined: int, source_rows: int, exceeded: bool
) -> None:
    assert budget.exceeded(quarantined=quarantined, source_rows=source_rows) is exceeded


def test_a_catalog_keeps_its_own_records_in_a_database_beside_the_target_and_names_what_it_leaves() -> None:
    catalog = CatalogSpec(
        name="shop",
        dialect="sqlite",
        source_variable="SHOP_DB_URL",
        database="shop",
        tables=(_orders(collection="sales"),),
        bookkeeping=("migrations",),
    )
    assert catalog.pipeline_database == "shop_pipeline"
    assert catalog.left_alone(["orders", "migrations", "views", "baskets"]) == ("baskets", "views")
    assert catalog.left_alone(["sales"]) == ("sales",)  # a collection's name does not claim a source table
    assert catalog.table("sales") is catalog.table("orders")

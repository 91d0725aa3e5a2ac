"""A wrong spec fails when it is made, that is at import, and says where it is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import KEY_TYPES, ColumnSpec, ValueType
from atlas_pipeline.spec.indexes import IndexSpec
from atlas_pipeline.spec.shorthand import double, index, integer, text, unique, utc
from atlas_pipeline.spec.sync import ErrorBudget, SyncPolicy
from atlas_pipeline.spec.tables import Reference, TableSpec


def _orders(**changes: Any) -> TableSpec:
    values: dict[str, Any] = {
        "source": "orders",
        "collection": "orders",
        "key": ("id",),
        "columns": (text("id", 36), text("buyer", 80), integer("amount")),
    }
    return TableSpec(**(values | changes))


def _shop(*tables: TableSpec) -> CatalogSpec:
    return CatalogSpec(name="shop", dialect="sqlite", source_variable="SHOP_DB_URL", database="shop", tables=tables)


def _wrong(build: Callable[[], object], *named: str, cure: str) -> Any:
    return pytest.param(build, named, cure, id=" ".join((*named, cure)).replace(" ", "-"))


def _wrong_column(column: ColumnSpec, *named: str, cure: str) -> Any:
    return _wrong(lambda: _orders(columns=(text("id"), column)), "Table orders", *named, cure=cure)


def _wrong_index(spec: IndexSpec, *named: str, cure: str) -> Any:
    return _wrong(lambda: _orders(indexes=(spec,)), "Table orders", *named, cure=cure)


WRONG_COLUMNS = [
    _wrong_column(text(""), "no name", cure="name it as the source does"),
    _wrong_column(text("buyer", field="a.b"), "column buyer", "'a.b'", cure="field="),
    _wrong_column(text("buyer", field="$buyer"), "column buyer", "'$buyer'", cure="field="),
    _wrong_column(text("buyer", field="a\0b"), "column buyer", r"'a\x00b'", cure="field="),
    _wrong_column(text("some.column"), "column some.column", cure="field="),
    _wrong_column(ColumnSpec(name="buyer", sql_type="", value=ValueType.TEXT), "column buyer", cure="declared type"),
    _wrong_column(
        ColumnSpec(name="amount", sql_type="INTEGER", value=ValueType.INTEGER, allowed=("1",)),
        "column amount",
        "integer",
        cure="text columns only",
    ),
    _wrong_column(text("pin", secret=True, allowed=("1",)), "column pin", "secret", cure="drop allowed="),
    _wrong_column(
        ColumnSpec(name="buyer", sql_type="TEXT", value=ValueType.TEXT, minimum=0),
        "column buyer",
        "text",
        cure="numbers only",
    ),
    _wrong_column(
        ColumnSpec(name="amount", sql_type="INTEGER", value=ValueType.INTEGER, restored_from=("users", "id")),
        "column amount",
        "integer",
        cure="texts only",
    ),
]

WRONG_INDEXES = [
    _wrong_index(index("", "buyer"), "''", cure="name of its own"),
    _wrong_index(index("_id_", "buyer"), "'_id_'", cure="name of its own"),
    _wrong_index(index("idx_none"), "index idx_none", cure="(field, direction)"),
    _wrong_index(IndexSpec(name="idx_buyer", keys=(("buyer", 2),)), "index idx_buyer", "2 of buyer", cure="1 or -1"),
    _wrong_index(index("idx_buyer", "buyer", "-buyer"), "index idx_buyer", "twice", cure="each field once"),
]

WRONG_TABLES = [
    _wrong(lambda: _orders(source=""), "Table ?", cure="name both"),
    _wrong(lambda: _orders(collection=""), "Table orders", cure="name both"),
    _wrong(lambda: _orders(collection="a$b"), "Table orders", "'a$b'", cure="another name"),
    _wrong(lambda: _orders(collection="system.views"), "Table orders", "'system.views'", cure="another name"),
    _wrong(lambda: _orders(collection="orders__staging_1"), "orders", "'orders__staging_1'", cure="another name"),
    _wrong(
        lambda: _orders(columns=(text("id"), text("buyer"), text("buyer"))),
        "Table orders",
        "column buyer",
        cure="remove or rename",
    ),
    _wrong(
        lambda: _orders(columns=(text("id"), text("buyer"), text("customer", field="buyer"))),
        "Table orders",
        "field buyer",
        cure="remove or rename",
    ),
    _wrong(
        lambda: _orders(indexes=(index("idx_a", "buyer"), index("idx_a", "amount"))),
        "Table orders",
        "index idx_a",
        cure="remove or rename",
    ),
    _wrong(
        lambda: _orders(indexes=(index("idx_a", "seller"),)),
        "Table orders",
        "index idx_a",
        "field seller",
        cure="_id, buyer, amount",
    ),
    _wrong(  # the key column is stored as _id alone
        lambda: _orders(indexes=(index("idx_a", "id"),)),
        "Table orders",
        "index idx_a",
        "field id",
        cure="_id, buyer, amount",
    ),
    _wrong(
        lambda: _orders(indexes=(index("idx_a", "buyer"), index("idx_b", "buyer"))),
        "Table orders",
        "an index on (('buyer', 1),)",
        cure="remove or rename",
    ),
    _wrong(
        lambda: _orders(columns=(text("id"), text("pin", secret=True)), indexes=(unique("idx_pin", "pin"),)),
        "Table orders",
        "idx_pin",
        "secret field pin",
        cure="another field",
    ),
    _wrong(
        lambda: _orders(
            columns=(text("id"), text("pin", secret=True)), references=(Reference(column="pin", targets=(("a", "b"),)),)
        ),
        "Table orders",
        "secret column pin",
        cure="drop it",
    ),
    _wrong(
        lambda: _orders(references=(Reference(column="seller", targets=(("users", "id"),)),)),
        "Table orders",
        "reference",
        "column seller",
        cure="id, buyer, amount",
    ),
    _wrong(
        lambda: _orders(references=(Reference(column="buyer", targets=()),)),
        "Table orders",
        "buyer",
        "no target",
        cure="(table, column)",
    ),
    _wrong(lambda: _orders(key=()), "Table orders", "no key", cure="key="),
    _wrong(lambda: _orders(key=("number",)), "Table orders", "column number", cure="id, buyer, amount"),
    _wrong(
        lambda: _orders(columns=(double("id"),)),
        "Table orders",
        "key column id",
        "double",
        cure="integer or text",
    ),
    _wrong(
        lambda: _orders(columns=(text("id", nullable=True),)),
        "Table orders",
        "key column id",
        "nullable",
        cure="cannot be null",
    ),
    _wrong(
        lambda: _orders(columns=(text("id", secret=True),)),
        "Table orders",
        "key column id",
        "secret",
        cure="another key",
    ),
    _wrong(
        lambda: _orders(columns=(text("id"), text("buyer", field="_id"))),
        "Table orders",
        "_id",
        cure="rename the field",
    ),
]

WRONG_POLICIES = [
    _wrong(lambda: SyncPolicy(mode="copy"), "'copy'", cure="reload or"),  # type: ignore[arg-type]
    _wrong(lambda: SyncPolicy(foreign_documents="drop"), "'drop'", cure="refuse or keep"),  # type: ignore[arg-type]
    _wrong(lambda: ErrorBudget(rows=-1), "-1 rows", cure="rows >= 0"),
    _wrong(lambda: ErrorBudget(percent=100.5), "100.5 %", cure="0 to 100 %"),
    _wrong(lambda: ErrorBudget(percent=float("nan")), "nan %", cure="0 to 100 %"),
]

WRONG_CATALOGS = [
    _wrong(
        lambda: _shop(_orders(), _orders(collection="orders_again")),
        "Catalog shop",
        "source table orders",
        cure="remove one",
    ),
    _wrong(
        lambda: _shop(_orders(), _orders(source="old_orders")),
        "Catalog shop",
        "collection orders",
        cure="remove one",
    ),
    _wrong(
        lambda: _shop(
            _orders(), _orders(source="old_orders", collection="orders_2"), _orders(source="orders_2", collection="x")
        ),
        "Catalog shop",
        "orders_2",
        "old_orders",
        cure="another collection name",
    ),
    _wrong(
        lambda: _shop(_orders(references=(Reference(column="buyer", targets=(("orders", "number"),)),))),
        "Catalog shop",
        "orders.buyer",
        "orders.number",
        cure="id, buyer, amount",
    ),
    _wrong(
        lambda: _shop(_orders(columns=(text("id"), text("buyer", restored_from=("orders", "number"))))),
        "Catalog shop",
        "orders.buyer",
        "orders.number",
        cure="id, buyer",
    ),
]


def test_the_same_keys_with_other_options_are_another_index() -> None:
    assert len(_orders(indexes=(index("idx_a", "buyer"), unique("idx_b", "buyer"))).indexes) == 2


def test_references_to_tables_outside_the_catalog_and_to_the_own_table_are_legal() -> None:
    references = (
        Reference(column="buyer", targets=(("people", "anything"),)),
        Reference(column="amount", targets=(("orders", "id"),)),
    )
    assert _shop(_orders(references=references)).table("orders").references == references


@pytest.mark.parametrize(
    ("build", "named", "cure"), [*WRONG_COLUMNS, *WRONG_INDEXES, *WRONG_TABLES, *WRONG_POLICIES, *WRONG_CATALOGS]
)
def test_a_wrong_spec_fails_when_it_is_made_and_names_the_place_and_the_cure(
    build: Callable[[], object], named: tuple[str, ...], cure: str
) -> None:
    with pytest.raises(SpecError) as caught:
        build()
    for part in named:
        assert part in caught.value.message
    assert cure in caught.value.cure
    assert caught.value.exit_code == 2
    assert not caught.value.retryable


@pytest.mark.parametrize("value", [kind for kind in ValueType if kind not in KEY_TYPES])
def test_what_does_not_map_one_to_one_cannot_be_a_key(value: ValueType) -> None:
    items = ValueType.TEXT if value is ValueType.ARRAY else None
    with pytest.raises(SpecError, match=f"Table orders: key column id is {value},"):
        _orders(columns=(ColumnSpec(name="id", sql_type="X", value=value, items=items),))


@pytest.mark.parametrize(
    ("sql_type", "value"), [("TEXT", ValueType.UUID), ("VARCHAR(36)", ValueType.UUID), ("TEXT", ValueType.DECIMAL)]
)
def test_a_key_that_sqlite_keeps_as_several_texts_of_one_value_is_refused(sql_type: str, value: ValueType) -> None:
    table = _orders(columns=(ColumnSpec(name="id", sql_type=sql_type, value=value),), indexes=(), references=())
    with pytest.raises(SpecError, match=f"orders.id: several texts in SQLite are one {value}"):
        CatalogSpec(name="shop", dialect="sqlite", source_variable="X", database="shop", tables=(table,))
    CatalogSpec(name="shop", dialect="postgresql", source_variable="X", database="shop", tables=(table,))


@pytest.mark.parametrize("column", [text("changed"), utc("changed", secret=True)], ids=["a text", "a secret"])
def test_the_change_cursor_is_a_moment_that_may_be_shown(column: ColumnSpec) -> None:
    with pytest.raises(SpecError, match="changed_at=changed"):
        _orders(columns=(text("id"), column), changed_at="changed", indexes=(), references=())

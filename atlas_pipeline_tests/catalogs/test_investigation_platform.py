"""The catalog of the investigation platform says what the facts say: shapes, documents, indexes, storage, tenants."""

from __future__ import annotations

import pytest

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.catalogs.registry import find_catalog
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.document import Leaf
from atlas_pipeline.spec.expressions import Constant, FromColumn
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.catalogs.facts_investigation_platform import (
    ALLOWED,
    BOUNDS,
    FACTS,
    NOT_MADE,
    REFERENCES,
    SECRETS,
    TIME_SERIES,
    VECTOR,
    WITH_TENANT_COLUMN,
)

NAMES = {
    ("string",): "string",
    ("int", "long"): "int",
    ("double",): "double",
    ("bool",): "bool",
    ("date",): "date",
    ("object",): "object",
    ("array",): "array",
    ("object", "array", "string", "int", "long", "double", "bool"): "any",
}
LEAVES = [(table.collection, leaf) for table in INVESTIGATION_PLATFORM.tables for leaf in table.leaves]

each_collection = pytest.mark.parametrize("collection", FACTS)


def _table(collection: str) -> TableSpec:
    return INVESTIGATION_PLATFORM.table(collection)


def _bson(leaf: Leaf) -> str:
    types = tuple(name for name in leaf.bson_types if name != "null")
    return NAMES[types] + ("|null" if "null" in leaf.bson_types else "")


def _server_name(keys: list[tuple[str, int]]) -> str:
    return "_".join(f"{field}_{way}" for field, way in keys)


def test_the_catalog_moves_ten_tables_with_enforced_references_first() -> None:
    assert [table.collection for table in INVESTIGATION_PLATFORM.tables] == list(FACTS)
    assert len(INVESTIGATION_PLATFORM.tables) == 10

    position = {table.source: place for place, table in enumerate(INVESTIGATION_PLATFORM.tables)}
    for table in INVESTIGATION_PLATFORM.tables:
        for reference in table.references:
            for target, _ in reference.targets:
                assert position[target] < position[table.source], f"{table.source} comes before {target}"


def test_the_catalog_says_where_it_reads_and_where_it_writes() -> None:
    assert find_catalog("investigation_platform") is INVESTIGATION_PLATFORM
    assert INVESTIGATION_PLATFORM.dialect == "postgresql"
    assert INVESTIGATION_PLATFORM.source_variable == "DATABASE_URL"
    assert INVESTIGATION_PLATFORM.database == "olorin"
    assert INVESTIGATION_PLATFORM.snapshot == "table"


@each_collection
def test_each_collection_has_its_source_table_with_the_columns_of_both_shapes(collection: str) -> None:
    table, facts = _table(collection), FACTS[collection]
    assert table.source == facts["source"]
    assert table.key == facts["key"]
    found = {column.name: set(column.declared) for column in table.columns}
    assert found == {name: {orm, sql} - {""} for name, orm, sql in facts["declared"]}
    assert {column.name for column in table.columns if column.optional} == {
        name for name, orm, sql in facts["declared"] if "" in (orm, sql)
    }


@each_collection
def test_each_document_has_its_fields_in_order_with_type_and_nullability(collection: str) -> None:
    table = _table(collection)
    kinds = {ValueType.TEXT: "string", ValueType.INTEGER: "int"}
    key = kinds[table.key_columns[0].value] if len(table.key) == 1 else "object"
    assert [("_id", key), *((leaf.path, _bson(leaf)) for leaf in table.leaves)] == FACTS[collection]["fields"]
    assert list(table.fields) == [field for field, _ in FACTS[collection]["fields"]]


@each_collection
def test_each_collection_has_its_indexes_with_the_names_keys_and_options_of_the_server(collection: str) -> None:
    found = {spec.name: (list(spec.keys), spec.options()) for spec in _table(collection).indexes}
    assert found == {_server_name(keys): (keys, options) for keys, options in FACTS[collection]["indexes"]}


@pytest.mark.parametrize(("collection", "keys", "options", "reason"), NOT_MADE)
def test_an_index_of_the_original_is_left_out_only_for_the_reason_given(
    collection: str, keys: list[tuple[str, int]], options: dict[str, bool], reason: str
) -> None:
    table, made = _table(collection), FACTS[collection]["indexes"]
    assert (keys, options) not in made
    if "time series" in reason:
        assert table.storage == "time_series"
        assert (keys, {}) in made
    elif "no document has" in reason:
        ((field, _),) = keys
        assert field not in table.fields
        assert ([(field.removeprefix("metadata."), 1)], {}) in made
    else:
        assert any(longer[: len(keys)] == keys and chosen.get("unique") for longer, chosen in made)


def test_each_plain_collection_has_its_business_key_unique() -> None:
    for table in INVESTIGATION_PLATFORM.tables:
        if table.storage == "plain":
            first = FACTS[table.collection]["fields"][1][0]
            assert any(index.unique and index.fields[0] == first for index in table.indexes), table.collection


def test_exactly_two_collections_are_time_series_with_their_options() -> None:
    found = {
        table.collection: table.time_series.options()
        for table in INVESTIGATION_PLATFORM.tables
        if table.time_series is not None and table.storage == "time_series"
    }
    assert found == TIME_SERIES


def test_exactly_the_anomalies_have_a_vector_made_and_searched_as_the_facts_say() -> None:
    embedded = {table.collection: table.embedding for table in INVESTIGATION_PLATFORM.tables if table.embedding}
    assert list(embedded) == [VECTOR["collection"]]
    embedding = embedded["anomaly_events"]
    assert (embedding.path, embedding.dimensions) == (VECTOR["path"], VECTOR["dimensions"])
    assert (embedding.columns, embedding.objects) == (VECTOR["text"], VECTOR["objects"])
    assert (embedding.index.name, embedding.index.similarity) == (VECTOR["name"], VECTOR["similarity"])
    assert set(embedding.index.filters) == VECTOR["filters"]
    assert set(embedding.index.filters) <= set(_table("anomaly_events").fields)


@each_collection
def test_the_tenant_is_the_column_where_there_is_one_and_else_default(collection: str) -> None:
    (source,) = (
        field.source for field in _table(collection).document if field.path in ("tenant_id", "metadata.tenant_id")
    )
    if collection in WITH_TENANT_COLUMN:
        assert source == FromColumn("tenant_id")
    else:
        assert source == Constant('"default"', ValueType.TEXT)


def test_references_are_those_of_the_facts() -> None:
    found = {
        (table.source, reference.column, " or ".join(map(".".join, reference.targets)), reference.enforced)
        for table in INVESTIGATION_PLATFORM.tables
        for reference in table.references
    }
    assert found == REFERENCES
    assert sum(len(table.references) for table in INVESTIGATION_PLATFORM.tables) == len(REFERENCES)


def test_exactly_the_ciphertexts_are_secret() -> None:
    assert {(collection, leaf.path) for collection, leaf in LEAVES if leaf.secret} == SECRETS


def test_only_closed_sets_restrict_the_values_of_a_field() -> None:
    assert {(collection, leaf.path): set(leaf.allowed) for collection, leaf in LEAVES if leaf.allowed} == ALLOWED


def test_numbers_have_the_bounds_that_the_facts_believe() -> None:
    found = {
        (collection, leaf.path): (leaf.minimum, leaf.maximum)
        for collection, leaf in LEAVES
        if (leaf.minimum, leaf.maximum) != (None, None)
    }
    assert found == BOUNDS


def test_a_word_of_the_source_that_is_translated_keeps_a_place_of_its_own() -> None:
    fields = {field.path: field.source for field in _table("audit_log").document}
    assert fields["original.action_type"] == FromColumn("action_type")
    assert fields["original.source"] == FromColumn("source")

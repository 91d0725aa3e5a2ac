"""The catalog of Infrastructure Atlas says what the facts say, column by column and index by index."""

from __future__ import annotations

import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.catalogs.registry import CATALOGS, find_catalog
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.catalogs.facts_infrastructure_atlas import BOOKKEEPING, FACTS, LEFT_ALONE

BSON_NAMES = {
    ("string",): "string",
    ("int", "long"): "int",
    ("double",): "double",
    ("bool",): "bool",
    ("date",): "date",
    ("object",): "object",
    ("array",): "array",
}

# collection, column, targets in the source, whether the source enforces it
REFERENCES = {
    ("users", "role", "role_permissions.role", False),
    ("user_api_keys", "user_id", "users.id", True),
    ("chat_sessions", "user_id", "users.id", True),
    ("chat_sessions", "agent_config_id", "ai_agent_configs.id", False),
    ("chat_messages", "session_id", "chat_sessions.id", True),
    ("vcenter_configs", "password_secret", "secure_settings.name", False),
    ("foreman_configs", "token_secret", "secure_settings.name", False),
    ("puppet_configs", "ssh_key_secret", "secure_settings.name", False),
    ("playground_sessions", "user_id", "users.id", True),
    ("playground_usage", "user_id", "users.id", True),
    ("playground_usage", "session_id", "playground_sessions.id", False),
    ("ai_activity_logs", "user_id", "users.id", False),
    ("ai_activity_logs", "session_id", "chat_sessions.session_id or playground_sessions.id", False),
    ("bot_platform_accounts", "user_id", "users.id", True),
    ("bot_conversations", "platform_account_id", "bot_platform_accounts.id", True),
    ("bot_conversations", "session_id", "playground_sessions.id", False),
    ("bot_messages", "conversation_id", "bot_conversations.id", True),
    ("bot_webhook_configs", "bot_token_secret", "secure_settings.name", False),
}

SECRETS = {
    ("users", "password_hash"),
    ("user_api_keys", "secret"),
    ("global_api_keys", "secret"),
    ("secure_settings", "encrypted_value"),
    ("bot_webhook_configs", "webhook_secret"),
    ("puppet_configs", "remote_url"),
}

CLIENTS = ("web", "telegram", "slack", "teams")
ALLOWED = {
    ("chat_messages", "role"): ("user", "assistant", "system", "tool"),
    ("playground_sessions", "client"): CLIENTS,
    ("playground_usage", "client"): CLIENTS,
    ("bot_platform_accounts", "platform"): CLIENTS[1:],
    ("bot_conversations", "platform"): CLIENTS[1:],
    ("bot_webhook_configs", "platform"): CLIENTS[1:],
    ("bot_messages", "direction"): ("inbound", "outbound"),
}

TOKEN_COUNTS = ("tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_total")
AT_LEAST_ZERO = {
    "playground_sessions": ("total_tokens", "total_cost_usd"),
    "playground_usage": ("input_tokens", "output_tokens", "total_tokens", "cost_usd", "duration_ms"),
    "ai_activity_logs": (
        *TOKEN_COUNTS,
        "cost_usd",
        "generation_time_ms",
        "time_to_first_token_ms",
        "tokens_per_second",
    ),
    "ai_model_configs": ("price_input_per_million", "price_output_per_million", "context_window"),
    "bot_messages": ("input_tokens", "output_tokens", "cost_usd", "duration_ms"),
}

each_collection = pytest.mark.parametrize("collection", FACTS)


def _table(collection: str) -> TableSpec:
    return INFRASTRUCTURE_ATLAS.table(collection)


def _bson(column: ColumnSpec) -> str:
    types = tuple(name for name in column.bson_types if name != "null")
    return BSON_NAMES[types] + ("|null" if "null" in column.bson_types else "")


def _every_column() -> list[tuple[str, ColumnSpec]]:
    return [(table.source, column) for table in INFRASTRUCTURE_ATLAS.tables for column in table.columns]


def test_the_catalog_moves_18_tables_with_referenced_ones_first() -> None:
    assert [table.collection for table in INFRASTRUCTURE_ATLAS.tables] == list(FACTS)
    assert len(INFRASTRUCTURE_ATLAS.tables) == 18

    position = {table.source: place for place, table in enumerate(INFRASTRUCTURE_ATLAS.tables)}
    for table in INFRASTRUCTURE_ATLAS.tables:
        for reference in table.references:
            for target, _ in reference.targets:
                assert position.get(target, -1) < position[table.source], f"{table.source} comes before {target}"


def test_the_catalog_says_where_it_reads_and_where_it_writes() -> None:
    assert INFRASTRUCTURE_ATLAS.dialect == "sqlite"
    assert INFRASTRUCTURE_ATLAS.source_variable == "ATLAS_DB_URL"
    assert INFRASTRUCTURE_ATLAS.database == "atlas"
    assert INFRASTRUCTURE_ATLAS.pipeline_database == "atlas_pipeline"


@each_collection
def test_each_collection_has_its_source_table_and_declared_columns(collection: str) -> None:
    table = _table(collection)
    assert table.source == FACTS[collection]["source"]
    assert [(column.name, column.sql_type) for column in table.columns] == FACTS[collection]["declared"]


@each_collection
def test_each_document_has_its_fields_in_order_with_type_and_nullability(collection: str) -> None:
    table = _table(collection)
    (key,) = table.key_columns
    fields = [("_id", _bson(key)), *((leaf.path, _bson(leaf)) for leaf in table.leaves)]
    assert fields == FACTS[collection]["fields"]
    assert list(table.fields) == [field for field, _ in FACTS[collection]["fields"]]


@each_collection
def test_each_collection_has_its_indexes_with_keys_and_options(collection: str) -> None:
    indexes = [(spec.name, list(spec.keys), spec.options()) for spec in _table(collection).indexes]
    assert sorted(indexes, key=lambda index: index[0]) == sorted(
        FACTS[collection]["indexes"], key=lambda index: index[0]
    )


def test_there_are_41_indexes_of_which_13_are_unique() -> None:
    indexes = [index for table in INFRASTRUCTURE_ATLAS.tables for index in table.indexes]
    assert len(indexes) == 41
    assert sum(index.unique for index in indexes) == 13


def test_fields_are_named_as_their_columns() -> None:
    assert [f"{table}.{column.name}" for table, column in _every_column() if column.field != column.name] == []


def test_natural_keys_are_kept_as_fields_and_surrogate_keys_are_not() -> None:
    kept = {table.source: table.key for table in INFRASTRUCTURE_ATLAS.tables if table.keep_key}
    assert kept == {"role_permissions": ("role",), "secure_settings": ("name",)}
    assert {table.key for table in INFRASTRUCTURE_ATLAS.tables if not table.keep_key} == {("id",)}


def test_references_are_those_of_the_facts() -> None:
    found = {
        (table.source, reference.column, " or ".join(map(".".join, reference.targets)), reference.enforced)
        for table in INFRASTRUCTURE_ATLAS.tables
        for reference in table.references
    }
    assert found == REFERENCES
    assert sum(len(table.references) for table in INFRASTRUCTURE_ATLAS.tables) == len(REFERENCES)


def test_reference_targets_are_columns_of_the_catalog_but_for_the_one_table_left_alone() -> None:
    columns = {(table, column.name) for table, column in _every_column()}
    targets = {
        target
        for table in INFRASTRUCTURE_ATLAS.tables
        for reference in table.references
        for target in reference.targets
    }
    assert targets - columns == {("ai_agent_configs", "id")}


def test_exactly_the_columns_with_credentials_are_secret() -> None:
    assert {(table, column.name) for table, column in _every_column() if column.secret} == SECRETS


def test_only_closed_sets_restrict_the_values_of_a_column() -> None:
    assert {(table, column.name): column.allowed for table, column in _every_column() if column.allowed} == ALLOWED


def test_counts_costs_durations_and_prices_start_at_zero() -> None:
    found = {(table, column.name): column.minimum for table, column in _every_column() if column.minimum is not None}
    assert found == {(table, name): 0 for table, names in AT_LEAST_ZERO.items() for name in names}


def test_only_the_user_of_a_usage_row_is_restored_from_a_number() -> None:
    restored = {(t, column.name): column for t, column in _every_column() if column.restored_from is not None}
    assert list(restored) == [("playground_usage", "user_id")]
    column = restored["playground_usage", "user_id"]
    assert column.restored_from == ("users", "id")
    assert (column.sql_type, column.bson_types) == ("INTEGER", ("string", "null"))


def test_the_other_13_tables_are_left_alone_by_name() -> None:
    everything = [*BOOKKEEPING, *LEFT_ALONE, *(facts["source"] for facts in FACTS.values())]
    assert len(set(everything)) == 32
    assert INFRASTRUCTURE_ATLAS.left_alone(everything) == tuple(sorted(LEFT_ALONE))
    assert len(LEFT_ALONE) == 13


def test_a_table_is_found_by_its_collection_and_by_its_source_name() -> None:
    assert _table("secrets") is _table("secure_settings")


def test_an_unknown_table_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="infrastructure_atlas has no table 'chat_mesages'") as caught:
        INFRASTRUCTURE_ATLAS.table("chat_mesages")
    assert caught.value.cure.startswith("did you mean 'chat_messages'?")
    assert "secrets" in caught.value.cure
    assert "secure_settings" in caught.value.cure


def test_the_registry_knows_the_catalog_and_answers_a_typing_error_with_its_name() -> None:
    assert find_catalog("infrastructure_atlas") is INFRASTRUCTURE_ATLAS
    assert all(name == catalog.name for name, catalog in CATALOGS.items())
    with pytest.raises(ConfigurationError, match="no catalog 'infrastructure_atlass'") as caught:
        find_catalog("infrastructure_atlass")
    assert caught.value.cure.startswith("did you mean 'infrastructure_atlas'?")

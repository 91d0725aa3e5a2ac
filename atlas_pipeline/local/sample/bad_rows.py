"""The rows that must be refused, each wrong in exactly one column.

What belongs here: what is wrong, in which table and column, and under which code it must be reported. What does not:
rows that are unusual but right (`hard_values` and the table modules).

Each bad row is a copy of a good one under a key of its own; several stand next to a secret of their row, and some are
bad in the secret itself, so that leaks can be looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from atlas_pipeline.local.sample.connections import url_with_password
from atlas_pipeline.local.sample.hard_values import INT64_MAX, nested
from atlas_pipeline.local.sample.people import user_name
from atlas_pipeline.local.sample.store import RawText
from atlas_pipeline.local.sample.tables import CATALOG_TABLES
from atlas_pipeline.local.sample.world import Value, World, api_secret, fernet_token, password_hash, to_json

HIGHEST_KEY = "ffffffff-ffff-4fff-bfff-ffffffffffff"
FIRST_BAD_ID = 2**40  # above every ordinary key
TOO_LARGE_BYTES = 17 * 2**20  # a document may have 16 MiB
TOO_DEEP = 150
NOT_UTF8 = b"caf\xe9 \xff\xfe"


@dataclass(frozen=True)
class BadRow:
    """One bad row.

    Attributes:
        table: Its table.
        key: Its primary key, None when that is what is wrong.
        column: The only column that is wrong.
        code: Why it is wrong, as a reject code.
        about: The same in words, without the value of a secret.
    """

    table: str
    key: str | int | None
    column: str
    code: str
    about: str


BadValue = Value | RawText
# The column, besides the key, that must differ from row to row, or the row would be a duplicate as well.
_DISTINCT = {
    "users": "username",
    "user_api_keys": "provider",
    "global_api_keys": "provider",
    "chat_sessions": "session_id",
    "vcenter_configs": "name",
    "foreman_configs": "name",
    "puppet_configs": "name",
    "ai_model_configs": "model_id",
    "bot_platform_accounts": "platform_user_id",
    "bot_webhook_configs": "platform",
    "bot_conversations": "platform_conversation_id",
}
# Table, column, code, what is wrong, the bad value.
_Fault = tuple[str, str, str, str, BadValue]

_FAULTS: tuple[_Fault, ...] = (
    ("users", "is_active", "not_boolean", "2 is neither 0 nor 1", 2),
    ("users", "is_active", "not_boolean", "the text false", "false"),
    ("users", "role", "null_value", "no role", None),
    ("users", "created_at", "not_date", "the word yesterday", "yesterday"),
    ("users", "display_name", "not_text", "bytes where text belongs", b"\x00\x01binary"),
    ("users", "email", "not_utf8", "text in Latin-1", RawText(NOT_UTF8)),
    ("user_api_keys", "updated_at", "not_date", "seconds since 1970", 1_700_000_000),
    ("user_api_keys", "label", "not_utf8", "text in Latin-1", RawText(NOT_UTF8)),
    ("global_api_keys", "label", "not_text", "bytes where text belongs", b"\xff"),
    ("secure_settings", "created_at", "not_date", "an empty text", ""),
    ("role_permissions", "permissions", "json_shape", "an object where an array belongs", '{"export.run": true}'),
    ("role_permissions", "permissions", "null_value", "JSON null where an array belongs", "null"),
    ("role_permissions", "permissions", "bad_json", "JSON that was cut off", '["export.run", "zab'),
    ("chat_sessions", "context_variables", "json_shape", "an array where an object belongs", "[]"),
    ("chat_sessions", "context_variables", "bad_json", "the bare word NaN", '{"score": NaN}'),
    ("chat_sessions", "context_variables", "bad_json", "an empty text", ""),
    ("chat_sessions", "updated_at", "not_date", "month 13", "2024-13-40 00:00:00"),
    ("chat_messages", "content", "null_value", "no content", None),
    ("chat_messages", "content", "not_utf8", "text in Latin-1", RawText(NOT_UTF8)),
    ("chat_messages", "content", "not_text", "bytes where text belongs", b"plain letters, but as bytes"),
    ("chat_messages", "created_at", "not_date", "February 30", "2025-02-30 10:00:00.000000"),
    ("chat_messages", "metadata_json", "json_shape", "the bare number 5, stored as an integer", "5"),
    ("chat_messages", "metadata_json", "bad_json", "a key twice in one object", '{"cost": 1, "cost": 2}'),
    ("chat_messages", "metadata_json", "lone_surrogate", "half of a surrogate pair", '{"text": "\\ud83d"}'),
    ("chat_messages", "metadata_json", "json_number", "2 to the power of 63", to_json({"n": INT64_MAX + 1})),
    ("chat_messages", "metadata_json", "json_depth", "150 objects in each other", to_json(nested(TOO_DEEP))),
    ("chat_messages", "metadata_json", "nul_in_key", "a key that holds NUL", '{"a\\u0000b": 1}'),
    ("vcenter_configs", "verify_ssl", "null_value", "neither on nor off", None),
    ("vcenter_configs", "is_esxi", "not_boolean", "the text true", "true"),
    ("foreman_configs", "created_at", "not_date", "the zero date of other databases", "0000-00-00 00:00:00"),
    ("puppet_configs", "branch", "null_value", "no branch", None),
    ("playground_usage", "input_tokens", "not_integer", "a word", "twelve"),
    ("playground_usage", "duration_ms", "not_integer", "one and a half", 1.5),
    ("playground_usage", "cost_usd", "not_number", "a word", "free"),
    ("playground_usage", "tool_calls", "json_shape", "an object where an array belongs", '{"name": "netbox_search"}'),
    ("playground_usage", "tool_calls", "json_shape", "a bare JSON text", '"none"'),
    ("playground_sessions", "state", "null_value", "JSON null where an object belongs", "null"),
    ("playground_sessions", "config_override", "bad_json", "single quotes", "{'model': 'gpt-4o'}"),
    ("playground_sessions", "messages", "too_large", "a conversation of 17 MiB", None),  # made in bad_rows
    ("ai_activity_logs", "streamed", "not_boolean", "minus 1", -1),
    ("ai_activity_logs", "tokens_total", "not_integer", "twelve and a half", 12.5),
    ("ai_activity_logs", "tokens_per_second", "not_number", "a word", "fast"),
    ("ai_activity_logs", "created_at", "not_date", "seconds since 1970", 1_737_200_000),
    ("ai_model_configs", "price_input_per_million", "not_number", "a word", "n/a"),
    ("ai_model_configs", "supports_tools", "not_boolean", "the text yes", "yes"),
    ("bot_platform_accounts", "verified", "not_boolean", "a half", 0.5),
    ("bot_platform_accounts", "verification_expires", "not_date", "the word tomorrow", "tomorrow"),
    ("bot_webhook_configs", "extra_config", "bad_json", "JSON that was cut off", '{"allowed_chats": ['),
    ("bot_conversations", "platform_account_id", "not_integer", "a word", "seven"),
    ("bot_conversations", "agent_id", "not_text", "bytes where text belongs", b"ops"),
    ("bot_messages", "cost_usd", "null_value", "no cost", None),
    ("bot_messages", "tool_calls", "bad_json", "the bare word Infinity", '[{"duration_ms": Infinity}]'),
    ("bot_messages", "tool_calls", "lone_surrogate", "half of a surrogate pair", '[{"name": "\\udc00"}]'),
    ("bot_messages", "direction", "not_text", "bytes where text belongs", b"inbound"),
)


def bad_rows(world: World) -> Iterator[tuple[BadRow, Mapping[str, BadValue]]]:
    """Every bad row: what is listed of it, and the row itself."""
    rng = world.rng("bad rows")
    latin = b"\xe9"
    secret_faults: tuple[_Fault, ...] = (
        ("users", "password_hash", "not_utf8", "text in Latin-1", RawText(password_hash(rng).encode() + latin)),
        ("user_api_keys", "secret", "not_text", "bytes where text belongs", api_secret(rng).encode()),
        ("global_api_keys", "secret", "not_utf8", "text in Latin-1", RawText(latin + api_secret(rng).encode())),
        ("secure_settings", "encrypted_value", "not_text", "bytes where text belongs", fernet_token(rng).encode()),
        ("puppet_configs", "remote_url", "not_utf8", "text in Latin-1", RawText(_url(world) + latin)),
        ("bot_webhook_configs", "webhook_secret", "not_text", "bytes where text belongs", api_secret(rng).encode()),
    )
    duplicate = ("users", "username", "duplicate_value", "the name of another user, whose id is lower", user_name(0))
    no_key = ("global_api_keys", "id", "null_value", "no primary key", None)
    for number, fault in enumerate((*_FAULTS, *secret_faults, duplicate, no_key)):
        table, column, code, about, value = fault
        row = _good_copy(world, table, number)
        key_column = next(iter(row))
        if code == "duplicate_value":
            row[key_column] = HIGHEST_KEY
        row[column] = _conversation(TOO_LARGE_BYTES) if code == "too_large" else value
        key = row[key_column]
        assert key is None or isinstance(key, str | int)  # the type that BadRow promises; true of every copy
        yield BadRow(table, key, column, code, about), row


def _good_copy(world: World, table: str, number: int) -> dict[str, BadValue]:
    row: dict[str, BadValue] = dict(next(CATALOG_TABLES[table](world)))
    key_column, key = next(iter(row.items()))
    if isinstance(key, int):
        row[key_column] = FIRST_BAD_ID + number
    else:
        row[key_column] = world.key(table, f"bad-{number}") if key_column == "id" else f"bad-{number}"
    if table in _DISTINCT:
        row[_DISTINCT[table]] = f"bad-{number}"
    if table == "users":
        row["password_hash"] = password_hash(world.rng(f"bad-{number}"))
    if table == "puppet_configs":
        row["remote_url"] = _url(world).decode()
    return row


def _url(world: World) -> bytes:
    return url_with_password(world.rng("bad url"), "git.example.org/puppet/bad.git").encode()


def _conversation(length: int) -> str:
    said = {"role": "user", "content": "word " * 20_000, "timestamp": "2025-05-01T10:00:00+00:00"}
    return to_json([said] * (length // len(to_json(said)) + 1))

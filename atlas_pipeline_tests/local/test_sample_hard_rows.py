"""Every hard row that the clean sample promises is in it, and its dangling references are exactly the listed ones."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from atlas_pipeline.local.sample.generate import SampleFacts, write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline_tests.local.sample_oracle import connect

# What the row is, where such rows are found, and how many there must be at least when one is not enough.
HARD_ROWS: dict[str, str | tuple[str, int]] = {
    "metadata is SQL NULL": "chat_messages WHERE metadata_json IS NULL AND content = 'SQL NULL'",
    "metadata is the JSON text null": "chat_messages WHERE metadata_json = 'null' AND content = 'JSON null'",
    "tool calls of an agent are SQL NULL": "playground_usage WHERE tool_calls IS NULL",
    "tool calls of an agent are the JSON text null": "playground_usage WHERE tool_calls = 'null'",
    "tool calls of a bot are SQL NULL": "bot_messages WHERE tool_calls IS NULL",
    "tool calls of a bot are the JSON text null": "bot_messages WHERE tool_calls = 'null'",
    "extra configuration is SQL NULL": "bot_webhook_configs WHERE extra_config IS NULL",
    "extra configuration is the JSON text null": "bot_webhook_configs WHERE extra_config = 'null'",
    "extra configuration is an object": "bot_webhook_configs WHERE extra_config LIKE '{%}'",
    "a message's time has no fraction": "chat_messages WHERE length(created_at) = 19",
    "a time has a fraction of zero": "chat_messages WHERE created_at LIKE '%.000000'",
    "microseconds end in 000": "chat_messages WHERE created_at LIKE '%.123000'",
    "microseconds do not end in 000": "chat_messages WHERE created_at LIKE '%.123456'",
    "a time is one microsecond before the next second": "users WHERE created_at LIKE '%.999999'",
    "a time is before 1970": "chat_messages WHERE created_at LIKE '1969-%'",
    "a time is in the last year that there is": "bot_platform_accounts WHERE verification_expires LIKE '9999-12-31%'",
    "a time is on a leap day": "users WHERE created_at LIKE '2024-02-29%'",
    "two messages of a session share a millisecond": (
        "chat_messages a JOIN chat_messages b ON a.session_id = b.session_id AND a.created_at < b.created_at "
        "WHERE substr(a.created_at, 1, 23) = substr(b.created_at, 1, 23) AND length(a.created_at) = 26"
    ),
    "two messages of a session share a microsecond": (
        "chat_messages a JOIN chat_messages b ON a.session_id = b.session_id AND a.created_at = b.created_at "
        "AND a.id < b.id WHERE a.content = 'same'"
    ),
    "many requests share a second": (
        "(SELECT created_at FROM playground_usage GROUP BY created_at HAVING count(*) > 2)"
    ),
    "a platform's user is 7": "bot_platform_accounts WHERE platform_user_id = '7'",
    "a platform's user is 007": "bot_platform_accounts WHERE platform_user_id = '007'",
    "a platform's user is 1e5": "bot_platform_accounts WHERE platform_user_id = '1e5'",
    "a platform's user is pending": "bot_platform_accounts WHERE platform_user_id LIKE 'pending:%' AND NOT verified",
    "a code begins with zeros": "bot_platform_accounts WHERE verification_code = '000123'",
    "a conversation's id is negative": "bot_conversations WHERE platform_conversation_id = '-1001234567890'",
    "a user's id is all digits": "users WHERE id = '1024'",
    "a user's id is all digits and begins with a zero": "users WHERE id = '0042'",
    "usage names the user of digits by an integer": (
        "playground_usage WHERE typeof(user_id) = 'integer' AND user_id = 1024"
    ),
    "usage has lost the zeros of a user's id": "playground_usage WHERE typeof(user_id) = 'integer' AND user_id = 42",
    "usage names a user by text": "playground_usage WHERE typeof(user_id) = 'text'",
    "usage names nobody": "playground_usage WHERE user_id IS NULL",
    "a message is empty": "chat_messages WHERE content = ''",
    "a message is blank": "chat_messages WHERE content <> '' AND trim(content) = ''",
    "a message has lines of every kind": "chat_messages WHERE instr(content, char(13, 10)) AND instr(content, char(9))",
    "a message holds NUL": "chat_messages WHERE instr(CAST(content AS BLOB), x'00')",
    "a message has a megabyte": "chat_messages WHERE length(CAST(content AS BLOB)) = 1048576",
    "a bot's message has a megabyte": "bot_messages WHERE length(CAST(content AS BLOB)) = 1048576",
    "a message has emoji": "chat_messages WHERE instr(content, char(0x1F389))",
    "a message has combining marks": "chat_messages WHERE instr(content, char(0x65, 0x308))",
    "a message has Hebrew and Arabic": "chat_messages WHERE instr(content, 'השרת') AND instr(content, 'الترقية')",
    "a message is Chinese, Japanese and Korean": (
        "chat_messages WHERE instr(content, '服务器') AND instr(content, '서버') AND instr(content, 'サーバー')"
    ),
    "a message begins with a byte order mark": "chat_messages WHERE content LIKE char(0xFEFF) || '%'",
    "a message ends with token counts": "chat_messages WHERE content LIKE '%_[[TOKENS {%}]]'",
    "a message is nothing but token counts": "chat_messages WHERE content LIKE '[[TOKENS {%}]]'",
    "JSON has escaped keys": r"""chat_messages WHERE metadata_json LIKE '%"\ud83d\udd11": "\ud83c\udf89"%'""",
    "JSON has dots and dollars in keys": 'playground_sessions WHERE state LIKE \'%"a.b": 1, "$set"%\'',
    "JSON has an empty key": 'chat_sessions WHERE context_variables LIKE \'%"": "empty key"%\'',
    "JSON is 40 objects deep": "playground_sessions WHERE state LIKE '%\"depth\": 40}%'",
    "JSON integers pass 2^31": "chat_messages WHERE metadata_json LIKE '%2147483648%'",
    "JSON integers pass 2^53": "chat_messages WHERE metadata_json LIKE '%9007199254740993%'",
    "JSON integers reach 2^63-1": "chat_messages WHERE metadata_json LIKE '%9223372036854775807%'",
    "JSON integers reach -2^63": "playground_usage WHERE tool_calls LIKE '%-9223372036854775808%'",
    "JSON floats are 0.1 and 1e-9": (
        "chat_messages WHERE metadata_json LIKE '%: 0.1,%' AND metadata_json LIKE '%: 1e-09,%'"
    ),
    "JSON has 1.0, which is not 1": 'chat_messages WHERE metadata_json LIKE \'%"int": 1, "float": 1.0%\'',
    "an integer is 2^31": "playground_usage WHERE input_tokens = 2147483648",
    "an integer is 2^53+1": "ai_activity_logs WHERE tokens_total = 9007199254740993",
    "an integer is 2^63-1": "bot_messages WHERE duration_ms = 9223372036854775807",
    "a key is 2^31": "bot_messages WHERE id = 2147483648",
    "two keys are one as doubles": ("bot_messages WHERE id IN (9007199254740992, 9007199254740993)", 2),
    "a cost is 0.1": "playground_usage WHERE cost_usd = 0.1",
    "a cost is 1e-9": "ai_activity_logs WHERE cost_usd = 1e-9",
    "a whole cost was stored as a number of type REAL": (
        "playground_usage WHERE cost_usd = 12 AND typeof(cost_usd) = 'real'"
    ),
    "usernames differ by case and blank": ("users WHERE username IN ('ana', 'Ana', 'ana ')", 3),
    "usernames differ by normal form": (
        "users WHERE username IN ('jos' || char(0xE9), 'jose' || char(0x301))",
        2,
    ),
    "providers of one user differ by case and blank": (
        "user_api_keys a JOIN user_api_keys b USING (user_id) JOIN user_api_keys c USING (user_id) "
        "WHERE a.provider = 'mcp' AND b.provider = 'MCP' AND c.provider = 'mcp '"
    ),
    "shared providers differ by case and blank": (
        "global_api_keys WHERE provider IN ('openai', 'OpenAI', 'openai ')",
        3,
    ),
    "roles differ by case and blank": ("role_permissions WHERE role IN ('viewer', 'Viewer', 'viewer ')", 3),
    "names of vCenters differ by case and blank": (
        "vcenter_configs WHERE name IN ('prod', 'Prod', 'prod ')",
        3,
    ),
    "names of secrets differ by case and blank": (
        "secure_settings WHERE name IN ('netbox_token', 'NETBOX_TOKEN', 'NETBOX_TOKEN ')",
        3,
    ),
    "models differ by case and blank": (
        "ai_model_configs WHERE provider = 'openai' AND model_id IN ('gpt-4o', 'GPT-4o', 'gpt-4o ')",
        3,
    ),
    "a role has no permissions": "role_permissions WHERE permissions = '[]'",
    "a user has no password": "users WHERE password_hash IS NULL",
    "a password is hashed": "users WHERE password_hash LIKE '$2b$12$%' AND length(password_hash) = 60",
    "an encrypted value is a token": "secure_settings WHERE encrypted_value LIKE 'gAAAA%'",
    "a password's entry is named after its vCenter": (
        "vcenter_configs c JOIN secure_settings s ON s.name = c.password_secret "
        "WHERE s.name = 'vcenter:' || c.id || ':password'"
    ),
    "a token's entry is named after its Foreman": (
        "foreman_configs c JOIN secure_settings s ON s.name = c.token_secret "
        "WHERE s.name = 'foreman:' || c.id || ':token'"
    ),
    "a key path's entry is named after its repository": (
        "puppet_configs c JOIN secure_settings s ON s.name = c.ssh_key_secret "
        "WHERE s.name = 'puppet:' || c.id || ':ssh_key_path'"
    ),
    "a URL carries a password": "puppet_configs WHERE remote_url LIKE 'https://%:%@%'",
    "a URL carries no password": "puppet_configs WHERE remote_url LIKE 'git@%'",
    "Slack's secret is the name of a setting": "bot_webhook_configs WHERE webhook_secret = 'SLACK_APP_TOKEN'",
    "presets without a user share a name": (
        "playground_presets WHERE user_id IS NULL AND name = 'shared preset'",
        2,
    ),
}
SECRETS = "SELECT name FROM secure_settings"
USERS = "SELECT id FROM users"
AGENT_SESSIONS = "SELECT id FROM playground_sessions"
# Every reference of the schema: table, column, what it must be among.
REFERENCES = [
    ("users", "role", "SELECT role FROM role_permissions"),
    ("user_api_keys", "user_id", USERS),
    ("chat_sessions", "user_id", USERS),
    ("chat_sessions", "agent_config_id", "SELECT id FROM ai_agent_configs"),
    ("chat_messages", "session_id", "SELECT id FROM chat_sessions"),
    ("vcenter_configs", "password_secret", SECRETS),
    ("foreman_configs", "token_secret", SECRETS),
    ("puppet_configs", "ssh_key_secret", SECRETS),
    ("playground_sessions", "user_id", USERS),
    (
        "playground_usage",
        "user_id",
        f"{USERS} UNION SELECT CAST(id AS INTEGER) FROM users WHERE id NOT GLOB '*[^0-9]*'",
    ),
    ("playground_usage", "session_id", AGENT_SESSIONS),
    ("ai_activity_logs", "user_id", USERS),
    ("ai_activity_logs", "session_id", f"SELECT session_id FROM chat_sessions UNION {AGENT_SESSIONS}"),
    ("bot_platform_accounts", "user_id", USERS),
    ("bot_webhook_configs", "bot_token_secret", SECRETS),
    ("bot_conversations", "platform_account_id", "SELECT id FROM bot_platform_accounts"),
    ("bot_conversations", "session_id", AGENT_SESSIONS),
    ("bot_messages", "conversation_id", "SELECT id FROM bot_conversations"),
]


@pytest.fixture(scope="module", params=[0.0, 0.05], ids=["the smallest sample", "a small sample"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleFacts]:
    path = tmp_path_factory.mktemp("sample") / "atlas.sqlite3"
    return path, write_sample(path, size=SampleSize.default().scaled(request.param))


@pytest.fixture
def database(sample: tuple[Path, SampleFacts]) -> sqlite3.Connection:
    return connect(sample[0])


@pytest.mark.parametrize("what", list(HARD_ROWS))
def test_the_sample_has_a_row_where(database: sqlite3.Connection, what: str) -> None:
    place = HARD_ROWS[what]
    rows, enough = place if isinstance(place, tuple) else (place, 1)
    assert database.execute(f"SELECT count(*) FROM {rows}").fetchone()[0] >= enough


def test_the_dangling_references_are_exactly_the_listed_ones(sample: tuple[Path, SampleFacts]) -> None:
    database = connect(sample[0])
    found = set()
    for table, column, targets in REFERENCES:
        query = f"SELECT * FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN ({targets})"
        dangling = {(table, row[0], column) for row in database.execute(query)}
        assert dangling, f"no dangling {table}.{column}"
        found |= dangling
    assert found == {(orphan.table, orphan.key, orphan.column) for orphan in sample[1].orphans}


def test_sqlite_finds_the_enforced_ones_among_them_and_the_lost_zeros(sample: tuple[Path, SampleFacts]) -> None:
    database = connect(sample[0])
    broken = set()
    for table, rowid, _, constraint in database.execute("PRAGMA foreign_key_check"):
        column = database.execute(f"PRAGMA foreign_key_list({table})").fetchall()[constraint][3]
        key = database.execute(f"SELECT * FROM {table} WHERE rowid = ?", [rowid]).fetchone()[0]
        broken.add((table, key, column))
    constraints = {
        (table, row[3]) for table, _, _ in REFERENCES for row in database.execute(f"PRAGMA foreign_key_list({table})")
    }
    enforced = {(o.table, o.key, o.column) for o in sample[1].orphans if (o.table, o.column) in constraints}
    lost_zeros = database.execute("SELECT id FROM playground_usage WHERE user_id = 42").fetchall()
    assert broken == enforced | {("playground_usage", key, "user_id") for (key,) in lost_zeros}
    assert len(lost_zeros) == 1


def test_one_message_refers_to_the_public_id_of_a_session(database: sqlite3.Connection) -> None:
    query = "SELECT count(*) FROM chat_messages WHERE session_id IN (SELECT session_id FROM chat_sessions)"
    assert database.execute(query).fetchone() == (1,)


def test_all_other_messages_of_a_session_come_in_the_order_of_their_times(database: sqlite3.Connection) -> None:
    query = "SELECT session_id, created_at FROM chat_messages WHERE rowid > 100 ORDER BY rowid"
    rows = database.execute(query).fetchall()
    assert rows == sorted(rows, key=lambda row: row[1])


def test_token_counts_in_texts_are_json(database: sqlite3.Connection) -> None:
    query = "SELECT content FROM chat_messages WHERE message_type IS NULL AND content LIKE '%]]' AND role = 'assistant'"
    texts = [text for (text,) in database.execute(query) if not text.startswith("Stopped")]
    assert texts
    for text in texts:
        assert "input" in json.loads(text[text.rindex("[[TOKENS ") + len("[[TOKENS ") : -2])

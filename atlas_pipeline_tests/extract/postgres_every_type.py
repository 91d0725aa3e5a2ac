"""A PostgreSQL table with a column of every type that has a policy, and what each becomes in BSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson import Binary, Decimal128, Int64

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.extract.postgres_databases import asked

SETUP = (
    "CREATE EXTENSION hstore",
    "CREATE SCHEMA elsewhere",
    "CREATE EXTENSION citext SCHEMA elsewhere",
    "CREATE TYPE mood AS ENUM ('sad', 'happy')",
    "CREATE DOMAIN email AS VARCHAR(80) CHECK (VALUE LIKE '%@%')",
    "CREATE DOMAIN work_email AS email NOT NULL",
    "CREATE DOMAIN amount AS NUMERIC(10,2)",
    "CREATE TYPE place AS (city TEXT, zip INTEGER)",
)
MOMENT = datetime(2025, 3, 30, 0, 30, 0, 123_000, tzinfo=UTC)
RAW_UUID = UUID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")
V = ValueType

Case = tuple[str, str, str, ValueType, Any]
CASES: tuple[Case, ...] = (
    # name, type in SQL, value in SQL, value type of the described column, value in the document
    ("int2", "SMALLINT", "-32768", V.INTEGER, -32768),
    ("int4", "INTEGER", "2147483647", V.INTEGER, 2147483647),
    ("int8", "BIGINT", "-9223372036854775808", V.INTEGER, Int64(-(2**63))),
    ("numeric", "NUMERIC(10,2)", "12.30", V.DECIMAL, Decimal128("12.30")),
    ("numeric_free", "NUMERIC", "-0.00000000000000000000000000000012345", V.DECIMAL, Decimal128("-1.2345E-31")),
    ("numeric_nan", "NUMERIC", "'NaN'", V.DECIMAL, Decimal128("NaN")),
    ("numeric_inf", "NUMERIC", "'-Infinity'", V.DECIMAL, Decimal128("-Infinity")),
    ("money", "MONEY", "1234.5", V.DECIMAL, Decimal128("1234.50")),
    ("float4", "REAL", "0.1", V.DOUBLE, 0.10000000149011612),
    ("float8", "DOUBLE PRECISION", "0.1", V.DOUBLE, 0.1),
    ("float_inf", "DOUBLE PRECISION", "'-Infinity'", V.DOUBLE, float("-inf")),
    ("float_zero", "DOUBLE PRECISION", "'-0.0'", V.DOUBLE, -0.0),
    ("truth", "BOOLEAN", "true", V.BOOLEAN, True),
    ("text", "TEXT", "' Zoë 🎉 '", V.TEXT, " Zoë 🎉 "),
    ("varchar", "VARCHAR(36)", "'0042'", V.TEXT, "0042"),
    ("char", "CHAR(5)", "'ab'", V.TEXT, "ab"),
    ("name", "NAME", "'a name'", V.TEXT, "a name"),
    ("letter", '"char"', "'x'", V.TEXT, "x"),
    ("citext", "elsewhere.CITEXT", "'MiXed'", V.TEXT, "MiXed"),
    ("bytea", "BYTEA", "'\\x00ff41'", V.BINARY, b"\x00\xffA"),
    ("date", "DATE", "'2024-02-29'", V.DATE, datetime(2024, 2, 29, tzinfo=UTC)),
    ("time", "TIME", "'23:59:59.5'", V.TEXT, "23:59:59.5"),
    ("timetz", "TIMETZ", "'23:59:59+02'", V.TEXT, "23:59:59+02"),
    ("interval", "INTERVAL", "'1 year 2 days 03:04:05.6'", V.TEXT, "P1Y2DT3H4M5.6S"),
    ("timestamp", "TIMESTAMP", "'2025-03-30 00:30:00.123'", V.DATETIME, MOMENT),
    ("timestamptz", "TIMESTAMPTZ", "'2025-03-30 02:30:00.123+02'", V.DATETIME, MOMENT),
    ("timestamp_0", "TIMESTAMP(0)", "'0001-01-01 00:00:00'", V.DATETIME, datetime(1, 1, 1, tzinfo=UTC)),
    ("uuid", "UUID", f"'{str(RAW_UUID).upper()}'", V.TEXT, str(RAW_UUID)),
    ("json", "JSON", """'{"z": 1, "a": [1.5, null]}'""", V.JSON, {"a": [1.5, None], "z": 1}),
    ("jsonb", "JSONB", "'[1e5, \"x\"]'", V.JSON, [100000, "x"]),
    ("mood", "MOOD", "'happy'", V.TEXT, "happy"),
    ("inet", "INET", "'10.0.0.1'", V.TEXT, "10.0.0.1/32"),
    ("cidr", "CIDR", "'10.0.0.0/8'", V.TEXT, "10.0.0.0/8"),
    ("macaddr", "MACADDR", "'08-00-2b-01-02-03'", V.TEXT, "08:00:2b:01:02:03"),
    ("macaddr8", "MACADDR8", "'08:00:2b:01:02:03:04:05'", V.TEXT, "08:00:2b:01:02:03:04:05"),
    ("int4range", "INT4RANGE", "'(1,5]'", V.TEXT, "[2,6)"),
    ("tsrange", "TSTZRANGE", "'[2025-01-01 00:00+02,)'", V.TEXT, '["2024-12-31 22:00:00+00",)'),
    ("multirange", "INT4MULTIRANGE", "'{[1,2),[5,9)}'", V.TEXT, "{[1,2),[5,9)}"),
    ("bit", "BIT(4)", "B'0110'", V.TEXT, "0110"),
    ("varbit", "VARBIT(8)", "B'011'", V.TEXT, "011"),
    ("xml", "XML", "'<a>1</a>'", V.TEXT, "<a>1</a>"),
    ("tsvector", "TSVECTOR", "'b:2 a:1'", V.TEXT, "'a':1 'b':2"),
    ("tsquery", "TSQUERY", "'a & b'", V.TEXT, "'a' & 'b'"),
    ("pg_lsn", "PG_LSN", "'16/B374D848'", V.TEXT, "16/B374D848"),
    ("oid", "OID", "4294967295", V.INTEGER, Int64(2**32 - 1)),
    ("jsonpath", "JSONPATH", "'$.a[*]'", V.TEXT, '$."a"[*]'),
    ("point", "POINT", "'(1.5,-2)'", V.JSON_OBJECT, {"x": 1.5, "y": -2}),
    ("line", "LINE", "'{1,2,3}'", V.TEXT, "{1,2,3}"),
    ("lseg", "LSEG", "'[(0,0),(1,1)]'", V.TEXT, "[(0,0),(1,1)]"),
    ("box", "BOX", "'(1,1),(0,0)'", V.TEXT, "(1,1),(0,0)"),
    ("path", "PATH", "'((0,0),(1,1))'", V.TEXT, "((0,0),(1,1))"),
    ("polygon", "POLYGON", "'((0,0),(1,1),(1,0))'", V.TEXT, "((0,0),(1,1),(1,0))"),
    ("circle", "CIRCLE", "'<(0,0),1>'", V.TEXT, "<(0,0),1>"),
    ("hstore", "HSTORE", "'b=>2, a=>NULL'", V.JSON_OBJECT, {"a": None, "b": "2"}),
    ("email", "EMAIL", "'a@b'", V.TEXT, "a@b"),
    ("work_email", "WORK_EMAIL", "'c@d'", V.TEXT, "c@d"),
    ("amount", "AMOUNT", "1.5", V.DECIMAL, Decimal128("1.50")),
    ("place", "PLACE", "ROW('Ulm', 89073)", V.JSON_OBJECT, {"city": "Ulm", "zip": 89073}),
    ("texts", "TEXT[]", "ARRAY['a', NULL, '']", V.ARRAY, ["a", None, ""]),
    ("grid", "INTEGER[]", "'{{1,2},{3,4}}'", V.ARRAY, [[1, 2], [3, 4]]),
    ("nothing", "INTEGER[]", "'{}'", V.ARRAY, []),
    ("bigs", "BIGINT[]", "'{9223372036854775807}'", V.ARRAY, [Int64(2**63 - 1)]),
    ("doubles", "DOUBLE PRECISION[]", "'{1,2.5}'", V.ARRAY, [1.0, 2.5]),
    ("numerics", "NUMERIC(10,2)[]", "'{1,2.5}'", V.ARRAY, [Decimal128("1.00"), Decimal128("2.50")]),
    ("truths", "BOOLEAN[]", "'{t,f}'", V.ARRAY, [True, False]),
    ("uuids", "UUID[]", f"ARRAY['{RAW_UUID}']::uuid[]", V.ARRAY, [str(RAW_UUID)]),
    ("moments", "TIMESTAMPTZ[]", "ARRAY['2025-03-30 00:30:00.123+00']::timestamptz[]", V.ARRAY, [MOMENT]),
    ("dates", "DATE[]", "'{2024-02-29}'", V.ARRAY, [datetime(2024, 2, 29, tzinfo=UTC)]),
    ("blobs", "BYTEA[]", "ARRAY['\\x41']::bytea[]", V.ARRAY, [b"A"]),
    ("moods", "MOOD[]", "'{sad,happy}'", V.ARRAY, ["sad", "happy"]),
    ("emails", "EMAIL[]", "'{a@b}'", V.ARRAY, ["a@b"]),
    ("amounts", "AMOUNT[]", "'{1,2}'", V.ARRAY, [Decimal128("1.00"), Decimal128("2.00")]),
    ("jsons", "JSONB[]", """ARRAY['{"b": 1, "a": 2}', 'null']::jsonb[]""", V.ARRAY, [{"a": 2, "b": 1}, None]),
    ("ranges", "INT4RANGE[]", """'{"[1,5)"}'""", V.ARRAY, ["[1,5)"]),
    ("points", "POINT[]", """'{"(1,2)"}'""", V.ARRAY, ["(1,2)"]),
    ("moneys", "MONEY[]", "'{1.5}'", V.ARRAY, [Decimal128("1.50")]),
    ("citexts", "elsewhere.CITEXT[]", "'{Ab}'", V.ARRAY, ["Ab"]),
    ("places", "PLACE[]", "ARRAY[ROW('Ulm', 1)::place]", V.JSON_ARRAY, [{"city": "Ulm", "zip": 1}]),
    ("hstores", "HSTORE[]", "ARRAY['a=>1'::hstore]", V.JSON_ARRAY, [{"a": "1"}]),
)
SPELLED = {
    "letter": '"CHAR"',
    "citext": "ELSEWHERE.CITEXT",
    "email": "VARCHAR(80)",
    "work_email": "VARCHAR(80)",
    "amount": "NUMERIC(10,2)",
    "citexts": "ELSEWHERE.CITEXT[]",
}
"""Where the real type is not spelled as the statement says: domains are their base types."""

BINARY_UUID = Binary(RAW_UUID.bytes, 4)


def cases(url: str) -> tuple[Case, ...]:
    """All cases that the server can store: some are built without XML."""
    if asked(url, "SELECT count(*) FROM pg_config WHERE setting LIKE '%%--with-libxml%%'") == [(1,)]:
        return CASES
    return tuple(case for case in CASES if case[1] != "XML")


def create(table: str, present: tuple[Case, ...]) -> tuple[str, str]:
    """Statements that make the table and put in two rows: 1 with all values, 2 with NULL wherever that is legal."""
    columns = ", ".join(f'"{name}" {sql_type}' for name, sql_type, *_ in present)
    values = ", ".join(value for _, _, value, *_ in present)
    return (
        f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {columns})",
        f"INSERT INTO {table} VALUES (1, {values}); INSERT INTO {table} (id, work_email) VALUES (2, 'x@y')",
    )

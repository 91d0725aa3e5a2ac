"""The tables of the tests of verify: flat and nested, with keys of every type, secrets, a cursor, times, vectors."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shapes import field
from atlas_pipeline.spec.shorthand import (
    decimal,
    double,
    integer,
    json_array,
    json_object,
    json_value,
    text,
    text_list,
    unique,
    utc,
)
from atlas_pipeline.spec.storage import Embedding, TimeSeries, VectorIndex
from atlas_pipeline_tests.unjudged import table

ITEMS = table(
    "items",
    text("id", 36),
    text("name", 80, nullable=True),
    integer("amount", nullable=True),
)
NUMBERS = table(
    "numbers",
    integer("id", sql_type="BIGINT"),
    text("name", 80, nullable=True),
)
SEATS = table(
    "seats",
    text("room", 36),
    integer("seat"),
    text("name", 80, nullable=True),
    key=("room", "seat"),
)
BLOBS = table(
    "blobs",
    ColumnSpec(name="id", sql_type="BLOB or BYTEA", value=ValueType.BINARY),
    text("name", 80, nullable=True),
    integer("amount", nullable=True),
)
AMOUNTS = table(
    "amounts",
    decimal("id"),
    text("name", 80, nullable=True),
)
DAYS = table(
    "days",
    ColumnSpec(name="id", sql_type="DATE", value=ValueType.DATE),
    text("name", 80, nullable=True),
)
NAMED = table(
    "named",
    integer("id"),
    text("name", 80),
    integer("amount", nullable=True),
    indexes=(unique("by_name", "name"),),
)
PEOPLE = table(
    "people",
    text("id", 36),
    text("name", nullable=True),
    integer("age", nullable=True),
    decimal("balance", nullable=True),
    double("score", sql_type="DOUBLE PRECISION", nullable=True),
    utc("born", sql_type="TIMESTAMP", inexact="milliseconds", nullable=True),
    text_list("tags", nullable=True),
    json_object("settings", nullable=True),
    json_array("visits", nullable=True),
    text("password", nullable=True, secret=True),
    json_value("keys", nullable=True, secret=True),
    document=(
        field("name"),
        field("facts.age", "age"),
        field("facts.balance", "balance"),
        field("facts.score", "score"),
        field("facts.born", "born"),
        field("tags"),
        field("settings"),
        field("visits"),
        field("access.password", "password"),
        field("access.keys", "keys"),
    ),
)
NOTES = table(
    "notes",
    integer("id"),
    integer("version"),
    text("note", nullable=True),
    utc("changed", sql_type="TIMESTAMP", inexact="milliseconds"),
    changed_at="changed",
)
EVENTS = table(
    "events",
    text("id", 36),
    utc("at", sql_type="TIMESTAMP"),
    text("zone"),
    integer("number", nullable=True),
    json_object("payload", nullable=True),
    document=(field("at"), field("meta.zone", "zone"), field("number"), field("payload")),
    storage="time_series",
    time_series=TimeSeries(time_field="at", meta_field="meta", granularity="seconds"),
)
TALES = table(
    "tales",
    text("id", 36),
    integer("team"),
    text("tale", nullable=True),
    embedding=Embedding(
        dimensions=384, columns=("tale",), index=VectorIndex(name="by_meaning", similarity="cosine", filters=("team",))
    ),
)
UUIDS = table(
    "uuids",
    ColumnSpec(name="id", sql_type="UUID", value=ValueType.UUID),
    text("name", 80, nullable=True),
    source="pg_uuids",
)
ALL = (ITEMS, NUMBERS, SEATS, BLOBS, AMOUNTS, DAYS, NAMED, PEOPLE, NOTES, EVENTS, TALES, UUIDS)

"""What an entry of the quarantine keeps of a row, and what it inherits from the entry before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
import pytest
from cryptography.fernet import Fernet

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.load.raw_values import LONGEST_VALUE, keys_written_as, source_key, storable, storable_key
from atlas_pipeline.load.sealing import Sealer, is_sealed
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import ITEMS, SEATS, StoppedError, World, items, stop

GOOD = items(5)
BAD = ("item-x", None, "team", 1, "a secret note")
KEY = Fernet.generate_key().decode()
SECRET_NOTE = replace(
    ITEMS,
    columns=tuple(replace(column, secret=True) if column.name == "note" else column for column in ITEMS.columns),
)

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
RAW: dict[str, tuple[Any, Any]] = {
    "text": ("Größe \U0001f600", "Größe \U0001f600"),
    "integer over 64 bits": (2**70, {"integer": str(2**70)}),
    "boolean": (True, True),
    "decimal": (Decimal("1.10"), {"decimal": "1.10"}),
    "uuid": (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "day": (date(2026, 1, 2), "2026-01-02"),
    "moment that BSON would round": (MOMENT, {"moment": "2026-01-02T03:04:05.678901+00:00"}),
    "moment without a zone": (MOMENT.replace(tzinfo=None), {"moment": "2026-01-02T03:04:05.678901"}),
    "moment that BSON holds": (MOMENT.replace(microsecond=678000), MOMENT.replace(microsecond=678000)),
    "time of day": (time(1, 2, 3), {"time": "01:02:03"}),
    "bytes": (b"\x00\xff", b"\x00\xff"),
    "text that is no UTF-8": (Undecodable(b"a\xff"), {"not_utf8": b"a\xff"}),
    "moment that Python lacks": (Undecodable(b"infinity"), {"no_value": "infinity"}),
    "array": ([[1, None], [Decimal(2), b"x"]], [[1, None], [{"decimal": "2"}, b"x"]]),
    "long text": ("x" * (LONGEST_VALUE + 1), {"cut_to": "x" * LONGEST_VALUE, "length": LONGEST_VALUE + 1}),
}


def _entry(world: World) -> dict[str, Any]:
    (entry,) = world.ledger["quarantine"].find()
    return dict(entry)


@pytest.mark.parametrize("name", RAW)
def test_a_raw_value_is_kept_as_it_came(name: str) -> None:
    value, expected = RAW[name]
    stored = bson.decode(bson.encode({"": storable(value)}), bson.CodecOptions(tz_aware=True))[""]
    assert stored == expected
    assert type(stored) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ValueType.TEXT, "key"),
        (ValueType.TEXT, "item 1, with a comma"),
        (ValueType.TEXT, 7),
        (ValueType.INTEGER, 2**62),
        (ValueType.INTEGER, 2**65),
        (ValueType.INTEGER, "no number"),
        (ValueType.INTEGER, 1.5),
        (ValueType.DECIMAL, Decimal("-1.500")),
        (ValueType.UUID, UUID(int=7)),
        (ValueType.BINARY, b"\x00\xff"),
        (ValueType.BOOLEAN, False),
        (ValueType.DATE, "2026-02-30"),
    ],
)
def test_a_key_can_be_asked_for_as_it_was_read(kind: ValueType, value: Any) -> None:
    table = TableSpec(
        source="t", collection="t", key=("id",), columns=(ColumnSpec(name="id", sql_type="X", value=kind),)
    )
    stored = bson.decode(bson.encode({"key": storable_key([value])}))
    assert source_key(stored, table) == (value,)


@pytest.mark.parametrize("value", [None, Undecodable(b"\xff"), Undecodable(b"infinity"), "x" * 70_000, ["list"]])
def test_a_key_that_no_row_is_found_by_is_not_asked_for(value: Any) -> None:
    stored = bson.decode(bson.encode({"key": storable_key(["room", value])}))
    assert source_key(stored, SEATS) is None


def test_a_key_of_another_table_is_not_asked_for() -> None:
    assert source_key({"key": ["room"]}, SEATS) is None


@pytest.mark.parametrize(
    ("text", "key"), [("room, 7", ["room", 7]), ("0xff, 1.5", [b"\xff", 1.5]), ("NULL,true", [None, True])]
)
def test_a_key_is_found_as_a_person_writes_it(text: str, key: list[Any]) -> None:
    assert storable_key(key) in keys_written_as(text, SEATS)
    assert keys_written_as(f"{text}, more", SEATS) == []


def test_without_a_key_the_values_of_secret_columns_are_left_out(world: World) -> None:
    world.write("items", [*GOOD, BAD, ("item-y", None, "team", 2, None)])
    world.reload(SECRET_NOTE)
    rows = {entry["key"][0]: entry["row"] for entry in world.ledger["quarantine"].find()}
    assert rows["item-x"]["note"] == {"left_out": "secret"}
    assert rows["item-y"]["note"] is None
    assert rows["item-x"]["team"] == "team"


def test_with_a_key_they_are_sealed_and_only_that_key_opens_them(world: World) -> None:
    world.sealer = Sealer(KEY)
    world.write("items", [*GOOD, BAD])
    world.reload(SECRET_NOTE)
    kept = _entry(world)["row"]["note"]
    assert is_sealed(kept)
    assert Sealer(KEY).open(kept) == "a secret note"
    stored = b"".join(world.ledger["quarantine"].find_raw_batches())
    assert b"secret note" not in stored
    with pytest.raises(ConfigurationError, match="another key"):
        Sealer(Fernet.generate_key().decode()).open(kept)


@pytest.mark.parametrize(
    "key", ["", "short", "ä" * 44, KEY[:-2], KEY[4:]], ids=["empty", "short", "no ascii", "cut", "headless"]
)
def test_a_malformed_key_is_refused_with_the_way_to_make_one(key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Sealer(key)
    assert "ATLAS_QUARANTINE_KEY" in refused.value.message
    assert "Fernet.generate_key" in refused.value.cure
    assert not key or key not in str(refused.value)


def test_two_seals_of_one_value_differ_so_that_equal_secrets_cannot_be_told() -> None:
    assert Sealer(KEY).seal("same") != Sealer(KEY).seal("same")


def test_an_entry_says_all_that_is_known_of_the_row(world: World) -> None:
    world.write("items", [*GOOD, BAD])
    world.reload(run_id="first")
    entry = _entry(world)
    assert entry.keys() >= {"catalog", "collection", "table", "key", "column", "code", "reason", "row", "spec"}
    assert (entry["run_id"], entry["spec"], entry["discarded"]) == ("first", ITEMS.fingerprint, False)
    assert entry["row"] == dict(zip(ITEMS.column_names, BAD, strict=True))
    assert entry["first_seen"] == entry["last_seen"]


def test_first_seen_and_the_decision_of_a_person_are_known_before_anything_is_published(world: World) -> None:
    world.write("items", [*GOOD, BAD])
    world.reload()
    first = _entry(world)
    world.ledger["quarantine"].update_one({}, {"$set": {"discarded": True, "discarded_at": first["first_seen"]}})
    with world.loading(ITEMS, run_id="second") as load:
        load.copy()
        load.build()
        assert (load.facts.quarantined, load.facts.discarded) == (1, 1)
        assert load.quarantine.examples(20) == []
        load.publish()
    second = _entry(world)
    assert (second["run_id"], second["discarded"], second["first_seen"]) == ("second", True, first["first_seen"])
    assert second["last_seen"] > first["last_seen"]


@pytest.mark.parametrize(
    "changed", [("item-x", None, "team", 1, "other"), ("item-x", "name x", None, 1, "a secret note")]
)
def test_the_decision_does_not_hold_for_other_values_or_another_column(world: World, changed: Any) -> None:
    world.write("items", [*GOOD, BAD])
    world.reload()
    world.ledger["quarantine"].update_one({}, {"$set": {"discarded": True}})
    world.write("items", [*GOOD, changed])
    assert world.reload().discarded == 0
    assert _entry(world)["discarded"] is False


def test_a_run_that_publishes_nothing_leaves_the_decision_as_it_was(world: World) -> None:
    world.write("items", [*GOOD, BAD])
    world.reload()
    world.ledger["quarantine"].update_one({}, {"$set": {"discarded": True}})
    with pytest.raises(StoppedError):
        world.reload(after_build=stop)
    assert world.ledger["quarantine"].count_documents({"published": True, "discarded": True}) == 1
    assert world.reload().discarded == 1

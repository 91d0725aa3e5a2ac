"""`_id`s of all types compare here as they do on the server, so both can be walked side by side."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import SON, Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from pymongo import MongoClient
from pymongo.collection import Collection

from atlas_pipeline.load.bson_order import id_of, sort_key

SEED = 4
IDS: list[Any] = [
    MinKey(),
    None,
    float("nan"),
    float("-inf"),
    Decimal128("-1E+6144"),
    -(2**63),
    -1.5,
    Decimal128("-1.499999999999999999999999999999999"),
    -1,
    Decimal128("-1E-6176"),
    0,
    5e-324,
    Decimal128("0.1"),
    0.1,
    1,
    1.0000000000000002,
    Int64(7),
    2**53,
    2**53 + 1,
    9007199254740994.0,
    2**63 - 1,
    9.3e18,
    Decimal128("1E+400"),
    float("inf"),
    "",
    "\0",
    "\0a",
    " ",
    "10",
    "9",
    "A",
    "a",
    "a\0",
    "a b",
    "aa",
    "é",
    "e\u0301",
    "\uffee",
    "𠮷",
    "\U0010ffff",
    {},
    {"a": None},
    {"b": None},
    {"a": 1},
    {"a": 1, "b": 1},
    {"b": 1},
    {"a": 2},
    {"a": "1"},
    {"a": "1", "b": MinKey()},
    {"a": {"x": 1}},
    {"a": [1, 2]},
    {"a": [1, 2, 3]},
    {"a": [2]},
    {"a": []},
    DBRef("other", 1),
    {"a": DBRef("other", 1)},
    {"a": Regex("x", "i")},
    {"a": Regex("x", "m")},
    {"a": Timestamp(0, 1)},
    {"a": Code("f()")},
    {"a": Code("f()", {})},
    SON([("room", "r"), ("seat", 1)]),
    SON([("room", "r"), ("seat", 10)]),
    SON([("room", "r"), ("seat", 9.5)]),
    SON([("room", "r\0"), ("seat", 0)]),
    SON([("seat", 1), ("room", "r")]),
    b"",
    b"\xff",
    b"\0\0",
    Binary(b"\0\0", 0x80),
    b"abc",
    uuid.UUID(int=1).bytes,
    Binary(uuid.UUID(int=1).bytes, 4),
    Binary(uuid.UUID(int=2).bytes, 4),
    ObjectId("000000000000000000000000"),
    ObjectId("ffffffffffffffffffffffff"),
    False,
    True,
    DatetimeMS(-(2**62)),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    DatetimeMS(2**62),
    Timestamp(0, 1),
    Timestamp(0, 2),
    Timestamp(2**32 - 1, 0),
    Code(""),
    Code("f()"),
    Code("f()", {"x": 1}),
    MaxKey(),
]


@pytest.fixture
def collection(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Collection[Any]]:
    name = f"order_{uuid.uuid4().hex[:12]}"
    yield mongo_client[name]["ids"]
    mongo_client.drop_database(name)


def in_the_servers_order(collection: Collection[Any]) -> list[bytes]:
    """All documents in the order of the index on `_id`."""
    raw: Any = collection.find_raw_batches({}).sort("_id", 1).hint([("_id", 1)])
    return [document for batch in raw for document in _split(batch)]


def _split(batch: bytes) -> Iterator[bytes]:
    while batch:
        size = int.from_bytes(batch[:4], "little")
        yield batch[:size]
        batch = batch[size:]


def test_ids_of_all_types_sort_as_on_the_server(collection: Collection[Any]) -> None:
    shuffled = random.Random(SEED).sample(IDS, len(IDS))
    collection.insert_many([{"_id": identifier} for identifier in shuffled])
    stored = in_the_servers_order(collection)
    here = sorted(shuffled, key=sort_key)
    assert [bson.encode({"_id": identifier}) for identifier in here] == stored


def test_what_the_driver_decodes_sorts_as_what_was_sent(collection: Collection[Any]) -> None:
    collection.insert_many([{"_id": identifier} for identifier in IDS])
    keys = [sort_key(id_of(document)) for document in in_the_servers_order(collection)]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(IDS)


@pytest.mark.parametrize("seed", range(5))
def test_random_ids_sort_as_on_the_server(collection: Collection[Any], seed: int) -> None:
    rng = random.Random(seed)
    ids = {sort_key(one): one for one in (_random(rng, depth=0) for _ in range(600))}
    collection.insert_many([{"_id": identifier} for identifier in ids.values()])
    here = [bson.encode({"_id": ids[key]}) for key in sorted(ids)]
    assert here == in_the_servers_order(collection)


@pytest.mark.parametrize(
    "equal",
    [
        (1, Int64(1), 1.0, Decimal128("1"), Decimal128("1.00"), Decimal128("0.1E+1")),
        (0, 0.0, -0.0, Decimal128("-0"), Decimal128("0E+3")),
        (2**53 + 1, Decimal128(str(2**53 + 1))),
        (float("nan"), Decimal128("NaN"), Decimal128("-NaN")),
        (float("inf"), Decimal128("Infinity")),
        ({"a": 1}, {"a": 1.0}),
    ],
    ids=str,
)
def test_what_is_one_key_for_the_server_is_one_key_here(collection: Collection[Any], equal: tuple[Any, ...]) -> None:
    assert len({sort_key(identifier) for identifier in equal}) == 1
    collection.insert_one({"_id": equal[0]})
    assert [collection.count_documents({"_id": identifier}) for identifier in equal] == [1] * len(equal)


@pytest.mark.parametrize(
    "different", [(1, True), (1, "1"), (0.1, Decimal128("0.1")), (2**53 + 1, float(2**53)), (b"a", Binary(b"a", 0x80))]
)
def test_what_are_two_keys_for_the_server_are_two_here(collection: Collection[Any], different: tuple[Any, Any]) -> None:
    assert sort_key(different[0]) != sort_key(different[1])
    collection.insert_many([{"_id": identifier} for identifier in different])


def test_the_id_is_read_without_what_follows_it() -> None:
    for identifier in IDS:
        document = bson.encode({"_id": identifier, "more": "x" * 100})
        assert bson.encode({"_id": id_of(document)}) == bson.encode({"_id": identifier})


def _random(rng: random.Random, *, depth: int) -> Any:
    makers: list[Any] = [
        lambda: rng.randrange(-5, 5),
        lambda: rng.randrange(-(2**63), 2**63),
        lambda: rng.choice([-1, 1]) * rng.random() * 10 ** rng.randrange(-5, 20),
        lambda: Decimal128(f"{rng.randrange(-999, 999)}E{rng.randrange(-4, 4)}"),
        lambda: "".join(rng.choice("aAé\0 𠮷\uffee") for _ in range(rng.randrange(4))),
        lambda: rng.randbytes(rng.randrange(4)),
        lambda: Binary(rng.randbytes(2), rng.choice([4, 0x80])),
        lambda: ObjectId(rng.randbytes(12)),
        lambda: rng.random() < 0.5,
        lambda: DatetimeMS(rng.randrange(-(2**45), 2**45)),
        lambda: Timestamp(rng.randrange(3), rng.randrange(3)),
        lambda: None,
    ]
    if depth < 2:
        makers += [lambda: _random_object(rng, depth)] * 3
    if depth:
        makers.append(lambda: [_random(rng, depth=2) for _ in range(rng.randrange(3))])
    return rng.choice(makers)()


def _random_object(rng: random.Random, depth: int) -> dict[str, Any]:
    return {name: _random(rng, depth=depth + 1) for name in rng.sample("abc", rng.randrange(4))}

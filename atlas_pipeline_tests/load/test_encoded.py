"""Documents are taken apart by their bytes: every field of every type, whole, and nothing else."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import SON, Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.raw_bson import RawBSONDocument

from atlas_pipeline.load.encoded import elements, end_of, first_element

VALUES: dict[str, Any] = {
    "double": 1.5,
    "string": "text with \0 inside",
    "empty string": "",
    "object": {"a": {"b": {}}},
    "array": [1, [2, [3]], {}],
    "bytes": b"\0\1",
    "bytes of another kind": Binary(b"\0" * 16, 4),
    "old bytes": Binary(b"\0\1", 2),
    "object id": ObjectId(),
    "true": True,
    "date": datetime(2026, 1, 1, tzinfo=UTC),
    "null": None,
    "regular expression": Regex("a.*\\.b", "ix"),
    "empty regular expression": re.compile(""),
    "code": Code("f()"),
    "code with scope": Code("f()", {"x": 1}),
    "int": 7,
    "timestamp": Timestamp(1, 2),
    "long": Int64(7),
    "decimal": Decimal128("1.50"),
    "reference": DBRef("other", 1),
    "least": MinKey(),
    "most": MaxKey(),
    "a name with . and $": 1,
    "": "a name that is empty",
    "é𠮷": "a name that is not ASCII",
}
UNDEFINED = b"\x0c\0\0\0\x06old\0\x10z\0\1\0\0\0\0"
SYMBOL = b"\x0eold\0\x02\0\0\0x\0"
POINTER = b"\x0cold\0\x02\0\0\0x\0" + b"\1" * 12


def document_of(*parts: bytes) -> bytes:
    body = b"".join(parts)
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


@pytest.mark.parametrize("name", VALUES)
def test_a_field_of_every_type_is_taken_whole(name: str) -> None:
    document = bson.encode(SON([("before", 1), (name, VALUES[name]), ("behind", "x")]))
    alone = bson.encode({name: VALUES[name]})
    found = elements(document)
    assert list(found) == [b"before\0", name.encode() + b"\0", b"behind\0"]
    assert found[name.encode() + b"\0"] == alone[4:-1]
    assert first_element(alone) == alone[4:-1]


@pytest.mark.parametrize("part", [b"\x06old\0", SYMBOL, POINTER], ids=["undefined", "symbol", "pointer"])
def test_types_that_nobody_writes_any_more_are_taken_whole_too(part: bytes) -> None:
    behind = b"\x10z\0\1\0\0\0"
    document = document_of(part, behind)
    assert elements(document) == {b"old\0": part, b"z\0": behind}
    assert first_element(document) == part


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_of_any_document_make_the_document_again(seed: int) -> None:
    rng = random.Random(seed)
    names = rng.choices(list(VALUES), k=rng.randrange(1, 12))
    made = bson.encode(SON([(f"{name}{position}", VALUES[name]) for position, name in enumerate(names)]))
    assert document_of(*elements(made).values()) == made
    raw = RawBSONDocument(made)
    assert [name[:-1].decode() for name in elements(made)] == list(raw)


def test_an_empty_document_has_no_fields() -> None:
    assert elements(bson.encode({})) == {}


def test_the_end_of_a_value_is_told_without_reading_it() -> None:
    made = bson.encode({"a": "x" * 1_000, "b": 1})
    assert end_of(made, made[4], 7) == len(made) - 8

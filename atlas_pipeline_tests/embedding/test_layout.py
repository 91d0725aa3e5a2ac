"""The two last fields, byte by byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import numpy as np
import pytest
from bson.binary import Binary
from bson.code import Code
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp

from atlas_pipeline.embedding import layout
from atlas_pipeline.embedding.layout import Info
from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.embedding.events import EMBEDDING, EVENTS

SMALL = replace(EMBEDDING, dimensions=12)
INFO = Info(model="a model", text_hash="0" * 32, dimensions=12, norm=1.0)
EVERY = {
    "double": 1.5,
    "text": "",
    "object": {},
    "array": [],
    "binary": b"123",
    "uuid": Binary(bytes(16), 4),
    "id": ObjectId(),
    "truth": True,
    "date": datetime(2024, 5, 6, tzinfo=UTC),
    "null": None,
    "pattern": Regex("a.b", "i"),
    "code": Code("f()"),
    "scoped": Code("f()", {"a": 1}),
    "int": 1,
    "stamp": Timestamp(1, 2),
    "long": Int64(1),
    "decimal": Decimal128("1.50"),
    "least": MinKey(),
    "most": MaxKey(),
}
HARD: list[dict[str, Any]] = [
    {},
    EVERY,
    {"_id": 1},
    {"_id": "a", "note": "text that ends with \x04embedding"},
    {"_id": "a", "note": Binary(b"\x04embedding\x00\x05\x00\x00\x00\x00\x03embedding_info\x00\x05\x00\x00\x00\x00")},
    {"_id": 1, "inner": {"embedding": [1.0], "embedding_info": {"model": "other"}}},
    {"_id": 1, "inner": [{"embedding": None, "embedding_info": {}}]},
    {"_id": 1, "embedding": [1.0], "other": 2},
]


def _vectors(count: int, dimensions: int = 12) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(3).normal(size=(count, dimensions)).astype(np.float32)


@pytest.mark.parametrize("dimensions", [1, 2, 10, 11, 101, 384, 1536])
def test_an_array_has_the_bytes_that_the_driver_would_write(dimensions: int) -> None:
    vectors = _vectors(3, dimensions)
    expected = [bson.encode({"": vector.tolist()})[6:-1] for vector in vectors]
    assert layout.encoded(vectors) == expected


def test_the_floats_arrive_exactly() -> None:
    vectors = _vectors(5)
    vectors[0, :4] = [0.0, -0.0, 1e-45, 3.4028235e38]
    arrays = layout.encoded(vectors)
    found = layout.numbers(arrays, 12)
    assert found is not None
    assert found.astype(np.float32).tobytes() == vectors.tobytes()
    assert layout.numbers([bson.encode({"": list(range(12))})[6:-1].ljust(len(arrays[0]), b"\0")], 12) is None


@pytest.mark.parametrize("document", HARD)
@pytest.mark.parametrize("with_vector", [True, False])
def test_a_document_with_its_vector_is_the_canonical_one_with_two_more_fields(
    document: dict[str, Any], with_vector: bool
) -> None:
    canonical = bson.encode(document)
    vector = _vectors(1)
    arrays = layout.encoded(vector) if with_vector else [None]
    (result,) = layout.append([canonical], arrays, [INFO], SMALL)
    expected = document | {
        "embedding": vector[0].tolist() if with_vector else None,
        "embedding_info": {"model": "a model", "text_hash": "0" * 32, "dimensions": 12, "norm": 1.0},
    }
    if "embedding" not in document:
        assert result == bson.encode(expected)
    assert result[4 : len(canonical) - 1] == canonical[4:-1]
    parts = layout.split(result, SMALL)
    assert parts is not None
    assert parts[0] == canonical
    assert list(parts[1].items()) == list(expected.items())[-2:] or "embedding" in document
    assert layout.canonical_part(result, replace(EVENTS, embedding=SMALL)) == canonical


@pytest.mark.parametrize("document", HARD)
def test_a_document_without_the_two_fields_at_its_end_is_canonical_as_it_is(document: dict[str, Any]) -> None:
    assert layout.canonical_part(bson.encode(document), EVENTS) == bson.encode(document)
    assert layout.split(bson.encode(document), EMBEDDING) is None


def test_a_field_with_the_name_of_the_vector_is_refused() -> None:
    with pytest.raises(SpecError, match="not free"):
        layout.require_room(replace(EVENTS, columns=(*EVENTS.columns, text("embedding")), document=()))
    with pytest.raises(SpecError, match="not free"):
        layout.require_room(replace(EVENTS, embedding=replace(EMBEDDING, info_path="embedding")))

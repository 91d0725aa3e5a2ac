from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions

from atlas_pipeline.quality.bson_types import StandIn, bson_type_name

WITH_ZONES: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "bool"),
        (1, "int"),
        (-(2**31), "int"),
        (2**31, "long"),
        (Int64(1), "long"),
        (1.0, "double"),
        (float("nan"), "double"),
        ("text", "string"),
        (datetime(2026, 1, 1, tzinfo=UTC), "date"),
        ({"a": 1}, "object"),
        ([1], "array"),
        (b"bytes", "binData"),
        (Binary(b"bytes", 4), "binData"),
        (ObjectId(), "objectId"),
        (Decimal128("1.5"), "decimal"),
        (Regex("a"), "regex"),
        (Timestamp(1, 1), "timestamp"),
    ],
)
def test_a_value_keeps_its_type_name_on_the_way_through_bson(value: Any, name: str) -> None:
    decoded = bson.decode(bson.encode({"value": value}), WITH_ZONES)["value"]
    assert bson_type_name(decoded) == name


def test_a_value_that_no_collection_can_hold_is_named_by_its_class() -> None:
    assert bson_type_name({1, 2}) == "set"


def test_a_stand_in_reports_the_type_of_what_it_stands_for_also_after_pickling() -> None:
    stand_in = pickle.loads(pickle.dumps(StandIn("(object of 3 fields)", bson_type="object")))
    assert stand_in == "(object of 3 fields)"
    assert bson_type_name(stand_in) == "object"

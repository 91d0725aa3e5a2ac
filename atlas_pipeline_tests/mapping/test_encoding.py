"""Documents encoded many at a time are those that are encoded one by one."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson.errors import InvalidDocument
from hypothesis import given
from hypothesis import strategies as st

from atlas_pipeline.mapping.encoding import encode_all

VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary()
DOCUMENTS = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5),
    st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    max_size=4,
).map(lambda rest: {"_id": 1} | {name: value for name, value in rest.items() if name != "_id"})


@given(st.lists(DOCUMENTS, max_size=30))
def test_many_at_once_are_the_same_bytes_as_one_by_one(documents: list[dict[str, Any]]) -> None:
    assert encode_all(documents) == [bson.encode(document) for document in documents]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 99, 100, 101, 1_000, 1_001, 10_001])
def test_no_number_of_documents_is_cut_in_the_wrong_place(count: int) -> None:
    documents = [{"_id": number, "text": "x" * (number % 7)} for number in range(count)]
    assert encode_all(documents) == [bson.encode(document) for document in documents]


@pytest.mark.parametrize(
    ("value", "error"), [(object(), InvalidDocument), (2**63, OverflowError), ("\ud800", UnicodeEncodeError)]
)
def test_what_bson_cannot_hold_is_refused_as_ever(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        encode_all([{"_id": 1}, {"_id": 2, "value": value}])

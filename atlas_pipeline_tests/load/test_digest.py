"""Hashes of keys, of many documents at once."""

from __future__ import annotations

from typing import Any

import bson
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from atlas_pipeline.load.digest import key_hash, key_hashes

IDS = st.one_of(
    st.lists(st.text(alphabet="abcö\x00", min_size=3, max_size=3)),
    st.lists(st.text(max_size=3)),
    st.lists(st.one_of(st.text(max_size=2), st.integers(-2, 2), st.none(), st.just(Decimal128("1.0")))),
    st.lists(st.fixed_dictionaries({"a": st.text(max_size=1), "b": st.integers(0, 3)})),
)


@given(ids=IDS)
def test_the_hashes_of_many_keys_are_those_of_each(ids: list[Any]) -> None:
    documents = [bson.encode({"_id": identifier, "more": 1}) for identifier in ids]
    assert key_hashes(documents) == b"".join(map(key_hash, documents))

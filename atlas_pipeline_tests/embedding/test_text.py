"""The recipe of the text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atlas_pipeline.embedding.text import EmbeddingText, text_hash
from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.shorthand import double, text, utc
from atlas_pipeline.spec.storage import Embedding
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.embedding.events import EMBEDDING, EVENTS, event


def test_a_text_is_label_and_value_of_columns_then_of_the_entries_in_key_order() -> None:
    row = event(1, metric="logins per hour", score=4, evidence={"period": 24, "changepoint": "late", "mad": 0.125})
    assert EmbeddingText(EVENTS).texts([row]) == [
        "metric: logins per hour | score: 4.00 | changepoint: late | mad: 0.12 | period: 24.00"
    ]


def test_nulls_arrays_and_objects_are_left_out_and_booleans_count_as_numbers() -> None:
    evidence = {"on": True, "off": False, "none": None, "list": [1, 2], "inner": {"a": 1}, "empty": ""}
    assert EmbeddingText(EVENTS).texts([event(1, score=None, evidence=evidence)]) == [
        "metric: logins | empty:  | off: 0.00 | on: 1.00"
    ]


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (0, "0.00"),
        (1e6, "1000000.00"),
        (-2.5, "-2.50"),
        (0.005, "0.01"),
        (1e-9, "0.00"),
        (2**53, "9007199254740992.00"),
    ],
)
def test_numbers_always_have_two_decimals(score: float, told: str) -> None:
    assert EmbeddingText(EVENTS).texts([event(1, metric=None, score=score)]) == [f"score: {told}"]


def test_strings_stay_as_they_are() -> None:
    strange = "  a | b: c \u0394 \n"
    assert EmbeddingText(EVENTS).texts([event(1, metric=strange, score=None)]) == [f"metric: {strange}"]


def test_the_order_of_the_keys_in_the_source_does_not_matter() -> None:
    one, two = event(1, evidence={"a": 1, "b": 2}), event(1, evidence={"b": 2, "a": 1})
    assert len(set(EmbeddingText(EVENTS).hashes([one, two]))) == 1


def test_a_row_of_which_nothing_can_be_told_has_the_empty_text() -> None:
    assert EmbeddingText(EVENTS).texts([event(1, metric=None, score=None), event(2)])[0] == ""


def test_a_null_with_a_default_is_told_as_its_default() -> None:
    table = TableSpec(
        source="events",
        collection="events",
        key=("id",),
        columns=(EVENTS.columns[0], double("score", default="0.5")),
        embedding=replace(EMBEDDING, columns=("score",), objects=()),
    )
    assert EmbeddingText(table).texts([("event", None)]) == ["score: 0.50"]


def test_a_hash_is_of_the_utf8_text_and_has_thirty_two_digits() -> None:
    assert text_hash("") == "cae66941d9efbd404e4d88758ea67670"
    assert text_hash("\u0394") != text_hash("D")
    assert len(text_hash("\u0394")) == 32


def _table(embedding: Embedding) -> TableSpec:
    columns = (*EVENTS.columns, utc("seen"), text("token", secret=True))
    return replace(EVENTS, columns=columns, document=(), embedding=embedding)


@pytest.mark.parametrize("wrong", [{"columns": ("seen",)}, {"columns": ("token",)}, {"objects": ("metric",)}])
def test_a_column_that_cannot_be_told_or_must_not_be_is_refused(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(SpecError, match="embedding reads"):
        EmbeddingText(_table(replace(EMBEDDING, **wrong)))


def test_a_table_without_an_embedding_has_no_text() -> None:
    with pytest.raises(SpecError, match="no embedding"):
        EmbeddingText(replace(EVENTS, embedding=None))

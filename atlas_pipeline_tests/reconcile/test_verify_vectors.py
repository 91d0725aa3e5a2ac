"""Of a table with vectors, the canonical part is compared byte for byte, and the vector by its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_pipeline.embedding.embedder import make_embedder
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, kinds, proof
from atlas_pipeline_tests.reconcile.proof_tables import TALES

ROWS = 250


@pytest.fixture
def tales(mongo_server: MongoServer, tmp_path: Path) -> Iterator[Proof]:
    """A table with vectors that is as it should be."""
    embedder = make_embedder("hashing", 384)
    with proof(mongo_server.uri, f"sqlite:///{tmp_path / 'source.sqlite3'}", tmp_path, embedder=embedder) as made:
        rows = [(f"tale-{n:03}", n, f"once upon a time {n}" if n % 10 else None) for n in range(ROWS)]
        facts = made.table(TALES, rows)
        assert facts.loaded == ROWS
        yield made


def test_right_vectors_are_equal(tales: Proof) -> None:
    verification = tales.verify(TALES)
    assert (found(verification), accounted(verification)) == ([], (ROWS, ROWS, ROWS, 0))
    assert verification.strictly_equal
    assert tales.verify(TALES, mode="sampled").strictly_equal


def opposite(document: dict[str, Any]) -> None:
    document["embedding"] = [number * 2 for number in document["embedding"]]


def other_text(document: dict[str, Any]) -> None:
    document["embedding_info"]["text_hash"] = "0" * len(document["embedding_info"]["text_hash"])


def other_model(document: dict[str, Any]) -> None:
    document["embedding_info"]["model"] = "another"


def shorter(document: dict[str, Any]) -> None:
    document["embedding"].pop()


def none(document: dict[str, Any]) -> None:
    document["embedding"] = None


def without(document: dict[str, Any]) -> None:
    del document["embedding"], document["embedding_info"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (opposite, "the norm of the vector"),
        (other_text, "the vector is of another text"),
        (other_model, "the vector is of another"),
        (shorter, "the vector has 383 dimensions"),
        (none, "the vector has 0 dimensions"),
        (without, "it does not end with embedding"),
    ],
)
def test_a_wrong_vector_is_a_wrong_value(tales: Proof, spoil: Callable[[dict[str, Any]], None], says: str) -> None:
    document = tales.live(TALES).find_one({"_id": "tale-007"})
    spoil(document)
    tales.live(TALES).replace_one({"_id": "tale-007"}, document)
    verification = tales.verify(TALES)
    (difference,) = verification.differences
    assert (difference.kind, difference.key, difference.fields[0].path) == ("value", "tale-007", "embedding")
    assert says in difference.why
    assert accounted(verification) == (ROWS, ROWS, ROWS - 1, 0)


def test_a_row_whose_text_changed_has_a_wrong_value_and_a_wrong_vector(tales: Proof) -> None:
    tales.change("UPDATE tales SET tale = 'another end' WHERE id = ?", "tale-007")
    (difference,) = tales.verify(TALES).differences
    assert [field.path for field in difference.fields] == ["tale"]
    assert "the vector is of another text" in difference.why


def test_other_fields_are_compared_as_ever(tales: Proof) -> None:
    live = tales.live(TALES)
    live.update_one({"_id": "tale-007"}, {"$set": {"team": 8}})
    live.delete_one({"_id": "tale-008"})
    live.insert_one({"_id": "tale-009x"})
    assert kinds(tales.verify(TALES)) == [
        ("value", "tale-007"),
        ("missing_in_target", "tale-008"),
        ("extra_in_target", "tale-009x"),
    ]

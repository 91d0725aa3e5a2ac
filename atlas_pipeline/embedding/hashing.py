"""An embedder without a model: texts that share words and letter sequences get near vectors.

It knows nothing of meaning, needs nothing to be installed, and gives the same bits on every machine: the sums are of
whole numbers, so no order of summation changes them. Its name says that it is no model. What does not belong here:
real models.
"""

from __future__ import annotations

import re
import zlib

import numpy as np
from numpy.typing import NDArray

MAX_TEXT_BYTES = 8_192
"""What is read of a text, in bytes of UTF-8."""

_GRAMS = (3, 4)
_WORD_WEIGHT = 3
_WORD_TAG = 0xFF
_WORD = re.compile(rb"[0-9a-z_.+\x80-\xff-]+")
_AT_ONCE = 512
"""Texts whose features are held in memory at the same time."""


class HashingEmbedder:
    """Signed feature hashing of words and of byte sequences; case is ignored for ASCII letters only.

    Args:
        dimensions: Length of the vectors.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.model = f"hashing-{dimensions}-v1 (no model)"

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """One vector of unit length per text, in their order."""
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            vectors[start : start + len(part)] = self._embed([text.encode()[:MAX_TEXT_BYTES].lower() for text in part])
        return vectors

    def _embed(self, texts: list[bytes]) -> NDArray[np.float64]:
        sums = _sums(*_gram_features(texts), 1, texts=len(texts), dimensions=self.dimensions)
        sums += _sums(*_word_features(texts), _WORD_WEIGHT, texts=len(texts), dimensions=self.dimensions)
        squares = (sums * sums).sum(axis=1)
        sums[squares == 0, 0] = 1.0  # features of different sign may cancel out; a unit vector it must be
        squares[squares == 0] = 1.0
        unit: NDArray[np.float64] = sums / np.sqrt(squares)[:, None]
        return unit


Features = tuple[NDArray[np.uint64], NDArray[np.int64]]
"""A number for each feature, and the text that it is of."""


def _gram_features(texts: list[bytes]) -> Features:
    padded = [b" " + text + b" " for text in texts]
    letters = np.frombuffer(b"".join(padded), dtype=np.uint8).astype(np.uint64)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in padded])
    codes, of = [], []
    for length in _GRAMS:
        count = len(letters) - length + 1
        if count < 1:
            continue
        code = np.full(count, length << 56, dtype=np.uint64)
        for offset in range(length):
            code |= letters[offset : offset + count] << np.uint64(8 * offset)
        inside = owners[:count] == owners[length - 1 :]
        codes.append(code[inside])
        of.append(owners[:count][inside])
    return np.concatenate(codes), np.concatenate(of)


def _word_features(texts: list[bytes]) -> Features:
    words = [_WORD.findall(text) for text in texts]
    codes = [zlib.crc32(word) | _WORD_TAG << 56 for found in words for word in found]
    return np.array(codes, dtype=np.uint64), np.repeat(np.arange(len(texts)), [len(found) for found in words])


def _sums(
    codes: NDArray[np.uint64], owners: NDArray[np.int64], weight: int, *, texts: int, dimensions: int
) -> NDArray[np.float64]:
    """The weighted sum of the features' signs per text and dimension."""
    mixed = _mix(codes)
    places = owners * dimensions + (mixed % np.uint64(dimensions)).astype(np.int64)
    signs = np.where(mixed >> np.uint64(63), -float(weight), float(weight))
    sums = np.bincount(places, weights=signs, minlength=texts * dimensions).astype(np.float64, copy=False)
    return sums.reshape(texts, dimensions)


def _mix(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spreads every bit of a number over all others, modulo 2^64 (the finalizer of SplitMix64)."""
    mixed = codes ^ (codes >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed

"""Which fields of two encoded documents differ. Documents are decoded only when their bytes do."""

from __future__ import annotations

from typing import Any

import bson
from bson.codec_options import CodecOptions

_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
MISSING = "(no document)"


def decode(document: bytes) -> dict[str, Any]:
    """A document as Python values, dates with their zone."""
    return bson.decode(document, _OPTIONS)


def differing_fields(expected: bytes, actual: bytes) -> tuple[str, ...]:
    """Names of the fields whose BSON differs, types and number widths included; `(field order)` when only that does."""
    if expected == actual:
        return ()
    left, right = decode(expected), decode(actual)
    names = [*left, *(name for name in right if name not in left)]
    differing = tuple(
        name
        for name in names
        if (name in left) != (name in right) or bson.encode({"": left[name]}) != bson.encode({"": right[name]})
    )
    return differing or ("(field order)",)

"""Which fields of two encoded documents differ. Documents are decoded only when their bytes do."""

from __future__ import annotations

from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from atlas_pipeline.load.encoded import elements

_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_RAW_OPTIONS: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, tz_aware=True)
MISSING = "(no document)"
FIELD_ORDER = "(field order)"


def decode(document: bytes) -> dict[str, Any]:
    """A document as Python values, dates with their zone. Every sub-document is a dict."""
    # The driver makes a DBRef of an object with the keys $ref and $id, which a JSON schema may have too.
    if b"\x02$ref\0" in document:
        return {name: _plain(value) for name, value in RawBSONDocument(document, _RAW_OPTIONS).items()}
    return bson.decode(document, _OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, RawBSONDocument):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def differing_fields(expected: bytes, actual: bytes) -> tuple[str, ...]:
    """Names of the fields whose BSON differs, types and number widths included; `(field order)` when only that does."""
    if expected == actual:
        return ()
    left, right = elements(expected), elements(actual)
    names = [*left, *(name for name in right if name not in left)]
    differing = (name for name in names if left.get(name) != right.get(name))
    return tuple(name[:-1].decode("utf-8", "replace") for name in differing) or (FIELD_ORDER,)

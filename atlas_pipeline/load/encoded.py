"""Encoded documents taken apart without decoding them: fields as the bytes they are.

What does not belong here: what the bytes mean.
"""

from __future__ import annotations

import struct

OBJECT, ARRAY = 0x03, 0x04
_REGEX = 0x0B
_SIZES = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
"""Sizes in bytes of BSON values that are always the same."""
_BESIDE_LENGTH = {0x02: 4, 0x0D: 4, 0x0E: 4, 0x05: 5, 0x0C: 16, 0x03: 0, 0x04: 0, 0x0F: 0}
"""Bytes of a value that begins with a length, beside those that the length counts."""
_length = struct.Struct("<i").unpack_from


def elements(document: bytes) -> dict[bytes, bytes]:
    """The fields of an encoded document, each whole, by name with its NUL."""
    found = {}
    position, last = 4, len(document) - 1
    while position < last:
        value = document.index(0, position + 1) + 1
        kind = document[position]
        size = _SIZES.get(kind)  # here and not by `end_of` alone, for a scan comes here for every field
        end = end_of(document, kind, value) if size is None else value + size
        found[document[position + 1 : value]] = document[position:end]
        position = end
    return found


def first_element(document: bytes) -> bytes:
    """The first field of an encoded document that has one: type, name, value."""
    value = document.index(0, 5) + 1
    return document[4 : end_of(document, document[4], value)]


def end_of(document: bytes, kind: int, value: int) -> int:
    """Where a value of this type ends that begins there."""
    if (size := _SIZES.get(kind)) is not None:
        return value + size
    if kind == _REGEX:
        return document.index(0, document.index(0, value) + 1) + 1
    return value + _BESIDE_LENGTH[kind] + int(_length(document, value)[0])

"""What a case says against what is there, in words.

What belongs here: comparing documents and quarantine with the outcomes of a case. What does not: reading them
(`world.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import bson
from bson.binary import UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from atlas_pipeline.load.raw_values import storable
from atlas_pipeline_tests.cases.case import Lands, Rejected, made
from atlas_pipeline_tests.cases.world import encoded

_TYPES = {
    "double": 0x01,
    "string": 0x02,
    "object": 0x03,
    "array": 0x04,
    "binData": 0x05,
    "objectId": 0x07,
    "bool": 0x08,
    "date": 0x09,
    "null": 0x0A,
    "int": 0x10,
    "long": 0x12,
    "decimal": 0x13,
}
_NAMES = {number: name for name, number in _TYPES.items()}


def bytes_of(lands: Lands) -> bytes:
    """Type and value in BSON. Fails when the case gives a value that is not of its type."""
    value = made(lands.value)
    if lands.bson_type == "long":
        value = Int64(value)
    elif lands.bson_type == "decimal":
        value = Decimal128(value)
    elif isinstance(value, UUID):
        value = Binary(value.bytes, UUID_SUBTYPE)
    result = encoded(value)
    assert result[0] == _TYPES[lands.bson_type], f"the case is wrong: {lands} is {described(result)}"
    return result


def described(raw: bytes) -> str:
    """Type and value, short, for people."""
    value = bson.decode(bytes(_document(raw)))[""] if len(raw) < 10_000 else f"{len(raw)} bytes"
    return f"{_NAMES.get(raw[0], hex(raw[0]))} {value!r}"[:300]


def _document(raw: bytes) -> bytes:
    inner = raw[:1] + b"\0" + raw[1:] + b"\0"
    return (len(inner) + 4).to_bytes(4, "little") + inner


def differences(expected: Sequence[Mapping[str, Lands]], found: Sequence[Mapping[str, bytes]]) -> list[str]:
    """What is not as expected, a sentence for each document and field; empty when all is."""
    wanted = {_id(fields): fields for fields in ({n: bytes_of(one) for n, one in e.items()} for e in expected)}
    there = {_id(fields): fields for fields in found}
    wrong = [f"{described(key)} is missing" for key in wanted if key not in there]
    wrong += [f"{described(key)} should not be there" for key in there if key not in wanted]
    if len(there) != len(found):
        wrong.append(f"{len(found) - len(there)} documents repeat the _id of another one")
    for key in wanted.keys() & there.keys():
        names = dict.fromkeys((*wanted[key], *there[key]))
        for name in names:
            one, other = wanted[key].get(name), there[key].get(name)
            if one != other:
                wrong.append(f"{described(key)}: {name} is {_or_absent(other)} and should be {_or_absent(one)}")
    return sorted(wrong)


def rejects(expected: Iterable[tuple[list[Any], Rejected]]) -> Counter[tuple[bytes, str, str]]:
    """Key, column and code of each row that should be in quarantine."""
    return Counter(
        (_key([storable(made(value)) for value in key] if one.key is None else list(one.key)), one.column, one.code)
        for key, one in expected
    )


def entries(found: Iterable[Mapping[str, Any]]) -> Counter[tuple[bytes, str, str]]:
    """Key, column and code of each entry that is there."""
    return Counter((_key(entry["key"]), entry["column"], entry["code"]) for entry in found)


def _key(values: list[Any]) -> bytes:
    return encoded(values)


def _id(fields: Mapping[str, bytes]) -> bytes:
    return fields["_id"]


def _or_absent(raw: bytes | None) -> str:
    return "absent" if raw is None else described(raw)

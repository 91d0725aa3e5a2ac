"""Values that break careless pipelines, by name. All of them are legal and must arrive unchanged.

What belongs here: texts, JSON values and times that several tables use in their hard rows. What does not: the rows
(their table's module), references that dangle (`orphans`), and values that must be refused (`bad_rows`).
"""

from __future__ import annotations

from typing import Any

ONE_MEGABYTE = 1_048_576
INT32_LIMIT = 2**31
DOUBLE_LIMIT = 2**53  # above it a double no longer holds every integer
INT64_MAX = 2**63 - 1

HARD_TEXTS: dict[str, str] = {
    "empty": "",
    "blank": "   ",
    "newlines": "first line\nsecond line\r\nthird line\n\n\ttabbed\n",
    "trailing-blank": "  padded on both sides  ",
    "emoji": "Deploy went fine 🎉👩🏽‍🚀🇳🇱 and nobody was woken 😴",
    "combining": "Zo\u00eb and Zoe\u0308, n\u0308 o\u030a e\u030b\u0323: composed and decomposed",
    "right-to-left": "השרת לא מגיב אחרי الترقية الأخيرة \u202emixed\u202c",
    "cjk": "服务器重启完成。サーバーは正常です。서버 정상 𠮷",
    "mathematics": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 beyond the first plane, and the last code point \U0010fffd",
    "byte-order-mark": "\ufeffstarts with a byte order mark, has a zero\u200bwidth space",
    "nul": "before\x00after",
    "control": "bell \x07 escape \x1b[31mred\x1b[0m delete \x7f",
    "line-separators": "one\u2028two\u2029three\x85four\x0bfive\x0csix",
    "numeric": "0012345",
    "float-like": "1e5",
    "null-word": "null",
    "json-like": '{"role": "user", "content": [1, 2.50, null]}',
    "quotes": 'Robert\'); DROP TABLE users;-- "quoted" `back` \\ backslash \\n',
    "markup": "<script>alert('x')</script> &amp; **bold** | table |",
    "template": "{{ 7 * 7 }} ${HOME} %s %(name)s {0}",
    "one-megabyte": ("0123456789abcdef" * 3 + "padded" + "é—🎉\n") * (ONE_MEGABYTE // 64),  # 64 bytes a line
}


def nested(depth: int) -> dict[str, Any]:
    """An object that holds an object and so on, `depth` objects in all."""
    value: dict[str, Any] = {"depth": depth}
    for level in range(depth - 1, 0, -1):
        value = {"depth": level, "inner": value}
    return value


HARD_OBJECTS: dict[str, dict[str, Any]] = {
    "empty": {},
    "integers": {
        "int32": [INT32_LIMIT - 1, INT32_LIMIT, -INT32_LIMIT, -INT32_LIMIT - 1],
        "double": [DOUBLE_LIMIT - 1, DOUBLE_LIMIT, DOUBLE_LIMIT + 1],
        "int64": [INT64_MAX, -INT64_MAX - 1],
        "zero": 0,
    },
    "floats": {"tenth": 0.1, "sum": 0.1 + 0.2, "nano": 1e-9, "huge": 1e300, "tiny": 5e-324, "whole": 1.0, "zero": -0.0},
    "like-but-not-equal": {"int": 1, "float": 1.0, "text": "1", "bool": True, "list": [1], "false": 0, "none": None},
    "unicode": {
        "schlüssel": "wert",
        "ключ": "значение",
        "🔑": "🎉",
        "e\u0301": "decomposed key",
        "\u00e9": "composed key",
    },
    "awkward-keys": {"a.b": 1, "$set": {"$inc": 2}, "": "empty key", " ": "blank", "0": "zero", "a\nb": 3, '"': 4},
    "keys-by-case": {"Name": 1, "name": 2, "NAME": 3, "name ": 4},
    "key-order": {"z": 1, "a": 2, "m": {"y": 1, "b": 2}, "10": 1, "9": 2},
    "nested": nested(40),
    "empties": {"object": {}, "array": [], "text": "", "null": None, "arrays": [[], [[]], [{}], [None]]},
    "dates": {"iso": "2025-05-01T10:00:00+02:00", "utc": "2025-05-01T08:00:00Z", "plain": "2025-05-01 08:00:00"},
    "extended-json": {"$oid": "507f1f77bcf86cd799439011", "when": {"$date": "2025-05-01T08:00:00Z"}, "_id": "inner"},
    "json-schema": {"type": "object", "properties": {"host": {"$ref": "#/definitions/host"}}, "required": ["host"]},
    "control": {"nul": "before\x00after", "lines": "one\ntwo\r\nthree", "separator": "a\u2028b"},
    "long-list": {"values": list(range(2_000))},
}

HARD_TIMES: dict[str, str] = {
    "no-fraction": "2025-03-30 02:30:00",
    "zero-fraction": "2025-03-30 02:30:00.000000",
    "whole-milliseconds": "2025-06-30 12:00:00.123000",
    "microseconds": "2025-06-30 12:00:00.123456",
    "last-microsecond": "2025-12-31 23:59:59.999999",
    "first-microsecond": "2025-01-01 00:00:00.000001",
    "leap-day": "2024-02-29 23:59:59",
}
FAR_TIMES: dict[str, str] = {
    "before-1970": "1969-12-31 23:59:59.999001",  # its milliseconds are negative, and cutting is not rounding down
    "first-year": "0001-01-01 00:00:00.000000",
    "last-year": "9999-12-31 23:59:59.999999",
}

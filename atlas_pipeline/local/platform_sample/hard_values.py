"""Values that break careless pipelines and that several tables of the platform sample use. All of them are legal.

What belongs here: times, JSON texts and names. What does not: the rows (the other hard modules), and values that must
be refused (`dirty`).
"""

from __future__ import annotations

from typing import Any

from atlas_pipeline.local.sample.hard_values import FAR_TIMES, HARD_OBJECTS, HARD_TIMES

INT32_MAX = 2**31 - 1
DEEPEST = 100  # levels of nesting that JSON may have

NEAR_MOMENTS: dict[str, str] = {name: f"{text}+00:00" for name, text in HARD_TIMES.items()}
FAR_MOMENTS: dict[str, str] = {name: f"{text}+00:00" for name, text in FAR_TIMES.items()}
OUTSIDE_32_BITS: dict[str, str] = {
    "before-1970": "1969-12-31 23:59:59.999001+00:00",
    "after-2038": "2040-02-29 12:00:00.000001+00:00",
}
"""Moments that a 32-bit count of seconds since 1970 does not hold; time-series buckets are named by such a count."""

UNUSUAL_JSON: dict[str, str] = {
    "whitespace": '\n\t{ "z" :1 ,\r\n "a" : [ 1 ,2 , {"y":null ,"b" : true } ]\n}  ',
    "no-blanks": '{"b":{"d":1,"c":2},"a":"x"}',
    "raw-unicode": '{"schlüssel": "größe", "🔑": "鍵", "\\u00e9": "escaped"}',
    "escapes": '{"path": "C:\\\\temp\\/x", "quote": "\\"", "tab": "\\t", "pair": "\\ud83d\\ude00"}',
}
"""JSON objects as a text column keeps them: written by other programs than the application."""

JSONB_NUMBERS = '{"trailing": 3.50, "exponent": 1e2, "minus_zero": -0.0, "small": 1.5e-7}'
"""Numbers that JSONB rewrites: it keeps the zero of 3.50, writes 100, 0.0 and 0.00000015 for the others."""

# JSONB refuses NUL in a text and writes 1e300 as an integer of 301 digits.
JSONB_OBJECTS: dict[str, dict[str, Any]] = {
    name: value for name, value in HARD_OBJECTS.items() if name not in ("control", "floats")
}

HARD_NAMES: dict[str, str] = {
    "empty": "",
    "blank": " ",
    "digits": "42",
    "digits-with-zeros": "0042",
    "like-a-number": "1e5",
    "lower": "case-1",
    "upper": "CASE-1",
    "trailing-blank": "case-1 ",
    "composed": "zo\u00eb",
    "decomposed": "zoe\u0308",
    "punctuation": "CASE/2025 #7 ?x=1&y=%20;--'\"",
    "dollar-and-dots": "$case.1.2",
    "beyond-first-plane": "case 🎉 𠮷",
    "longest": "x" * 255,
}
"""Texts of at most 255 characters for keys; some are equal to a careless comparison."""


def large_progress() -> str:
    """A progress of over 10 MB: what an investigation of 205,000 transactions leaves."""
    risks = [(n * 7_919 % 999 + 1) / 1_000 for n in range(999)]
    scores = ", ".join(f'"transaction/2025/checkout-web/{n:012}": {risks[n % 999]}' for n in range(205_000))
    return f'{{"current_phase": "summary", "percent_complete": 100, "transaction_scores": {{{scores}}}}}'

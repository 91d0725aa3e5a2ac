"""Rows of transaction_scores and investigation_templates that are hard to move, all of them legal.

What belongs here: scores out of range, keys that look alike, tags in every encoding. What does not: rows that must be
refused (`dirty`).
"""

from __future__ import annotations

from collections.abc import Iterator

from atlas_pipeline.local.platform_sample.audit import deleted_investigation
from atlas_pipeline.local.platform_sample.hard_values import (
    FAR_MOMENTS,
    HARD_NAMES,
    INT32_MAX,
    NEAR_MOMENTS,
    UNUSUAL_JSON,
)
from atlas_pipeline.local.platform_sample.investigations import investigation
from atlas_pipeline.local.platform_sample.world import Row, Value, World, row_key, to_json
from atlas_pipeline.local.sample.hard_values import HARD_OBJECTS, HARD_TEXTS
from atlas_pipeline.local.sample.world import variant

_SCORE: Row = {
    "investigation_id": "hard-scores",
    "transaction_id": "",
    "risk_score": 0.5,
    "created_at": "2025-05-01 10:00:00.123456+00:00",
}
_RISKS: dict[str, float] = {
    "zero": 0.0,
    "one": 1.0,
    "minus-zero": -0.0,
    "over-one": 1.75,
    "in-percent": 87.5,
    "negative": -0.25,
    "sum": 0.1 + 0.2,
    "nano": 1e-9,
    "smallest": 5e-324,
    "large": 1e300,
}

_TEMPLATE: Row = {
    "template_id": "",
    "user_id": "maeve.quist",
    "name": "",
    "description": "A hard template",
    "tags": None,
    "template_json": to_json({"name": "{{case_name}}", "entities": [{"entity_type": "ip", "entity_value": "{{ip}}"}]}),
    "usage_count": 1,
    "last_used": None,
    "created_at": "2025-05-01 10:00:00.123456+00:00",
    "updated_at": "2025-05-01 11:30:00.654321+00:00",
}
TAGS: dict[str, str | None] = {
    "null": None,
    "empty": "",
    "blank": "   ",
    "one-word": "fraud",
    "comma-list": "fraud,refunds,weekly",
    "comma-list-with-blanks": " fraud , account takeover,weekly ",
    "comma-list-with-gaps": "fraud,,weekly,",
    "json": '["fraud", "refunds"]',
    "json-with-blanks": ' [ " fraud " ,\n"account takeover" ] ',
    "json-with-commas": '["amount > 1,000", "a, b"]',
    "json-with-quotes": '["the \\"big\\" one", "größe", "\\ud83d\\ude00"]',
    "json-empty": "[]",
    "json-null": "null",
}
"""Tags in the encodings of both writers."""

_TEMPLATES: dict[str, dict[str, Value]] = {
    "description-over-2000": {"description": "Read this before you start. " * 100},
    "description-empty": {"description": ""},
    "description-null": {"description": None},
    "name-upper": {"name": "CARD TESTING"},
    "name-lower": {"name": "card testing"},
    "name-trailing-blank": {"name": "card testing "},
    "name-longest": {"name": "n" * 255},
    "name-of-another-user": {"name": "card testing", "user_id": "bram.berg"},
    "never-used": {"usage_count": 0, "last_used": None},
    "usage-largest": {"usage_count": INT32_MAX},
    "used-before-created": {"last_used": "2025-05-01 05:00:00.000001+00:00"},
    "braces": {"template_json": '{"name": "{{ a }}", "note": "{% raw %}${HOME}{0}%s"}'},
    "flat": {"template_json": '{"entity_type": "email", "settings": {"a": 1}, "agents": ["device"]}'},
    "empty": {"template_json": "{}"},
    **{f"json-of-{name}": {"template_json": text} for name, text in UNUSUAL_JSON.items()},
    **{f"object-{name}": {"template_json": to_json({"metadata": value})} for name, value in HARD_OBJECTS.items()},
    **{f"text-{name}": {"description": text} for name, text in HARD_TEXTS.items() if name != "nul"},
    **{f"time-{name}": {"last_used": text} for name, text in {**NEAR_MOMENTS, **FAR_MOMENTS}.items()},
}


def hard_scores(world: World) -> Iterator[Row]:
    """Every hard score of this shape."""
    for name, risk in _RISKS.items():
        yield variant(_SCORE, transaction_id=name, risk_score=risk)
    for key in HARD_NAMES.values():
        yield variant(_SCORE, investigation_id="hard-keys", transaction_id=key)
        yield variant(_SCORE, investigation_id=key, transaction_id="hard-keys")
    for investigation_id, transaction_id in (("a", "bc"), ("ab", "c"), ("a/b", "c"), ("a", "b/c")):
        yield variant(_SCORE, investigation_id=investigation_id, transaction_id=transaction_id)
    for number in range(20):
        yield variant(_SCORE, investigation_id=deleted_investigation(number % 3), transaction_id=f"TXN-{number}")
        yield variant(_SCORE, investigation_id=investigation(number), transaction_id="TXN-of-several")
    if world.shape == "sql":
        for number in range(3):
            yield variant(_SCORE, transaction_id=f"no-time-{number}", created_at=None)


def hard_templates(_: World) -> Iterator[Row]:
    """Every hard template."""
    for name, tags in TAGS.items():
        yield _template(f"tags-{name}", tags=tags)
    for name, changes in _TEMPLATES.items():
        yield _template(name, **changes)


def _template(name: str, /, **changes: Value) -> Row:
    return variant(_TEMPLATE, **{"template_id": row_key("investigation_templates", name), "name": name, **changes})

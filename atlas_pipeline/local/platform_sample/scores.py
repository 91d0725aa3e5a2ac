"""Ordinary rows of transaction_scores and investigation_templates.

What belongs here: the two tables beside an investigation that are neither its trail nor its anomalies. What does not:
rows that are hard to move (`hard_investigations`).
"""

from __future__ import annotations

from collections.abc import Iterator

from atlas_pipeline.local.platform_sample.investigations import entity, investigation, transaction
from atlas_pipeline.local.platform_sample.vocabulary import ANALYSTS, TAGS, TOOLS
from atlas_pipeline.local.platform_sample.world import DAY, Row, World, fraction, row_key, scattered, time, to_json
from atlas_pipeline.local.sample.world import between, chance, pick

SCORES, TEMPLATES = "transaction_scores", "investigation_templates"


def score_rows(world: World) -> Iterator[Row]:
    """Ordinary scores, of investigations spread over the whole life of the platform."""
    rng = world.rng(SCORES)
    scored, investigations = world.size.scored_investigations, world.count("investigation_states")
    for number in range(scored):
        position = number * investigations // scored
        when = world.begun("investigation_states", position)
        for score in range(world.size.scores_per_investigation):
            yield {
                "investigation_id": investigation(position),
                "transaction_id": transaction(position, score),
                "risk_score": fraction(rng),
                "created_at": time(when + score * 1_537 + scattered(score, 1_000)),
            }


def template_rows(world: World) -> Iterator[Row]:
    """Ordinary templates; their tags are JSON text or a comma list, as either writer left them."""
    rng = world.rng(TEMPLATES)
    for position in range(world.count(TEMPLATES)):
        begun = world.begun(TEMPLATES, position)
        used = between(rng, 0, 400)
        tags = [pick(rng, TAGS), f"team-{position % 7}"]
        settings = {
            "name": "{{case_name}}",
            "entities": [entity(rng), {"entity_type": "user_id", "entity_value": "{{user_id}}"}],
            "time_range": {"duration_hours": pick(rng, (24, 168)), "type": "rolling"},
            "tools": [{"tool_name": pick(rng, TOOLS), "enabled": True, "config": {}}],
            "correlation_mode": "OR",
        }
        yield {
            "template_id": row_key(TEMPLATES, position),
            "user_id": ANALYSTS[position % len(ANALYSTS)],
            "name": f"{pick(rng, ('Card testing', 'Refund abuse', 'New merchant'))} {position}",
            "description": None if chance(rng, 0.2) else f"Start here after alert {position}.",
            "tags": (to_json(tags), ",".join(tags), None)[position % 3],
            "template_json": to_json(settings),
            "usage_count": used,
            "last_used": time(begun + between(rng, 1, 30 * DAY)) if used else None,
            "created_at": time(begun),
            "updated_at": time(begun + between(rng, 0, 20 * DAY)),
        }

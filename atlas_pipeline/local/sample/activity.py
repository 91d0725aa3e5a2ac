"""Rows about AI models and their cost: ai_model_configs and ai_activity_logs.

What belongs here: ordinary and hard rows of these two tables. What does not: the chats (`chat`) and agent sessions
(`playground`) that caused the calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from atlas_pipeline.local.sample.chat import public_session_id
from atlas_pipeline.local.sample.hard_values import DOUBLE_LIMIT, HARD_TEXTS, HARD_TIMES, INT32_LIMIT, INT64_MAX
from atlas_pipeline.local.sample.vocabulary import AGENTS, MODELS
from atlas_pipeline.local.sample.world import (
    Row,
    Value,
    World,
    between,
    chance,
    hex_digits,
    later,
    moment,
    pick,
    precise,
    variant,
)


def ai_model_configs(world: World) -> Iterator[Row]:
    """Prices and abilities of models."""
    rng = world.rng("ai_model_configs")

    def model(name: int | str, entry: tuple[str, str, str, float, float], **changes: Value) -> Row:
        created = later(moment(0.4), rng, 100)
        row: Row = {
            "id": world.key("ai_model_configs", name),
            "provider": entry[0],
            "model_id": entry[1],
            "display_name": f"{entry[2]} {entry[1]}",
            "price_input_per_million": entry[3],
            "price_output_per_million": entry[4],
            "context_window": pick(rng, (8_192, 32_768, 128_000, 200_000, 1_048_576)),
            "supports_tools": 1,
            "supports_streaming": 1,
            "supports_vision": 1 if chance(rng, 0.4) else 0,
            "is_active": 0 if chance(rng, 0.1) else 1,
            "is_preferred": 1 if chance(rng, 0.2) else 0,
            "created_at": precise(created),
            "updated_at": precise(later(created, rng, 60)),
        }
        return variant(row, **changes)

    hard = ("openai", "gpt-4o", "OpenAI", 2.5, 10.0)
    yield model("case-upper", hard, model_id="GPT-4o", price_input_per_million=0.1, price_output_per_million=1e-9)
    yield model("blank", hard, model_id="gpt-4o ", display_name="", price_output_per_million=0.1 + 0.2)
    yield model("provider-upper", hard, provider="OpenAI", display_name=None, context_window=None)
    yield model("digits", hard, model_id="0405", price_input_per_million=1e300, context_window=INT64_MAX)
    yield model(
        "unicode", hard, model_id="模型/ü🎉", context_window=DOUBLE_LIMIT + 1, created_at=HARD_TIMES["leap-day"]
    )
    yield model("whole", hard, model_id="", price_input_per_million=3, price_output_per_million=0, context_window=0)
    for position in range(world.count("ai_model_configs")):
        provider, model_id, maker, price_in, price_out = MODELS[position % len(MODELS)]
        version = "" if position < len(MODELS) else f"-{position // len(MODELS):03}"
        yield model(position, (provider, model_id + version, maker, price_in, price_out))


def ai_activity_logs(world: World) -> Iterator[Row]:
    """One row per AI call."""
    rng = world.rng("ai_activity_logs")
    yield from _hard_activity(world, rng)
    for position in range(world.count("ai_activity_logs")):
        yield _activity(world, rng, position)


def _activity(world: World, rng: Random, position: int) -> Row:
    share = position / world.count("ai_activity_logs")
    provider, model, maker, price_in, price_out = pick(rng, MODELS)
    prompt, completion = between(rng, 20, 8_000), between(rng, 5, 1_500)
    reasoning = between(rng, 0, 3_000) if chance(rng, 0.2) else 0
    generation_ms = 300 + completion * 12 + between(rng, 0, 900)
    cancelled = chance(rng, 0.02)
    failed = not cancelled and chance(rng, 0.03)
    if chance(rng, 0.6):
        session = public_session_id(world, int(share * world.count("chat_sessions")))
        app_name = "atlas-chat"
    else:
        session = world.key("playground_sessions", int(share * world.count("playground_sessions")))
        app_name = f"playground/{pick(rng, AGENTS)}"
    return {
        "id": world.key("ai_activity_logs", position),
        "generation_id": f"gen-{hex_digits(rng, 12)}" if provider == "openrouter" else None,
        "created_at": precise(moment(share * 0.99) + timedelta(seconds=rng.random())),
        "provider": provider,
        "model": model,
        "model_provider": None if maker == "local" else maker,
        "tokens_prompt": prompt,
        "tokens_completion": completion,
        "tokens_reasoning": reasoning,
        "tokens_total": prompt + completion + reasoning,
        "cost_usd": round((prompt * price_in + (completion + reasoning) * price_out) / 1e6, 6),
        "generation_time_ms": None if failed else generation_ms,
        "time_to_first_token_ms": None if failed else between(rng, 80, 900),
        "tokens_per_second": None if failed else round(completion * 1000 / generation_ms, 2),
        "streamed": 0 if chance(rng, 0.1) else 1,
        "finish_reason": None if cancelled else "error" if failed else "stop",
        "cancelled": 1 if cancelled else 0,
        "user_id": None if chance(rng, 0.1) else world.key("users", between(rng, 0, world.count("users") - 1)),
        "session_id": None if chance(rng, 0.05) else session,
        "app_name": app_name,
    }


def _hard_activity(world: World, rng: Random) -> Iterator[Row]:
    def activity(name: str, **changes: Value) -> Row:
        return variant(_activity(world, rng, 0), id=world.key("ai_activity_logs", name), **changes)

    def spent(name: str, tokens: int) -> Row:
        counts: dict[str, Value] = {"tokens_completion": 0, "tokens_reasoning": 0}
        return activity(name, tokens_prompt=tokens, tokens_total=tokens, generation_time_ms=tokens, **counts)

    yield spent("int32", INT32_LIMIT)
    yield spent("double", DOUBLE_LIMIT + 1)
    yield spent("int64", INT64_MAX)
    yield spent("zero", 0)
    for name, cost in (("tenth", 0.1), ("nano", 1e-9), ("sum", 0.1 + 0.2), ("whole", 12), ("zero", 0), ("huge", 1e300)):
        yield activity(f"cost-{name}", cost_usd=cost, tokens_per_second=cost)
    for name, text in HARD_TIMES.items():
        yield activity(f"time-{name}", created_at=text)
    measures = ("generation_time_ms", "time_to_first_token_ms", "tokens_per_second")
    names = ("generation_id", "model_provider", "finish_reason", "user_id", "session_id", "app_name")
    yield activity("all-null", **dict.fromkeys((*measures, *names)))
    yield activity("all-empty", generation_id="", model="", model_provider="", finish_reason="")
    yield activity("digits", generation_id="0042", model="1e5", session_id="0000000042", app_name="atlas-chat")
    yield activity("unicode", model="模型/ü🎉", model_provider=HARD_TEXTS["combining"], provider="unknown")
    yield activity("no-user", user_id=world.key("users", "deleted"))
    yield activity("no-chat", session_id="ai_dddddddddddddddd", app_name="atlas-chat")
    yield activity(
        "no-playground", session_id=world.key("playground_sessions", "deleted"), app_name="playground/triage"
    )

"""Rows of the agents' playground: playground_sessions and playground_usage.

What belongs here: ordinary and hard rows of these two tables. Their times are in whole seconds, because the database
wrote them. What does not belong here: chats (`chat`) and bots (`bots`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from atlas_pipeline.local.sample.hard_values import (
    DOUBLE_LIMIT,
    HARD_OBJECTS,
    HARD_TEXTS,
    HARD_TIMES,
    INT32_LIMIT,
    INT64_MAX,
)
from atlas_pipeline.local.sample.people import DIGIT_ID, ZERO_DIGIT_ID, user_name
from atlas_pipeline.local.sample.vocabulary import (
    AGENTS,
    ANSWERS,
    CLIENTS,
    ERRORS,
    MODELS,
    QUESTIONS,
    TOOLS,
    host,
    sentences,
)
from atlas_pipeline.local.sample.world import (
    FIRST_ORDINARY_ID,
    FIRST_ORPHAN_ID,
    Row,
    Value,
    World,
    between,
    chance,
    moment,
    pick,
    to_json,
    variant,
    whole,
)

POOL = 500
# Column and what it refers to: a table whose row is gone, or an integer that no users.id spells.
USAGE_ORPHANS: tuple[tuple[str, str | int], ...] = (
    ("user_id", "users"),
    ("user_id", 987_654_321),
    ("session_id", "playground_sessions"),
)


def playground_sessions(world: World) -> Iterator[Row]:
    """Agent sessions, each with its whole conversation."""
    rng = world.rng("playground_sessions")
    questions, answers = sentences(rng, QUESTIONS, POOL), sentences(rng, ANSWERS, POOL)
    yield from _hard_sessions(world, rng)
    for position in range(world.count("playground_sessions")):
        row = _session(world, rng, position)
        row["messages"] = to_json(_conversation(rng, position, questions, answers))
        yield row


def playground_usage(world: World) -> Iterator[Row]:
    """One row per agent request."""
    rng = world.rng("playground_usage")
    questions, answers = sentences(rng, QUESTIONS, POOL), sentences(rng, ANSWERS, POOL)
    yield from _hard_usage(world, rng)
    for position in range(world.count("playground_usage")):
        row = _usage(world, rng, position)
        row["user_message"] = pick(rng, questions)
        row["assistant_message"] = None if row["error"] else f"{pick(rng, answers)} {pick(rng, answers)}"
        yield row


def _session(world: World, rng: Random, position: int) -> Row:
    started = moment(position / world.count("playground_sessions") * 0.99)
    override = {"model": pick(rng, MODELS)[1], "temperature": pick(rng, (0.0, 0.1, 0.7)), "skills": ["netbox"]}
    return {
        "id": world.key("playground_sessions", position),
        "agent_id": AGENTS[position % len(AGENTS)],
        "user_id": None if chance(rng, 0.15) else world.key("users", between(rng, 0, world.count("users") - 1)),
        "state": to_json({"focus": host(rng), "step": between(rng, 0, 9)} if chance(rng, 0.5) else {}),
        "config_override": to_json(override if chance(rng, 0.3) else {}),
        "messages": "[]",
        "total_tokens": between(rng, 100, 60_000),
        "total_cost_usd": None if chance(rng, 0.05) else round(rng.random() * 2, 6),
        "created_at": whole(started),
        "updated_at": whole(started + timedelta(minutes=between(rng, 1, 600))),
        "client": pick(rng, CLIENTS),
    }


def _conversation(rng: Random, position: int, questions: list[str], answers: list[str]) -> list[dict[str, Any]]:
    when = moment((position % 997) / 997)
    messages: list[dict[str, Any]] = []
    for turn in range(between(rng, 1, 4)):
        asked = when + timedelta(seconds=turn * 60)
        messages.append({"role": "user", "content": pick(rng, questions), "timestamp": asked.isoformat()})
        answered: dict[str, Any] = {"role": "assistant", "content": pick(rng, answers)}
        answered["timestamp"] = (asked + timedelta(milliseconds=between(rng, 900, 20_000))).isoformat()
        if chance(rng, 0.4):
            answered["tool_calls"] = _tool_calls(rng)
        messages.append(answered)
    return messages


def _tool_calls(rng: Random) -> list[dict[str, Any]]:
    calls = []
    for _ in range(between(rng, 1, 2)):
        calls.append({"name": pick(rng, TOOLS), "args": {"q": host(rng)}, "duration_ms": between(rng, 20, 3_000)})
    return calls


def _hard_sessions(world: World, rng: Random) -> Iterator[Row]:
    def session(name: str, **changes: Value) -> Row:
        return variant(_session(world, rng, 0), id=world.key("playground_sessions", name), **changes)

    def said(content: Any) -> dict[str, Any]:
        return {"role": "user", "content": content, "timestamp": "2025-05-01T10:00:00.123456+02:00"}

    for name, value in HARD_OBJECTS.items():
        text = to_json(value)
        yield session(f"json-{name}", state=text, config_override=text, messages=to_json([said(name), value]))
    every_text = [said(text) for name, text in HARD_TEXTS.items() if name != "one-megabyte"]
    yield session("texts", messages=to_json(every_text))
    yield session("long", messages=to_json([said(f"{number}: {HARD_TEXTS['cjk']}") for number in range(4_000)]))
    yield session("scalars", messages=to_json([None, True, 0, 1.5, "", [], {}]))
    yield session("id-of-client", agent_id="ops", total_cost_usd=None, client=None) | {"id": "my-session-1"}
    yield session("digits", user_id=DIGIT_ID, total_cost_usd=0, total_tokens=0) | {"id": "0000123"}
    yield session("digits-zero", user_id=ZERO_DIGIT_ID, total_tokens=INT64_MAX, total_cost_usd=1e-9)
    yield session("int32", total_tokens=INT32_LIMIT, total_cost_usd=0.1)
    yield session("double", total_tokens=DOUBLE_LIMIT + 1, total_cost_usd=0.1 + 0.2)
    yield session("time", created_at=HARD_TIMES["zero-fraction"], updated_at=HARD_TIMES["microseconds"])
    yield session("no-user", user_id=world.key("users", "deleted"))


def _usage(world: World, rng: Random, position: int) -> Row:
    share = position / world.count("playground_usage")
    user = between(rng, 0, world.count("users") - 1)
    tokens_in, tokens_out = between(rng, 50, 6_000), between(rng, 10, 1_200)
    _, model, _, price_in, price_out = pick(rng, MODELS)
    session = int(share * world.count("playground_sessions"))
    return {
        "id": FIRST_ORDINARY_ID + position,
        "user_id": world.key("users", user),
        "username": user_name(user),
        "session_id": world.key("playground_sessions", session),
        "agent_id": AGENTS[session % len(AGENTS)],
        "model": model,
        "user_message": "",
        "assistant_message": "",
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "cost_usd": round((tokens_in * price_in + tokens_out * price_out) / 1e6, 6),
        "tool_calls": to_json(_tool_calls(rng)) if chance(rng, 0.4) else "null",
        "duration_ms": between(rng, 400, 30_000),
        "error": pick(rng, ERRORS) if chance(rng, 0.02) else None,
        "created_at": whole(moment(int(share * 4_000) / 4_000 * 0.99)),  # several requests share a second
        "client": pick(rng, CLIENTS),
    }


def _hard_usage(world: World, rng: Random) -> Iterator[Row]:
    ids = iter(range(1, FIRST_ORDINARY_ID))

    def usage(**changes: Value) -> Row:
        return variant(_usage(world, rng, 0), id=next(ids), **changes)

    yield usage(user_id=DIGIT_ID, username="007")  # becomes the integer 1024
    yield usage(user_id=ZERO_DIGIT_ID, username="7")  # becomes the integer 42
    yield usage(user_id=None, username=None, assistant_message=None, duration_ms=None, client=None)
    yield usage(tool_calls="null", user_message="JSON null")
    yield usage(tool_calls=None, user_message="SQL NULL")
    yield usage(tool_calls="[]", username="", model="", assistant_message="", error="")
    for name, text in HARD_TEXTS.items():
        if name != "one-megabyte":
            yield usage(user_message=text, assistant_message=text, error=text)
    for name, value in HARD_OBJECTS.items():
        calls = [{"name": name, "args": value, "duration_ms": 0.5}, value]
        yield usage(tool_calls=to_json(calls), user_message=name)
    for tokens in (0, INT32_LIMIT, DOUBLE_LIMIT + 1, INT64_MAX):
        yield usage(input_tokens=tokens, output_tokens=0, total_tokens=tokens, duration_ms=tokens)
    for cost in (0, 0.1, 1e-9, 0.1 + 0.2, 12, 1e300):
        yield usage(cost_usd=cost)
    for name, text in HARD_TIMES.items():
        yield usage(created_at=text, user_message=name)
    for key, (column, referred) in enumerate(USAGE_ORPHANS, start=FIRST_ORPHAN_ID):
        gone = referred if isinstance(referred, int) else world.key(referred, "deleted")
        yield usage(user_message="dangling", **{column: gone}) | {"id": key}

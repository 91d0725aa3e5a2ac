"""Rows of the chat: chat_sessions and chat_messages.

What belongs here: ordinary and hard rows of these two tables, from both routes of the application. The old route left
message_type and metadata empty and wrote the token counts into the text; the new one fills the columns. What does not
belong here: the log of AI calls (`activity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from atlas_pipeline.local.sample.hard_values import DOUBLE_LIMIT, FAR_TIMES, HARD_OBJECTS, HARD_TEXTS, HARD_TIMES
from atlas_pipeline.local.sample.people import DIGIT_ID
from atlas_pipeline.local.sample.vocabulary import ANSWERS, MODELS, QUESTIONS, TOOLS, sentences
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
    to_json,
    variant,
)

AGENT_CONFIGS = ("ops", "triage", "engineer")
OLD_ROUTE_SHARE = 0.3  # sessions up to this point in time were written by the old route
POOL = 600


def public_session_id(world: World, position: int) -> str:
    """The public id of an ordinary session, by which ai_activity_logs knows it; chat_messages uses the other one."""
    digits = hashlib.blake2b(f"{world.seed}/public/{position}".encode(), digest_size=8).hexdigest()
    return ("c_" if _is_old(world, position) else "ai_") + digits


def chat_sessions(world: World) -> Iterator[Row]:
    """Chat sessions; each has two identifiers."""
    rng = world.rng("chat_sessions")
    titles = sentences(rng, QUESTIONS, POOL)
    yield from _hard_sessions(world, rng, titles)
    for position in range(world.count("chat_sessions")):
        yield _session(world, rng, titles, position)


def chat_messages(world: World) -> Iterator[Row]:
    """Messages, in the order in which they were written."""
    rng = world.rng("chat_messages")
    questions, answers = sentences(rng, QUESTIONS, POOL), sentences(rng, ANSWERS, POOL)
    yield from _hard_messages(world)
    sessions, messages = world.count("chat_sessions"), world.count("chat_messages")
    for session in range(sessions):
        session_key, started = world.key("chat_sessions", session), _started(world, session)
        old = _is_old(world, session)
        first, end = session * messages // sessions, (session + 1) * messages // sessions
        for position in range(first, end):
            turn = position - first
            row = _message(world, position, session_key, started + timedelta(seconds=turn * 20 + 15 * rng.random()))
            if turn % 2 == 0:
                row["role"], row["content"] = "user", pick(rng, questions)
            else:
                row["role"], row["content"] = "assistant", f"{pick(rng, answers)} {pick(rng, answers)}"
            _finish(rng, row, old)
            yield row


def _is_old(world: World, position: int) -> bool:
    return position < world.count("chat_sessions") * OLD_ROUTE_SHARE


def _started(world: World, position: int) -> datetime:
    return moment(position / world.count("chat_sessions") * 0.99)


def _session(world: World, rng: Random, titles: list[str], position: int) -> Row:
    started = _started(world, position)
    provider, model = pick(rng, MODELS)[:2]
    old = _is_old(world, position)
    context = {} if chance(rng, 0.7) else {"site": pick(rng, ("ams", "fra")), "limit": between(rng, 1, 50)}
    return {
        "id": world.key("chat_sessions", position),
        "session_id": public_session_id(world, position),
        "user_id": None if chance(rng, 0.1) else world.key("users", between(rng, 0, world.count("users") - 1)),
        "title": "New AI Chat" if chance(rng, 0.15) else pick(rng, titles)[:60],
        "created_at": precise(started),
        "updated_at": precise(later(started, rng, 1)),
        "context_variables": to_json(context),
        "agent_config_id": None if old else world.key("ai_agent_configs", pick(rng, AGENT_CONFIGS)),
        "provider_type": None if old else provider,
        "model": None if old else model,
    }


def _hard_sessions(world: World, rng: Random, titles: list[str]) -> Iterator[Row]:
    def session(name: str, public: str, **changes: Value) -> Row:
        base = variant(_session(world, rng, titles, 0), id=world.key("chat_sessions", name), session_id=public)
        return variant(base, **changes)

    yield session("case-lower", "ai_00ff00ff00ff00ff", user_id=DIGIT_ID)
    yield session("case-upper", "AI_00FF00FF00FF00FF", user_id=None)
    yield session("blank", "ai_00ff00ff00ff00ff ", title="")
    yield session("digits", "0000000042", title="1e5", provider_type="claude", model="")
    yield session("unicode", "чат-🎉", title=HARD_TEXTS["cjk"], model="模型")
    yield session("lines", "c_00000000000000aa", title=HARD_TEXTS["newlines"], updated_at=HARD_TIMES["no-fraction"])
    yield session("longest", "s" * 64, title="t" * 200, created_at=HARD_TIMES["leap-day"])
    for name, value in HARD_OBJECTS.items():
        yield session(f"json-{name}", f"json-{name}", context_variables=to_json(value))
    for name, text in HARD_TIMES.items():
        yield session(f"time-{name}", f"time-{name}", created_at=text, updated_at=text)
    yield session("no-user", "c_00000000000000bb", user_id=world.key("users", "deleted"))
    yield session("no-agent", "ai_00000000000000cc", agent_config_id=world.key("ai_agent_configs", "deleted"))


def _message(world: World, name: int | str, session_key: str, when: datetime) -> Row:
    return {
        "id": world.key("chat_messages", name),
        "session_id": session_key,
        "role": "user",
        "content": "",
        "created_at": precise(when),
        "message_type": None,
        "tool_call_id": None,
        "tool_name": None,
        "metadata_json": None,
    }


def _finish(rng: Random, row: Row, old: bool) -> None:
    """Fill what depends on the route, and turn some answers of the new one into results of tools."""
    row["message_type"], row["metadata_json"] = (None, None) if old else ("text", "null")
    if row["role"] != "assistant":
        return
    tokens_in, tokens_out = between(rng, 50, 4_000), between(rng, 10, 900)
    usage = f'{{"input": {tokens_in}, "output": {tokens_out}}}'  # json.dumps would take a fifth of the whole time
    if old:
        row["content"] = f"{row['content']!s}\n[[TOKENS {usage}]]"
    elif chance(rng, 0.05):
        row["role"], row["tool_call_id"], row["tool_name"] = "tool", f"call_{hex_digits(rng, 24)}", pick(rng, TOOLS)
    else:
        provider, model, _, price_in, price_out = pick(rng, MODELS)
        cost = round((tokens_in * price_in + tokens_out * price_out) / 1e6, 6)
        row["metadata_json"] = f'{{"usage": {usage}, "cost": {cost!r}, "model": "{model}", "provider": "{provider}"}}'


def _hard_messages(world: World) -> Iterator[Row]:
    home = world.key("chat_sessions", "case-lower")

    def message(name: str, **changes: Value) -> Row:
        return variant(_message(world, name, home, moment(0.5)), **changes)

    for name, text in HARD_TEXTS.items():
        yield message(f"text-{name}", content=text)
    for name, value in HARD_OBJECTS.items():
        yield message(f"json-{name}", role="assistant", content=name, metadata_json=to_json(value))
    for name, text in (HARD_TIMES | FAR_TIMES).items():
        yield message(f"time-{name}", content=name, created_at=text)
    yield message("json-null", content="JSON null", metadata_json="null")
    yield message("sql-null", content="SQL NULL", metadata_json=None)
    # Two messages of one millisecond, written in the order opposite to that of their keys, and two of one microsecond.
    yield message("tie-late", content="second", created_at="2025-07-01 10:00:00.123999")
    yield message("tie-early", content="first", created_at="2025-07-01 10:00:00.123001")
    yield message("tie-same-1", content="same", created_at="2025-07-01 10:00:00.124000")
    yield message("tie-same-2", content="same", created_at="2025-07-01 10:00:00.124000")
    spent = to_json({"input": DOUBLE_LIMIT + 1, "output": 0, "note": "ünïcode ]] 🎉"})
    yield message("tokens", role="assistant", content=f"Done.\n[[TOKENS {spent}]]")
    yield message("tokens-only", role="assistant", content=f"[[TOKENS {spent}]]")
    yield message("tokens-broken", role="assistant", content="Stopped.\n[[TOKENS {not json]]")
    yield message("tool", role="tool", content="0012", message_type="text", tool_call_id="0012", tool_name="")
    yield message("system", role="system", content=HARD_TEXTS["emoji"], tool_name=HARD_TEXTS["cjk"])
    yield message("no-session", session_id=world.key("chat_sessions", "deleted"), content="its session is gone")
    yield message("public-id", session_id="ai_00ff00ff00ff00ff", content="refers to the public id of a session")

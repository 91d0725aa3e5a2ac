"""Rows of the chat bots: bot_platform_accounts, bot_webhook_configs, bot_conversations, bot_messages.

What belongs here: ordinary and hard rows of these four tables, with integer keys throughout. What does not: the agent
sessions behind the conversations (`playground`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from atlas_pipeline.local.sample.hard_values import (
    DOUBLE_LIMIT,
    FAR_TIMES,
    HARD_OBJECTS,
    HARD_TEXTS,
    HARD_TIMES,
    INT32_LIMIT,
    INT64_MAX,
)
from atlas_pipeline.local.sample.people import DIGIT_ID, ZERO_DIGIT_ID, user_name
from atlas_pipeline.local.sample.vocabulary import AGENTS, ANSWERS, ERRORS, PLATFORMS, QUESTIONS, TOOLS, sentences
from atlas_pipeline.local.sample.world import (
    FIRST_ORDINARY_ID,
    FIRST_ORPHAN_ID,
    Row,
    Value,
    World,
    api_secret,
    between,
    chance,
    later,
    moment,
    pick,
    precise,
    to_json,
    variant,
    whole,
)

POOL = 400
TEAMS_TOKEN_NAME = "bot_teams_token"  # noqa: S105  the name of an entry that is never stored
ABSENT_ID = 999_999_999_999  # no account and no conversation has it


def bot_platform_accounts(world: World) -> Iterator[Row]:
    """Links between the users of a platform and local users."""
    rng = world.rng("bot_platform_accounts")
    ids = iter(range(1, FIRST_ORDINARY_ID))

    def account(platform: str, platform_user: str, **changes: Value) -> Row:
        row = variant(_account(world, rng, 1), id=next(ids), platform=platform, platform_user_id=platform_user)
        row |= {"verified": 1, "verification_code": None, "verification_expires": None}
        return variant(row, **changes)

    yield account("telegram", "7")
    yield account("telegram", "007")
    yield account("telegram", "1e5", platform_username="")
    yield account("telegram", "100000", platform_username="0x10", user_id=DIGIT_ID)
    yield account("telegram", "9007199254740993", platform_username=None, user_id=ZERO_DIGIT_ID)
    yield account("slack", "U01ABCDEF", platform_username="Ana")
    yield account("slack", "u01abcdef", platform_username="ana")
    yield account("slack", "U01ABCDEF ", platform_username=HARD_TEXTS["emoji"])
    yield account("teams", "29:ünïcode-用户", platform_username=HARD_TEXTS["right-to-left"])
    yield account("teams", "", platform_username=HARD_TEXTS["newlines"])
    pending: dict[str, Value] = {"verified": 0, "verification_code": "000123"}
    yield account("teams", f"pending:{DIGIT_ID}", verification_expires="2025-05-01 10:10:00.500000", **pending)
    for name, text in (HARD_TIMES | FAR_TIMES).items():
        yield account("teams", f"time-{name}", verification_expires=text, **pending)
    yield account("slack", "U0NOUSER", user_id=world.key("users", "deleted")) | {"id": FIRST_ORPHAN_ID}
    for position in range(world.count("bot_platform_accounts")):
        yield _account(world, rng, position)


def bot_webhook_configs(world: World) -> Iterator[Row]:
    """One row per platform, so three; the three forms of nothing and something in extra_config."""
    rng = world.rng("bot_webhook_configs")
    created = precise(later(moment(0.6), rng, 10))
    telegram: Row = {
        "id": 1,
        "platform": "telegram",
        "enabled": 1,
        "webhook_secret": api_secret(rng),
        "bot_token_secret": "TELEGRAM_BOT_TOKEN",
        "extra_config": to_json({"allowed_chats": [-1001234567890, INT64_MAX], "größe": 0.1, "path": "/bot/ü"}),
        "created_at": created,
        "updated_at": created,
    }
    yield telegram
    # Slack has no secret of its own here, but the name of the setting that holds it.
    slack: Row = {"id": 2, "platform": "slack", "webhook_secret": "SLACK_APP_TOKEN"}
    slack |= {"bot_token_secret": "SLACK_BOT_TOKEN", "extra_config": "null", "created_at": HARD_TIMES["no-fraction"]}
    yield variant(telegram, **slack)
    teams: Row = {"id": INT32_LIMIT, "platform": "teams", "webhook_secret": None, "enabled": 0, "extra_config": None}
    yield variant(telegram, **teams, bot_token_secret=TEAMS_TOKEN_NAME)


def bot_conversations(world: World) -> Iterator[Row]:
    """Chats and channels."""
    rng = world.rng("bot_conversations")
    ids = iter(range(1, FIRST_ORDINARY_ID))

    def conversation(platform: str, place: str, **changes: Value) -> Row:
        row = variant(_conversation(world, rng, 0), id=next(ids), platform=platform, platform_conversation_id=place)
        return variant(row, **changes)

    yield conversation("telegram", "-1001234567890")
    yield conversation("telegram", "-42", agent_id=None, session_id=None)
    yield conversation("telegram", "42", platform_account_id=1)
    yield conversation("telegram", "0042", platform_account_id=2)
    yield conversation("telegram", "4.2e1", session_id="my-session-1")
    yield conversation("slack", "C01ABC", session_id="0000123")
    yield conversation("slack", "c01abc", last_message_at=HARD_TIMES["no-fraction"])
    yield conversation("slack", "C01ABC ", last_message_at=HARD_TIMES["last-microsecond"])
    yield conversation("teams", "19:kanał-通知@thread.tacv2", created_at=HARD_TIMES["leap-day"])
    yield conversation("teams", "")
    yield conversation("slack", "C0NOACCOUNT", platform_account_id=ABSENT_ID) | {"id": FIRST_ORPHAN_ID}
    gone = world.key("playground_sessions", "deleted")
    yield conversation("slack", "C0NOSESSION", session_id=gone) | {"id": FIRST_ORPHAN_ID + 1}
    for position in range(world.count("bot_conversations")):
        yield _conversation(world, rng, position)


def bot_messages(world: World) -> Iterator[Row]:
    """All bot traffic."""
    rng = world.rng("bot_messages")
    questions, answers = sentences(rng, QUESTIONS, POOL), sentences(rng, ANSWERS, POOL)
    yield from _hard_messages(world, rng)
    for position in range(world.count("bot_messages")):
        row = _message(world, rng, position)
        row["content"] = pick(rng, questions if row["direction"] == "inbound" else answers)
        yield row


def _account(world: World, rng: Random, position: int) -> Row:
    user = position % world.count("users")
    created = later(moment(0.6), rng, 200)
    platform = PLATFORMS[position % len(PLATFORMS)]
    platform_user = {"telegram": f"{100_000_000 + position * 7_919}", "slack": f"U{position:09X}"}.get(platform)
    row: Row = {
        "id": FIRST_ORDINARY_ID + position,
        "user_id": world.key("users", user),
        "platform": platform,
        "platform_user_id": platform_user or f"29:{world.key('teams', position)}",
        "platform_username": user_name(user) if chance(rng, 0.9) else None,
        "verified": 1,
        "verification_code": None,
        "verification_expires": None,
        "created_at": precise(created),
        "updated_at": precise(later(created, rng, 20)),
    }
    if position < world.count("users") and chance(rng, 0.1):
        row |= {"platform_user_id": f"pending:{row['user_id']!s}", "verified": 0}
        row |= {"verification_code": f"{between(rng, 0, 999_999):06}"}
        row |= {"verification_expires": precise(created + timedelta(minutes=10))}
    return row


def _conversation(world: World, rng: Random, position: int) -> Row:
    account = position % world.count("bot_platform_accounts")
    created = later(moment(0.7), rng, 100)
    session = world.key("playground_sessions", between(rng, 0, world.count("playground_sessions") - 1))
    platform = PLATFORMS[account % len(PLATFORMS)]
    group = position % 4 == 0
    place = {"telegram": f"{'-100' if group else ''}{200_000_000 + position * 104_729}", "slack": f"C{position:09X}"}
    return {
        "id": FIRST_ORDINARY_ID + position,
        "platform": platform,
        "platform_conversation_id": place.get(platform) or f"19:{world.key('threads', position)}@thread.tacv2",
        "platform_account_id": FIRST_ORDINARY_ID + account,
        "agent_id": pick(rng, AGENTS) if chance(rng, 0.8) else None,
        "session_id": session if chance(rng, 0.8) else None,
        "created_at": precise(created),
        "last_message_at": precise(later(created, rng, 60)),
    }


def _message(world: World, rng: Random, position: int) -> Row:
    outbound = position % 2 == 1
    conversation = position // 2 % world.count("bot_conversations")
    when = moment(0.7 + position / world.count("bot_messages") * 0.29) + timedelta(seconds=rng.random())
    calls = [{"name": pick(rng, TOOLS), "duration_ms": between(rng, 20, 3_000)}] if chance(rng, 0.3) else None
    return {
        "id": FIRST_ORDINARY_ID + position,
        "conversation_id": FIRST_ORDINARY_ID + conversation,
        "direction": "outbound" if outbound else "inbound",
        "content": "",
        "platform_message_id": f"{position + 1}" if chance(rng, 0.9) else None,
        "agent_id": pick(rng, AGENTS) if outbound else None,
        "tool_calls": to_json(calls) if outbound else "null",
        "input_tokens": between(rng, 50, 4_000) if outbound else 0,
        "output_tokens": between(rng, 10, 900) if outbound else 0,
        "cost_usd": 0.0,
        "duration_ms": between(rng, 400, 20_000) if outbound else None,
        "error": pick(rng, ERRORS) if outbound and chance(rng, 0.02) else None,
        "created_at": precise(when) if chance(rng, 0.9) else whole(when),
    }


def _hard_messages(world: World, rng: Random) -> Iterator[Row]:
    ids = iter(range(1, FIRST_ORDINARY_ID))

    def message(content: str, **changes: Value) -> Row:
        return variant(_message(world, rng, 0), id=next(ids), content=content, **changes)

    yield message("JSON null", tool_calls="null")
    yield message("SQL NULL", tool_calls=None, platform_message_id=None, error=None)
    yield message("digits", platform_message_id="000123", agent_id=None)
    yield message("ts", platform_message_id="1737200000.000100", error="")
    for text in HARD_TEXTS.values():
        yield message(text)
    for name, value in HARD_OBJECTS.items():
        yield message(name, tool_calls=to_json([{"name": name, "duration_ms": 1, "args": value}]))
    for name, text in HARD_TIMES.items():
        yield message(name, created_at=text)
    for cost in (0.1, 1e-9, 7):
        yield message("cost", cost_usd=cost)
    for number in (INT32_LIMIT, DOUBLE_LIMIT + 1, INT64_MAX):
        yield message("numbers", input_tokens=number, output_tokens=number, duration_ms=number)
    # The keys themselves pass the limits of int32 and of exact doubles.
    yield message("large key") | {"id": INT32_LIMIT}
    yield message("larger key") | {"id": DOUBLE_LIMIT}
    yield message("largest key") | {"id": DOUBLE_LIMIT + 1}
    yield message("its conversation is gone", conversation_id=ABSENT_ID) | {"id": FIRST_ORPHAN_ID}

"""Rows of the people: role_permissions, users, user_api_keys.

What belongs here: ordinary and hard rows of these three tables. What does not: keys shared by everybody and
connections (`connections`).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from atlas_pipeline.local.sample.hard_values import HARD_TEXTS, HARD_TIMES
from atlas_pipeline.local.sample.vocabulary import FIRST_NAMES, LAST_NAMES
from atlas_pipeline.local.sample.world import (
    Row,
    Value,
    World,
    api_secret,
    between,
    chance,
    later,
    moment,
    password_hash,
    pick,
    precise,
    to_json,
    variant,
    whole,
)

ALL_PERMISSIONS = ["export.run", "zabbix.ack", "tools.use", "chat.use", "vcenter.view", "foreman.view", "puppet.view"]
STANDARD_ROLES: dict[str, tuple[str, list[str]]] = {
    "admin": ("Administrator", ALL_PERMISSIONS),
    "member": ("Member", ALL_PERMISSIONS),
    "operator": ("Operator", ["export.run", "zabbix.ack", "vcenter.view", "foreman.view", "puppet.view"]),
    "viewer": ("Viewer", ["vcenter.view", "foreman.view", "puppet.view"]),
}
TEAMS = ("netops", "dba", "helpdesk", "security")
KEY_PROVIDERS = ("mcp", "cli", "grafana", "ci")
ROLES_BY_WEIGHT = ("member",) * 6 + ("operator",) * 2 + ("viewer",) * 3 + ("admin",)

DIGIT_ID = "1024"  # an INTEGER column turns it into 1024: the text of users.id can be found again
ZERO_DIGIT_ID = "0042"  # an INTEGER column turns it into 42: only a look-up by value can find the text again


def role_permissions(world: World) -> Iterator[Row]:
    """Roles: the four of the application, hard ones, and one per team."""

    def role(name: str, label: str, permissions: list[str], description: str | None) -> Row:
        created = precise(moment(0))
        return {
            "role": name,
            "label": label,
            "description": description,
            "permissions": to_json(permissions),
            "created_at": created,
            "updated_at": created,
        }

    for name, (label, permissions) in STANDARD_ROLES.items():
        yield role(name, label, permissions, f"What the role {name} may do")
    yield role("Viewer", "Viewer (imported)", [], None)
    yield role("viewer ", "Viewer with a blank", [], "")
    yield role("nachtschicht-ü", "Nachtschicht 🌙", ["zabbix.ack", "日本語.閲覧", ""], HARD_TEXTS["right-to-left"])
    yield variant(
        role("0007", "Number", sorted(ALL_PERMISSIONS), HARD_TEXTS["newlines"]),
        created_at=HARD_TIMES["leap-day"],
        updated_at=HARD_TIMES["last-microsecond"],
    )
    rng = world.rng("role_permissions")
    for position in range(world.count("role_permissions")):
        name = TEAMS[position] if position < len(TEAMS) else f"team-{position:05}"
        granted = sorted(p for p in ALL_PERMISSIONS if chance(rng, 0.6))
        yield role(name, name.capitalize(), granted, f"Team {name}")


def users(world: World) -> Iterator[Row]:
    """Local accounts."""
    rng = world.rng("users")
    yield from _hard_users(world, rng)
    for position in range(world.count("users")):
        yield _user(world, rng, position)


def user_name(position: int) -> str:
    """The username of an ordinary user."""
    first, last = FIRST_NAMES[position % len(FIRST_NAMES)], LAST_NAMES[position // 5 % len(LAST_NAMES)]
    return f"{first}.{last}{position}"


def _user(world: World, rng: Random, position: int) -> Row:
    username = user_name(position)
    created = later(moment(position / world.count("users") * 0.8), rng, 2)
    return {
        "id": world.key("users", position),
        "username": username,
        "display_name": username.rstrip("0123456789").replace(".", " ").title(),
        "email": None if chance(rng, 0.06) else f"{username}@example.org",
        "role": pick(rng, ROLES_BY_WEIGHT),
        "password_hash": None if chance(rng, 0.08) else password_hash(rng),
        "is_active": 0 if chance(rng, 0.05) else 1,
        "external_provider": None,
        "external_subject": None,
        "system_username": None,
        "created_at": precise(created),
        "updated_at": precise(later(created, rng, 200)),
    }


def _hard_users(world: World, rng: Random) -> Iterator[Row]:
    def user(name: str, username: str, **changes: Value) -> Row:
        base = variant(_user(world, rng, 0), id=world.key("users", name), username=username)
        base = variant(base, display_name=None, email=f"{name}@example.org", role="member")
        return variant(base, **changes)

    yield user("ana-lower", "ana")
    yield user("ana-upper", "Ana")
    yield user("ana-blank", "ana ")
    yield user("ana-cyrillic", "аna")  # the first letter is U+0430
    yield user("jose-composed", "jos\u00e9")
    yield user("jose-decomposed", "jose\u0301")
    yield user("digits", "007", id=DIGIT_ID)
    yield user("digits-zero", "7", id=ZERO_DIGIT_ID)
    yield user("float-like", "1e5", display_name="1e5", email="")
    yield user("null-word", "null", display_name="", email=None, password_hash=None)
    yield user("emoji", "night-shift", display_name=HARD_TEXTS["emoji"], system_username="root")
    yield user("arabic", "مشغل", display_name=HARD_TEXTS["right-to-left"])
    yield user("cjk", "管理员", display_name=HARD_TEXTS["cjk"], role="nachtschicht-ü")
    yield user("lines", "two\nlines", display_name=HARD_TEXTS["newlines"])
    yield user("longest", "l" * 64, display_name="d" * 120, email=f"{'e' * 308}@example.org")
    yield user("ldap", "ldap.user", external_provider="ldap", external_subject="CN=Lär,OU=Ops,DC=example", is_active=0)
    yield user("no-role", "former.auditor", role="auditor")
    for name, text in HARD_TIMES.items():
        yield user(f"time-{name}", f"clock.{name}", created_at=text, updated_at=text)


def user_api_keys(world: World) -> Iterator[Row]:
    """One token per user and provider."""
    rng = world.rng("user_api_keys")
    yield from _hard_user_api_keys(world, rng)
    people = world.count("users")
    for position in range(world.count("user_api_keys")):
        turn = position // people
        provider = KEY_PROVIDERS[turn] if turn < len(KEY_PROVIDERS) else f"app-{turn}"
        yield _user_api_key(world, rng, position, user_id=world.key("users", position % people), provider=provider)


def _user_api_key(world: World, rng: Random, name: int | str, *, user_id: str, provider: str) -> Row:
    created = later(moment(0.5), rng, 200)
    return {
        "id": world.key("user_api_keys", name),
        "user_id": user_id,
        "provider": provider,
        "label": f"laptop {between(rng, 1, 9)}" if chance(rng, 0.7) else None,
        "secret": api_secret(rng),
        "created_at": precise(created),
        "updated_at": precise(later(created, rng, 90)),
    }


def _hard_user_api_keys(world: World, rng: Random) -> Iterator[Row]:
    def api_key(name: str, user_id: str, provider: str, **changes: Value) -> Row:
        return variant(_user_api_key(world, rng, name, user_id=user_id, provider=provider), **changes)

    ana = world.key("users", "ana-lower")
    yield api_key("case-lower", ana, "mcp", label="")
    yield api_key("case-upper", ana, "MCP", label=" padded ")
    yield api_key("case-blank", ana, "mcp ", label=None)
    yield api_key("emoji", ana, "grafana", label=HARD_TEXTS["emoji"], created_at=HARD_TIMES["microseconds"])
    yield api_key("digits", DIGIT_ID, "0010", label="0012", created_at=HARD_TIMES["no-fraction"])
    yield api_key("digits-zero", ZERO_DIGIT_ID, "1e5", label=HARD_TEXTS["combining"])
    yield api_key("lines", world.key("users", "lines"), "mcp", secret=f"{api_secret(rng)}\n second line \u00fc🎉 ")
    yield api_key("no-user", world.key("users", "deleted"), "mcp", updated_at=whole(moment(0.9)))

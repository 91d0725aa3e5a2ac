"""Rows of what the application connects to: global_api_keys, secure_settings, vcenter, foreman and puppet configs.

What belongs here: ordinary and hard rows of these five tables. secure_settings holds an entry for every connection
that names one, except for the connections whose entry is missing on purpose. What does not belong here: people and
their own keys (`people`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from random import Random

from atlas_pipeline.local.sample.hard_values import HARD_TEXTS, HARD_TIMES
from atlas_pipeline.local.sample.vocabulary import SITES
from atlas_pipeline.local.sample.world import (
    SECRET_MARKER,
    Row,
    Value,
    World,
    api_secret,
    chance,
    fernet_token,
    hex_digits,
    later,
    moment,
    precise,
    variant,
    whole,
)

SHARED_PROVIDERS = ("openai", "anthropic", "openrouter", "gemini", "azure_openai", "ollama", "netbox")
SETTING_NAMES = (
    "TELEGRAM_BOT_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY",
    "OPENROUTER_API_KEY", "GEMINI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "NETBOX_URL",
    "NETBOX_TOKEN", "NETBOX_EXTRA_HEADERS", "ZABBIX_API_URL", "ZABBIX_API_TOKEN", "ZABBIX_WEB_URL", "JIRA_BASE_URL",
    "JIRA_EMAIL", "JIRA_API_TOKEN", "CONFLUENCE_BASE_URL", "CONFLUENCE_EMAIL", "CONFLUENCE_API_TOKEN",
    "COMMVAULT_BASE_URL", "COMMVAULT_API_TOKEN", "COMMVAULT_EMAIL", "COMMVAULT_PASSWORD", "ATLASSIAN_BASE_URL",
    "ATLASSIAN_EMAIL", "ATLASSIAN_API_TOKEN", "GRAFANA_URL", "GRAFANA_TOKEN", "LDAP_URL", "LDAP_BIND_PASSWORD",
    "SMTP_HOST", "SMTP_PASSWORD", "BACKUP_ENABLE", "BACKUP_PASSWORD",
)  # fmt: skip
HARD_NAMES = {"case-upper": "Prod", "case-lower": "prod", "blank": "prod ", "unicode": "Rechenzentrum Süd 🏢"}


def global_api_keys(world: World) -> Iterator[Row]:
    """One shared token per provider."""
    rng = world.rng("global_api_keys")

    def api_key(name: int | str, provider: str, **changes: Value) -> Row:
        created = precise(later(moment(0.1), rng, 30))
        row: Row = {
            "id": world.key("global_api_keys", name),
            "provider": provider,
            "label": f"shared {provider}",
            "secret": api_secret(rng),
            "created_at": created,
            "updated_at": created,
        }
        return variant(row, **changes)

    yield api_key("case-upper", "OpenAI", label=None)
    yield api_key("blank", "openai ", label="")
    yield api_key("digits", "0123", label="0123", created_at=HARD_TIMES["no-fraction"])
    yield api_key("unicode", "gemini-日本", label=HARD_TEXTS["newlines"], updated_at=HARD_TIMES["last-microsecond"])
    for position in range(world.count("global_api_keys")):
        known = position < len(SHARED_PROVIDERS)
        yield api_key(position, SHARED_PROVIDERS[position] if known else f"service-{position}")


def secure_settings(world: World) -> Iterator[Row]:
    """Encrypted values by name: the settings of the application and one entry per connection."""
    rng = world.rng("secure_settings")

    def setting(name: str, **changes: Value) -> Row:
        created = later(moment(0), rng, 300)
        row: Row = {
            "name": name,
            "encrypted_value": fernet_token(rng),
            "created_at": precise(created),
            "updated_at": precise(later(created, rng, 300)),
        }
        return variant(row, **changes)

    yield setting("netbox_token", created_at=HARD_TIMES["no-fraction"])
    yield setting("NETBOX_TOKEN ", created_at=HARD_TIMES["whole-milliseconds"])
    yield setting("0010", updated_at=HARD_TIMES["microseconds"])
    yield setting("prüfung-令牌-🔐")
    yield setting("SSH_KNOWN_HOSTS", encrypted_value=fernet_token(rng, 65_536))
    for name in SETTING_NAMES:
        yield setting(name)
    for table, form in (
        ("vcenter_configs", "vcenter:{}:password"),
        ("foreman_configs", "foreman:{}:token"),
        ("puppet_configs", "puppet:{}:ssh_key_path"),
    ):
        configs: Iterator[int | str] = chain(HARD_NAMES, range(world.count(table)))
        for config in configs:
            if table != "puppet_configs" or _has_ssh_key(config):
                yield setting(form.format(world.key(table, config)))
    for position in range(world.count("secure_settings")):
        yield setting(f"ATLAS_SETTING_{position:06}")


def vcenter_configs(world: World) -> Iterator[Row]:
    """Connections to vCenter and ESXi."""
    rng = world.rng("vcenter_configs")

    def config(name: int | str, label: str, **changes: Value) -> Row:
        key = world.key("vcenter_configs", name)
        row: Row = {"id": key, "name": label, "base_url": f"https://vc-{name}.example.org", "username": "svc-atlas"}
        row |= {"password_secret": f"vcenter:{key}:password", "verify_ssl": 0 if chance(rng, 0.2) else 1}
        row |= _times(rng) | {"is_esxi": 1 if chance(rng, 0.3) else 0}
        return variant(row, **changes)

    for name, label in HARD_NAMES.items():
        yield config(name, label)
    yield config("no-secret", "00123", base_url="", verify_ssl=0, is_esxi=1, created_at=HARD_TIMES["no-fraction"])
    for position in range(world.count("vcenter_configs")):
        yield config(position, f"{SITES[position % len(SITES)]}-vcenter-{position:02}")


def foreman_configs(world: World) -> Iterator[Row]:
    """Connections to Foreman."""
    rng = world.rng("foreman_configs")

    def config(name: int | str, label: str, **changes: Value) -> Row:
        key = world.key("foreman_configs", name)
        row: Row = {"id": key, "name": label, "base_url": f"https://foreman-{name}.example.org"}
        row |= {"token_secret": f"foreman:{key}:token", "verify_ssl": 1, **_times(rng), "username": "svc-foreman"}
        return variant(row, **changes)

    for name, label in HARD_NAMES.items():
        yield config(name, label, username="admin")  # what the migration that added the column wrote into old rows
    yield config("no-secret", "1e5", verify_ssl=0, username="", updated_at=HARD_TIMES["last-microsecond"])
    for position in range(world.count("foreman_configs")):
        yield config(position, f"{SITES[position % len(SITES)]}-foreman-{position:02}")


def puppet_configs(world: World) -> Iterator[Row]:
    """Puppet control repositories; some URLs carry a user and a password."""
    rng = world.rng("puppet_configs")

    def config(name: int | str, label: str, **changes: Value) -> Row:
        key = world.key("puppet_configs", name)
        row: Row = {"id": key, "name": label, "remote_url": f"git@git.example.org:puppet/control-{name}.git"}
        if isinstance(name, int) and name % 3 == 1:
            row["remote_url"] = url_with_password(rng, f"git.example.org/puppet/control-{name}.git")
        row |= {"branch": "production", "ssh_key_secret": None, "local_path": f"/var/lib/atlas/puppet/{name}"}
        if _has_ssh_key(name):
            row["ssh_key_secret"] = f"puppet:{key}:ssh_key_path"
        return variant(row | _times(rng), **changes)

    for name, label in HARD_NAMES.items():
        yield config(name, label, branch="feature/ünïcode-🐶", local_path=None)
    yield config("with-password", "password in the URL", remote_url=url_with_password(rng, "git.example.org/a%20b.git"))
    yield config("no-secret", "007", ssh_key_secret=f"puppet:{world.key('puppet_configs', 'no-secret')}:ssh_key_path")
    yield config("no-fraction", "", branch="", local_path="", created_at=HARD_TIMES["no-fraction"])
    for position in range(world.count("puppet_configs")):
        yield config(position, f"{SITES[position % len(SITES)]}-puppet-{position:02}")


def url_with_password(rng: Random, place: str) -> str:
    """A Git URL whose password is a secret of the sample."""
    return f"https://deploy:{SECRET_MARKER}{hex_digits(rng, 8)}@{place}"


def _has_ssh_key(name: int | str) -> bool:
    return name in HARD_NAMES or (isinstance(name, int) and name % 2 == 0)


def _times(rng: Random) -> Row:
    created = later(moment(0.2), rng, 300)
    return {"created_at": precise(created), "updated_at": whole(later(created, rng, 100))}

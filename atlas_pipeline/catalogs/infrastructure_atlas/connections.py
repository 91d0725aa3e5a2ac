"""Connections of Infrastructure Atlas to the systems it watches: vCenter, Foreman and Puppet.

What belongs here: addresses and options. What does not: passwords and tokens, which are entries of `vault`; columns
named `*_secret` hold the name of an entry, never the value.
"""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import boolean, text, unique, utc
from atlas_pipeline.spec.tables import Reference, TableSpec

VCENTER_CONFIGS = TableSpec(
    source="vcenter_configs",
    collection="vcenter_configs",
    about="Connections to vCenter or to a single ESXi host.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("name", 80),
        text("base_url", 255),
        text("username", 128),
        text("password_secret", 128, about="Name of a vault entry."),
        boolean("verify_ssl"),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
        boolean("is_esxi"),
    ),
    indexes=(unique("idx_name_unique", "name"),),
    references=(Reference(column="password_secret", targets=(("secure_settings", "name"),)),),
)

FOREMAN_CONFIGS = TableSpec(
    source="foreman_configs",
    collection="foreman_configs",
    about="Connections to Foreman.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("name", 80),
        text("base_url", 255),
        text("token_secret", 128, about="Name of a vault entry."),
        boolean("verify_ssl"),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
        text("username", 128, about="Rows older than the column hold the placeholder admin."),
    ),
    indexes=(unique("idx_name_unique", "name"),),
    references=(Reference(column="token_secret", targets=(("secure_settings", "name"),)),),
)

PUPPET_CONFIGS = TableSpec(
    source="puppet_configs",
    collection="puppet_configs",
    about="Puppet control repositories in Git.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("name", 80),
        text("remote_url", 512, secret=True, about="May hold credentials inside the URL."),
        text("branch", 128),
        text("ssh_key_secret", 128, nullable=True, about="Name of a vault entry, whose value is a path."),
        text("local_path", 512, nullable=True, about="A path on the host of the source."),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(unique("idx_name_unique", "name"),),
    references=(Reference(column="ssh_key_secret", targets=(("secure_settings", "name"),)),),
)

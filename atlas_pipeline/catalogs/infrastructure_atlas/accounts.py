"""Accounts of Infrastructure Atlas: roles, users and the API keys they sign in with.

What belongs here: who may use the application and by what means. What does not: encrypted settings (`vault`).
"""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import boolean, index, json_array, text, unique, utc
from atlas_pipeline.spec.tables import Reference, TableSpec

ROLE_PERMISSIONS = TableSpec(
    source="role_permissions",
    collection="role_permissions",
    about="Permissions of each role.",
    key=("role",),
    changed_at="updated_at",
    keep_key=True,  # readers query the role by its own name as well
    columns=(
        text("role", 32),
        text("label", 64),
        text("description", 255, nullable=True),
        json_array("permissions", about="Permission names, in the order stored."),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(unique("idx_role_unique", "role"),),
)

USERS = TableSpec(
    source="users",
    collection="users",
    about="Local accounts, to which most other tables refer.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("username", 64, about="Trimmed and lower-case by convention; uniqueness is case-sensitive."),
        text("display_name", 120, nullable=True),
        text("email", 320, nullable=True, about="Neither unique nor checked."),
        text("role", 16, about="An open set: role_permissions may define more roles."),
        text("password_hash", 255, nullable=True, secret=True, about="bcrypt; null when password login is off."),
        boolean("is_active"),
        text("external_provider", 32, nullable=True, about="Reserved; the application never writes it."),
        text("external_subject", 255, nullable=True, about="Reserved; the application never writes it."),
        text("system_username", 64, nullable=True, about="Reserved; the application never writes it."),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(
        unique("idx_username_unique", "username"),
        # Nulls are stored explicitly, so sparse skips nothing; the application defines these two so.
        index("idx_email", "email", sparse=True),
        index("idx_external_subject", "external_subject", sparse=True),
        index("idx_is_active", "is_active"),
        index("idx_created_at", "-created_at"),
    ),
    references=(Reference(column="role", targets=(("role_permissions", "role"),)),),
)

USER_API_KEYS = TableSpec(
    source="user_api_keys",
    collection="user_api_keys",
    about="One token per user and provider, in plain text.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("user_id", 36),
        text("provider", 32, about="Free lower-case text."),
        text("label", 120, nullable=True),
        text("secret", secret=True, about="Token in plain text, compared by equality at login."),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(
        unique("idx_user_provider_unique", "user_id", "provider"),
        index("idx_user_id", "user_id"),
    ),
    references=(Reference(column="user_id", targets=(("users", "id"),), enforced=True),),
)

GLOBAL_API_KEYS = TableSpec(
    source="global_api_keys",
    collection="global_api_keys",
    about="One shared token per provider, in plain text.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", 36),
        text("provider", 32),
        text("label", 120, nullable=True),
        text("secret", secret=True, about="Token in plain text."),
        utc("created_at", inexact="milliseconds"),
        utc("updated_at", inexact="milliseconds"),
    ),
    indexes=(unique("idx_provider_unique", "provider"),),
)

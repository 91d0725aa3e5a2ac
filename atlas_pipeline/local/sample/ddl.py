"""The schema of the sample, as statements.

What belongs here: reading schema.sql, and the loosened form of it that a hand-edited, dirty file has. What does not:
rows.
"""

from __future__ import annotations

import re
from importlib import resources

# A hand-edited file is often a copy whose tables were made anew without their constraints. The dirty sample needs
# exactly these to be gone; every other constraint of the real schema stands in it too.
LOOSENED: tuple[tuple[str, str, str], ...] = (
    ("users", "    PRIMARY KEY (id),\n    UNIQUE (username)\n", "    PRIMARY KEY (id)\n"),
    ("users", "role VARCHAR(16) DEFAULT 'member' NOT NULL", "role VARCHAR(16) DEFAULT 'member'"),
    ("global_api_keys", "id VARCHAR(36) NOT NULL", "id VARCHAR(36)"),
    ("chat_messages", "content TEXT NOT NULL", "content TEXT"),
    ("vcenter_configs", "verify_ssl BOOLEAN DEFAULT 1 NOT NULL", "verify_ssl BOOLEAN DEFAULT 1"),
    ("puppet_configs", "branch VARCHAR(128) DEFAULT 'production' NOT NULL", "branch VARCHAR(128) DEFAULT 'production'"),
    ("bot_messages", "cost_usd FLOAT NOT NULL", "cost_usd FLOAT"),
)


def table_statements() -> dict[str, str]:
    """The CREATE TABLE statement of each table, in dependency order."""
    return {_created(s): s for s in _statements() if s.startswith("CREATE TABLE")}


def index_statements() -> list[str]:
    """The CREATE INDEX statements, to be run after the rows are in."""
    return [s for s in _statements() if s.startswith("CREATE INDEX")]


def loosened_table_statements() -> dict[str, str]:
    """As `table_statements`, without the constraints named in `LOOSENED`.

    Raises:
        ValueError: An entry of `LOOSENED` does not fit schema.sql exactly once.
    """
    statements = table_statements()
    for table, strict, loose in LOOSENED:
        if statements[table].count(strict) != 1:
            raise ValueError(f"schema.sql: {strict!r} does not stand exactly once in {table}")
        statements[table] = statements[table].replace(strict, loose)
    return statements


def _statements() -> list[str]:
    text = resources.files("atlas_pipeline.local.sample").joinpath("schema.sql").read_text(encoding="utf-8")
    code = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return [statement.strip() for statement in code.split(";\n") if statement.strip()]


def _created(statement: str) -> str:
    return statement.split("(", 1)[0].split()[2]

"""How many rows the sample gets.

What belongs here: the number of ordinary rows of each table that can grow, its default and how to change it. What does
not: the hard rows (always written, a few dozen a table), and the tables whose content is fixed.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from atlas_pipeline.errors import ConfigurationError

DEFAULT_ROWS: Mapping[str, int] = MappingProxyType(
    {
        "role_permissions": 4,
        "users": 300,
        "user_api_keys": 240,
        "global_api_keys": 7,
        "secure_settings": 10,
        "vcenter_configs": 12,
        "foreman_configs": 6,
        "puppet_configs": 8,
        "chat_sessions": 2_000,
        "chat_messages": 24_000,
        "ai_model_configs": 24,
        "ai_activity_logs": 22_000,
        "playground_sessions": 1_000,
        "playground_usage": 20_000,
        "bot_platform_accounts": 260,
        "bot_conversations": 500,
        "bot_messages": 21_000,
    }
)


@dataclass(frozen=True)
class SampleSize:
    """Ordinary rows per table.

    The hard rows (a few dozen a table) come on top, so a table always holds a little more than its number here.
    `SampleFacts.rows` says how many were written. Tables that are not listed have a fixed, small content.

    Attributes:
        rows: Ordinary rows by table name; every name of `DEFAULT_ROWS`, each at least 1, because rows refer to them.
    """

    rows: Mapping[str, int]

    def __post_init__(self) -> None:
        for table in DEFAULT_ROWS:
            if self.rows.get(table, 0) < 1:
                raise ConfigurationError(
                    f"The sample table {table} cannot have {self.rows.get(table, 0)} ordinary rows.",
                    "Ask for at least 1; other rows refer to it.",
                )

    @staticmethod
    def default() -> SampleSize:
        """The usual size: over 20,000 rows in each of the four large tables, some 45 MB in all."""
        return SampleSize(DEFAULT_ROWS)

    def scaled(self, factor: float) -> SampleSize:
        """The same proportions with `factor` times the rows, at least one a table."""
        return SampleSize(MappingProxyType({table: max(1, round(n * factor)) for table, n in self.rows.items()}))

    def with_rows(self, **rows: int) -> SampleSize:
        """The same size but for the named tables.

        Raises:
            ConfigurationError: A table is unknown or of fixed content, or its number is below 1.
        """
        for table in rows:
            if table not in DEFAULT_ROWS:
                near = difflib.get_close_matches(table, DEFAULT_ROWS, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"The tables that can grow: {', '.join(DEFAULT_ROWS)}."
                raise ConfigurationError(f"The sample has no table {table} whose size can be set.", hint)
        return SampleSize(MappingProxyType({**self.rows, **rows}))

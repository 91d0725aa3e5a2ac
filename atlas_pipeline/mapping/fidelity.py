"""How often a policy of the spec stored something else than the source holds, by column.

What belongs here: the one count that mapping makes and metadata, ledger and report show. What does not: the policies
(`inexact`, `json_values`, `shape`).
"""

from __future__ import annotations

from collections import Counter

_CUTS = frozenset({"milliseconds", "microseconds"})


class Fidelity(Counter[tuple[str, str]]):
    """Column, or field where several columns make it, and policy -> how many values it was applied to.

    A policy is the word that the spec names it by, or a sentence on what was stored. Of JSON each number is a value.
    """

    @property
    def truncated(self) -> Counter[str]:
        """Per column, dates that lost their microseconds."""
        return Counter({column: values for (column, policy), values in self.items() if policy in _CUTS})

    @property
    def adjusted(self) -> Counter[str]:
        """All others: `column: policy` -> how many."""
        return Counter(
            {f"{column}: {policy}": values for (column, policy), values in self.items() if policy not in _CUTS}
        )

    def records(self) -> list[dict[str, str | int]]:
        """The same as a table, in order: column, policy, values."""
        return [
            {"column": column, "policy": policy, "values": values} for (column, policy), values in sorted(self.items())
        ]

"""Rows of a time series that share their key with another row. They come in the order of time, and the first one stays.

What does not belong here: rows that come in key order (`duplicates`).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import Reject, RejectCode
from atlas_pipeline.spec.tables import TableSpec


def time_columns(table: TableSpec) -> tuple[str, ...]:
    """The columns in whose order the rows of a time series are read; none for an ordinary collection."""
    if table.storage == "plain" or table.time_series is None:
        return ()
    return next(leaf.columns for leaf in table.leaves if leaf.path == table.time_series.time_field)


def first_ones_first(mapper: Mapper, rows: Iterable[Row]) -> list[Row]:
    """Rows that come in key order, those of the same key in the order of time, where that matters."""
    positions = [mapper.table.column_names.index(name) for name in time_columns(mapper.table)]
    if not positions:
        return list(rows)
    # As text, for a bad row may hold anything, and moments of one column are texts of one form.
    return [
        row
        for _, same in groupby(rows, mapper.key_of)
        for row in sorted(same, key=lambda row: [str(row[position]) for position in positions])
    ]


class Repeats:
    """Parts repeating rows from the others while all rows of a table pass by once.

    Args:
        mapper: Mapper of the table.
        keys: The keys that more than one row has.
    """

    def __init__(self, mapper: Mapper, keys: Iterable[Row]) -> None:
        self._mapper = mapper
        self._waiting = {key for key in keys if None not in key}
        self._met: set[Row] = set()

    def split(self, rows: list[Row]) -> tuple[list[Row], list[Reject]]:
        """Rows to keep, and the others."""
        if not self._waiting and not self._met:
            return rows, []
        distinct: list[Row] = []
        repeated: list[Reject] = []
        for row in rows:
            key = self._mapper.key_of(row)
            if key in self._met:
                column = ", ".join(self._mapper.table.key)
                reason = "an earlier row has the same key"
                repeated.append(self._mapper.reject(row, column, RejectCode.DUPLICATE_VALUE, reason))
                continue
            if key in self._waiting:
                self._waiting.remove(key)
                self._met.add(key)
            distinct.append(row)
        return distinct, repeated

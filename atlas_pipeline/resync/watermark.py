"""Up to which moment of a cursor everything that a source holds has been seen.

What belongs here: where a watermark may stand, and where reading begins. What does not: reading.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from atlas_pipeline.extract.snapshot import SourceTime
from atlas_pipeline.spec.sync import Cursor


def settled_until(time: SourceTime, cursor: Cursor) -> datetime:
    """No row that is committed later can have a moment before this one, if the lag is as long as the longest
    transaction; where the source tells of its transactions, the oldest one bounds it too.
    """
    return min(time.now - cursor.lag, time.settled)


def read_from(watermark: datetime, cursor: Cursor) -> datetime:
    """The moment from which on rows are read."""
    return watermark - cursor.overlap


def warnings_of(time: SourceTime, cursor: Cursor) -> list[str]:
    """What a source and a cursor may let pass unseen, in sentences."""
    told = []
    if cursor.lag <= timedelta(0):
        told.append(
            f"lag of cursor {cursor.column} is 0: a transaction that commits later than rows with a newer moment is "
            "missed until the next reconcile"
        )
    if time.hidden:
        told.append(
            f"{time.hidden} sessions of other users are hidden, so a long transaction may be missed until the next "
            "reconcile; grant pg_read_all_stats to the user of the source"
        )
    return told


def oddities_of(column: str, *, ahead: int, without: int) -> list[str]:
    """What rows hold in the column of a cursor that is not as it should be, in sentences.

    Args:
        column: The column.
        ahead: Rows with a moment in the future.
        without: Rows without a moment.
    """
    told = []
    if ahead:
        told.append(f"{ahead:,} rows have a {column} in the future; every sync reads them again until then")
    if without:
        told.append(f"{without:,} rows have no moment in {column}; every sync reads them")
    return told

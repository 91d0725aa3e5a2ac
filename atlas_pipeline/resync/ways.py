"""From the name of a way to the finding of keys that goes it.

What belongs here: putting together, and refusing a cursor that would read the whole table. What does not: finding.
"""

from __future__ import annotations

from collections.abc import Callable

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.snapshot import Window
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.resync.finding import Finding, Progress
from atlas_pipeline.resync.keyless import Keyless
from atlas_pipeline.resync.scope import Part
from atlas_pipeline.resync.some import ByCursor, Stretch
from atlas_pipeline.resync.watermark import read_from
from atlas_pipeline.resync.whole import Seen, Whole
from atlas_pipeline.spec.sync import Cursor


def finding_of(
    sides: Sides,
    *,
    part: Part,
    facts: LoadFacts,
    seed: bytes,
    seen: Seen,
    keyless: Callable[[], Keyless],
    progress: Progress,
) -> Finding:
    """The finding of the way that `facts.mode` names.

    Args:
        sides: Both sides of the table.
        part: Which part, by the way `part`.
        facts: What the sync did, which the finding completes.
        seed: Seed of the fingerprints of rows.
        seen: Called with each batch of rows that is read as a whole.
        keyless: Makes what takes care of rows without a usable key.
        progress: Called with the number of rows that are done.
    """
    if facts.mode == "reconcile":
        return Whole(sides, facts, progress, seed=seed, seen=seen, keyless=keyless())
    if facts.mode == "part":
        if part.window is not None:
            return ByCursor(sides, facts, progress, window=part.window)
        return Stretch(sides, facts, progress, part=part)
    cursor = sides.table.sync.cursor
    if cursor is None:
        raise AssertionError("a sync by cursor without a cursor")
    require_index(sides, cursor, facts)
    window = Window(column=cursor.column, since=read_from(sides.published["watermark"], cursor), nulls=True)
    return ByCursor(sides, facts, progress, window=window, cursor=cursor)


def require_index(sides: Sides, cursor: Cursor, facts: LoadFacts) -> None:
    """Raise SourceError when rows are not found by the cursor without reading the table, or warn of it, by policy."""
    if sides.snapshot.is_indexed(sides.table, cursor.column):
        return
    told = f"Table {sides.table.source}: no index leads with {cursor.column}, so each sync reads the whole table"
    if cursor.unindexed == "refuse":
        raise SourceError(f"{told}.", "create one at the source, or set unindexed='warn' or mode='reconcile'")
    facts.warnings.append(told)

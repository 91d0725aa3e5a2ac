"""Loading a table of the small world in stretches of keys, step by step, as the steps of a run do.

What does not belong here: who runs the steps (`orchestration`), and the last step, which is an ordinary reload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from atlas_pipeline.extract.snapshot import Source
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.ranged_plan import RangedPlan
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.stretch_load import StretchLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.resuming import RANGE_DOCUMENTS
from atlas_pipeline_tests.load.small import ITEMS, World
from atlas_pipeline_tests.unjudged import UNJUDGED

ROWS_PER_RANGE = 2 * RANGE_DOCUMENTS


def in_ranges(table: TableSpec, rows: int = ROWS_PER_RANGE) -> TableSpec:
    """The table, loaded in stretches of so many rows."""
    return replace(table, sync=replace(UNJUDGED, load="ranged", rows_per_range=rows))


RANGED = in_ranges(ITEMS)


def plan(world: World, run_id: str, table: TableSpec = RANGED, source: Source | None = None) -> tuple[int, ...]:
    """What the first step of a run gives: the stretches that are to be loaded."""
    with _given(world, run_id, table, source) as given, RangedPlan(**given) as planned:
        return planned.unloaded


def load(
    world: World,
    run_id: str,
    number: int,
    *,
    table: TableSpec = RANGED,
    source: Source | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """What one of the steps in the middle does; gives the rows that it read."""
    with (
        _given(world, run_id, table, source) as given,
        StretchLoad(number=number, **given, progress=progress) as stretch,
    ):
        return stretch.load()


def finish(world: World, run_id: str, table: TableSpec, source: Source) -> LoadFacts:
    """What the last step does with another source than the world's."""
    with _given(world, run_id, table, source) as given, Reload(**given) as reload:
        reload.copy()
        reload.build()
        reload.publish()
    return reload.facts


@contextmanager
def _given(world: World, run_id: str, table: TableSpec, source: Source | None) -> Iterator[dict[str, Any]]:
    with Target(world.uri) as target, (source or world.sqlite).snapshot() as snapshot:
        run = RunIdentity(run_id=run_id, holder=Holder.this_process())
        yield {
            "target": target,
            "catalog": world.catalog,
            "table": table,
            "snapshot": snapshot,
            "run": run,
            "sealer": world.sealer,
        }

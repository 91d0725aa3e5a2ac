"""Loading a table whole in this process, without Dagster and without the checks of a run.

What belongs here: the load from its beginning to its publication, by the way that the table's storage asks for. What
does not: the source and the target, which are the caller's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def new_run(run_id: str | None = None) -> RunIdentity:
    """A run of this process."""
    return RunIdentity(run_id=run_id or str(uuid.uuid4()), holder=Holder.this_process())


@contextmanager
def begun(
    table: TableSpec,
    snapshot: Snapshot,
    *,
    target: Target,
    catalog: CatalogSpec,
    run_id: str | None = None,
    **more: Any,
) -> Iterator[Reload | SeriesLoad]:
    """A load that has begun; `more` is for `TableLoad`."""
    way = SeriesLoad if table.storage == "time_series" else Reload
    run = new_run(run_id)
    with way(target=target, catalog=catalog, table=table, snapshot=snapshot, run=run, **more) as load:
        yield load


def load(table: TableSpec, snapshot: Snapshot, **given: Any) -> LoadFacts:
    """Load and publish a table; keywords as for `begun`."""
    with begun(table, snapshot, **given) as one:
        one.copy()
        one.build()
        one.publish()
    return one.facts

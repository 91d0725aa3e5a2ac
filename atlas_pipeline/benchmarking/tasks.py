"""What is measured of the pipeline itself, each in a process of its own that tells its costs in JSON.

    python -m atlas_pipeline.benchmarking.tasks < task.json

A process of its own makes memory and processor time those of the task alone; starting it and importing what a run needs
is not measured. Each task goes through the very functions of a sync, without Dagster and without the checks of Great
Expectations. What does not belong here: what is compared with what (`pipeline`).
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from atlas_pipeline.benchmarking import tpch
from atlas_pipeline.benchmarking.cost import Measured, measured
from atlas_pipeline.benchmarking.generated import GENERATED
from atlas_pipeline.benchmarking.sources import catalog, dialect_of
from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.ranged_plan import RangedPlan
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.stretch_load import StretchLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.resync.in_place import InPlace
from atlas_pipeline.resync.scope import Way
from atlas_pipeline.resync.watermark import settled_until
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import TableSpec

STRETCHES = 4
"""Stretches of keys for each of several processes."""
CURSOR = {"wide": "m1"}
"""Tables with a column of moments of change -> that column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a task works.

    Attributes:
        source_url: SQLAlchemy URL of the source.
        uri: Connection string of the server.
        folder: For private copies of SQLite files.
        table: Which of the generated tables.
        servers: Name of a server on this machine -> id of its first process.
        processes: How many processes work, where a task can be shared.
    """

    source_url: str
    uri: str
    folder: str
    table: str
    servers: dict[str, int]
    processes: int = 1


def table_of(name: str) -> TableSpec:
    """A generated table, with the policy by which it is synced again."""
    spec = GENERATED[name].spec if name in GENERATED else next(one for one in tpch.TABLES if one.source == name)
    if name not in CURSOR:
        return replace(spec, sync=SyncPolicy(mode="reconcile"))
    # Without overlap and lag a sync reads its own changes alone, however fast it follows on the one before.
    cursor = Cursor(column=CURSOR[name], overlap=timedelta(0), lag=timedelta(0))
    return replace(spec, sync=SyncPolicy(mode="watermark", cursor=cursor, reconcile_every=0))


class Workplace:
    """Source and target of one table, open. A context manager."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.table = table_of(site.table)
        database = f"bench_{dialect_of(site.source_url)}_{site.table}"
        self.catalog: CatalogSpec = catalog(site.source_url, [self.table], database=database)
        self.source = open_source(self.catalog, site.source_url, copies=Path(site.folder), timeout_seconds=30)
        self.target = Target(site.uri)

    def __enter__(self) -> Workplace:
        return self

    def __exit__(self, *_: object) -> None:
        self.target.close()

    @contextmanager
    def reload(self) -> Iterator[Reload]:
        """A load that has begun."""
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        with (
            self.source.snapshot() as snapshot,
            Reload(target=self.target, catalog=self.catalog, table=self.table, snapshot=snapshot, run=run) as load,
        ):
            yield load


def load(place: Workplace) -> Measured[dict[str, Any]]:
    """Read, map, validate, encode and insert all rows, and note what was sent; nothing is published."""
    with place.reload() as one:
        done = measured(one.copy, place.site.servers)
        facts = _facts(one.facts)
        one.withhold()
    return Measured(facts, done.cost)


def load_in_several(place: Workplace) -> Measured[dict[str, Any]]:
    """The same by several processes, each with stretches of keys of its own; what comes before and after is not
    measured, as it is not for one process.
    """
    site = place.site
    with place.source.snapshot() as snapshot:
        rows = snapshot.count(place.table)
        stretch = max(1, -(-rows // (STRETCHES * site.processes)))
        sync = replace(place.table.sync, load="ranged", rows_per_range=stretch)
        table, run_id = replace(place.table, sync=sync), str(uuid.uuid4())
        run = RunIdentity(run_id=run_id, holder=Holder.this_process())
        with RangedPlan(target=place.target, catalog=place.catalog, table=table, snapshot=snapshot, run=run) as plan:
            numbers = plan.unloaded
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(site.processes)
    with ProcessPoolExecutor(site.processes, context, _prepare, (site, barrier)) as pool:
        list(pool.map(_wait_for_all, range(site.processes)))
        done = measured(
            lambda: sum(pool.map(_load_stretch, numbers, [run_id] * len(numbers), [stretch] * len(numbers))),
            site.servers,
            with_started=True,
        )
    for database in (place.target.database(place.catalog), place.target.pipeline_database(place.catalog)):
        place.target.client.drop_database(database.name)
    return Measured({"read": done.result}, done.cost)


class _Worker:
    """What one of several processes works with, for as long as it lives."""

    place: Workplace
    barrier: Any


def _prepare(site: Site, barrier: Any) -> None:
    _Worker.place, _Worker.barrier = Workplace(site), barrier


def _wait_for_all(_: int) -> None:
    """Wait until all processes are there, with all that they need imported."""
    _Worker.barrier.wait()


def _load_stretch(number: int, run_id: str, rows: int) -> int:
    place = _Worker.place
    table = replace(place.table, sync=replace(place.table.sync, load="ranged", rows_per_range=rows))
    run = RunIdentity(run_id=run_id, holder=Holder.this_process())
    with (
        place.source.snapshot() as snapshot,
        StretchLoad(
            number=number, target=place.target, catalog=place.catalog, table=table, snapshot=snapshot, run=run
        ) as one,
    ):
        return one.load()


def publish(place: Workplace) -> Measured[dict[str, Any]]:
    """The same, read back and proven by digest, unique and other indexes built, counted, swapped in."""
    from atlas_pipeline.load import indexes

    def whole() -> dict[str, Any]:
        with place.reload() as one:
            one.copy()
            one.build()
            if place.table.sync.cursor is not None:
                one.facts.watermark = settled_until(one.snapshot.time, place.table.sync.cursor)
            one.publish()
            live = place.target.database(place.catalog)[place.table.collection]
            late = [index for index in place.table.indexes if not index.built_on_staging]
            indexes.create(live, late, comment=one.run.run_id)
        return _facts(one.facts)

    return measured(whole, place.site.servers)


def verify(place: Workplace) -> Measured[dict[str, Any]]:
    """Compare every value of what is published with its row, mapped anew."""
    from atlas_pipeline.reconcile.place import Opened, Place
    from atlas_pipeline.reconcile.verify import Request, verify_table

    site = place.site
    opened = Opened(catalog=place.catalog, table=place.table, source=place.source, target=place.target)
    far = Place(
        catalog=place.catalog,
        table=place.table,
        source_url=site.source_url,
        copies=Path(site.folder),
        source_timeout_seconds=30,
        statement_seconds=600,
        mongodb_uri=site.uri,
        mongodb_timeout_ms=5_000,
        embedder="hashing",
        comment="benchmark",
    )
    processes = site.processes
    done = measured(
        lambda: verify_table(opened, Request(), place=far if processes > 1 else None, processes=processes),
        site.servers,
        with_started=processes > 1,
    )
    if not done.result.strictly_equal:
        raise DataQualityError(f"{place.table.collection}: source and target differ.", "look for what else writes here")
    return Measured({"rows": done.result.tally.rows}, done.cost)


def unchanged(place: Workplace) -> Measured[dict[str, Any]]:
    """Sync again without a cursor: find by fingerprints that nothing changed."""
    return _in_place(place, "reconcile")


def changed(place: Workplace) -> Measured[dict[str, Any]]:
    """Sync by cursor what has changed at the source since."""
    return _in_place(place, "watermark")


def _in_place(place: Workplace, way: Way) -> Measured[dict[str, Any]]:
    def whole() -> dict[str, Any]:
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        with (
            place.source.snapshot() as snapshot,
            InPlace(
                target=place.target, catalog=place.catalog, table=place.table, snapshot=snapshot, run=run, way=way
            ) as sync,
        ):
            sync.find()
            sync.apply()
            sync.record()
        return _facts(sync.facts)

    return measured(whole, place.site.servers)


TASKS: dict[str, Callable[[Workplace], Measured[dict[str, Any]]]] = {
    one.__name__: one for one in (load, load_in_several, publish, verify, unchanged, changed)
}


def _facts(facts: Any) -> dict[str, Any]:
    names = ("read", "loaded", "inserted", "replaced", "deleted", "unchanged", "quarantined", "document_bytes")
    return {name: getattr(facts, name) for name in names}


def told(task: str, site: Site) -> str:
    """What has this module do a task, by standard input: the addresses hold passwords, which an argument would show."""
    return json.dumps({"task": task, **asdict(site)})


def main() -> None:
    """Entry point: do the task that standard input tells, and print its result and cost as JSON."""
    asked = json.load(sys.stdin)
    task = TASKS[asked.pop("task")]
    with Workplace(Site(**asked)) as place:
        done = task(place)
    print(json.dumps({"result": done.result, "cost": asdict(done.cost)}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()

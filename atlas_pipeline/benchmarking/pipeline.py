"""The benchmark of the pipeline: what its loads, verifications and syncs cost, against what the server itself can take.

Everything is measured in one run on one machine: servers of its own, generated sources, each measurement in a process
of its own, several rounds, in alternation with the limit. Ratios are taken within a round, for a shared machine is
faster in one minute than in the next; what is told is their median. What does not belong here: the measurements
(`tasks`, `limit`, `rivals`), and how they are shown (`findings`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atlas_pipeline.benchmarking import ingestr, limit, rivals, tpch
from atlas_pipeline.benchmarking.changes import change, prepare
from atlas_pipeline.benchmarking.correctness import compare
from atlas_pipeline.benchmarking.cost import Cost
from atlas_pipeline.benchmarking.generated import GENERATED
from atlas_pipeline.benchmarking.sources import Dialect, fill
from atlas_pipeline.benchmarking.tasks import CURSOR, Site, Workplace, told
from atlas_pipeline.errors import AtlasError
from atlas_pipeline.local.servers import mongodb, postgresql
from atlas_pipeline.settings import Settings

CHANGES = 1_000
RIVAL_SECONDS = 1_800.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured.

    Attributes:
        dialects: Sources: sqlite, postgresql.
        tables: Generated tables: wide, narrow, json_heavy, large, huge, or one of TPC-H.
        rows: Rows of each; of TPC-H the scale factor decides.
        rounds: How often everything is measured.
        rivals: Other ways of loading that are measured too, once each.
        processes: Processes of what can be shared among several.
        scale: Scale factor of TPC-H.
        folder: For what is kept from one run to the next: the environment of ingestr.
    """

    dialects: tuple[Dialect, ...] = ("sqlite", "postgresql")
    tables: tuple[str, ...] = ("wide",)
    rows: int = 300_000
    rounds: int = 3
    rivals: tuple[str, ...] = ()
    processes: int = 2
    scale: float = 0.05
    folder: Path = Path(".atlas")


@dataclass(slots=True)
class Field:
    """All that was measured of one table of one dialect.

    Attributes:
        rows: Its rows.
        rounds: Name of a measurement -> its cost, for each round.
        document_bytes: Encoded documents.
        limit: How the limit was measured, and documents per second of all ways that were tried.
        rivals: What other programs took, and how what they wrote compares with the source.
    """

    rows: int
    rounds: list[dict[str, Cost]] = field(default_factory=list)
    document_bytes: int = 0
    limit: dict[str, Any] = field(default_factory=dict)
    rivals: list[dict[str, Any]] = field(default_factory=list)


class TaskFailedError(AtlasError):
    """A measurement failed, so there is nothing to tell."""


def measure(plan: Plan, say: Say) -> dict[tuple[Dialect, str], Field]:
    """Measure all of a plan, on servers and in folders that are gone afterwards; `say` is told what is done.

    Raises:
        TaskFailedError: A measurement failed.
        AtlasError: A server cannot be started, or a generator is missing.
    """
    found = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atlas-bench-")))
        settings = settings_of_own(folder)
        mongo = stack.enter_context(mongodb(settings))
        servers = {"mongodb": mongo.pid} if mongo.pid else {}
        for dialect in plan.dialects:
            url = f"sqlite:///{folder / 'source.sqlite3'}"
            if dialect == "postgresql":
                postgres = stack.enter_context(postgresql(settings))
                url, servers = postgres.url("postgres"), {**servers, "postgresql": postgres.pid}
            for table in plan.tables:
                say(f"{dialect}, {table}: making the source")
                rows = _fill(url, table, plan, folder)
                site = Site(source_url=url, uri=mongo.uri, folder=str(folder / "copies"), table=table, servers=servers)
                found[dialect, table] = _measured(site, rows, plan, say)
    return found


def settings_of_own(folder: Path) -> Settings:
    """The settings with servers and state of their own below a folder, whatever the deployment is told."""
    return Settings().model_copy(update={"state_dir": folder, "mongodb_uri": None, "database_url": None})


def _fill(url: str, table: str, plan: Plan, folder: Path) -> int:
    if table in GENERATED:
        generated = GENERATED[table]
        rows = fill(url, generated.spec, generated.rows(plan.rows))
    else:
        rows = tpch.load(url, tpch.generate(folder / "tpch", plan.scale))[table]
    prepare(url, table)
    return rows


def _measured(site: Site, rows: int, plan: Plan, say: Say) -> Field:
    found = Field(rows=rows)
    with Workplace(site) as place:
        documents = limit.documents_of(place)
        found.document_bytes = sum(len(one.raw) for one in documents)
        say(f"{place.catalog.dialect}, {site.table}: finding the limit")
        way, tried = limit.best_way(place, documents)
        found.limit = {"writers": way.writers, "batch": way.batch, "documents_per_second": tried}
        for number in range(plan.rounds):
            say(f"{place.catalog.dialect}, {site.table}: round {number + 1} of {plan.rounds}")
            found.rounds.append(_round(site, place, documents, way, plan))
        del documents
        for rival in plan.rivals:
            say(f"{place.catalog.dialect}, {site.table}: {rival}")
            found.rivals.append(_rival(rival, place, plan))
    return found


def _round(site: Site, place: Workplace, documents: Sequence[Any], way: limit.Way, plan: Plan) -> dict[str, Cost]:
    """Everything once. The limit comes before and after the load, for a machine's speed changes meanwhile."""
    several, rows = replace(site, processes=plan.processes), len(documents)
    nothing = {"inserted": 0, "replaced": 0, "deleted": 0}
    costs = {"limit": limit.insert(place, documents, way).cost}
    costs["load"] = run_task("load", site, read=rows, quarantined=0)
    costs["limit_again"] = limit.insert(place, documents, way).cost
    if plan.processes > 1:
        costs["load_in_several"] = run_task("load_in_several", several, read=rows)
    costs["publish"] = run_task("publish", site, loaded=rows)
    costs["verify"] = run_task("verify", site, rows=rows)
    if plan.processes > 1:
        costs["verify_in_several"] = run_task("verify", several, rows=rows)
    costs["unchanged"] = run_task("unchanged", site, **nothing, unchanged=rows)
    if site.table in CURSOR:
        change(site.source_url, site.table, CHANGES)
        costs["changed"] = run_task("changed", site, **nothing | {"replaced": CHANGES})
    return costs


def run_task(task: str, site: Site, **expected: int) -> Cost:
    """Have a process of its own do a task; gives what it cost. Raises TaskFailedError, also when it did not do what is
    expected.
    """
    command = [sys.executable, "-m", "atlas_pipeline.benchmarking.tasks"]
    done = subprocess.run(command, input=told(task, site), capture_output=True, text=True, check=False)
    if done.returncode:
        raise TaskFailedError(f"{task} of {site.table}: {rivals.last_line(done.stderr)}", "run it again")
    answer = json.loads(done.stdout.splitlines()[-1])
    found = {name: answer["result"][name] for name in expected}
    if found != expected:
        raise TaskFailedError(f"{task} of {site.table} did {found}, and should have done {expected}.", "run it again")
    return Cost(**answer["cost"])


def _rival(rival: str, place: Workplace, plan: Plan) -> dict[str, Any]:
    site = place.site
    plan.folder.mkdir(parents=True, exist_ok=True)
    if rival == "ingestr":
        ingestr.install(plan.folder)
    collection = f"rival_{rival}"
    job = rivals.job_for(
        place.table,
        source_url=site.source_url,
        mongodb_uri=site.uri,
        database=place.catalog.database,
        collection=collection,
        folder=plan.folder.resolve(),
    )
    outcome = rivals.run(rival, job, timeout_seconds=RIVAL_SECONDS)
    told_of = {"rival": rival, "rows": outcome.rows, "seconds": outcome.seconds, "cpu_seconds": outcome.cpu_seconds}
    told_of |= {"peak_mb": outcome.peak_mb, "failed": outcome.failed, "verdict": ""}
    with _dropped(place, collection):
        if not outcome.failed:
            told_of["verdict"] = compare(
                place.catalog,
                place.table,
                collection,
                source_url=site.source_url,
                target=place.target,
                copies=Path(site.folder),
            ).verdict
    return told_of


@contextmanager
def _dropped(place: Workplace, collection: str) -> Iterator[None]:
    try:
        yield
    finally:
        place.target.database(place.catalog).drop_collection(collection)

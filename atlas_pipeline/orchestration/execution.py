"""Running a catalog's Dagster job in this process, as the command line does, so that it appears in the UI's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DIFFERENCES, EXIT_DONE, EXIT_INTERRUPTED
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.evolution import judge, require
from atlas_pipeline.load.guards import Covers, Guards
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.orchestration.automation import job_name
from atlas_pipeline.orchestration.failures import SAID_BY_CHECK
from atlas_pipeline.orchestration.instance import CATALOG_TAG, end_dead_runs, holder_tags, open_instance
from atlas_pipeline.orchestration.metadata import collection_key, indexes_key, step_of
from atlas_pipeline.orchestration.resources import Progress, listening
from atlas_pipeline.quality.checks import CHECKS
from atlas_pipeline.resync.scope import WHOLE, Scope, way_of
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

_COVERS: dict[str, Covers] = {"reload": "reload", "reconcile": "whole"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong with one step, in words, with the exit code that it calls for."""

    step: str
    description: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What became of a run.

    Attributes:
        run_id: Id of the Dagster run.
        problems: Failed steps, then failed checks of severity ERROR.
        exit_code: 0, 1, 2 or 130, the gravest of all problems.
        ended: Runs of dead processes that were ended before this one began.
    """

    run_id: str
    problems: tuple[Problem, ...]
    exit_code: int
    ended: tuple[str, ...]


def preflight(
    *,
    target: Target,
    catalog: CatalogSpec,
    tables: Sequence[TableSpec],
    snapshot: Snapshot,
    force: bool,
    scope: Scope = WHOLE,
) -> dict[str, int]:
    """Ask for all tables, before any is touched, what would stop one of them. Raises AtlasError.

    Returns:
        Collection -> rows that will be read, of the tables that are read as a whole; zero for the others. Those that
        are loaded in ranges are read twice.
    """
    totals: dict[str, int] = {}
    nobody = RunIdentity(run_id="preflight", holder=Holder.this_process())
    ledgers = [TableLedger(target.pipeline_database(catalog), catalog, table, nobody) for table in tables]
    with target.translated():
        judged = [judge(snapshot, table, ledger.state()) for table, ledger in zip(tables, ledgers, strict=True)]
        require(judged)
        for one, ledger in zip(judged, ledgers, strict=True):
            guards = Guards(
                database=target.database(catalog),
                ledger=ledger,
                table=one.table,
                snapshot=snapshot,
                force=force,
                comment="preflight",
            )
            way = way_of(one.table, ledger.state().get("published") or {}, scope)
            covers = _COVERS.get(way, "some") if one.table.storage == "plain" else "reload"
            for require_this in guards.questions(covers).values():
                require_this()
            rows = 0 if covers == "some" else snapshot.count(one.table)
            twice = way == "reload" and one.table.sync.load == "ranged" and rows > one.table.sync.rows_per_range
            totals[one.table.collection] = 2 * rows if twice else rows
    return totals


def run_sync(
    *,
    definitions: dg.Definitions,
    catalog: CatalogSpec,
    tables: Sequence[TableSpec],
    settings: Settings,
    force: bool,
    scope: Scope = WHOLE,
    run_id: str,
    trigger: str,
    progress: Progress,
) -> RunOutcome:
    """Run the catalog's job for these tables in this process.

    Args:
        definitions: All definitions of the project.
        catalog: The catalog.
        tables: Which of its tables.
        settings: Deployment settings.
        scope: What is asked for, beside the policies.
        force: Publish also what would shrink a collection beyond its policy.
        run_id: Id for the new run.
        trigger: What started it, as a run tag.
        progress: Told collection and rows as they are done.
    """
    keys = [key(catalog, table) for table in tables for key in (collection_key, indexes_key)]
    config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    asked = {**({"force": True} if force else {}), **_asked(scope)}
    if asked:
        config["ops"] = {step_of(catalog, table): {"config": asked} for table in tables}
    with open_instance(settings) as instance, listening(progress):
        ended = end_dead_runs(instance, catalog.name)
        # Without the checks by name, Dagster would run that of all values too, which has a job of its own.
        checks = {dg.AssetCheckKey(collection_key(catalog, table), check.name) for table in tables for check in CHECKS}
        job = definitions.resolve_job_def(job_name(catalog))
        part = job.get_subset(asset_selection=set(keys), asset_check_selection=checks)
        result = part.execute_in_process(
            run_config=config,
            instance=instance,
            run_id=run_id,
            tags={CATALOG_TAG: catalog.name, "trigger": trigger, **holder_tags(Holder.this_process())},
            raise_on_error=False,
        )
        problems = (*_failed_steps(result), *_failed_checks(result))
    code = max((problem.exit_code for problem in problems), default=EXIT_DONE if result.success else EXIT_CANNOT)
    return RunOutcome(run_id=run_id, problems=problems, exit_code=code, ended=tuple(ended))


def _asked(scope: Scope) -> dict[str, Any]:
    """A scope as run configuration."""
    asked: dict[str, Any] = {} if scope.mode == "policy" else {"mode": scope.mode}
    asked |= {name: list(key) for name, key in (("first_key", scope.first), ("before_key", scope.before)) if key}
    return asked | {name: at.isoformat() for name, at in (("since", scope.since), ("until", scope.until)) if at}


def _failed_steps(result: dg.ExecuteInProcessResult) -> list[Problem]:
    problems = []
    for event in result.filter_events(lambda event: event.is_step_failure or event.is_run_failure):
        if not event.is_step_failure:
            continue
        data = event.step_failure_data
        if data.error_source is not None and data.error_source.value == "INTERRUPT":
            problems.append(Problem(step=event.step_key or "", description="interrupted", exit_code=EXIT_INTERRUPTED))
            continue
        user = data.user_failure_data
        if user is not None and SAID_BY_CHECK in user.metadata:
            continue
        description = (user.description if user else None) or (data.error.message if data.error else "failed")
        code = user.metadata.get("exit_code") if user else None
        exit_code = code.value if isinstance(code, dg.IntMetadataValue) and code.value is not None else EXIT_CANNOT
        problems.append(Problem(step=event.step_key or "", description=description.strip(), exit_code=exit_code))
    return problems


def _failed_checks(result: dg.ExecuteInProcessResult) -> list[Problem]:
    return [
        Problem(
            step=evaluation.asset_key.path[-1],
            description=f"{evaluation.check_name}: {evaluation.description or 'failed'}",
            exit_code=EXIT_DIFFERENCES,
        )
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR
    ]

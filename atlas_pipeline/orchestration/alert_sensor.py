"""When an alert is raised: a sensor that looks at each finished run of a catalog once, in order, and at the age of its
collections.

What is wrong stays open in the sensor's cursor until a later run does the same step, or passes the same check. So one
fault is told once, however often it repeats, and so is its end. What does not belong here: how alerts reach people
(`alerts`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterEventType

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.orchestration.alerts import Alert, Event, Fault, deliver, find_alerter, make_alerters
from atlas_pipeline.orchestration.automation import syncs_tables
from atlas_pipeline.orchestration.failures import SAID_BY_CHECK
from atlas_pipeline.orchestration.instance import CATALOG_TAG
from atlas_pipeline.orchestration.metadata import collection_key
from atlas_pipeline.quality.checks import EXPECTATIONS, REJECTS
from atlas_pipeline.quality.values import VALUES
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec

BUSY_SECONDS = 15.0
"""A tick takes no further run after this long, for Dagster ends a tick that takes a minute."""
RUNS_PER_TICK = 50
_CURES = {
    REJECTS.name: "see `atlas-pipeline quarantine list`",
    EXPECTATIONS.name: "open the Data Docs page that the check links",
    VALUES.name: "see `atlas-pipeline verify`, then `atlas-pipeline repair`",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run says of its catalog: what is bad, and what is good, by name of step, check or job."""

    bad: Mapping[str, Fault]
    good: frozenset[str]


@dataclass(slots=True)
class Watch:
    """What the sensor remembers from tick to tick.

    Attributes:
        after: The last event of a finished run that was looked at.
        failing: Catalog -> what is wrong -> since when, as ISO text.
    """

    after: int
    failing: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def from_cursor(cls, cursor: str) -> Watch:
        return cls(**json.loads(cursor))

    def cursor(self) -> str:
        return json.dumps({"after": self.after, "failing": self.failing})

    def update(self, catalog: str, judged: Judged) -> Iterator[tuple[Event, tuple[Fault, ...]]]:
        """Remember what is bad, forget what is good; gives what people are to be told: all that is bad when something
        of it is new, and what recovered.
        """
        known = self.failing.setdefault(catalog, {})
        new = judged.bad.keys() - known.keys()
        recovered = [
            Fault(what=what, message=f"well again; it had failed since {known.pop(what)}")
            for what in sorted(known.keys() & judged.good)
        ]
        known |= dict.fromkeys(sorted(new), datetime.now(UTC).isoformat(timespec="seconds"))
        if new:
            yield "failed", tuple(judged.bad.values())
        if recovered:
            yield "recovered", tuple(recovered)


def judge(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Judged:
    """Steps and checks of severity ERROR of a finished run; the run itself where no step says why it failed."""
    kinds = {
        DagsterEventType.STEP_SUCCESS,
        DagsterEventType.STEP_FAILURE,
        DagsterEventType.ASSET_CHECK_EVALUATION,
        DagsterEventType.RUN_FAILURE,
    }
    bad: dict[str, Fault] = {}
    good: set[str] = set()
    job = f"job {run.job_name}"
    for record in instance.get_records_for_run(run.run_id, of_type=kinds).records:
        event = record.event_log_entry.get_dagster_event()
        if event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            what = f"{check.asset_key.path[-1]}: {check.check_name}"
            if check.passed or check.severity is not dg.AssetCheckSeverity.ERROR:
                good.add(what)
            else:
                said = check.description or "failed"
                bad[what] = Fault(what=what, message=said, cure=_CURES.get(check.check_name, ""))
        elif event.event_type is DagsterEventType.STEP_SUCCESS:
            good.add(event.step_key or "")
        elif event.event_type is DagsterEventType.STEP_FAILURE:
            bad |= {one.what: one for one in _of_step(event)}
        elif not bad:
            bad[job] = Fault(what=job, message=event.message or "the run failed")
    if run.is_success:
        good.add(job)
    return Judged(bad, frozenset(good - bad.keys()))


def _of_step(event: dg.DagsterEvent) -> Iterator[Fault]:
    """What a failed step says, unless a failed check says it already. Foreign errors are named only: they may quote."""
    data = event.step_failure_data
    told = data.user_failure_data
    what = event.step_key or ""
    if told is None:
        error = data.error.cls_name if data.error else None
        yield Fault(what=what, message=f"failed with {error or 'an error'}; see the log of the run")
    elif SAID_BY_CHECK not in told.metadata:
        cure = str(told.metadata["cure"].value) if "cure" in told.metadata else ""
        message = (told.description or "failed").removesuffix(f" Cure: {cure}")
        yield Fault(what=what, message=message, cure=cure)


def judge_age(instance: dg.DagsterInstance, catalog: CatalogSpec) -> Judged:
    """Which collections are older than their freshness policy allows, as the daemon found it."""
    keys = {collection_key(catalog, table): f"{table.collection}: freshness" for table in catalog.tables}
    found = instance.get_freshness_state_records(list(keys))
    state = {what: str(found[key].freshness_state.value) for key, what in keys.items() if key in found}
    said = "not synced for longer than its freshness policy allows"
    cure = "see why its schedule is off, skips or fails"
    bad = {what: Fault(what=what, message=said, cure=cure) for what, is_ in state.items() if is_ == "FAIL"}
    return Judged(bad, frozenset(what for what, is_ in state.items() if is_ in ("PASS", "WARN")))


def alert_sensor(own: Sequence[str] = ()) -> dg.SensorDefinition:
    """The sensor that raises alerts; on by default.

    Args:
        own: Alerters of the operator, as `package.module:function`.

    Raises:
        ConfigurationError: There is no such function.
    """
    for name in own:
        find_alerter(name)

    @dg.sensor(
        name="raise_alerts",
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells the log, a webhook and e-mail of runs and checks that fail, of collections that are stale, "
        "and of their recovery.",
    )
    def raise_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = Settings()
        alerters = make_alerters(settings, own, context.log)
        watch = Watch.from_cursor(context.cursor) if context.cursor else Watch(after=_newest(context.instance))
        told = 0
        for alert in _found(context.instance, watch, settings):
            deliver(alert, alerters, context.log)
            told += 1
        context.update_cursor(watch.cursor())
        failing = [what for known in watch.failing.values() for what in known]
        return dg.SkipReason(f"{told} alerts; failing: {', '.join(failing) or 'nothing'}")

    return raise_alerts


def _found(instance: dg.DagsterInstance, watch: Watch, settings: Settings) -> Iterator[Alert]:
    """The alerts of the runs that ended since, in their order, then those of collections that are stale."""
    began = time.monotonic()
    for at, run_id in _ended(instance, watch.after):
        if time.monotonic() - began > BUSY_SECONDS:
            return
        run = instance.get_run_by_id(run_id)
        if run is not None and run.tags.get(CATALOG_TAG) in CATALOGS:
            report = f"{settings.reports_url}/reports/{run_id}/index.html" if syncs_tables(run) else ""
            for event, faults in watch.update(run.tags[CATALOG_TAG], judge(instance, run)):
                yield Alert(
                    event=event,
                    catalog=run.tags[CATALOG_TAG],
                    run_id=run_id,
                    faults=faults,
                    report=report,
                    ui=f"{settings.ui_url}/runs/{run_id}",
                    at=datetime.now(UTC),
                )
        watch.after = at
    for catalog in CATALOGS.values():
        for event, faults in watch.update(catalog.name, judge_age(instance, catalog)):
            yield Alert(
                event="stale" if event == "failed" else event,
                catalog=catalog.name,
                run_id="",
                faults=faults,
                report="",
                ui=f"{settings.ui_url}/assets/{catalog.name}",
                at=datetime.now(UTC),
            )


def _ended(instance: dg.DagsterInstance, after: int) -> list[tuple[int, str]]:
    """The runs that ended after an event, as the number of their last event and their id, in that order."""
    found = []
    for kind in (DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE):
        later = dg.RunStatusChangeRecordsFilter(event_type=kind, after_storage_id=after)
        changes = instance.fetch_run_status_changes(later, limit=RUNS_PER_TICK, ascending=True)
        found += [(change.storage_id, change.run_id) for change in changes.records]
    return sorted(found)[:RUNS_PER_TICK]


def _newest(instance: dg.DagsterInstance) -> int:
    """The number of the last event of the last run that ended; runs before the first tick raise no alert."""
    kinds = (DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE)
    newest = [instance.fetch_run_status_changes(kind, limit=1).records for kind in kinds]
    return max((change.storage_id for changes in newest for change in changes), default=0)

"""One run over two Celery workers behind a real broker; then one of them is killed in the middle of a step."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
from dagster import DagsterEventType, DagsterRunStatus
from kombu import Connection
from pymongo import MongoClient

from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.orchestration.instance import end_dead_runs, open_instance, source_pool
from atlas_pipeline.orchestration.metadata import step_of
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands.in_process import of, run
from atlas_pipeline_tests.load.faults import held
from atlas_pipeline_tests.machines.broker import PASSWORD, running_broker
from atlas_pipeline_tests.machines.some_tables import CATALOG, MODULE
from atlas_pipeline_tests.machines.workers import Worker, started, started_worker
from atlas_pipeline_tests.orchestration.ranged_jobs import RANGES, TABLE
from atlas_pipeline_tests.waiting import DEADLINE_SECONDS, wait_until

Client = MongoClient[dict[str, Any]]

SMALL = ("users", "chat_sessions")
RANGED = [sys.executable, "-m", "atlas_pipeline_tests.orchestration.ranged_jobs"]
_STEP = step_of(CATALOG, TABLE)
STEPS_BEFORE_THE_LAST = {f"{_STEP}.plan", *(f"{_STEP}.load_range[{number:06}]" for number in range(RANGES))}
STEPS = {*STEPS_BEFORE_THE_LAST, f"{_STEP}.finish", f"{_STEP}_indexes"}


@dataclass(frozen=True, kw_only=True)
class Site:
    """What several machines share.

    Attributes:
        folder: Logs, source, state.
        environment: The variables of the process of a run and of every worker.
        instance: The Dagster instance.
        client: A client of the target.
    """

    folder: Path
    environment: dict[str, str]
    instance: dg.DagsterInstance
    client: Client

    def workers_of_last_run(self) -> dict[str, list[str]]:
        """Step -> the workers that have begun it, in this order."""
        begun: dict[str, list[str]] = {}
        (run_id,) = (run.run_id for run in self.instance.get_runs(limit=1))
        for record in self.instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
            event = record.get_dagster_event()
            worker = event.engine_event_data.metadata.get("Celery worker")
            if worker is not None and event.step_key is not None:
                begun.setdefault(event.step_key, []).append(str(worker.value))
        return begun

    def succeeded(self) -> set[str]:
        """The steps of the last run that came to their end."""
        (run_id,) = (run.run_id for run in self.instance.get_runs(limit=1))
        events = self.instance.all_logs(run_id, of_type=DagsterEventType.STEP_SUCCESS)
        return {str(event.get_dagster_event().step_key) for event in events}

    @contextmanager
    def one_range_held(self, workers: list[Worker]) -> Iterator[tuple[Worker, str]]:
        """Hold the next run in the middle of one range, when all others are loaded: which worker, and which step."""
        known = len(self.instance.get_runs())
        wait_until(lambda: len(self.instance.get_runs()) > known, "a run")
        (run,) = self.instance.get_runs(limit=1)
        staging = f"{CATALOG.database}.{TABLE.collection}__staging_{run.run_id.replace('-', '')[:12]}"
        with held(self.client, "insert", times=1, namespace=staging) as insert:
            insert.wait()
            wait_until(lambda: len(self.succeeded()) == RANGES, "the plan and all ranges but one")
            (lost,) = STEPS_BEFORE_THE_LAST - self.succeeded()
            (name,) = self.workers_of_last_run()[lost]
            yield next(worker for worker in workers if worker.name == name), lost

    def require_only_repeated(self, lost: str) -> None:
        """Fail unless this step was begun twice, and each other step of a load in ranges once."""
        begun = {step: len(names) for step, names in self.workers_of_last_run().items()}
        assert begun == {step: 2 if step == lost else 1 for step in STEPS}, self.story()

    def require_success(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of the process of the last run, which must have come to its end."""
        code = process.wait(DEADLINE_SECONDS)
        (run,) = self.instance.get_runs(limit=1)
        assert (code, run.status) == (0, DagsterRunStatus.SUCCESS), self.story()

    def story(self) -> str:
        """What Dagster tells of the last run."""
        (run,) = self.instance.get_runs(limit=1)
        return "\n".join(f"{event.step_key}: {event.message}" for event in self.instance.all_logs(run.run_id))

    def require_equal(self, *tables: str) -> None:
        """Fail unless the verifier finds every value of these tables equal."""
        said = run("verify", CATALOG.name, *of(*tables), "--wait", "0", "--json", env=self.environment)
        assert (said.code, said.json["equal"]) == (0, True), said
        assert {table["collection"] for table in said.json["tables"] if table["compared"] > 0} == set(tables)


@pytest.fixture(scope="module")
def site(mongo_server: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("machines")
    source = folder / "source.sqlite3"
    write_sample(source, size=SampleSize.default().scaled(0.005))
    with running_broker(folder) as broker, MongoClient[dict[str, Any]](mongo_server.uri) as client:
        environment = {
            "ATLAS_EXECUTOR": "celery",
            "ATLAS_CELERY_BROKER_URL": broker,
            "ATLAS_STATE_DIR": str(folder / "state"),
            "ATLAS_DB_URL": f"sqlite:///{source}",
            "MONGODB_URI": mongo_server.uri,
        }
        with open_instance(Settings(ATLAS_STATE_DIR=folder / "state")) as instance:
            # Two readers of the file, so that neither worker has to wait for the other one.
            instance.event_log_storage.set_concurrency_slots(source_pool(CATALOG), 2)
            yield Site(folder=folder, environment=environment, instance=instance, client=client)
        for database in (CATALOG.database, CATALOG.pipeline_database):
            client.drop_database(database)


@pytest.fixture(scope="module")
def workers(site: Site) -> Iterator[list[Worker]]:
    """Two workers; a test that kills one of them takes it out."""
    with ExitStack() as stack:
        both = [stack.enter_context(started_worker(name, site.folder, site.environment)) for name in ("one", "two")]
        for worker in both:
            worker.wait()
        yield both


@pytest.fixture(autouse=True)
def _nothing_loaded(site: Site) -> None:
    for database in (CATALOG.database, CATALOG.pipeline_database):
        site.client.drop_database(database)


def test_a_run_without_a_worker_says_so_and_fails(site: Site) -> None:
    environment = site.environment | {"ATLAS_CELERY_WORKER_SECONDS": "1"}
    with started([sys.executable, "-m", MODULE, *SMALL], site.folder / "alone.log", environment) as process:
        assert process.wait(DEADLINE_SECONDS) != 0
    (run,) = site.instance.get_runs(limit=1)
    assert run.status == DagsterRunStatus.FAILURE
    assert site.workers_of_last_run() == {}
    assert "No Celery worker listens to the queue dagster; waiting 1 s for one." in site.story()
    (failure,) = site.instance.all_logs(run.run_id, of_type=DagsterEventType.RUN_FAILURE)
    told = failure.get_dagster_event().job_failure_data.error
    assert told is not None
    assert "Cure: start one: celery -A atlas_pipeline.celery_app worker" in told.to_string()


def test_a_run_that_is_earlier_than_its_worker_waits_for_it(site: Site) -> None:
    with started([sys.executable, "-m", MODULE, SMALL[0]], site.folder / "early.log", site.environment) as process:
        known = len(site.instance.get_runs())
        wait_until(lambda: len(site.instance.get_runs()) > known and "waiting 60 s" in site.story(), "a run that waits")
        with started_worker("late", site.folder, site.environment):
            site.require_success(process)
    assert "A Celery worker listens now." in site.story()


def test_two_workers_share_the_steps_of_a_run_and_what_they_load_is_equal(site: Site, workers: list[Worker]) -> None:
    with started([sys.executable, "-m", MODULE, *SMALL], site.folder / "run.log", site.environment) as process:
        site.require_success(process)
    begun = site.workers_of_last_run()
    assert len(begun) == 2 * len(SMALL)
    assert {name for names in begun.values() for name in names} == {worker.name for worker in workers}
    site.require_equal(*SMALL)


def test_a_range_whose_process_is_killed_is_loaded_again_at_once(site: Site, workers: list[Worker]) -> None:
    with started(RANGED, site.folder / "killed_process.log", site.environment) as process:
        with site.one_range_held(workers) as (victim, lost):
            (child,) = psutil.Process(victim.process.pid).children()
            child.kill()
            child.wait(DEADLINE_SECONDS)
        site.require_success(process)
    site.require_only_repeated(lost)
    site.require_equal(TABLE.source)


def test_the_range_of_a_worker_that_is_killed_is_loaded_again_by_another_one(site: Site, workers: list[Worker]) -> None:
    with started(RANGED, site.folder / "killed_worker.log", site.environment) as process:
        with site.one_range_held(workers) as (victim, lost):
            victim.kill()
            assert end_dead_runs(site.instance, CATALOG.name) == []
        assert site.workers_of_last_run()[lost] == [victim.name]
        hand_out_what_is_not_done(site.environment["ATLAS_CELERY_BROKER_URL"])
        site.require_success(process)
    site.require_only_repeated(lost)
    first, second = site.workers_of_last_run()[lost]
    assert first == victim.name
    assert second != victim.name
    site.require_equal(TABLE.source)


def hand_out_what_is_not_done(broker: str) -> None:
    """What every worker does every ten seconds with what is older than ATLAS_CELERY_STEP_SECONDS, now and at once."""
    with Connection(broker, transport_options={"visibility_timeout": 0}) as connection:
        connection.default_channel.qos.restore_visible()


def test_the_password_of_the_broker_is_nowhere_to_be_read(site: Site, workers: list[Worker]) -> None:
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    assert any(path.name == "run.log" for path in files)
    assert any(path.suffix == ".db" for path in files)
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []

"""One run over two Celery workers behind a real broker; then one of them is killed in the middle of a step."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
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
from atlas_pipeline_tests.machines.workers import Worker, listening_worker, started
from atlas_pipeline_tests.waiting import DEADLINE_SECONDS

Client = MongoClient[dict[str, Any]]

SMALL = ("users", "chat_sessions")
LARGE, ANOTHER = "chat_messages", "bot_messages"


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

    def at_work(self, workers: list[Worker]) -> Worker:
        """Who carries out the last step that was begun."""
        *_, names = self.workers_of_last_run().values()
        (found,) = (worker for worker in workers if worker.name == names[-1])
        return found

    def require_success(self, process: subprocess.Popen[bytes], log: str) -> None:
        """Wait for the end of the process of the last run, which must have come to its end."""
        code = process.wait(DEADLINE_SECONDS)
        (run,) = self.instance.get_runs(limit=1)
        assert (code, run.status) == (0, DagsterRunStatus.SUCCESS), (self.folder / log).read_text(encoding="utf-8")

    def require_equal(self, *tables: str) -> None:
        """Fail unless the verifier finds every value of these tables equal."""
        said = run("verify", CATALOG.name, *of(*tables), "--wait", "0", "--json", env=self.environment)
        assert (said.code, said.json["equal"]) == (0, True), said
        assert {table["collection"] for table in said.json["tables"] if table["compared"] > 0} == set(tables)


@pytest.fixture(scope="module")
def site(mongo_server: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("machines")
    source = folder / "source.sqlite3"
    write_sample(source, size=SampleSize.default().scaled(0.25))
    with running_broker(folder) as broker, MongoClient[dict[str, Any]](mongo_server.uri) as client:
        environment = {
            "ATLAS_EXECUTOR": "celery",
            "ATLAS_CELERY_BROKER_URL": broker,
            "ATLAS_STATE_DIR": str(folder / "state"),
            "ATLAS_DB_URL": f"sqlite:///{source}",
            "MONGODB_URI": mongo_server.uri,
        }
        for database in (CATALOG.database, CATALOG.pipeline_database):
            client.drop_database(database)
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
        yield [stack.enter_context(listening_worker(name, site.folder, site.environment)) for name in ("one", "two")]


def program(*tables: str) -> list[str]:
    return [sys.executable, "-m", MODULE, *tables]


def step(table: str) -> str:
    return step_of(CATALOG, CATALOG.table(table))


def test_two_workers_share_the_steps_of_a_run_and_what_they_load_is_equal(site: Site, workers: list[Worker]) -> None:
    with started(program(*SMALL), site.folder / "run.log", site.environment) as process:
        site.require_success(process, "run.log")
    begun = site.workers_of_last_run()
    assert len(begun) == 2 * len(SMALL)
    assert {name for names in begun.values() for name in names} == {worker.name for worker in workers}
    site.require_equal(*SMALL)


def test_a_step_whose_process_is_killed_is_carried_out_again_at_once(site: Site, workers: list[Worker]) -> None:
    with started(program(LARGE), site.folder / "killed_process.log", site.environment) as process:
        with held(site.client, "insert", skip=1) as insert:
            insert.wait()
            (child,) = psutil.Process(site.at_work(workers).process.pid).children()
            child.kill()
            child.wait(60)
        site.require_success(process, "killed_process.log")
    assert len(site.workers_of_last_run()[step(LARGE)]) == 2
    site.require_equal(LARGE)


def test_the_step_of_a_worker_that_is_killed_is_carried_out_by_another_one(site: Site, workers: list[Worker]) -> None:
    with started(program(ANOTHER), site.folder / "killed_worker.log", site.environment) as process:
        with held(site.client, "insert", skip=1) as insert:
            insert.wait()
            victim = site.at_work(workers)
            victim.kill()
        assert end_dead_runs(site.instance, CATALOG.name) == []
        assert site.workers_of_last_run() == {step(ANOTHER): [victim.name]}
        hand_out_what_is_not_done(site.environment["ATLAS_CELERY_BROKER_URL"])
        site.require_success(process, "killed_worker.log")
    first, second = site.workers_of_last_run()[step(ANOTHER)]
    assert first == victim.name
    assert second != victim.name
    site.require_equal(ANOTHER)


def hand_out_what_is_not_done(broker: str) -> None:
    """What every worker does every ten seconds with what is older than ATLAS_CELERY_STEP_SECONDS, now and at once."""
    with Connection(broker, transport_options={"visibility_timeout": 0}) as connection:
        connection.default_channel.qos.restore_visible()


def test_the_password_of_the_broker_is_nowhere_to_be_read(site: Site, workers: list[Worker]) -> None:
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    assert any(path.name == "run.log" for path in files)
    assert any(path.suffix == ".db" for path in files)
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []

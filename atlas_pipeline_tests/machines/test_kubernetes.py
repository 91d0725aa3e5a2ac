"""The same graph on Kubernetes: what Dagster's chart is told, the Jobs that become of it, and a run by such Jobs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRunStatus
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from pymongo import MongoClient

from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.orchestration.instance import open_instance
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands.in_process import of, run
from atlas_pipeline_tests.machines.cluster import Cluster, running_cluster
from atlas_pipeline_tests.machines.some_tables import CATALOG, MODULE
from atlas_pipeline_tests.machines.workers import ROOT, started
from atlas_pipeline_tests.waiting import DEADLINE_SECONDS

TABLE = "role_permissions"
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deployment/kubernetes/values.yaml").read_text(encoding="utf-8"))
(DEPLOYMENT,) = VALUES["dagster-user-deployments"]["deployments"]
LAUNCHER = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
DAEMON = VALUES["dagsterDaemon"]
IMAGE = f"{DEPLOYMENT['image']['repository']}:{DEPLOYMENT['image']['tag']}"
ENVIRONMENT = {one["name"]: one["value"] for one in DEPLOYMENT["env"]}


def context_of_code_location() -> dict[str, Any]:
    """What the chart tells the code location of the Jobs of its runs."""
    return {
        "image_pull_policy": DEPLOYMENT["image"]["pullPolicy"],
        "env": DEPLOYMENT["env"],
        "env_secrets": [secret["name"] for secret in DEPLOYMENT["envSecrets"]],
        "volumes": DEPLOYMENT["volumes"],
        "volume_mounts": DEPLOYMENT["volumeMounts"],
        "resources": DEPLOYMENT["resources"],
        "namespace": "default",
        "service_account_name": "dagster-user-deployments",
    }


def run_launcher(home: Path, cluster: Cluster) -> dict[str, Any]:
    """The run launcher in the dagster.yaml of the chart, with the configuration of the code location in it."""
    context = context_of_code_location()
    assert LAUNCHER["loadInclusterConfig"] is True  # here we are outside
    config = {
        "load_incluster_config": False,
        "kubeconfig_file": str(cluster.kubeconfig()),
        "job_namespace": context.pop("namespace"),
        "job_image": IMAGE,
        "dagster_home": str(home),
        "instance_config_map": "dagster-instance",
        "run_k8s_config": {
            "pod_spec_config": LAUNCHER["runK8sConfig"]["podSpecConfig"],
            "container_config": {"env": context.pop("env")},
        },
        **context,
    }
    return {"module": "dagster_k8s", "class": VALUES["runLauncher"]["type"], "config": config}


def dagster_yaml(home: Path, cluster: Cluster) -> dict[str, Any]:
    """The dagster.yaml of the chart, but for the storage."""
    monitoring = DAEMON["runMonitoring"]
    return {
        "run_launcher": run_launcher(home, cluster),
        "run_monitoring": {
            "enabled": monitoring["enabled"],
            "start_timeout_seconds": monitoring["startTimeoutSeconds"],
            "max_resume_run_attempts": monitoring["maxResumeRunAttempts"],
            "poll_interval_seconds": monitoring["pollIntervalSeconds"],
            "free_slots_after_run_end_seconds": monitoring["freeSlotsAfterRunEndSeconds"],
        },
        "telemetry": VALUES["telemetry"],
        **VALUES["additionalInstanceConfig"],
    }


@pytest.fixture
def cluster(mongo_server: MongoServer, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose Secret has the addresses of a small source and of the session's server."""
    source = tmp_path / "source.sqlite3"
    write_sample(source, size=SampleSize.default().scaled(0.005))
    addresses = {"ATLAS_DB_URL": f"sqlite:///{source}", "MONGODB_URI": mongo_server.uri}
    state = {"ATLAS_STATE_DIR": str(tmp_path / "state")}  # there is no /opt/state here
    with (
        running_cluster(tmp_path, {"atlas-pipeline": {**addresses, **state}}) as running,
        MongoClient[dict[str, Any]](mongo_server.uri) as client,
    ):
        yield running
        for database in (CATALOG.database, CATALOG.pipeline_database):
            client.drop_database(database)


def test_the_steps_of_a_run_are_jobs_with_image_secrets_volumes_and_resources(cluster: Cluster) -> None:
    secret = cluster.secrets["atlas-pipeline"]
    home = Settings(**secret).dagster_home
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(dagster_yaml(home, cluster)), encoding="utf-8")
    log = cluster.folder / "run.log"
    with started([sys.executable, "-m", MODULE, TABLE], log, {**ENVIRONMENT, **secret}) as process:
        code = process.wait(DEADLINE_SECONDS)
    assert code == 0, log.read_text(encoding="utf-8")[-3_000:] + cluster.said()
    with open_instance(Settings(**secret)) as instance:
        (done,) = instance.get_runs()
        assert isinstance(instance.run_launcher, K8sRunLauncher)
        assert instance.run_launcher.supports_resume_run
    assert done.status is DagsterRunStatus.SUCCESS
    steps = {f"{CATALOG.name}__{TABLE}", f"{CATALOG.name}__{TABLE}_indexes"}
    assert {job["metadata"]["labels"]["dagster/op"] for job in cluster.jobs.values()} == steps
    for job in cluster.jobs.values():
        require_as_told(job)
        assert not any(value in json.dumps(job) for value in secret.values() if "://" in value)
    said = run("verify", CATALOG.name, *of(TABLE), "--wait", "0", "--json", env=secret)
    assert (said.code, said.json["equal"]) == (0, True), said


def require_as_told(job: dict[str, Any]) -> None:
    """Fail unless the Job of a step is what values and settings say."""
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (container["image"], container["args"]) == (IMAGE, ["dagster", "api", "execute_step"])
    assert container["envFrom"] == [{"secretRef": {"name": "atlas-pipeline"}}]
    assert {one["name"]: one["value"] for one in container["env"] if one["name"] in ENVIRONMENT} == ENVIRONMENT
    memory = {"memory": ENVIRONMENT["ATLAS_STEP_MEMORY"]}
    assert container["resources"] == {"requests": {"cpu": ENVIRONMENT["ATLAS_STEP_CPU"], **memory}, "limits": memory}
    assert container["volumeMounts"] == DEPLOYMENT["volumeMounts"]
    assert pod["volumes"] == DEPLOYMENT["volumes"]
    assert pod["securityContext"] == DEPLOYMENT["podSecurityContext"]
    assert (pod["restartPolicy"], job["spec"]["backoffLimit"]) == ("Never", 0)  # whoever tries again is Dagster


def test_the_code_location_of_the_chart_is_configured_as_dagster_k8s_wants_it() -> None:
    context = K8sContainerContext.create_from_config({"k8s": context_of_code_location()})
    assert context.run_k8s_config.container_config["env_from"] == [{"secret_ref": {"name": "atlas-pipeline"}}]
    assert context.run_k8s_config.container_config["resources"] == DEPLOYMENT["resources"]


def test_the_values_name_settings_that_exist_and_the_module_of_the_workspace() -> None:
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert set(ENVIRONMENT) <= known
    assert Settings(**ENVIRONMENT).executor == "k8s"
    (place,) = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert DEPLOYMENT["codeServerArgs"] == ["-m", place["python_module"]["module_name"]]


def test_runs_are_limited_and_retried_as_in_docker_compose() -> None:
    compose = yaml.safe_load((ROOT / "deployment/dagster.yaml").read_text(encoding="utf-8"))
    told = VALUES["additionalInstanceConfig"]
    assert {name: told[name] for name in ("concurrency", "run_retries", "freshness")} == {
        name: compose[name] for name in ("concurrency", "run_retries", "freshness")
    }
    assert VALUES["postgresql"]["postgresqlScheme"] == compose["storage"]["postgres"]["postgres_db"]["scheme"]
    assert DAEMON["runCoordinator"]["enabled"] is DAEMON["runRetries"]["enabled"] is False

"""What is said where the executor of another machine cannot be had, and what workers and executor agree on."""

from __future__ import annotations

import sys

import dagster as dg
import pytest

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.orchestration.executors import executor_of
from atlas_pipeline.orchestration.machines import celery_configuration
from atlas_pipeline.settings import Settings

REDIS = "redis://:a-password@broker.example.org:6379/0"
RABBITMQ = "amqp://user:a-password@broker.example.org:5672//"


@pytest.mark.parametrize(("kind", "package"), [("celery", "dagster_celery"), ("k8s", "dagster_k8s")])
def test_an_executor_whose_package_is_missing_names_the_extra(
    kind: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as Python says where it is not installed
    with pytest.raises(ConfigurationError, match=rf"{package}.*atlas-pipeline\[{kind}\]"):
        executor_of(Settings(ATLAS_EXECUTOR=kind, ATLAS_CELERY_BROKER_URL=REDIS))


def test_celery_without_a_broker_names_the_variable() -> None:
    for refused in (executor_of, celery_configuration):
        with pytest.raises(ConfigurationError, match="set ATLAS_CELERY_BROKER_URL"):
            refused(Settings(ATLAS_EXECUTOR="celery"))


@pytest.mark.parametrize("kind", ["celery", "k8s"])
def test_the_executor_takes_what_it_is_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_CELERY_BROKER_URL", REDIS)  # it is given by its name
    settings = Settings(ATLAS_EXECUTOR=kind, ATLAS_CELERY_BROKER_URL=REDIS, ATLAS_EXECUTOR_PROCESSES=3)

    @dg.op
    def nothing() -> None:
        """Nothing."""

    @dg.job(executor_def=executor_of(settings))
    def empty() -> None:
        nothing()

    assert dg.validate_run_config(empty, {}) is not None


def test_redis_waits_for_a_step_as_long_as_the_settings_say_and_rabbitmq_needs_no_time() -> None:
    redis = celery_configuration(Settings(ATLAS_CELERY_BROKER_URL=REDIS, ATLAS_CELERY_STEP_SECONDS=900))
    assert (redis["broker_url"], redis["result_backend"]) == (REDIS, REDIS)
    assert redis["broker_transport_options"]["visibility_timeout"] == 900
    rabbitmq = celery_configuration(Settings(ATLAS_CELERY_BROKER_URL=RABBITMQ))
    assert (rabbitmq["broker_url"], rabbitmq["result_backend"]) == (RABBITMQ, "rpc://")
    assert "broker_transport_options" not in rabbitmq
    for told in (redis, rabbitmq):
        assert told["task_acks_late"] is told["task_reject_on_worker_lost"] is True


def test_results_go_elsewhere_when_the_settings_say_so() -> None:
    elsewhere = "redis://results.example.org/1"
    told = celery_configuration(Settings(ATLAS_CELERY_BROKER_URL=RABBITMQ, ATLAS_CELERY_RESULT_URL=elsewhere))
    assert told["result_backend"] == elsewhere

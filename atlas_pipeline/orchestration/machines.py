"""Executors that hand the steps of a run to other machines: to Celery workers, or to Kubernetes as Jobs.

What belongs here: what dagster-celery and dagster-k8s are told. What does not: who works when, who is alive, and what
is tried again. That is theirs and the broker's; nothing of the kind is ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.events import EngineEventData

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.orchestration.beforehand import First, doing_first

if TYPE_CHECKING:
    from atlas_pipeline.settings import Settings

_BROKER = "ATLAS_CELERY_BROKER_URL"
_RESULTS = "ATLAS_CELERY_RESULT_URL"
QUEUE = "dagster"
"""Where dagster-celery puts steps."""


def celery_executor(settings: Settings) -> dg.ExecutorDefinition:
    """Each step is a message to the broker; whichever worker is free takes it.

    The addresses are given by the names of their variables, so that no definition holds them.

    Raises ConfigurationError when there is no broker, or the extra is not installed.
    """
    with _needing("celery"):
        from dagster_celery import celery_executor as of_dagster
    own_results = settings.celery_result_url is not None
    results = {"env": _RESULTS if own_results else _BROKER} if own_results or _is_redis(settings) else "rpc://"
    config = {"broker": {"env": _BROKER}, "backend": results, "config_source": _delivery(settings)}
    return doing_first(of_dagster.configured(config), _find_a_worker(settings.celery_worker_seconds))


def _find_a_worker(seconds: int) -> First:
    """Refuse a run whose steps nobody would take: they would wait in the broker for ever, and nothing would say so."""

    def first(plan_context: Any, executor: Any) -> Iterator[dg.DagsterEvent]:
        from dagster_celery.make_app import make_app

        app = make_app(executor.app_args())
        if _listens(app):
            return
        yield _told(plan_context, f"No Celery worker listens to the queue {QUEUE}; waiting {seconds} s for one.")
        end = time.monotonic() + seconds
        while not _listens(app):
            if time.monotonic() >= end:
                raise ServerUnavailableError(
                    f"No Celery worker listened to the queue {QUEUE} of the broker for {seconds} s.",
                    f"start one: celery -A atlas_pipeline.celery_app worker --queues {QUEUE}; "
                    f"if one is running, see that both reach the broker of {_BROKER}",
                )
        yield _told(plan_context, "A Celery worker listens now.")

    return first


def _listens(app: Any) -> bool:
    """Whether a worker answers within a second that it takes our steps."""
    from kombu.exceptions import OperationalError

    try:
        answers: dict[str, list[dict[str, Any]]] = app.control.inspect(timeout=1.0).active_queues() or {}
    except OperationalError:  # no broker, so no worker that can be reached
        time.sleep(1.0)
        return False
    return any(queue["name"] == QUEUE for queues in answers.values() for queue in queues)


def _told(plan_context: Any, message: str) -> dg.DagsterEvent:
    return dg.DagsterEvent.engine_event(plan_context, message, EngineEventData())


def celery_configuration(settings: Settings) -> dict[str, Any]:
    """What a worker is told, in agreement with `celery_executor`. It holds secrets. Raises ConfigurationError."""
    broker = _broker(settings)
    own = settings.celery_result_url
    results = own.get_secret_value() if own is not None else broker if _is_redis(settings) else "rpc://"
    return {"broker_url": broker, "result_backend": results, **_delivery(settings)}


def k8s_executor(settings: Settings) -> dg.ExecutorDefinition:
    """Each step is a Job, with the image, the secrets and the volumes of the run, and with resources of its own.

    Raises ConfigurationError when the extra is not installed.
    """
    with _needing("k8s"):
        from dagster_k8s import k8s_job_executor
    memory = {"memory": settings.step_memory}
    resources = {"requests": {"cpu": settings.step_cpu, **memory}, "limits": memory}
    config: dict[str, Any] = {"step_k8s_config": {"container_config": {"resources": resources}}}
    if settings.executor_processes is not None:
        config["max_concurrent"] = settings.executor_processes
    executor: dg.ExecutorDefinition = k8s_job_executor.configured(config)
    return executor


def _delivery(settings: Settings) -> dict[str, Any]:
    """A message is only done with when its step is, so that the step of a worker that died is given to another one."""
    told: dict[str, Any] = {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,  # a worker does not keep to itself what another one could do
        "broker_connection_retry_on_startup": True,
    }
    if _is_redis(settings):
        told["broker_transport_options"] = {
            "visibility_timeout": settings.celery_step_seconds,
            "unacked_restore_throttle": 1,  # look every ten seconds for what the dead have left, not every hundred
        }
    return told


def _is_redis(settings: Settings) -> bool:
    return _broker(settings).startswith(("redis:", "rediss:", "sentinel:"))


def _broker(settings: Settings) -> str:
    if settings.celery_broker_url is None:
        raise ConfigurationError(
            f"Celery workers need a broker, and {_BROKER} is not set.",
            f"set {_BROKER}, as redis://host:6379/0 or amqp://user:password@host:5672//",
        )
    return settings.celery_broker_url.get_secret_value()


@contextmanager
def _needing(extra: str) -> Iterator[None]:
    """Say which extra is missing, where an import inside the context fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"ATLAS_EXECUTOR is {extra}, and {error.name} is not installed.",
            f"install the extra: pip install 'atlas-pipeline[{extra}]'",
        ) from error

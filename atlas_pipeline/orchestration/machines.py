"""Executors that hand the steps of a run to other machines: to Celery workers, or to Kubernetes as Jobs.

What belongs here: what dagster-celery and dagster-k8s are told. What does not: who works when, who is alive, and what
is tried again. That is theirs and the broker's; nothing of the kind is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from atlas_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from atlas_pipeline.settings import Settings

_BROKER = "ATLAS_CELERY_BROKER_URL"
_RESULTS = "ATLAS_CELERY_RESULT_URL"


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
    executor: dg.ExecutorDefinition = of_dagster.configured(config)
    return executor


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

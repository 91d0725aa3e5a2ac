"""How the steps of a run are carried out: by the process of the run itself, by others that it starts, or elsewhere.

What belongs here: the executor that the deployment's settings ask for, and the tag that says which process is that of
a run. What does not: which steps a run has (`assets`), and what other machines have to be told (`machines`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from atlas_pipeline.load.run import Holder
from atlas_pipeline.orchestration.beforehand import doing_first
from atlas_pipeline.orchestration.instance import holder_tags
from atlas_pipeline.orchestration.machines import celery_executor, k8s_executor

if TYPE_CHECKING:
    from atlas_pipeline.settings import Settings

PRELOADED = (
    "atlas_pipeline.definitions",
    "atlas_pipeline.orchestration.component",  # what the definitions import when they are made
    "atlas_pipeline.orchestration.operations",
    "atlas_pipeline.extract.postgres_source",
    "great_expectations",
    "dagster._core.storage.sqlite_storage",  # what an instance imports when a step opens it, here or in compose
    "dagster_postgres",
)
"""What the steps of a run share by forking behind it; one that is not there is passed over. Importing these opens
nothing and starts no thread. To open the instance costs a step 0.5 s of processor time, and 1.3 s without (tried).
"""


def executor_of(settings: Settings) -> dg.ExecutorDefinition:
    """The executor of all jobs of this deployment.

    In process is the default: with many small tables start-up, not data, dominates a run.

    Raises ConfigurationError when the package for it is not installed, or a setting that it needs is missing.
    """
    return _naming_its_process(_KINDS[settings.executor](settings))


def _multiprocess(settings: Settings) -> dg.ExecutorDefinition:
    forked = {"forkserver": {"preload_modules": list(PRELOADED)}}
    several = {"start_method": forked, "max_concurrent": settings.executor_processes}
    return dg.multiprocess_executor.configured(several)


_KINDS: dict[str, Callable[[Settings], dg.ExecutorDefinition]] = {
    "in_process": lambda _: dg.in_process_executor,
    "multiprocess": _multiprocess,
    "celery": celery_executor,
    "k8s": k8s_executor,
}


def _naming_its_process(inner: dg.ExecutorDefinition) -> dg.ExecutorDefinition:
    """The same executor, in runs that say which process they live and die with.

    That is the process in which the executor works, not one that it starts for a step: between two steps there may be
    none, and one that lasts may work for other runs.
    """

    def first(plan_context: Any, _executor: dg.Executor) -> Iterator[dg.DagsterEvent]:
        plan_context.instance.add_run_tags(plan_context.run_id, holder_tags(Holder.this_process()))
        yield from ()

    return doing_first(inner, first)

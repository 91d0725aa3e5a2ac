"""An executor that does something in the process of a run before the first step begins, and is the same otherwise.

What does not belong here: what is done then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
from typing_extensions import override

First = Callable[[Any, dg.Executor], Iterator[dg.DagsterEvent]]
"""From the context of the plan and the executor to events of the run; an exception ends the run before any step."""


def doing_first(inner: dg.ExecutorDefinition, first: First) -> dg.ExecutorDefinition:
    """The same executor, which does this first."""
    config_schema: Any = inner.config_schema  # as it is; a written one would be another type

    def make(context: dg.InitExecutorContext) -> dg.Executor:
        assert inner.executor_creation_fn is not None
        return _DoingFirst(inner.executor_creation_fn(context), first)

    return dg.ExecutorDefinition(
        name=inner.name,
        config_schema=config_schema,
        requirements=inner.get_requirements,
        executor_creation_fn=make,
        description=inner.description,
    )


class _DoingFirst(dg.Executor):
    def __init__(self, inner: dg.Executor, first: First) -> None:
        self._inner, self._first = inner, first

    @override
    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        yield from self._first(plan_context, self._inner)
        yield from self._inner.execute(plan_context, execution_plan)

    def __getattr__(self, name: str) -> Any:
        """Whatever else the executor has, for its loop asks the executor of the plan, which is this one."""
        return getattr(self._inner, name)

    @property
    @override
    def retries(self) -> Any:
        return self._inner.retries

    @property
    @override
    def step_dependency_config(self) -> Any:
        return self._inner.step_dependency_config

"""The project's definitions, loaded once for all tests of a process that only run or look at them."""

from __future__ import annotations

from functools import cache

import dagster as dg

from atlas_pipeline.definitions import defs


@cache
def loaded() -> dg.Definitions:
    """What the code location serves."""
    return defs()


def job(name: str) -> dg.JobDefinition:
    """A job by its name."""
    return loaded().resolve_job_def(name)

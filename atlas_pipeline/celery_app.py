"""What a Celery worker loads: `celery -A atlas_pipeline.celery_app worker`.

The app and its task are those of dagster-celery; here they get broker and delivery from the same settings as the
executor, so that no file with an address has to be kept in agreement. What does not belong here: tasks of our own.
"""

from __future__ import annotations

from importlib.util import find_spec

from dagster_celery.app import app

from atlas_pipeline.orchestration.executors import PRELOADED
from atlas_pipeline.orchestration.machines import celery_configuration
from atlas_pipeline.settings import Settings

_there = [name for name in PRELOADED if find_spec(name.partition(".")[0]) is not None]
app.conf.update(celery_configuration(Settings()), imports=_there)

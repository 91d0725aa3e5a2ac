"""What the tests of embedded servers share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_pipeline.local.servers import postgresql
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.local.owner import postgreses
from atlas_pipeline_tests.postgres import home_removed
from atlas_pipeline_tests.waiting import wait_until


@pytest.fixture(scope="session")
def _state_with_cluster(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("stopped_postgresql")
    with home_removed(state):
        with postgresql(Settings(ATLAS_STATE_DIR=state)):
            pass
        yield state


@pytest.fixture
def stopped(_state_with_cluster: Path) -> Iterator[Settings]:
    """Settings of an embedded PostgreSQL that was used before and does not run; its databases may hold anything."""
    assert postgreses(_state_with_cluster) == []
    yield Settings(ATLAS_STATE_DIR=_state_with_cluster)
    wait_until(lambda: not postgreses(_state_with_cluster), "the end of PostgreSQL")

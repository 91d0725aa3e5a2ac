"""Every case from a source in SQLite, by each way of loading, and through verify."""

from __future__ import annotations

import pytest

from atlas_pipeline_tests.cases.case import Plant
from atlas_pipeline_tests.cases.judging import judge_load, judge_plant, loads, plants
from atlas_pipeline_tests.cases.tables import CaseTable
from atlas_pipeline_tests.cases.world import World


@pytest.mark.parametrize("table", loads("sqlite"))
def test_a_case_lands_or_is_rejected_as_it_says_and_verify_agrees(table: CaseTable, sqlite_world: World) -> None:
    judge_load(table, sqlite_world)


@pytest.mark.parametrize(("table", "plant"), plants("sqlite"))
def test_verify_finds_what_was_planted_and_nothing_else(table: CaseTable, plant: Plant, sqlite_world: World) -> None:
    judge_plant(table, plant, sqlite_world)

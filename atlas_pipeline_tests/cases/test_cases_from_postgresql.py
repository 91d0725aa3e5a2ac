"""Every case from a source in PostgreSQL, by each way of loading, and through verify."""

from __future__ import annotations

import pytest

from atlas_pipeline_tests.cases.case import Case, Plant, Row
from atlas_pipeline_tests.cases.judging import judge_load, judge_plant, judge_unheld, loads, plants, unheld
from atlas_pipeline_tests.cases.tables import CaseTable
from atlas_pipeline_tests.cases.world import World


@pytest.mark.parametrize("table", loads("postgresql"))
def test_a_case_lands_or_is_rejected_as_it_says_and_verify_agrees(table: CaseTable, postgresql_world: World) -> None:
    judge_load(table, postgresql_world)


@pytest.mark.parametrize(("case", "row"), unheld("postgresql"))
def test_what_cannot_be_held_is_refused_by_the_database_itself(case: Case, row: Row, postgresql_world: World) -> None:
    judge_unheld(case, row, postgresql_world)


@pytest.mark.parametrize(("table", "plant"), plants("postgresql"))
def test_verify_finds_what_was_planted_and_nothing_else(
    table: CaseTable, plant: Plant, postgresql_world: World
) -> None:
    judge_plant(table, plant, postgresql_world)

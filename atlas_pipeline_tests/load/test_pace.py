"""The pace follows the server: more at once while answers stay fast, less when they wait for each other."""

from __future__ import annotations

import pytest

from atlas_pipeline.load.pace import LEAST_DOCUMENTS, MOST_DOCUMENTS, MOST_IN_FLIGHT, Pace

FAST = 10e-6
"""Seconds per document of a server that nobody waits for."""


def told(pace: Pace, each: float, *, times: int = 20) -> Pace:
    for _ in range(times):
        pace.answered(pace.documents, each * pace.documents)
    return pace


def test_a_server_that_stays_fast_gets_more_at_once() -> None:
    assert told(Pace(), FAST).in_flight == MOST_IN_FLIGHT


def test_a_server_whose_commands_wait_for_each_other_gets_one_after_the_other() -> None:
    pace = told(Pace(), FAST)
    assert told(pace, 5 * FAST, times=MOST_IN_FLIGHT).in_flight == 1


def test_in_between_nothing_changes() -> None:
    pace = told(Pace(), FAST)
    assert told(pace, 3 * FAST, times=5).in_flight == MOST_IN_FLIGHT


def test_a_server_that_is_slow_from_now_on_is_taken_for_what_it_is() -> None:
    pace = told(Pace(), FAST)
    assert told(pace, 20 * FAST, times=500).in_flight == MOST_IN_FLIGHT


@pytest.mark.parametrize("seconds", [1.1, 30.0])
def test_commands_that_take_long_get_smaller_and_never_too_small(seconds: float) -> None:
    pace = Pace()
    for _ in range(10):
        pace.answered(pace.documents, seconds)
    assert pace.documents == LEAST_DOCUMENTS


def test_commands_grow_again_when_answers_come_fast() -> None:
    pace = told(Pace(), 0.01)
    assert pace.documents < MOST_DOCUMENTS
    assert told(pace, FAST).documents == MOST_DOCUMENTS


def test_a_command_of_a_single_huge_document_does_not_make_all_others_single() -> None:
    pace = Pace()
    pace.answered(1, 1.5)
    assert pace.documents == LEAST_DOCUMENTS

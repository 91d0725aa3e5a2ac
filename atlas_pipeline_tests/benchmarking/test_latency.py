"""Percentiles, and the loop that measures: what is timed, what counts, and that no wrong answer is a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_pipeline.benchmarking.latency import Latencies, Operation, Sampling, measure, nearest_rank
from atlas_pipeline.benchmarking.sampling import drawn
from atlas_pipeline.errors import EXIT_CANNOT, ConfigurationError, TargetError

FIVE = [15, 20, 35, 40, 50]
QUICK = Sampling(samples=50, warm_up=10, quick=True)


@pytest.mark.parametrize(
    ("percent", "value"), [(5, 15), (20, 15), (21, 20), (30, 20), (40, 20), (50, 35), (99, 50), (100, 50)]
)
def test_a_percentile_is_the_value_of_the_nearest_rank(percent: int, value: int) -> None:
    assert nearest_rank(FIVE, percent) == value


def test_of_a_thousand_calls_ten_are_slower_than_the_99th_percentile() -> None:
    found = Latencies.of([number * 1_000_000 for number in Random(1).sample(range(1, 1_001), 1_000)])
    assert (found.samples, found.min_ms, found.max_ms) == (1_000, 1, 1_000)
    assert (found.mean_ms, found.median_ms, found.p95_ms, found.p99_ms) == (500.5, 500, 950, 990)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300), st.integers(1, 100))
def test_so_many_percent_do_not_exceed_a_percentile_and_fewer_are_below_it(values: list[int], percent: int) -> None:
    found = nearest_rank(sorted(values), percent)
    wanted = percent * len(values)
    assert sum(value <= found for value in values) * 100 >= wanted > sum(value < found for value in values) * 100


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 101)])
def test_there_is_no_percentile_of_nothing_and_none_beyond_100(values: list[int], percent: int) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        nearest_rank(values, percent)


def counting(**parts: Callable[..., Any]) -> tuple[list[int], Operation[int, int]]:
    """An operation that notes its arguments and gives them back."""
    asked: list[int] = []

    def ask(argument: int) -> int:
        asked.append(argument)
        return argument

    numbers = iter(range(10_000))
    plain = Operation(name="counting", draw=lambda: next(numbers), ask=ask, check=lambda *_: "")
    return asked, replace(plain, **parts)  # type: ignore[arg-type]


def test_calls_of_the_warm_up_come_first_and_do_not_count() -> None:
    asked, operation = counting()
    assert measure(operation, QUICK).samples == 50
    assert asked == list(range(60))


def test_only_the_call_itself_is_timed() -> None:
    def spin(*_: Any) -> str:
        until = time.perf_counter_ns() + 2_000_000
        while time.perf_counter_ns() < until:
            pass
        return ""

    def draw() -> int:
        spin()
        return 1

    _, around = counting(draw=draw, check=spin)
    _, inside = counting(ask=spin)
    assert measure(around, QUICK).median_ms < measure(inside, QUICK).min_ms


@pytest.mark.parametrize("at", [0, 9, 10, 59])
def test_a_wrong_answer_ends_it_also_in_the_warm_up(at: int) -> None:
    asked, operation = counting(check=lambda argument, _: "found nothing" if argument == at else "")
    with pytest.raises(TargetError, match="Benchmark counting: found nothing"):
        measure(operation, QUICK)
    assert len(asked) == at + 1


def test_what_all_calls_have_done_is_checked_at_the_end() -> None:
    asked, operation = counting(check_all=lambda: f"{len(asked)} were counted")
    with pytest.raises(TargetError, match="60 were counted"):
        measure(operation, QUICK)


def test_fewer_than_a_thousand_samples_are_refused_unless_it_is_a_trial() -> None:
    assert Sampling().samples == 1_000
    with pytest.raises(ConfigurationError, match="999 samples") as refused:
        Sampling(samples=999)
    assert ("--quick" in refused.value.cure, refused.value.exit_code) == (True, EXIT_CANNOT)
    assert Sampling(samples=1, warm_up=0, quick=True).samples == 1
    for wrong in ({"samples": 0, "quick": True}, {"warm_up": -1}):
        with pytest.raises(ConfigurationError):
            Sampling(**wrong)  # type: ignore[arg-type]


def test_each_value_is_drawn_with_the_same_chance_and_the_same_ones_from_a_seed() -> None:
    assert drawn(range(5), Random(1), size=5) == drawn(range(5), Random(2), size=9) == list(range(5))
    pools = [drawn(range(10), Random(seed), size=3) for seed in range(3_000)]
    assert all(len(set(pool)) == 3 for pool in pools)
    times = [sum(value in pool for pool in pools) for value in range(10)]
    assert all(800 < one < 1_000 for one in times), times
    assert pools[7] == drawn(range(10), Random(7), size=3)

"""Ratios are taken within a round, medians over the rounds."""

from __future__ import annotations

from atlas_pipeline.benchmarking.cost import Cost
from atlas_pipeline.benchmarking.findings import RATIOS, figures, holds
from atlas_pipeline.benchmarking.pipeline import Field


def _cost(seconds: float, client: float = 0.0, memory_mb: float = 0.0) -> Cost:
    return Cost(
        seconds=seconds,
        client=client,
        memory_mb=memory_mb,
        peak_mb=100 + memory_mb,
        threads={"reader": client / 2},
        server={"mongodb": 1.0},
    )


def _round(speed: float, load: float) -> dict[str, Cost]:
    """A round on a machine that is so many times as slow; the limit grows from 1 s to 3 s meanwhile."""
    return {
        "limit": _cost(1 * speed),
        "load": _cost(load * speed, client=2.0, memory_mb=load),
        "limit_again": _cost(3 * speed),
        "publish": _cost(6 * speed),
        "verify": _cost(2 * speed),
        "unchanged": _cost(1 * speed),
    }


FIELD = Field(rows=1_000_000, document_bytes=500, rounds=[_round(1, 4), _round(10, 4), _round(2, 5)])


def test_a_slow_round_does_not_change_what_is_told_of_the_ratios() -> None:
    found = figures({("sqlite", "wide"): FIELD})
    assert found["ratios"] == {
        "full_load_to_limit": 0.5,
        "publish_to_load": 1.5,
        "verify_to_load": 0.5,
        "unchanged_to_load": 0.25,
    }
    assert found["rows_per_second"]["load"] == 100_000  # of 4, 40 and 10 seconds
    assert found["peak_rss_mb"] == 105
    assert found["tables"]["sqlite, wide"]["memory_mb"]["load"] == 5
    assert found["tables"]["sqlite, wide"]["microseconds_per_row"]["load"] == {
        "client": 2.0,
        "client, reader": 1.0,
        "mongodb": 1.0,
    }


def test_each_ratio_is_held_against_its_bound() -> None:
    within = holds(figures({("sqlite", "wide"): FIELD}))["sqlite, wide"]
    assert within == dict.fromkeys(within, True)
    slow = Field(rows=10, document_bytes=500, rounds=[_round(1, 4.1)])
    assert holds(figures({("sqlite", "wide"): slow}))["sqlite, wide"]["full_load_to_limit"] is False


def test_every_bound_is_one_sided() -> None:
    assert all((ratio.least is None) != (ratio.most is None) for ratio in RATIOS.values())

"""Ordinary rows of detectors, detection_runs and anomaly_events.

What belongs here: three tables that hang on each other by position, so that each can be made alone. What does not:
what a detector keeps as evidence (`evidence`), and rows that are hard to move (`hard_anomalies`).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from atlas_pipeline.local.platform_sample.evidence import Evidence
from atlas_pipeline.local.platform_sample.investigations import investigation
from atlas_pipeline.local.platform_sample.vocabulary import (
    COHORT_DIMENSIONS,
    COHORT_VALUES,
    DETECTOR_TYPES,
    ERRORS,
    METRICS,
)
from atlas_pipeline.local.platform_sample.world import (
    DAY,
    HOUR,
    SECOND,
    Row,
    World,
    eighths,
    fraction,
    row_key,
    scattered,
    time,
    to_json,
)
from atlas_pipeline.local.sample.world import between, chance, pick

DETECTORS, RUNS, EVENTS = "detectors", "detection_runs", "anomaly_events"
_STATUSES = (*("success",) * 46, "failed", "failed", "running", "queued")


def detector(position: int) -> str:
    """Id of the ordinary detector at this position."""
    return row_key(DETECTORS, position)


def run(position: int) -> str:
    """Id of the ordinary run at this position."""
    return row_key(RUNS, position)


def event(position: int) -> str:
    """Id of the ordinary anomaly event at this position."""
    return row_key(EVENTS, position)


def dimensions(position: int) -> tuple[str, ...]:
    """What the detector at this position groups by."""
    return (COHORT_DIMENSIONS[position % 5], COHORT_DIMENSIONS[(position + 2) % 5])[: 1 + position % 2]


def detector_metrics(position: int) -> tuple[str, ...]:
    """What the detector at this position watches, the primary metric first."""
    return (*METRICS[position % 6 :], *METRICS[: position % 6])[: 1 + position % 3]


def detector_rows(world: World) -> Iterator[Row]:
    """Ordinary detectors; all types in turn."""
    rng = world.rng(DETECTORS)
    for position in range(world.count(DETECTORS)):
        begun = world.begun(DETECTORS, position) // 8
        params: dict[str, Any] = {
            "k": fraction(rng, 4),
            "persistence": between(rng, 1, 3),
            "min_support": between(rng, 10, 90),
        }
        if position % 5 == 0:
            params |= {"period": 7, "robust": True}
        if position % 4 == 0:
            params |= {"severity_thresholds": {"info": 2, "warn": 4, "critical": 6}}
        yield {
            "id": detector(position),
            "name": f"{detector_metrics(position)[0]} by {' and '.join(dimensions(position))} #{position}",
            "type": DETECTOR_TYPES[position % 5],
            "cohort_by": to_json(dimensions(position)),
            "metrics": to_json(detector_metrics(position)),
            "params": to_json(params),
            "enabled": position % 9 != 8,
            "created_at": time(begun),
            "updated_at": time(begun + between(rng, 0, 300 * DAY)),
        }


def run_rows(world: World) -> Iterator[Row]:
    """Ordinary runs, the oldest first; each covers a whole number of hours before it began."""
    rng = world.rng(RUNS)
    for position in range(world.count(RUNS)):
        begun = world.begun(RUNS, position)
        status = _STATUSES[scattered(position, 50_021) % len(_STATUSES)]
        milliseconds = between(rng, 200, 90_000)
        ended = begun + milliseconds * 1_000 + between(rng, 0, 999)
        window_from, window_to = _window(world, position)
        yield {
            "id": run(position),
            "detector_id": detector(position % world.count(DETECTORS)),
            "status": status,
            "started_at": time(begun),
            "finished_at": time(ended) if status in ("success", "failed") else None,
            "window_from": time(window_from),
            "window_to": time(window_to),
            "info": _info(rng, status, milliseconds),
        }


def event_rows(world: World) -> Iterator[Row]:
    """Ordinary events, in the order of the runs that found them."""
    rng = world.rng(EVENTS)
    evidence = Evidence(rng)
    events, runs, detectors = world.count(EVENTS), world.count(RUNS), world.count(DETECTORS)
    for position in range(events):
        of_run = position * runs // events
        of_detector = of_run % detectors
        window_from, window_to = _window(world, of_run)
        hours = (window_to - window_from) // HOUR
        start = window_from + between(rng, 0, hours - 1) * HOUR
        score = eighths(rng, 2, 15)
        yield {
            "id": event(position),
            "run_id": run(of_run),
            "detector_id": detector(of_detector),
            "cohort": to_json({name: pick(rng, COHORT_VALUES[name]) for name in dimensions(of_detector)}),
            "window_start": time(start),
            "window_end": time(start + HOUR),
            "metric": pick(rng, detector_metrics(of_detector)),
            "observed": eighths(rng, 0, 999),
            "expected": eighths(rng, 0, 400),
            "score": score,
            "severity": "critical" if score >= 6 else "warn" if score >= 4 else "info",
            "persisted_n": between(rng, 1, 4),
            "status": pick(rng, ("new", "new", "new", "triaged", "closed")),
            "evidence": to_json(evidence.of(rng, DETECTOR_TYPES[of_detector % 5])),
            "investigation_id": _linked(rng, world),
            "created_at": time(world.begun(RUNS, of_run) + between(rng, SECOND // 5, 60 * SECOND)),
        }


def _window(world: World, position: int) -> tuple[int, int]:
    to = world.begun(RUNS, position) // HOUR * HOUR
    return to - (6, 24, 72, 168)[position % 4] * HOUR, to


def _linked(rng: Random, world: World) -> str | None:
    return investigation(between(rng, 0, world.count("investigation_states") - 1)) if chance(rng, 0.1) else None


def _info(rng: Random, status: str, milliseconds: int) -> str | None:
    if status not in ("success", "failed"):
        return None
    info: dict[str, int | str] = {
        "cohorts_processed": between(rng, 0, 140),
        "anomalies_detected": between(rng, 0, 9) if status == "success" else 0,
        "execution_time_ms": milliseconds,
    }
    if status == "failed":
        info["error_type"], info["error_message"] = pick(rng, ERRORS)
    return to_json(info)

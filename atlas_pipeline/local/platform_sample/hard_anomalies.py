"""Rows of detectors, detection_runs and anomaly_events that are hard to move, all of them legal.

What belongs here: unusual parameters, clocks that disagree, numbers and evidence of every kind, events that repeat
others. What does not: rows that must be refused (`dirty`).
"""

from __future__ import annotations

from collections.abc import Iterator

from atlas_pipeline.local.platform_sample.anomalies import DETECTORS, EVENTS, RUNS, detector, run
from atlas_pipeline.local.platform_sample.hard_values import (
    FAR_MOMENTS,
    INT32_MAX,
    JSONB_NUMBERS,
    JSONB_OBJECTS,
    NEAR_MOMENTS,
    OUTSIDE_32_BITS,
    UNUSUAL_JSON,
)
from atlas_pipeline.local.platform_sample.investigations import investigation
from atlas_pipeline.local.platform_sample.world import Row, Value, World, row_key, to_json
from atlas_pipeline.local.sample.hard_values import HARD_TEXTS
from atlas_pipeline.local.sample.world import variant

_DETECTOR: Row = {
    "id": "",
    "name": "A hard detector",
    "type": "cusum",
    "cohort_by": '["merchant_id"]',
    "metrics": '["tx_count", "decline_rate"]',
    "params": '{"k": 3.5}',
    "enabled": True,
    "created_at": "2025-05-01 10:00:00.123456+00:00",
    "updated_at": "2025-05-01 11:30:00.654321+00:00",
}
_DETECTORS: dict[str, dict[str, Value]] = {
    "name-over-500": {"name": "Declines by merchant and hour, " * 40},
    "name-empty": {"name": ""},
    "disabled": {"enabled": False},
    "updated-before-created": {"updated_at": "2025-05-01 05:00:00+00:00"},
    "params-empty": {"params": "{}"},
    "params-of-target": {"params": '{"sensitivity": 0.5, "threshold": 3, "window_size": 24, "k": 2}'},
    "params-out-of-range": {"params": '{"sensitivity": 7.5, "threshold": -1, "window_size": 0}'},
    "params-of-other-types": {"params": '{"sensitivity": "high", "threshold": null, "window_size": 1.5}'},
    "params-like-target": {"params": '{"algorithm_specific": {"k": 1}, "k": 2}'},
    "params-numbers": {"params": JSONB_NUMBERS},
    "one-metric": {"metrics": '["tx_count"]'},
    "many-metrics": {"metrics": to_json([f"metric_{number}" for number in range(200)])},
    "no-cohort": {"cohort_by": "[]"},
    "cohort-repeats": {"cohort_by": '["geo", "geo", ""]'},
    **{f"params-{name}": {"params": to_json(value)} for name, value in JSONB_OBJECTS.items()},
    **{f"params-{name}": {"params": text} for name, text in UNUSUAL_JSON.items()},
    **{f"name-{name}": {"name": text} for name, text in HARD_TEXTS.items() if name != "nul"},
    **{f"time-{name}": {"updated_at": text} for name, text in {**NEAR_MOMENTS, **FAR_MOMENTS}.items()},
}

_RUN: Row = {
    "id": "",
    "detector_id": detector(0),
    "status": "success",
    "started_at": "2025-05-01 10:00:00.123456+00:00",
    "finished_at": "2025-05-01 10:00:07.654321+00:00",
    "window_from": "2025-04-30 10:00:00+00:00",
    "window_to": "2025-05-01 10:00:00+00:00",
    "info": '{"cohorts_processed": 12, "anomalies_detected": 0, "execution_time_ms": 7530}',
}
_RUNS: dict[str, dict[str, Value]] = {
    "queued": {"status": "queued", "finished_at": None, "info": None},
    "running": {"status": "running", "finished_at": None, "info": None},
    "success-unfinished": {"finished_at": None},
    "finished-before-started": {"finished_at": "2025-05-01 08:00:07.654321+00:00"},  # local time of UTC-2
    "finished-a-little-before": {"finished_at": "2025-05-01 10:00:00.123455+00:00"},
    "no-duration": {"finished_at": "2025-05-01 10:00:00.123456+00:00"},
    # 999 microseconds at the source, 1 ms between the two dates of the document
    "under-a-millisecond": {
        "started_at": "2025-05-01 10:00:00.000500+00:00",
        "finished_at": "2025-05-01 10:00:00.001499+00:00",
    },
    "long": {"finished_at": "2026-05-01 10:00:00.123456+00:00"},
    "window-of-a-microsecond": {"window_from": "2025-05-01 09:59:59.999999+00:00"},
    "window-of-a-third-hour": {"window_from": "2025-05-01 09:40:00+00:00"},
    "window-across-dst": {"window_from": "2025-03-29 23:00:00+00:00", "window_to": "2025-03-30 23:00:00+00:00"},
    "info-empty": {"info": "{}"},
    "info-json-null": {"info": "null"},
    "info-of-other-types": {
        "info": '{"cohorts_processed": "12", "anomalies_detected": 1.5, "records_processed": null}'
    },
    "info-negative": {"info": '{"cohorts_processed": -1, "anomalies_detected": -2}'},
    "info-of-target": {"info": '{"records_processed": 90, "cohorts_analyzed": 3, "additional_info": {"a": 1}}'},
    "info-of-failure": {
        "status": "failed",
        "info": '{"error_message": "no data\\nin window", "error_type": "ValueError", "cohorts_processed": 0}',
    },
    "info-numbers": {"info": JSONB_NUMBERS},
    **{f"info-{name}": {"info": to_json(value)} for name, value in JSONB_OBJECTS.items()},
    **{f"info-{name}": {"info": text} for name, text in UNUSUAL_JSON.items()},
    **{f"time-{name}": {"started_at": text} for name, text in {**NEAR_MOMENTS, **OUTSIDE_32_BITS}.items()},
    **{f"end-{name}": {"finished_at": text} for name, text in FAR_MOMENTS.items()},
}

_EVENT: Row = {
    "id": "",
    "run_id": run(0),
    "detector_id": detector(0),
    "cohort": '{"merchant_id": "m-4417"}',
    "window_start": "2025-05-01 09:00:00+00:00",
    "window_end": "2025-05-01 10:00:00+00:00",
    "metric": "decline_rate",
    "observed": 12.5,
    "expected": 3.25,
    "score": 4.5,
    "severity": "warn",
    "persisted_n": 1,
    "status": "new",
    "evidence": '{"mad": 0.125, "period": 7, "residuals": [0.5, -0.25]}',
    "investigation_id": None,
    "created_at": "2025-05-01 10:00:05.123456+00:00",
}
_PLANTED = (
    '{{"note": "planted: the same burst of card testing at merchant {merchant}, seen {seen}", "mad": 0.125, '
    '"period": {period}, "robust": true, "residuals": [0.5, -0.25]}}'
)
_NUMBERS: dict[str, dict[str, Value]] = {
    "tenths": {"observed": 0.1, "expected": 0.2, "score": 0.3},
    "large": {"observed": 123456789.125, "expected": 16777217.0, "score": 1e30},
    "tiny": {"observed": 1e-9, "expected": -1e-9, "score": 1e-30},
    "minus-zero": {"observed": -0.0, "expected": 0.0, "score": -0.0},
    "negative": {"observed": -12.5, "expected": -400.25},
    "score-zero": {"score": 0.0, "severity": None},
    "score-endless": {"score": float("inf")},  # the median deviation was zero
    "observed-nan": {"observed": float("nan"), "expected": float("-inf")},  # the mean of nothing; a logarithm of zero
}
_EVENTS: dict[str, dict[str, Value]] = {
    **{f"number-{name}": changes for name, changes in _NUMBERS.items()},
    **{f"severity-null-{n}": {"severity": None, "score": 1.25 + n / 4} for n in range(3)},
    "severity-unlike-score": {"severity": "info", "score": 11.5},
    "triaged": {"status": "triaged"},
    "closed": {"status": "closed", "investigation_id": investigation(0)},
    "linked-to-nothing": {"investigation_id": row_key("investigation_states", "never")},
    "persisted-long": {"persisted_n": INT32_MAX},
    "window-of-a-second": {"window_start": "2025-05-01 09:59:59+00:00"},
    "window-of-a-microsecond": {"window_start": "2025-05-01 09:59:59.999999+00:00"},
    "created-before-window": {"created_at": "2025-05-01 05:00:00.123456+00:00"},
    "metric-empty": {"metric": ""},
    "cohort-empty": {"cohort": "{}"},
    "cohort-keys": {"cohort": '{"merchant.id": "m-1", "$geo": "DE", "": null, "bin": 411111, "nested": {"a": [1]}}'},
    "cohort-numbers": {"cohort": JSONB_NUMBERS},
    "evidence-null": {"evidence": None},
    "evidence-json-null": {"evidence": "null"},
    "evidence-empty": {"evidence": "{}"},
    "evidence-scalars": {"evidence": '{"text": "as it is", "yes": true, "no": false, "nothing": null, "int": 3}'},
    "evidence-keys": {"evidence": '{"a.b": 0.5, "$score": 1.5, "": 2.5, "\\u00e9": 3.5, "z": 1, "aa": 2, "b": 3}'},
    "evidence-numbers": {"evidence": JSONB_NUMBERS},
    "evidence-series": {"evidence": to_json({"residuals": [n % 999 / 8 + 0.0625 for n in range(50_000)], "mad": 0.5})},
    **{f"evidence-{name}": {"evidence": to_json(value)} for name, value in JSONB_OBJECTS.items()},
    **{f"evidence-{name}": {"evidence": text} for name, text in UNUSUAL_JSON.items()},
    **{f"metric-{name}": {"metric": text} for name, text in HARD_TEXTS.items() if name != "nul"},
    **{f"time-{name}": {"created_at": text} for name, text in {**NEAR_MOMENTS, **FAR_MOMENTS}.items()},
    # Pairs for the search by vector; a pair has a text of its own, and the halves differ as little as their names say.
    "near-observed-1": {"observed": 512.125, "evidence": _PLANTED.format(merchant=4417, seen="twice", period=7)},
    "near-observed-2": {"observed": 512.25, "evidence": _PLANTED.format(merchant=4417, seen="twice", period=7)},
    "near-evidence-1": {"metric": "refund_rate", "evidence": _PLANTED.format(merchant=2044, seen="thrice", period=24)},
    "near-evidence-2": {"metric": "refund_rate", "evidence": _PLANTED.format(merchant=2044, seen="thrice", period=25)},
    "near-window-1": {"metric": "avg_amount", "evidence": _PLANTED.format(merchant=3900, seen="daily", period=30)},
    "near-window-2": {
        "metric": "avg_amount",
        "evidence": _PLANTED.format(merchant=3900, seen="daily", period=30),
        "window_start": "2025-05-01 08:00:00+00:00",
        "window_end": "2025-05-01 09:00:00+00:00",
        "cohort": '{"merchant_id": "m-3900"}',
    },
}
NEAR_DUPLICATES: tuple[tuple[str, str], ...] = tuple(
    (row_key(EVENTS, f"near-{kind}-1"), row_key(EVENTS, f"near-{kind}-2"))
    for kind in ("observed", "evidence", "window")
)
"""Ids of pairs of hard events whose texts to embed differ in a number, in an entry of the evidence, or not at all."""


def hard_detectors(_: World) -> Iterator[Row]:
    """Every hard detector."""
    for name, changes in _DETECTORS.items():
        yield variant(_DETECTOR, id=row_key(DETECTORS, name), **changes)


def hard_runs(world: World) -> Iterator[Row]:
    """Every hard run of this shape."""
    for name, changes in _RUNS.items():
        yield variant(_RUN, id=row_key(RUNS, name), **changes)
    for number in range(4):  # one detector, one window, one moment: only the key differs
        yield variant(_RUN, id=row_key(RUNS, f"same-{number}"))
    if world.shape == "sql":
        yield variant(_RUN, id=row_key(RUNS, "info-empty-text"), info="")


def hard_events(world: World) -> Iterator[Row]:
    """Every hard event of this shape."""
    for name, changes in _EVENTS.items():
        yield variant(_EVENT, id=row_key(EVENTS, name), **changes)
    for number in range(4):  # the application's natural key, detector, window, metric and cohort, several times
        yield variant(_EVENT, id=row_key(EVENTS, f"same-{number}"), score=4.5 + number / 8, metric="tx_count")
    if world.shape == "sql":
        yield variant(_EVENT, id=row_key(EVENTS, "evidence-empty-text"), evidence="")

"""What a detector keeps as evidence of an anomaly: numbers of its method, and the series they came from.

What belongs here: one recipe per detector type. What does not: the events.
"""

from __future__ import annotations

from random import Random
from typing import Any

from atlas_pipeline.local.platform_sample.world import fraction
from atlas_pipeline.local.sample.world import between, pick

_SERIES_IN_POOL = 200


class Evidence:
    """Makes evidence. The long series are drawn from a pool, which is fast and still varied."""

    def __init__(self, rng: Random) -> None:
        self._pool = [
            [fraction(rng, 3) * pick(rng, (1, -1)) for _ in range(between(rng, 24, 72))] for _ in range(_SERIES_IN_POOL)
        ]

    def of(self, rng: Random, detector_type: str) -> dict[str, Any]:
        """Evidence of a detector of this type."""
        match detector_type:
            case "stl_mad":
                return {
                    "residuals": self._series(rng),
                    "mad": fraction(rng),
                    "trend": self._series(rng),
                    "seasonal": self._series(rng),
                    "period": 7,
                }
            case "cusum":
                return {
                    "s_pos": self._series(rng),
                    "s_neg": self._series(rng),
                    "changepoint_index": between(rng, 0, 60),
                    "mu": fraction(rng, 90),
                    "std": fraction(rng, 9),
                    "delta": fraction(rng),
                    "threshold": fraction(rng, 5),
                }
            case "isoforest":
                return {
                    "feature_vector": self._series(rng),
                    "raw_scores": self._series(rng),
                    "n_estimators": 100,
                    "contamination": fraction(rng),
                }
            case "rcf":
                return {"raw_scores": self._series(rng), "num_trees": 50, "shingle_size": between(rng, 4, 12)}
        return {"profile": self._series(rng), "window": between(rng, 6, 48), "method": "stomp"}

    def _series(self, rng: Random) -> list[float]:
        return pick(rng, self._pool)

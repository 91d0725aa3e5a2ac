"""How long each phase of a sync takes."""

from __future__ import annotations

import time


class PhaseClock:
    """Seconds by phase, from the moment it is made."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        """The phase that has ended now."""
        now = time.perf_counter()
        self._laps[phase] = now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        """Duration by phase, `total` included."""
        return {**self._laps, "total": time.perf_counter() - self._began}

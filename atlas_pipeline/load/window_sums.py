"""How many documents a time series has and which, window of time by window of time, in constant memory.

Each window holds the number of its documents and the sum of their fingerprints, so two sides can be compared whatever
the order in which they are read, and where they differ is known. What does not belong here: which document differs.
"""

from __future__ import annotations

from atlas_pipeline.load.series_form import Moment

FIRST_WIDTH_MS = 60_000
MOST_WINDOWS = 8_192
_COUNT = 192
"""Bits below the count: room for the sum of 2^64 fingerprints of 128 bits."""


class WindowSums:
    """Sums over windows of equal width. When there are too many windows, each two neighbours become one."""

    def __init__(self) -> None:
        self.width_ms = FIRST_WIDTH_MS
        self._sums: dict[int, int] = {}

    def add(self, moment: Moment, fingerprint: bytes) -> None:
        """Take one document into account."""
        window = moment // self.width_ms
        self._sums[window] = self._sums.get(window, 0) + (1 << _COUNT) + int.from_bytes(fingerprint, "little")
        if len(self._sums) > MOST_WINDOWS:
            self._widen()

    @property
    def documents(self) -> int:
        return sum(self._sums.values()) >> _COUNT

    @property
    def digest(self) -> str:
        """Hex digest of all documents; equal ones mean the same documents as often."""
        return f"{sum(self._sums.values()) % 2**128:032x}"

    def count(self, window: int) -> int:
        """Documents of a window."""
        return self._sums.get(window, 0) >> _COUNT

    def window(self, moment: Moment) -> int:
        return moment // self.width_ms

    def differing(self, other: WindowSums) -> list[int]:
        """Windows in which both sides do not hold the same documents, in order. Both have the same width afterwards."""
        while self.width_ms < other.width_ms:
            self._widen()
        while other.width_ms < self.width_ms:
            other._widen()
        windows = self._sums.keys() | other._sums.keys()
        return sorted(window for window in windows if self._sums.get(window, 0) != other._sums.get(window, 0))

    def _widen(self) -> None:
        while True:
            self.width_ms *= 2
            wider: dict[int, int] = {}
            for window, value in self._sums.items():
                wider[window // 2] = wider.get(window // 2, 0) + value
            self._sums = wider
            if len(wider) <= MOST_WINDOWS:
                return

"""`kill -9` of syncs in place, wherever it hits them; the short form of `benchmarks/kills.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kills import PHASES, run


@pytest.mark.parametrize("way", ["reconcile", "watermark"])
def test_the_sync_after_a_killed_one_brings_everything_in_step_and_leaves_nothing_behind(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MONGODB_URI", raising=False)
    found = run(1, 9_000, tmp_path, ways=(way,))[way]
    assert found["wrong"] == []
    assert len(found["killed"]) >= len(PHASES[way]) - 1  # one of milliseconds may be missed each time

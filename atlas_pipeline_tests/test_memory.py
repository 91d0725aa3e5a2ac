"""Memory does not grow with the table; the short form of `benchmarks/load_memory.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parent.parent / "benchmarks" / "load_memory.py"


def test_a_load_adds_little_memory_to_what_the_process_had_after_its_imports() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--rows", "150000"], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["documents"] == found["rows"] > 150_000
    assert found["growth_mb"] <= found["largest_growth_mb"] == 150

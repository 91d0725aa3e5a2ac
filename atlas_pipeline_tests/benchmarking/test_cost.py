"""What a piece of work costs is what it really took."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from functools import partial

import pytest

from atlas_pipeline.benchmarking.cost import measured

BLOCK = 64 * 1024 * 1024


def _work(seconds: float) -> None:
    """Keep a processor busy for about so long, by its own clock."""
    import time

    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_the_result_comes_with_its_cost() -> None:
    done = measured(lambda: "answer")
    assert done.result == "answer"
    assert done.cost.seconds >= 0


def test_processor_time_is_told_by_kind_of_thread() -> None:
    def work() -> None:
        thread = threading.Thread(target=_work, args=(0.4,), name="atlas-reader")
        thread.start()
        _work(0.1)
        thread.join()

    cost = measured(work).cost
    assert cost.client >= 0.5
    assert cost.threads["reader"] > cost.threads["main"] > 0


def test_memory_is_the_most_that_was_there_and_not_what_is_left() -> None:
    assert measured(lambda: len(bytearray(BLOCK))).cost.memory_mb >= 0.9 * BLOCK / 1e6
    assert measured(lambda: None).cost.memory_mb < 0.5 * BLOCK / 1e6


def test_processes_that_are_started_count_with_their_time_and_their_memory() -> None:
    program = f"import time; held = bytearray({BLOCK})\nwhile time.process_time() < 0.5: pass"
    work = partial(subprocess.run, [sys.executable, "-c", program], check=True)
    cost = measured(work, with_started=True).cost
    assert cost.client >= 0.4
    assert cost.memory_mb >= 0.9 * BLOCK / 1e6
    assert measured(work).cost.client < 0.4
    assert cost.peak_mb > cost.memory_mb


def test_a_server_counts_with_all_its_processes() -> None:
    cost = measured(lambda: _work(0.2), {"itself": os.getpid()}).cost
    assert cost.server["itself"] >= 0.19


def test_an_error_of_the_work_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        measured(lambda: 1 // 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "atlas-measure"]

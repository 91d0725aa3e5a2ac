"""Comparing stretches of keys in several processes. Each opens source and target for itself, with a view of its own: a
row is in one stretch only, and what differs is looked at again, so the views need not be the same.

What does not belong here: comparing.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.connection import wait as wait_for_any

from atlas_pipeline.errors import EXIT_CANNOT, AtlasError
from atlas_pipeline.reconcile.place import Opened, Place
from atlas_pipeline.reconcile.stretches import StretchOutcome, Task, compare_stretches

TASKS_PER_PROCESS = 8
"""More than one, so that a slow stretch does not leave the other processes idle."""


def compare_in_processes(
    place: Place, task: Task, processes: int, progress: Callable[[int], None] = lambda _: None
) -> Iterator[StretchOutcome]:
    """Compare the stretches of a task in several processes; outcomes come in the order in which they are done.

    Raises whatever comparing raises, and AtlasError when a process was ended from outside; what the other processes do
    is given up then.
    """
    size = max(1, -(-len(task.stretches) // (processes * TASKS_PER_PROCESS)))
    parts = [task.stretches[start : start + size] for start in range(0, len(task.stretches), size)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _prepare, (place,)) as pool:
        waiting: set[Future[list[StretchOutcome]]] = {
            pool.submit(_compare, replace(task, stretches=part)) for part in parts
        }
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    for outcome in future.result():
                        progress(outcome.tally.rows)
                        yield outcome
        except BrokenProcessPool:
            raise AtlasError(
                f"{place.table.collection}: a process that compared it was ended from outside.",
                "look for one that took too much memory, then verify again with --resume",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """What one process works with, for as long as it lives."""

    place: Place
    opened: Opened | None = None
    stack = ExitStack()


def _prepare(place: Place) -> None:
    threading.Thread(target=_end_with_parent, name="atlas-parent", daemon=True).start()
    _Worker.place = place


def _end_with_parent() -> None:
    """End this process when the one that started it is gone: a killed one cannot tell."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_any([parent.sentinel])
        os._exit(EXIT_CANNOT)


def _compare(task: Task) -> list[StretchOutcome]:
    if _Worker.opened is None:  # here and not while it is prepared, where an error would be lost
        _Worker.opened = _Worker.stack.enter_context(_Worker.place.opened())
    return list(compare_stretches(_Worker.opened, task))

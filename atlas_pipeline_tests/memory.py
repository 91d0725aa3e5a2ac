"""Room in memory for the data of a server that is made anew for each session, and waits for a disk more than it works.

What belongs here: finding the room, taking it, and giving it back, also that of sessions which were killed. What does
not: which servers get some (`conftest.py`). What a server wrote outlives its processes in memory as on a disk, so a
test sees no difference; only the machine's end would show one.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from atlas_pipeline.local.locks import FileLock

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 1024**3
"""What must be free for each process that tests; its server takes a tenth of it."""
_PREFIX = "atlas-pipeline-tests-"


@contextmanager
def folder_in_memory(memory: Path = MEMORY) -> Iterator[Path | None]:
    """An empty folder in memory for as long as the context lasts, or None where there is not enough."""
    if not has_room(memory):
        yield None
        return
    with taken_folder(memory) as folder:
        yield folder


@contextmanager
def taken_folder(memory: Path) -> Iterator[Path]:
    """The same without a look at the room. First those go that nobody holds, for their processes were killed."""
    for left in memory.glob(f"{_PREFIX}*.lock"):
        lock = FileLock(left)
        if os.access(left, os.W_OK) and lock.try_acquire():
            _remove(left.with_suffix(""), lock)
    lock = _new_lock(memory)
    folder = lock.path.with_suffix("")
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _remove(folder, lock)


def has_room(memory: Path) -> bool:
    """Whether this is a file system in memory that is ours to write to, and the machine has memory to spare."""
    mounted = {part.mountpoint for part in psutil.disk_partitions(all=True) if part.fstype == "tmpfs"}
    if str(memory) not in mounted or not os.access(memory, os.W_OK):
        return False
    return min(psutil.disk_usage(str(memory)).free, psutil.virtual_memory().available // 2) >= ROOM_BYTES


def _new_lock(memory: Path) -> FileLock:
    """A lock of a new name, held; who dies gives it up, and with it the folder of that name."""
    while True:
        lock = FileLock(memory / f"{_PREFIX}{uuid.uuid4().hex}.lock")
        if lock.try_acquire():
            if not lock.lost():
                return lock
            lock.release()  # another session took it for one that was left


def _remove(folder: Path, lock: FileLock) -> None:
    """Remove a folder, and then its lock, which is held."""
    if folder.exists():
        shutil.rmtree(folder)
    lock.path.unlink(missing_ok=True)
    lock.release()

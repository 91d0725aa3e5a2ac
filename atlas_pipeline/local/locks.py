"""Locks between processes that the kernel frees when their holder dies.

Here: one advisory `flock` on one file, its content, and the question whether somebody holds it. Not here: what the
locks protect (`atlas_pipeline.local.files`). Standard library only and POSIX only; the supervisor imports it.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

POLL_SECONDS = 0.05


class FileLock:
    """An advisory lock on a file, shared or exclusive, held until `release` or the end of the process.

    The file is made with mode 0600 when it is missing. Two instances exclude each other also within one process. A
    process forked without exec keeps the lock of its parent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if that is possible at once.

        Raises:
            OSError: The file cannot be opened.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def acquire(self, *, seconds: float, shared: bool = False) -> bool:
        """Take the lock, waiting for at most `seconds`; False when others kept it for all that time."""
        deadline = time.monotonic() + seconds
        while not self.try_acquire(shared=shared):
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def release(self) -> None:
        """Give the lock back; without effect when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def descriptor(self) -> int:
        """For a child process: it holds the lock as well when it inherits this. The lock must be held."""
        assert self._descriptor is not None
        return self._descriptor

    def write(self, text: str) -> None:
        """Replace the content of the lock file, which must be held."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text.encode(), 0)

    def lost(self) -> bool:
        """True when the file was deleted or replaced: others can no longer see that the lock is held."""
        try:
            return not os.path.samestat(os.fstat(self.descriptor), self.path.stat())
        except FileNotFoundError:
            return True


def is_held(path: Path, *, shared: bool = False) -> bool:
    """True when another holds the exclusive lock on this file; with `shared`, any lock."""
    if not path.exists():
        return False
    lock = FileLock(path)
    if lock.try_acquire(shared=not shared):
        lock.release()
        return False
    return True

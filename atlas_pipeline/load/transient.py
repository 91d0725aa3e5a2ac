"""Which errors of a server pass by themselves, and trying again what failed with one, item by item, with back-off.

What belongs here: the one definition of transient that every writer shares. What does not: errors of single documents
that stay (`writer.REFUSALS`), and rereading what an unknown outcome left (the writers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pymongo.errors import AutoReconnect, PyMongoError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

ATTEMPTS = 4
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 3.0
JITTER_SECONDS = 1.0

TRANSIENT_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        112,  # WriteConflict
        189,  # PrimarySteppedDown
        365,  # TemporarilyUnavailable: the server's cache is under pressure
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)
"""What a server says, of a command or of a single item, that it may not say the next time. Not of a killed operation
(11601): somebody wanted its end.
"""
_LABEL = "RetryableWriteError"


def is_transient(error: BaseException) -> bool:
    """Whether the same command may succeed when it is sent again."""
    if isinstance(error, AutoReconnect):
        return True
    if not isinstance(error, PyMongoError):
        return False
    return getattr(error, "code", None) in TRANSIENT_CODES or error.has_error_label(_LABEL)


def retrying() -> Retrying:
    """Attempts with growing, jittered waits between them, for as long as the error is a transient one."""
    return Retrying(
        retry=retry_if_exception(is_transient),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS, jitter=JITTER_SECONDS),
        reraise=True,
    )


def deliver(
    positions: Sequence[int], send: Callable[[Sequence[int]], Sequence[Mapping[str, Any]]]
) -> dict[int, Mapping[str, Any]]:
    """Send items until the server has said of each of them what stays. Only those are sent again that failed with a
    transient error; all that were sent, when the whole command failed with one, for nobody knows of which it is true.

    Args:
        positions: The items.
        send: Sends the items at some of these positions, and gives the server's errors, whose `index` counts among
            them.

    Returns:
        Position -> the server's error, of those that it refuses.

    Raises:
        PyMongoError: The command, or some items, failed with transient errors at all attempts, or with another one.
    """
    refused: dict[int, Mapping[str, Any]] = {}
    due = list(positions)

    def attempt() -> None:
        nonlocal due
        again = []
        for error in send(due):
            position = due[error["index"]]
            if error["code"] in TRANSIENT_CODES:
                again.append(position)
            else:
                refused[position] = error
        due = again
        if due:
            raise AutoReconnect(f"{len(due)} items failed with errors that may pass")

    if due:
        retrying()(attempt)
    return refused

"""How much is sent to a server at once: commands on their way, and documents in each, by how fast it answers.

Every server has another best measure, and the same one in another hour, so none is configured. What belongs here: the
rule. What does not: sending (`writer`).

The rule is that of congestion control by delay. The fastest answer per document that was seen lately is what the server
needs when nobody waits. As long as answers come about as fast, more commands are sent at once; when they take several
times as long, commands wait for each other in the server, and fewer are sent.
"""

from __future__ import annotations

import threading

MOST_IN_FLIGHT = 4
MOST_DOCUMENTS = 2_000
LEAST_DOCUMENTS = 100
LONG_SECONDS = 1.0
"""An answer that takes longer holds locks and memory of the server for too long, so commands get smaller."""
_WAITS, _IS_FREE = 4.0, 2.0
"""How many times as long as the fastest answer one takes when commands wait for each other, and when they do not."""
_FORGET = 1.02
"""By how much the fastest answer counts for slower, with each further one: a server does not stay as it was."""


class Pace:
    """The measure of one collection. Can be asked and told by several threads.

    Attributes:
        in_flight: Commands that may be on their way at once.
        documents: Documents of one command.
    """

    def __init__(self) -> None:
        self.in_flight = min(2, MOST_IN_FLIGHT)
        self.documents = MOST_DOCUMENTS
        self._fastest = float("inf")
        self._lock = threading.Lock()

    def answered(self, documents: int, seconds: float) -> None:
        """Take note of an answer of the server.

        Args:
            documents: How many documents the command held.
            seconds: How long the answer took.
        """
        each = seconds / max(1, documents)
        with self._lock:
            self._fastest = min(self._fastest * _FORGET, each)
            if each > _WAITS * self._fastest:
                self.in_flight = max(1, self.in_flight - 1)
            elif each < _IS_FREE * self._fastest:
                self.in_flight = min(MOST_IN_FLIGHT, self.in_flight + 1)
            if seconds > LONG_SECONDS:
                self.documents = max(LEAST_DOCUMENTS, documents // 2)
            elif seconds < LONG_SECONDS / 4:
                self.documents = min(MOST_DOCUMENTS, 2 * self.documents)

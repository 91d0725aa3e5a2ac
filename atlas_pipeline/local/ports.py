"""Where an embedded server listens: a port of this machine's loopback address.

Here: finding one, and asking whether somebody listens. Not here: what is said there (`atlas_pipeline.local.mongod`,
`atlas_pipeline.local.postgres`). Embedded servers listen on 127.0.0.1 and nowhere else.
"""

from __future__ import annotations

import socket
from contextlib import suppress

HOST = "127.0.0.1"


def free_port(preferred: int | None = None) -> int:
    """A port that was free on 127.0.0.1 a moment ago, the preferred one if it was.

    If that changed since, the server ends at its start, and another port has to be tried.
    """
    if preferred is not None:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections do not count
            probe.bind((HOST, preferred))
            return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_open(port: int, *, seconds: float) -> bool:
    """True when somebody listens on this port."""
    with socket.socket() as probe:
        probe.settimeout(seconds)
        return probe.connect_ex((HOST, port)) == 0


def address(port: int) -> str:
    return f"{HOST}:{port}"

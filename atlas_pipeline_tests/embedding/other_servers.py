"""A proxy before MongoDB that changes the code of an error in its replies to that of other versions.

Fail points cannot do that here: this server refuses what it does not know before it looks at them.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from atlas_pipeline_tests.load.lossy import LossyProxy, _message

_UNKNOWN_STAGE = 40324


class ChangingProxy(LossyProxy):
    """Forwards whole messages, and puts another code in the place of one: unless told otherwise, of that for a stage
    that the server does not know.
    """

    def __init__(self, host: str, port: int, *, code: int) -> None:
        super().__init__(host, port)
        self.change = code_of(_UNKNOWN_STAGE), code_of(code)
        self.changed = 0

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            while request := _message(client):
                server.sendall(request)
                reply = _message(server)
                self.changed += reply.count(self.change[0])
                client.sendall(reply.replace(*self.change))


@contextmanager
def answering(host: str, port: int, *, code: int) -> Iterator[ChangingProxy]:
    """A server that answers so, for as long as the context lasts."""
    proxy = ChangingProxy(host, port, code=code)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


def code_of(number: int) -> bytes:
    """How an error's code stands in a reply."""
    return b"\x10code\0" + struct.pack("<i", number)

"""A proxy before MongoDB that lets the server carry a command out and then loses the reply and the connection, cuts
connections while the server works, or alters a command on its way.

Fail points can only break a connection before the command is carried out.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_HEADER = struct.Struct("<iiii")
_FIRST_NAME = _HEADER.size + 4 + 1 + 4 + 1
"""Where the name of the command begins: behind flags (4), kind of section (1), length of the document (4), type (1)."""


class LossyProxy:
    """Forwards whole messages, and does with the next commands of some name what it was told.

    Args:
        host: Host of the server.
        port: Port of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lose: tuple[bytes, int] = (b"", 0)
        self._alter: tuple[bytes, Callable[[bytes], bytes]] | None = None
        self._clients: list[socket.socket] = []
        self._lock = threading.Lock()
        self.lost = 0
        self._refusing = False

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def lose(self, command: str, times: int, *, on: str = "") -> None:
        """Lose the replies to the next commands of this name, on a collection or on any."""
        self._lose = (_beginning(command, on), times)

    def alter(self, command: str, change: Callable[[bytes], bytes], *, on: str = "") -> None:
        """Change the next command of this name into another of the same length."""
        self._alter = (_beginning(command, on), change)

    def cut(self) -> None:
        """Break all connections to clients. The server goes on with what it does."""
        for client in self._clients:
            client.shutdown(socket.SHUT_RDWR)
        self._clients.clear()

    def refuse(self) -> None:
        """Break all connections, and take no more of them."""
        self._refusing = True
        self.cut()

    def serve(self) -> None:
        """Accept connections until `close`."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            self._clients.append(client)
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            while request := _message(client):
                server.sendall(self._altered(request))
                reply = _message(server)
                if self._loses(request):
                    break
                try:
                    client.sendall(reply)
                except OSError:  # it was cut off meanwhile
                    break
            if client in self._clients:
                self._clients.remove(client)

    def _altered(self, request: bytes) -> bytes:
        with self._lock:
            if self._alter is None or not request[_FIRST_NAME:].startswith(self._alter[0]):
                return request
            _, change = self._alter
            self._alter = None
            return change(request)

    def _loses(self, request: bytes) -> bool:
        name, times = self._lose
        with self._lock:
            if self.lost >= times or not request[_FIRST_NAME:].startswith(name):
                return False
            self.lost += 1
            return True


@contextmanager
def lossy_proxy(host: str, port: int) -> Iterator[LossyProxy]:
    """A proxy that listens for as long as the context lasts."""
    proxy = LossyProxy(host, port)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


def _beginning(command: str, on: str) -> bytes:
    """How a command begins: its name, and its collection as a BSON string."""
    name = command.encode() + b"\0"
    return name + struct.pack("<i", len(on.encode()) + 1) + on.encode() + b"\0" if on else name


def _message(connection: socket.socket) -> bytes:
    """One message of the wire protocol; empty when the connection has ended."""
    header = _exactly(connection, _HEADER.size)
    if not header:
        return b""
    return header + _exactly(connection, _HEADER.unpack(header)[0] - _HEADER.size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        try:
            part = connection.recv(size - len(received))
        except OSError:
            return b""
        if not part:
            return b""
        received += part
    return received

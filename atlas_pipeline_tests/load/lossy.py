"""A proxy before MongoDB that lets the server carry a command out and then loses the reply and the connection, cuts
connections while the server works, alters a command on its way, or answers for some of its items as a router does whose
shard is away.

Fail points can only break a connection before the command is carried out.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import bson

from atlas_pipeline.load.digest import split_documents

_HEADER = struct.Struct("<iiii")
_SECTIONS = _HEADER.size + 4
"""Where the sections of a message begin: behind flags (4)."""
_FIRST_NAME = _SECTIONS + 1 + 4 + 1
"""Where the name of the command begins: behind kind of section (1), length of the document (4), type (1)."""


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
        self._failing: _FailingItems | None = None
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

    def fail_items(self, command: str, positions: Sequence[int], code: int, *, times: int) -> list[int]:
        """Keep the items at these positions from the server, in the next commands of this name that have them, and say
        that they failed. Gives a list to which the number of items of every such command is added from then on.
        """
        self._failing = _FailingItems(_beginning(command, ""), positions, code, times)
        return self._failing.sizes

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
                failing = self._failing if self._failing and self._failing.concerns(request) else None
                server.sendall(failing.without(request) if failing else self._altered(request))
                reply = _message(server)
                if failing:
                    reply = failing.answer(reply)
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


@dataclass
class _FailingItems:
    """Items of commands that fail alone. One command at a time.

    Attributes:
        beginning: How these commands begin.
        positions: Of the items.
        code: Why they fail.
        times: In how many commands.
        sizes: How many items each command had.
    """

    beginning: bytes
    positions: Sequence[int]
    code: int
    times: int
    sizes: list[int] = field(default_factory=list)
    _kept: list[int] = field(default_factory=list)

    def concerns(self, request: bytes) -> bool:
        return request[_FIRST_NAME:].startswith(self.beginning)

    def without(self, request: bytes) -> bytes:
        """The request without the items that fail."""
        body_end = _SECTIONS + 1 + int.from_bytes(request[_SECTIONS + 1 : _SECTIONS + 5], "little")
        assert request[body_end] == 1, "the items are not in a section of their own"
        items_at = request.index(0, body_end + 5) + 1
        items = list(split_documents(request[items_at:]))
        self.sizes.append(len(items))
        failing = self.positions if self.times > 0 and len(items) > max(self.positions) else ()
        self.times -= bool(failing)
        self._kept = [position for position in range(len(items)) if position not in failing]
        left = b"".join(items[position] for position in self._kept)
        section = (items_at - body_end - 1 + len(left)).to_bytes(4, "little") + request[body_end + 5 : items_at] + left
        if not self._kept:  # a server takes no command without items, so it is asked for something else
            return _framed(request[4 : _SECTIONS + 1] + bson.encode({"ping": 1, "$db": "admin"}))
        return _framed(request[4 : body_end + 1] + section)

    def answer(self, reply: bytes) -> bytes:
        """The reply with what failed."""
        said = {"n": 0, **bson.decode(reply[_SECTIONS + 1 :])}
        numbers = range(len(self._kept) + len(self.positions))
        for one in (*said.get("writeErrors", ()), *said.get("upserted", ())):
            one["index"] = self._kept[one["index"]]
        failed = [
            {"index": position, "code": self.code, "errmsg": "the shard is away"}
            for position in numbers
            if position not in self._kept and position < self.sizes[-1]
        ]
        said["writeErrors"] = sorted([*said.get("writeErrors", ()), *failed], key=lambda one: one["index"])
        if not said["writeErrors"]:
            del said["writeErrors"]
        return _framed(reply[4 : _SECTIONS + 1] + bson.encode(said))


def _framed(message: bytes) -> bytes:
    """A message with its length before it."""
    return (len(message) + 4).to_bytes(4, "little") + message


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

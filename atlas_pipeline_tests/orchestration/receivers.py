"""Who gets alerts in these tests: a web server and a mail server on this machine, and an alerter of the operator's own.

What belongs here: taking what comes. What does not: what has to come.
"""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from atlas_pipeline.orchestration.alerts import Alert
from atlas_pipeline.settings import Settings


@dataclass
class Webhook:
    """A web server that takes what is posted.

    Attributes:
        port: Where.
        statuses: What it answers to the next posts; 204 when there are no more.
        posts: What came, with the path that was asked for.
    """

    port: int
    statuses: list[int] = field(default_factory=list)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/the-token"

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return [alert for _, alert in self.posts]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A web server, until the caller is done."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.posts.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(taken.statuses.pop(0) if taken.statuses else 204)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with _served(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        taken = Webhook(port)
        yield taken


@dataclass
class MailServer:
    """A mail server that knows no TLS.

    Attributes:
        port: Where.
        mails: What came, with the recipients.
        commands: All commands that came.
    """

    port: int
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@contextmanager
def mail_server(*, refuses: str = "") -> Iterator[MailServer]:
    """A mail server, until the caller is done.

    Args:
        refuses: A recipient that it does not take.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            recipients: list[str] = []
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip():
                taken.commands.append(line)
                word = line.split(":")[0].upper()
                if word == "RCPT TO":
                    recipients.append(line.partition("<")[2].partition(">")[0])
                answer = "550 not here" if word == "RCPT TO" and recipients[-1] == refuses else "250 good"
                if word == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    mail = message_from_bytes(b"".join(lines), policy=policy.default)
                    assert isinstance(mail, EmailMessage)
                    taken.mails.append((recipients, mail))
                elif word == "QUIT":
                    answer = "221 bye"
                self.wfile.write(f"{answer}\r\n".encode())

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        taken = MailServer(port)
        yield taken


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class FileAlerter:
    """An alerter as an operator may write one: it adds a line to a file of the state folder."""

    name = "a file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, alert: Alert) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{alert.text}\n")


def make_file_alerter(settings: Settings) -> FileAlerter:
    return FileAlerter(settings.state / "alerts.txt")


def make_broken_alerter(settings: Settings) -> FileAlerter:
    """One that cannot deliver, with a secret in the text of its error."""
    return FileAlerter(settings.state / "the-token" / "no such folder")

"""One embedded PostgreSQL: its command line, whether it takes work, the reason of its failure.

Here: what must be said to `postgres` (`atlas_pipeline.local.engine`). Not here: which process starts it and when it
ends (`atlas_pipeline.local.embedded`, `atlas_pipeline.local.supervisor`), where its data are
(`atlas_pipeline.local.postgres_home`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from atlas_pipeline.local.accounts import account_for
from atlas_pipeline.local.engine import Command
from atlas_pipeline.local.files import ServerFiles
from atlas_pipeline.local.ports import HOST, address, free_port
from atlas_pipeline.local.postgres_binaries import find_postgres
from atlas_pipeline.local.postgres_home import SUPERUSER, forget_lost_home, make_cluster, make_home, password_file

_ANSWER_SECONDS = 30
_PORT_LINE, _STATUS_LINE = 3, 7  # of the file with the process id
_LOG_TAIL_BYTES = 65_536
_COMPLAINT = re.compile(r"\b(?:FATAL|PANIC|HINT|WARNING): |could not bind")
# Another took the port meanwhile; processes of a killed server have not yet noticed that it is gone.
_LATER = ("could not create any TCP/IP sockets", "pre-existing shared memory block")
_OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",  # its complaints are looked through for the words above
    "log_min_messages": "log",  # an error or a statement would be logged with its values, and rows hold secrets
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}


@dataclass(frozen=True)
class PostgresEngine:
    """The embedded PostgreSQL of one state folder.

    Attributes:
        files: Where its files are.
        extra_args: Arguments that it must have been started with.
    """

    files: ServerFiles
    extra_args: Sequence[str] = ()

    def prepare(self, preferred_port: int | None) -> Command:
        """See `Engine`. The first time that includes making the database cluster, which takes a second or two."""
        forget_lost_home(self.files)
        account = account_for(self.files.data)
        made_by = self.files.data / "PG_VERSION"
        binaries = find_postgres(account, major=made_by.read_text().strip() if made_by.exists() else None)
        make_home(self.files, account)
        binaries = binaries.reachable(self.files.home)
        make_cluster(self.files, binaries, account)
        port = free_port(preferred_port)
        line = [str(binaries.postgres), "-D", str(self.files.data), "-p", str(port)]
        for name, value in _OPTIONS.items():
            line += ["-c", f"{name}={value}"]
        return Command([*line, *self.extra_args], port, account)

    def is_ours(self, line: Sequence[str]) -> bool:
        words = list(line)
        return words[1:4] == ["-D", str(self.files.data), "-p"] and f"listen_addresses={HOST}" in words

    def port_of(self, line: Sequence[str]) -> int:
        return int(line[4])

    def ready_version(self, port: int, pid: int, *, configure: bool) -> str | None:  # noqa: ARG002  set up by initdb
        """See `Engine`: ready is one that says so and lets us in."""
        import psycopg

        if not self._says_ready(port, pid):
            return None
        try:
            with psycopg.connect(
                host=HOST,
                port=port,
                user=SUPERUSER,
                password=self.password(),
                dbname="postgres",
                connect_timeout=_ANSWER_SECONDS,
                require_auth="scram-sha-256",  # the password is never shown to a stranger on this port
                sslmode="disable",  # it has no TLS, whatever the user's environment asks of other servers
            ) as connection:
                number = connection.info.server_version
        except psycopg.OperationalError:  # it is starting, recovering, ending
            return None
        return f"{number // 10_000}.{number % 10_000}"

    def complaints(self) -> str:
        log = self.files.log
        tail = log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").splitlines() if log.exists() else []
        found = [line for line in tail if _COMPLAINT.search(line)] or tail
        return "; ".join(line.strip() for line in found[-3:]) or f"no complaint in {log}"

    def may_start_later(self, exit_code: int, complaints: str) -> bool:  # noqa: ARG002  it is 1 for every reason
        return any(reason in complaints for reason in _LATER)

    def uri(self, port: int) -> str:
        return url(port, self.password(), "postgres")

    def password(self) -> str:
        """The password of the running cluster."""
        return password_file(self.files).read_text(encoding="utf-8")

    def _says_ready(self, port: int, pid: int) -> bool:
        """True when this process wrote into the data folder that it has this port and takes work.

        Before that the port may be a stranger's, who need not answer.
        """
        lines = self.files.pid_lines()
        if len(lines) <= _STATUS_LINE:
            return False
        return (lines[0], lines[_PORT_LINE], lines[_STATUS_LINE]) == (str(pid), str(port), "ready")


def url(port: int, password: str, database: str) -> str:
    """SQLAlchemy URL of a database in the embedded server, with the password."""
    return f"postgresql+psycopg://{SUPERUSER}:{password}@{address(port)}/{database}"

"""What one kind of embedded server must be able to say of itself, so that all kinds share one lifetime.

Here: the interface between that lifetime (`atlas_pipeline.local.embedded`, `atlas_pipeline.local.launch`) and the kinds
(`atlas_pipeline.local.mongod`, `atlas_pipeline.local.postgres`). Not here: anything that is true of all kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from atlas_pipeline.local.accounts import Account
from atlas_pipeline.local.files import ServerFiles


@dataclass(frozen=True)
class Command:
    """A server that is ready to be started.

    Attributes:
        line: The program and its arguments; it holds no secret, because everybody can see it.
        port: Where it will listen on 127.0.0.1.
        account: As whom it runs; None means as ourselves.
    """

    line: Sequence[str]
    port: int
    account: Account | None = None


class Engine(Protocol):
    """One kind of server on one state folder."""

    @property
    def files(self) -> ServerFiles:
        """Where its files are."""

    @property
    def extra_args(self) -> Sequence[str]:
        """Arguments that the server must have been started with."""

    def prepare(self, preferred_port: int | None) -> Command:
        """Make everything ready for a start, data folder included. Only under the start lock.

        Raises:
            ServerUnavailableError: There is no program to start, or no place for its data.
        """

    def is_ours(self, line: Sequence[str]) -> bool:
        """True when a process with this command line was started from `prepare` on our data folder."""

    def port_of(self, line: Sequence[str]) -> int:
        """The port in a command line that `is_ours` accepted."""

    def ready_version(self, port: int, pid: int, *, configure: bool) -> str | None:
        """One look: the version of the server with this process id if it takes work, else None.

        With `configure`, a server that is up but not yet set up is set up, so that a later look finds it ready.

        Raises:
            ServerUnavailableError: It refuses to be set up.
        """

    def complaints(self) -> str:
        """The last complaints in its log, in one line."""

    def may_start_later(self, exit_code: int, complaints: str) -> bool:
        """True when it ended at its start for a reason that another try need not meet again."""

    def uri(self, port: int) -> str:
        """Address with everything that a client needs; it may hold a password."""

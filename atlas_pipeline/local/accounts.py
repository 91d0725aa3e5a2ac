"""As whom a server runs that refuses to be root, and what that user can reach.

Here: the choice of the user, and questions put to the kernel in his name. Not here: which folders a server needs
(`atlas_pipeline.local.postgres_home`). Standard library only and POSIX only; the supervisor imports it.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NOBODY = "nobody"
_QUESTION_SECONDS = 30.0


@dataclass(frozen=True)
class Account:
    """A user of this machine, other than root, whom root can start a process as."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def can_enter(self, folder: Path) -> bool:
        """True when this user can enter the folder, and with it all that are above it.

        The kernel is asked, as that user: modes alone do not tell, there are access lists.
        """
        line = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)]
        return subprocess.run(line, check=False, timeout=_QUESTION_SECONDS, **as_account(self)).returncode == 0

    def give(self, path: Path) -> None:
        """Make this user the owner. Only for what we made ourselves a moment ago."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for(folder: Path) -> Account | None:
    """Who is to run a server with its data in `folder`: the owner of that folder, or `nobody` while it is missing.

    Returns:
        None when we are not root: then a server runs as ourselves.
    """
    if os.geteuid() != 0:
        return None
    if folder.is_dir() and (found := folder.stat()).st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    nobody = pwd.getpwnam(_NOBODY)
    return Account(nobody.pw_uid, nobody.pw_gid)


def as_account(account: Account | None, folder: Path = Path("/")) -> dict[str, Any]:
    """Arguments for `subprocess` that start a process as this user; it works in `folder`, which he can enter."""
    options: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL}
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def dump(account: Account) -> str:
    """The account as one word for a command line."""
    return f"{account.uid}:{account.gid}"


def load(word: str) -> Account:
    """The account from the word of `dump`."""
    uid, _, gid = word.partition(":")
    return Account(int(uid), int(gid))

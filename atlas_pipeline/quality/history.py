"""The validations of earlier runs, read from where they are stored: what the index lists and what is too old to keep.

What belongs here: the layout `validations/<catalog>/<table>/<kind>/<run>/<time>/<batch>.json`, which the pages share.
What does not: how the index looks (`data_docs`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from atlas_pipeline.quality.outcome import failed_expectations, worst_severity
from atlas_pipeline.quality.project_files import RESULTS_FOLDER
from atlas_pipeline.quality.suites import KINDS, Kind, kind_of

RUNS_SHOWN = 20
"""Runs that the index lists; older ones are kept but found by their links only."""

_WORST_FIRST = ("unreadable", "critical", "warning", "info", "passed")
_TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValidation:
    """One validation of one table.

    Attributes:
        verdict: `passed`, `critical`, `warning` or `info`; `unreadable` for a file that was cut off.
        evaluated: Expectations asked.
        failed: Expectations that do not hold.
        page: Its page, relative to the Data Docs folder.
    """

    verdict: str
    evaluated: int
    failed: int
    page: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """One run with its tables.

    Attributes:
        name: Run name.
        began: When its first table was validated.
        tables: Validations by kind, by catalog and table, in the order in which the tables were validated.
    """

    name: str
    began: datetime
    tables: dict[tuple[str, str], dict[Kind, StoredValidation]]

    @property
    def failed_tables(self) -> int:
        """How many tables did not pass."""
        return sum(any(each.verdict != "passed" for each in table.values()) for table in self.tables.values())

    @property
    def verdict(self) -> str:
        """The worst verdict of all."""
        verdicts = {each.verdict for table in self.tables.values() for each in table.values()}
        return next(verdict for verdict in _WORST_FIRST if verdict in verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    path: Path
    catalog: str
    table: str
    kind: Kind
    run: str
    time: datetime
    page: Path


class History:
    """Stored validations below a state folder."""

    def __init__(self, state: Path) -> None:
        self.root = state / RESULTS_FOLDER

    def result(self, identifier: Sequence[str]) -> dict[str, Any]:
        """One stored result by the parts of its name: catalog, table, kind, run name, run time, batch."""
        *folders, batch = identifier
        return _read(self.root.joinpath(*folders, f"{batch}.json"))

    def runs(self) -> list[StoredRun]:
        """The newest runs, newest first."""
        newest = islice(self._by_run().items(), RUNS_SHOWN)
        return [StoredRun(name=name, began=files[0].time, tables=_tables(files)) for name, files in newest]

    def prune(self, pages: Path, *, keep_days: int, keep_runs: int) -> None:
        """Remove results and pages of runs that began more than `keep_days` ago, and of all but `keep_runs` runs."""
        oldest = datetime.now(UTC) - timedelta(days=keep_days)
        runs = enumerate(self._by_run().values())
        _remove(pages, (files for at, files in runs if at >= keep_runs or files[0].time < oldest))

    def older(self, before: datetime) -> int:
        """How many results there are of runs that began before that moment."""
        return sum(len(files) for files in self._by_run().values() if files[0].time < before)

    def forget(self, pages: Path, before: datetime) -> None:
        """Remove results and pages of runs that began before that moment, but not from the index."""
        _remove(pages, (files for files in self._by_run().values() if files[0].time < before))

    def _by_run(self) -> dict[str, list[_File]]:
        """Files of each run in the order of their times; runs newest first."""
        runs: defaultdict[str, list[_File]] = defaultdict(list)
        for file in sorted(self._files(), key=lambda file: (file.time, KINDS.index(file.kind))):
            runs[file.run].append(file)
        return dict(sorted(runs.items(), key=lambda run: run[1][0].time, reverse=True))

    def _files(self) -> Iterable[_File]:
        for path in self.root.rglob("*.json"):
            relative = path.relative_to(self.root)
            catalog, *table, kind, run, time, _ = relative.parts
            yield _File(
                path=path,
                catalog=catalog,
                table=".".join(table),
                kind=kind_of(kind),
                run=run,
                time=datetime.strptime(time, _TIME_FORMAT).replace(tzinfo=UTC),
                page=Path(RESULTS_FOLDER) / relative.with_suffix(".html"),
            )


def _tables(files: Iterable[_File]) -> dict[tuple[str, str], dict[Kind, StoredValidation]]:
    tables: defaultdict[tuple[str, str], dict[Kind, StoredValidation]] = defaultdict(dict)
    for file in files:
        tables[file.catalog, file.table][file.kind] = _validation(file)
    return dict(tables)


def _validation(file: _File) -> StoredValidation:
    try:
        result = _read(file.path)
    except ValueError:  # its process was killed, or is still writing
        return StoredValidation(verdict="unreadable", evaluated=0, failed=0, page=file.page)
    failures = failed_expectations(result, file.kind)
    return StoredValidation(
        verdict=worst_severity(failures) or "passed",
        evaluated=len(result["results"]),
        failed=len(failures),
        page=file.page,
    )


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _remove(pages: Path, runs: Iterable[Sequence[_File]]) -> None:
    for files in runs:
        for file in files:
            for path in (file.path, pages / file.page):
                path.unlink(missing_ok=True)
                _remove_when_empty(path.parent, path.parent.parent)


def _remove_when_empty(*folders: Path) -> None:
    """Folders of one run only: the ones above are shared with processes that may be writing into them."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

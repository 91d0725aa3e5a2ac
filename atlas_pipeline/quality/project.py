"""Running the expectations of a table: from counts and documents to an outcome and its pages.

What belongs here: the one Great Expectations context of a process and the steps of a validation. What does not: the
content of suites, frames and pages. Great Expectations is imported on first use, because it takes seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.quality.data_docs import DataDocs
from atlas_pipeline.quality.frames import counts_frame, sample_frame
from atlas_pipeline.quality.history import History
from atlas_pipeline.quality.outcome import (
    ExpectationsOutcome,
    FailedExpectation,
    failed_expectations,
    rank,
    worst_severity,
)
from atlas_pipeline.quality.project_files import STATE_VARIABLE, first_out_of_step
from atlas_pipeline.quality.suites import KINDS, Kind, suite_name
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

_ONE_AT_A_TIME = Lock()
"""A context of Great Expectations must not be used by two threads at once."""


class ExpectationsProject:
    """The generated project of expectations, its results and its pages.

    Args:
        root: Folder with `great_expectations.yml`; only read.
        state: State folder; results and Data Docs are written below it.
        reports_url: Address under which the state folder's `data_docs` is served.
    """

    def __init__(self, *, root: Path, state: Path, reports_url: str) -> None:
        self.root = root.absolute()
        self.state = state.absolute()
        self.reports_url = reports_url.rstrip("/")
        self._docs = DataDocs(self.state / "data_docs")
        self._history = History(self.state)

    def validate(
        self,
        catalog: CatalogSpec,
        table: TableSpec,
        *,
        counts: TableCounts | None,
        documents: Sequence[Mapping[str, Any]],
        differing: Mapping[Any, tuple[str, ...]],
        run_name: str,
    ) -> ExpectationsOutcome:
        """Judge a table by its counts and by documents drawn from its collection, and write a page for each.

        Args:
            catalog: The table's catalog.
            table: The table.
            counts: Exact numbers of the whole table; None when only a part of it was looked at.
            documents: The sample, decoded with time zones.
            differing: Fields that differ from the source, by `_id`, as `frames.sample_frame` takes them.
            run_name: Name that all tables of a run share, such as the Dagster run id.

        Raises:
            ConfigurationError: The project is missing or does not follow the spec of this table.
        """
        self._refuse_when_out_of_step(catalog, table)
        from great_expectations import RunIdentifier

        frames: dict[Kind, Any] = {"sample": sample_frame(table, documents, differing)}
        facts: dict[Kind, dict[str, Any]] = {"sample": {"sampled_documents": len(documents)}}
        if counts is not None:
            frames["counts"], facts["counts"] = counts_frame(counts), asdict(counts)
        run = RunIdentifier(run_name=run_name, run_time=datetime.now(UTC))
        failures: dict[Kind, tuple[FailedExpectation, ...]] = dict.fromkeys(KINDS, ())
        pages: dict[Kind, Path] = {}
        evaluated = 0
        with _ONE_AT_A_TIME:
            context = _context(self.root, self.state)
            for kind, frame in frames.items():
                checkpoint = context.checkpoints.get(suite_name(catalog, table, kind))
                validated = checkpoint.run(batch_parameters={"dataframe": frame}, run_id=run)
                (identifier,) = validated.run_results
                result = self._history.result(identifier.to_tuple())
                failures[kind] = failed_expectations(result, kind)
                evaluated += sum(1 for entry in result["results"] if entry["result"])
                pages[kind] = self._docs.write_page(identifier.to_tuple(), result, facts[kind])
        all_failures = failures["counts"] + failures["sample"]
        worst = worst_severity(all_failures)
        to_show: Kind = "counts" if worst and worst_severity(failures["counts"]) == worst else "sample"
        return ExpectationsOutcome(
            passed=not all_failures,
            severity=worst,
            evaluated=evaluated,
            failures=tuple(sorted(all_failures, key=rank)),
            pages=tuple(pages[kind] for kind in KINDS if kind in pages),
            url=f"{self.reports_url}/data_docs/{self._docs.address(pages[to_show])}",
        )

    def finish_run(self, *, keep_days: int = 30, keep_runs: int = 50) -> Path:
        """Remove what is too old and rebuild the index of all pages; called once, when all tables are done.

        Args:
            keep_days: Results and pages of runs that began earlier are removed.
            keep_runs: So are those of all but the newest so many runs.

        Returns:
            The index page.
        """
        self._history.prune(self._docs.root, keep_days=keep_days, keep_runs=keep_runs)
        return self._docs.write_index(self._history.runs())

    def _refuse_when_out_of_step(self, catalog: CatalogSpec, table: TableSpec) -> None:
        path = first_out_of_step(self.root, catalog, table)
        if path is not None:
            raise ConfigurationError(
                f"{path}, of {catalog.name}.{table.collection}, is missing or does not follow the table's spec.",
                "run `atlas-pipeline expectations sync` and commit what it writes",
            )


@cache
def _context(root: Path, state: Path) -> Any:
    """The context of this process for a project, quiet and with results below `state`."""
    import great_expectations

    import atlas_pipeline.quality.bson_expectations  # noqa: F401 - defining the class registers the expectation

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    return great_expectations.get_context(
        mode="file",
        context_root_dir=root,
        runtime_environment={STATE_VARIABLE: str(state).replace("$", r"\$")},
    )

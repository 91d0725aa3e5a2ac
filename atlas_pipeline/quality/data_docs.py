"""Data Docs that need nothing from the net: one page per validation and an index of runs.

What belongs here: turning stored results of Great Expectations into pages that carry their style in themselves and
escape every value. (Its own pages load scripts, fonts and a logo from six hosts, and put values into HTML as they are.)
What does not: the verdicts (`outcome`) and which runs there are (`history`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from atlas_pipeline.quality.outcome import FailedExpectation, failed_expectations, rank, worst_severity
from atlas_pipeline.quality.suites import KINDS, Kind, kind_of

if TYPE_CHECKING:
    from jinja2 import Environment

    from atlas_pipeline.quality.history import StoredRun

PAGES_FOLDER = "validations"

_ASSETS = Path(__file__).parent / "assets"


class DataDocs:
    """The pages below a folder.

    Args:
        root: Folder of the index; pages are at `validations/<catalog>/<table>/<kind>/<run>/<time>/<batch>.html`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write_page(self, identifier: Sequence[str], result: Mapping[str, Any], facts: Mapping[str, int]) -> Path:
        """Write the page of one validation.

        Args:
            identifier: Parts of the suite name, run name, run time and batch, as the stored result is named.
            result: The result in its stored JSON shape.
            facts: Numbers to show above the expectations, by name.

        Returns:
            The page's path.
        """
        catalog, *table, kind_name, run_name, run_time, batch = identifier
        kind = kind_of(kind_name)
        page = Path(PAGES_FOLDER, *identifier[:-1], f"{batch}.html")
        judgements = _judgements(result, kind)
        failures = tuple(judgement.failure for judgement in judgements if judgement.failure)
        html = (
            _templates()
            .get_template("validation_page.html")
            .render(
                catalog=catalog,
                table=".".join(table),
                kind=kind,
                tabs={other: quote(f"../../../{other}/{run_name}/{run_time}/{page.name}") for other in KINDS},
                home="../" * (len(page.parts) - 1) + "index.html",
                verdict=worst_severity(failures) or "passed",
                judgements=judgements,
                failures=failures,
                facts=facts,
                run_name=run_name,
                run_time=result["meta"]["run_id"]["run_time"],
                version=result["meta"]["great_expectations_version"],
            )
        )
        return self._write(page, html)

    def write_index(self, runs: Sequence[StoredRun]) -> Path:
        """Write the index, which lists runs with their tables and links to their pages, and return its path."""
        html = _templates().get_template("index_page.html").render(runs=runs, kinds=KINDS)
        return self._write(Path("index.html"), html)

    def address(self, page: Path) -> str:
        """Path of a page in a URL below the Data Docs folder."""
        return quote(page.relative_to(self.root).as_posix())

    def _write(self, page: Path, html: str) -> Path:
        """Replaces the page in one step, because it may be open or served."""
        path = self.root / page
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        draft.write_text(html, encoding="utf-8")
        return draft.replace(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judgement:
    """One line of a page.

    Attributes:
        column: Column of the frame.
        meaning: What is expected.
        severity: How bad a failure is.
        expectation: Name of the expectation.
        observed: What was found, in words.
        failure: What failed, or None.
        rows: Offending keys with their values, as far as they were recorded.
    """

    column: str
    meaning: str
    severity: str
    expectation: str
    observed: str
    failure: FailedExpectation | None
    rows: tuple[tuple[str, Any], ...]


def _judgements(result: Mapping[str, Any], kind: Kind) -> list[_Judgement]:
    """All expectations of a result, the worst failures first, those that hold in the order of the suite."""
    failures = iter(failed_expectations(result, kind))
    judgements = []
    for entry in result["results"]:
        config, found = entry["expectation_config"], entry["result"]
        kwargs = config["kwargs"]
        column = kwargs.get("column") or f"{kwargs['column_A']}, {kwargs['column_B']}"
        rows = found.get("partial_unexpected_index_list") or () if kind == "sample" else ()
        judgements.append(
            _Judgement(
                column=column,
                meaning=config.get("description") or "",
                severity=config["severity"],
                expectation=config["type"],
                observed=_observed(found, kind),
                failure=None if entry["success"] else next(failures),
                rows=tuple((str(row["_id"]), row.get(column)) for row in rows),
            )
        )
    return sorted(judgements, key=lambda judgement: rank(judgement.failure))


def _observed(found: Mapping[str, Any], kind: Kind) -> str:
    """What an expectation found; one that leaves nulls aside does not count them."""
    if not found:
        return "not evaluated"
    if "observed_value" in found:
        return f"{found['observed_value']:,}"
    if kind == "counts":
        return " and ".join(f"{number:,}" for pair in found["partial_unexpected_list"] for number in pair) or "equal"
    values = found["element_count"] - (found.get("missing_count") or 0)
    if found["unexpected_count"]:
        return f"{found['unexpected_count']:,} of {values:,} do not hold"
    return f"all {values:,} hold" if values else "no values"


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""What a table's validations found, as plain data that knows nothing of Great Expectations or Dagster.

What belongs here: reading stored results, in particular telling "the data failed" from "could not be asked". What does
not: running them (`project`) and showing them (`data_docs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from atlas_pipeline.quality.suites import EXAMPLES, Kind, Severity

_WORST_FIRST: tuple[Severity, ...] = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedExpectation:
    """One expectation that did not hold.

    Attributes:
        expectation: Its name, such as `expect_column_values_to_be_unique`.
        column: The column of the frame, or the columns joined by a comma.
        meaning: What it says, for people.
        outcome: `failed`: the data does not hold. `not evaluated`: it could not be asked, so nothing is known.
        reason: Why it was not evaluated, or an empty string.
        severity: As the suite says; an expectation that was not evaluated is always critical.
        unexpected: Sampled documents that do not hold; for counts the number that was found, or the difference.
        examples: Keys of such documents, at most 20.
    """

    expectation: str
    column: str
    meaning: str
    outcome: Literal["failed", "not evaluated"]
    reason: str
    severity: Severity
    unexpected: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationsOutcome:
    """What both validations of a table found.

    Attributes:
        passed: Whether every expectation holds.
        severity: The worst severity among the failures, or None.
        evaluated: How many expectations gave an answer.
        failures: Those that do not hold, worst first.
        pages: The Data Docs pages, counts first.
        url: Address of the page to look at: the one with the worst failure, the sample's when all holds.
    """

    passed: bool
    severity: Severity | None
    evaluated: int
    failures: tuple[FailedExpectation, ...]
    pages: tuple[Path, ...]
    url: str


def worst_severity(failures: Iterable[FailedExpectation]) -> Severity | None:
    """The worst severity among the failures, or None when there are none."""
    return min((failure.severity for failure in failures), key=_WORST_FIRST.index, default=None)


def rank(failure: FailedExpectation | None) -> int:
    """Sort key that puts the worst failures first and what holds last."""
    return len(_WORST_FIRST) if failure is None else _WORST_FIRST.index(failure.severity)


def failed_expectations(result: Mapping[str, Any], kind: Kind) -> tuple[FailedExpectation, ...]:
    """The failures in one validation result, in its stored JSON shape."""
    return tuple(_failure(entry, kind) for entry in result["results"] if not entry["success"])


def _failure(entry: Mapping[str, Any], kind: Kind) -> FailedExpectation:
    config, found = entry["expectation_config"], entry["result"]
    kwargs = config["kwargs"]
    evaluated = bool(found)  # an exception leaves the result empty
    rows = found.get("partial_unexpected_index_list") or () if kind == "sample" else ()
    unexpected = 0
    if evaluated:
        unexpected = _found_number(found) if kind == "counts" else found["unexpected_count"]
    return FailedExpectation(
        expectation=config["type"],
        column=kwargs.get("column") or f"{kwargs['column_A']}, {kwargs['column_B']}",
        meaning=config.get("description") or "",
        outcome="failed" if evaluated else "not evaluated",
        reason="" if evaluated else _exception_message(entry["exception_info"]),
        severity=config["severity"] if evaluated else "critical",
        unexpected=unexpected,
        examples=tuple(str(row["_id"]) for row in rows[:EXAMPLES]),
    )


def _found_number(found: Mapping[str, Any]) -> int:
    """The offending number of a one-row frame, or the difference of a pair of numbers."""
    if "observed_value" in found:
        return int(found["observed_value"])
    ((first, second),) = found["partial_unexpected_list"]
    return abs(int(first) - int(second))


def _exception_message(info: Mapping[str, Any]) -> str:
    """The first message of an exception, which is stored flat or by metric."""
    by_metric = [info] if "exception_message" in info else info.values()
    return next((str(each["exception_message"]) for each in by_metric if each["exception_message"]), "unknown")

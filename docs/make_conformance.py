"""Writes docs/conformance.md from the cases of the suite, so that the two cannot differ. Run by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from atlas_pipeline_tests.cases.case import (
    DIALECTS,
    Case,
    Dialect,
    Lands,
    Made,
    Plant,
    RefusedCase,
    Rejected,
    Row,
    Sql,
    of,
)
from atlas_pipeline_tests.cases.registry import all_cases, family_of

TARGET = Path(__file__).with_name("conformance.md")
LONGEST = 60
"""Characters of a value that are shown."""
MOST = 4
"""Values of a row that are shown."""
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def render() -> str:
    """All cases as Markdown."""
    cases = all_cases()
    parts = [
        "# Conformance",
        "Made from `atlas_pipeline_tests/cases/` by `make docs`; edit the cases, not this file.",
        f"What becomes of {len(cases)} kinds of nasty rows and tables. Each is loaded from SQLite and from PostgreSQL: "
        "batch by batch, beside a row that is refused, and, where that makes a difference, as a time series. Then each "
        "is verified. An outcome is the BSON type and value of the field or the `_id`, or the code of the rejection, "
        "with the column where it is another one than v.",
    ]
    for family, members in groupby(cases, family_of):
        parts.append(f"## {family}")
        for case in members:
            parts += _refused(case) if isinstance(case, RefusedCase) else _loaded(case)
    return "\n\n".join(parts) + "\n"


def _refused(case: RefusedCase) -> Iterator[str]:
    yield f"### {case.says}"
    yield "Refused when the catalog is imported."
    yield from _absent(case)


def _loaded(case: Case) -> Iterator[str]:
    yield f"### {case.says}"
    yield from _absent(case)
    there = [dialect for dialect in DIALECTS if dialect not in case.absent]
    rows = [_cells(case, row, there) for row in case.rows]
    heads = ["row", *(_NAMES[dialect] for dialect in there)]
    yield "\n".join(_line(one) for one in [heads, ["---"] * len(heads), *rows])
    for plant in case.plants:
        yield _planted(plant)


def _absent(case: Case | RefusedCase) -> Iterator[str]:
    for dialect, why in case.absent.items():
        yield f"Not from {_NAMES[dialect]}: {why}."


def _cells(case: Case, row: Row, there: list[Dialect]) -> list[str]:
    shown = dict.fromkeys(_values(case, row, dialect) for dialect in there)
    return [" / ".join(shown), *(_outcome(of(row.outcome, dialect)) for dialect in there)]


def _values(case: Case, row: Row, dialect: Dialect) -> str:
    """The first values of a row; without its number and its note, where it has them."""
    names = of(case.table, dialect).column_names
    numbered = names == ("id", "v") and [one.values[0] for one in case.rows] == list(range(1, len(case.rows) + 1))
    values = [of(value, dialect) for name, value in zip(names, row.values, strict=True) if name != "note"]
    return _some([_shown(value) for value in (values[1:] if numbered else values)])


def _outcome(outcome: Any) -> str:
    if isinstance(outcome, Rejected):
        return f"rejected: `{outcome.code}`" + ("" if outcome.column == "v" else f", {outcome.column}")
    if isinstance(outcome, Mapping):
        names = [name for name in outcome if name not in ("_id", "note")] or ["_id"]
        return _some([("" if name in ("_id", "v") else f"{name}: ") + _landed(outcome[name]) for name in names])
    return f"cannot be there: {outcome.why}"


def _landed(lands: Lands) -> str:
    return lands.bson_type if lands.bson_type == "null" else f"{lands.bson_type} {_shown(lands.value)}"


def _some(parts: list[str]) -> str:
    return ", ".join([*parts[:MOST], "..."] if len(parts) > MOST else parts)


def _planted(plant: Plant) -> str:
    found = [f"{one.kind} {_shown(one.key)}" + "".join(f" {name}" for name in one.fields) for one in plant.finds]
    healed = " The next load heals it." if plant.then else ""
    return f"After {plant.says}, verify finds: {', '.join(found) or 'nothing'}.{healed}"


def _shown(value: Any) -> str:
    if isinstance(value, Made):
        return value.says
    if isinstance(value, Sql):
        return _code(value.text)
    return "NULL" if value is None else _code(ascii(value))


def _code(text: str) -> str:
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    marks = "``" if "`" in short else "`"
    return f"{marks}{short}{marks}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")

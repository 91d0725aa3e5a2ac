"""Finds the cases by listing the folder: every module whose name begins with the word of a family is one."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from atlas_pipeline_tests.cases.case import Case, RefusedCase

FOLDER = Path(__file__).resolve().parent
FAMILIES = {
    "integer": "Integers",
    "double": "Floating-point numbers",
    "decimal": "Decimal numbers",
    "money": "Money",
    "boolean": "Booleans",
    "text": "Text",
    "moment": "Moments",
    "day": "Days",
    "time": "Times of day and intervals",
    "uuid": "UUIDs",
    "json": "JSON",
    "bytes": "Bytes",
    "array": "Arrays and lists",
    "word": "Closed sets of words",
    "null": "NULL",
    "key": "Keys",
    "unique": "Unique values",
    "size": "Sizes",
    "target": "What others do to the collection",
    "name": "Names",
    "shape": "Shapes of tables",
}
"""First word of a module's name -> heading, in the order of the documents."""


def case_files() -> list[Path]:
    """The files of all cases, family by family."""
    order = list(FAMILIES)
    found = [path for path in FOLDER.glob("*_*.py") if path.stem.partition("_")[0] in FAMILIES]
    return sorted(found, key=lambda path: (order.index(path.stem.partition("_")[0]), path.stem))


@cache
def all_cases() -> tuple[Case | RefusedCase, ...]:
    """All cases, each called as its module."""
    modules = (importlib.import_module(f"atlas_pipeline_tests.cases.{path.stem}") for path in case_files())
    return tuple(module.CASE.called(module.__name__.rpartition(".")[2]) for module in modules)


def family_of(case: Case | RefusedCase) -> str:
    """The heading of a case."""
    return FAMILIES[case.name.partition("_")[0]]

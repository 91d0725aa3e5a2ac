"""The suite itself: what cannot be described at all, whether every file is a case, and whether its document is true."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from atlas_pipeline.errors import SpecError
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline_tests.cases.case import DIALECTS, Case, Dialect, RefusedCase, Rejected, of
from atlas_pipeline_tests.cases.registry import FAMILIES, FOLDER, all_cases, case_files

MACHINE = {"__init__", "case", "conftest", "expected", "judging", "making", "registry", "tables", "verified", "world"}
ROOT = FOLDER.parent.parent
OF_THE_SERVER = {
    RejectCode.CONTRACT,
    RejectCode.REFUSED_BY_SERVER,
    RejectCode.AMBIGUOUS_REFERENCE,
    RejectCode.UNKNOWN_COLUMN,
}
"""Codes that take another table, a validator, a column that appears or a defect; other tests have them."""


def _refused() -> list[Any]:
    return [
        pytest.param(case, dialect, id=f"{case.says}, {dialect}")
        for case in all_cases()
        if isinstance(case, RefusedCase)
        for dialect in DIALECTS
        if dialect not in case.absent
    ]


@pytest.mark.parametrize(("case", "dialect"), _refused())
def test_a_table_that_cannot_be_described_is_refused_when_its_catalog_is_imported(
    case: RefusedCase, dialect: Dialect
) -> None:
    with pytest.raises(SpecError) as refused:
        of(case.specs, dialect)()
    assert case.because in str(refused.value)


def test_there_are_at_least_sixty_cases_and_every_file_of_the_folder_is_known() -> None:
    files = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("test_")}
    assert files == MACHINE | {path.stem for path in case_files()}
    assert len(all_cases()) >= 60
    assert len({case.says for case in all_cases()}) == len(all_cases())
    assert {path.stem.partition("_")[0] for path in case_files()} == set(FAMILIES)


def test_every_case_file_is_small() -> None:
    for path in case_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert 10 <= lines <= 40, (path.name, lines)


def test_every_code_of_a_single_row_is_met() -> None:
    outcomes = [
        of(row.outcome, dialect)
        for case in all_cases()
        if isinstance(case, Case)
        for row in case.rows
        for dialect in DIALECTS
    ]
    met = {one.code for one in outcomes if isinstance(one, Rejected)}
    assert met == set(RejectCode) - OF_THE_SERVER


def test_the_document_of_the_cases_is_in_step_with_them() -> None:
    assert (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8") == _maker().render(), "run `make docs`"


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_conformance", ROOT / "docs" / "make_conformance.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

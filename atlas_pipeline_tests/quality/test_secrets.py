from __future__ import annotations

from pathlib import Path

from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline_tests.quality.conftest import Validate, account

MARKER = "PLANTED-5c1f"


def test_no_secret_reaches_a_result_a_page_the_index_or_the_outcome(
    validate: Validate, project: ExpectationsProject, state: Path
) -> None:
    outcome = validate(
        [
            account(1, token=MARKER),
            account(2, token=MARKER * 20),  # too long, so that its expectation fails
            account(3, token=[MARKER, {MARKER: MARKER}]),  # of a wrong type
            account(4, token={MARKER: MARKER}),
            account(5, token=MARKER, settings={"password": MARKER}, tags=[MARKER]),  # inside sub-documents
            account(6, token=MARKER, settings=[MARKER], tags={MARKER: 1}),
        ],
        differing={"account-0001": ("token",)},
    )
    project.finish_run()
    assert {each.column for each in outcome.failures} == {"token", "differing_fields", "settings", "tags"}
    assert {each.expectation for each in outcome.failures if each.column == "token"} == {
        "expect_column_values_to_have_bson_type",
        "expect_column_value_lengths_to_be_between",
    }
    written = [path for path in state.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} == {".html", ".json"}
    assert [path for path in written if MARKER in path.read_text(encoding="utf-8")] == []
    assert MARKER not in repr(outcome)

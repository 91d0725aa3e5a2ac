from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Int64, ObjectId

from atlas_pipeline.quality.outcome import ExpectationsOutcome
from atlas_pipeline.quality.suites import suite
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline_tests.quality.conftest import ACCOUNTS, CATALOG, MEMBERSHIPS, Validate, account


def failed(outcome: ExpectationsOutcome) -> set[tuple[str, str, str, str, int]]:
    return {(each.expectation, each.column, each.outcome, each.severity, each.unexpected) for each in outcome.failures}


def test_documents_and_counts_that_hold_pass_every_expectation(validate: Validate) -> None:
    outcome = validate([account(number) for number in range(50)])
    expected = sum(len(suite(CATALOG, ACCOUNTS, kind)["expectations"]) for kind in ("counts", "sample"))
    assert outcome.failures == ()
    assert (outcome.passed, outcome.severity, outcome.evaluated) == (True, None, expected)


def test_an_empty_table_passes_with_every_expectation_evaluated(validate: Validate) -> None:
    outcome = validate([])
    expected = sum(len(suite(CATALOG, ACCOUNTS, kind)["expectations"]) for kind in ("counts", "sample"))
    assert outcome.failures == ()
    assert (outcome.passed, outcome.evaluated) == (True, expected)


def test_nulls_wide_integers_and_nan_are_judged_by_their_bson_type(validate: Validate) -> None:
    outcome = validate(
        [account(1, age=Int64(2**40), share=float("nan")), account(2, age=None, share=None, settings=None, name=None)]
    )
    assert outcome.failures == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5),
        ("age", "5"),
        ("age", 5.0),
        ("share", 1),
        ("active", 1),
        ("active", None),
        ("created_at", "2026-01-01"),
        ("created_at", None),
        ("settings", ["a"]),
        ("tags", {"a": 1}),
        ("tags", None),
        ("token", None),
        ("token", ["a"]),
    ],
)
def test_a_value_of_a_wrong_bson_type_fails_as_critical(validate: Validate, field: str, value: Any) -> None:
    outcome = validate([account(1), account(2, **{field: value})])
    assert ("expect_column_values_to_have_bson_type", field, "failed", "critical", 1) in failed(outcome)
    (failure,) = (each for each in outcome.failures if each.expectation.endswith("bson_type"))
    assert failure.examples == ("account-0002",)
    assert (outcome.passed, outcome.severity) == (False, "critical")


def test_a_column_of_nothing_but_illegal_nulls_fails(validate: Validate) -> None:
    outcome = validate([account(number, active=None) for number in range(5)])
    assert failed(outcome) == {("expect_column_values_to_have_bson_type", "active", "failed", "critical", 5)}


def test_a_missing_field_is_not_taken_for_null(validate: Validate) -> None:
    document = account(2)
    del document["name"]
    outcome = validate([account(1), document])
    assert failed(outcome) == {("expect_column_values_to_have_bson_type", "name", "failed", "critical", 1)}


def test_a_value_outside_the_allowed_ones_warns(validate: Validate) -> None:
    outcome = validate([account(1, role="root"), account(2)])
    assert failed(outcome) == {("expect_column_values_to_be_in_set", "role", "failed", "warning", 1)}
    assert (outcome.passed, outcome.severity) == (False, "warning")


def test_a_number_below_the_minimum_warns(validate: Validate) -> None:
    outcome = validate([account(1, age=-1), account(2, age=0)])
    assert failed(outcome) == {("expect_column_values_to_be_between", "age", "failed", "warning", 1)}


def test_a_text_longer_than_its_source_type_warns_also_when_it_is_secret(validate: Validate) -> None:
    outcome = validate([account(1, name="x" * 12, token="x" * 40), account(2, name="x" * 13, token="x" * 41)])
    assert failed(outcome) == {
        ("expect_column_value_lengths_to_be_between", "name", "failed", "warning", 1),
        ("expect_column_value_lengths_to_be_between", "token", "failed", "warning", 1),
    }


def test_two_documents_with_one_key_fail_as_critical(validate: Validate) -> None:
    outcome = validate([account(1), account(1), account(2)])
    assert failed(outcome) == {("expect_column_values_to_be_unique", "_id", "failed", "critical", 2)}


def test_a_key_of_a_foreign_type_fails(validate: Validate) -> None:
    outcome = validate([account(1), account(2, _id=ObjectId())])
    assert failed(outcome) == {("expect_column_values_to_have_bson_type", "_id", "failed", "critical", 1)}


def test_a_differing_document_fails_with_its_key_and_fields_on_the_page(validate: Validate) -> None:
    outcome = validate([account(1), account(2)], differing={"account-0002": ("name", "age")})
    assert failed(outcome) == {("expect_column_values_to_be_in_set", "differing_fields", "failed", "critical", 1)}
    assert outcome.failures[0].examples == ("account-0002",)
    assert "name, age" in outcome.pages[1].read_text(encoding="utf-8")


def test_a_sampled_row_without_a_document_fails_and_nothing_else_does(validate: Validate) -> None:
    outcome = validate([account(1)], differing={"account-0009": ("(no document)",)})
    assert failed(outcome) == {("expect_column_values_to_be_in_set", "differing_fields", "failed", "critical", 1)}
    assert outcome.failures[0].examples == ("account-0009",)


def test_an_expectation_that_cannot_be_asked_is_not_called_failed(validate: Validate) -> None:
    outcome = validate([account(1, age="old"), account(2)])
    assert failed(outcome) == {
        ("expect_column_values_to_have_bson_type", "age", "failed", "critical", 1),
        ("expect_column_values_to_be_between", "age", "not evaluated", "critical", 0),
    }
    (unasked,) = (each for each in outcome.failures if each.outcome == "not evaluated")
    assert "of the same type" in unasked.reason
    assert outcome.evaluated == validate([account(1)]).evaluated - 1
    assert "not evaluated" in outcome.pages[1].read_text(encoding="utf-8")


def test_examples_are_capped_and_the_number_is_not(validate: Validate) -> None:
    outcome = validate([account(number, active="yes") for number in range(100)])
    (failure,) = outcome.failures
    assert (failure.unexpected, len(failure.examples)) == (100, 20)
    assert "The first 20 of 100" in outcome.pages[1].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            TableCounts(source_rows=10, documents=7, quarantined=1),
            {
                ("expect_column_pair_values_to_be_equal", "source_rows, accounted_rows", "failed", "critical", 2),
                ("expect_column_max_to_be_between", "quarantined", "failed", "info", 1),
            },
        ),
        (
            TableCounts(source_rows=10, documents=10, quarantined=0, duplicate_keys=3),
            {("expect_column_max_to_be_between", "duplicate_keys", "failed", "critical", 3)},
        ),
        (
            TableCounts(source_rows=10, documents=10, quarantined=0, missing_keys=4, extra_keys=4),
            {
                ("expect_column_max_to_be_between", "missing_keys", "failed", "critical", 4),
                ("expect_column_max_to_be_between", "extra_keys", "failed", "critical", 4),
            },
        ),
        (
            TableCounts(source_rows=10, documents=10, quarantined=0, orphans=5),
            {("expect_column_max_to_be_between", "orphans", "failed", "info", 5)},
        ),
    ],
)
def test_counts_that_do_not_hold_are_reported_with_their_number(
    validate: Validate, counts: TableCounts, expected: set[tuple[str, str, str, str, int]]
) -> None:
    outcome = validate([account(1)], counts=counts)
    assert failed(outcome) == expected
    assert outcome.severity == min((each[3] for each in expected), key=["critical", "warning", "info"].index)


def test_the_address_is_the_page_with_the_worst_failure(validate: Validate, state: Path) -> None:
    warned = TableCounts(source_rows=1, documents=1, quarantined=0, orphans=5)
    for documents, counts, shown in (
        ([account(1)], None, 1),
        ([account(1)], warned, 0),
        ([account(1, active=None)], warned, 1),
    ):
        outcome = validate(documents, counts=counts)
        path = outcome.url.removeprefix("http://127.0.0.1:3001/")
        assert state / path == outcome.pages[shown]
        assert all(page.is_file() for page in outcome.pages)


def test_the_worst_failures_come_first(validate: Validate) -> None:
    outcome = validate([account(1, role="root", active=None)])
    assert [each.severity for each in outcome.failures] == ["critical", "warning"]


def test_a_key_of_several_columns_is_judged_and_named(validate: Validate) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    documents = [{"_id": {"account": "a", "team": team}, "since": since} for team in (1, 2, 2)]
    outcome = validate(documents, table=MEMBERSHIPS)
    assert failed(outcome) == {("expect_column_values_to_be_unique", "_id", "failed", "critical", 2)}
    assert set(outcome.failures[0].examples) == {'{"account": "a", "team": 2}'}
    assert validate(documents[:2], table=MEMBERSHIPS).passed


def test_a_run_prints_nothing_and_leaves_the_environment_alone(
    validate: Validate, capfd: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    validate([account(1), account(2, age="old")])
    assert capfd.readouterr() == ("", "")
    assert dict(os.environ) == before

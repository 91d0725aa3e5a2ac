"""The contract of a document is strict and closed, and converts nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from atlas_pipeline.mapping.contract import batch_contract, json_schema
from atlas_pipeline.spec.shorthand import boolean, double, integer, json_array, json_object, text, utc
from atlas_pipeline.spec.tables import TableSpec

ACCOUNTS = TableSpec(
    source="accounts",
    collection="accounts",
    key=("id",),
    columns=(
        integer("id"),
        text("name", nullable=True),
        double("share"),
        boolean("active"),
        utc("since"),
        json_object("settings", nullable=True),
        json_array("tags"),
    ),
)


def account(**changes: Any) -> dict[str, Any]:
    good = {"_id": 1, "name": "a", "share": 0.5, "active": True, "since": datetime(2025, 1, 1, tzinfo=UTC)}
    return {**good, "settings": {"k": 1}, "tags": ["t"], **changes}


def test_the_contract_takes_a_document_and_changes_nothing() -> None:
    documents = [account(), account(name=None, settings=None)]
    assert batch_contract(ACCOUNTS).validate_python(documents) == documents


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"name": 5},
        {"share": "0.5"},
        {"active": 1},
        {"active": "yes"},
        {"since": "2025-01-01 00:00:00"},
        {"settings": []},
        {"tags": None},
        {"tags": ("t",)},
        {"_id": "1"},
        {"_id": None},
        {"_id": 2**63},
    ],
)
def test_the_contract_refuses_what_it_does_not_describe(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        batch_contract(ACCOUNTS).validate_python([account(), account(**change)])
    assert {error["loc"][:2] for error in caught.value.errors()} == {(1, next(iter(change)))}


def test_the_contract_refuses_a_document_that_lacks_a_field() -> None:
    lacking = account()
    del lacking["name"]
    with pytest.raises(ValidationError):
        batch_contract(ACCOUNTS).validate_python([lacking])


def test_the_contract_can_be_handed_on_as_a_closed_json_schema() -> None:
    schema = json_schema(ACCOUNTS)
    document = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    assert set(document["required"]) == set(ACCOUNTS.fields)
    assert document["additionalProperties"] is False

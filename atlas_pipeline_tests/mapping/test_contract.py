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


def validated(*documents: dict[str, Any]) -> Any:
    """What the contract makes of documents of the same fields."""
    fields = {name: [document[name] for document in documents] for name in documents[-1]}
    return batch_contract(ACCOUNTS).validate_python(fields)


def test_the_contract_takes_documents_and_changes_nothing() -> None:
    one, other = account(), account(name=None, settings=None)
    assert validated(one, other) == {name: [one[name], other[name]] for name in one}


@pytest.mark.parametrize(
    "change",
    [
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
        validated(account(), account(**change))
    assert {error["loc"][:2] for error in caught.value.errors()} == {(next(iter(change)), 1)}


def test_the_contract_refuses_documents_that_lack_a_field_or_have_another_one() -> None:
    lacking, more = account(), account(extra=1)
    del lacking["name"]
    for documents in (lacking, more):
        with pytest.raises(ValidationError):
            validated(documents)


def test_the_contract_can_be_handed_on_as_a_closed_json_schema() -> None:
    schema = json_schema(ACCOUNTS)
    document = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    assert set(document["required"]) == set(ACCOUNTS.fields)
    assert document["additionalProperties"] is False

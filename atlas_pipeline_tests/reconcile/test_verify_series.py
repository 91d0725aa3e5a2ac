"""A time series is compared whole, whatever the order in which the server gives it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Int64, ObjectId

from atlas_pipeline_tests.reconcile.proof import Proof, Row, accounted, found, kinds
from atlas_pipeline_tests.reconcile.proof_tables import EVENTS

ROWS = 2_000
START = datetime(2026, 1, 1, tzinfo=UTC)


def events(count: int) -> list[Row]:
    return [
        (
            f"event-{n:05}",
            f"{START + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}.{n % 1000:03}",
            f"zone {n % 3}",
            n if n % 4 else None,
            '{"b": {"z": 1, "a": [1, 2.5]}, "a": -0.0}' if n % 2 else None,
        )
        for n in range(count)
    ]


@pytest.fixture
def series(sqlite_proof: Proof) -> Proof:
    """A time series that is as its table."""
    facts = sqlite_proof.table(EVENTS, events(ROWS))
    verification = sqlite_proof.verify(EVENTS)
    assert (found(verification), accounted(verification)) == ([], (ROWS, ROWS, ROWS, 0))
    assert (verification.digest, verification.strictly_equal) == (facts.digest, True)
    return sqlite_proof


def rewritten(proof: Proof, **changes: Any) -> None:
    """A document with other values in place of that of event 7: a server before MongoDB 7 removes whole groups only."""
    live = proof.live(EVENTS)
    group = list(live.find({"meta.zone": "zone 1"}))
    live.delete_many({"meta": {"zone": "zone 1"}})
    live.insert_many([{**one, **changes} if one["_id"] == "event-00007" else one for one in group])


def test_rows_without_a_document_are_missing(series: Proof) -> None:
    new = ("event-00100a", "2026-01-01 01:00:00", "zone 9", 1, None)
    series.insert(EVENTS, [new])
    verification = series.verify(EVENTS)
    assert (kinds(verification), accounted(verification)) == (
        [("missing_in_target", "event-00100a")],
        (ROWS + 1, ROWS, ROWS, 0),
    )


def test_documents_without_a_row_are_extra_and_told_from_foreign_ones(series: Proof) -> None:
    series.change("DELETE FROM events WHERE id = ?", "event-00100")
    foreign = [{"_id": one, "at": START, "meta": {"zone": "elsewhere"}} for one in ("foreign", ObjectId("6" * 24), 5)]
    series.live(EVENTS).insert_many([*foreign, {"at": START, "meta": {"zone": "zone 1"}, "_id": None}])
    verification = series.verify(EVENTS)
    why = {one.key: one.why for one in verification.differences}
    assert why == {
        "event-00100": "deleted at the source",
        **dict.fromkeys(("5", "6" * 24, "foreign", "null"), "foreign: this pipeline never loaded it"),
    }
    assert {kind for kind, _ in kinds(verification)} == {"extra_in_target"}


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"number": -1}, "value", "number: 7 (int) is -1 (int)"),
        ({"number": Int64(7)}, "representation", "number: 7 (int) is 7 (long)"),
        ({"payload": None}, "value", "payload: {a: -0.0, b: {a: [1, 2.5], z: 1}} (object) is null (null)"),
        (
            {"payload": {"a": 0.0, "b": {"a": [1, 2.5], "z": 1}}},
            "representation",
            "payload.a: -0.0 (double) is 0.0 (double)",
        ),
        (
            {"payload": {"b": {"a": [1, 2.5], "z": 1}, "a": -0.0}},
            "representation",
            "payload (field order): a, b (object) is b, a (object)",
        ),
        ({"more": 1}, "value", "more:  (missing) is 1 (int)"),
        ({"meta": {"zone": "other"}}, "value", "meta.zone: 'zone 1' (string) is 'other' (string)"),
        (
            {"at": START + timedelta(days=300)},
            "value",
            "at: 2026-01-01T00:07:00.007000+00:00 (date) is 2026-10-28T00:00:00+00:00 (date)",
        ),
    ],
)
def test_a_changed_document_is_named_with_its_fields(
    series: Proof, changes: dict[str, Any], kind: str, said: str
) -> None:
    rewritten(series, **changes)
    verification = series.verify(EVENTS)
    assert found(verification) == [(kind, "event-00007", [said])]
    assert accounted(verification) == (ROWS, ROWS, ROWS - 1, 0)


def test_a_row_that_changed_is_named_with_its_fields(series: Proof) -> None:
    series.change("UPDATE events SET number = 70, at = '2026-05-01 00:00:00' WHERE id = ?", "event-00007")
    ((kind, key, fields),) = found(series.verify(EVENTS))
    assert (kind, key, [field.split(":")[0] for field in fields]) == ("value", "event-00007", ["at", "number"])


def test_the_same_document_twice_is_found(series: Proof) -> None:
    document = series.live(EVENTS).find_one({"_id": "event-00007"})
    series.live(EVENTS).insert_many([document, document])
    verification = series.verify(EVENTS)
    (difference,) = verification.differences
    assert (difference.kind, difference.key) == ("extra_in_target", "event-00007")
    assert difference.why == "the same document is there 3 times"
    assert accounted(verification) == (ROWS, ROWS + 2, ROWS, 0)


def test_a_right_and_a_wrong_document_with_the_same_key_are_found(series: Proof) -> None:
    document = series.live(EVENTS).find_one({"_id": "event-00007"})
    series.live(EVENTS).insert_one({**document, "number": -1})
    verification = series.verify(EVENTS)
    ((kind, key),) = kinds(verification)
    assert key == "event-00007"
    assert kind in ("extra_in_target", "value")  # which of the two comes first is the server's matter


def test_differences_in_all_of_a_series_are_all_found(series: Proof) -> None:
    series.change("UPDATE events SET number = 70 WHERE number % 10 = 3")
    verification = series.verify(EVENTS)
    assert verification.value == verification.tally.differences == ROWS // 10


def test_a_series_that_differs_altogether_is_an_error_and_not_equal(
    series: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atlas_pipeline.errors import DataQualityError
    from atlas_pipeline.reconcile import series as comparing

    monkeypatch.setattr(comparing, "MOST_LOCATED", 100)
    series.change("UPDATE events SET number = 70")
    with pytest.raises(DataQualityError, match="sync the table"):
        series.verify(EVENTS)

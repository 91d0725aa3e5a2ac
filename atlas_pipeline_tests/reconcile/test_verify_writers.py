"""While an application writes, verify raises no alarm: what documents follow is equal, what they do not is pending.

The whole campaign, with more rows and a higher rate, is `python -m benchmarks.verify --writers`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from atlas_pipeline.reconcile.verification import TableVerification
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, kinds
from benchmarks.writers import NOTES, Writer, make_notes

ROWS = 3_000
RATE = 60.0
LAG_SECONDS = 0.3
WAIT_SECONDS = 1.5
SECONDS = 6.0
WITHOUT_CURSOR = replace(NOTES, changed_at="")


@contextmanager
def writing(proof: Proof, lag_seconds: float | None) -> Iterator[Writer]:
    writer = Writer(
        source=proof.folder / "source.sqlite3",
        uri=proof.uri,
        database=proof.catalog.database,
        rate=RATE,
        lag_seconds=lag_seconds,
    )
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


def verified_for(seconds: float, proof: Proof, table: object) -> list[TableVerification]:
    """Verifications one after the other, for so long."""
    ended = time.monotonic() + seconds
    verifications = []
    while time.monotonic() < ended:
        verifications.append(proof.verify(table, wait_seconds=WAIT_SECONDS))  # type: ignore[arg-type]
    return verifications


@pytest.fixture
def notes(sqlite_proof: Proof) -> Proof:
    make_notes(sqlite_proof.folder / "source.sqlite3", ROWS)
    return sqlite_proof


def test_documents_that_follow_their_rows_raise_no_alarm(notes: Proof) -> None:
    notes.load(WITHOUT_CURSOR)
    with writing(notes, LAG_SECONDS) as writer:
        verifications = verified_for(SECONDS, notes, WITHOUT_CURSOR)
    assert [found(one) for one in verifications] == [[]] * len(verifications)
    assert sum(one.tally.first_seen for one in verifications) > 0, (
        "nothing was under way while both sides were compared"
    )
    assert writer.changes > RATE
    last = notes.verify(WITHOUT_CURSOR)
    there = notes.live(NOTES).count_documents({})
    assert (found(last), accounted(last)) == ([], (there, there, there, 0))


def test_rows_that_changed_after_the_sync_are_pending_and_no_alarm(notes: Proof) -> None:
    notes.load(NOTES)
    with writing(notes, None) as writer:
        verifications = verified_for(SECONDS, notes, NOTES)
    assert [found(one) for one in verifications] == [[]] * len(verifications)
    last = notes.verify(NOTES)
    new = len([key for key in writer.changed if key >= ROWS])
    assert (found(last), last.tally.pending) == ([], len(writer.changed))
    assert accounted(last) == (ROWS + new, ROWS, ROWS + new - len(writer.changed), 0)
    assert (last.equal, last.strictly_equal) == (True, False)
    notes.load(NOTES)
    assert notes.verify(NOTES).strictly_equal


def test_without_a_cursor_such_rows_are_differences(notes: Proof) -> None:
    notes.load(WITHOUT_CURSOR)
    with writing(notes, None) as writer:
        while writer.changes < 20:
            time.sleep(0.02)
    last = notes.verify(WITHOUT_CURSOR)
    assert last.tally.differences == len(writer.changed)


def test_a_wrong_document_is_an_alarm_though_others_are_written(notes: Proof) -> None:
    notes.change("INSERT INTO notes VALUES (-1, 0, 'left alone', '2026-01-01 00:00:00')")
    notes.load(NOTES)
    notes.live(NOTES).update_one({"_id": -1}, {"$set": {"note": "wrong"}})
    with writing(notes, LAG_SECONDS):
        verification = notes.verify(NOTES, wait_seconds=WAIT_SECONDS)
    assert kinds(verification) == [("value", "-1")]

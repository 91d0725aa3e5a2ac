"""What becomes of a table at the source as a whole, and of its keys: truncated, renamed, keys that change or return."""

from __future__ import annotations

import pytest

from atlas_pipeline.errors import SourceError, TargetError
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline_tests.resync.syncing import LINES, NOON, Syncing, by_cursor, did, hours, line, lines

BY_CURSOR = by_cursor()
RECONCILE = Scope(mode="reconcile")


def start(table: Syncing) -> None:
    """Twenty rows, in step, with the watermark an hour after them."""
    table.insert(*lines(20))
    table.quick(BY_CURSOR)
    table.watermark_at(NOON + hours(1))


def test_a_primary_key_that_changes_is_a_new_row_and_one_that_is_gone(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick()
    in_sqlite.update(3, id="line-000300")
    assert did(in_sqlite.quick()) == (1, 0, 1, 19)
    assert in_sqlite.is_proven()


def test_by_its_cursor_a_primary_key_that_changes_is_a_new_row(anywhere: Syncing) -> None:
    start(anywhere)
    anywhere.update(3, id="line-000300", changed=NOON + hours(2))
    anywhere.update(4, id="line-000400", slot=400, changed=NOON + hours(2))
    # The document of the first is in the way of its new one, and so it is looked at; that of the second is not.
    assert did(anywhere.quick(BY_CURSOR)) == (2, 0, 1, 0)
    assert did(anywhere.quick(BY_CURSOR, RECONCILE)) == (0, 0, 1, 20)
    assert anywhere.is_proven(BY_CURSOR)


def test_a_row_that_was_deleted_and_inserted_again_is_the_row_it_is_now(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    in_sqlite.delete(3, 4)
    in_sqlite.insert(line(3, "again", changed=NOON + hours(2)), line(4, "again", changed=NOON - hours(2)))
    assert did(in_sqlite.quick(BY_CURSOR)) == (0, 1, 0, 0)
    assert did(in_sqlite.quick(BY_CURSOR, RECONCILE)) == (0, 1, 0, 19)
    assert in_sqlite.is_proven(BY_CURSOR)


def test_a_truncated_table_is_left_alone_by_its_cursor_and_refused_by_a_reconcile(anywhere: Syncing) -> None:
    start(anywhere)
    before = anywhere.documents()
    anywhere.proof.change("DELETE FROM lines" if anywhere.proof.is_sqlite else "TRUNCATE lines")
    assert did(anywhere.quick(BY_CURSOR)) == (0, 0, 0, 0)
    with pytest.raises(TargetError, match=r"from 20 to 0 documents.*--force"):
        anywhere.quick(BY_CURSOR, RECONCILE)
    assert anywhere.documents() == before
    assert did(anywhere.quick(BY_CURSOR, RECONCILE, force=True)) == (0, 0, 20, 0)
    assert anywhere.documents() == {}
    assert anywhere.is_proven(BY_CURSOR)


def test_a_truncated_table_that_was_filled_again_is_brought_in_step(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    in_sqlite.proof.change("DELETE FROM lines")
    in_sqlite.insert(*(line(number, "again", changed=NOON + hours(2)) for number in range(10, 30)))
    assert did(in_sqlite.quick(BY_CURSOR)) == (10, 10, 0, 0)
    assert did(in_sqlite.quick(BY_CURSOR, RECONCILE)) == (0, 0, 10, 20)
    assert in_sqlite.is_proven(BY_CURSOR)


@pytest.mark.parametrize("spec", [LINES, BY_CURSOR], ids=["reconcile", "watermark"])
def test_a_renamed_table_stops_the_sync_before_anything_is_touched(anywhere: Syncing, spec: object) -> None:
    start(anywhere)
    anywhere.proof.change("ALTER TABLE lines RENAME TO rows")
    before, ledger = anywhere.operations(), anywhere.ledger
    with pytest.raises(SourceError, match="lines") as stopped:
        anywhere.quick(LINES if spec is LINES else BY_CURSOR)
    assert "rows" in str(stopped.value)
    assert (anywhere.operations(), anywhere.ledger) == (before, ledger)

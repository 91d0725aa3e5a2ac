"""Time series and logs by append: new rows of a window are inserted once, and what an insert cannot express is brought
by a comparison of the whole table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from atlas_pipeline.errors import SourceError, TargetError, TargetUnavailableError
from atlas_pipeline.extract import batching
from atlas_pipeline.load import transient
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline_tests.load.faults import failing, held
from atlas_pipeline_tests.reconcile.proof import kinds
from atlas_pipeline_tests.resync.syncing import did
from atlas_pipeline_tests.resync.trail import (
    ROWS,
    START,
    TRAIL,
    Trail,
    append_once,
    appending,
    entries,
    entry,
    moments_of,
    trail,
    with_policy,
)

IN_WINDOW = 5
"""Rows of the trail in the overlap, one a minute."""
RECONCILE = Scope(mode="reconcile")


@pytest.fixture
def log(mongo_server: MongoServer, tmp_path: Path, project: Path) -> Iterator[Trail]:
    """The trail in a file, loaded."""
    with trail(mongo_server.uri, f"sqlite:///{tmp_path / 'source.sqlite3'}", tmp_path, project) as made:
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of few rows, and retries without a pause."""
    monkeypatch.setattr(batching, "BATCH_ROWS", 20)
    monkeypatch.setattr(transient, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(transient, "JITTER_SECONDS", 0)


def test_only_new_rows_are_inserted_and_only_the_window_is_read(log: Trail) -> None:
    log.insert(*entries(ROWS, ROWS + 30))
    facts = log.checked()
    assert (facts.mode, facts.read, did(facts)) == ("append", IN_WINDOW + 30, (30, 0, 0, IN_WINDOW))
    assert (facts.loaded, facts.source_rows, log.published["cursor_syncs"]) == (ROWS + 30, ROWS, 1)
    assert log.is_proven()
    facts = log.checked()
    assert (did(facts), log.published["cursor_syncs"]) == ((0, 0, 0, IN_WINDOW + 30), 2)
    assert log.published["documents"] == len(log.keys()) == ROWS + 30


def test_rows_of_an_unchanged_moment_are_told_from_those_that_are_there(log: Trail) -> None:
    same = [entry(ROWS - 1, f"also {n}", kind="kind 1") for n in range(3)]
    log.insert(*same[:2])
    assert did(log.append()) == (2, 0, 0, IN_WINDOW)
    log.insert(same[2])
    assert did(log.append()) == (1, 0, 0, IN_WINDOW + 2)
    assert log.is_proven()


def test_a_late_row_is_found_within_the_overlap_and_an_older_one_by_the_reconcile(log: Trail) -> None:
    log.insert(entry(ROWS - 4.5, "late"), entry(50.5, "too late"))
    log.delete(entry(60)[0])
    assert did(log.append()) == (1, 0, 0, IN_WINDOW)
    assert {"too late", entry(60)[0]} & set(log.keys()) == {entry(60)[0]}
    facts = log.checked(scope=RECONCILE)
    assert (facts.mode, did(facts)[:3], log.published.get("cursor_syncs", 0)) == ("reconcile", (1, 0, 1), 0)
    assert log.is_proven()


def test_a_reconcile_follows_after_so_many_appends(log: Trail) -> None:
    spec = with_policy(reconcile_every=2)
    assert log.append(spec).mode == "reconcile"  # for the spec has changed
    assert [log.append(spec).mode for _ in range(4)] == ["append", "append", "reconcile", "append"]


def test_a_changed_row_of_the_window_rewrites_its_meta_group(log: Trail) -> None:
    log.insert(entry(ROWS + 1))
    log.change(entry(ROWS - 2)[0], number=7)
    facts = log.checked()
    assert (facts.mode, did(facts), facts.meta_groups) == ("reconcile", (1, 1, 0, ROWS - 1), 1)
    assert facts.warnings == [
        "a row in the window from 2026-03-01 03:15 UTC on was changed or deleted: the whole table was compared"
    ]
    assert log.is_proven()
    assert log.append().mode == "append"


def test_a_deleted_row_of_the_window_is_removed(log: Trail) -> None:
    log.delete(entry(ROWS - 1)[0])
    facts = log.append()
    assert (facts.mode, did(facts)[:3]) == ("reconcile", (0, 0, 1))
    assert log.is_proven()


def test_a_foreign_document_in_the_window_is_refused_and_one_before_it_is_not_met(log: Trail) -> None:
    log.insert(entry(ROWS + 1))
    log.live.insert_one({"_id": "theirs", "at": START, "meta": {"kind": "x"}})
    assert did(log.append()) == (1, 0, 0, IN_WINDOW)
    log.live.insert_one({"_id": "theirs too", "at": START + timedelta(minutes=ROWS), "meta": {"kind": "x"}})
    before = log.keys()
    with pytest.raises(TargetError, match=r"1 foreign documents.*'theirs too'"):
        log.append()
    assert log.keys() == before
    assert did(log.append(with_policy(foreign_documents="delete")))[:3] == (0, 0, 2)
    assert log.is_proven()


def test_late_rows_in_many_places_are_found_in_one_look(log: Trail) -> None:
    spec = with_policy(overlap=timedelta(hours=3))
    log.append(spec)
    log.insert(*[entry(minute + 0.5, kind="kind 1") for minute in range(ROWS - 150, ROWS)])
    log.insert(entry(ROWS - 181, "before the window"))
    assert did(log.append(spec)) == (150, 0, 0, 180)
    log.delete("before the window")
    assert log.is_proven(spec)


# --- rows that are refused --------------------------------------------------------------------------------------------


def test_a_refused_row_of_the_window_is_in_quarantine_once_until_it_is_repaired(log: Trail) -> None:
    log.insert((*entry(ROWS, "bad")[:3], "many"), ("timeless", None, "kind 1", 1), ("nonsense", "noon", "kind 1", 1))
    for _ in range(2):
        facts = log.append()
        assert (did(facts), facts.quarantined) == ((0, 0, 0, IN_WINDOW), 3)
        assert facts.warnings == ["2 rows have no moment in at; every sync reads them"]
    assert log.quarantined() == [
        ("bad", "number", "not_integer"),
        ("nonsense", "at", "not_date"),
        ("timeless", "at", "null_value"),
    ]
    log.change("bad", number=None, kind=None)
    log.change("timeless", at=entry(ROWS + 1)[1])
    log.append()
    assert log.quarantined() == [("bad", "kind", "null_value"), ("nonsense", "at", "not_date")]
    log.change("bad", kind="kind 1")
    log.delete("nonsense")
    assert (log.append().quarantined, log.append(scope=RECONCILE).quarantined) == (1, 0)
    assert log.is_proven()


def test_a_row_without_a_moment_stops_the_sync_where_the_policy_says_so(log: Trail) -> None:
    spec = with_policy(on_null="error")
    log.append(spec)
    log.insert(("timeless", None, "kind 1", 1))
    with pytest.raises(SourceError, match="row timeless has no moment in at"):
        log.append(spec)


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_within_its_inserts_is_gone_on_with(log: Trail) -> None:
    log.insert(*entries(ROWS, ROWS + 2_400))  # two batches
    namespace = f"{log.proof.catalog.database}.trail"
    with (
        held(log.proof.client, "insert", skip=1, namespace=namespace) as waiting,
        appending(log.proof, "dead") as process,
    ):
        waiting.wait()
        assert process.poll() is None
        process.kill()
        process.wait()
    written = len(log.keys()) - ROWS
    assert 0 < written < 2_400
    facts = log.append()
    assert any("run dead had died" in note for note in facts.recovered)
    assert (facts.mode, did(facts)) == ("append", (2_400 - written, 0, 0, IN_WINDOW + written))
    assert log.is_proven()
    assert did(log.append()) == (0, 0, 0, IN_WINDOW + 2_400)


def test_a_run_that_failed_within_its_inserts_is_gone_on_with_and_forgets_rows_that_went(
    log: Trail, quick: None
) -> None:
    log.insert(*entries(ROWS, ROWS + 100))
    namespace = f"{log.proof.catalog.database}.trail"
    fault: dict[str, Any] = {"skip": 1, "closeConnection": True, "namespace": namespace}
    with failing(log.proof.client, ["insert"], **fault), pytest.raises(TargetUnavailableError):
        append_once(log.proof, "failed")
    written = set(log.keys())
    gone = next(row[0] for row in entries(ROWS, ROWS + 100) if row[0] not in written)
    log.delete(gone)
    facts = append_once(log.proof, "next")
    assert (facts.inserted, facts.loaded) == (ROWS + 99 - len(written), ROWS + 99)
    assert log.is_proven()


def test_a_run_that_died_right_before_its_last_write_is_not_begun_again(log: Trail) -> None:
    log.insert(*entries(ROWS, ROWS + 3))
    log.append()
    ranges = log.proof.pipeline["ranges"]
    assert ranges.update_many({"documents": 3}, {"$set": {"unsettled": True}}).modified_count == 1
    facts = log.append()
    assert (facts.mode, did(facts)) == ("append", (0, 0, 0, IN_WINDOW + 3))
    assert ranges.count_documents({"unsettled": True}) == 0


def _die_in_a_gap(log: Trail) -> str:
    log.note(gap={"run_id": "dead", "storage": "time_series"})
    return "run dead died while it rewrote the time series"


def _replace_the_collection(log: Trail) -> str:
    documents = list(log.live.find())
    log.live.drop()
    options = {"timeField": "at", "metaField": "meta", "granularity": "seconds"}
    log.proof.client[log.proof.catalog.database].create_collection("trail", timeseries=options)
    log.live.insert_many(documents)
    return "trail is not the collection that was published"


def _drop_the_collection(log: Trail) -> str:
    log.live.drop()
    return "trail is not the collection that was published"


def _forget_a_document(log: Trail) -> str:
    log.note(**{"published.documents": ROWS - 1})
    return "the ledger knows 200 keys of 199 documents"


def _find_a_difference(log: Trail) -> str:
    log.change(entry(3)[0], number=9)
    assert kinds(log.proof.verify(TRAIL)) == [("value", entry(3)[0])]
    return "a verification has found differences"


CAUSES = [_die_in_a_gap, _replace_the_collection, _drop_the_collection, _forget_a_document, _find_a_difference]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__.strip("_"))
def test_the_whole_table_is_compared_when_the_window_cannot_be_trusted(log: Trail, cause: Any) -> None:
    because = cause(log)
    log.insert(entry(ROWS + 1))
    facts = log.append()
    assert (facts.mode, facts.warnings) == ("reconcile", [f"{because}: the whole table was compared"])
    assert log.is_proven()
    assert log.append().mode == "append"


# --- elsewhere --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ"])
def test_an_append_in_postgresql_reads_the_window_of_moments_with_and_without_a_zone(
    mongo_server: MongoServer, postgres_database: str, tmp_path: Path, project: Path, kind: str
) -> None:
    spec = moments_of(kind)
    with trail(mongo_server.uri, postgres_database, tmp_path, project, spec) as log:
        log.insert(*((*entry(minute)[:1], f"{entry(minute)[1]}+00", *entry(minute)[2:]) for minute in (50.5, ROWS)))
        facts = log.append(spec)
        assert (facts.mode, did(facts)) == ("append", (1, 0, 0, IN_WINDOW))
        log.append(spec, scope=RECONCILE)
        assert log.is_proven(spec)


def test_a_cursor_without_an_index_is_refused_or_warned_of(log: Trail) -> None:
    log.proof.change("DROP INDEX trail_at")
    with pytest.raises(SourceError, match="no index leads with at"):
        log.append()
    spec = with_policy(unindexed="warn")
    log.append(spec)
    facts = log.append(spec)
    assert (facts.mode, facts.warnings) == (
        "append",
        ["Table trail: no index leads with at, so each sync reads the whole table"],
    )


def test_an_ordinary_log_is_appended_to_by_its_cursor(mongo_server: MongoServer, tmp_path: Path, project: Path) -> None:
    spec = replace(TRAIL, storage="plain")
    url = f"sqlite:///{tmp_path / 'source.sqlite3'}"
    with trail(mongo_server.uri, url, tmp_path, project, spec) as log:
        log.insert(*entries(ROWS, ROWS + 10))
        log.change(entry(ROWS - 1)[0], number=7)
        facts = log.checked(spec)
        assert (facts.mode, facts.read, did(facts)) == ("append", IN_WINDOW + 10, (10, 1, 0, IN_WINDOW - 1))
        assert log.is_proven(spec)

"""Reloads that end in the middle and are gone on with, and what must be true afterwards.

What belongs here: ending a run of this process, and looking at everything that a reload leaves. What does not: killing
processes (`test_kill`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from atlas_pipeline.load.digest import hashes_of
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.foreign import foreign_ids
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import ITEMS, Row, World

BATCH_ROWS, RANGE_DOCUMENTS = 10, 20


class EndedError(BaseException):
    """Ends a run as an interruption does."""


def ended_after(rows: int) -> Callable[[int], None]:
    """A `progress` that ends the run when so many rows are acknowledged or in quarantine."""
    left = rows

    def progress(done: int) -> None:
        nonlocal left
        left -= done
        if left <= 0:
            raise EndedError

    return progress


def end_during_load(world: World, rows: int, *, run_id: str, table: TableSpec = ITEMS) -> int:
    """Load until so many rows are done, and end there. Gives the number of ranges that are finished."""
    try:
        with world.loading(table, run_id=run_id, progress=ended_after(rows)) as load:
            load.copy()
    except EndedError:
        return world.ledger["ranges"].count_documents({"run_id": run_id})
    raise AssertionError("the load had fewer rows")


def end(_load: Any) -> None:
    """End a run where it is."""
    raise EndedError


def require_whole(world: World, rows: Sequence[Row], facts: LoadFacts, run_id: str) -> None:
    """Hold everything that a reload of `items` leaves to the rows; those without a name are refused."""
    good = sorted(row for row in rows if row[1] is not None)
    bad = sorted([row[0]] for row in rows if row[1] is None)
    documents = [tuple(document.values()) for document in world.live["items"].find().sort("_id", 1)]
    assert documents == good
    assert [key for (key,) in world.quarantined("key")] == bad
    for entry in world.ledger["quarantine"].find():
        assert (entry["run_id"], entry["published"], "batch" in entry) == (run_id, True, False)
    assert (facts.source_rows, facts.read, facts.loaded, facts.inserted) == (len(rows), len(rows), len(good), len(good))
    assert (facts.quarantined, world.run(run_id)["quarantined"]) == (len(bad), len(bad))
    assert facts.document_bytes == sum(len(document.raw) for document in _raw(world))
    assert world.stagings() == []
    state = world.ledger["tables"].find_one({"_id": "small.items"})
    assert (state["lease"], state["swap"], state["staging"]) == (None, None, [])
    assert {"by_name", "by_place"} <= set(world.live["items"].index_information())
    _require_ranges(world, rows, len(good), run_id)


def _raw(world: World) -> list[Any]:
    from bson.codec_options import CodecOptions
    from bson.raw_bson import RawBSONDocument

    options = CodecOptions(document_class=RawBSONDocument)
    return list(world.live["items"].with_options(codec_options=options).find())


def _require_ranges(world: World, rows: Sequence[Row], documents: int, run_id: str) -> None:
    """The ledger knows exactly the keys that are there, in ranges of this run alone that account for every row."""
    assert world.ledger["ranges"].distinct("run_id") == ([run_id] if documents else [])
    ledger = TableLedger(world.ledger, world.catalog, ITEMS, RunIdentity(run_id=run_id, holder=Holder.this_process()))
    ranges = list(ledger.published_ranges())
    assert list(foreign_ids(world.live["items"], ranges, comment="")) == []
    assert sum(len(hashes_of(one.keys)) for one in ranges) == sum(one.documents for one in ranges) == documents
    assert sum(one.rows for one in ranges) == len(rows) or any(row[1] is None for row in rows)
    assert all(one.fingerprint for one in ranges)

"""A scratch collection: like a table's live collection, but in the pipeline's database, for writes that are measured.

It has the indexes and the validator of the live one. It is noted before it is made and dropped when its user is done,
also when that is interrupted; that of a killed process is found by `clean`, and dropped by the next user. One process
has it at a time. Who writes to it gives its name as comment, so that a late write can be ended before the drop, which
it would undo. What does not belong here: filling it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database

from atlas_pipeline.load import indexes
from atlas_pipeline.load.lease import Lease, living_lease
from atlas_pipeline.load.leftover import Leftover
from atlas_pipeline.load.recovery import end_operations
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target, collection_info
from atlas_pipeline.load.validators import live_options
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

COLLECTION = "scratch"
"""Where scratch collections are noted, by the table that they are like."""
_BUSY = "a benchmark works on it; clean again when it has ended"


@contextmanager
def scratch_of(target: Target, catalog: CatalogSpec, table: TableSpec) -> Iterator[Collection[Document]]:
    """An empty scratch collection for as long as the context lasts.

    Args:
        target: Open connection to the server.
        catalog: The table's catalog.
        table: A table whose live collection exists.

    Raises:
        LeaseHeldError: Another living process has one of this table, or got it meanwhile.
        TargetError: The live collection has an index that cannot be copied.
    """
    live, pipeline = target.database(catalog)[table.collection], target.pipeline_database(catalog)
    run, table_id = _this_run(), f"{catalog.name}.{table.collection}"
    notes, name = pipeline[COLLECTION], f"scratch_{table.collection}_{run.short}"
    with Lease(notes, table_id, run) as lease:
        _drop_noted(pipeline, table_id)
        notes.update_one({"_id": table_id}, {"$addToSet": {"collections": name}})
        try:
            options = live_options(collection_info(live.database, live.name))
            scratch = pipeline.create_collection(name, **options)
            indexes.carry_over(live, scratch, table.indexes, comment=name)
            yield scratch
            lease.require()
        finally:
            _drop(pipeline, table_id, name)


def find(target: Target, catalog: CatalogSpec) -> list[Leftover]:
    """The scratch collections of a catalog; those that somebody works on are kept."""
    pipeline = target.pipeline_database(catalog)
    found = []
    for note in pipeline[COLLECTION].find({"_id": {"$regex": f"^{re.escape(catalog.name)}\\."}}).sort("_id", 1):
        table_id = str(note["_id"])
        busy = living_lease(pipeline[COLLECTION], table_id) is not None
        for name in note.get("collections", ()):
            if collection_info(pipeline, name) is not None:
                found.append(_leftover(pipeline, table_id, name, kept=_BUSY if busy else ""))
    return found


def _leftover(pipeline: Database[Document], table_id: str, name: str, *, kept: str) -> Leftover:
    return Leftover(
        kind="scratch collections",
        place=f"{pipeline.name}.{name}",
        count=pipeline[name].count_documents({}),
        why="of a benchmark, which never reads it again",
        kept=kept,
        remove=lambda: _remove(pipeline, table_id),
    )


def _remove(pipeline: Database[Document], table_id: str) -> None:
    with Lease(pipeline[COLLECTION], table_id, _this_run()):
        _drop_noted(pipeline, table_id)


def _drop_noted(pipeline: Database[Document], table_id: str) -> None:
    note = pipeline[COLLECTION].find_one({"_id": table_id}) or {}
    for name in note.get("collections", ()):
        _drop(pipeline, table_id, name)


def _drop(pipeline: Database[Document], table_id: str, name: str) -> None:
    end_operations(pipeline, name)
    pipeline.drop_collection(name)
    pipeline[COLLECTION].update_one({"_id": table_id}, {"$pull": {"collections": name}})


def _this_run() -> RunIdentity:
    return RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())

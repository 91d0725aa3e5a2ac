"""What a dead run left behind: finished when it was as good as done, undone otherwise, from the ledger alone.

The caller holds the lease. What does not belong here: finding out that a run is dead (`lease`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.staging import is_staging, set_aside
from atlas_pipeline.load.target import collection_info, collection_uuid
from atlas_pipeline.load.unfinished import Unfinished

Document = dict[str, Any]

_NAMESPACE_NOT_FOUND, _INDEX_NOT_FOUND = 26, 27


def recover(database: Database[Document], live_name: str, ledger: TableLedger, quarantine: Quarantine) -> list[str]:
    """Finish or undo what dead runs left, and remove their collections. Gives sentences on what was done."""
    return recover_but_keep(database, live_name, ledger, quarantine, why_not=lambda _: "it is not needed any more")[0]


def recover_leaving_staging(
    database: Database[Document], live_name: str, ledger: TableLedger, quarantine: Quarantine
) -> list[str]:
    """The same for a run after which the table is synced as before: a staging collection with which the next reload
    might go on stays.
    """
    return recover_but_keep(database, live_name, ledger, quarantine, why_not=lambda one: one.why_not({}))[0]


def recover_but_keep(
    database: Database[Document],
    live_name: str,
    ledger: TableLedger,
    quarantine: Quarantine,
    *,
    why_not: Callable[[Unfinished], str],
) -> tuple[list[str], Unfinished | None]:
    """The same, but keep a staging collection with which a reload can go on.

    Args:
        database: Target database.
        live_name: The table's collection.
        ledger: The table's ledger.
        quarantine: The table's quarantine.
        why_not: Tells why a staging collection is not to be kept; "" when it is.

    Returns:
        Sentences on what was done, and the collection that was kept, under another name than it had.
    """
    done = []
    for run_id in ledger.close_dead_runs():
        done.append(f"run {run_id} had died; its record is closed")
        done += end_operations(database, run_id)
    state = ledger.state()
    kept: Unfinished | None = None
    for left in _unfinished(database, ledger, state.get("staging", [])):
        # The name was made for this table by an earlier run; nobody else can be using it while we hold the lease.
        # It goes before anything is decided, so that no rename can happen any more.
        reason = why_not(left) if kept is None else "there is a later one"
        if not reason:
            kept = replace(left, name=set_aside(database, left.name, ledger))
            continue
        if left.finished:
            done.append(f"the reload of run {left.run_ids[-1]} is not gone on with: {reason}")
        database.drop_collection(left.name)
        done.append(f"staging collection {left.name} was removed")
        ledger.forget_staging(left.name)
    if pending := state.get("swap"):
        done.append(_end_announced(database, live_name, ledger, quarantine, pending))
    if (loading := ledger.state().get("loading")) is not None:
        done += _remove_half_loaded(database, live_name, ledger, loading)
    if (gap := state.get("gap")) is not None:
        done.append(f"run {gap['run_id']} died while it rewrote the time series; this run compares all of it again")
    return done, kept


def _unfinished(database: Database[Document], ledger: TableLedger, names: Sequence[str]) -> list[Unfinished]:
    """The staging collections that are there, of those that are noted; the last one first."""
    found = []
    for name in names:
        if collection_info(database, name) is None:
            ledger.forget_staging(name)
        else:
            found.append(Unfinished.of(ledger, name, collection_uuid(database, name)))
    return found[::-1]


def end_operations(database: Database[Document], run_id: str) -> list[str]:
    """End what the server still does for a run, or for a step that works for a part of it (`run/part`). A write that
    waited there would bring a collection back after that was removed.
    """
    admin = database.client.admin
    commented = {"command.comment": {"$regex": f"^{re.escape(run_id)}(/|$)"}}
    of_run: list[Document] = [{"$currentOp": {"allUsers": False}}, {"$match": commented}]
    try:
        operations = list(admin.aggregate(of_run))
        builds = {str(one["ns"]): one["command"] for one in operations if one["command"].get("createIndexes")}
        for namespace, command in builds.items():
            _end_index_build(database, namespace.partition(".")[2], command)
        commands = [operation["opid"] for operation in operations if not _is_builder(operation)]
        for opid in commands:
            admin.command("killOp", op=opid)  # it may still be seen for a while, but changes nothing any more
    except OperationFailure as error:
        # Small hosted servers do not tell, and a late write has to be very late to matter.
        return [f"the server does not tell what it still does for it ({(error.details or {}).get('codeName')})"]
    return [f"{len(commands)} operations that the server still did for it were ended"] if commands else []


def _is_builder(operation: Document) -> bool:
    """Whether this is the thread that builds an index for a command, which is an operation too. A server of version 6.0
    whose command and thread are both killed ends itself (tried with 6.0.5).
    """
    return str(operation.get("desc", "")).startswith("IndexBuild")


def _end_index_build(database: Database[Document], collection: str, command: Document) -> None:
    """End the building of the indexes of a staging collection, which keeps that from being renamed. On a live
    collection it may go on.
    """
    if not is_staging(collection):
        return
    try:
        database.command("dropIndexes", collection, index=[index["name"] for index in command["indexes"]])
    except OperationFailure as error:
        if error.code not in (_NAMESPACE_NOT_FOUND, _INDEX_NOT_FOUND):  # it had not begun, or has ended by now
            raise TargetError(
                f"{database.name}.{collection}: the server does not end the index build of a dead run "
                f"(code {error.code}).",
                "wait until it has ended (db.currentOp shows it), then run again",
            ) from None


def _end_announced(
    database: Database[Document], live_name: str, ledger: TableLedger, quarantine: Quarantine, pending: Document
) -> str:
    """A rename keeps the collection's UUID, so whether an announced swap happened can be read from the live collection.
    A time series is announced when it is complete.
    """
    if pending["uuid"] is not None and collection_uuid(database, live_name) == pending["uuid"]:
        quarantine.publish(pending["run_id"])
        ledger.publish()
        return f"the swap of run {pending['run_id']} had happened; the ledger now says so"
    ledger.withdraw()
    return f"the swap of run {pending['run_id']} had not happened; it is forgotten"


def _remove_half_loaded(
    database: Database[Document], live_name: str, ledger: TableLedger, loading: Document
) -> list[str]:
    """A time series that was never published goes, if it is the one that the dead run made."""
    done = []
    info = collection_info(database, live_name)
    if info is not None and info["type"] == "timeseries":
        made = loading["uuid"] is not None and loading["uuid"] == collection_uuid(database, live_name)
        # Without a UUID the run died right after it made the collection, so that one is still empty.
        if made or (loading["uuid"] is None and database[live_name].find_one({}, {"_id": 1}) is None):
            database.drop_collection(live_name)
            done.append(f"half loaded time series {live_name} of run {loading['run_id']} was removed")
    ledger.forget_loading()
    return done

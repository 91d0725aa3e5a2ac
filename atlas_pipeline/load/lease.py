"""One run per table: a lease in the ledger with a heartbeat, taken over only from the dead.

A holder on this host that is gone is recognised at once; one elsewhere when its heartbeat has stopped. Times are the
server's. What does not belong here: what the holder does with the table.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from atlas_pipeline.errors import LeaseHeldError
from atlas_pipeline.load.run import Holder, RunIdentity

LEASE_SECONDS = 60
HEARTBEAT_SECONDS = 10
_EXPIRES = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE_SECONDS}}


class Lease:
    """The right to change one table. Use as a context manager.

    Args:
        tables: The ledger's collection of tables.
        table_id: `_id` of the table there.
        run: Who wants it.

    Raises:
        LeaseHeldError: On entering, when another living run holds it; names that run.
    """

    def __init__(self, tables: Collection[dict[str, Any]], table_id: str, run: RunIdentity) -> None:
        self._tables = tables
        self._table_id = table_id
        self._run = run
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name=f"atlas-lease-{table_id}", daemon=True)
        self.taken_over_from: str | None = None

    def __enter__(self) -> Lease:
        self._tables.update_one({"_id": self._table_id}, {"$setOnInsert": {"lease": None}}, upsert=True)
        # An attempt of this very run in this process may have lost the server before it could give the lease back.
        holder = self._run.holder
        ours = {"lease.run_id": self._run.run_id, "lease.holder.host": holder.host, "lease.holder.pid": holder.pid}
        expired = {"$expr": {"$lt": ["$lease.expires", "$$NOW"]}}
        if not self._take({"$or": [{"lease": None}, expired, ours]}):
            current = self._tables.find_one({"_id": self._table_id}) or {}
            lease = current.get("lease") or {}
            dead = bool(lease) and Holder.from_document(lease["holder"]).known_dead()
            if not dead or not self._take({"lease.run_id": lease["run_id"]}):
                raise self._held(current)
            self.taken_over_from = str(lease["run_id"])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._tables.update_one({"_id": self._table_id, "lease.run_id": self._run.run_id}, {"$set": {"lease": None}})

    def require(self) -> None:
        """Raise LeaseHeldError unless this run still holds the lease. Called right before what cannot be taken back."""
        if self.lost():
            raise self._held(self._tables.find_one({"_id": self._table_id}) or {})

    def lost(self) -> bool:
        """Whether another run holds the lease, or did in the meantime."""
        return not self._renew() or self._lost.is_set()

    def _take(self, condition: dict[str, Any]) -> bool:
        lease = {
            "run_id": {"$literal": self._run.run_id},
            "holder": {"$literal": self._run.holder.as_document()},
            "since": "$$NOW",
            "expires": _EXPIRES,
        }
        result = self._tables.update_one({"_id": self._table_id, **condition}, [{"$set": {"lease": lease}}])
        return result.matched_count == 1

    def _renew(self) -> bool:
        result = self._tables.update_one(
            {"_id": self._table_id, "lease.run_id": self._run.run_id}, [{"$set": {"lease.expires": _EXPIRES}}]
        )
        return result.matched_count == 1

    def _keep_alive(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                if not self._renew():
                    self._lost.set()
                    return
            except PyMongoError:
                continue  # the lease is longer than several beats; `require` decides before anything is published

    def _held(self, current: dict[str, Any]) -> LeaseHeldError:
        return _held_error(self._table_id, current.get("lease") or {})


def living_lease(tables: Collection[dict[str, Any]], table_id: str) -> dict[str, Any] | None:
    """The lease that a living run holds on the table, or None. Takes nothing."""
    not_expired = {"_id": table_id, "$expr": {"$gte": ["$lease.expires", "$$NOW"]}}
    lease: dict[str, Any] | None = (tables.find_one(not_expired) or {}).get("lease")
    return lease if lease and not Holder.from_document(lease["holder"]).known_dead() else None


def require_free(tables: Collection[dict[str, Any]], table_id: str) -> None:
    """Raise LeaseHeldError, naming the run, when a living one works on the table. Takes nothing."""
    if lease := living_lease(tables, table_id):
        raise _held_error(table_id, lease)


def _held_error(table_id: str, lease: dict[str, Any]) -> LeaseHeldError:
    holder = Holder.from_document(lease["holder"]) if lease else None
    return LeaseHeldError(
        f"{table_id} is being worked on by run {lease.get('run_id', 'unknown')} ({holder or 'gone by now'}).",
        "wait for it to end, or end it",
    )

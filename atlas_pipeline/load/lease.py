"""One run per table: a lease in the ledger with a heartbeat, taken over only from the dead.

A holder on this host that is gone is recognised at once; one elsewhere when its heartbeat has stopped. Times are the
server's. The steps of one run can share the lease, which then outlives each of their processes: it is the run's until
a step takes it for itself, nobody renews it any more, or whoever starts runs says that this one has ended. What does
not belong here: what the holder does with the table.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from atlas_pipeline.errors import LeaseHeldError
from atlas_pipeline.load.run import Holder, RunIdentity

LEASE_SECONDS = 60
HEARTBEAT_SECONDS = 10
BETWEEN_STEPS_SECONDS = 600
"""How long a shared lease is its run's while none of its steps works: the next one may wait for its turn."""


def _in_seconds(seconds: int) -> dict[str, Any]:
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": seconds}}


_EXPIRES = _in_seconds(LEASE_SECONDS)


class Lease:
    """The right to change one table. Use as a context manager.

    Args:
        tables: The ledger's collection of tables.
        table_id: `_id` of the table there.
        run: Who wants it.
        shared: Whether other steps of the same run may hold it too, now and later. Leaving the block does not give it
            back then. Without, it is taken over from steps of the same run that shared it, and given back.

    Raises:
        LeaseHeldError: On entering, when another living run holds it; names that run. Also when another step of the
            same run does, and still does after a minute.
    """

    def __init__(
        self, tables: Collection[dict[str, Any]], table_id: str, run: RunIdentity, *, shared: bool = False
    ) -> None:
        self._tables = tables
        self._table_id = table_id
        self._run = run
        self._shared = shared
        self._of_our_steps = {"lease.run_id": run.run_id, "lease.shared": True}
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
        free = [{"lease": None}, expired, ours]
        if self._shared:  # another step may join first, or take it first
            taken = self._join() or self._take({"$or": free}) or self._join()
        else:
            taken = self._take({"$or": [*free, self._of_our_steps]})
        if not taken:
            current = self._tables.find_one({"_id": self._table_id}) or {}
            lease = current.get("lease") or {}
            dead = bool(lease) and _known_dead(lease)
            taken = self._take({"lease.run_id": lease["run_id"]}) if dead else self._outlive(lease, {"$or": free})
            if not taken:
                raise self._held(current)
            self.taken_over_from = str(lease["run_id"])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._shared:
            self._leave(BETWEEN_STEPS_SECONDS if error is None else LEASE_SECONDS)
            return
        self._tables.update_one({"_id": self._table_id, "lease.run_id": self._run.run_id}, {"$set": {"lease": None}})

    def require(self) -> None:
        """Raise LeaseHeldError unless this run still holds the lease. Called right before what cannot be taken back."""
        if self.lost():
            raise self._held(self._tables.find_one({"_id": self._table_id}) or {})

    def lost(self) -> bool:
        """Whether another run holds the lease, or did in the meantime."""
        return not self._renew() or self._lost.is_set()

    def _join(self) -> bool:
        """Hold it beside other steps of this run, if they do."""
        holder = {"$literal": self._run.holder.as_document()}
        joined = {
            "lease.holder": holder,
            "lease.holders": {"$setUnion": ["$lease.holders", [holder]]},
            "lease.expires": _EXPIRES,
        }
        return self._update(self._of_our_steps, joined)

    def _outlive(self, lease: dict[str, Any], free: dict[str, Any]) -> bool:
        """Wait until the lease of a step of this very run expires: one is begun again when its process died, maybe on
        another machine. False when it does not expire, or is another run's.
        """
        last = time.monotonic() + LEASE_SECONDS + HEARTBEAT_SECONDS
        while lease.get("run_id") == self._run.run_id and time.monotonic() < last:
            if self._take(free):
                return True
            self._stop.wait(1)
        return False

    def _leave(self, seconds: int) -> None:
        """Let other steps of this run have it, for so many seconds when none of them works."""
        others = {"$setDifference": ["$lease.holders", [{"$literal": self._run.holder.as_document()}]]}
        self._update(self._of_our_steps, {"lease.holders": others, "lease.expires": _in_seconds(seconds)})

    def _take(self, condition: dict[str, Any]) -> bool:
        holder = {"$literal": self._run.holder.as_document()}
        lease: dict[str, Any] = {
            "run_id": {"$literal": self._run.run_id},
            "holder": holder,
            "since": "$$NOW",
            "expires": _EXPIRES,
        }
        if self._shared:
            lease |= {"shared": True, "holders": [holder]}
        return self._update(condition, {"lease": {"$literal": None}}, {"lease": lease})

    def _renew(self) -> bool:
        return self._update({"lease.run_id": self._run.run_id}, {"lease.expires": _EXPIRES})

    def _update(self, condition: dict[str, Any], *stages: dict[str, Any]) -> bool:
        """Change the table's entry if it fulfils the condition; gives whether it did."""
        found = self._tables.update_one({"_id": self._table_id, **condition}, [{"$set": stage} for stage in stages])
        return found.matched_count == 1

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
    return lease if lease and not _known_dead(lease) else None


def require_free(tables: Collection[dict[str, Any]], table_id: str) -> None:
    """Raise LeaseHeldError, naming the run, when a living one works on the table. Takes nothing."""
    if lease := living_lease(tables, table_id):
        raise _held_error(table_id, lease)


def give_back_ended(tables: Collection[dict[str, Any]], table_id: str, has_ended: Callable[[str], bool]) -> str | None:
    """Give back the shared lease of a run that has ended, unless a process of it may still work. Gives its id if so.

    Args:
        tables: The ledger's collection of tables.
        table_id: `_id` of the table there.
        has_ended: Tells, of the id of a run, whether it is known to have ended.
    """
    lease = (tables.find_one({"_id": table_id}) or {}).get("lease") or {}
    if not lease.get("shared") or not has_ended(lease["run_id"]):
        return None
    if not all(Holder.from_document(one).known_dead() for one in lease["holders"]):
        return None
    as_seen = {f"lease.{name}": lease[name] for name in ("run_id", "shared", "holders")}
    given = tables.update_one({"_id": table_id, **as_seen}, {"$set": {"lease": None}})
    return str(lease["run_id"]) if given.matched_count else None


def _known_dead(lease: dict[str, Any]) -> bool:
    """Whether nobody can hold this lease any more. Of a shared one no process tells that: another may begin a step."""
    return not lease.get("shared") and Holder.from_document(lease["holder"]).known_dead()


def _held_error(table_id: str, lease: dict[str, Any]) -> LeaseHeldError:
    holder = Holder.from_document(lease["holder"]) if lease else None
    return LeaseHeldError(
        f"{table_id} is being worked on by run {lease.get('run_id', 'unknown')} ({holder or 'gone by now'}).",
        "wait for it to end, or end it",
    )

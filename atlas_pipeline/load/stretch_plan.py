"""The stretches of keys that are loaded into one staging collection, in the ledger: from where to where, and which are
there.

A stretch is what one step loads; the key ranges of what it has loaded are recorded as those of any load. A table has
one plan, for one staging collection; it goes when that is published. What does not belong here: cutting a table into
stretches (`ranged_plan`), and loading one (`stretch_load`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.range_store import RangeStore
from atlas_pipeline.load.resume import ids_between, remove

Document = dict[str, Any]

_NUMBERS = 10_000_000
"""How many numbers of batches and key ranges each stretch has for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A stretch of keys.

    Attributes:
        number: Its place in the order of keys, from 0 on.
        uuid: Of the staging collection into which it is loaded.
        first: The lowest `_id`; None for the first stretch, which has everything before the second one.
        before: The `_id` before which it ends; None for the last one.
        run_id: The run under whose id is recorded what is loaded.
        loaded: Whether all of it is loaded and recorded.
        sent_bytes: Encoded documents that were sent for it then.
    """

    number: int
    uuid: Any
    first: Any
    before: Any
    run_id: str
    loaded: bool = False
    sent_bytes: int = 0

    @property
    def numbers(self) -> range:
        """The numbers that its batches and key ranges may have."""
        return range(self.number * _NUMBERS, (self.number + 1) * _NUMBERS)

    def clear(self, staging: Collection[Document], ranges: RangeStore, quarantine: Quarantine, *, comment: str) -> None:
        """Remove what somebody who did not get to its end has loaded of it, and what is recorded of that.

        Args:
            staging: The staging collection.
            ranges: The key ranges of the run under whose id they are recorded.
            quarantine: The quarantine of that run.
            comment: Shown in the server's log and current operations.
        """
        ranges.drop_positions(self.numbers)
        quarantine.share(self.numbers)
        remove(staging, ids_between(staging, self.first, self.before), comment=comment)


class StretchPlan:
    """The plan of one table.

    Args:
        ledger: The table's ledger.
    """

    def __init__(self, ledger: TableLedger) -> None:
        self._stretches, self._table_id = ledger.stretches, ledger.table_id

    def write(self, uuid: Any, run_id: str, bounds: Sequence[Any]) -> None:
        """Replace the plan by another one.

        Args:
            uuid: Of the staging collection.
            run_id: The run under whose id is recorded what is loaded.
            bounds: The `_id`s at which stretches begin, but the first one, in their order.
        """
        self.remove()
        cuts = [None, *bounds, None]
        self._stretches.insert_many(
            {
                **self._at(number),
                "table_id": self._table_id,
                "number": number,
                "uuid": uuid,
                "first": first,
                "before": before,
                "run_id": run_id,
                "loaded": False,
            }
            for number, (first, before) in enumerate(pairwise(cuts))
        )

    def of(self, uuid: Any) -> list[Planned]:
        """The stretches of a staging collection, in their order; none when it is not loaded in stretches."""
        found = self._stretches.find({"table_id": self._table_id, "uuid": uuid}).sort("number", 1)
        return [_planned(one) for one in found]

    def stretch(self, number: int) -> Planned | None:
        """The stretch with this number, if there is one."""
        found = self._stretches.find_one(self._at(number))
        return None if found is None else _planned(found)

    def note_loaded(self, number: int, *, sent_bytes: int) -> None:
        """Record that all of a stretch is loaded and recorded."""
        self._stretches.update_one(self._at(number), {"$set": {"loaded": True, "sent_bytes": sent_bytes}})

    def remove(self) -> None:
        """Forget the plan."""
        self._stretches.delete_many({"table_id": self._table_id})

    def _at(self, number: int) -> Document:
        return {"_id": f"{self._table_id}:{number}"}


def _planned(stored: Document) -> Planned:
    return Planned(
        number=stored["number"],
        uuid=stored["uuid"],
        first=stored["first"],
        before=stored["before"],
        run_id=stored["run_id"],
        loaded=stored["loaded"],
        sent_bytes=stored.get("sent_bytes", 0),
    )

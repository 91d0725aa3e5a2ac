"""Staging collections that earlier runs of a reload left, and whether another run can go on with one.

A run that fills a staging collection notes so in its record: the collection's UUID, the terms under which another run
may go on, and whether it was spoiled. What does not belong here: what becomes of a collection that nobody can go on
with (`recovery`), and going on (`resume`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A staging collection that earlier runs have filled.

    Attributes:
        name: Its name.
        uuid: By which the server knows it, whatever its name.
        run_ids: The runs that filled it, the last one at the end; empty when none is known to have.
        terms: What the last one noted of what has to stay as it was.
        spoiled: Why nobody can go on with it; "" when somebody may.
        finished: Whether there is a finished key range.
    """

    name: str
    uuid: Any
    run_ids: tuple[str, ...] = ()
    terms: Mapping[str, str] = field(default_factory=dict)
    spoiled: str = ""
    finished: bool = False

    @classmethod
    def of(cls, ledger: TableLedger, name: str, uuid: Any) -> Unfinished:
        """What the ledger knows of a staging collection."""
        records = list(_runs(ledger).find({"staging.uuid": uuid}).sort("started", 1))
        if not records:
            return cls(name=name, uuid=uuid, spoiled="no run is known to have filled it")
        run_ids = tuple(record["run_id"] for record in records)
        noted = records[-1]["staging"]
        finished = any(ledger.ranges_of(run_id).marks() for run_id in run_ids)
        return cls(
            name=name, uuid=uuid, run_ids=run_ids, terms=noted["terms"], spoiled=noted["spoiled"], finished=finished
        )

    def why_not(self, terms: Mapping[str, str]) -> str:
        """Why a run cannot go on with it under these terms; "" when it can."""
        return self.unfit(terms) or ("" if self.finished else "it had finished no key range")

    def unfit(self, terms: Mapping[str, str]) -> str:
        """Why no more rows can be added to it under these terms; "" when they can."""
        changed = [what for what, value in terms.items() if self.terms.get(what) != value]
        return self.spoiled or (f"{changed[0]} changed" if changed else "")


def terms_of(table: TableSpec, columns: Iterable[tuple[str, str]], options: Mapping[str, Any]) -> dict[str, str]:
    """What has to stay as it is for another run to go on, each by a name for people.

    Args:
        table: The spec.
        columns: Names and declared types of all columns that the source has.
        options: Options of the staging collection.
    """
    return {
        "the source schema": _digest(list(columns)),
        "the spec": table.fingerprint,
        "the validator, or another option of the collection,": _digest(sorted(options.items())),
    }


def note_filling(ledger: TableLedger, uuid: Any, terms: Mapping[str, str], *, spoiled: str, **facts: Any) -> None:
    """Note that this run fills the staging collection of this UUID.

    Args:
        ledger: The table's ledger.
        uuid: Of the collection.
        terms: What has to stay as it is for another run to go on.
        spoiled: Why none could; "" when one could.
        facts: What else is to be noted of the run.
    """
    ledger.note(staging={"uuid": uuid, "terms": dict(terms), "spoiled": spoiled}, **facts)


def spoil(ledger: TableLedger, why: str) -> None:
    """Note, before it is true, that nobody can go on with the staging collection of this run any more."""
    ledger.note(**{"staging.spoiled": why})


def take_over(ledger: TableLedger, left: Unfinished, run_id: str) -> None:
    """Let a run, which is noted to fill it, have the finished ranges of a staging collection. Can be repeated."""
    for earlier in set(left.run_ids) - {run_id}:
        ledger.ranges_of(earlier).rename(run_id)


def forget_others(ledger: TableLedger, left: Unfinished, run_id: str) -> None:
    """Let nobody else have filled a staging collection, once a run has everything of it."""
    others = {"staging.uuid": left.uuid, "run_id": {"$ne": run_id}}
    _runs(ledger).update_many(others, {"$unset": {"staging": ""}})


def _runs(ledger: TableLedger) -> Collection[Document]:
    return ledger.tables.database["runs"]


def _digest(told: Any) -> str:
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()

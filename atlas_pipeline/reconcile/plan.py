"""What a sync of one table would do: the comparison of both sides at first sight, counted. Writes nothing at all.

Every row that would have no document is taken as if the quarantine were empty, for a sync fills it anew. What does not
belong here: finding suspects (`walk`, `unordered`, `series`), and what stops a sync (`atlas_pipeline.load.guards`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import bson

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import WHOLE_TABLE
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.foreign import foreign_among, foreign_ids
from atlas_pipeline.load.guards import Guards
from atlas_pipeline.load.quarantine import COLLECTION, Quarantine, described
from atlas_pipeline.load.raw_values import storable_key
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.reconcile.differences import Tally
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.reconcile.plan_result import TablePlan
from atlas_pipeline.reconcile.points import KEYS_AT_ONCE, look
from atlas_pipeline.reconcile.series import SeriesComparison
from atlas_pipeline.reconcile.settle import shown_key
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.unordered import KeyedComparison
from atlas_pipeline.reconcile.walk import OutOfOrderError, Suspect, Walk

RUNS = 3
"""Syncs of a table whose rate the estimate takes."""

Progress = Callable[[int], None]


def plan_table(opened: Opened, progress: Progress = lambda _: None) -> TablePlan:
    """Say what a sync of a table would do now.

    Args:
        opened: Source and target.
        progress: Called with the number of rows that were compared.

    Raises:
        SourceError: The source cannot be read as the spec says.
        TargetError: The collection is of another kind than the spec's, or it was replaced meanwhile.
        DataQualityError: A time series differs so much that its documents cannot be told apart.
    """
    began = time.perf_counter()
    with opened.target.translated(), opened.sides(require_collection=False, as_next_sync=True) as sides:
        guards = Guards(
            database=sides.collection.database, ledger=sides.ledger, table=sides.table, snapshot=sides.snapshot
        )
        guards.require_kind()
        planning = _Planning(sides, progress, in_place=sides.series is not None or guards.of_policy() != "reload")
        found = planning.run()
        found.blocked = [*_refusals(guards, found), *planning.blocked]
        _estimate(found, opened, time.perf_counter() - began)
    return found


def _refusals(guards: Guards, found: TablePlan) -> Iterator[str]:
    """What stops a sync before it reads anything, or when it has read all of it."""
    size: Callable[[], object] = lambda: guards.require_size(found.documents)  # noqa: E731 - one of several questions
    for question in (guards.questions(guards.of_policy()) | {"size": size}).values():
        try:
            question()
        except TargetError as error:
            yield str(error)


def _estimate(found: TablePlan, opened: Opened, seconds: float) -> None:
    mine = {"catalog": opened.catalog.name, "collection": opened.table.collection, "status": "published"}
    wanted = {"source_rows": 1, "seconds.total": 1}
    runs = opened.target.pipeline_database(opened.catalog)["runs"].find(mine, wanted).sort("started", -1).limit(RUNS)
    rates = [
        run["seconds"]["total"] / run["source_rows"] for run in runs if run.get("source_rows") and run.get("seconds")
    ]
    if rates:
        found.seconds = sum(rates) / len(rates) * found.read
        found.estimated_from = f"the last {len(rates)} syncs" if len(rates) > 1 else "the last sync"
    else:
        found.seconds, found.estimated_from = seconds, "the rate of this plan"


@dataclass(slots=True)
class _Planning:
    """The planning of one table, by one view of its source; `in_place` when no reload would find foreign documents."""

    sides: Sides
    progress: Progress
    in_place: bool = False
    blocked: list[str] = field(default_factory=list)
    _plan: TablePlan = field(init=False)

    def run(self) -> TablePlan:
        sides = self.sides
        repeated = sides.series is None and sides.repeats_keys()
        if sides.series is not None:
            self._compare(SeriesComparison)
        elif not sides.codec.order_preserving:
            self._compare(lambda alone: KeyedComparison(alone, repeated, self.progress))
        else:
            try:
                self._compare(lambda alone: Walk(alone, WHOLE_TABLE, repeated, self.progress))
            except OutOfOrderError:
                self._compare(lambda alone: KeyedComparison(alone, repeated, self.progress))
        self._judge_foreign()
        return self._plan

    def _compare(self, comparison_of: Callable[[Sides], Any]) -> None:
        sides = self.sides
        self._plan = TablePlan(
            catalog=sides.catalog.name,
            table=sides.table.source,
            collection=sides.table.collection,
            exists=sides.uuid() is not None,
        )
        comparison = comparison_of(replace(sides, quarantine=self._empty_quarantine()))
        alone = isinstance(comparison, SeriesComparison) and not self._plan.exists
        for page in _pages(comparison.rows_alone() if alone else comparison.suspects()):
            self._count(page)
        tally: Tally = comparison.tally
        if sides.series is not None:
            self.progress(tally.rows)
        self._plan.read = tally.rows
        self._plan.unchanged += tally.equal
        self._plan.leaving_quarantine = sides.quarantine.count() - self._plan.already_quarantined

    def _empty_quarantine(self) -> Quarantine:
        sides = self.sides
        nobody = RunIdentity(run_id="a plan, which has no entries", holder=Holder.this_process())
        pipeline = sides.ledger.tables.database
        return Quarantine(pipeline, sides.catalog, sides.table, nobody)

    def _count(self, page: list[Suspect]) -> None:
        plan = self._plan
        refused_before = self._refused_before([one for one in page if one.expected is not None and one.actual is None])
        extra = [one for one in page if one.expected is None and one.actual is not None]
        foreign = self._foreign_to_stay([one.identifier for one in extra])
        rejected = []
        for one in page:
            if one.expected is None:
                if one.actual is None:
                    rejected.append(one)
                elif _hash(one.identifier) in foreign:
                    plan.foreign += 1
                    plan.note("foreign", shown_key(one.identifier))
                else:
                    plan.deleted += 1
                    plan.note("deleted", shown_key(one.identifier))
            elif _hash(one.identifier) in refused_before:
                rejected.append(one)
            elif one.actual is None:
                plan.inserted += 1
                plan.bytes += len(one.expected)
                plan.note("inserted", shown_key(one.identifier))
            elif one.actual == one.expected and self.sides.enricher is None:
                plan.unchanged += 1  # only that another row has the same key made it a suspect
            else:
                plan.replaced += 1
                plan.bytes += len(one.expected)
                plan.note("replaced", shown_key(one.identifier))
        self._count_rejected(rejected)

    def _count_rejected(self, suspects: list[Suspect]) -> None:
        """Rows that would be in quarantine, and which of them are."""
        plan, sides = self._plan, self.sides
        plan.quarantined += len(suspects)
        new = [one.key for one in sides.lost([one.reject for one in suspects if one.reject])]
        keys = [sides.codec.source_key(one.identifier) for one in suspects if not one.reject]
        new += sides.absent_in_quarantine([key for key in keys if key is not None])
        plan.already_quarantined += len(suspects) - len(new)
        for key in new:
            plan.note("quarantined", ", ".join(map(str, key)))

    def _refused_before(self, missing: list[Suspect]) -> set[bytes]:
        """Hashes of the rows that the last sync refused for a unique value that another row has, and that are as they
        were then.
        """
        sides = self.sides
        keys = [storable_key(sides.codec.source_key(one.identifier) or ()) for one in missing]
        if not keys or not any(index.unique for index in sides.table.indexes):
            return set()
        query = {
            **{"catalog": sides.catalog.name, "collection": sides.table.collection, "published": True},
            **{"key": {"$in": keys}, "code": str(RejectCode.DUPLICATE_VALUE)},
        }
        entries = list(sides.ledger.tables.database[COLLECTION].find(query, {"row_digest": 1}))
        digests = {entry["row_digest"] for entry in entries}
        if not digests:
            return set()
        refused = set()
        for point in look(sides, [one.identifier for one in missing]):
            if point.row is not None:
                again = sides.mapper.reject(point.row, "", RejectCode.DUPLICATE_VALUE, "")
                if described(again, sides.table, None)["row_digest"] in digests:
                    refused.add(_hash(point.identifier))
        return refused

    def _foreign_to_stay(self, identifiers: Iterable[Any]) -> set[bytes]:
        """Hashes of those of these documents that this pipeline never loaded, unless the policy lets them go."""
        hashes = {_hash(one) for one in identifiers}
        if not hashes or self.sides.table.sync.foreign_documents == "delete":
            return set()
        return foreign_among(hashes, self.sides.ledger.published_ranges())

    def _judge_foreign(self) -> None:
        """Whether foreign documents stop the sync, where no guard says so before."""
        plan, sides = self._plan, self.sides
        name, policy = sides.collection.full_name, sides.table.sync.foreign_documents
        if policy == "keep":
            ids = foreign_ids(sides.collection, sides.ledger.published_ranges(), comment=sides.comment)
            if (clashes := sum(1 for _ in ids) - plan.foreign) > 0:
                self.blocked.append(f"{name} has {clashes:,} foreign documents, which are kept, with the key of a row.")
        elif plan.foreign and self.in_place:
            self.blocked.append(f"{name} holds {plan.foreign:,} foreign documents, and the policy is 'refuse'.")


def _pages(suspects: Iterator[Suspect]) -> Iterator[list[Suspect]]:
    while page := list(islice(suspects, KEYS_AT_ONCE)):
        yield page


def _hash(identifier: Any) -> bytes:
    return key_hash(bson.encode({"_id": identifier}))

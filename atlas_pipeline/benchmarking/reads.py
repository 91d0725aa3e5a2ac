"""The four reads of the query benchmark, on the live collection of investigations, which they do not change.

What belongs here: each query, what its answer must be, and what it is checked against. What does not: writes, vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pymongo.collection import Collection
from pymongo.cursor import Cursor

from atlas_pipeline.benchmarking.latency import Operation
from atlas_pipeline.benchmarking.sampling import drawn, generator, ids_of
from atlas_pipeline.errors import TargetError
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]
Owned = tuple[str, datetime]
"""An owner and a moment at which an investigation of his was made."""

WINDOW = timedelta(days=30)
MOST = 100
PAGE = 20
LAST_PAGE = 100
TOP = 10
_BY_OWNER = (("user_id", 1), ("created_at", -1))


def simple(investigations: Collection[Document], seed: int) -> Operation[Any, Document | None]:
    """One document by its `_id`."""
    numbers = generator(seed, "simple")
    pool = ids_of(investigations, numbers)

    def check(key: Any, found: Document | None) -> str:
        if found is None:
            return f"there is no document {key!r} any more"
        return "" if found["_id"] == key else f"document {key!r} was asked for, and {found['_id']!r} came"

    return Operation(
        name="simple",
        draw=lambda: numbers.choice(pool),
        ask=lambda key: investigations.find_one({"_id": key}),
        check=check,
    )


class ByOwner:
    """Investigations of one owner in the 30 days up to one of them, newest first, 100 at most.

    Args:
        investigations: The live collection.
        seed: What decides whose.

    Raises:
        TargetError: No document has an owner and a moment.
    """

    def __init__(self, investigations: Collection[Document], seed: int) -> None:
        self._investigations = investigations
        self._numbers = generator(seed, "indexed")
        self._pool = drawn(self._owned(), self._numbers)
        if not self._pool:
            raise TargetError(f"{investigations.full_name}: no document has user_id and created_at.", "sync the table")

    def operation(self) -> Operation[Owned, list[Document]]:
        return Operation(
            name="indexed",
            draw=self._draw,
            ask=lambda owned: list(self._query(owned)),
            check=_check_owned,
        )

    def indexes_used(self) -> tuple[str, ...]:
        """The indexes in the server's plan of the query; none when it reads the collection."""
        plan = self._query(self._draw()).explain()["queryPlanner"]["winningPlan"]
        return tuple(dict.fromkeys(_values(plan, "indexName")))

    def _owned(self) -> Iterator[Owned]:
        fields = {"_id": 0, "user_id": 1, "created_at": 1}
        in_index_order = self._investigations.find({}, fields).sort(list(_BY_OWNER)).allow_disk_use(True)
        for one in in_index_order:
            owner, made = one.get("user_id"), one.get("created_at")
            if isinstance(owner, str) and isinstance(made, datetime):
                yield owner, made

    def _draw(self) -> Owned:
        return self._numbers.choice(self._pool)

    def _query(self, owned: Owned) -> Cursor[Document]:
        owner, until = owned
        query = {"user_id": owner, "created_at": {"$gte": until - WINDOW, "$lte": until}}
        return self._investigations.find(query).sort("created_at", -1).limit(MOST)


def index_by_owner(table: TableSpec) -> str:
    """Name of the index that the spec has for `ByOwner`."""
    return next(index.name for index in table.indexes if index.keys == _BY_OWNER)


def pagination(investigations: Collection[Document], documents: int, seed: int) -> Operation[int, list[Document]]:
    """A page of 20 of the newest 2,000; no index has that order.

    Args:
        investigations: The live collection.
        documents: How many it holds, not 0.
        seed: What decides which page.
    """
    numbers = generator(seed, "pagination")
    pages = min(max(documents // PAGE, 1), LAST_PAGE)
    wanted = min(documents, PAGE)

    def ask(page: int) -> list[Document]:
        newest = investigations.find({}).sort([("created_at", -1), ("_id", 1)])
        return list(newest.skip(page * PAGE).limit(PAGE))

    def check(page: int, found: list[Document]) -> str:
        if len(found) != wanted:
            return f"page {page} has {len(found)} documents and not {wanted}"
        made = [one["created_at"] for one in found if isinstance(one.get("created_at"), datetime)]
        return "" if made == sorted(made, reverse=True) else f"page {page} is not in the order of its moments"

    return Operation(name="pagination", draw=lambda: numbers.randrange(pages), ask=ask, check=check)


def aggregation(investigations: Collection[Document], seed: int) -> Operation[str, list[Document]]:
    """The ten owners with the most investigations in one status, which at least one investigation has."""
    numbers = generator(seed, "aggregation")
    held = {
        str(one["_id"]["status"]): int(one["owners"])
        for one in investigations.aggregate(
            [
                {"$group": {"_id": {"status": "$status", "owner": {"$ifNull": ["$user_id", None]}}}},
                {"$group": {"_id": {"status": "$_id.status"}, "owners": {"$sum": 1}}},
            ],
            allowDiskUse=True,
        )
        if isinstance(one["_id"].get("status"), str)
    }
    statuses = sorted(held)

    def ask(status: str) -> list[Document]:
        return list(
            investigations.aggregate(
                [
                    {"$match": {"status": status}},
                    {"$group": {"_id": "$user_id", "investigations": {"$sum": 1}}},
                    {"$sort": {"investigations": -1, "_id": 1}},
                    {"$limit": TOP},
                ]
            )
        )

    def check(status: str, found: list[Document]) -> str:
        if len(found) != min(held[status], TOP):
            return f"{status} has {held[status]} owners, and {len(found)} came"
        counts = [one["investigations"] for one in found]
        return "" if counts == sorted(counts, reverse=True) else f"the owners of {status} are not in order"

    return Operation(name="aggregation", draw=lambda: numbers.choice(statuses), ask=ask, check=check)


def _check_owned(owned: Owned, found: list[Document]) -> str:
    owner, until = owned
    if not found or found[0]["created_at"] != until:
        return f"the investigation of {owner} of {until:%Y-%m-%d %H:%M:%S} was not found"
    if any(one["user_id"] != owner or not until - WINDOW <= one["created_at"] <= until for one in found):
        return f"investigations came that are not of {owner}, or not of the {WINDOW.days} days"
    return ""


def _values(tree: Any, name: str) -> Iterator[str]:
    """All values under a name, wherever they are."""
    branches = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in branches:
        if key == name:
            yield str(value)
        else:
            yield from _values(value, name)

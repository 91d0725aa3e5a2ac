"""Desired indexes against existing ones: what is missing, what differs, what is a stranger; and making them so.

What does not belong here: rows that stand in the way of a unique index (`duplicates.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, OperationFailure

from atlas_pipeline.errors import TargetError
from atlas_pipeline.spec.indexes import IndexSpec

Document = dict[str, Any]

_CONFLICTS = {85, 86}  # IndexOptionsConflict, IndexKeySpecsConflict
_NOT_OPTIONS = {"v", "key", "name", "ns", "background"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChanges:
    """What was found and done on one collection; index names.

    Attributes:
        confirmed: There with the very definition of the spec.
        created: Were missing and are there now.
        replaced: Had another definition under the same name and were built anew.
        strangers: Not in the spec; left as they are.
    """

    confirmed: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()


def existing_indexes(collection: Collection[Document]) -> dict[str, Document]:
    """Index definitions as the server reports them, by name, without `_id_`."""
    return {index["name"]: dict(index) for index in collection.list_indexes() if index["name"] != "_id_"}


def same_definition(spec: IndexSpec, existing: Document) -> bool:
    """Whether the server's index is the one of the spec: the same keys in order, and the same options."""
    options = {name: value for name, value in existing.items() if name not in _NOT_OPTIONS and value is not False}
    return _keys_of(existing) == list(spec.keys) and options == spec.options()


def create(collection: Collection[Document], specs: Iterable[IndexSpec], *, comment: str) -> None:
    """Build indexes. Raises DuplicateKeyError when documents stand in the way of a unique one."""
    models = [IndexModel(list(spec.keys), name=spec.name, **spec.options()) for spec in specs]
    if models:
        collection.create_indexes(models, comment=comment)


def made_by_server(collection: Collection[Document]) -> frozenset[str]:
    """Names of indexes that servers from 6.3 on give a time series by themselves. Nobody has to account for them."""
    options = collection.options().get("timeseries")
    if options is None or "metaField" not in options:
        return frozenset()
    return frozenset({f"{options['metaField']}_1_{options['timeField']}_1"})


def ensure(collection: Collection[Document], specs: Iterable[IndexSpec], *, comment: str) -> IndexChanges:
    """Bring a collection to its specified indexes and confirm every definition against the server.

    Args:
        collection: The live collection.
        specs: All indexes that it should have. Others are left alone and reported.
        comment: Run id, shown in the server's log and current operations.

    Raises:
        TargetError: An index cannot be built, or the server does not report it as it was asked for.
    """
    specs = list(specs)
    before = existing_indexes(collection)
    missing = [spec for spec in specs if spec.name not in before]
    different = [spec for spec in specs if spec.name in before and not same_definition(spec, before[spec.name])]
    for spec in different:
        collection.drop_index(spec.name, comment=comment)
    try:
        create(collection, [*missing, *different], comment=comment)
    except DuplicateKeyError:
        unique = ", ".join(spec.name for spec in (*missing, *different) if spec.unique)
        raise TargetError(
            f"{collection.full_name}: a unique index ({unique}) cannot be built, documents repeat its values.",
            "sync the table again; its repeated rows go to the quarantine",
        ) from None
    except OperationFailure as error:
        if error.code not in _CONFLICTS:
            raise
        raise TargetError(
            f"{collection.full_name}: {', '.join(spec.name for spec in missing)} cannot be built, "
            "for another index has the same keys under another name.",
            f"drop the other one; indexes there: {', '.join(before)}",
        ) from None
    after = existing_indexes(collection)
    wrong = [spec.name for spec in specs if spec.name not in after or not same_definition(spec, after[spec.name])]
    if wrong:
        raise TargetError(
            f"{collection.full_name}: the server does not report {', '.join(wrong)} as asked for.", "run again"
        )
    strangers = set(after) - {spec.name for spec in specs}
    return IndexChanges(
        confirmed=tuple(spec.name for spec in specs if spec not in missing and spec not in different),
        created=tuple(spec.name for spec in missing),
        replaced=tuple(spec.name for spec in different),
        strangers=tuple(sorted(strangers - made_by_server(collection) if strangers else ())),
    )


def carry_over(
    live: Collection[Document], staging: Collection[Document], specs: Iterable[IndexSpec], *, comment: str
) -> list[str]:
    """Give staging every index that the live collection has, so that a swap takes none away from readers.

    Indexes of the spec are built as specified; strangers with their own definition. Gives the strangers' names.

    Raises:
        TargetError: A stranger is unique and the new documents repeat its values, or it has the keys of an index of the
            spec.
    """
    return _give(staging, existing_indexes(live).values(), specs, origin=live.full_name, comment=comment)


def restore(
    collection: Collection[Document], definitions: Iterable[Document], specs: Iterable[IndexSpec], *, comment: str
) -> list[str]:
    """Give a collection that was made anew the indexes that it had, as `carry_over` does. Those that it has stay.

    Args:
        collection: The collection.
        definitions: The indexes as the server reported them.
        specs: All indexes that it should have.
        comment: Run id, shown in the server's log and current operations.
    """
    return _give(collection, definitions, specs, origin=collection.full_name, comment=comment)


def _give(
    collection: Collection[Document],
    definitions: Iterable[Document],
    specs: Iterable[IndexSpec],
    *,
    origin: str,
    comment: str,
) -> list[str]:
    known = {spec.name: spec for spec in specs}
    present = existing_indexes(collection)
    wanted = {index["name"]: index for index in definitions if index["name"] not in present}
    create(collection, [known[name] for name in wanted if name in known], comment=comment)
    strangers = [name for name in wanted if name not in known]
    for name in strangers:
        options = {option: value for option, value in wanted[name].items() if option not in _NOT_OPTIONS}
        broken = TargetError(
            f"{origin}: the new documents break unique index {name}, which is not in the spec.",
            "drop that index on the live collection, or add it to the table spec",
        )
        # Asked first, because a server logs the value that a failed index build met, and it may be a secret.
        if options.get("unique") and _repeats(collection, wanted[name], comment):
            raise broken
        try:
            collection.create_indexes([IndexModel(_keys_of(wanted[name]), name=name, **options)], comment=comment)
        except DuplicateKeyError:
            raise broken from None
        except OperationFailure as error:
            if error.code not in _CONFLICTS:
                raise
            raise TargetError(
                f"{origin}: index {name}, which is not in the spec, cannot be carried over, "
                f"for it has the keys of one of {', '.join(known)}.",
                f"drop index {name} on the live collection, or give that of the spec its name",
            ) from None
    return strangers


def _repeats(collection: Collection[Document], existing: Document, comment: str) -> bool:
    """Whether documents repeat a value of an index that the server reported for another collection."""
    fields = [field for field, _ in _keys_of(existing)]
    covered = dict(existing.get("partialFilterExpression", {}))
    if existing.get("sparse"):
        covered = {"$or": [{field: {"$exists": True}} for field in fields]}
    values = {f"v{position}": {"$ifNull": [f"${field}", None]} for position, field in enumerate(fields)}
    pipeline: list[Document] = [
        {"$match": covered},
        {"$group": {"_id": values, "count": {"$sum": 1}}},
        {"$match": {"count": {"$gt": 1}}},
        {"$limit": 1},
    ]
    return bool(list(collection.aggregate(pipeline, allowDiskUse=True, comment=comment)))


def _keys_of(existing: Document) -> list[tuple[str, Any]]:
    """Keys of a reported index; the server may report directions as doubles."""
    return [(field, int(way) if isinstance(way, int | float) else way) for field, way in dict(existing["key"]).items()]

"""A time-series collection on the server: whether it is the one of the spec, making it, reading all of it, and removing
documents from it by their meta value, which is the only way that every server knows.

What does not belong here: which documents are to go (`series_changes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import bson
from bson.datetime_ms import DatetimeMS
from bson.regex import Regex
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.digest import split_documents
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.series_form import Moment, SeriesForm
from atlas_pipeline.load.target import collection_info, collection_uuid
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

GROUPS_PER_COMMAND = 500
BYTES_PER_COMMAND = 1024 * 1024
MOST_RANGES = 100
"""Stretches of time that are asked for one by one; for more of them, everything is read."""
_NAMESPACE_EXISTS = 48
_OWN_OPTIONS = {"bucketMaxSpanSeconds"}
"""Options that the server derives from the granularity and reports too."""


_LENIENT: bson.CodecOptions[Document] = bson.CodecOptions(datetime_conversion=bson.DatetimeConversion.DATETIME_AUTO)


class NamespaceTakenError(TargetError):
    """A collection of that name is there already, and this run did not make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSize:
    """What a time series takes.

    Attributes:
        buckets: How many buckets hold its documents.
        stored_bytes: Their size, before compression by the storage engine.
    """

    buckets: int
    stored_bytes: int


def require_series(database: Database[Document], table: TableSpec) -> Document | None:
    """The collection's info, if it is the time series of the spec; None when there is no such collection yet.

    Raises:
        TargetError: It is something else, or has other options.
    """
    assert table.time_series is not None
    info = collection_info(database, table.collection)
    if info is None:
        return None
    name = f"{database.name}.{table.collection}"
    if info["type"] != "timeseries":
        raise TargetError(
            f"{name} is a {info['type']}, and the spec wants a time series; a server cannot turn one into the other.",
            "drop or rename it, or set storage to 'plain' in the table spec",
        )
    options = dict(info.get("options", {}))
    wanted = table.time_series.options()
    found = {key: value for key, value in options.pop("timeseries").items() if key not in _OWN_OPTIONS}
    if found != wanted or options:
        different = {key: value for key, value in found.items() if wanted.get(key) != value} | options
        told = ", ".join(f"{key}={value!r}" for key, value in different.items()) or "none of the spec's options"
        raise TargetError(
            f"{name} is a time series of other options ({told}) than the spec's "
            f"({', '.join(f'{key}={value!r}' for key, value in wanted.items())}).",
            "drop or rename it, remove the option with collMod, or correct time_series in the table spec",
        )
    return info


def require_ours(database: Database[Document], table: TableSpec, ledger: TableLedger) -> None:
    """Raise TargetError when somebody else filled the time series, and the policy does not let it go."""
    if table.sync.foreign_documents == "delete" or any(map(ledger.state().get, ("published", "gap", "loading"))):
        return
    if database[table.collection].find_one({}, {"_id": 1}) is not None:
        raise TargetError(
            f"{database.name}.{table.collection} holds documents, and this pipeline never published it.",
            "drop or rename it, or set foreign_documents to 'delete' in the table's SyncPolicy",
        )


class SeriesCollection:
    """One time series.

    Args:
        database: Target database.
        table: Its table.
        comment: Run id, shown in the server's log and current operations.
    """

    def __init__(self, database: Database[Document], table: TableSpec, *, comment: str) -> None:
        assert table.time_series is not None
        self.options = table.time_series
        self.form = SeriesForm(table)
        self.collection: Collection[Document] = database[table.collection]
        self._database, self._comment = database, comment

    def exists(self) -> bool:
        return collection_info(self._database, self.collection.name) is not None

    def uuid(self) -> Any:
        return collection_uuid(self._database, self.collection.name)

    def create(self) -> None:
        """Make it, empty. Raises NamespaceTakenError when somebody else has made a collection of that name."""
        try:
            self._database.create_collection(
                self.collection.name, check_exists=False, timeseries=self.options.options(), comment=self._comment
            )
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise
            raise NamespaceTakenError(
                f"{self.collection.full_name} appeared while it was about to be made.",
                "find out who else makes it, then run again",
            ) from None

    def drop(self) -> None:
        self.collection.drop(comment=self._comment)

    def forms(self, match: Mapping[str, Any] | None = None) -> Iterator[tuple[Moment, bytes]]:
        """Moment and form of all documents, or of those that match, in no order."""
        form = self.form.of
        for batch in self._raw(dict(match or {})):
            for document in split_documents(batch):
                yield form(document)

    def between(
        self, stretches: Iterable[tuple[Moment, Moment]], since: Moment | None = None
    ) -> Iterator[tuple[Moment, bytes]]:
        """Moment and form of all documents in these stretches of time, the end of each exclusive, maybe of others that
        are not before `since`.
        """
        ranges = [{"$gte": DatetimeMS(start), "$lt": DatetimeMS(end)} for start, end in stretches]
        if not ranges:
            return iter(())
        if len(ranges) > MOST_RANGES:
            return self.since(since)
        return self.forms({"$or": [{self.options.time_field: one} for one in ranges]})

    def since(self, moment: Moment | None) -> Iterator[tuple[Moment, bytes]]:
        """Moment and form of all documents from this moment on, or of all. A server finds them by the ids of its
        buckets, which begin with the time.
        """
        return self.forms(None if moment is None else {self.options.time_field: {"$gte": DatetimeMS(moment)}})

    def ids(self) -> Iterator[bytes]:
        """All documents with their `_id` alone."""
        return self._ids({})

    def ids_of_groups(self, metas: Iterable[bytes]) -> Iterator[bytes]:
        """All documents that `remove_groups` would remove, with their `_id` alone."""
        for match in self._groups(metas):
            yield from self._ids(match)

    def remove_groups(self, metas: Iterable[bytes]) -> int:
        """Remove all documents with one of these meta values, and those that a server cannot tell from them.

        Args:
            metas: For each group, an encoded document with the metaField alone, in form, or an empty one.
        """
        return sum(
            self.collection.delete_many(match, comment=self._comment).deleted_count for match in self._groups(metas)
        )

    def size(self) -> SeriesSize:
        stats = next(iter(self.collection.aggregate([{"$collStats": {"storageStats": {}}}], comment=self._comment)))
        found = stats["storageStats"]
        return SeriesSize(buckets=int(found["timeseries"]["bucketCount"]), stored_bytes=int(found["size"]))

    def _ids(self, match: Document) -> Iterator[bytes]:
        for batch in self._raw(match, {"_id": 1}):
            yield from split_documents(batch)

    def _raw(self, match: Document, projection: Document | None = None) -> Iterator[bytes]:
        yield from self.collection.find_raw_batches(match, projection, comment=self._comment, batch_size=10_000)

    def _groups(self, metas: Iterable[bytes]) -> Iterator[Document]:
        part: list[Document] = []
        size = 0
        for meta in metas:
            part.append(_group(self.options.meta_field, bson.decode(meta, _LENIENT)))
            size += len(meta)
            if len(part) >= GROUPS_PER_COMMAND or size >= BYTES_PER_COMMAND:
                yield {"$or": part}
                part, size = [], 0
        if part:
            yield {"$or": part}


def _group(meta: str, document: Document) -> Document:
    """What matches the documents of a group.

    The whole value where that is allowed, for a server finds many of those at once. As the condition of a removal it
    refuses objects that hold another one, so these are matched field by field.
    """
    if meta not in document:
        return {meta: {"$exists": False}}
    value = document[meta]
    inside = value.values() if isinstance(value, dict) else [value]
    if not any(isinstance(part, dict | list) for part in inside):
        return {meta: value}
    return dict(_leaves(meta, document[meta])) or {meta: {"$exists": True}}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name and "." not in name and not name.startswith("$"):
                yield from _leaves(f"{path}.{name}", part)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from _leaves(f"{path}.{position}", part)
    elif not isinstance(value, Regex):  # it would match other texts
        yield path, value

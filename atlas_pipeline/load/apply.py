"""Single differences to an ordinary live collection: documents removed, replaced and inserted, each of them counted.

Deletes come first. What a secondary unique index is in the way of is tried again when the others are written, for the
document that holds the value may be about to leave it; documents that wait for each other, such as two that swap a
value, are removed and inserted in one transaction. Only what fails then is refused. Doing all of it again is harmless.
What does not belong here: which documents differ, and what becomes of a refused row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, InsertOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.transient import deliver, retrying
from atlas_pipeline.load.writer import DUPLICATE_KEY, REFUSALS
from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES
from atlas_pipeline.mapping.reject import RejectCode

BATCH = 500
"""Documents of one command."""
MOST_IN_A_CYCLE = 1_000
"""Documents that one transaction rewrites."""
_IMMUTABLE_FIELD = 66
_NO_TRANSACTIONS = 20

Refusal = tuple[RejectCode, str]
Write = tuple[Any, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was done to a collection.

    Attributes:
        deleted: Documents that were there and are gone. Those that were gone already are not counted.
        replaced: Documents that hold other bytes, or the same again, under a key that was there.
        inserted: Documents under keys that were not there. When a connection broke, those that the lost command
            inserted count as replaced.
        refused: Position in `writes` -> why the server did not take it. What was there under its key still is.
        in_the_way: `_id`s of the documents that hold the unique values which refused ones claim.
    """

    deleted: int
    replaced: int
    inserted: int
    refused: Mapping[int, Refusal]
    in_the_way: Sequence[Any]


def apply_changes(
    collection: Collection[Any],
    *,
    deletes: Sequence[Any],
    writes: Sequence[Write],
    ledger: TableLedger,
    comment: str,
) -> Applied:
    """Delete and write documents of a collection that this pipeline has published. The caller holds the table's lease.

    Of several documents that claim one value of a unique index, the one with the lowest key is tried first.

    Args:
        collection: The live collection.
        deletes: `_id`s of documents to remove.
        writes: `_id` and whole encoded document of each one to write.
        ledger: The table's ledger. It learns of keys before they are inserted, and forgets them after they are deleted,
            so that no document of this pipeline is ever taken for a foreign one.
        comment: Run id, shown in the server's log and current operations.

    Raises:
        TargetError: A count does not add up, the table was never published, or the server refused for a reason that no
            single document explains.
    """
    changes = _Changes(collection, ledger, comment)
    for start in range(0, len(deletes), BATCH):
        changes.delete(deletes[start : start + BATCH])
    changes.write(writes)
    counts = {"deleted": changes.deleted, "replaced": changes.replaced, "inserted": changes.inserted}
    return Applied(**counts, refused=changes.refused, in_the_way=changes.in_the_way)


@dataclass(slots=True)
class _Changes:
    """One call's work; positions are those of the caller's writes."""

    collection: Collection[Any]
    ledger: TableLedger
    comment: str
    deleted: int = 0
    replaced: int = 0
    inserted: int = 0
    refused: dict[int, Refusal] = field(default_factory=dict)
    in_the_way: list[Any] = field(default_factory=list)
    _writes: Sequence[Write] = ()

    def delete(self, ids: Sequence[Any]) -> None:
        self.ledger.published_keys.touch(ids)
        self.deleted += self._remove(ids)
        self.ledger.forget_published_keys(ids)

    def write(self, writes: Sequence[Write]) -> None:
        self._writes = writes
        ordered = sorted(range(len(writes)), key=lambda position: sort_key(writes[position][0]))
        waiting: dict[int, dict[str, Any]] = {}
        learned: dict[int, bytes] = {}
        for start in range(0, len(ordered), BATCH):
            part = ordered[start : start + BATCH]
            learned |= self._learn(part)
            waiting |= self._replace(part)
        stuck = False
        while waiting and not stuck:
            again, before = list(reversed(waiting)), len(waiting)
            waiting = {}
            for start in range(0, before, BATCH):
                waiting |= self._replace(again[start : start + BATCH])
            stuck = len(waiting) == before
        for group in self._groups(waiting):
            self._rewrite(group)
        self.ledger.forget_published_keys([writes[at][0] for at in self.refused if at in learned])

    def _learn(self, positions: Sequence[int]) -> dict[int, bytes]:
        """Let the ledger know the keys; gives the positions of those that it did not know."""
        new = self.ledger.learn_keys([self._writes[position][0] for position in positions])
        return {positions[at]: hashed for at, hashed in new.items()}

    def _remove(self, ids: Sequence[Any]) -> int:
        """Remove documents; gives how many were there."""
        removed = 0

        def delete(positions: Sequence[int]) -> list[dict[str, Any]]:
            nonlocal removed
            requests = [DeleteOne({"_id": {"$eq": ids[at]}}) for at in positions]
            counts, errors = self._bulk_write(requests)
            removed += counts["nRemoved"]
            return errors

        for error in deliver(range(len(ids)), delete).values():
            raise self._unexplained(error["code"])
        there = {"_id": {"$in": list(ids)}}
        left = retrying()(self.collection.count_documents, there, comment=self.comment)
        if left:
            raise TargetError(
                f"{self.collection.full_name}: {len(ids)} documents were to go, {left} of them are there.",
                "find out who writes them again, then run again",
            )
        return removed

    def _bulk_write(self, requests: Sequence[Any]) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
        """Send some requests, in no order; gives the server's counts and its errors of single requests."""
        try:
            result = self.collection.bulk_write(requests, ordered=False, comment=self.comment)
        except BulkWriteError as error:
            details = error.details or {}
            if details.get("writeConcernErrors"):  # done or not: doing it again is harmless
                raise AutoReconnect("write concern not met") from None
            return details, list(details["writeErrors"])
        return result.bulk_api_result, []

    def _replace(self, positions: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Write documents in this order; gives those that something is in the way of, with the server's error."""
        small = [position for position in positions if len(self._writes[position][1]) <= MAX_DOCUMENT_BYTES]
        for position in set(positions) - set(small):
            self.refused[position] = (RejectCode.TOO_LARGE, "the document is over 16 MiB")
        matched, upserted, errors = self._send(small)
        if matched + upserted + len(errors) != len(small):
            raise TargetError(
                f"{self.collection.full_name}: {len(small)} documents were sent, {matched} replaced, {upserted} "
                f"inserted, {len(errors)} refused. That does not add up.",
                "run again",
            )
        self.replaced += matched
        self.inserted += upserted
        return {position: dict(error) for position, error in errors.items() if not self._is_refused(position, error)}

    def _send(self, positions: Sequence[int]) -> tuple[int, int, dict[int, Mapping[str, Any]]]:
        """Gives how many documents were there, how many were not, and position -> the server's error."""
        matched = upserted = 0

        def replace(some: Sequence[int]) -> list[dict[str, Any]]:
            nonlocal matched, upserted
            requests: list[Any] = [
                ReplaceOne({"_id": {"$eq": self._writes[at][0]}}, RawBSONDocument(self._writes[at][1]), upsert=True)
                for at in some
            ]
            counts, errors = self._bulk_write(requests)
            matched += counts["nMatched"]
            upserted += counts["nUpserted"]
            return errors

        errors = deliver(positions, replace)
        return matched, upserted, errors

    def _is_refused(self, position: int, error: Mapping[str, Any]) -> bool:
        """Whether a document is refused for good, and take note of it; False when something may be in the way."""
        code = error["code"]
        if code in (DUPLICATE_KEY, _IMMUTABLE_FIELD):
            return False
        if code not in REFUSALS:
            raise self._unexplained(code)
        self.refused[position] = REFUSALS[code]
        return True

    def _unexplained(self, code: int) -> TargetError:
        return TargetError(
            f"{self.collection.full_name}: the server refused a document with code {code}.",
            "look into the server's log",
        )

    # --- documents that wait for each other --------------------------------------------------------------------------

    def _groups(self, waiting: Mapping[int, Mapping[str, Any]]) -> Iterator[list[int]]:
        """The waiting positions, those together of which one holds the value that the other claims; in key order."""
        ids = {sort_key(self._writes[position][0]): position for position in waiting}
        leader = {position: position for position in waiting}

        def lead(position: int) -> int:
            while leader[position] != position:
                leader[position] = leader[leader[position]]
                position = leader[position]
            return position

        for position, error in waiting.items():
            for holder in self._holders(error):
                if (other := ids.get(sort_key(holder))) is not None:
                    leader[lead(other)] = lead(position)
        groups: dict[int, list[int]] = {}
        for _, position in sorted(ids.items()):
            groups.setdefault(lead(position), []).append(position)
        yield from groups.values()

    def _holders(self, error: Mapping[str, Any]) -> Iterator[Any]:
        """`_id`s of the documents that hold the values of a duplicate-key error."""
        values = error.get("keyValue") or {}
        if values and "_id" not in values:
            held = {name: {"$eq": value} for name, value in values.items()}
            for document in self.collection.find(held, {"_id": 1}, comment=self.comment):
                yield document["_id"]

    def _rewrite(self, positions: list[int]) -> None:
        """Remove and insert documents in one transaction, without those that the server refuses even so."""
        while positions:
            if len(positions) > MOST_IN_A_CYCLE:
                raise TargetError(
                    f"{self.collection.full_name}: {len(positions):,} documents exchange values of a unique index.",
                    "sync the table, which loads all of them anew",
                )
            try:
                removed = self._in_transaction(positions)
            except BulkWriteError as error:
                failed = (error.details or {})["writeErrors"][0]
                position = positions.pop(failed["index"])
                if not self._is_refused(position, failed):
                    fields = ", ".join(failed.get("keyPattern", {"_id": 1}))
                    told = f"another document holds the same value (unique index on {fields})"
                    self.refused[position] = RejectCode.DUPLICATE_VALUE, told
                    self.in_the_way += self._holders(failed)
                continue
            self.replaced += removed
            self.inserted += len(positions) - removed
            return

    def _in_transaction(self, positions: Sequence[int]) -> int:
        """Gives how many of the documents were there. What passes by itself, such as a conflict with another
        transaction, the driver tries again. Raises BulkWriteError for a document that cannot be inserted.
        """
        ids = [self._writes[position][0] for position in positions]
        requests = [InsertOne(RawBSONDocument(self._writes[position][1])) for position in positions]

        def rewrite(session: ClientSession) -> int:
            removed = self.collection.delete_many({"_id": {"$in": ids}}, session=session, comment=self.comment)
            inserted = self.collection.bulk_write(requests, session=session, comment=self.comment).inserted_count
            if inserted != len(requests):
                raise TargetError(
                    f"{self.collection.full_name}: {len(requests)} documents were sent, {inserted} inserted. That does "
                    "not add up.",
                    "run again",
                )
            return removed.deleted_count

        try:
            with self.collection.database.client.start_session() as session:
                return session.with_transaction(rewrite)
        except OperationFailure as error:
            if error.code != _NO_TRANSACTIONS:
                raise
            raise TargetError(
                f"{self.collection.full_name}: documents exchange values of a unique index, which takes a transaction, "
                "and this server has none.",
                "make it a replica set, or sync the table",
            ) from None

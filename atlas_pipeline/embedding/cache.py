"""Vectors by model and text hash, in the pipeline database, so that an unchanged text is never embedded again.

The cache may be dropped at any time: it holds nothing that cannot be computed. What does not belong here: which text
belongs to which document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
from bson.binary import Binary
from numpy.typing import NDArray
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from atlas_pipeline.errors import TargetError

COLLECTION = "embeddings"
"""Name of the collection in the pipeline database."""

NORM_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be."""

DATED_EVERY = timedelta(days=1)
"""How exact the date of last use is. Dating every use anew would write as much as it saves."""

_AT_ONCE = 1_000
_DUPLICATE_KEY = 11000
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of vectors that were handed in.

    Attributes:
        inserted: Written now.
        present: There already, for another run computed the same text meanwhile.
    """

    inserted: int
    present: int


class EmbeddingCache:
    """One entry per model and text: `_id` (model and text hash), the vector as little-endian float32, date of last use.

    Args:
        collection: Collection `embeddings` of the pipeline database.
        comment: Run id, shown in the server's log and current operations.
    """

    def __init__(self, collection: Collection[dict[str, Any]], *, comment: str = "") -> None:
        self._collection = collection
        self._comment = comment

    def get(self, model: str, dimensions: int, hashes: Iterable[str]) -> dict[str, Vector]:
        """The vectors that are there, by text hash, and note that they were used.

        An entry that is no vector of unit length and of so many dimensions is removed, and is not among them.
        """
        found: dict[str, Vector] = {}
        for part in _parts(hashes):
            ids = [_key(model, text_hash) for text_hash in part]
            damaged, old = [], []
            now = datetime.now(UTC)
            for entry in self._collection.find({"_id": {"$in": ids}}, comment=self._comment):
                vector = np.frombuffer(entry["vector"], dtype="<f4") if len(entry["vector"]) == 4 * dimensions else None
                if vector is None or not is_unit(vector):
                    damaged.append(entry["_id"])
                    continue
                found[entry["_id"]["text_hash"]] = vector
                if _aware(entry["used"]) < now - DATED_EVERY:
                    old.append(entry["_id"])
            if damaged:
                self._collection.delete_many({"_id": {"$in": damaged}}, comment=self._comment)
            if old:
                self._collection.update_many({"_id": {"$in": old}}, {"$set": {"used": now}}, comment=self._comment)
        return found

    def put(self, model: str, vectors: Mapping[str, Vector]) -> Stored:
        """Keep vectors, by text hash.

        Raises:
            TargetError: The server refused one for another reason than that it is there already.
        """
        inserted = present = 0
        now = datetime.now(UTC)
        for part in _parts(vectors):
            entries = [
                {
                    "_id": _key(model, text_hash),
                    "vector": Binary(vectors[text_hash].astype("<f4").tobytes()),
                    "used": now,
                }
                for text_hash in part
            ]
            try:
                result = self._collection.insert_many(entries, ordered=False, comment=self._comment)
                inserted += len(result.inserted_ids)
            except BulkWriteError as error:
                details = error.details or {}
                codes = {one["code"] for one in details.get("writeErrors", [])}
                if details.get("writeConcernErrors") or codes != {_DUPLICATE_KEY}:
                    raise TargetError(
                        f"{self._collection.full_name}: the server refused vectors with code "
                        f"{', '.join(map(str, sorted(codes))) or '(write concern)'}.",
                        "look into the server's log, or drop this collection: it is only a cache",
                    ) from None
                inserted += int(details["nInserted"])
                present += len(details["writeErrors"])
        if inserted + present != len(vectors):
            raise TargetError(
                f"{self._collection.full_name}: {len(vectors)} vectors were sent, {inserted} inserted, "
                f"{present} there already. That does not add up.",
                "run again",
            )
        return Stored(inserted, present)

    def forget_unused(self, used_since: datetime) -> int:
        """Remove what was not used since then; gives how many. Entries live up to a day longer, never shorter.

        Args:
            used_since: Aware moment, such as the start of the oldest run whose texts are still wanted.
        """
        return self._collection.delete_many(_unused(used_since), comment=self._comment).deleted_count

    def count_unused(self, used_since: datetime) -> int:
        """How many `forget_unused` would remove."""
        return self._collection.count_documents(_unused(used_since), comment=self._comment)


def is_unit(vector: NDArray[Any]) -> bool:
    """Whether a vector has length 1, within the tolerance. NaN and infinity have not."""
    return bool(abs(float(np.linalg.norm(vector.astype(np.float64))) - 1) <= NORM_TOLERANCE)


def _unused(since: datetime) -> dict[str, Any]:
    return {"used": {"$lt": since - DATED_EVERY}}


def _key(model: str, text_hash: str) -> dict[str, str]:
    return {"model": model, "text_hash": text_hash}


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parts(hashes: Iterable[str]) -> Iterator[Sequence[str]]:
    waiting = iter(hashes)
    while part := list(islice(waiting, _AT_ONCE)):
        yield part

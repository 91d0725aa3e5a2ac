"""Encoded documents into a time series, each once.

A time series takes the same document twice without a word. So when the outcome of a batch is unknown, what the server
still does for it is ended, its stretch of time is read back, and only what is missing is sent again. What does not
belong here: what is sent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne
from pymongo.client_session import ClientSession
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure
from typing_extensions import override

from atlas_pipeline.errors import TargetError, TargetUnavailableError
from atlas_pipeline.load.series_collection import SeriesCollection
from atlas_pipeline.load.series_form import fingerprint
from atlas_pipeline.load.transient import TRANSIENT_CODES, retrying
from atlas_pipeline.load.writer import BulkWriter, T
from atlas_pipeline.mapping.reject import RejectCode

SETTLE_SECONDS = 30.0


@dataclass(slots=True)
class _Batch:
    """Documents on their way.

    Attributes:
        documents: All of them.
        missing: Those that are not there; None while nobody knows.
        session: What sent them last. Nothing else must use it before all is settled.
    """

    documents: Sequence[bytes]
    missing: Sequence[bytes] | None
    session: ClientSession


class SeriesWriter(BulkWriter[T]):
    """Inserts batches into a time series with a few threads; see `BulkWriter`.

    Args:
        series: Where to insert.
        require: Called before anything is sent; raises when this run must not write any more. The collection has its
            own name from the beginning, so another run's documents could be there.
        comment: Run id, shown in the server's log and current operations.
    """

    def __init__(self, series: SeriesCollection, *, require: Callable[[], None], comment: str) -> None:
        super().__init__(series.collection, comment=comment)
        self._series, self._require = series, require

    @override
    def _insert(self, documents: Sequence[bytes]) -> dict[int, tuple[RejectCode, str]]:
        with self._collection.database.client.start_session() as session:
            retrying()(self._deliver, _Batch(documents, missing=documents, session=session))
        return {}  # no validator, and what is too large for a bucket was refused before

    def _deliver(self, batch: _Batch) -> None:
        if batch.missing is None:
            self._end_operations(batch)
            batch.missing = self._absent(batch.documents)
        if not batch.missing:
            return
        self._require()
        sent, batch.missing = batch.missing, None
        requests = [InsertOne(RawBSONDocument(document)) for document in sent]
        try:
            result = self._collection.bulk_write(requests, ordered=False, session=batch.session, comment=self._comment)
        except BulkWriteError as error:
            codes = [failed["code"] for failed in (error.details or {}).get("writeErrors", ())]
            if lasting := [code for code in codes if code not in TRANSIENT_CODES]:
                raise self._refused(lasting[0]) from None
            raise AutoReconnect("items failed, or write concern not met") from None  # reading back tells what is there
        if result.inserted_count != len(sent):
            raise TargetError(
                f"{self._collection.full_name}: {len(sent)} documents were sent, {result.inserted_count} inserted. "
                "That does not add up.",
                "run again",
            )

    def _refused(self, code: int) -> TargetError:
        return TargetError(
            f"{self._collection.full_name}: the server refused a document with code {code}.",
            "look into the server's log",
        )

    def _end_operations(self, batch: _Batch) -> None:
        """Wait until the server does nothing for this batch any more; what it wrote later would be there twice."""
        admin = self._collection.database.client.admin
        of_batch = [{"$currentOp": {"allUsers": False}}, {"$match": {"lsid.id": batch.session.session_id["id"]}}]
        deadline = time.monotonic() + SETTLE_SECONDS
        try:
            admin.command("killSessions", [batch.session.session_id])
            while list(admin.aggregate(of_batch)):
                if time.monotonic() > deadline:
                    raise TargetUnavailableError(
                        f"{self._collection.full_name}: the server does not end an insert whose connection broke.",
                        "look into the server's log, then run again",
                    )
                time.sleep(0.05)
        except OperationFailure:
            return  # small hosted servers do not tell; what was written twice is found when all is read back

    def _absent(self, documents: Sequence[bytes]) -> list[bytes]:
        """Those of these documents that are not there. Raises TargetError when one is there twice."""
        forms = [self._series.form.of_mapped(document) for document in documents]
        moments = [moment for moment, _ in forms]
        sent = {fingerprint(form): document for (_, form), document in zip(forms, documents, strict=True)}
        found = Counter[bytes]()
        for _, form in self._series.between([(min(moments), max(moments) + 1)]):
            if (print_ := fingerprint(form)) in sent:
                found[print_] += 1
        if any(count > 1 for count in found.values()):
            raise TargetError(
                f"{self._collection.full_name}: a document of this run is there twice.", "run again; it is removed then"
            )
        return [document for print_, document in sent.items() if print_ not in found]

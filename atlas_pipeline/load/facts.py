"""What a load did to one table: plain numbers, the same for every way of loading."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from atlas_pipeline.mapping.fidelity import Fidelity


@dataclass(slots=True)
class LoadFacts:
    """What a load did. Counts are of rows and documents, sizes in bytes.

    Attributes:
        mode: How the table was synced: `reload`, `reconcile`, `watermark`, `append`, or `part` of it.
        source_rows: Rows of the table, counted by the source in the snapshot.
        duplicate_keys: Source rows that share their key with another row.
        read: Rows read.
        loaded: Documents of this table that are to be published, counted by the server; of a time series that is about
            to be updated in place, as many as it will have. `publish` holds the server to that.
        kept_foreign: Foreign documents carried over.
        quarantined: Rows of this run in quarantine, counted by the server.
        discarded: Those of them that a person has discarded.
        inserted: Documents under keys that were not there. A reload inserts all of them into a new collection.
        replaced: Documents with other bytes than before under their key.
        deleted: Documents whose key is gone.
        unchanged: Documents that are as they were before.
        bytes_sent: Encoded documents sent.
        document_bytes: Encoded documents of the whole table, sent or found equal: what they take in an ordinary
            collection.
        fidelity: How often a policy of the spec stored something else than the source holds, by column.
        newest: The latest change of a loaded row, where the table has a change cursor.
        vectors: Where the vectors of documents came from: computed, cached, repeated within a batch, empty.
        digest: Digest over the documents as they were read back: of an ordinary collection made of those of its key
            ranges in `_id` order, of a time series whatever their order.
        carried_indexes: Live indexes outside the spec that the new collection has too.
        recovered: Sentences on what was found of dead runs and done about it.
        rebuilt: Whether a time series was dropped and loaded again, for too much of it differed.
        meta_groups: Meta values of a time series whose documents were all removed and written again.
        rewritten: How many of those documents had not changed.
        buckets: Buckets of a time series.
        stored_bytes: What a time series takes, in bytes of its buckets before compression by the storage engine.
        ranges: Key ranges of a sync that compares all of them.
        ranges_unchanged: Those of them whose rows had the fingerprint of the last sync.
        soft_deleted: Documents that are marked as deleted.
        marked: Those of them that this run has marked; they count as deleted.
        watermark: Up to which moment of the table's cursor everything is in the collection now.
        lag_seconds: How far that is behind the source's clock; without a cursor, zero when the view was made.
        warnings: Sentences on what may be missed, or is not as it should be.
    """

    mode: str = "reload"
    source_rows: int = 0
    duplicate_keys: int = 0
    read: int = 0
    loaded: int = 0
    kept_foreign: int = 0
    quarantined: int = 0
    discarded: int = 0
    inserted: int = 0
    replaced: int = 0
    deleted: int = 0
    unchanged: int = 0
    bytes_sent: int = 0
    document_bytes: int = 0
    fidelity: Fidelity = field(default_factory=Fidelity)
    newest: datetime | None = None
    vectors: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    carried_indexes: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    rebuilt: bool = False
    meta_groups: int = 0
    rewritten: int = 0
    buckets: int = 0
    stored_bytes: int = 0
    ranges: int = 0
    ranges_unchanged: int = 0
    soft_deleted: int = 0
    marked: int = 0
    watermark: datetime | None = None
    lag_seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def truncated(self) -> Counter[str]:
        """Per column, dates that lost their microseconds."""
        return self.fidelity.truncated

    @property
    def adjusted(self) -> Counter[str]:
        """`column: what a policy stored in place of a value` -> how many times."""
        return self.fidelity.adjusted

    def summary(self) -> dict[str, Any]:
        """What the ledger keeps of it."""
        kept = {
            "mode": self.mode,
            "source_rows": self.source_rows,
            "documents": self.loaded,
            "quarantined": self.quarantined,
            "discarded": self.discarded,
            "kept_foreign": self.kept_foreign,
            "inserted": self.inserted,
            "replaced": self.replaced,
            "deleted": self.deleted,
            "unchanged": self.unchanged,
            "digest": self.digest,
            "bytes": self.bytes_sent,
            "fidelity": self.fidelity.records(),
        }
        if self.ranges:
            kept["ranges"] = {"all": self.ranges, "unchanged": self.ranges_unchanged}
        if self.soft_deleted:
            kept["soft_deleted"] = self.soft_deleted
        if self.watermark is not None:
            kept["watermark"] = self.watermark
        if self.warnings:
            kept["warnings"] = list(self.warnings)
        kept["lag_seconds"] = self.lag_seconds
        if self.newest is not None:
            kept["newest"] = self.newest.isoformat()
        if self.vectors:
            kept["vectors"] = dict(self.vectors)
        if self.buckets:
            kept["time_series"] = {
                "buckets": self.buckets,
                "stored_bytes": self.stored_bytes,
                "document_bytes": self.document_bytes,
                "meta_groups": self.meta_groups,
                "rewritten": self.rewritten,
                "rebuilt": self.rebuilt,
            }
        return kept

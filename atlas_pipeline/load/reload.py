"""An ordinary collection by reload: into a staging collection beside it, verified, then swapped in.

Readers see the old collection or the new one, never half of either. What does not belong here: the phases and their
order (`table_load`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load import duplicates, foreign, indexes, staging
from atlas_pipeline.load.ranges import UnorderedRecorder
from atlas_pipeline.load.staging_load import StagingLoad
from atlas_pipeline.load.target import collection_info, collection_uuid
from atlas_pipeline.load.unfinished import spoil
from atlas_pipeline.load.validators import put_on


class Reload(StagingLoad):
    """The reload of one table into an ordinary collection; see `TableLoad` for the order of its methods."""

    @override
    def build(self, sample: Sequence[Row] = ()) -> None:
        self.ledger.phase("check")
        if isinstance(self._recorder, UnorderedRecorder):
            self.facts.digest = staging.verify_unordered(self.staging, self._recorder, self.ledger, self.run)
        else:
            self.facts.digest = staging.verify_digest(self.staging, self.ledger, self.run)
        put_on(self.staging, self._options)
        self.ledger.phase("index")
        removed = sum(
            duplicates.build_unique(
                self.staging,
                index,
                snapshot=self.snapshot,
                mapper=self.mapper,
                quarantine=self.quarantine,
                ledger=self.ledger,
                comment=self.run.run_id,
            )
            for index in self.table.indexes
            if index.unique
        )
        early = [index for index in self.table.indexes if index.built_on_staging and not index.unique]
        indexes.create(self.staging, early, comment=self.run.run_id)
        if removed:
            self.facts.digest = staging.digest_of(self.staging, self.ledger, self.run)
        self.ledger.phase("check")
        self.facts.loaded = self.facts.inserted = self.staging.count_documents({}, comment=self.run.run_id)
        self._count_quarantined()
        self._guards.require_size(self.facts.loaded)

    @override
    def publish(self, **facts: Any) -> None:
        self.announce(**facts)
        self.swap(**facts)

    def announce(self, **facts: Any) -> None:
        """The part of `publish` before the swap, so that several loads can be swapped at about the same moment."""
        comment = self.run.run_id
        self.ledger.phase("rename")
        if collection_info(self.database, self.table.collection) is not None:
            live = self.database[self.table.collection]
            self.facts.carried_indexes = indexes.carry_over(live, self.staging, self.table.indexes, comment=comment)
            if self.table.sync.foreign_documents == "keep":  # late, for what is written from here on is not kept
                spoil(self.ledger, "foreign documents were copied into its staging collection")
                self.facts.kept_foreign = foreign.copy_into(
                    self.staging, live, self.ledger.published_ranges(), comment=comment
                )
            self._guards.require_no_foreign()
        self._lease.require()
        uuid = collection_uuid(self.database, self.staging.name)
        self.ledger.announce(staging=self.staging.name, uuid=uuid, facts=self._summary() | facts)

    def swap(self, **facts: Any) -> None:
        """The rest of `publish`: swap in what was announced. Raises TargetError when something holds the collection."""
        staging.swap(self.staging, self.table.collection, comment=self.run.run_id)
        self.ledger.phase("ledger")
        self.quarantine.publish(self.run.run_id)
        self.ledger.publish()
        self.ledger.forget_staging(self.staging.name)
        self._end("published", **facts)

    def hold_back(self, why: str, **facts: Any) -> None:
        """Do not publish it now, for no fault of its own. The staging collection stays, and the next run goes on with
        it.
        """
        self._end("failed", error=f"not published: {why}", **facts)

    @override
    def withhold(self, **facts: Any) -> None:
        self.staging.drop(comment=self.run.run_id)
        self.ledger.forget_staging(self.staging.name)
        self._end("withheld", **facts)

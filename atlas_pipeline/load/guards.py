"""What stops a reload before anything is read or written. The run, the command line and the doctor ask the same
questions.

What belongs here: refusals that need only a look at server, ledger and source. What does not: checks of loaded
documents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pymongo.database import Database

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load import foreign
from atlas_pipeline.load.lease import require_free
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.series_collection import require_ours, require_series
from atlas_pipeline.load.sharding import require_replaceable
from atlas_pipeline.load.target import require_plain, require_room
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]
Covers = Literal["reload", "whole", "some"]
"""A table that is loaded anew, one that is compared as a whole in place, or some of its rows."""


class Guards:
    """The refusals of one table.

    Args:
        database: Target database.
        ledger: The table's ledger.
        table: The table.
        snapshot: The view of the source that is to be loaded.
        force: Let the collection shrink by more than its policy allows.
        comment: Run id, shown in the server's log and current operations.
    """

    def __init__(
        self,
        *,
        database: Database[Document],
        ledger: TableLedger,
        table: TableSpec,
        snapshot: Snapshot,
        force: bool = False,
        comment: str = "",
    ) -> None:
        self._database, self._ledger, self._table, self._snapshot = database, ledger, table, snapshot
        self._force, self._comment = force, comment
        self._live = database[table.collection]

    def questions(self, covers: Covers = "reload") -> dict[str, Callable[[], object]]:
        """Each refusal by name; calling one raises TargetError when it refuses.

        Args:
            covers: What is going to be synced.
        """
        return {
            "lease": lambda: require_free(self._ledger.tables, self._ledger.table_id),
            **self.questions_of_holder(covers),
        }

    def questions_of_holder(self, covers: Covers = "reload") -> dict[str, Callable[[], object]]:
        """The refusals that a run asks once it holds the lease; `covers` as for `questions`."""
        questions: dict[str, Callable[[], object]] = {
            "direction": self._ledger.require_forward,
            "collection": self.require_kind,
        }
        if covers != "some":
            questions["size"] = lambda: self.require_size(self._snapshot.count(self._table))
        if covers == "reload":
            size = self._snapshot.size_bytes
            questions["room"] = lambda: require_room(self._database, self._table.collection, size)
            questions["sharding"] = lambda: require_replaceable(self._database, self._table)
            if self._table.storage == "plain":  # in all others they are found when both sides are compared
                questions["foreign documents"] = self.require_no_foreign
        return questions

    def of_policy(self) -> Covers:
        """What a sync by the table's policy covers now."""
        mode = self._table.sync.mode
        if mode == "reload" or self._table.storage != "plain" or not self._ledger.state().get("published"):
            return "reload"
        return "whole" if mode == "reconcile" else "some"

    def require_kind(self) -> None:
        """Raise TargetError when the live collection is another kind of collection than the spec's."""
        if self._table.storage == "plain":
            require_plain(self._database, self._table.collection)
        elif require_series(self._database, self._table) is not None:
            require_ours(self._database, self._table, self._ledger)

    def require_no_foreign(self) -> None:
        """Raise TargetError listing foreign documents, unless the policy says what to do with them."""
        if self._table.sync.foreign_documents == "refuse":
            foreign.require_none(self._live, self._ledger.published_ranges(), comment=self._comment)

    def require_size(self, documents: int) -> None:
        """Raise TargetError for what looks like the wrong source: most of the collection would be gone, or all."""
        before = int(self._ledger.state().get("published", {}).get("documents", 0))
        if self._force or not before:
            return
        allowed = self._table.sync.max_shrink_percent
        if (before - documents) * 100 > allowed * before:
            told = f"would shrink from {before:,} to {documents:,} documents, by more than the {allowed:g} % that its"
        elif not documents:
            told = f"would lose all of its {before:,} documents, which no"
        else:
            return
        raise TargetError(
            f"{self._live.full_name} {told} policy allows.",
            "check that this is the right source; sync with --force if it is",
        )

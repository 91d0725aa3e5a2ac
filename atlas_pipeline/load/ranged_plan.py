"""The first step of a load in several steps: cut a table into stretches of keys, or find which an earlier run has left.

The staging collection that they are loaded into is an ordinary one. When all stretches are there, the reload goes on
with it as with that of a run that died: it holds every key range against one view of the source, loads again what
changed meanwhile, and proves the rest. What does not belong here: loading a stretch (`stretch_load`), and who runs
steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.load import sharding, staging
from atlas_pipeline.load.staging_work import StagingWork
from atlas_pipeline.load.stretch_plan import Planned, StretchPlan
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.load.unfinished import note_filling


class RangedPlan(StagingWork):
    """The plan for one table that is going to be reloaded. Use as a context manager; entering it makes the plan.

    Raises:
        ConfigurationError: On entering, when rows of the table cannot be told apart or ordered by their key.
        AtlasError: As for any load.
    """

    _shares_lease = True

    unloaded: tuple[int, ...] = ()
    """The stretches that are to be loaded; none for a table that fits into one, which is loaded as a whole."""

    @override
    def _open_collection(self) -> None:
        if why := self._unfit(self.facts.duplicate_keys):
            raise ConfigurationError(
                f"Table {self.table.source} cannot be loaded in ranges: {why}.", "give its policy load='whole'"
            )
        plan = StretchPlan(self.ledger)
        if self._unfinished is not None:
            planned = plan.of(self._unfinished.uuid)
        else:
            plan.remove()
            bounds = list(self._bounds())
            planned = self._begin_filling(plan, bounds) if bounds else []
        self.unloaded = tuple(one.number for one in planned if not one.loaded)
        self._ended = True

    def _begin_filling(self, plan: StretchPlan, bounds: list[Any]) -> list[Planned]:
        self._start_over()
        made = staging.create_staging(self.database, self.table, self.run, self.ledger, self._options)
        sharding.spread(made, self.table, self.snapshot)
        uuid = collection_uuid(self.database, made.name)
        note_filling(self.ledger, uuid, self._terms, spoiled="")
        plan.write(uuid, self.run.run_id, bounds)
        return plan.of(uuid)

    def _bounds(self) -> Iterator[Any]:
        """The `_id`s at which stretches begin, but the first one."""
        for key in self.snapshot.keys_apart(self.table, self.table.sync.rows_per_range):
            identifier = self._codec.identifier(key)
            if identifier is not None and self._codec.source_key(identifier) is not None:
                yield identifier

    @override
    def _give_up(self, error: BaseException | None, *, lost: bool) -> None:
        """What there is of a staging collection is gone on with, or removed, by whoever works on the table next."""

"""Tables that are published together: all are loaded and checked, then swapped in one right after the other, or none.

A server renames one collection at a time, so readers can see new and old collections beside each other for as long as
the renames take. Tables that are synced in place, and time series, have nothing to swap; they are synced in their turn.
What does not belong here: the sync of one table (`table_sync`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from atlas_pipeline.errors import AtlasError
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.orchestration.staged import Staged, TableResult
from atlas_pipeline.orchestration.table_sync import TableSync


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of tables that were published together.

    Attributes:
        results: Collection -> result, of those that were synced or held back, in the order in which they ended.
        errors: Collection -> why it could not be synced.
    """

    results: dict[str, TableResult] = field(default_factory=dict)
    errors: dict[str, AtlasError] = field(default_factory=dict)

    @contextmanager
    def noting(self, collection: str) -> Iterator[None]:
        """Take note of what went wrong with a table, instead of ending the run."""
        try:
            yield
        except AtlasError as error:
            self.errors[collection] = error

    @property
    def failed(self) -> list[str]:
        """Collections that are not what their tables are."""
        return [*self.errors, *(name for name, result in self.results.items() if not result.published)]


def sync_together(syncs: Sequence[TableSync]) -> Publication:
    """Sync tables, and publish what was loaded anew when all of them are ready. An error of one table does not keep the
    others from being read, only from being published.

    Args:
        syncs: The tables, each of another collection, in the order in which they are to be read.
    """
    done = Publication()
    with ExitStack() as opened:
        waiting: dict[str, _Waiting] = {}
        for sync in syncs:
            name = sync.table.collection
            with done.noting(name), ExitStack() as own:
                begun = sync.begin(own)
                if isinstance(begun, TableResult):
                    done.results[name] = begun
                elif not begun.publishable:
                    done.results[name] = begun.withhold()
                elif isinstance(begun.load, Reload):
                    waiting[name] = _Waiting(begun, opened.enter_context(own.pop_all()))
                else:
                    done.results[name] = begun.publish()
        for name, one in waiting.items():
            if not done.failed:
                with done.noting(name), ExitStack() as ending:
                    ending.push(one.opened)
                    one.staged.announce()
                    ending.pop_all()
        for name, one in waiting.items():
            if name in done.errors:
                continue
            if done.failed:
                done.results[name] = one.staged.hold_back(f"neither was {done.failed[0]}, of the same catalog")
            else:
                with done.noting(name), one.opened:
                    done.results[name] = one.staged.swap()
    return done


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A load that waits for others, and what closes it."""

    staged: Staged
    opened: ExitStack

"""The query benchmark: seven operations on the migrated investigation platform against the targets it was given.

What belongs here: the order, the targets and the verdicts. What does not: the operations (`reads`, `writes`,
`vectors`) and how they are timed (`latency`). Reads go to live collections; writes go to a scratch collection in the
pipeline's own database. What an application writes meanwhile slows it down and can spoil it, so it is not for a busy
hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pymongo.collection import Collection

from atlas_pipeline.benchmarking.latency import METHOD, Latencies, Operation, Sampling, measure
from atlas_pipeline.benchmarking.reads import ByOwner, aggregation, index_by_owner, pagination, simple
from atlas_pipeline.benchmarking.vectors import vector_search
from atlas_pipeline.benchmarking.writes import Writes
from atlas_pipeline.errors import EXIT_DIFFERENCES, EXIT_DONE, ConfigurationError, TargetError
from atlas_pipeline.load.scratch import scratch_of
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.catalogs import CatalogSpec, nearest

TARGETS: Mapping[str, float] = {
    "simple": 100,
    "indexed": 100,
    "pagination": 200,
    "aggregation": 500,
    "insert": 100,
    "update": 100,
    "vector_search": 500,
}
"""The most that the 99th percentile of each operation may be, in milliseconds."""

WHAT: Mapping[str, str] = {
    "simple": "one investigation by its _id",
    "indexed": "an owner's investigations of 30 days, newest first, 100 at most",
    "pagination": "a page of 20 of the 2,000 newest investigations",
    "aggregation": "the ten owners with the most investigations in one status",
    "insert": "one new investigation",
    "update": "one investigation, if it still has the version that was read",
    "vector_search": "the ten events nearest to a stored vector",
}
_INVESTIGATIONS, _EVENTS = "investigations", "anomaly_events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one operation.

    Attributes:
        name: Which operation.
        target_ms: The most that its 99th percentile may be.
        state: `met` or `missed` the target, or `skipped`, which is neither.
        latencies: None when it was skipped.
        how: What the server did for it.
        because: Why it was skipped or missed; "" when it met its target.
    """

    name: str
    target_ms: float
    state: Literal["met", "missed", "skipped"]
    latencies: Latencies | None
    how: str
    because: str = ""

    def as_json(self) -> dict[str, Any]:
        """The shape that other programs rely on."""
        told = {"name": self.name, "what": WHAT[self.name], "state": self.state, "target_p99_ms": self.target_ms}
        return {
            **told,
            **(self.latencies.as_json() if self.latencies else {}),
            "how": self.how,
            "because": self.because,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all operations.

    Attributes:
        sampling: How often each was called.
        documents: How many documents the collections held at the beginning.
        results: One for each operation, in the order of TARGETS.
    """

    sampling: Sampling
    documents: Mapping[str, int]
    results: tuple[Result, ...]

    @property
    def exit_code(self) -> int:
        missed = any(one.state == "missed" for one in self.results)
        return EXIT_DIFFERENCES if missed else EXIT_DONE

    def as_json(self) -> dict[str, Any]:
        """The shape that other programs rely on."""
        return {
            "ok": self.exit_code == EXIT_DONE,
            "measurement": not self.sampling.quick,
            "samples": self.sampling.samples,
            "warm_up": self.sampling.warm_up,
            "seed": self.sampling.seed,
            "percentiles": METHOD,
            "documents": dict(self.documents),
            "skipped": [one.name for one in self.results if one.state == "skipped"],
            "queries": [one.as_json() for one in self.results],
        }


def targets_with(changes: Mapping[str, float]) -> dict[str, float]:
    """TARGETS with other ones in their place. Raises ConfigurationError for names and numbers that are none."""
    for name, target in changes.items():
        if name not in TARGETS:
            raise ConfigurationError(f"There is no query {name!r}.", nearest(name, TARGETS))
        if not target > 0:
            raise ConfigurationError(f"A target of {target:g} ms for {name}.", "give milliseconds above 0")
    return {**TARGETS, **changes}


def measure_queries(
    target: Target,
    catalog: CatalogSpec,
    sampling: Sampling,
    targets: Mapping[str, float] = TARGETS,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Measure all seven operations.

    Args:
        target: Open connection to the server.
        catalog: The investigation platform.
        sampling: How often each is called.
        targets: As TARGETS.
        tell: Called with the name of an operation before it begins.

    Raises:
        TargetError: Nothing is migrated, an answer was wrong, or the server refused.
        LeaseHeldError: Another benchmark is running there; each would measure the other.
    """
    with target.translated():
        bench = _Bench(target, catalog, sampling, targets, tell)
        return Report(sampling=sampling, documents=bench.documents, results=tuple(bench.results()))


class _Bench:
    """One run of the benchmark."""

    def __init__(
        self,
        target: Target,
        catalog: CatalogSpec,
        sampling: Sampling,
        targets: Mapping[str, float],
        tell: Callable[[str], None],
    ) -> None:
        self._target, self._catalog, self._sampling = target, catalog, sampling
        self._targets, self._tell = targets, tell
        database = target.database(catalog)
        self._investigations, self._events = database[_INVESTIGATIONS], database[_EVENTS]
        self.documents = {one.name: one.count_documents({}) for one in (self._investigations, self._events)}
        if not self.documents[_INVESTIGATIONS]:
            raise TargetError(
                f"{self._investigations.full_name} holds no documents; there is nothing to ask for.",
                f"run `atlas-pipeline sync {catalog.name}` first, or `atlas-pipeline demo`",
            )

    def results(self) -> Iterator[Result]:
        # Only one process has the scratch collection, so there is one benchmark at a time.
        with scratch_of(self._target, self._catalog, self._catalog.table(_INVESTIGATIONS)) as scratch:
            yield from self._reads()
            yield from self._writes(scratch)
            yield self._vectors()

    def _reads(self) -> Iterator[Result]:
        live, seed = self._investigations, self._sampling.seed
        yield self._measured(simple(live, seed), "by the index _id_")
        yield self._indexed()
        documents = self.documents[_INVESTIGATIONS]
        sorted_whole = f"all {documents:,} are sorted each time, for no index has that order"
        yield self._measured(pagination(live, documents, seed), sorted_whole)
        yield self._measured(aggregation(live, seed), "of the statuses that investigations have")

    def _writes(self, scratch: Collection[dict[str, Any]]) -> Iterator[Result]:
        writes = Writes(self._investigations, scratch, self._sampling.seed)
        how = f"in a scratch collection that begins with {writes.copies:,} copies; acknowledged by a majority"
        yield self._measured(writes.insert(), how)
        yield self._measured(writes.update(), how)

    def _indexed(self) -> Result:
        by_owner = ByOwner(self._investigations, self._sampling.seed)
        wanted, used = index_by_owner(self._catalog.table(_INVESTIGATIONS)), by_owner.indexes_used()
        how = f"the server's plan uses {' and '.join(used) or 'no index'}"
        because = "" if used == (wanted,) else f"the plan does not use index {wanted}; a sync restores it"
        return self._measured(by_owner.operation(), how, because)

    def _vectors(self) -> Result:
        embedding = self._catalog.table(_EVENTS).embedding
        assert embedding is not None
        search = vector_search(self._events, embedding, self._sampling.seed)
        if search.operation is None:
            name = "vector_search"
            return Result(
                name=name,
                target_ms=self._targets[name],
                state="skipped",
                latencies=None,
                how="not measured",
                because=search.how,
            )
        return self._measured(search.operation, search.how)

    def _measured(self, operation: Operation[Any, Any], how: str, because: str = "") -> Result:
        """Measure an operation; with `because`, it is missed however fast it is."""
        self._tell(operation.name)
        latencies, target_ms = measure(operation, self._sampling), self._targets[operation.name]
        if latencies.p99_ms > target_ms:
            because = because or f"P99 is {latencies.p99_ms:.1f} ms"
        return Result(
            name=operation.name,
            target_ms=target_ms,
            state="missed" if because else "met",
            latencies=latencies,
            how=how,
            because=because,
        )

"""What a benchmark of the pipeline found, in figures: medians, ratios, processor time per row, and whether bounds hold.

What belongs here: arithmetic, and the forms for machines and people. What does not: measuring (`pipeline`), and
drawing (`plot`).
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from atlas_pipeline.benchmarking.cost import Cost
from atlas_pipeline.benchmarking.pipeline import Field
from atlas_pipeline.benchmarking.sources import Dialect

Round = Mapping[str, Cost]
Key = tuple[Dialect, str]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure that is taken within one round, and what it has to be.

    Attributes:
        of: Gives it, of a round that has all that it needs.
        needs: Names of measurements.
        least: It has to be as large as this; None where it has to be small.
        most: It has to be as small as this; None where it has to be large.
        told: What it is, for people.
    """

    of: Callable[[Round], float]
    needs: tuple[str, ...]
    told: str
    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def bound(self) -> str:
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


def _limit(one: Round) -> float:
    """Seconds that the server itself takes: the mean of both times, before and after the load."""
    return (one["limit"].seconds + one["limit_again"].seconds) / 2


def _to_load(name: str) -> Callable[[Round], float]:
    return lambda one: one[name].seconds / one["load"].seconds


_BOTH = ("limit", "limit_again", "load")
RATIOS = {
    "full_load_to_limit": Ratio(
        lambda one: _limit(one) / one["load"].seconds, _BOTH, "rate of a full load to the limit", least=0.5
    ),
    "ranged_load_to_limit": Ratio(
        lambda one: _limit(one) / one["load_in_several"].seconds,
        (*_BOTH, "load_in_several"),
        "the same in two processes",
        least=0.57,
    ),
    "publish_to_load": Ratio(
        _to_load("publish"), ("publish", "load"), "load, digest, indexes and swap to a full load", most=1.6
    ),
    "verify_to_load": Ratio(_to_load("verify"), ("verify", "load"), "every value verified to a full load", most=0.9),
    "verify_in_several_to_load": Ratio(
        _to_load("verify_in_several"), ("verify_in_several", "load"), "the same in two processes", most=0.6
    ),
    "unchanged_to_load": Ratio(
        _to_load("unchanged"), ("unchanged", "load"), "sync of an unchanged table to a full load", most=0.4
    ),
}


def figures(measured: Mapping[Key, Field]) -> dict[str, Any]:
    """All figures, for JSON. The ratios and rates at the top are those of the first table that was measured."""
    tables = {f"{dialect}, {table}": _of_field(field) for (dialect, table), field in measured.items()}
    first = next(iter(tables.values()))
    return {
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.system(),
        },
        "rows": first["rows"],
        "ratios": first["ratios"],
        "rows_per_second": first["rows_per_second"],
        "peak_rss_mb": first["peak_rss_mb"],
        "tables": tables,
    }


def holds(found: Mapping[str, Any]) -> dict[str, dict[str, bool]]:
    """Table -> ratio -> whether it is within its bound."""
    return {
        name: {ratio: RATIOS[ratio].holds(value) for ratio, value in one["ratios"].items()}
        for name, one in found["tables"].items()
    }


def _of_field(field: Field) -> dict[str, Any]:
    names = [name for name in field.rounds[0] if name != "limit_again"]
    series = {name: [one[name] for one in field.rounds] for name in names}
    ratios = {
        name: round(statistics.median(map(ratio.of, field.rounds)), 3)
        for name, ratio in RATIOS.items()
        if all(needed in field.rounds[0] for needed in ratio.needs)
    }
    return {
        "rows": field.rows,
        "document_bytes": field.document_bytes,
        "limit": field.limit,
        "ratios": ratios,
        "seconds": {name: _median(costs, lambda cost: cost.seconds) for name, costs in series.items()},
        "rows_per_second": {
            name: round(field.rows / _median(costs, lambda cost: cost.seconds))
            for name, costs in series.items()
            if name != "changed"
        },
        "microseconds_per_row": {name: _per_row(costs, field.rows) for name, costs in series.items()},
        "memory_mb": {
            name: max(round(cost.memory_mb, 1) for cost in costs) for name, costs in series.items() if name != "limit"
        },
        "peak_rss_mb": max(round(cost.peak_mb, 1) for cost in series["load"]),
        "rivals": [
            {**rival, "rows_per_second": round(field.rows / rival["seconds"]) if rival["seconds"] else None}
            for rival in field.rivals
        ],
    }


def _median(costs: list[Cost], of: Callable[[Cost], float]) -> float:
    return round(statistics.median(map(of, costs)), 3)


def _per_row(costs: list[Cost], rows: int) -> dict[str, float]:
    """Processor time in microseconds per row: of the whole client, of its threads by kind, and of the servers."""

    def of(taken: Callable[[Cost], float]) -> float:
        return round(statistics.median(map(taken, costs)) / rows * 1e6, 2)

    threads = sorted({name for cost in costs for name in cost.threads})
    servers = sorted({name for cost in costs for name in cost.server})
    return {
        "client": of(lambda cost: cost.client),
        **{f"client, {name}": of(partial(_thread, name)) for name in threads},
        **{name: of(partial(_server, name)) for name in servers},
    }


def _thread(name: str, cost: Cost) -> float:
    return cost.threads.get(name, 0.0)


def _server(name: str, cost: Cost) -> float:
    return cost.server.get(name, 0.0)

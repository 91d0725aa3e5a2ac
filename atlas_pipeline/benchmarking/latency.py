"""How long one operation takes: measured call by call on a monotonic clock, after calls that do not count.

What belongs here: the loop that measures, and what the measurements come to. What does not: operations, and targets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from atlas_pipeline.errors import ConfigurationError, TargetError

LEAST_SAMPLES = 1_000
"""With fewer, the 99th percentile is one of the ten slowest calls, and says little."""
METHOD = "nearest rank"
_NANOSECONDS_PER_MS = 1_000_000

ArgumentT = TypeVar("ArgumentT")
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How often an operation is called.

    Attributes:
        samples: Calls that count.
        warm_up: Calls before them.
        seed: What decides which documents are asked for.
        quick: Whether it is a trial, which may have few samples and is no measurement.

    Raises:
        ConfigurationError: There are too few samples, or a number is negative.
    """

    samples: int = LEAST_SAMPLES
    warm_up: int = 100
    seed: int = 1
    quick: bool = False

    def __post_init__(self) -> None:
        least = 1 if self.quick else LEAST_SAMPLES
        if self.samples < least:
            raise ConfigurationError(
                f"{self.samples} samples are too few to measure with.",
                f"ask for at least {least:,}" + ("" if self.quick else ", or for a trial with --quick"),
            )
        if self.warm_up < 0:
            raise ConfigurationError(f"{self.warm_up} calls cannot come first.", "ask for 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[ArgumentT, AnswerT]):
    """Something that is called again and again. Only `ask` is timed.

    Attributes:
        name: What it is called in results.
        draw: Makes the argument of the next call.
        ask: The call itself, complete with the reading of its answer.
        check: Says what is wrong with an answer; "" when it is right.
        check_all: Says after the last call what is wrong with what all calls have done.
    """

    name: str
    draw: Callable[[], ArgumentT]
    ask: Callable[[ArgumentT], AnswerT]
    check: Callable[[ArgumentT, AnswerT], str]
    check_all: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """What the calls that count took, in milliseconds; percentiles by nearest rank."""

    samples: int
    mean_ms: float
    median_ms: float
    p95_ms: float
    p99_ms: float
    min_ms: float
    max_ms: float

    @classmethod
    def of(cls, nanoseconds: Sequence[int]) -> Latencies:
        """Raises ValueError when there is none."""
        ordered = sorted(nanoseconds)

        def percentile(percent: int) -> float:
            return nearest_rank(ordered, percent) / _NANOSECONDS_PER_MS

        return cls(
            samples=len(ordered),
            median_ms=percentile(50),
            p95_ms=percentile(95),
            p99_ms=percentile(99),
            max_ms=percentile(100),
            min_ms=ordered[0] / _NANOSECONDS_PER_MS,
            mean_ms=sum(ordered) / len(ordered) / _NANOSECONDS_PER_MS,
        )

    def as_json(self) -> dict[str, Any]:
        return {name: value if name == "samples" else round(value, 4) for name, value in asdict(self).items()}


def nearest_rank(ordered: Sequence[int], percent: int) -> int:
    """The smallest value that at least `percent` of the values do not exceed.

    Args:
        ordered: Values, ascending.
        percent: 1 to 100.

    Raises:
        ValueError: There is no value, or no such percentile.
    """
    if not ordered or not 0 < percent <= 100:
        raise ValueError(f"no percentile {percent} of {len(ordered)} values")
    rank = -(-percent * len(ordered) // 100)  # rounded up, without floats
    return ordered[rank - 1]


def measure(operation: Operation[Any, Any], sampling: Sampling) -> Latencies:
    """Call it, warm-up first, and check every answer, those of the warm-up too.

    Raises:
        TargetError: An answer was wrong; a fast wrong answer is no result.
    """
    taken: list[int] = []
    for _ in range(sampling.warm_up + sampling.samples):
        argument = operation.draw()
        began = time.perf_counter_ns()
        answer = operation.ask(argument)
        taken.append(time.perf_counter_ns() - began)
        _require_right(operation.name, operation.check(argument, answer))
    _require_right(operation.name, operation.check_all())
    return Latencies.of(taken[sampling.warm_up :])


def _require_right(name: str, wrong: str) -> None:
    if wrong:
        raise TargetError(
            f"Benchmark {name}: {wrong}.",
            "see whether somebody changes the collection meanwhile; `atlas-pipeline verify` tells whether it is whole",
        )

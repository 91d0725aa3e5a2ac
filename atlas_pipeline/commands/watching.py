"""Looking at something again and again until the user has seen enough, through outages of a server.

What does not belong here: what is looked at, and how it is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, NoReturn, TypeVar

from atlas_pipeline.errors import AtlasError, ConfigurationError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Why there is nothing new to see.

    Attributes:
        since: When the first look failed.
        why: What the last one failed for.
    """

    since: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[T]):
    """What is to be shown.

    Attributes:
        what: What the last look that succeeded gave.
        at: When that was.
        outage: Why it is not newer, or None.
    """

    what: T
    at: datetime
    outage: Outage | None = None


def watch(look: Callable[[], T], show: Callable[[Seen[T]], None], *, seconds: float) -> NoReturn:
    """Look and show, for ever: an exception of `show`, or of the user's, ends it.

    Args:
        look: Gives what there is to see.
        show: Called after each look.
        seconds: How long to wait between two looks.

    Raises:
        AtlasError: The first look failed, or a later one with something that waiting does not cure.
    """
    seen = Seen(what=look(), at=datetime.now(UTC))
    while True:
        show(seen)
        time.sleep(seconds)
        try:
            seen = Seen(what=look(), at=datetime.now(UTC))
        except ConfigurationError:
            raise
        except AtlasError as error:
            since = seen.outage.since if seen.outage else datetime.now(UTC)
            seen = replace(seen, outage=Outage(since=since, why=str(error)))

"""What a leftover is: something that the pipeline made and nobody needs any more.

What does not belong here: finding leftovers on the server (`leftovers`) or elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something that nobody needs any more.

    Attributes:
        kind: What it is, in the plural.
        place: Where it is.
        count: How much of it there is: documents of a collection, else things of its kind.
        why: Why nobody needs it.
        kept: Why it stays all the same, or "".
        remove: Removes it. Can be repeated.
    """

    kind: str
    place: str
    count: int
    why: str
    kept: str = ""
    remove: Callable[[], None] = field(compare=False, repr=False)

    def as_json(self, *, removed: bool) -> dict[str, Any]:
        """The shape that other programs rely on."""
        told = {"kind": self.kind, "place": self.place, "count": self.count, "why": self.why}
        return {**told, "kept": self.kept, "removed": removed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is forgotten.

    Attributes:
        before: Records from before this moment.
        vectors_before: Vectors that were not used since.
        resumable: Also what the next sync would go on with.
    """

    before: datetime
    vectors_before: datetime
    resumable: bool = False

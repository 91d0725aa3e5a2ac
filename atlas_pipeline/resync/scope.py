"""What one sync covers of a table, and the way it takes.

What belongs here: choosing, from policy, ledger and what the run was asked for. What does not: going that way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.snapshot import WHOLE_TABLE, Row, Stretch, Window
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from atlas_pipeline.mapping.keys import KeyCodec

Way = Literal["reload", "reconcile", "watermark", "append", "part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a run was asked for.

    Attributes:
        mode: `policy`: what the table's policy says. `reload` and `reconcile`: the whole table, in that way.
        first: Key from which on rows are synced again, as text, one for each key column.
        before: Key before which it ends.
        since: Moment from which on rows are synced again, by the table's cursor or `changed_at`.
        until: Moment before which it ends.
    """

    mode: Literal["policy", "reload", "reconcile"] = "policy"
    first: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_part(self) -> bool:
        """Whether only a part of the table is synced."""
        return bool(self.first or self.before or self.since or self.until)


WHOLE = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a table: a stretch of keys, or the rows in a window of time."""

    stretch: Stretch = WHOLE_TABLE
    window: Window | None = None


def way_of(table: TableSpec, published: Mapping[str, Any], scope: Scope) -> Way:
    """The way that a sync takes.

    Args:
        table: The table.
        published: The ledger's entry of what is published; empty when nothing is.
        scope: What the run was asked for.

    Raises:
        ConfigurationError: A part of a table was asked for that is not published, or that cannot be synced in parts.
    """
    policy, by_this_spec = table.sync, published.get("spec") == table.fingerprint
    if scope.is_part:
        if not by_this_spec:
            raise ConfigurationError(
                f"{table.collection} was never published by the spec and the columns as they are now.",
                "sync all of it first",
            )
        if table.storage != "plain" or scope.mode != "policy":
            raise ConfigurationError(
                f"{table.collection}: a part of a time series, or by another mode.", "sync all of it, or ask for less"
            )
        return "part"
    if scope.mode == "reload" and policy.deletes == "soft" and published:
        raise ConfigurationError(
            f"{table.collection}: a reload would forget the documents that are marked as deleted.",
            "use --mode reconcile, or drop the collection to load it anew",
        )
    if not published or scope.mode == "reload" or policy.mode == "reload":
        return "reconcile" if published and scope.mode == "reconcile" else "reload"
    if scope.mode == "reconcile" or policy.mode == "reconcile" or published.get("watermark") is None:
        return "reconcile"
    if not by_this_spec:  # also the documents of rows that did not change are others by now
        return "reconcile"
    due = policy.reconcile_every and published.get("cursor_syncs", 0) >= policy.reconcile_every
    return "reconcile" if due else policy.mode


def moment_from(text: str) -> datetime | None:
    """The moment that a person wrote, in UTC unless it names an offset; None for an empty text. Raises
    ConfigurationError.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no moment.", "write it as 2026-03-01T12:00:00+00:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def part_of(table: TableSpec, scope: Scope) -> Part:
    """The part that was asked for, with its keys as the source has them. Raises ConfigurationError."""
    from atlas_pipeline.mapping.keys import KeyCodec

    codec = KeyCodec(table)
    if scope.since or scope.until:
        column = table.sync.cursor.column if table.sync.cursor else table.changed_at
        if not column or scope.first or scope.before:
            raise ConfigurationError(
                f"{table.collection}: a window of time without a column of moments, or together with keys.",
                "ask for a range of keys, or name the column with changed_at=",
            )
        return Part(window=Window(column=column, since=scope.since, until=scope.until))
    if not codec.order_preserving:
        raise ConfigurationError(
            f"{table.collection}: source and server order its keys in different ways, so there is no range of them.",
            "sync all of it",
        )
    return Part(stretch=Stretch(first=_key(table, codec, scope.first), before=_key(table, codec, scope.before)))


def _key(table: TableSpec, codec: KeyCodec, words: tuple[str, ...]) -> Row | None:
    key = codec.from_text(words) if words else None
    if words and (key is None or codec.identifier(key) is None):
        raise ConfigurationError(
            f"{table.collection}: {', '.join(words)} is no key of it.", f"give a value for {', '.join(table.key)}"
        )
    return key

"""Windows of time over moments that a source keeps as texts, which it orders as texts.

All forms begin with the day; a space sorts before the `T` of the other form, and an offset changes what the clock of
a text says. Bounds are chosen so that they never leave out a row; rows too many are left to whoever reads the moments.
What does not belong here: reading a text as a moment (`atlas_pipeline.mapping.scalars`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, literal, or_
from sqlalchemy.types import NullType

from atlas_pipeline.extract.snapshot import Window

Expression = ColumnElement[bool]

OFFSET_FORMS = ("*Z", "*[+-][0-9][0-9]:[0-9][0-9]")
"""How texts end that name an offset, as patterns of SQLite's GLOB."""
NO_MOMENTS = ("0-", ":")
"""All that begins with a digit is between these. Neither is a number, which a column of numbers would make of it."""
_A_DAY = timedelta(days=1)
"""No offset is longer, and no clock was put back by more since there are time zones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBounds:
    """The texts between which the rows of a window lie; None where nothing bounds them.

    Attributes:
        since: The first text of a row whose text names no offset.
        since_t: The same in the form with a `T`. Texts of its day with a `T` that are before it are too early.
        until: Such a text is before this one.
        with_offset: The same two bounds for texts that name an offset.
    """

    since: str | None
    since_t: str | None
    until: str | None
    with_offset: tuple[str | None, str | None]


def text_bounds(window: Window, zone: ZoneInfo) -> TextBounds:
    """The bounds of a window.

    Args:
        window: The window.
        zone: Zone of texts that name none.
    """
    since = _clock(window.since, zone, timedelta(0))
    until = _clock(window.until, zone, _A_DAY)  # of an hour that comes twice, all texts are of the first one
    first, last = _clock(window.since, UTC, -_A_DAY), _clock(window.until, UTC, _A_DAY)
    return TextBounds(
        since=_text(since, " "),
        since_t=_text(since, "T"),
        until=_text(until, "T"),
        with_offset=(_text(first, " "), _text(last, "T")),
    )


def inside(moment: ColumnElement[object], bounds: TextBounds) -> Expression:
    """The condition that a row is in a window, as one stretch of an index and a look at what it holds. No row is both
    there and without a moment.
    """
    has_offset = or_(*(moment.op("GLOB")(literal(form)) for form in OFFSET_FORMS))
    plain = []
    if bounds.since is not None and bounds.since_t is not None:
        other_form = or_(moment < _bound(bounds.since_t[:11]), moment >= _bound(bounds.since_t))
        plain += [moment >= _bound(bounds.since), other_form]
    if bounds.until is not None:
        plain.append(moment < _bound(bounds.until))
    since, until = (_outermost(bounds, which) or NO_MOMENTS[which] for which in (0, 1))
    stretch = and_(moment >= _bound(since), moment < _bound(until))
    return and_(stretch, or_(has_offset, and_(*plain))) if plain else stretch


def no_moment(moment: ColumnElement[object]) -> list[Expression]:
    """The conditions that a row holds NULL, a number, bytes, or a text that does not begin as a moment does, each one
    stretch of an index. Joined by OR, SQLite may read the whole table for them.
    """
    before, behind = NO_MOMENTS
    return [moment.is_(None), moment < _bound(before), moment >= _bound(behind)]


def _outermost(bounds: TextBounds, which: int) -> str | None:
    """The first or the last bound of texts of any form."""
    of_plain, of_offset = (bounds.since, bounds.until)[which], bounds.with_offset[which]
    if of_plain is None or of_offset is None:
        return None
    choose: Callable[..., str] = (min, max)[which]
    return choose(of_plain, of_offset)


def _bound(text: str) -> ColumnElement[object]:
    return literal(text, NullType())


def _clock(moment: datetime | None, zone: tzinfo, moved: timedelta) -> datetime | None:
    """What a clock of the zone shows so much later; None where no year can be named any more."""
    try:
        return None if moment is None else (moment + moved).astimezone(zone)
    except OverflowError:
        return None


def _text(clock: datetime | None, separator: str) -> str | None:
    return None if clock is None else clock.replace(tzinfo=None).isoformat(sep=separator, timespec="seconds")

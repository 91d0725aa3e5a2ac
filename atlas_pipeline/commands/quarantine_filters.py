"""Which quarantine entries a command is about, and how an entry is shown.

What belongs here: options that `quarantine list`, `replay` and `discard` share, as queries, and entries in words. What
does not: what is done with the entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from atlas_pipeline.spec.tables import TableSpec

Code = Annotated[str | None, typer.Option(help="Only this reason code, such as not_date.", show_default=False)]
Column = Annotated[str | None, typer.Option(help="Only rows refused for this column.", show_default=False)]
Key = Annotated[
    str | None,
    typer.Option(help="Only this key as the list shows it, the values of several columns parted by commas."),
]
Run = Annotated[str | None, typer.Option(help="Only what this run found; the beginning of its id is enough.")]
Since = Annotated[
    str | None, typer.Option(help="Only rows first seen since then, such as 2026-01-31 or 2026-01-31T12:00, in UTC.")
]
Discarded = Annotated[bool, typer.Option("--discarded", help="Only entries that somebody has discarded.")]
All = Annotated[bool, typer.Option("--all", help="Entries that somebody has discarded too.")]

_SHOWN = ["table", "key", "column", "code", "reason", "run_id", "first_seen", "last_seen", "spec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What entries must have in common; see the options of the same names.

    Raises:
        ConfigurationError: There is no such code, or `since` is no moment.
    """

    code: str | None = None
    column: str | None = None
    key: str | None = None
    run: str | None = None
    since: str | None = None
    discarded: bool = False
    everything: bool = False

    def __post_init__(self) -> None:
        from atlas_pipeline.mapping.reject import RejectCode
        from atlas_pipeline.spec.catalogs import nearest

        codes = {str(code) for code in RejectCode}
        if self.code is not None and self.code not in codes:
            raise ConfigurationError(f"There is no reason code {self.code!r}.", nearest(self.code, codes))
        if self.discarded and self.everything:
            raise ConfigurationError("--discarded and --all exclude each other.", "give one of them")
        _ = self._since

    @property
    def given(self) -> bool:
        """Whether they leave anything out beside what is discarded."""
        return any((self.code, self.column, self.key, self.run, self.since))

    @property
    def _since(self) -> datetime | None:
        if self.since is None:
            return None
        try:
            moment = datetime.fromisoformat(self.since)
        except ValueError:
            raise ConfigurationError(f"{self.since!r} is no moment.", "write 2026-01-31 or 2026-01-31T12:00") from None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def condition(self, table: TableSpec) -> dict[str, Any]:
        """The query for the entries of that table."""
        from atlas_pipeline.load.quarantine import OPEN
        from atlas_pipeline.load.raw_values import keys_written_as

        found: dict[str, Any] = {"discarded": True} if self.discarded else {} if self.everything else dict(OPEN)
        if self.code is not None:
            found["code"] = self.code
        if self.column is not None:
            found["column"] = self.column
        if self.key is not None:
            found["key"] = {"$in": keys_written_as(self.key, table)}
        if self.run is not None:
            found["run_id"] = {"$regex": f"^{re.escape(self.run)}"}
        if self._since is not None:
            found["first_seen"] = {"$gte": self._since}
        return found


def as_json(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry in the shape that other programs may rely on, without its raw values."""
    marks = {"published": entry["published"], "discarded": bool(entry.get("discarded"))}
    note = {"note": entry["note"]} if "note" in entry else {}
    shown = {name: entry[name] for name in _SHOWN} | {"key": shown_key(entry)}
    return {"id": entry["_id"], "catalog": entry["catalog"], **shown, **marks, **note}


def shown_key(entry: Mapping[str, Any]) -> Any:
    """The key alone, or a list of the values of several columns."""
    values = [shown(value) for value in entry["key"]]
    return values[0] if len(values) == 1 else values


def words_of(key: Any) -> str:
    """A key as people read it, and as `--key` takes it."""
    return ", ".join(map(_word, key)) if isinstance(key, list) else _word(key)


def shown(value: Any) -> Any:
    """A stored raw value for people and machines: bytes in hexadecimal."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, dict):
        return {name: shown(inner) for name, inner in value.items()}
    return [shown(inner) for inner in value] if isinstance(value, list) else value


def _word(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case {**fields} if len(fields) == 1:
            return str(next(iter(fields.values())))
    return str(value)


def entry_rows(entries: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """Entries for a table with the columns `ENTRY_COLUMNS`."""
    return [
        (
            entry["_id"],
            entry["table"],
            words_of(shown_key(entry)),
            entry["column"],
            entry["code"],
            entry.get("note") or entry["reason"],
            entry["first_seen"],
            bool(entry.get("discarded")),
        )
        for entry in entries
    ]


ENTRY_COLUMNS = ["id", "table", "key", "column", "code", "reason", "first seen", "discarded"]

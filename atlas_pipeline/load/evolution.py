"""How the columns of a table went on since its spec was written, as the ledger knows it.

The record of what is published holds, under `schema`, the columns that its sync saw at the source (`columns`), those
that joined the documents by themselves (`evolved`) and those that rows were refused for (`refused`). Whoever syncs,
compares, repairs or replays a table does it by the spec that follows from spec and record. What does not belong here:
comparing columns (`atlas_pipeline.extract.drift`), and writing the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract import drift
from atlas_pipeline.extract.schema import MISSING_CURE, SchemaFindings, inspect_schema, require_schema
from atlas_pipeline.extract.snapshot import Snapshot, SourceColumn
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

BROKEN_CURE = (
    "restore the columns at the source; or let the spec say what they are now (sql_type=), or leave them out of it; "
    "one that had joined by itself is given up by naming it in ignored="
)
FROZEN_CURE = "add them to columns= of the spec, or to ignored= to leave them out, or set drift to evolve or quarantine"
UNFIT_CURE = "add them to columns= of the spec, or to ignored= to leave them out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a sync that began now would make of the columns of a table.

    Attributes:
        table: The table as it would be synced.
        findings: The spec against the real table.
        stops: Sentences on what stops the sync; empty when it may begin.
        cure: What to do about these.
        record: What the ledger is to keep as `schema` of what is published.
    """

    table: TableSpec
    findings: SchemaFindings
    stops: tuple[str, ...] = ()
    cure: str = ""
    record: Document


def judge(snapshot: Snapshot, table: TableSpec, state: Mapping[str, Any]) -> Judged:
    """Judge the columns of a table by its policy for drift.

    Args:
        snapshot: The view of the source that is to be read.
        table: The spec.
        state: The ledger's state of the table; empty before the first sync.
    """
    real = snapshot.columns(table.source)
    evolved = [one for one in _evolved(state) if one.name not in (*table.column_names, *table.ignored)]
    known = drift.extended(table, evolved)
    (findings,) = inspect_schema(snapshot, [known])
    before = _before(state)
    changed = drift.compare(known, real, before)
    stops = findings.stops or changed.broken
    cure = MISSING_CURE if before is None or not real else BROKEN_CURE
    further: list[ColumnSpec] = []
    if changed.new and not stops:
        further, stops, cure = _by_policy(known, changed.new)
    going_on = drift.extended(known, further)
    joined = [*evolved, *(one for one in further if not one.refused)]
    refused = [one for one in further if one.refused]
    accepted = [one for one in real if one.name not in {new.name for new in refused}]
    findings = replace(
        findings,
        unknown=tuple(name for name in findings.unknown if name not in going_on.column_names),
        evolved=tuple(one.name for one in joined),
        refused=tuple(one.name for one in refused),
    )
    record = {
        "retyped": list(findings.retyped),
        "unknown": list(findings.unknown),
        "columns": [{"name": one.name, "sql_type": one.sql_type} for one in accepted],
        "evolved": [_as_document(one, state) for one in joined],
        "refused": [_as_document(one, state) for one in refused],
    }
    return Judged(table=going_on, findings=findings, stops=stops, cure=cure if stops else "", record=record)


def require(judged: Iterable[Judged]) -> None:
    """Raise SourceError naming everything that stops a sync of one of these tables."""
    stopped = [one for one in judged if one.stops]
    if stopped:
        cures = "; ".join(dict.fromkeys(one.cure for one in stopped))
        raise SourceError(" ".join(sentence for one in stopped for sentence in one.stops), cures)


def as_synced(snapshot: Snapshot, table: TableSpec, state: Mapping[str, Any]) -> TableSpec:
    """The table as its last sync moved it; for comparing, repairing and replaying, which leave new columns alone.

    Raises:
        SourceError: The source lacks what the spec describes, or a column was dropped or got another type.
    """
    real = snapshot.columns(table.source)
    there = {column.name for column in real}
    refused = [one for one in _refused(state) if one.name in there]
    synced = drift.extended(table, [*_evolved(state), *refused])
    require_schema(inspect_schema(snapshot, [synced]))
    if broken := drift.compare(synced, real, _before(state)).broken:
        raise SourceError(" ".join(broken), BROKEN_CURE)
    return synced


def as_recorded(table: TableSpec, state: Mapping[str, Any]) -> TableSpec:
    """The table as its last sync moved it, by the ledger alone, for what asks no source."""
    return drift.extended(table, [*_evolved(state), *_refused(state)])


def _by_policy(table: TableSpec, new: Sequence[SourceColumn]) -> tuple[list[ColumnSpec], tuple[str, ...], str]:
    """The columns to go on with, or sentences on why not, with a cure."""
    appeared = f"Table {table.source} has columns that were not there at its last sync: {drift.declared(new)}."
    match table.sync.drift:
        case "evolve":
            unfit = [why for one in new if (why := drift.why_not_added(table, one)) is not None]
            if unfit:
                return [], (appeared, f"{'; '.join(unfit)}."), UNFIT_CURE
            return [drift.joining(one) for one in new], (), ""
        case "quarantine":
            unread = [f"{one.name} is {one.sql_type}, which cannot be read" for one in new if one.reads == frozenset()]
            if unread:
                return [], (appeared, f"{'; '.join(unread)}."), UNFIT_CURE
            return [drift.refused(one) for one in new], (), ""
    return [], (appeared,), FROZEN_CURE


def _before(state: Mapping[str, Any]) -> dict[str, str] | None:
    columns = _schema(state).get("columns")
    return None if columns is None else {one["name"]: one["sql_type"] for one in columns}


def _evolved(state: Mapping[str, Any]) -> list[ColumnSpec]:
    found = [
        SourceColumn(
            name=one["name"],
            sql_type=one["sql_type"],
            nullable=True,
            items=(ValueType(one["items"]),) if one["items"] else (),
            scaffold=ValueType(one["value"]),
        )
        for one in _schema(state).get("evolved", ())
    ]
    return [drift.joining(one) for one in found]


def _refused(state: Mapping[str, Any]) -> list[ColumnSpec]:
    found = _schema(state).get("refused", ())
    return [drift.refused(SourceColumn(one["name"], one["sql_type"], nullable=True)) for one in found]


def _schema(state: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = (state.get("published") or {}).get("schema") or {}
    return schema


def _as_document(column: ColumnSpec, state: Mapping[str, Any]) -> Document:
    earlier = [*_schema(state).get("evolved", ()), *_schema(state).get("refused", ())]
    since = next((one["since"] for one in earlier if one["name"] == column.name), datetime.now(UTC))
    return {
        "name": column.name,
        "sql_type": column.sql_type,
        "value": str(column.value),
        "items": str(column.items) if column.items else None,
        "since": since,
    }

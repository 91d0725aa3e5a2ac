"""Rows in, encoded documents and rejects out: the whole interface between reading and loading.

The bulk path works column by column and validates a batch with one call. When anything in a batch is refused, the
same canonical functions are applied row by row, which finds the row, the column and the reason. Both paths give the
same bytes. What does not belong here: where rows come from, where documents go.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from bson.errors import InvalidDocument
from pydantic import ValidationError

from atlas_pipeline.mapping.bulk import AtOnce, Converted, at_once
from atlas_pipeline.mapping.contract import batch_contract
from atlas_pipeline.mapping.encoding import encode_all
from atlas_pipeline.mapping.fidelity import Fidelity
from atlas_pipeline.mapping.inexact import Note, unnoted
from atlas_pipeline.mapping.lookups import Lookups
from atlas_pipeline.mapping.reject import Reject, RejectCode, ValueRejectedError
from atlas_pipeline.mapping.shape import assemble, document_tree, documents_of
from atlas_pipeline.mapping.unpacking import with_dates
from atlas_pipeline.mapping.values import IDENTITY_TYPES, canonical_of
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.tables import TableSpec

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""Largest document that MongoDB stores, in bytes."""

Row = tuple[Any, ...]


@dataclass(slots=True)
class MappedBatch:
    """What became of one batch of rows. `documents` keep the order of the rows.

    Attributes:
        documents: Canonical documents, BSON encoded, `_id` first.
        ids: `_id` of each document, as Python values.
        rows: The row of each document.
        rejects: Refused rows.
        fidelity: How often a policy of the spec stored something else than the source holds.
        newest: The largest moment of the column `changed_at` in these rows, or None.
    """

    documents: list[bytes] = field(default_factory=list)
    ids: list[Any] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    fidelity: Fidelity = field(default_factory=Fidelity)
    newest: datetime | None = None

    @property
    def truncated(self) -> Counter[str]:
        """Per column, dates that lost their microseconds."""
        return self.fidelity.truncated

    @property
    def adjusted(self) -> Counter[str]:
        """`column: what a policy stored in place of a value` -> how many times."""
        return self.fidelity.adjusted


class Mapper:
    """Maps the rows of one table. Stateless after construction, safe to share between threads.

    Args:
        table: The table spec. Rows hold its columns in the spec's order.
        lookups: What the table needs of other tables; made from the same snapshot as the rows.
    """

    def __init__(self, table: TableSpec, lookups: Lookups | None = None) -> None:
        self.table = table
        self.lookups = lookups = lookups or Lookups()
        self._contract = batch_contract(table)
        convert = [partial(_converter, column, lookups.texts.get(column.name)) for column in table.columns]
        self._convert = [of_column(unnoted) for of_column in convert]
        self._bulk = [
            (position, self._convert[position], at_once(column))
            for position, column in enumerate(table.columns)
            if (column.value not in IDENTITY_TYPES or column.restored_from or column.default or column.refused)
            and column.inexact == "refuse"
        ]
        self._counted = [
            (position, of_column, at_once(column), (column.name, column.inexact))
            for position, (column, of_column) in enumerate(zip(table.columns, convert, strict=True))
            if column.inexact != "refuse"
        ]
        self._tree = document_tree(table, lookups)
        self._fields = ("_id", *self._tree)
        self._replaced = [(i, *case) for i, column in enumerate(table.columns) for case in _replaced(column)]
        names = table.column_names
        self._key_positions = [names.index(name) for name in table.key]
        self._changed_at = names.index(table.changed_at) if table.changed_at else None

    def map_batch(self, rows: Sequence[Row]) -> MappedBatch:
        """Map a batch. Never raises for bad data: a bad row is in `rejects`."""
        if not rows:
            return MappedBatch()
        try:
            return self._map_in_bulk(rows)
        except (ValueRejectedError, ValidationError, InvalidDocument, UnicodeEncodeError, OverflowError):
            return self._map_row_by_row(rows)

    def _map_in_bulk(self, rows: Sequence[Row]) -> MappedBatch:
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        fidelity = Fidelity({said: found for i, raw, said in self._replaced if (found := columns[i].count(raw))})
        for position, convert, whole in self._bulk:
            converted = whole(columns[position]) if whole else None
            columns[position] = list(map(convert, columns[position])) if converted is None else converted[0]
        for position, converter, whole, policy in self._counted:
            columns[position], applied = _counted(columns[position], converter, whole)
            if applied:
                fidelity[policy] = applied
        batch = MappedBatch(ids=self._ids(columns), rows=list(rows), fidelity=fidelity)
        fields = dict(zip(self._fields, map(list, (batch.ids, *assemble(self._tree, columns, fidelity))), strict=True))
        values = self._contract.validate_python(fields).values()
        batch.documents = encode_all(documents_of(self._fields, tuple(values)))
        if max(map(len, batch.documents)) > MAX_DOCUMENT_BYTES:
            raise ValueRejectedError(RejectCode.TOO_LARGE, "the document is over 16 MiB, most of it in this column")
        if self._changed_at is not None:
            batch.newest = max(filter(None, columns[self._changed_at]), default=None)
        return batch

    def _ids(self, columns: list[Sequence[Any]]) -> list[Any]:
        if len(self._key_positions) == 1:
            return list(columns[self._key_positions[0]])
        fields = [column.field for column in self.table.key_columns]
        parts = zip(*(columns[position] for position in self._key_positions), strict=True)
        return [dict(zip(fields, values, strict=True)) for values in parts]

    def _map_row_by_row(self, rows: Sequence[Row]) -> MappedBatch:
        batch = MappedBatch()
        for row in rows:
            column = ""
            try:
                for position, value in enumerate(row):
                    column = self.table.columns[position].name
                    converted = self._convert[position](value)
                    if converted is None and not self.table.columns[position].stores_null:
                        raise ValueRejectedError(RejectCode.NULL_VALUE, "null where the contract requires a value")
                column = ""
                one = self._map_single(row)
            except ValueRejectedError as error:
                batch.rejects.append(self.reject(row, error.column or column, error.code, error.reason))
                continue
            batch.documents += one.documents
            batch.ids += one.ids
            batch.rows.append(row)
            batch.fidelity.update(one.fidelity)
            batch.newest = max(filter(None, (batch.newest, one.newest)), default=None)
        return batch

    def _map_single(self, row: Row) -> MappedBatch:
        try:
            return self._map_in_bulk([row])
        except ValidationError as error:
            details = error.errors(include_input=False)
            places = {(detail["loc"][0], *detail["loc"][2:4]) for detail in details}  # without which document it is
            fields = sorted(".".join(map(str, place)) for place in places)
            raise ValueRejectedError(
                RejectCode.CONTRACT, f"the document contract refuses {', '.join(fields)}"
            ) from None
        except (InvalidDocument, UnicodeEncodeError, OverflowError) as error:
            # Their texts can quote the document, so only the kind of error is kept.
            raise ValueRejectedError(
                RejectCode.CONTRACT, f"BSON cannot hold the document: {type(error).__name__}"
            ) from None

    def _largest(self, row: Row) -> str:
        """The column with the most characters or bytes."""
        sizes = [len(value) if isinstance(value, str | bytes) else 0 for value in row]
        return self.table.column_names[sizes.index(max(sizes))]

    def key_of(self, row: Row) -> Row:
        """The key values of a row, in key order."""
        return tuple(row[position] for position in self._key_positions)

    def reject(self, row: Row, column: str, code: RejectCode, reason: str) -> Reject:
        """A refused row of this table. Of one that is too large as a whole, the column with most of it is named."""
        if code is RejectCode.TOO_LARGE and not column:
            column = self._largest(row)
        return Reject(
            key=self.key_of(row),
            column=column,
            code=code,
            reason=reason,
            row=dict(zip(self.table.column_names, row, strict=True)),
        )


def _converter(column: ColumnSpec, texts: Mapping[int, tuple[str, ...]] | None, note: Note) -> Callable[[Any], Any]:
    canonical = canonical_of(column, note)
    if column.restored_from is not None:
        canonical = _restoring(texts or {}, canonical)
    if column.refused:
        canonical = _refuse
    default = json.loads(column.default) if column.default else None
    empty_is_null, dates = column.empty_is_null, frozenset(column.dates)

    def convert(value: Any) -> Any:
        if value is None or (empty_is_null and value == ""):
            return default
        converted = canonical(value)
        return with_dates(converted, dates) if dates else converted

    return convert


def _counted(
    values: Sequence[Any], converter: Callable[[Note], Callable[[Any], Any]], whole: AtOnce | None
) -> Converted:
    """A column whose policy for what BSON cannot hold is counted."""
    if whole is not None and (converted := whole(values)) is not None:
        return converted
    applied: list[None] = []
    return list(map(converter(applied.append), values)), len(applied)


def _refuse(_value: Any) -> Any:
    raise ValueRejectedError(RejectCode.UNKNOWN_COLUMN, "a value in a column that the spec does not know")


def _replaced(column: ColumnSpec) -> Iterator[tuple[Any, tuple[str, str]]]:
    """Raw values that a policy of the column replaces, and what is said of each."""
    if column.default:
        yield None, (column.name, f"NULL, stored as {column.default}")
    if column.empty_is_null:
        yield "", (column.name, f"empty text, stored as {column.default or 'null'}")


def _restoring(texts: Mapping[int, tuple[str, ...]], canonical: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Turns a number back into the text that the source made it from; text stays as it is."""

    def restore(value: Any) -> Any:
        if type(value) is not int:
            return canonical(value)
        known = texts.get(value, (str(value),))
        if len(known) > 1:
            raise ValueRejectedError(RejectCode.AMBIGUOUS_REFERENCE, f"{len(known)} texts become this number")
        return known[0]

    return restore

"""Comparing a time series: one scan of each side, as a multiset, because the server has no order and no index for it.

Sums over windows of time tell which windows differ; only the documents of those are looked at one by one. What does not
belong here: bringing a time series to what it should be (`atlas_pipeline.load.series_load`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.load.bson_order import id_of, sort_key
from atlas_pipeline.load.repeats import Repeats, time_columns
from atlas_pipeline.load.series_changes import MOST_LOCATED
from atlas_pipeline.load.series_form import LARGEST_DOCUMENT, Moment, fingerprint
from atlas_pipeline.load.window_sums import WindowSums
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.reconcile.differences import Tally
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.walk import Suspect


@dataclass(slots=True)
class SeriesComparison:
    """The comparison of one time series, made once.

    Attributes:
        sides: Both sides of the table.
        tally: What was counted so far.
    """

    sides: Sides
    tally: Tally = field(default_factory=Tally)
    _found: WindowSums = field(default_factory=WindowSums)

    @property
    def digest(self) -> str:
        """Hex digest over the documents, whatever their order; complete after the comparison."""
        return self._found.digest

    def suspects(self) -> Iterator[Suspect]:
        """Compare all documents, and give every key under which the sides differ at first sight.

        Raises:
            DataQualityError: More differs than can be named document by document.
        """
        assert self.sides.series is not None
        expected = WindowSums()
        with closing(self._mapped()) as batches:
            for rows, batch in batches:
                self.tally.rows += rows
                for moment, form in self._forms(batch):
                    expected.add(moment, fingerprint(form))
                yield from self._refused(batch)
        for moment, form in self.sides.series.forms():
            self._found.add(moment, fingerprint(form))
        self.tally.documents = self._found.documents
        windows = frozenset(expected.differing(self._found))
        self.tally.equal = expected.documents
        if windows:
            if sum(expected.count(one) + self._found.count(one) for one in windows) > MOST_LOCATED * 2:
                raise DataQualityError(
                    f"{self.sides.collection.full_name}: {len(windows):,} stretches of time differ, with more than "
                    f"{MOST_LOCATED * 2:,} documents.",
                    "sync the table: it brings a time series to what its table holds",
                )
            yield from self._named(expected, windows)

    def rows_alone(self) -> Iterator[Suspect]:
        """Every row as a suspect without a document, instead of `suspects`: for a time series that is not there yet."""
        with closing(self._mapped()) as batches:
            for rows, batch in batches:
                self.tally.rows += rows
                yield from self._refused(batch)
                yield from (Suspect(id_of(form), form) for _, form in self._forms(batch))

    def _named(self, expected: WindowSums, windows: frozenset[int]) -> Iterator[Suspect]:
        """The documents that differ, of these windows."""
        assert self.sides.series is not None
        missing: Counter[bytes] = Counter()
        for moment, form in self._forms_again():
            if expected.window(moment) in windows:
                missing[fingerprint(form)] += 1
        extra: dict[Any, tuple[Any, bytes]] = {}
        for moment, form in self.sides.series.forms():
            if expected.window(moment) not in windows:
                continue
            print_ = fingerprint(form)
            if missing[print_]:
                missing[print_] -= 1
            else:
                identifier = id_of(form)
                extra[sort_key(identifier)] = identifier, form
        lacking = +missing
        self.tally.equal -= lacking.total()
        for moment, form in self._forms_again():
            if expected.window(moment) in windows and lacking[print_ := fingerprint(form)]:
                lacking[print_] -= 1
                identifier = id_of(form)
                _, there = extra.pop(sort_key(identifier), (None, None))
                yield Suspect(identifier, form, there)
        for identifier, form in extra.values():
            yield Suspect(identifier, actual=form)

    def _mapped(self) -> Generator[tuple[int, MappedBatch]]:
        """All rows in the order of time, as they are loaded: how many, and what became of them."""
        sides = self.sides
        repeated = sides.snapshot.repeated_keys(sides.table) if sides.snapshot.duplicate_keys(sides.table) else ()
        repeats = Repeats(sides.mapper, repeated)
        with closing(read_ahead(sides.snapshot.batches(sides.table, time_columns(sides.table)))) as batches:
            for rows in batches:
                distinct, again = repeats.split(rows)
                batch = sides.mapper.map_batch(distinct)
                batch.rejects += again
                yield len(rows), batch

    def _forms(self, batch: MappedBatch) -> Iterator[tuple[Moment, bytes]]:
        assert self.sides.series is not None
        for document in batch.documents:
            if len(document) <= LARGEST_DOCUMENT:
                yield self.sides.series.form.of_mapped(document)

    def _forms_again(self) -> Iterator[tuple[Moment, bytes]]:
        with closing(self._mapped()) as batches:
            for _, batch in batches:
                yield from self._forms(batch)

    def _refused(self, batch: MappedBatch) -> Iterator[Suspect]:
        """Refused rows that are not in quarantine, and documents that are too large for a time series."""
        large = [
            (self.sides.mapper.key_of(row), identifier)
            for row, identifier, document in zip(batch.rows, batch.ids, batch.documents, strict=True)
            if len(document) > LARGEST_DOCUMENT
        ]
        absent = self.sides.absent_in_quarantine([key for key, _ in large])
        lost = self.sides.lost(batch.rejects)
        self.tally.quarantined += sum(key not in absent for key, _ in large) + len(batch.rejects) - len(lost)
        for key, identifier in large:
            if key in absent:
                yield Suspect(identifier)
        for reject in lost:
            yield Suspect(self.sides.codec.identifier(reject.key), reject=reject)

"""Single documents of a time series, kept while all of it is read: looking them up by key would read it again each
time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from typing_extensions import override

from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.held import Held
from atlas_pipeline.load.series_changes import Changes
from atlas_pipeline.load.series_collection import SeriesCollection
from atlas_pipeline.load.series_form import fingerprint

KEPT_BYTES = 32 * 1024 * 1024
"""Documents that are kept as a whole; of further ones only the fingerprint."""


class HeldFromScan(Held):
    """The documents of a time series under some keys; see `atlas_pipeline.load.held.Held`.

    Args:
        series: The time series.
        keys: Hashes of the keys.
    """

    changes: Changes | None = None
    """What is going to be written when it is published."""

    def __init__(self, series: SeriesCollection, keys: Iterable[bytes]) -> None:
        self._series = series
        self._wanted = frozenset(keys)
        self._forms: dict[bytes, bytes] = {}
        self._prints: dict[bytes, bytes] = {}
        self._room = KEPT_BYTES

    def look_at(self, form: bytes, print_: bytes) -> None:
        """Keep a document, as form and fingerprint, if it is wanted."""
        if not self._wanted or (key := key_hash(form)) not in self._wanted:
            return
        if len(form) <= self._room:
            self._room -= len(form)
            self._forms[key] = form
        else:
            self._prints[key] = print_

    @override
    def form(self, document: bytes) -> bytes:
        return self._series.form.of_mapped(document)[1]

    @override
    def actual(self, ids: Sequence[Any], expected: Sequence[bytes]) -> list[bytes | None]:
        return [self._actual(identifier, document) for identifier, document in zip(ids, expected, strict=True)]

    @override
    def pending(self, expected: bytes) -> bool:
        return self.changes is not None and self.changes.pending(self._series.form.of_mapped(expected)[0])

    def _actual(self, identifier: Any, expected: bytes) -> bytes | None:
        key = key_hash(expected)
        if key in self._prints:
            form = self.form(expected)
            if fingerprint(form) == self._prints[key]:
                return form
            return next((found for _, found in self._series.forms({"_id": identifier})), None)
        return self._forms.get(key)

"""Where a time series differs from what was mapped, and what it takes to bring it there.

What belongs here: finding out, without a write. What does not: doing it (`series_load`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.foreign import ForeignWatch
from atlas_pipeline.load.series_collection import SeriesCollection
from atlas_pipeline.load.series_form import Moment, fingerprint
from atlas_pipeline.load.window_sums import WindowSums

MOST_GROUPS = 10_000
"""Meta groups that are rewritten one by one; more, and the time series is built anew."""
MOST_LOCATED = 200_000
"""Documents that are held in memory, as fingerprints, to find out which of them differ."""


class Changes:
    """The differences of one time series, found in the windows that are not equal.

    Args:
        series: The time series.
        expected: Sums of what was mapped.
        found: Sums of what is there.
        windows: The windows in which they differ.
        since: Nothing before this moment was summed up; None for all.

    Attributes:
        rebuild: Whether too much differs to change it group by group.
        extra: Documents that are there and should not be.
        metas: The meta values of those, each as an encoded document of that one field.
        extra_keys: Key hashes of those.
    """

    def __init__(
        self,
        series: SeriesCollection,
        expected: WindowSums,
        found: WindowSums,
        windows: list[int],
        since: Moment | None = None,
    ) -> None:
        self._series, self._expected, self._found, self._since = series, expected, found, since
        self._windows = frozenset(windows)
        self._mixed = frozenset(one for one in windows if expected.count(one) and found.count(one))
        self._missing: set[bytes] = set()
        self.metas: set[bytes] = set()
        self.extra_keys: set[bytes] = set()
        self.extra = 0
        self.rebuild = sum(map(expected.count, self._mixed)) > MOST_LOCATED

    def locate(self, documents: Iterable[bytes], watch: ForeignWatch | None) -> None:
        """Find the differing documents.

        Args:
            documents: All mapped documents.
            watch: Is shown every document that could be foreign; None when the policy does not mind them.
        """
        if not self.rebuild and self._mixed:
            for document in documents:
                moment, form = self._series.form.of_mapped(document)
                if self._expected.window(moment) in self._mixed and self.pending(moment):
                    self._missing.add(fingerprint(form))
        since = self._since
        stretches = self._stretches()
        if since is not None:
            stretches = ((max(start, since), end) for start, end in stretches)
        for moment, form in self._series.between(stretches, since):
            if self.pending(moment):
                self._judge(form, watch)

    def pending(self, moment: Moment) -> bool:
        """Whether documents of this moment may still be written."""
        early = self._since is not None and moment < self._since
        return not early and self._expected.window(moment) in self._windows

    def is_missing(self, moment: Moment, form: bytes) -> bool:
        """Whether a mapped document is not there."""
        if not self.pending(moment):
            return False
        return self._expected.window(moment) not in self._mixed or fingerprint(form) in self._missing

    def _judge(self, form: bytes, watch: ForeignWatch | None) -> None:
        print_ = fingerprint(form)
        if print_ in self._missing:  # it is there; a second one of it is one too many
            self._missing.remove(print_)
            return
        if watch is not None:
            watch.look_at(form)
        if self.rebuild:
            return
        self.extra += 1
        self.extra_keys.add(key_hash(form))
        self.metas.add(self._series.form.meta_of(form))
        if len(self.metas) > MOST_GROUPS or len(self.extra_keys) > MOST_LOCATED:
            self.rebuild = True

    def _stretches(self) -> Iterator[tuple[Moment, Moment]]:
        """The differing windows in which documents are, neighbours as one."""
        width = self._expected.width_ms
        first: int | None = None
        last = 0
        for window in sorted(one for one in self._windows if self._found.count(one)):
            if first is not None and window != last + 1:
                yield first * width, (last + 1) * width
                first = None
            first = window if first is None else first
            last = window
        if first is not None:
            yield first * width, (last + 1) * width

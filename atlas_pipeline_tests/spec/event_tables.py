"""Tables of events in which nothing is wrong but what a test makes wrong.

What belongs here: two small specs with room for a test's own columns and fields. What does not: tests.
"""

from __future__ import annotations

from typing import Any

from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.document import FieldSpec
from atlas_pipeline.spec.shapes import field
from atlas_pipeline.spec.shorthand import text, utc
from atlas_pipeline.spec.storage import TimeSeries
from atlas_pipeline.spec.tables import TableSpec


def events(*document: FieldSpec, columns: tuple[ColumnSpec, ...] = (), **changes: Any) -> TableSpec:
    """A table of an id, the columns and `at`, all of which have a place in the document."""
    document += (field("at"),)
    return TableSpec(
        source="events",
        collection="c",
        key=("id",),
        columns=(text("id"), utc("at"), *columns),
        document=document,
        **changes,
    )


def series(time: str = "at", meta: str = "meta", **changes: Any) -> TableSpec:
    """A time series of events, with a moment that may be null."""
    options = TimeSeries(time_field=time, meta_field=meta, granularity="seconds")
    fields = (field("meta.id", "id"), field("end"))
    return events(*fields, columns=(utc("end", nullable=True),), storage="time_series", time_series=options, **changes)

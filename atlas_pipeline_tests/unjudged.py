"""Tables whose collections have no validator, so that a test can put into them what it wants.

What belongs here: the short way to describe one. What does not: any table.
"""

from __future__ import annotations

from typing import Any

from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.sync import SyncPolicy, Validator
from atlas_pipeline.spec.tables import TableSpec

UNJUDGED = SyncPolicy(validator=Validator(level="off"))


def table(name: str, *columns: ColumnSpec, key: tuple[str, ...] = ("id",), **more: Any) -> TableSpec:
    """A table, called alike on both sides unless `more`, which is for `TableSpec`, says otherwise."""
    given = {"source": name, "collection": name, "sync": UNJUDGED, **more}
    return TableSpec(key=key, columns=columns, **given)

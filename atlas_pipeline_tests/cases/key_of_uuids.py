"""UUIDs as keys, in the order of their bytes."""

from __future__ import annotations

from uuid import UUID

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "UUIDs as keys",
    (ColumnSpec(name="k", sql_type="UUID", value=ValueType.UUID),),
    ((UUID(int=0),), Lands("binData", UUID(int=0))),
    ((UUID(int=2**127),), Lands("binData", UUID(int=2**127))),
    ((UUID(int=2**128 - 1),), Lands("binData", UUID(int=2**128 - 1))),
    absent={"sqlite": "its UUIDs are texts, see the case of their spellings as keys"},
    neighbour_key=(UUID(int=7),),
    ways=WAYS,
)

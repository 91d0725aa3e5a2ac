"""MongoDB takes no array for an `_id`."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="An array as a key",
    specs=lambda: table(
        ColumnSpec(name="k", sql_type="INTEGER[]", value=ValueType.ARRAY, items=ValueType.INTEGER), key=("k",)
    ),
    because="key column k is array",
)

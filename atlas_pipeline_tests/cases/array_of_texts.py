"""Texts that look like the way in which PostgreSQL writes arrays."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Arrays of texts",
    ColumnSpec(name="v", sql_type="TEXT[]", value=ValueType.ARRAY, items=ValueType.TEXT),
    (["a", "", " "], Lands("array", ["a", "", " "])),
    (["NULL", None, "null"], Lands("array", ["NULL", None, "null"])),
    (["{", "}", ",", '"', "\\", "🎉"], Lands("array", ["{", "}", ",", '"', "\\", "🎉"])),
    absent={"sqlite": "it has no arrays"},
)

"""PostgreSQL's arrays may begin at any number; BSON's begin at 0. The items arrive in order."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import Lands, Sql
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Arrays that do not begin at 1",
    ColumnSpec(name="v", sql_type="INTEGER[]", value=ValueType.ARRAY, items=ValueType.INTEGER),
    (Sql("'[0:1]={1,2}'::int[]"), Lands("array", [1, 2])),
    (Sql("'[-5:-4]={1,2}'::int[]"), Lands("array", [1, 2])),
    absent={"sqlite": "it has no arrays"},
)

"""A column may name what stands for NULL; the run counts where it was."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "NULL in a column with a default",
    integer("v", default="0"),
    (None, Lands("int", 0)),
    (0, Lands("int", 0)),
    (5, Lands("int", 5)),
    touched=1,
)

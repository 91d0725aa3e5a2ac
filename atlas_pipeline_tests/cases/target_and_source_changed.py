"""Rows that are new, gone and changed at the source since the load."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import Found, Lands, Plant, Row
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Rows changed at the source",
    integer("v", nullable=True),
    (1, Lands("int", 1)),
    (2, Lands("int", 2)),
    (None, Lands("null")),
    plants=(
        Plant(
            says="one new, one gone, one changed",
            source=(
                "INSERT INTO {table} (id, v) VALUES (9, 9)",
                "DELETE FROM {table} WHERE id = 2",
                "UPDATE {table} SET v = 0 WHERE id = 3",
            ),
            finds=(Found("missing_in_target", 9), Found("extra_in_target", 2), Found("value", 3, ("v",))),
            then=(
                Row(values=(1, 1), outcome={"_id": Lands("int", 1), "v": Lands("int", 1)}),
                Row(values=(3, 0), outcome={"_id": Lands("int", 3), "v": Lands("int", 0)}),
                Row(values=(9, 9), outcome={"_id": Lands("int", 9), "v": Lands("int", 9)}),
            ),
        ),
    ),
)

"""A table that declares no key can name columns whose values are unique."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "A table without a primary key whose spec chooses one",
    (text("code"), text("kind")),
    (("x", "1"), Lands("object", {"code": "x", "kind": "1"})),
    (("x", "2"), Lands("object", {"code": "x", "kind": "2"})),
    neighbour_key=("z", "z"),
)

"""MongoDB orders bytes by their length first; no SQL database does."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "Bytes as keys",
    (column(ValueType.BINARY, sqlite="BLOB", postgresql="BYTEA", name="k"),),
    ((b"",), Lands("binData", b"")),
    ((b"\0\0",), Lands("binData", b"\0\0")),
    ((b"\1",), Lands("binData", b"\1")),
    ((b"\xff",), Lands("binData", b"\xff")),
    ((b"abc",), Lands("binData", b"abc")),
    neighbour_key=(b"z",),
    ways=WAYS,
)

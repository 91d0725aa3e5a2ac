"""No bytes, every byte, and bytes that look like text."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Bytes",
    column(ValueType.BINARY, sqlite="BLOB", postgresql="BYTEA", nullable=True),
    (b"", Lands("binData", b"")),
    (bytes(range(256)), Lands("binData", bytes(range(256)))),
    (b"abc", Lands("binData", b"abc")),
    (b"\0", Lands("binData", b"\0")),
    (None, Lands("null")),
    ways=WAYS,
)

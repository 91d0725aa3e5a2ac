"""A large value of bytes."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Made
from atlas_pipeline_tests.cases.making import column, values

LENGTH = 8 * 1024 * 1024

CASE = values(
    "Bytes of 8 MiB",
    column(ValueType.BINARY, sqlite="BLOB", postgresql="BYTEA"),
    (
        Made("8 MiB", lambda: bytes(range(256)) * (LENGTH // 256)),
        Lands("binData", Made("the same", lambda: bytes(range(256)) * (LENGTH // 256))),
    ),
    (b"x", Lands("binData", b"x")),
    ways=("in bulk",),
)

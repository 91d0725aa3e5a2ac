"""Almost a UUID."""

from __future__ import annotations

from uuid import UUID

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Text in a column of UUIDs",
    column(ValueType.UUID, sqlite="TEXT", postgresql="UUID"),
    ("6f1c1b1e-aaaa-4000-8000-0000000000f", Per(Rejected(RejectCode.NOT_UUID), Unheld("it is short of a digit"))),
    ("urn:uuid:6f1c1b1e-aaaa-4000-8000-0000000000ff", Per(Rejected(RejectCode.NOT_UUID), Unheld("it is a URN"))),
    ("", Per(Rejected(RejectCode.NOT_UUID), Unheld("it is empty"))),
    (b"\0" * 16, Per(Rejected(RejectCode.NOT_UUID), Unheld("it is bytes"))),
    ("ffffffff-ffff-ffff-ffff-ffffffffffff", Lands("binData", UUID(int=2**128 - 1))),
)

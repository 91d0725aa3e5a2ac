"""One UUID, however it is spelled, as far as nothing has to be guessed."""

from __future__ import annotations

from uuid import UUID

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Rejected
from atlas_pipeline_tests.cases.making import column, values

ONE = UUID("6f1c1b1e-aaaa-4000-8000-0000000000ff")

CASE = values(
    "Spellings of a UUID",
    column(ValueType.UUID, sqlite="CHAR(36)", postgresql="UUID"),
    ("6f1c1b1e-aaaa-4000-8000-0000000000ff", Lands("binData", ONE)),
    ("6F1C1B1E-AAAA-4000-8000-0000000000FF", Lands("binData", ONE)),
    ("6f1c1b1eaaaa400080000000000000ff", Lands("binData", ONE)),
    ("{6f1c1b1e-aaaa-4000-8000-0000000000ff}", Per(Rejected(RejectCode.NOT_UUID), Lands("binData", ONE))),
    ("00000000-0000-0000-0000-000000000000", Lands("binData", UUID(int=0))),
    ways=WAYS,
)

"""A column may say which keys hold moments. They become dates where milliseconds hold them, and else stay text."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments in JSON",
    column(ValueType.JSON_OBJECT, sqlite="TEXT", postgresql="JSON", dates=("at",)),
    ('{"at": "2026-01-01T00:00:00Z"}', Lands("object", {"at": datetime(2026, 1, 1, tzinfo=UTC)})),
    ('{"x": [{"at": "2026-01-01T02:00+02:00"}]}', Lands("object", {"x": [{"at": datetime(2026, 1, 1, tzinfo=UTC)}]})),
    ('{"at": "2026-01-01T00:00:00.123456Z"}', Lands("object", {"at": "2026-01-01T00:00:00.123456Z"})),
    ('{"at": "soon", "by": "2026-01-01T00:00:00Z"}', Lands("object", {"at": "soon", "by": "2026-01-01T00:00:00Z"})),
)

"""The expectation that every value of a field has one of the BSON types that its spec allows.

What belongs here: expectations of our own, which Great Expectations finds by their class once this module is imported.
Defining them costs the import of Great Expectations, so only `project` imports this module, and inside a function. What
does not: which field gets which expectation (`suites`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd  # noqa: TID253 - see the charter
from great_expectations.core.metric_domain_types import MetricDomainTypes  # noqa: TID253
from great_expectations.execution_engine import PandasExecutionEngine  # noqa: TID253
from great_expectations.expectations.expectation import ColumnAggregateExpectation  # noqa: TID253
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value  # noqa: TID253

from atlas_pipeline.quality.bson_types import bson_type_name
from atlas_pipeline.quality.suites import EXAMPLES

_METRIC = "column.bson_types_by_key"


class ColumnBsonTypesByKey(MetricProvider):  # type: ignore[misc]
    """BSON type name of each value of a column that was read, as `(_id, name)` pairs in the order of the rows.

    One metric per field instead of the dozen of a map expectation, which would take most of the time of a run.
    """

    metric_name = _METRIC
    domain_keys = ("batch_id", "column")
    value_keys = ()

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(
        cls,  # noqa: N805 - Great Expectations hands over the class
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        **_: Any,
    ) -> list[tuple[Any, str]]:
        frame, _, accessor = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.COLUMN)
        values = zip(frame["_id"], frame[accessor["column"]], strict=True)
        return [(key, bson_type_name(value)) for key, value in values if value is not pd.NA]


class ExpectColumnValuesToHaveBsonType(ColumnAggregateExpectation):  # type: ignore[misc]
    """Expect every value, null and missing ones included, to have one of the given BSON types.

    The unexpected values in a result are type names: they say what is wrong, and no value leaves the frame.

    Args:
        column: The field.
        bson_types: Type names as `$type` spells them; `null` says that null is legal.
    """

    bson_types: list[str]

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "column")
    success_keys: ClassVar[tuple[str, ...]] = ("bson_types",)
    args_keys: ClassVar[tuple[str, ...]] = ("column", "bson_types")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002 - the signature is inherited
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        allowed = frozenset(self.bson_types)
        types = metrics[_METRIC]
        unexpected = [(key, name) for key, name in types if name not in allowed]
        return {
            "success": not unexpected,
            "result": {
                "element_count": len(types),
                "unexpected_count": len(unexpected),
                "unexpected_percent": 100 * len(unexpected) / len(types) if types else 0.0,
                "partial_unexpected_list": [name for _, name in unexpected[:EXAMPLES]],
                "partial_unexpected_index_list": [
                    {"_id": key, self.column: name} if self.column != "_id" else {"_id": key}
                    for key, name in unexpected[:EXAMPLES]
                ],
            },
        }

"""The document contract: what a document of a collection may look like, in Pydantic, made from the table spec once.

Strict and closed: no conversion happens here, an unknown field is refused. A whole batch is validated by one call,
without a model object per row.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Optional

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("null where the contract requires a value")
    return value


_ANNOTATIONS: dict[ValueType, Any] = {
    ValueType.TEXT: str,
    ValueType.INTEGER: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)],
    ValueType.DOUBLE: float,
    ValueType.BOOLEAN: bool,
    ValueType.DATETIME: AwareDatetime,
    ValueType.JSON: Annotated[Any, AfterValidator(_not_null)],  # Any alone takes null too
    ValueType.JSON_OBJECT: dict[str, Any],
    ValueType.JSON_ARRAY: list[Any],
}


@lru_cache(maxsize=256)
def batch_contract(table: TableSpec) -> TypeAdapter[list[dict[str, Any]]]:
    """The compiled contract of a batch of documents of this table."""
    if len(table.key) == 1:
        key: Any = _annotation(table.key_columns[0])
    else:
        key = _typed_dict(f"{table.collection}_id", {column.field: _annotation(column) for column in table.key_columns})
    body = {column.field: _annotation(column) for column in table.body_columns}
    document: Any = _typed_dict(table.collection, {"_id": key, **body})
    adapter: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[document])
    return adapter


def json_schema(table: TableSpec) -> dict[str, Any]:
    """JSON schema of one document, for people and other tools."""
    schema = batch_contract(table).json_schema()
    return {"$defs": schema.get("$defs", {}), **schema["items"]}


def _annotation(column: ColumnSpec) -> Any:
    annotation = _ANNOTATIONS[column.value]
    return Optional[annotation] if column.nullable else annotation  # noqa: UP045 - the type is a run-time value


def _typed_dict(name: str, fields: dict[str, Any]) -> Any:
    make: Any = TypedDict  # the functional form with names that are known at run time only
    contract = make(name, fields)
    contract.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
    return contract

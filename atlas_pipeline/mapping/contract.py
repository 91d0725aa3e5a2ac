"""The document contract: what a document of a collection may look like, in Pydantic, made from the table spec once.

Strict and closed: no conversion happens here, an unknown field is refused. A whole batch is validated by one call,
field by field, without an object per document.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Optional, Union

from bson import Binary, Decimal128
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, InstanceOf, TypeAdapter
from typing_extensions import TypedDict

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.document import FieldSpec, leaves_of, may_be_absent
from atlas_pipeline.spec.expressions import FirstOf, Unpacked
from atlas_pipeline.spec.tables import TableSpec


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("null where the contract requires a value")
    return value


_ANNOTATIONS: dict[ValueType, Any] = {
    ValueType.TEXT: str,
    ValueType.INTEGER: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)],
    ValueType.DOUBLE: float,
    ValueType.DECIMAL: InstanceOf[Decimal128],
    ValueType.BOOLEAN: bool,
    ValueType.DATETIME: AwareDatetime,
    ValueType.DATE: AwareDatetime,
    ValueType.UUID: InstanceOf[Binary],
    ValueType.BINARY: bytes,
    ValueType.ARRAY: list[Any],
    ValueType.TEXT_LIST: list[str],
    ValueType.JSON: Annotated[Any, AfterValidator(_not_null)],  # Any alone takes null too
    ValueType.JSON_OBJECT: dict[str, Any],
    ValueType.JSON_ARRAY: list[Any],
}


@lru_cache(maxsize=256)
def batch_contract(table: TableSpec) -> TypeAdapter[dict[str, list[Any]]]:
    """The compiled contract of a batch of documents of this table: field -> its value in each document."""
    fields = {name: list[of_field] for name, of_field in _fields(table).items()}  # type: ignore[valid-type]
    adapter: TypeAdapter[dict[str, list[Any]]] = TypeAdapter(_typed_dict(table.collection, fields))
    return adapter


def json_schema(table: TableSpec) -> dict[str, Any]:
    """JSON schema of one document, for people and other tools."""
    document: Any = _typed_dict(table.collection, _fields(table))
    schema = TypeAdapter(list[document]).json_schema()
    return {"$defs": schema.get("$defs", {}), **schema["items"]}


def _fields(table: TableSpec) -> dict[str, Any]:
    """Annotations of all fields of a document, in their order."""
    if len(table.key) == 1:
        key: Any = _annotation(table.key_columns[0])
    else:
        key = _typed_dict(f"{table.collection}_id", {column.field: _annotation(column) for column in table.key_columns})
    return {"_id": key, **_parts(table)}


def _parts(table: TableSpec) -> dict[str, Any]:
    """Annotations of all fields beside `_id`, sub-documents as contracts of their own."""
    columns = {column.name: column for column in table.columns}
    tree: dict[str, Any] = {}
    for field in table.document:
        *above, name = field.path.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[name] = _of_field(field, columns)
    return {name: _folded(f"{table.collection}.{name}", node) for name, node in tree.items()}


def _folded(name: str, node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return _typed_dict(name, {part: _folded(f"{name}.{part}", below) for part, below in node.items()})


def _of_field(field: FieldSpec, columns: dict[str, ColumnSpec]) -> Any:
    unpacked = field.source.choices if isinstance(field.source, FirstOf) else (field.source,)
    if not isinstance(unpacked[0], Unpacked):
        (leaf,) = leaves_of(field, columns)
        return _optional(_or_text(leaf.value, leaf.or_text), leaf.nullable)
    parts: dict[str, Any] = {}
    for choice in unpacked:
        assert isinstance(choice, Unpacked)
        for member in choice.members:
            parts[member.name] = _optional(_ANNOTATIONS[member.value], member.nullable)
        if choice.rest:
            parts[choice.rest] = dict[str, Any]
    return _optional(_typed_dict(field.path, parts), may_be_absent(field, columns))


def _annotation(column: ColumnSpec) -> Any:
    return _optional(_or_text(column.value, column.or_text), column.stores_null)


def _or_text(value: ValueType, or_text: bool) -> Any:
    annotation = _ANNOTATIONS[value]
    return Union[annotation, str] if or_text else annotation  # noqa: UP007 - the type is a run-time value


def _optional(annotation: Any, nullable: bool) -> Any:
    return Optional[annotation] if nullable else annotation  # noqa: UP045 - the type is a run-time value


def _typed_dict(name: str, fields: dict[str, Any]) -> Any:
    make: Any = TypedDict  # the functional form with names that are known at run time only
    contract = make(name, fields)
    contract.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
    return contract

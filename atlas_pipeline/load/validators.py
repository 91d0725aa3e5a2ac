"""The `$jsonSchema` validator of a collection: made from the spec, put on, and kept apart from those of other people.

It says what the mapping promises of every document: its fields, and the BSON types that each may have. What the spec
only believes of the values (allowed words, bounds, lengths) is not in it, for rows with other values are loaded and
warned of. The ledger knows the digest of each validator that this pipeline put on the collection, before it does; any
other one is somebody else's, and stays. What does not belong here: judging single documents (`atlas_pipeline.mapping`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pymongo.collection import Collection
from pymongo.database import Database

from atlas_pipeline.load.evolution import as_recorded
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.target import collection_info
from atlas_pipeline.spec.columns import BSON_TYPES, ColumnSpec, ValueType, bson_types
from atlas_pipeline.spec.document import FieldSpec, leaves_of, may_be_absent
from atlas_pipeline.spec.expressions import FirstOf, Unpacked
from atlas_pipeline.spec.sync import DELETED_AT
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]
State = Literal["none", "as specified", "applied", "changed", "removed", "kept", "waiting"]

OPTIONS = ("validator", "validationLevel", "validationAction")
"""The options of a collection that make up its validator."""
KEPT = "a validator that this pipeline did not make was left alone; take it off to have the spec's"
TITLE = "What the pipeline's table spec says of a document"


@dataclass(frozen=True, slots=True)
class ValidatorState:
    """How it stands with the validator of a collection.

    Attributes:
        state: `none`: there is none and should be none. `as specified`: the spec's was there. `applied`: it was put on
            a collection that had none. `changed`: it replaced an earlier one of this pipeline. `removed`: such a one
            was taken off, as the policy wants none. `kept`: somebody else's is there, and was left alone. `waiting`:
            the documents are those of an earlier spec, and so is the validator until the next sync.
        told: The same in a sentence, for people.
    """

    state: State
    told: str


def ensure_validator(database: Database[Document], table: TableSpec, ledger: TableLedger) -> ValidatorState:
    """Let a live collection have the validator of its spec, unless somebody else put another one there.

    Args:
        database: Target database.
        table: The table as it is synced.
        ledger: The table's ledger; it learns of a validator before the collection gets it.

    Raises:
        PyMongoError: The server refused. The caller translates it.
    """
    live = live_options(collection_info(database, table.collection))
    wanted, state = _judge(table, live, ledger)
    if state.state in ("applied", "changed", "removed"):
        _remember(wanted, ledger)
        off = {"validator": {}, "validationLevel": "strict", "validationAction": "error"}
        database.command("collMod", table.collection, **(wanted or off))
    return state


def confirm_validator(database: Database[Document], table: TableSpec, ledger: TableLedger) -> ValidatorState:
    """The same for a collection that is published, unless the spec has changed since.

    Args:
        database: Target database.
        table: The spec.
        ledger: The table's ledger.

    Raises:
        PyMongoError: The server refused. The caller translates it.
    """
    state = ledger.state()
    synced = as_recorded(table, state)
    if (state.get("published") or {}).get("spec") != synced.fingerprint:
        return ValidatorState("waiting", "no sync was published by the spec as it is now; the next one brings it")
    return ensure_validator(database, synced, ledger)


def look_at_validator(database: Database[Document], table: TableSpec, ledger: TableLedger) -> ValidatorState:
    """How it stands with the validator of a live collection; `applied`, `changed` and `removed` are to be done yet."""
    return _judge(table, live_options(collection_info(database, table.collection)), ledger)[1]


def options_to_create(table: TableSpec, live: Mapping[str, Any], ledger: TableLedger) -> Document:
    """The validator options of a collection that is to replace the live one.

    Args:
        table: The table as it is synced.
        live: Options of the live collection; empty when there is none.
        ledger: The table's ledger; it learns of the validator now.
    """
    wanted, state = _judge(table, live_options({"options": live}), ledger)
    if state.state == "kept":
        return {name: live[name] for name in OPTIONS if name in live}
    _remember(wanted, ledger)
    return wanted


def without_ours(options: Document, ledger: TableLedger) -> Document:
    """Options to create a collection with that only this pipeline fills, by mapping that keeps to the validator of the
    spec by itself: without that validator, which costs the server half as much again per insert. It has to be put on
    before anybody else can write. Somebody else's validator stays: nobody promises to keep to that one.
    """
    validator = live_options({"options": options})
    ours = ledger.state().get("validators", ())
    if not validator or digest_of(validator["validator"]) not in ours:
        return options
    return {name: value for name, value in options.items() if name not in OPTIONS}


def put_on(collection: Collection[Any], options: Mapping[str, Any]) -> None:
    """Let a collection have the validator that is among these options, if it has none yet."""
    wanted = live_options({"options": options})
    if wanted and live_options(collection_info(collection.database, collection.name)) != wanted:
        collection.database.command("collMod", collection.name, **wanted)


def live_options(info: Mapping[str, Any] | None) -> Document:
    """The validator options that a server tells of a collection, complete; empty when it has no validator."""
    options = (info or {}).get("options", {})
    if not options.get("validator"):
        return {}
    return {
        "validator": options["validator"],
        "validationLevel": options.get("validationLevel", "strict"),
        "validationAction": options.get("validationAction", "error"),
    }


def wanted_options(table: TableSpec) -> Document:
    """The validator options that a table's collection should have; empty for none. No time series takes one."""
    policy = table.sync.validator
    if policy.level == "off" or table.storage == "time_series":
        return {}
    return {
        "validator": validator_of(table),
        "validationLevel": policy.level,
        "validationAction": policy.action,
    }


def _judge(table: TableSpec, live: Document, ledger: TableLedger) -> tuple[Document, ValidatorState]:
    wanted = wanted_options(table)
    if live == wanted:
        told = f"{wanted['validationLevel']}, {wanted['validationAction']}" if wanted else "no validator"
        return wanted, ValidatorState("as specified" if wanted else "none", told)
    if not live:
        return wanted, ValidatorState("applied", "the spec's validator")
    ours = {*ledger.state().get("validators", ()), *([digest_of(wanted["validator"])] if wanted else [])}
    if digest_of(live["validator"]) not in ours:
        return wanted, ValidatorState("kept", KEPT)
    if not wanted:
        return wanted, ValidatorState("removed", "an earlier validator of this pipeline; the policy wants none")
    return wanted, ValidatorState("changed", "the spec's validator in place of an earlier one")


def _remember(options: Document, ledger: TableLedger) -> None:
    if options:
        made = digest_of(options["validator"])
        ledger.tables.update_one({"_id": ledger.table_id}, {"$addToSet": {"validators": made}})


def digest_of(validator: Mapping[str, Any]) -> str:
    """Sixteen hex digits that tell validators apart, whatever the order of their keys."""
    text = json.dumps(validator, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def validator_of(table: TableSpec) -> Document:
    """The validator of a table's collection. Every canonical document holds to it, with and without its companions."""
    return json.loads(_validator_text(table))  # type: ignore[no-any-return]  # a copy of its own for each caller


@lru_cache(maxsize=256)
def _validator_text(table: TableSpec) -> str:
    columns = {column.name: column for column in table.columns}
    tree: Document = {"_id": _key(table)}
    for field in table.document:
        *above, name = field.path.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[name] = _Schema(_of_field(field, columns))
    schema = _object({name: _folded(node) for name, node in tree.items()})
    schema["properties"] |= _companions(table)
    return json.dumps({"$jsonSchema": {"title": TITLE, **schema}})


class _Schema(dict[str, Any]):
    """A finished schema, told from a node of the tree."""


def _folded(node: Document) -> Document:
    return dict(node) if isinstance(node, _Schema) else _object({name: _folded(below) for name, below in node.items()})


def _object(properties: Document, *, absent: bool = False) -> Document:
    """A sub-document of exactly these fields, or null where it may be absent as a whole."""
    return {
        "bsonType": ["object", "null"] if absent else "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def _key(table: TableSpec) -> _Schema:
    if len(table.key) == 1:
        return _Schema(_typed(table.key_columns[0].bson_types))
    return _Schema(_object({column.field: _typed(column.bson_types) for column in table.key_columns}))


def _companions(table: TableSpec) -> Document:
    """Fields beside the canonical document. Nobody but the pipeline needs them, so none is required."""
    fields: Document = {}
    if table.embedding is not None:
        fields |= {table.embedding.path: _typed(("array", "null")), table.embedding.info_path: _typed(("object",))}
    if table.sync.deletes == "soft":
        fields[DELETED_AT] = _typed(("date",))
    return fields


def _of_field(field: FieldSpec, columns: Mapping[str, ColumnSpec]) -> Document:
    choices = field.source.choices if isinstance(field.source, FirstOf) else (field.source,)
    if not isinstance(choices[0], Unpacked):
        (leaf,) = leaves_of(field, columns)
        text_items = any(columns[name].inexact == "text" for name in leaf.columns)
        return _typed(leaf.bson_types) | _items(leaf.value, leaf.items, text_items=text_items)
    parts: Document = {}
    for choice in choices:
        assert isinstance(choice, Unpacked)
        for member in choice.members:
            typed = _typed(bson_types(member.value, or_text=False, nullable=member.nullable))
            parts[member.name] = typed | _items(member.value, None, text_items=False)
        if choice.rest:
            parts[choice.rest] = _typed(("object",))
    return _object(parts, absent=may_be_absent(field, columns))


def _typed(names: tuple[str, ...]) -> Document:
    return {"bsonType": names[0] if len(names) == 1 else list(names)}


def _items(value: ValueType, items: ValueType | None, *, text_items: bool) -> Document:
    """What an array may hold, as far as the spec knows. An array of one type may be of any depth, and hold nulls."""
    if value is ValueType.TEXT_LIST:
        return {"items": _typed(BSON_TYPES[ValueType.TEXT])}
    if value is not ValueType.ARRAY or items is None:
        return {}
    known = dict.fromkeys((*bson_types(items, or_text=text_items, nullable=True), "array"))
    return {"items": _typed(tuple(known))}

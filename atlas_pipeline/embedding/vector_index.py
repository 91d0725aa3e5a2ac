"""The vector search index of a table, where the server can build one, and the exact command where it cannot.

Only the codes by which servers say that they have no vector search mean "cannot"; any other error is an error. What
does not belong here: searching (`search` works on every server), and ordinary indexes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from pymongo.collection import Collection
from pymongo.errors import OperationFailure
from pymongo.operations import SearchIndexModel

from atlas_pipeline.errors import TargetError
from atlas_pipeline.spec.storage import Embedding

_TYPE = "vectorSearch"
_CANNOT = {
    59: "the server does not know search indexes (CommandNotFound)",
    115: "the server does not support search indexes (CommandNotSupported)",
    31082: "search is not enabled on the server (SearchNotEnabled)",
    40324: "the server does not know search indexes (no stage $listSearchIndexes)",
    6047401: "the server lists search indexes on Atlas only",
}


State = Literal["ready", "building", "missing", "pending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndexState:
    """How it stands with a vector search index.

    Attributes:
        name: Index name.
        state: `ready`: it can be searched; `building`: the server works on it; `missing`: the server could build it and
            does not have it; `pending`: this server cannot build it.
        definition: The index, as `createSearchIndex` takes it.
        command: What creates it in mongosh, on a server that can.
        reason: Why it is in that state.
    """

    name: str
    state: State
    definition: dict[str, Any]
    command: str
    reason: str


def definition_of(embedding: Embedding) -> dict[str, Any]:
    """The index of an embedding: its vector, and the fields by which a search may be narrowed."""
    vector = {
        "type": "vector",
        "path": embedding.path,
        "numDimensions": embedding.dimensions,
        "similarity": embedding.index.similarity,
    }
    return {"fields": [vector, *({"type": "filter", "path": path} for path in embedding.index.filters)]}


def command_of(database: str, collection: str, embedding: Embedding) -> str:
    """The mongosh command that creates the index."""
    names = [json.dumps(name) for name in (database, collection, embedding.index.name, _TYPE)]
    return (
        f"db.getSiblingDB({names[0]}).getCollection({names[1]})"
        f".createSearchIndex({names[2]}, {names[3]}, {json.dumps(definition_of(embedding))})"
    )


def ensure_vector_index(
    collection: Collection[dict[str, Any]], embedding: Embedding, *, comment: str = ""
) -> VectorIndexState:
    """Create the vector search index unless it is there, and say how it stands. Does not wait for it.

    Args:
        collection: The live collection, which exists.
        embedding: The table's embedding.
        comment: Run id, shown in the server's log and current operations.

    Raises:
        TargetError: Another index has its name, or the server could not build it.
        OperationFailure: The server refused for any other reason than that it has no vector search.
    """
    try:
        found = _listed(collection, embedding, comment)
        if found is None:
            model = SearchIndexModel(definition=definition_of(embedding), name=embedding.index.name, type=_TYPE)
            collection.create_search_index(model, comment=comment)
            found = _listed(collection, embedding, comment)
    except OperationFailure as error:
        if error.code not in _CANNOT:
            raise
        return _state(collection, embedding, "pending", _CANNOT[error.code])
    return state_of(collection, embedding, found)


def look_at_vector_index(
    collection: Collection[dict[str, Any]], embedding: Embedding, *, comment: str = ""
) -> VectorIndexState:
    """Say how it stands with the vector search index, and change nothing. Raises as `ensure_vector_index` does."""
    try:
        found = _listed(collection, embedding, comment)
    except OperationFailure as error:
        if error.code not in _CANNOT:
            raise
        return _state(collection, embedding, "pending", _CANNOT[error.code])
    if found is None:
        return _state(collection, embedding, "missing", "the server lists no such index")
    return state_of(collection, embedding, found)


def state_of(
    collection: Collection[dict[str, Any]], embedding: Embedding, listed: dict[str, Any] | None
) -> VectorIndexState:
    """What the server's entry in its list of search indexes means. Asks nothing.

    Raises:
        TargetError: The entry is of another index than the spec's, or of one that could not be built.
    """
    if listed is None:
        return _state(collection, embedding, "building", "asked for; the server does not list it yet")
    where = f"{collection.full_name}: search index {embedding.index.name}"
    if listed.get("type") != _TYPE or not _same(listed.get("latestDefinition", {}), definition_of(embedding)):
        raise TargetError(
            f"{where} has another definition than the spec.",
            f"drop it (dropSearchIndex), then run again or use {command_of(*_names(collection), embedding)}",
        )
    status = str(listed.get("status", ""))
    if status == "FAILED":
        raise TargetError(f"{where} could not be built.", "look into the server's list of search indexes, and drop it")
    if listed.get("queryable"):
        return _state(collection, embedding, "ready", "the server says that it can be searched")
    return _state(collection, embedding, "building", f"the server says {status or 'nothing of its state'}")


def _listed(collection: Collection[dict[str, Any]], embedding: Embedding, comment: str) -> dict[str, Any] | None:
    found = collection.list_search_indexes(embedding.index.name, comment=comment)
    return next((dict(one) for one in found if one["name"] == embedding.index.name), None)


def _same(reported: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether every field of the spec is reported so, and no other; servers add options of their own to them."""
    fields = {str(one.get("path")): one for one in reported.get("fields", [])}
    return len(fields) == len(wanted["fields"]) and all(
        one.items() <= fields.get(one["path"], {}).items() for one in wanted["fields"]
    )


def _state(
    collection: Collection[dict[str, Any]],
    embedding: Embedding,
    state: State,
    reason: str,
) -> VectorIndexState:
    return VectorIndexState(
        name=embedding.index.name,
        state=state,
        definition=definition_of(embedding),
        command=command_of(*_names(collection), embedding),
        reason=reason,
    )


def _names(collection: Collection[dict[str, Any]]) -> tuple[str, str]:
    return collection.database.name, collection.name

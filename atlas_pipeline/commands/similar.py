"""`similar`: the documents whose vectors are nearest to that of one document, exactly, on every server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import select
from atlas_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    pass


def similar(
    collection: Annotated[str, typer.Argument(help="Collection with vectors, such as anomaly_events.")],
    key: Annotated[str, typer.Argument(help="Key of the document to start from.")],
    limit: Annotated[int, typer.Option(min=1, help="How many documents at most.")] = 10,
    json: console.Json = False,
) -> None:
    """Show the documents that are most alike, by the cosine of their vectors.

    Example: atlas-pipeline similar anomaly_events 0b6f4c1e-2d33-4f0a-9a6e-5c1d7e8f9a10
    """
    from atlas_pipeline.embedding.search import nearest_to
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.settings import Settings

    settings = Settings()
    ((catalog, (table,)),) = select(None, [collection])
    if table.embedding is None:
        with_vectors = [one.collection for _, tables in select(None, None) for one in tables if one.embedding]
        raise ConfigurationError(f"{table.collection} has no vectors.", f"use one of: {', '.join(with_vectors)}")
    with (
        mongodb(settings) as server,
        Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target,
        target.translated(),
    ):
        found = nearest_to(target.database(catalog)[table.collection], key, embedding=table.embedding, limit=limit)
    if json:
        console.print_json({"neighbours": [{"id": one.id, "score": one.score} for one in found]})
        return
    console.print_table(
        f"Nearest to {key}", ["key", "cosine"], [(one.id, f"{one.score:.6f}") for one in found], numbers=["cosine"]
    )

"""The way of rejected rows of a catalog's tables back into their collections. Plain Python, no Dagster.

What belongs here: opening what a replay needs. What does not: what it does (`atlas_pipeline.load.replay`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import make_embedder
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.replay import Replay, Replayed
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.sealing import make_sealer
from atlas_pipeline.load.target import Target
from atlas_pipeline.orchestration.sources import opened_source
from atlas_pipeline.orchestration.table_sync import enricher_of
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def replay_tables(
    target: Target,
    catalog: CatalogSpec,
    tables: Sequence[TableSpec],
    conditions: Mapping[str, Mapping[str, Any]],
    settings: Settings,
) -> list[Replayed]:
    """Try the rejected rows of some tables again; tables without such entries are left alone.

    Args:
        target: Open connection to the server.
        catalog: The catalog.
        tables: Its tables in question.
        conditions: Collection -> a query for its entries.
        settings: Deployment settings.

    Raises:
        AtlasError: A table could not be replayed; what landed until then has landed.
    """
    sealer = make_sealer(settings.quarantine_key)
    pipeline = target.pipeline_database(catalog)
    with target.translated():
        due = [one for one in tables if CurrentEntries(pipeline, catalog, one).count(conditions[one.collection])]
    if not due:
        return []
    run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
    vectors = EmbeddingCache(pipeline[COLLECTION], comment=run.run_id)
    replayed = []
    with opened_source(catalog, settings) as source, source.snapshot(label=run.run_id) as snapshot:
        for table in due:
            wanted = table.embedding
            embedder = None if wanted is None else make_embedder(settings.embedder, wanted.dimensions)
            replay = Replay(
                target=target,
                catalog=catalog,
                table=table,
                snapshot=snapshot,
                run=run,
                enricher=enricher_of(table, embedder, vectors),
                sealer=sealer,
            )
            replayed.append(replay.run(conditions[table.collection]))
    return replayed

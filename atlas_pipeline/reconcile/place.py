"""Where a comparison works: source and target of one catalog, open here, or to be opened by another process.

What belongs here: opening. What does not: comparing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder, make_embedder
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.extract.batching import BATCH_BYTES
from atlas_pipeline.extract.snapshot import Source
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.target import Target
from atlas_pipeline.reconcile.sides import Sides, open_sides
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Source and target of one table, opened in this process.

    Attributes:
        catalog: Catalog of the table.
        table: The table.
        source: Its source.
        target: The server.
        embedder: What made the vectors of a table that has some.
        comment: Shown in the server's log and current operations.
    """

    catalog: CatalogSpec
    table: TableSpec
    source: Source
    target: Target
    embedder: Embedder | None = None
    comment: str = "verify"

    @contextmanager
    def sides(self, *, require_collection: bool = True, as_next_sync: bool = False) -> Iterator[Sides]:
        """Both sides, with a new view of the source; options as for `open_sides`. Raises AtlasError."""
        with self.target.translated(), self.source.snapshot(label=self.comment) as snapshot:
            yield open_sides(
                target=self.target,
                catalog=self.catalog,
                table=self.table,
                snapshot=snapshot,
                enricher=self._enricher(),
                comment=self.comment,
                require_collection=require_collection,
                as_next_sync=as_next_sync,
            )

    def _enricher(self) -> Enricher | None:
        if self.table.embedding is None or self.embedder is None:
            return None
        cache = EmbeddingCache(self.target.pipeline_database(self.catalog)[COLLECTION], comment=self.comment)
        return Enricher(self.table, self.embedder, cache)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How to open source and target of one table, for processes that can share neither.

    Attributes:
        catalog: Catalog of the table.
        table: The table.
        source_url: SQLAlchemy URL of the source.
        copies: Folder of private copies of SQLite files.
        source_timeout_seconds: How long to wait for a locked source.
        statement_seconds: How long one statement may work on a PostgreSQL source.
        batch_bytes: Bytes of a batch of rows.
        mongodb_uri: Connection string of the server.
        mongodb_timeout_ms: How long to look for it, in milliseconds.
        embedder: What computes vectors: hashing or minilm.
        comment: Shown in the server's log and current operations.
    """

    catalog: CatalogSpec
    table: TableSpec
    source_url: str
    copies: Path
    source_timeout_seconds: float
    statement_seconds: float
    mongodb_uri: str
    mongodb_timeout_ms: int
    embedder: Literal["hashing", "minilm"]
    comment: str
    batch_bytes: int = BATCH_BYTES

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Source and target, opened in this process. Raises AtlasError."""
        source = open_source(
            self.catalog,
            self.source_url,
            copies=self.copies,
            timeout_seconds=self.source_timeout_seconds,
            statement_seconds=self.statement_seconds,
            batch_bytes=self.batch_bytes,
        )
        embedding = self.table.embedding
        embedder = make_embedder(self.embedder, embedding.dimensions) if embedding is not None else None
        with Target(self.mongodb_uri, timeout_ms=self.mongodb_timeout_ms) as target:
            yield Opened(
                catalog=self.catalog,
                table=self.table,
                source=source,
                target=target,
                embedder=embedder,
                comment=self.comment,
            )

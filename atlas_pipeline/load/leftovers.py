"""What the pipeline made on the target server and nobody needs any more, of a whole catalog.

What does not belong here: single tables (`table_leftovers`), what lies on this machine
(`atlas_pipeline.orchestration.local_leftovers`), and asking a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from atlas_pipeline.embedding.cache import COLLECTION as VECTORS
from atlas_pipeline.embedding.cache import EmbeddingCache
from atlas_pipeline.load import scratch
from atlas_pipeline.load.leftover import Leftover, Limits
from atlas_pipeline.load.table_leftovers import TableLeftovers
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.catalogs import CatalogSpec


def find(target: Target, catalog: CatalogSpec, limits: Limits) -> list[Leftover]:
    """All leftovers of a catalog on the server. Raises TargetError."""
    with target.translated():
        found = [one for table in _tables(target, catalog, limits) for one in table.find()]
        return [*found, *scratch.find(target, catalog), *_vectors(target, catalog, limits)]


def remove(target: Target, catalog: CatalogSpec, limits: Limits) -> list[Leftover]:
    """Remove what `find` finds; gives it, and what was kept with the reason. Raises TargetError."""
    with target.translated():
        done = [one for table in _tables(target, catalog, limits) for one in table.remove()]
        for one in (*scratch.find(target, catalog), *_vectors(target, catalog, limits)):
            if not one.kept:
                one.remove()
            done.append(one)
        return done


def _tables(target: Target, catalog: CatalogSpec, limits: Limits) -> list[TableLeftovers]:
    """The tables of the catalog, and those that the ledger remembers of it."""
    prefix = f"{catalog.name}."
    known = target.pipeline_database(catalog)["tables"].find({"_id": {"$regex": f"^{re.escape(prefix)}"}}, {"_id": 1})
    names = dict.fromkeys(table.collection for table in catalog.tables)
    names |= dict.fromkeys(str(one["_id"]).removeprefix(prefix) for one in known)
    return [TableLeftovers(target, catalog, name, limits) for name in names]


def _vectors(target: Target, catalog: CatalogSpec, limits: Limits) -> Iterator[Leftover]:
    collection = target.pipeline_database(catalog)[VECTORS]
    cache = EmbeddingCache(collection)
    if count := cache.count_unused(limits.vectors_before):
        yield Leftover(
            kind="vectors",
            place=collection.full_name,
            count=count,
            why=f"not used since {limits.vectors_before:%Y-%m-%d}",
            remove=lambda: _forget(cache, limits),
        )


def _forget(cache: EmbeddingCache, limits: Limits) -> None:
    cache.forget_unused(limits.vectors_before)

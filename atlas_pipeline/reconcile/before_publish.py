"""Every value of a table that is about to be published, mapped from its rows once more, before the swap.

Nobody writes to staging, and the snapshot stays the same, so every difference counts at once. What does not belong
here: comparing what is live (`verify`).
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from itertools import islice

from atlas_pipeline.extract.snapshot import WHOLE_TABLE
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.mapping.lookups import read_lookups
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.reconcile.differences import Difference
from atlas_pipeline.reconcile.fields import FieldComparison
from atlas_pipeline.reconcile.points import look
from atlas_pipeline.reconcile.settle import judge, shown_key
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.unordered import KeyedComparison
from atlas_pipeline.reconcile.verification import TableVerification
from atlas_pipeline.reconcile.walk import Walk

LISTED = 1_000
"""Differences that are named; all are counted."""


def verify_staging(load: Reload) -> TableVerification:
    """Compare every value of staging with its row.

    Args:
        load: A reload whose staging collection is built.

    Raises:
        SourceError: The source cannot be read again.
    """
    began = time.perf_counter()
    sides = Sides(
        catalog=load.catalog,
        table=load.table,
        snapshot=load.snapshot,
        mapper=Mapper(load.table, read_lookups(load.snapshot, load.table)),
        codec=KeyCodec(load.table),
        collection=load.staging,
        ledger=load.ledger,
        quarantine=load.quarantine,
        enricher=load.enricher,
        series=None,
        published={},
        comment=load.run.run_id,
    )
    ordered = sides.codec.order_preserving
    repeated = bool(load.facts.duplicate_keys)
    comparison: Walk | KeyedComparison
    comparison = Walk(sides, WHOLE_TABLE, repeated) if ordered else KeyedComparison(sides, repeated)
    suspects = comparison.suspects()
    first = [suspect.identifier for suspect in islice(suspects, LISTED)]
    tally = comparison.tally
    differences = _named(sides, first)
    for difference in differences:
        tally.kinds[difference.kind] += 1
    unnamed = sum(1 for _ in suspects)
    tally.first_seen = len(differences) + unnamed
    return TableVerification(
        catalog=load.catalog.name,
        table=load.table.source,
        collection=load.table.collection,
        mode="full",
        tally=tally,
        adds_up=not unnamed,
        digest=load.facts.digest,
        seconds=time.perf_counter() - began,
        differences=differences,
        note=f"{unnamed:,} further differences were not named" if unnamed else "",
    )


def _named(sides: Sides, identifiers: list[object]) -> list[Difference]:
    comparison = FieldComparison(sides.table.secret_paths, secrets.token_bytes(32))
    differences = []
    for point in look(sides, identifiers):
        if point.equal:
            continue
        path = sides.table.embedding.path if sides.table.embedding is not None else ""
        kind, fields, why = judge(point, comparison, is_foreign=False, vector_path=path)
        key, now = shown_key(point.identifier), datetime.now(UTC)
        differences.append(
            Difference(identifier=point.identifier, key=key, kind=kind, fields=fields, why=why, first_seen=now)
        )
    return differences

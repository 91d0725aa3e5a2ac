"""What verify finds of a table. The one place where the suite talks to verify."""

from __future__ import annotations

from collections.abc import Iterable

from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.reconcile.settle import shown_key
from atlas_pipeline.reconcile.verification import TableVerification
from atlas_pipeline.reconcile.verify import Request, verify_table
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.cases.case import Found
from atlas_pipeline_tests.cases.world import World

Findings = list[tuple[str, str, tuple[str, ...]]]
"""Kind, key and field paths of each difference, sorted."""


def verified(world: World, spec: TableSpec) -> TableVerification:
    """A verification of every value. Nobody changes anything meanwhile, so nothing is waited for."""
    source = open_source(world.catalog, world.url, copies=world.folder / "copies", timeout_seconds=5)
    opened = Opened(catalog=world.catalog, table=spec, source=source, target=world.target)
    return verify_table(opened, Request(wait_seconds=0))


def findings(verification: TableVerification) -> Findings:
    """All that it found."""
    assert not verification.truncated
    return sorted(
        (str(one.kind), one.key, tuple(field.path for field in one.fields)) for one in verification.differences
    )


def expected_findings(found: Iterable[Found]) -> Findings:
    """The same of what a case says."""
    return sorted((one.kind, shown_key(one.key), one.fields) for one in found)

"""A table whose columns change between its syncs, and the means to sync, verify and plan it in this process.

What belongs here: changing the source and doing what commands do. What does not: what is expected.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.orchestration.staged import TableResult
from atlas_pipeline.orchestration.table_sync import TableSync
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.project_files import write_project
from atlas_pipeline.reconcile.plan import plan_table
from atlas_pipeline.reconcile.plan_result import TablePlan
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.sync import ErrorBudget, SyncPolicy
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import policy
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, proof

ANY_NUMBER = ErrorBudget(rows=None)
TABLE = TableSpec(
    source="things",
    collection="things",
    key=("id",),
    columns=(integer("id"), text("name", 80, nullable=True), integer("amount", nullable=True)),
    sync=SyncPolicy(error_budget=ANY_NUMBER),
)
FROZEN, EVOLVING, QUARANTINING = (
    policy(TABLE, mode="reload", drift=way, error_budget=ANY_NUMBER, validator=TABLE.sync.validator)
    for way in ("freeze", "evolve", "quarantine")
)


@dataclass(frozen=True, kw_only=True)
class Drifting:
    """The table on both sides.

    Attributes:
        proof: Source and target.
        expectations: The project of its suites.
    """

    proof: Proof
    expectations: ExpectationsProject

    def sync(self, spec: TableSpec = FROZEN) -> TableResult:
        """One sync with all its checks."""
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        with self.proof.opened(spec).source.snapshot() as snapshot:
            return TableSync(
                target=self.proof.target,
                catalog=self.proof.catalog,
                table=spec,
                snapshot=snapshot,
                expectations=self.expectations,
                run=run,
            ).go()

    def describe(self, spec: TableSpec) -> None:
        """Bring the suites in step with a spec that has other fields."""
        write_project(self.expectations.root, [replace(self.proof.catalog, tables=(spec,))])

    def plan(self, spec: TableSpec) -> TablePlan:
        return plan_table(self.proof.opened(spec))

    def is_proven(self, spec: TableSpec) -> bool:
        """Whether a verification of all values finds both sides equal, row by row."""
        verification = self.proof.verify(spec)
        rows, documents, equal, quarantined = accounted(verification)
        return not found(verification) and verification.adds_up and equal == documents == rows - quarantined

    def documents(self) -> list[dict[str, Any]]:
        return list(self.proof.live(TABLE).find().sort("_id", 1))

    def refused(self) -> list[tuple[Any, str, str]]:
        """Key, column and code of what is in quarantine now."""
        entries = self.proof.pipeline["quarantine"].find({"published": True})
        return sorted((entry["key"][0], entry["column"], entry["code"]) for entry in entries)

    def record(self) -> dict[str, Any]:
        """What the ledger holds of the columns."""
        state = self.proof.pipeline["tables"].find_one({"_id": f"{self.proof.catalog.name}.things"})
        return dict(state["published"]["schema"])


@contextmanager
def drifting(uri: str, url: str, folder: Path, project: Path) -> Iterator[Drifting]:
    """The table with three rows, not synced yet.

    Args:
        uri: The server.
        url: The source.
        folder: For private copies.
        project: A folder for the suites, which may be shared.
    """
    with proof(uri, url, folder) as made:
        write_project(project / "expectations", [replace(made.catalog, tables=(TABLE,))])
        made.create(TABLE, [(n, f"thing {n}", n * 10) for n in (1, 2, 3)])
        expectations = ExpectationsProject(
            root=project / "expectations", state=project, reports_url="http://127.0.0.1:3001"
        )
        yield Drifting(proof=made, expectations=expectations)

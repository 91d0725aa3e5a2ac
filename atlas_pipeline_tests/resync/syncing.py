"""One table whose source goes on between its syncs, and the means to sync and verify it in this process.

What belongs here: changing the source and doing what commands do. What does not: what is expected.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from atlas_pipeline.load.discarding import decide, find
from atlas_pipeline.load.evolution import judge, require
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.range_store import KeyRange
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.orchestration.staged import TableResult
from atlas_pipeline.orchestration.table_sync import TableSync
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.project_files import write_project
from atlas_pipeline.resync.in_place import InPlace
from atlas_pipeline.resync.scope import WHOLE, Part, Scope, part_of, way_of
from atlas_pipeline.resync.watermark import settled_until
from atlas_pipeline.spec.shorthand import integer, text, unique, utc
from atlas_pipeline.spec.sync import Cursor, ErrorBudget, SyncPolicy
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, proof
from atlas_pipeline_tests.unjudged import UNJUDGED

ANY_NUMBER = ErrorBudget(rows=None)
LINES = TableSpec(
    source="lines",
    collection="lines",
    key=("id",),
    columns=(
        text("id", 36),
        text("name", 80, nullable=True),
        integer("slot", nullable=True),
        utc("changed", sql_type="TIMESTAMP", nullable=True),
    ),
    indexes=(unique("by_slot", "slot"),),
    sync=SyncPolicy(mode="reconcile", error_budget=ANY_NUMBER, validator=UNJUDGED.validator),
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Row = tuple[Any, ...]


def by_cursor(**changes: Any) -> TableSpec:
    """The table, synced by its cursor; keywords are those of the cursor, or of the policy."""
    of_cursor = {name: changes.pop(name) for name in ("overlap", "lag", "on_null", "unindexed") if name in changes}
    return with_policy(mode="watermark", cursor=Cursor(column="changed", **of_cursor), **changes)


def with_policy(**changes: Any) -> TableSpec:
    """The table with another policy."""
    usual = {"mode": "reconcile", "error_budget": ANY_NUMBER, "validator": UNJUDGED.validator}
    return replace(LINES, sync=SyncPolicy(**{**usual, **changes}))


def line(number: int, name: str = "", *, slot: int | None = None, changed: datetime | None = NOON) -> Row:
    """A row as the source takes it."""
    moment = None if changed is None else changed.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return f"line-{number:06}", name or f"name {number}", number if slot is None else slot, moment


def lines(count: int, *, start: int = 0) -> list[Row]:
    """Rows with numbers from `start` on."""
    return [line(number) for number in range(start, start + count)]


@dataclass(frozen=True, kw_only=True)
class Syncing:
    """The table on both sides.

    Attributes:
        proof: Source and target.
        expectations: The project of its suites.
    """

    proof: Proof
    expectations: ExpectationsProject

    def result(self, spec: TableSpec = LINES, scope: Scope = WHOLE, *, force: bool = False) -> TableResult:
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
                scope=scope,
                force=force,
            ).go()

    def sync(self, spec: TableSpec = LINES, scope: Scope = WHOLE, *, force: bool = False) -> LoadFacts:
        """The same, held to have been published with all checks passed; what it did."""
        result = self.result(spec, scope, force=force)
        failed = [f"{one.check.name}: {one.summary}" for one in result.outcomes if not one.passed]
        assert result.published
        assert [one for one in failed if not one.startswith("no_rejected_rows")] == []
        return result.facts

    def quick(self, spec: TableSpec = LINES, scope: Scope = WHOLE, *, force: bool = False) -> LoadFacts:
        """One sync without its checks, which cost more than all the rest of a small table; for tests that prove by
        themselves what is there afterwards. Whatever the whole table says is held to add up.
        """
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        proof = self.proof
        given: dict[str, Any] = {"target": proof.target, "catalog": proof.catalog, "run": run, "force": force}
        with proof.opened(spec).source.snapshot() as snapshot:
            state = TableLedger(proof.pipeline, proof.catalog, spec, run).state()
            judged = judge(snapshot, spec, state)
            require([judged])
            way = way_of(judged.table, state.get("published") or {}, scope)
            if way == "reload":
                with Reload(table=judged.table, snapshot=snapshot, **given) as load:
                    load.copy()
                    load.build()
                    if spec.sync.cursor is not None:
                        load.facts.watermark = settled_until(snapshot.time, spec.sync.cursor)
                    load.publish(schema=judged.record)
                facts = load.facts
            else:
                part = part_of(judged.table, scope) if way == "part" else Part()
                with InPlace(table=spec, snapshot=snapshot, way=way, part=part, **given) as sync:
                    sync.find()
                    sync.apply()
                    sync.record(schema=judged.record)
                facts = sync.facts
        if way in ("reload", "reconcile"):
            assert facts.source_rows == facts.loaded + facts.quarantined
        return facts

    def of_table(self, spec: TableSpec, scope: Scope = WHOLE, *, force: bool = False) -> LoadFacts:
        """One sync, without its checks, of another table of the source, by reconcile."""
        policy = replace(spec.sync, mode="reconcile", error_budget=ANY_NUMBER)
        return self.quick(replace(spec, sync=policy), scope, force=force)

    def is_proven(self, spec: TableSpec = LINES) -> bool:
        """Whether a verification of all values finds both sides equal, row by row."""
        verification = self.proof.verify(spec)
        rows, documents, equal, quarantined = accounted(verification)
        documents -= verification.tally.kept_foreign
        return not found(verification) and verification.adds_up and equal == documents == rows - quarantined

    def as_user(self, name: str, password: str) -> Syncing:
        """The same by another user of the source."""
        url = make_url(self.proof.url).set(username=name, password=password).render_as_string(hide_password=False)
        return replace(self, proof=replace(self.proof, url=url))

    def insert(self, *rows: Row) -> None:
        self.proof.insert(LINES, rows)

    def update(self, number: int, **values: Any) -> None:
        """Set columns of one row."""
        if isinstance(values.get("changed"), datetime):
            values["changed"] = values["changed"].astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
        places = ", ".join(f"{name} = ?" for name in values)
        self.proof.change(f"UPDATE lines SET {places} WHERE id = ?", *values.values(), f"line-{number:06}")

    def delete(self, *numbers: int) -> None:
        with self.proof.connected() as execute:
            for number in numbers:
                execute("DELETE FROM lines WHERE id = ?", f"line-{number:06}")

    @property
    def live(self) -> Any:
        """The collection, as a client that is not the pipeline's sees it."""
        return self.proof.live(LINES)

    def documents(self) -> dict[str, dict[str, Any]]:
        """What is live, by key."""
        return {document["_id"]: document for document in self.proof.live(LINES).find()}

    def quarantined(self) -> list[tuple[list[Any], str]]:
        """Key and reason of the entries of the quarantine."""
        found = self.proof.pipeline["quarantine"].find({"collection": "lines"}).sort("key", 1)
        return [(entry["key"], entry["code"]) for entry in found]

    def entry(self, number: int) -> dict[str, Any]:
        """The entry of a row in quarantine."""
        found = self.proof.pipeline["quarantine"].find_one({"collection": "lines", "key": [f"line-{number:06}"]})
        assert found is not None
        return dict(found)

    def discard(self) -> None:
        """Let a person have discarded all that is in quarantine."""
        target, catalog = self.proof.target, self.proof.catalog
        ids = [entry["_id"] for entry in find(target, catalog, LINES, {})]
        decide(target, catalog, LINES, ids, discarded=True)

    def operations(self) -> int:
        """How many writes the collection has seen since the server began."""
        name = f"{self.proof.catalog.database}.lines"
        return int(self.proof.client["local"]["oplog.rs"].count_documents({"ns": name}))

    def published_ranges(self) -> list[KeyRange]:
        """The ledger's ranges of what is published."""
        run = RunIdentity(run_id="a test", holder=Holder.this_process())
        return list(TableLedger(self.proof.pipeline, self.proof.catalog, LINES, run).published_ranges())

    def runs(self, *fields: str) -> list[tuple[Any, ...]]:
        """Fields of the ledger's records of runs, the oldest first."""
        found = self.proof.pipeline["runs"].find({"collection": "lines"}).sort("started", 1)
        return [tuple(run.get(name) for name in fields) for run in found]

    def watermark_at(self, moment: datetime) -> None:
        """Let the last sync have stood there."""
        table = {"_id": f"{self.proof.catalog.name}.lines"}
        self.proof.pipeline["tables"].update_one(table, {"$set": {"published.watermark": moment}})

    @property
    def ledger(self) -> dict[str, Any]:
        """The ledger's state of the table."""
        return dict(self.proof.pipeline["tables"].find_one({"_id": f"{self.proof.catalog.name}.lines"}) or {})


@contextmanager
def syncing(uri: str, url: str, folder: Path, project: Path, rows: list[Row]) -> Iterator[Syncing]:
    """The table with these rows and an index on its cursor, not synced yet.

    Args:
        uri: The server.
        url: The source.
        folder: For private copies.
        project: A folder for the suites, which may be shared.
        rows: What the source holds.
    """
    with proof(uri, url, folder) as made:
        write_project(project / "expectations", [replace(made.catalog, tables=(LINES,))])
        made.create(LINES, rows)
        made.change("CREATE INDEX lines_changed ON lines (changed)")
        reports = "http://127.0.0.1:3001"
        expectations = ExpectationsProject(root=project / "expectations", state=project, reports_url=reports)
        yield Syncing(proof=made, expectations=expectations)


def did(facts: LoadFacts) -> tuple[int, int, int, int]:
    """Inserted, replaced, deleted, unchanged."""
    return facts.inserted, facts.replaced, facts.deleted, facts.unchanged


def now() -> datetime:
    """This moment, as milliseconds hold it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)

"""A log whose rows have a moment and hardly ever change, as a time series or an ordinary collection, synced by append.

What belongs here: the table, its source going on, and a program that appends to it once, so that a test can end it.
What does not: what is expected.

`python -m atlas_pipeline_tests.resync.trail URI URL FOLDER DATABASE RUN_ID`
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.project_files import write_project
from atlas_pipeline.resync.scope import WHOLE, Scope, way_of
from atlas_pipeline.resync.series_append import SeriesAppend
from atlas_pipeline.resync.watermark import settled_until
from atlas_pipeline.spec.shapes import field
from atlas_pipeline.spec.shorthand import integer, text, utc
from atlas_pipeline.spec.storage import TimeSeries
from atlas_pipeline.spec.sync import Cursor, ErrorBudget, SyncPolicy
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.reconcile.proof import Proof, proof
from atlas_pipeline_tests.resync.syncing import Syncing

OVERLAP = timedelta(minutes=5)
TRAIL = TableSpec(
    source="trail",
    collection="trail",
    key=("id",),
    columns=(
        text("id", 36),
        utc("at", sql_type="TIMESTAMP"),
        text("kind"),
        integer("number", nullable=True, minimum=0),
    ),
    document=(field("number"), field("meta.kind", "kind"), field("at")),
    storage="time_series",
    time_series=TimeSeries(time_field="at", meta_field="meta", granularity="seconds"),
    sync=SyncPolicy(
        mode="append",
        cursor=Cursor(column="at", overlap=OVERLAP),
        error_budget=ErrorBudget(rows=None),
        reconcile_every=0,
    ),
)
START = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = 200
"""Rows of the trail at first, one a minute."""
Row = tuple[Any, ...]
_ROOT = Path(__file__).resolve().parent.parent.parent


def with_policy(table: TableSpec = TRAIL, **changes: Any) -> TableSpec:
    """The table with another policy; keywords of the cursor go there."""
    of_cursor = {name: changes.pop(name) for name in ("overlap", "lag", "on_null", "unindexed") if name in changes}
    assert table.sync.cursor is not None
    return replace(table, sync=replace(table.sync, cursor=replace(table.sync.cursor, **of_cursor), **changes))


def moments_of(kind: str) -> TableSpec:
    """The table with moments of this type."""
    columns = (replace(column, sql_type=kind) if column.name == "at" else column for column in TRAIL.columns)
    return replace(TRAIL, columns=tuple(columns))


def entry(minute: float, name: str = "", *, kind: str = "", number: int = 1) -> Row:
    """A row of so many minutes after the start."""
    moment = (START + timedelta(minutes=minute)).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
    return name or f"entry-{minute:08.2f}", moment, kind or f"kind {int(minute) % 3}", number


def entries(first: int, before: int) -> list[Row]:
    """A row a minute."""
    return [entry(minute) for minute in range(first, before)]


@dataclass(frozen=True, kw_only=True)
class Trail:
    """The table on both sides, loaded with `ROWS` rows up to its watermark."""

    syncing: Syncing

    @property
    def proof(self) -> Proof:
        return self.syncing.proof

    def append(self, spec: TableSpec = TRAIL, scope: Scope = WHOLE) -> LoadFacts:
        """One sync without its checks, which cost more than all the rest; its watermark is set back to the end of the
        rows at first.
        """
        facts = append_once(self.proof, str(uuid.uuid4()), spec, scope)
        self.watermark_at(ROWS)
        return facts

    def checked(self, spec: TableSpec = TRAIL, scope: Scope = WHOLE) -> LoadFacts:
        """The same with all checks passed."""
        facts = self.syncing.sync(spec, scope)
        self.watermark_at(ROWS)
        return facts

    def watermark_at(self, minute: int) -> None:
        """Let the last sync have stood there."""
        self.note(**{"published.watermark": START + timedelta(minutes=minute)})

    def note(self, **changes: Any) -> None:
        """Change what the ledger says of the table."""
        self.proof.pipeline["tables"].update_one({"_id": "proof.trail"}, {"$set": changes})

    @property
    def published(self) -> dict[str, Any]:
        """What the ledger says is published."""
        return dict(self.proof.pipeline["tables"].find_one({"_id": "proof.trail"})["published"])

    def insert(self, *rows: Row) -> None:
        self.proof.insert(TRAIL, rows)

    def change(self, name: str, **values: Any) -> None:
        """Set columns of one row."""
        places = ", ".join(f"{column} = ?" for column in values)
        self.proof.change(f"UPDATE trail SET {places} WHERE id = ?", *values.values(), name)

    def delete(self, name: str) -> None:
        self.proof.change("DELETE FROM trail WHERE id = ?", name)

    @property
    def live(self) -> Any:
        return self.proof.live(TRAIL)

    def keys(self) -> list[str]:
        """The keys of all documents, sorted."""
        return sorted(document["_id"] for document in self.live.find())

    def is_proven(self, spec: TableSpec = TRAIL) -> bool:
        """Whether a verification of all values finds both sides equal."""
        return self.syncing.is_proven(spec)

    def quarantined(self) -> list[tuple[Any, ...]]:
        """Key, column and code of the rows in quarantine."""
        found = self.proof.pipeline["quarantine"].find({"collection": "trail", "published": True}).sort("key", 1)
        return [(*one["key"], one["column"], one["code"]) for one in found]


@contextmanager
def trail(uri: str, url: str, folder: Path, project: Path, spec: TableSpec = TRAIL) -> Iterator[Trail]:
    """The trail, loaded.

    Args:
        uri: The server.
        url: The source.
        folder: For private copies.
        project: A folder for the suites, which may be shared.
        spec: The table.
    """
    with proof(uri, url, folder) as made:
        write_project(project / "expectations", [replace(made.catalog, tables=(TRAIL,))])
        made.create(spec, entries(0, ROWS))
        made.change("CREATE INDEX trail_at ON trail (at)")
        reports = "http://127.0.0.1:3001"
        expectations = ExpectationsProject(root=project / "expectations", state=project, reports_url=reports)
        one = Trail(syncing=Syncing(proof=made, expectations=expectations))
        assert (one.checked if spec.storage == "plain" else one.append)(spec).mode == "reload"
        yield one


def append_once(made: Proof, run_id: str, spec: TableSpec = TRAIL, scope: Scope = WHOLE) -> LoadFacts:
    """One sync of the time series without its checks, by a run of this process."""
    run = RunIdentity(run_id=run_id, holder=Holder.this_process())
    given: dict[str, Any] = {"target": made.target, "catalog": made.catalog, "table": spec, "run": run}
    with made.opened(spec).source.snapshot() as snapshot:
        published = TableLedger(made.pipeline, made.catalog, spec, run).state().get("published") or {}
        way, facts = way_of(spec, published, scope), LoadFacts()
        if way == "append":
            with SeriesAppend(snapshot=snapshot, way=way, **given) as sync:
                sync.find()
                if not sync.whole_because:
                    sync.apply()
                    sync.record()
                    return sync.facts
                sync.give_way()
            way, facts = "reconcile", sync.facts
        with SeriesLoad(snapshot=snapshot, **given) as load:
            load.facts.mode, load.facts.warnings = way, facts.warnings
            load.copy()
            load.build()
            assert spec.sync.cursor is not None
            load.facts.watermark = settled_until(snapshot.time, spec.sync.cursor)
            load.publish()
    return load.facts


@contextmanager
def appending(made: Proof, run_id: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that appends once; it is dead at the latest when the context ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, made.uri, made.url, str(made.folder), made.catalog.database, run_id],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _main(uri: str, url: str, folder: str, database: str, run_id: str) -> None:
    with proof(uri, url, Path(folder), database) as made:
        append_once(made, run_id)


if __name__ == "__main__":
    _main(*sys.argv[1:])

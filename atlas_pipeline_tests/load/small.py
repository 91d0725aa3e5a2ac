"""A small source of a few tables and the means to reload it, so that a test is about the load and nothing else.

What belongs here: the tables, their rows, and what is there afterwards. What does not: causing faults (`faults.py`).
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.shapes import field as path
from atlas_pipeline.spec.shorthand import index, integer, json_object, json_value, text, unique, utc
from atlas_pipeline.spec.storage import TimeSeries
from atlas_pipeline.spec.sync import SyncPolicy
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.unjudged import UNJUDGED, table

ITEMS = table(
    "items",
    text("id", 36),
    text("name", 64),
    text("team", 32),
    integer("slot", nullable=True),
    text("note", nullable=True),
    indexes=(unique("by_name", "name"), unique("by_place", "team", "slot"), index("by_note", "note")),
)
NUMBERS = table(
    "numbers",
    integer("id"),
    text("name", 64),
)
SEATS = table(
    "seats",
    text("room", 36),
    integer("seat"),
    text("name", 64),
    key=("room", "seat"),
)
EVENTS = table(
    "events",
    text("id", 36),
    utc("at", sql_type="TIMESTAMP"),
    text("zone"),
    text("kind", nullable=True),
    json_value("labels", sql_type="TEXT", nullable=True),
    integer("number", nullable=True),
    json_object("payload", sql_type="TEXT", nullable=True),
    document=(
        path("number"),
        path("meta.zone", "zone"),
        path("meta.kind", "kind"),
        path("meta.labels", "labels"),
        path("at"),
        path("payload"),
    ),
    indexes=(index("by_kind", "meta.kind"), replace(index("by_number", "number"), before_publish=True)),
    storage="time_series",
    time_series=TimeSeries(time_field="at", meta_field="meta", granularity="seconds"),
)
DDL = (
    "CREATE TABLE items (id VARCHAR(36) NOT NULL, name VARCHAR(64), team VARCHAR(32), slot INTEGER, note TEXT)",
    "CREATE TABLE numbers (id INTEGER PRIMARY KEY, name VARCHAR(64))",
    "CREATE TABLE seats (room VARCHAR(36) NOT NULL, seat INTEGER NOT NULL, name VARCHAR(64))",
    "CREATE TABLE events (id, at, zone TEXT, kind TEXT, labels TEXT, number INTEGER, payload TEXT)",
)
Row = tuple[Any, ...]
Nothing: Callable[[Any], None] = lambda _load: None  # noqa: E731 - a default that says what it does


class StoppedError(Exception):
    """Any error of the caller of a reload."""


def stop(_load: Any) -> None:
    """Stop a load where it is."""
    raise StoppedError


def items(count: int, *, note: str = "as new") -> list[Row]:
    """Rows of `items` that all can be loaded."""
    return [(f"item-{n:05}", f"name {n}", f"team {n % 7}", n, note) for n in range(count)]


def events(count: int, *, kinds: int = 5) -> list[Row]:
    """Rows of `events`, one a minute, of so many meta values."""
    start = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    return [
        (
            f"event-{n:05}",
            f"{start + timedelta(minutes=n)}.{n % 1000:03}",
            "north" if n % 2 else "south",
            f"kind {n % kinds}" if n % kinds else None,
            '{"z": [{"b": 1, "a": 2}], "a": {"y": null, "x": -0.0}}' if n % kinds == 1 else None,
            n,
            '{"z": 1, "a": {"k": [1, 2.0, 12345678901]}}' if n % 3 else None,
        )
        for n in range(count)
    ]


def changed(rows: list[Row], at: int, /, **values: Any) -> list[Row]:
    """The rows of `events` with other values in one of them."""
    names = EVENTS.column_names
    row = tuple(values.get(name, value) for name, value in zip(names, rows[at], strict=True))
    return [*rows[:at], row, *rows[at + 1 :]]


def policy(table: TableSpec, **changes: Any) -> TableSpec:
    """The table with another sync policy; without a validator unless it says so."""
    return replace(table, sync=SyncPolicy(**{"validator": UNJUDGED.validator, **changes}))


@dataclass(kw_only=True)
class World:
    """An SQLite source and a target database of one test.

    Attributes:
        uri: The server.
        folder: Where the source file lies.
        client: A client that is not the pipeline's.
        database: Name of the target database.
        sealer: What seals secret values of refused rows.
    """

    uri: str
    folder: Path
    client: MongoClient[dict[str, Any]]
    database: str = field(default_factory=lambda: f"load_{uuid.uuid4().hex[:12]}")
    sealer: Sealer | None = None

    @property
    def source(self) -> Path:
        return self.folder / "source.sqlite3"

    @property
    def catalog(self) -> CatalogSpec:
        return CatalogSpec(
            name="small",
            dialect="sqlite",
            source_variable="SMALL_DB_URL",
            database=self.database,
            tables=(ITEMS, NUMBERS, SEATS, EVENTS),
        )

    @property
    def live(self) -> Any:
        return self.client[self.database]

    @property
    def ledger(self) -> Any:
        return self.client[f"{self.database}_pipeline"]

    def write(self, table: str, rows: Iterable[Row]) -> None:
        """Let the source table hold these rows and no others."""
        with closing(sqlite3.connect(self.source)) as connection, connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # it need not outlive the machine
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'items'").fetchone():
                for statement in DDL:
                    connection.execute(statement)
            connection.execute(f"DELETE FROM {table}")
            for row in rows:
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in row)})", row)

    def reload(
        self,
        table: TableSpec = ITEMS,
        *,
        run_id: str | None = None,
        force: bool = False,
        after_copy: Callable[[Any], None] = Nothing,
        after_build: Callable[[Any], None] = Nothing,
        uri: str | None = None,
    ) -> LoadFacts:
        """Load a table as a run of this process does, and publish it.

        Args:
            table: What to load.
            run_id: Id of the run, a new one unless given.
            force: As for `TableLoad`.
            after_copy: Called when all rows are read, and written where there is a staging collection.
            after_build: Called when all is compared and could be published.
            uri: Another way to the server.
        """
        with self.loading(table, run_id=run_id, force=force, uri=uri) as load:
            load.copy()
            after_copy(load)
            load.build()
            after_build(load)
            load.publish()
        return load.facts

    @contextmanager
    def loading(
        self, table: TableSpec, *, run_id: str | None = None, uri: str | None = None, **more: Any
    ) -> Iterator[Reload | SeriesLoad]:
        """A load that has begun; as for `reload`, and with `more` for `TableLoad`."""
        run = RunIdentity(run_id=run_id or str(uuid.uuid4()), holder=Holder.this_process())
        way = SeriesLoad if table.storage == "time_series" else Reload
        given: dict[str, Any] = {"catalog": self.catalog, "table": table, "sealer": self.sealer, **more}
        with (
            Target(uri or self.uri) as target,
            self.sqlite.snapshot() as snapshot,
            way(target=target, snapshot=snapshot, run=run, **given) as load,
        ):
            yield load

    @property
    def sqlite(self) -> SqliteSource:
        """The source, as the pipeline reads it."""
        url = f"sqlite:///{self.source}"
        return SqliteSource(url, variable="SMALL_DB_URL", copies=self.folder / "copies", timeout_seconds=1)

    def digest(self, collection: str = "items") -> str:
        """Of every byte of the live collection, its options and its indexes."""
        return digest(self.live, collection)

    def stagings(self) -> list[str]:
        return [name for name in self.live.list_collection_names() if "__staging_" in name]

    def run(self, run_id: str) -> dict[str, Any]:
        """The ledger's record of a run."""
        found = self.ledger["runs"].find_one({"run_id": run_id})
        assert found is not None, run_id
        return dict(found)

    def quarantined(self, *fields: str) -> list[tuple[Any, ...]]:
        """What is in quarantine, sorted; by default key, column and code."""
        wanted = fields or ("key", "column", "code")
        return sorted(tuple(entry[name] for name in wanted) for entry in self.ledger["quarantine"].find())

    def series(self) -> list[dict[str, Any]]:
        """The documents of `events`, sorted by key."""
        return sorted(self.live["events"].find(), key=lambda document: str(document["_id"]))

    def buckets(self) -> str:
        """Digest of every byte that the server stores of `events`; "" when it is no time series."""
        if "system.buckets.events" not in self.live.list_collection_names():
            return ""
        found = hashlib.sha256()
        for batch in self.live["system.buckets.events"].find_raw_batches({}).sort("_id", 1):
            found.update(batch)
        return found.hexdigest()

    def drop(self) -> None:
        self.client.drop_database(self.database)
        self.client.drop_database(f"{self.database}_pipeline")


def digest(database: Any, collection: str) -> str:
    """Of every byte of a collection in `_id` order, its options, its UUID and its indexes; "" when there is none.

    Of what is no plain collection, only what it is.
    """
    info = next(iter(database.list_collections(filter={"name": collection})), None)
    if info is None:
        return ""
    if info["type"] != "collection":
        return repr(info)
    indexes = sorted(repr(sorted(one.items())) for one in database[collection].list_indexes())
    found = hashlib.sha256(repr((info["options"], info["info"]["uuid"], indexes)).encode())
    for batch in database[collection].find_raw_batches({}).sort("_id", 1):
        found.update(batch)
    return found.hexdigest()


def did(facts: LoadFacts) -> tuple[int, int, int, int]:
    """Inserted, replaced, deleted, unchanged."""
    return facts.inserted, facts.replaced, facts.deleted, facts.unchanged


def holds(world: World, rows: Iterable[Row]) -> bool:
    """Whether the time series holds one document for each of these rows, with their numbers, kinds and moments."""
    expected = [
        (row[0], row[5], row[3], datetime.fromisoformat(row[1]).replace(tzinfo=UTC)) for row in sorted(rows, key=str)
    ]
    return [(one["_id"], one["number"], one["meta"]["kind"], one["at"]) for one in world.series()] == expected

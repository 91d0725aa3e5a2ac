"""One source database, a target, and verifications of tables that a test makes: what the tests of verify share.

What belongs here: making, loading, verifying, and showing what was found. What does not: the tables themselves
(`proof_tables.py`), and what is expected.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psycopg
from pymongo import MongoClient

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.target import Target
from atlas_pipeline.reconcile.place import Opened, Place
from atlas_pipeline.reconcile.records import Records
from atlas_pipeline.reconcile.verification import TableVerification
from atlas_pipeline.reconcile.verify import Request, verify_table
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.loading import load
from atlas_pipeline_tests.reconcile.proof_tables import ALL

Row = tuple[Any, ...]
Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A source database and a target of one test.

    Attributes:
        url: SQLAlchemy URL of the source.
        uri: The server.
        folder: For private copies.
        catalog: Names of everything.
        target: The pipeline's connection to the server.
        client: One that is not the pipeline's.
        embedder: What makes the vectors of a table that has some.
    """

    url: str
    uri: str
    folder: Path
    catalog: CatalogSpec
    target: Target
    client: Client
    embedder: Embedder | None = field(default=None)

    @property
    def is_sqlite(self) -> bool:
        return self.catalog.dialect == "sqlite"

    def table(self, spec: TableSpec, rows: Iterable[Row], *, keyed: bool = True) -> LoadFacts:
        """Make a table of the source with these rows, and load it; `keyed` declares its key."""
        self.create(spec, rows, keyed=keyed)
        return self.load(spec)

    def create(self, spec: TableSpec, rows: Iterable[Row], *, keyed: bool = True) -> None:
        """Make a table of the source with these rows."""
        which = 0 if self.is_sqlite else -1  # of the types that a column is declared as
        columns = [f"{quoted(column.name)} {column.declared[which]}" for column in spec.columns]
        if keyed:
            columns.append(f"PRIMARY KEY ({', '.join(map(quoted, spec.key))})")
        self.change(f"CREATE TABLE {quoted(spec.source)} ({', '.join(columns)})")
        self.insert(spec, rows)

    def insert(self, spec: TableSpec, rows: Iterable[Row]) -> None:
        """Insert rows into a table of the source."""
        places = ", ".join("?" for _ in spec.columns)
        with self.connected() as execute:
            for row in rows:
                execute(f"INSERT INTO {quoted(spec.source)} VALUES ({places})", *row)

    def change(self, statement: str, *bound: Any) -> None:
        """Execute one statement on the source, with parameters for its `?`."""
        with self.connected() as execute:
            execute(statement, *bound)

    @contextmanager
    def connected(self) -> Iterator[Callable[..., Any]]:
        """A function that executes a statement on the source; all is committed at the end."""
        if self.is_sqlite:
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)) as file, file:
                file.execute("PRAGMA journal_mode = WAL")
                file.execute("PRAGMA synchronous = OFF")  # it need not outlive the machine
                yield lambda statement, *bound: file.execute(statement, bound)
        else:
            with psycopg.connect(self.url.replace("postgresql+psycopg://", "postgresql://", 1)) as connection:
                yield lambda statement, *bound: connection.execute(statement.replace("?", "%s").encode(), bound)

    def load(self, spec: TableSpec) -> LoadFacts:
        with self.opened(spec).source.snapshot() as snapshot:
            return load(spec, snapshot, target=self.target, catalog=self.catalog, enricher=self._enricher(spec))

    def _enricher(self, spec: TableSpec) -> Enricher | None:
        if self.embedder is None or spec.embedding is None:
            return None
        cache = EmbeddingCache(self.pipeline[COLLECTION], comment="a test")
        return Enricher(spec, self.embedder, cache)

    def live(self, spec: TableSpec) -> Any:
        """The collection, as a client that is not the pipeline's sees it."""
        return self.client[self.catalog.database][spec.collection]

    @property
    def pipeline(self) -> Any:
        return self.client[self.catalog.pipeline_database]

    def opened(self, spec: TableSpec, target: Target | None = None) -> Opened:
        """Source and target for a verification; the test's own target unless given."""
        source = open_source(self.catalog, self.url, copies=self.folder / "copies", timeout_seconds=5)
        return Opened(
            catalog=self.catalog, table=spec, source=source, target=target or self.target, embedder=self.embedder
        )

    def place(self, spec: TableSpec) -> Place:
        """The same for other processes."""
        return Place(
            catalog=self.catalog,
            table=spec,
            source_url=self.url,
            copies=self.folder / "copies",
            source_timeout_seconds=5,
            statement_seconds=60,
            mongodb_uri=self.uri,
            mongodb_timeout_ms=5_000,
            embedder="hashing",
            comment="verify",
        )

    def verify(
        self, spec: TableSpec, *, processes: int = 1, target: Target | None = None, **request: Any
    ) -> TableVerification:
        """Verify a table, in full unless the request says otherwise; nothing is waited for."""
        wanted = Request(**{"wait_seconds": 0.0, **request})
        place = self.place(spec) if processes > 1 else None
        return verify_table(self.opened(spec, target), wanted, place=place, processes=processes)

    def records(self, spec: TableSpec) -> Records:
        """What the pipeline's database knows of the verifications of a table."""
        return Records(self.pipeline, self.catalog, spec)


def found(verification: TableVerification) -> list[tuple[str, str, list[str]]]:
    """Kind, key and fields of all differences, in the order of keys; holds the counts to them."""
    listed = [(str(one.kind), one.key, [str(place) for place in one.fields]) for one in verification.differences]
    assert not verification.truncated
    counted = {str(kind): count for kind, count in verification.tally.kinds.items()}
    assert counted == {kind: sum(one[0] == kind for one in listed) for kind in counted}
    return sorted(listed, key=lambda one: (one[1], one[0]))


def kinds(verification: TableVerification) -> list[tuple[str, str]]:
    """Kind and key of all differences, in the order of keys."""
    return [(kind, key) for kind, key, _ in found(verification)]


def accounted(verification: TableVerification) -> tuple[int, int, int, int]:
    """Rows, documents, equal, quarantined."""
    tally = verification.tally
    return tally.rows, tally.documents, tally.equal, tally.quarantined


@contextmanager
def proof(uri: str, url: str, folder: Path, database: str = "", **options: Any) -> Iterator[Proof]:
    """A source at this URL and a target database of its own, which goes at the end unless it was named."""
    dialect: Literal["sqlite", "postgresql"] = "sqlite" if url.startswith("sqlite") else "postgresql"
    catalog = CatalogSpec(
        name="proof",
        dialect=dialect,
        source_variable="PROOF_DB_URL",
        database=database or f"proof_{uuid.uuid4().hex[:12]}",
        tables=tuple(table for table in ALL if dialect == "postgresql" or not table.source.startswith("pg_")),
    )
    with closing(Target(uri)) as target, Client(uri, tz_aware=True) as client:
        yield Proof(url=url, uri=uri, folder=folder, catalog=catalog, target=target, client=client, **options)
        if not database:
            client.drop_database(catalog.database)
            client.drop_database(catalog.pipeline_database)


def quoted(name: str) -> str:
    """A name as both dialects quote it."""
    return f'"{name}"'


def texts(count: int, *, start: int = 0) -> Sequence[Row]:
    """Rows of the table ITEMS of `proof_tables`."""
    return [(f"item-{n:05}", f"name {n}", n) for n in range(start, start + count)]

"""Tables into an empty PostgreSQL database, and rows into the tables.

What belongs here: the connection, the statements of the three schema files, COPY. What does not: rows.

schema_orm.sql and schema_sql.sql are the two shapes of eight tables; schema_both.sql holds the two tables that the
application never makes by its ORM, so that every database of it has them in one shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.local.platform_sample.world import Row, Shape

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

LOAD_ORDER = (
    "investigation_states",
    "detectors",
    "detection_runs",
    "anomaly_events",
    "transaction_scores",
    "investigation_audit_log",
    "investigation_templates",
    "composio_connections",
    "composio_action_audit",
    "soar_playbook_executions",
)
"""All ten tables, each after those that it refers to."""


@contextmanager
def database(url: str) -> Iterator[Connection[TupleRow]]:
    """A connection whose work is kept as a whole when the block ends without an error.

    Raises:
        ConfigurationError: The URL is not one of PostgreSQL, or the user lacks a right.
        ServerUnavailableError: Nobody answers there, or not to this user, or not to the end.
    """
    import psycopg
    from psycopg.conninfo import make_conninfo
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parts = make_url(url)
    except ArgumentError:
        parts = None
    if parts is None or parts.get_backend_name() != "postgresql":
        raise ConfigurationError(
            "The address of the platform sample is not a PostgreSQL URL.",
            "Write postgresql+psycopg://user:password@host:port/database.",
        )
    conninfo = make_conninfo(
        host=parts.host, port=parts.port, user=parts.username, password=parts.password, dbname=parts.database,
        application_name="atlas-platform-sample",
    )  # fmt: skip
    where = f"{parts.host}:{parts.port or 5432}/{parts.database}"
    try:
        with psycopg.connect(conninfo) as connection:
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"PostgreSQL at {where} refused: {error.diag.message_primary}.",
            f"Let {parts.username} create tables there.",
        ) from None
    except psycopg.OperationalError as error:
        # Only the first line: what follows may quote the row that was being copied.
        reason = error.diag.message_primary or str(error).strip().splitlines()[0]
        raise ServerUnavailableError(
            f"PostgreSQL at {where} cannot be used: {reason}.", "Start it, or correct the address."
        ) from None


def create_tables(connection: Connection[TupleRow], shape: Shape) -> None:
    """Create the ten tables, without their indexes.

    Raises:
        ConfigurationError: The database is not empty.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name"
        )
        present = [name for (name,) in cursor]
        if present:
            raise ConfigurationError(
                f"The database {connection.info.dbname} is not empty: it holds the table {present[0]}.",
                "Name an empty one.",
            )
        for statement in _statements(shape, "CREATE TABLE"):
            cursor.execute(statement)


def create_indexes(connection: Connection[TupleRow], shape: Shape) -> None:
    """Create the indexes, after the rows, which is faster, and let the server count what is there."""
    with connection.cursor() as cursor:
        for statement in _statements(shape, "CREATE INDEX"):
            cursor.execute(statement)
        cursor.execute("ANALYZE")


def copy_rows(connection: Connection[TupleRow], table: str, rows: Iterable[Row]) -> None:
    """Append rows by COPY. Each must have every column of the table, and may have columns that this shape lacks."""
    from psycopg import sql

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND table_name = %s ORDER BY ordinal_position",
            [table],
        )
        columns = [name for (name,) in cursor]
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row([row[column] for column in columns])


def count_rows(url: str) -> dict[str, int]:
    """Rows of each of the ten tables. Errors as of `database`."""
    from psycopg import sql

    counts = {}
    with database(url) as connection, connection.cursor() as cursor:
        for table in LOAD_ORDER:
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            counts[table] = sum(rows for (rows,) in cursor)
    return counts


def _statements(shape: Shape, start: str) -> list[bytes]:
    folder = resources.files("atlas_pipeline.local.platform_sample")
    texts = [(folder / name).read_text(encoding="utf-8") for name in (f"schema_{shape}.sql", "schema_both.sql")]
    found = [statement.strip() for text in texts for statement in text.split(";")]
    return [statement.encode() for statement in found if statement.startswith(start)]

"""The scripts that people write to load a table into MongoDB, as they write them: short, and with what they know of the
types of their columns.

What belongs here: four of them, reading by 1,000 rows where they read in parts, each with the key as `_id`, so that
what they write can be compared. What does not: measuring them (`rivals`). None looks at what it has written; none has a
place for a row that does not fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from atlas_pipeline.benchmarking.rivals import Job, Load

if TYPE_CHECKING:
    from sqlalchemy import Engine

Document = dict[str, Any]

BATCH_ROWS = 1_000
ARROW_ROWS = 10_000
"""Rows of one Arrow table: its users are told that larger is better."""


def pandas(job: Job) -> Load:
    """`read_sql` in chunks, with dates parsed, and `insert_many` of each chunk as it comes."""
    import pandas as pd
    from pymongo import MongoClient

    def load() -> int:
        rows = 0
        with MongoClient[Document](job.mongodb_uri) as client, _engine(job).connect() as connection:
            collection = client[job.database][job.collection]
            chunks = pd.read_sql(
                _select(job),
                connection.execution_options(stream_results=True),
                parse_dates=job.of("datetime", "date"),
                chunksize=BATCH_ROWS,
            )
            for chunk in chunks:
                records = cast(list[Document], chunk.to_dict("records"))
                collection.insert_many(_with_id(job, records))
                rows += len(records)
        return rows

    return load


def orm(job: Job) -> Load:
    """Objects of a mapped class, batch by batch, each made into a dict."""
    from pymongo import MongoClient
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    def load() -> int:
        rows = 0
        model = _model(job)
        with MongoClient[Document](job.mongodb_uri) as client, Session(_engine(job)) as session:
            collection = client[job.database][job.collection]
            found = session.scalars(select(model).execution_options(yield_per=BATCH_ROWS))
            for batch in found.partitions(BATCH_ROWS):
                records = ({name: _plain(getattr(one, name)) for name in job.columns} for one in batch)
                collection.insert_many(_with_id(job, records))
                rows += len(batch)
        return rows

    return load


def whole_table(job: Job) -> Load:
    """All rows, made into a list of dicts, by one `insert_many`."""
    from pymongo import MongoClient
    from sqlalchemy import text

    converters = {name: _CONVERTERS[value] for name, value in job.columns.items() if value in _CONVERTERS}

    def load() -> int:
        with MongoClient[Document](job.mongodb_uri) as client, _engine(job).connect() as connection:
            found = connection.execute(text(_select(job))).mappings().all()
            documents = [
                {name: _converted(converters.get(name), value) for name, value in row.items()} for row in found
            ]
            client[job.database][job.collection].insert_many(_with_id(job, documents))
        return len(documents)

    return load


def pymongoarrow(job: Job) -> Load:
    """Arrow tables of the rows, their columns cast to the types that they stand for, and `write` of each."""
    import pyarrow
    from pymongo import MongoClient
    from pymongoarrow.api import write
    from pymongoarrow.types import BinaryType
    from sqlalchemy import text

    types = {
        "boolean": pyarrow.bool_(),
        "datetime": pyarrow.timestamp("us"),
        "date": pyarrow.date32(),
        "decimal": pyarrow.decimal128(38, 2),
        "binary": BinaryType(0),
    }
    wanted = {name: types[value] for name, value in job.columns.items() if value in types}

    def load() -> int:
        rows = 0
        with MongoClient[Document](job.mongodb_uri) as client, _engine(job).connect() as connection:
            collection = client[job.database][job.collection]
            found = connection.execution_options(yield_per=ARROW_ROWS).execute(text(_select(job)))
            for part in found.partitions(ARROW_ROWS):
                columns = dict(zip(job.columns, map(pyarrow.array, zip(*part, strict=True)), strict=True))
                columns |= {name: columns[name].cast(arrow) for name, arrow in wanted.items()}
                write(collection, _with_id_column(job, pyarrow.table(columns)))
                rows += len(part)
        return rows

    return load


def _engine(job: Job) -> Engine:
    from sqlalchemy import create_engine

    return create_engine(job.source_url)


def _select(job: Job) -> str:
    return f'SELECT * FROM "{job.table}"'


def _with_id(job: Job, records: Iterable[Document]) -> list[Document]:
    """The documents with their key as `_id`: a value, or of several columns a sub-document."""
    documents = list(records)
    for document in documents:
        parts = {name: document.pop(name) for name in job.key}
        document["_id"] = parts if len(parts) > 1 else parts[job.key[0]]
    return documents


def _with_id_column(job: Job, table: Any) -> Any:
    import pyarrow

    if len(job.key) == 1:
        return table.rename_columns(["_id" if name in job.key else name for name in table.column_names])
    parts = [table.column(name).combine_chunks() for name in job.key]
    key = pyarrow.StructArray.from_arrays(parts, names=list(job.key))
    return table.drop_columns(list(job.key)).add_column(0, "_id", key)


def _model(job: Job) -> Any:
    """The mapped class that an application would have for the table."""
    import sqlalchemy
    from sqlalchemy.orm import DeclarativeBase

    types: dict[str, Any] = {
        "text": sqlalchemy.Text,
        "integer": sqlalchemy.BigInteger,
        "double": sqlalchemy.Double,
        "decimal": sqlalchemy.Numeric(15, 2),
        "boolean": sqlalchemy.Boolean,
        "datetime": sqlalchemy.DateTime,
        "date": sqlalchemy.Date,
        "json_object": sqlalchemy.JSON,
        "binary": sqlalchemy.LargeBinary,
    }

    class Base(DeclarativeBase):
        pass

    columns = {
        name: sqlalchemy.Column(types[value], primary_key=name in job.key) for name, value in job.columns.items()
    }
    return type("Model", (Base,), {"__tablename__": job.table, **columns})


def _plain(value: Any) -> Any:
    """What the driver can encode."""
    from bson.decimal128 import Decimal128

    if type(value) is Decimal:
        return Decimal128(value)
    if type(value) is date:
        return datetime.combine(value, time(), UTC)
    return value


def _moment(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else _plain(value)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "datetime": _moment,
    "date": _moment,
    "decimal": lambda value: _plain(Decimal(str(value))),
    "json_object": lambda value: json.loads(value) if isinstance(value, str) else value,
}


def _converted(converter: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if converter is None or value is None else converter(value)

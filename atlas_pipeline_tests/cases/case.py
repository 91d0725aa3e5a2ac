"""What a case is: a table, its rows, and what becomes of each, as data.

What belongs here: the words in which cases are written. What does not: common tables (`making.py`), finding cases
(`registry.py`), and running them (`world.py`, `test_every_case.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.tables import TableSpec

Dialect = Literal["sqlite", "postgresql"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")

Way = Literal["in bulk", "row by row", "as a time series"]
WAYS: tuple[Way, ...] = ("in bulk", "row by row", "as a time series")
"""Only the rows that land, so that no row is looked at by itself; all rows and one that is refused beside them; all
rows as a time series.
"""
PLAIN: tuple[Way, ...] = ("in bulk", "row by row")
"""The ways into an ordinary collection, which say all there is to say of values that BSON holds like any other."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Per(Generic[T]):
    """One thing for each dialect."""

    sqlite: T
    postgresql: T

    def of(self, dialect: Dialect) -> T:
        return self.sqlite if dialect == "sqlite" else self.postgresql


def of(thing: Any, dialect: Dialect) -> Any:
    """A thing as it is in a dialect, whether or not it differs between them."""
    return thing.of(dialect) if isinstance(thing, Per) else thing


@dataclass(frozen=True, slots=True)
class Sql:
    """A value that the source itself makes of an expression."""

    text: str


@dataclass(frozen=True, slots=True)
class Made:
    """A value that is too large to be written down. `says` describes it."""

    says: str
    make: Callable[[], Any]


def made(value: Any) -> Any:
    """The value itself of one that is made."""
    return value.make() if isinstance(value, Made) else value


@dataclass(frozen=True, slots=True)
class Lands:
    """A value as the server holds it: its BSON type, by the name that `$type` gives it, and the value."""

    bson_type: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The row is in quarantine, with this code, for this column; under this key where that is not the one written."""

    code: RejectCode
    column: str = "v"
    key: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Unheld:
    """The dialect cannot hold the row: its own server, or its driver, refuses it."""

    why: str


Outcome = Lands | Rejected | Unheld | Mapping[str, Lands]
"""What becomes of a row. Of several fields, `_id` among them, each by its name; `Lands` alone is the field v."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a case.

    Attributes:
        values: One per column of the spec: a value, `Sql` or `Made`, or one of these per dialect.
        outcome: What becomes of it, or that per dialect.
    """

    values: tuple[Any, ...]
    outcome: Outcome | Per[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A difference that verify must name: its kind, the `_id`, and the paths of the fields that differ."""

    kind: Literal["missing_in_target", "extra_in_target", "value", "representation"]
    key: Any
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A difference that is made on one side after the load, and what verify must find.

    Attributes:
        says: What is done, to end a sentence.
        way: How the table was loaded.
        source: Statements for the source, with `{table}` for its quoted name.
        delete: `_id`s of documents to delete, before anything is inserted.
        insert: Documents to insert.
        finds: The differences that verify must find, and no others.
        then: When another load is to heal it: the rows as they are by then.
    """

    says: str
    way: Way = "in bulk"
    source: tuple[str, ...] = ()
    delete: tuple[Any, ...] = ()
    insert: tuple[Mapping[str, Any], ...] = ()
    finds: tuple[Found, ...] = ()
    then: tuple[Row, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One nasty case.

    Attributes:
        says: What it is about, a sentence without its stop.
        table: The spec, or one per dialect. Its names are replaced by those of the case.
        rows: The rows.
        neighbour_key: Key of the row that is refused beside them.
        before: Statements to run before the table is made.
        named: Name of the source table, when that is what the case is about.
        absent: Dialect -> why the case has no meaning there.
        ways: The ways of loading.
        touched: How many values a policy of the spec stores in another way.
        plants: What is done afterwards.
        name: Set by the registry: the name of the module.
    """

    says: str
    table: TableSpec | Per[TableSpec]
    rows: tuple[Row, ...]
    neighbour_key: tuple[Any, ...] | Per[tuple[Any, ...]] = (999,)
    before: Per[tuple[str, ...]] = field(default_factory=lambda: Per((), ()))
    named: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)
    ways: tuple[Way, ...] = PLAIN
    touched: int | Per[int] = 0
    plants: tuple[Plant, ...] = ()
    name: str = ""

    def called(self, name: str) -> Case:
        return replace(self, name=name)


@dataclass(frozen=True, kw_only=True)
class RefusedCase:
    """A table that cannot even be described: the catalog fails when it is imported.

    Attributes:
        says: What it is about, a sentence without its stop.
        specs: What makes the catalog, or one for each dialect.
        because: Words of the error, which is a SpecError.
        name: Set by the registry: the name of the module.
    """

    says: str
    specs: Callable[[], object] | Per[Callable[[], object]]
    because: str
    absent: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def called(self, name: str) -> RefusedCase:
        return replace(self, name=name)

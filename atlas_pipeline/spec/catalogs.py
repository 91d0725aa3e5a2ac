"""One source system: its tables, its target database and where its source is configured."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from atlas_pipeline.errors import ConfigurationError, SpecError
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.expressions import Constant, Expression, FromColumn, Lookup
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRule:
    """Where the tenant of a row comes from, for all tables of a catalog.

    Attributes:
        column: The column that holds it, in the tables that have it.
        default: The tenant of all rows of the other tables.
    """

    column: str
    default: str

    def source_for(self, table: TableSpec) -> Expression:
        if self.column in table.column_names:
            return FromColumn(self.column)
        return Constant(json.dumps(self.default), ValueType.TEXT)


@dataclass(frozen=True, kw_only=True)
class CatalogSpec:
    """A source system described as data.

    Attributes:
        name: Name in commands, asset keys and the ledger.
        dialect: SQL dialect of the source.
        source_variable: Environment variable that holds the SQLAlchemy URL of the source.
        snapshot: `run`: all tables of a run are read from one view of the source; `table`: each from a view of its own,
            which is held for a shorter time.
        publish: `each`: every table as soon as it is ready; `together`: tables that are loaded anew in the same run are
            swapped in at its end, one right after the other, and only if all of them can be.
        tenant: Where fields of `tenant()` get their value.
        database: Target database. Ledger and quarantine live in `<database>_pipeline`.
        tables: The tables to move, in an order in which referenced tables come first.
        bookkeeping: Source tables of tools, such as migrations, that hold no data of the application.
        owner: Team shown in the Dagster UI.
        about: What the system is.
    """

    name: str
    dialect: Literal["sqlite", "postgresql"]
    source_variable: str
    database: str
    tables: tuple[TableSpec, ...]
    snapshot: Literal["run", "table"] = "run"
    publish: Literal["each", "together"] = "each"
    tenant: TenantRule | None = None
    bookkeeping: tuple[str, ...] = ()
    owner: str = "team:data-engineering"
    about: str = ""

    def __post_init__(self) -> None:
        if self.tenant is not None:
            rule = self.tenant
            ruled = (table.with_tenant(rule.source_for(table)) if table.has_tenant else table for table in self.tables)
            object.__setattr__(self, "tables", tuple(ruled))
        if waiting := [table.source for table in self.tables if table.has_tenant]:
            raise SpecError(f"Catalog {self.name}: {waiting[0]} has a tenant, and there is no rule.", "give tenant=")
        for kind, names in (
            ("source table", [table.source for table in self.tables]),
            ("collection", [table.collection for table in self.tables]),
        ):
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise SpecError(f"Catalog {self.name}: {kind} {', '.join(repeated)} is listed twice.", "remove one")

        ranged = [table.source for table in self.tables if table.sync.load == "ranged"]
        if ranged and self.publish == "together":
            raise SpecError(
                f"Catalog {self.name}: {ranged[0]} is loaded in ranges, and all tables are published by one step.",
                "use load='whole' there, or publish='each'",
            )
        self._check_sqlite_keys()
        by_source = {table.source: table for table in self.tables}
        for table in self.tables:
            namesake = by_source.get(table.collection, table)
            if namesake is not table:
                raise SpecError(
                    f"Catalog {self.name}: {table.collection} is the collection of {table.source} and another table.",
                    "choose another collection name",
                )
            referred = [(reference.column, target) for reference in table.references for target in reference.targets]
            referred += [(column.name, column.restored_from) for column in table.columns if column.restored_from]
            for one in table.document:
                if isinstance(one.source, Lookup):
                    referred += [(one.path, (one.source.table, name)) for name in (one.source.key, one.source.value)]
            for column, (target, name) in referred:
                if target in by_source and name not in by_source[target].column_names:
                    raise SpecError(
                        f"Catalog {self.name}: {table.source}.{column} refers to unknown {target}.{name}.",
                        f"use one of: {', '.join(by_source[target].column_names)}",
                    )

    def _check_sqlite_keys(self) -> None:
        """SQLite keeps UUIDs as texts, and decimals too where the declared type does not make numbers of them. Two such
        texts can be one value.
        """
        words = ("INT", "CHAR", "CLOB", "TEXT", "BLOB", "REAL", "FLOA", "DOUB")
        keys = [(table, key) for table in self.tables for key in table.key_columns if self.dialect == "sqlite"]
        for table, key in keys:
            numeric = not any(word in declared for word in words for declared in key.declared)
            if key.value is ValueType.UUID or (key.value is ValueType.DECIMAL and not numeric):
                raise SpecError(
                    f"Catalog {self.name}: {table.source}.{key.name}: several texts in SQLite are one {key.value}.",
                    "read the key as text",
                )

    @property
    def pipeline_database(self) -> str:
        """Database of ledger and quarantine."""
        return f"{self.database}_pipeline"

    def table(self, name: str) -> TableSpec:
        """The table with that collection or source name. Raises ConfigurationError with the nearest match."""
        for table in self.tables:
            if name in (table.collection, table.source):
                return table
        names = {known for table in self.tables for known in (table.collection, table.source)}
        raise ConfigurationError(f"Catalog {self.name} has no table {name!r}.", nearest(name, names))

    def left_alone(self, source_tables: Iterable[str]) -> tuple[str, ...]:
        """Names of the source's tables that this catalog does not move, bookkeeping excluded, sorted."""
        moved = {table.source for table in self.tables} | set(self.bookkeeping)
        return tuple(sorted(set(source_tables) - moved))


def nearest(name: str, known: Iterable[str]) -> str:
    """A cure for a mistyped name: the closest known one, and all of them."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return (f"did you mean {close[0]!r}? " if close else "") + f"known: {', '.join(names)}"

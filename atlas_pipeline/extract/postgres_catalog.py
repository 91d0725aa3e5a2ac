"""What a PostgreSQL database has: its relations, their columns and types, from the system catalogs.

What belongs here: the queries and what is made of their rows. What does not: policies of types (`postgres_types`), and
reading relations (`postgres_snapshot`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from atlas_pipeline.extract.postgres_types import Policy, policy_of, policy_of_array
from atlas_pipeline.extract.snapshot import Row, SourceColumn

Ask = Callable[[str, Mapping[str, Any]], Sequence[Row]]
"""Runs a query with parameters and gives all rows."""

_RELATIONS = """
SELECT c.oid::int8, n.nspname::text, c.relname::text, pg_catalog.pg_table_is_visible(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""
"""Tables, partitioned ones without their partitions, views, materialised views and foreign tables. Not what belongs to
an extension.
"""

_COLUMNS = """
SELECT a.attname::text, a.atttypid::int8, a.atttypmod, a.attnotnull
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = %(relation)s::int8::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""

_TYPES = """
WITH RECURSIVE used AS (
  SELECT atttypid AS oid FROM pg_catalog.pg_attribute
  WHERE attrelid = %(relation)s::int8::oid AND attnum > 0 AND NOT attisdropped
  UNION
  SELECT other.oid FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid
  CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem)) AS other (oid) WHERE other.oid <> 0
)
SELECT t.oid::int8, t.typname::text, t.typtype::text, n.nspname = 'pg_catalog', t.typbasetype::int8, t.typtypmod,
  coalesce(e.oid, 0)::int8, t.typnotnull
FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
"""

_SPELLED = "SELECT pg_catalog.format_type(%(type)s::int8::oid, %(modifier)s::int4)"

_KEY = """
SELECT a.attname::text
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %(relation)s::int8::oid AND i.indisprimary AND k.position <= i.indnkeyatts ORDER BY k.position
"""

_LEADING = """
SELECT DISTINCT a.attname::text
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %(relation)s::int8::oid AND i.indisvalid AND i.indpred IS NULL
"""

_SHORT = (
    (re.compile(r"^character varying"), "varchar"),
    (re.compile(r"^character\b"), "char"),
    (re.compile(r"^bit varying"), "varbit"),
    (re.compile(r"^(timestamp|time)(\(\d\))? without time zone"), r"\1\2"),
    (re.compile(r"^(timestamp|time)(\(\d\))? with time zone"), r"\1tz\2"),
)
"""From the server's spelling to the one of specs."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view: its number in the catalogs, and its full name."""

    oid: int
    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class RealColumn:
    """A column of a relation, with the policy of its type, or None."""

    described: SourceColumn
    policy: Policy | None


@dataclass(frozen=True, slots=True)
class _Type:
    name: str
    kind: str
    built_in: bool
    base: int
    base_modifier: int
    element: int
    not_null: bool


class PostgresCatalog:
    """The relations of a database, asked for once.

    Args:
        ask: Runs a query in the snapshot's transaction.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._columns: dict[str, dict[str, RealColumn]] = {}

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """All relations by the name that specs give them: bare on the search path and in `public`, else with schema."""
        found: dict[str, Relation] = {}
        rows = sorted(self._ask(_RELATIONS, {}), key=lambda row: (not row[3], row[1] != "public", row[1], row[2]))
        for oid, schema, name, visible in rows:
            bare = (visible or schema == "public") and name not in found
            found[name if bare else f"{schema}.{name}"] = Relation(oid, schema, name)
        return found

    def columns(self, table: str) -> dict[str, RealColumn]:
        """Columns of a relation in physical order; empty when there is no such relation."""
        if table not in self._columns and table in self.relations:
            self._columns[table] = self._read_columns(self.relations[table])
        return self._columns.get(table, {})

    def leading_columns(self, table: str) -> frozenset[str]:
        """Columns with which an index over all rows begins."""
        relation = self.relations.get(table)
        rows = self._ask(_LEADING, {"relation": relation.oid}) if relation else ()
        return frozenset(name for (name,) in rows)

    def primary_key(self, table: str) -> tuple[str, ...]:
        if table not in self.relations:
            return ()
        return tuple(name for (name,) in self._ask(_KEY, {"relation": self.relations[table].oid}))

    def _read_columns(self, relation: Relation) -> dict[str, RealColumn]:
        about = {"relation": relation.oid}
        types = {oid: _Type(*rest) for oid, *rest in self._ask(_TYPES, about)}
        columns: dict[str, RealColumn] = {}
        for name, oid, declared, not_null in self._ask(_COLUMNS, about):
            real, modifier, forced = _resolved(types, oid, declared)
            policy = _policy(types, real)
            described = SourceColumn(
                name=name,
                sql_type=self._spelled(real, modifier) if policy else self._spelled(oid, declared),
                nullable=not (not_null or forced),
                reads=policy.all_reads if policy else frozenset(),
                items=tuple(policy.items) if policy else (),
                scaffold=policy.scaffold if policy else None,
            )
            columns[name] = RealColumn(described, policy)
        return columns

    def _spelled(self, oid: int, modifier: int) -> str:
        spelled: str = self._ask(_SPELLED, {"type": oid, "modifier": modifier})[0][0]
        for pattern, short in _SHORT:
            spelled = pattern.sub(short, spelled)
        return spelled.upper()


def _resolved(types: Mapping[int, _Type], oid: int, modifier: int) -> tuple[int, int, bool]:
    """The type under a domain, its modifier, and whether a domain on the way refuses NULL."""
    not_null = False
    while types[oid].kind == "d":
        not_null = not_null or types[oid].not_null
        oid, modifier = types[oid].base, types[oid].base_modifier
    return oid, modifier, not_null


def _policy(types: Mapping[int, _Type], oid: int) -> Policy | None:
    found = types[oid]
    if not found.element:
        return policy_of(found.name, kind=found.kind, built_in=found.built_in)
    real, _, _ = _resolved(types, found.element, -1)
    element = _policy(types, real)
    if element is None:
        return None
    return policy_of_array(found.name, element, of_domain=real != found.element)

"""What another program's collection holds of a table, by the comparison that `verify` makes.

What belongs here: one walk over both sides, and what its differences are, counted. What does not: loading. Such a
collection has no entry in the ledger, and needs none: the table is compared under the name of that collection. Nothing
is written, and nothing is looked at twice, as nobody writes meanwhile.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from atlas_pipeline.extract.snapshot import Stretch
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.target import Target
from atlas_pipeline.reconcile.differences import FieldDifference, Kind
from atlas_pipeline.reconcile.fields import FieldComparison
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.reconcile.walk import Walk
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

_NOTHING = "missing"
_LOCK_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correctness:
    """How a collection compares with its table.

    Attributes:
        rows: Rows of the table.
        documents: Documents of the collection.
        equal: Rows whose document is byte for byte what they map to.
        representation: Documents with the values of their row, where a number has another type or the fields another
            order.
        value: Documents with another value in a field, or with other fields.
        missing: Rows without a document.
        extra: Documents without a row.
        values: How the values that differ do, and how many: `bool as int`, `null as double`, `no date`,
            `another string`.
        representations: The same for values that are equal, but represented otherwise: `int as double`, `field order`.
    """

    rows: int
    documents: int
    equal: int
    representation: int
    value: int
    missing: int
    extra: int
    values: dict[str, int] = field(default_factory=dict)
    representations: dict[str, int] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether every row has its document, byte for byte, and there is nothing else."""
        return self.equal == self.rows == self.documents

    @property
    def verdict(self) -> str:
        """The finding in one line."""
        if self.exact:
            return "equal"
        found = [
            f"{sum(counts.values()):,} {what} ({', '.join(f'{count:,} {how}' for how, count in counts.items())})"
            for counts, what in ((self.values, "values differ"), (self.representations, "represented otherwise"))
            if counts
        ]
        found += [f"{self.missing:,} rows missing"] if self.missing else []
        found += [f"{self.extra:,} documents too many"] if self.extra else []
        return "; ".join(found)


def compare(
    catalog: CatalogSpec, table: TableSpec, collection: str, *, source_url: str, target: Target, copies: Path
) -> Correctness:
    """Compare a collection of the catalog's database with a table whose keys both sides order alike.

    Args:
        catalog: The catalog of the table.
        table: What the documents should be.
        collection: The collection, whoever filled it.
        source_url: SQLAlchemy URL of the source.
        target: The server.
        copies: Folder for private copies of SQLite files.

    Raises:
        TargetError: The collection does not exist.
        SourceError: The source cannot be read.
    """
    named = replace(table, collection=collection)
    opened = Opened(
        catalog=replace(catalog, tables=(named,)),
        table=named,
        source=open_source(catalog, source_url, copies=copies, timeout_seconds=_LOCK_SECONDS),
        target=target,
        comment="benchmark",
    )
    comparison = FieldComparison(named.secret_paths, secrets.token_bytes(32))
    kinds: Counter[Kind] = Counter()
    values, representations = Counter[str](), Counter[str]()
    with opened.sides() as sides:
        walk = Walk(sides, Stretch(), sides.repeats_keys())
        for suspect in walk.suspects():
            if suspect.expected is None:
                kinds[Kind.EXTRA] += 1
            elif suspect.actual is None:
                kinds[Kind.MISSING] += 1
            else:
                places = comparison.places(suspect.expected, suspect.actual)
                kinds[Kind.REPRESENTATION if all(same for _, same in places) else Kind.VALUE] += 1
                for place, same in places:
                    (representations if same else values)[_how(place, same=same)] += 1
    return Correctness(
        rows=walk.tally.rows,
        documents=walk.tally.documents,
        equal=walk.tally.equal,
        representation=kinds[Kind.REPRESENTATION],
        value=kinds[Kind.VALUE],
        missing=kinds[Kind.MISSING],
        extra=kinds[Kind.EXTRA],
        values=dict(values.most_common()),
        representations=dict(representations.most_common()),
    )


def _how(place: FieldDifference, *, same: bool) -> str:
    """How a value differs, in a few words that many values share."""
    if place.path.endswith(")"):  # no field: a remark on all of them
        return place.path.rpartition("(")[2].rstrip(")")
    if place.actual_type == _NOTHING:
        return f"no {place.expected_type}"
    if place.expected_type == _NOTHING:
        return f"{place.actual_type} too many"
    if place.expected_type == place.actual_type:
        return f"another {'form of ' if same else ''}{place.expected_type}"
    return f"{place.expected_type} as {place.actual_type}"

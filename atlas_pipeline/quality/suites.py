"""What is expected of a table, derived from its spec: the content of its two suites, as plain data.

What belongs here: which expectation a column asks for, how bad its failure is, and the names and ids that everything
else refers to. What does not: where the files lie and how they are written (`project_files`), and how frames are made
(`frames`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Literal

from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.document import Leaf
from atlas_pipeline.spec.tables import TableSpec

Kind = Literal["counts", "sample"]
Severity = Literal["critical", "warning", "info"]

KINDS: tuple[Kind, ...] = ("counts", "sample")
"""`counts` judges one row of exact numbers of the whole table, `sample` judges documents that were drawn from it."""

MUST_BE_ZERO: dict[str, tuple[Severity, str]] = {
    "duplicate_keys": ("critical", "No key occurs in two source rows."),
    "missing_keys": ("critical", "Every source key has a document or a quarantine entry."),
    "extra_keys": ("critical", "No document has a key that the source lacks."),
    # Judged by checks of their own, no_rejected_rows and references_resolve; here for the record.
    "quarantined": ("info", "No row had to be quarantined."),
    "orphans": ("info", "Every reference resolves to a row that exists."),
}

EXAMPLES = 20
"""How many offending keys a result names at most."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:atlas-pipeline:expectations")


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises ValueError for any other text."""
    return KINDS[KINDS.index(name)]


def stable_id(*names: str) -> str:
    """An id that is the same on every machine and in every run for the same names."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


def suite_name(catalog: CatalogSpec, table: TableSpec, kind: Kind) -> str:
    """Name shared by the suite, validation definition and checkpoint of one kind."""
    return f"{catalog.name}.{table.collection}.{kind}"


def suite(catalog: CatalogSpec, table: TableSpec, kind: Kind) -> dict[str, Any]:
    """One suite in the shape in which Great Expectations stores it."""
    name = suite_name(catalog, table, kind)
    expectations = _of_counts() if kind == "counts" else _of_sample(table)
    return {
        "name": name,
        "id": stable_id("suite", name),
        "expectations": [_with_id(name, expectation) for expectation in expectations],
    }


def result_format(kind: Kind) -> dict[str, Any]:
    """How much of a failure is recorded: of a sample the offending keys, up to `EXAMPLES`."""
    common = {
        "result_format": "SUMMARY",
        "partial_unexpected_count": EXAMPLES,
        "return_unexpected_index_query": False,
    }
    return common | ({"unexpected_index_column_names": ["_id"]} if kind == "sample" else {})


def _of_counts() -> Iterator[dict[str, Any]]:
    yield _expectation(
        "expect_column_pair_values_to_be_equal",
        "critical",
        "Every source row is either a document or in quarantine: source_rows = documents + quarantined.",
        column_A="source_rows",
        column_B="accounted_rows",
        ignore_row_if="neither",
    )
    for column, (severity, says) in MUST_BE_ZERO.items():
        yield _expectation("expect_column_max_to_be_between", severity, says, column=column, min_value=0, max_value=0)


def _of_sample(table: TableSpec) -> Iterator[dict[str, Any]]:
    yield _expectation(
        "expect_column_values_to_be_in_set",
        "critical",
        "No sampled document differs from its source row; the names of differing fields are shown otherwise.",
        column="differing_fields",
        value_set=[""],
    )
    key_types = ["object"] if len(table.key) > 1 else list(table.key_columns[0].bson_types)
    yield _of_bson_type("_id", key_types)
    yield _expectation("expect_column_values_to_not_be_null", "critical", "Every document has a key.", column="_id")
    yield _expectation("expect_column_values_to_be_unique", "critical", "No two documents share a key.", column="_id")
    for leaf in table.leaves:
        yield from _of_leaf(leaf)


def _of_leaf(leaf: Leaf) -> Iterator[dict[str, Any]]:
    """Of a secret only type and length are judged: that is all that its mask keeps."""
    yield _of_bson_type(leaf.path, list(leaf.bson_types))
    if leaf.max_length is not None:
        yield _expectation(
            "expect_column_value_lengths_to_be_between",
            "warning",
            f"At most {leaf.max_length} characters, as {leaf.declared} promises.",
            column=leaf.path,
            max_value=leaf.max_length,
        )
    if leaf.secret:
        return
    if leaf.allowed:
        yield _expectation(
            "expect_column_values_to_be_in_set",
            "warning",
            f"One of: {', '.join(leaf.allowed)}.",
            column=leaf.path,
            value_set=list(leaf.allowed),
        )
    bounds = {"min_value": leaf.minimum, "max_value": leaf.maximum}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    if given:
        told = [f"at {'least' if name == 'min_value' else 'most'} {bound:g}" for name, bound in given.items()]
        yield _expectation(
            "expect_column_values_to_be_between",
            "warning",
            f"{' and '.join(told).capitalize()}.",
            column=leaf.path,
            **given,
        )


def _of_bson_type(field: str, bson_types: list[str]) -> dict[str, Any]:
    return _expectation(
        "expect_column_values_to_have_bson_type",
        "critical",
        f"BSON type is {' or '.join(bson_types)}.",
        column=field,
        bson_types=bson_types,
    )


def _expectation(kind: str, severity: Severity, says: str, **kwargs: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "severity": severity,
        "description": says,
        "kwargs": kwargs,
    }


def _with_id(name: str, expectation: dict[str, Any]) -> dict[str, Any]:
    column = expectation["kwargs"].get("column", "table")
    return {"id": stable_id("expectation", name, expectation["type"], column), **expectation}

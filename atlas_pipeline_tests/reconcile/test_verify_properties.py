"""For random rows of every column type: what is stored is what the row must become, verify finds nothing; and of a
random change of one field, on either side, verify finds exactly it.

An example is one generated row, or one generated change. Many of them share a load, for a load costs as much as
hundreds of rows. What a row must become is told by its generator, not by the code that maps rows.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import Any

import bson
import hypothesis
import pytest
from bson.raw_bson import RawBSONDocument
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from atlas_pipeline_tests.reconcile import generated_rows
from atlas_pipeline_tests.reconcile.generated_changes import Change, changes
from atlas_pipeline_tests.reconcile.generated_rows import Row, document, rows
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, kinds

IN_CI = bool(os.environ.get("CI"))
SEED = 4 if IN_CI else random.SystemRandom().randrange(2**32)
ROWS_AT_ONCE = 20
BATCHES = {"sqlite": 45, "postgresql": 8}
EXAMPLES = 2 * ROWS_AT_ONCE * sum(BATCHES.values())
assert EXAMPLES >= 2_000


@dataclass
class Counted:
    """Examples that passed."""

    rows: int = 0
    changes: int = 0


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture(autouse=True)
def _no_file_beside_the_code(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hypothesis keeps what it keeps in a temporary folder."""
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path_factory.getbasetemp() / "hypothesis")


def fill(proof: Proof, made: list[Row]) -> None:
    """Let the source hold these rows, under keys from 1 on."""
    with proof.connected() as execute:
        execute("DELETE FROM generated")
        for key, row in enumerate(made, start=1):
            places = ", ".join("?" for _ in range(len(row) + 1))
            execute(f"INSERT INTO generated VALUES ({places})", key, *(value.sql for value in row.values()))


def stored(proof: Proof) -> list[bytes]:
    raw: Any = proof.client[proof.catalog.database]["generated"].find_raw_batches({}).sort("_id", 1)
    return [bytes(one.raw) for batch in raw for one in bson.decode_all(batch, bson.CodecOptions(RawBSONDocument))]


def check(proof: Proof, made: list[Row], changed: list[Change], counted: Counted) -> None:
    """One batch of examples."""
    spec = generated_rows.table(proof.catalog.dialect)
    fill(proof, made)
    facts = proof.load(spec)
    assert (facts.loaded, facts.quarantined) == (len(made), 0), list(proof.pipeline["quarantine"].find())
    documents = [document(key, row) for key, row in enumerate(made, start=1)]
    for row, one, there in zip(made, documents, stored(proof), strict=True):
        assert bson.encode(one) == there, (row, bson.decode(there))
    verification = proof.verify(spec)
    assert (kinds(verification), accounted(verification)) == ([], (len(made), len(made), len(made), 0))
    counted.rows += len(made)

    with proof.connected() as execute:
        for key, change in enumerate(changed, start=1):
            if change.sql is not None:
                execute(f'UPDATE generated SET "{change.column}" = ? WHERE id = ?', change.sql.sql, key)
    for one, change in zip(documents, changed, strict=True):
        if change.sql is None:
            change.apply(one)
            proof.live(spec).replace_one({"_id": one["_id"]}, one, bypass_document_validation=True)
    found = {
        one.identifier: (str(one.kind), {field.path for field in one.fields}) for one in proof.verify(spec).differences
    }
    for key, change in enumerate(changed, start=1):
        kind = "representation" if change.representation else "value"
        beside = f"{change.path}_us"
        assert key in found, change
        assert (found[key][0], found[key][1] - {beside}) == (kind, {change.path}), change
    assert len(found) == len(changed)
    counted.changes += len(changed)


@st.composite
def batches(draw: st.DrawFn, dialect: str) -> tuple[list[Row], list[Change]]:
    made = draw(st.lists(rows(dialect), min_size=ROWS_AT_ONCE, max_size=ROWS_AT_ONCE))
    return made, [draw(changes(row)) for row in made]


def run(proof: Proof, counted: Counted) -> None:
    dialect = proof.catalog.dialect
    proof.create(generated_rows.table(dialect), [])
    print(f"hypothesis seed {SEED}")  # noqa: T201 - shown when the test fails

    @hypothesis.seed(SEED)
    @settings(
        max_examples=BATCHES[dialect],
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # what fails names its row, and shrinking would load thousands of times
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(batches(dialect))
    def holds(batch: tuple[list[Row], list[Change]]) -> None:
        check(proof, *batch, counted)

    holds()
    assert counted.rows >= ROWS_AT_ONCE * BATCHES[dialect]
    assert counted.changes >= ROWS_AT_ONCE * BATCHES[dialect]


def test_random_rows_of_sqlite_are_stored_as_they_are_and_random_changes_are_found(
    sqlite_proof: Proof, counted: Counted
) -> None:
    run(sqlite_proof, counted)


def test_random_rows_of_postgresql_are_stored_as_they_are_and_random_changes_are_found(
    postgres_proof: Proof, counted: Counted
) -> None:
    run(postgres_proof, counted)

"""What is asked of every case, of one dialect at a time.

What belongs here: the tests' parameters and their bodies, so that each dialect has a file of tests and both can run at
once. What does not: finding cases (`registry.py`), and what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from atlas_pipeline_tests.cases.case import WAYS, Case, Dialect, Plant, Row, of
from atlas_pipeline_tests.cases.expected import differences, entries, rejects
from atlas_pipeline_tests.cases.registry import all_cases
from atlas_pipeline_tests.cases.tables import CaseTable, table_of, unheld_rows
from atlas_pipeline_tests.cases.verified import expected_findings, findings, verified
from atlas_pipeline_tests.cases.world import REFUSALS, World, quoted


def _loaded() -> Iterator[Case]:
    return (case for case in all_cases() if isinstance(case, Case))


def loads(dialect: Dialect) -> list[Any]:
    """A parameter for each case and way of loading."""
    return [
        pytest.param(table, id=f"{case.says}, {way}")
        for case in _loaded()
        for way in WAYS
        if (table := table_of(case, dialect, way)) is not None
    ]


def unheld(dialect: Dialect) -> list[Any]:
    """Two parameters, case and row, for each row that the dialect is said not to hold."""
    return [
        pytest.param(case, row, id=f"{case.says}, row {case.rows.index(row) + 1}")
        for case in _loaded()
        if dialect not in case.absent
        for row in unheld_rows(case, dialect)
    ]


def plants(dialect: Dialect) -> list[Any]:
    """Two parameters, table and plant, for each difference that is made after a load."""
    return [
        pytest.param(table, plant, id=f"{case.says}, {plant.says}")
        for case in _loaded()
        for number, plant in enumerate(case.plants, 1)
        if (table := table_of(case, dialect, plant.way, number=number)) is not None
    ]


def judge_load(table: CaseTable, world: World) -> None:
    """Load a table: each row lands, or is rejected, as its case says, and verify finds nothing."""
    world.make(table)
    facts = world.load(table.spec)
    documents = [table.own(document) for document in world.documents(table.spec)]
    quarantined = world.quarantined(table.spec)
    assert differences(table.landing, documents) == []
    assert entries(quarantined) == rejects(table.rejected)
    assert len(documents) + len(quarantined) == len(table.rows)
    assert (facts.source_rows, facts.loaded, facts.quarantined) == (len(table.rows), len(documents), len(quarantined))
    assert sum(facts.truncated.values()) + sum(facts.adjusted.values()) == of(table.case.touched, table.dialect)
    _require_equal(world, table, documents=len(documents), quarantined=len(quarantined))


def judge_unheld(case: Case, row: Row, world: World) -> None:
    """Insert a row that the dialect is said not to hold: its server or its driver refuses it."""
    spec = replace(of(case.table, world.dialect), source=f"{case.name}__unheld_{case.rows.index(row) + 1}")
    world.make(CaseTable(case=case, dialect=world.dialect, way="in bulk", spec=spec, rows=()))
    with pytest.raises(REFUSALS):
        world.insert(spec, [tuple(of(value, world.dialect) for value in row.values)])


def judge_plant(table: CaseTable, plant: Plant, world: World) -> None:
    """Make a difference after a load: verify finds just that, and another load heals it where the case says so."""
    world.make(table)
    world.load(table.spec)
    _plant(world, table, plant)
    found = verified(world, table.spec)
    assert findings(found) == expected_findings(plant.finds)
    assert found.strictly_equal is not bool(plant.finds)
    assert found.equal is all(one.kind == "representation" for one in plant.finds)
    if plant.then:
        world.load(table.spec)
        outcomes = [of(row.outcome, table.dialect) for row in plant.then]
        documents = [table.own(one) for one in world.documents(table.spec)]
        assert differences([one for one in outcomes if isinstance(one, Mapping)], documents) == []
        _require_equal(world, table, documents=len(documents), quarantined=len(outcomes) - len(documents))


def _require_equal(world: World, table: CaseTable, *, documents: int, quarantined: int) -> None:
    """Verify finds nothing, and has looked at everything."""
    found = verified(world, table.spec)
    assert findings(found) == []
    assert found.strictly_equal
    assert (found.tally.rows, found.tally.documents) == (documents + quarantined, documents)
    assert (found.tally.equal, found.tally.quarantined) == (documents, quarantined)


def _plant(world: World, table: CaseTable, plant: Plant) -> None:
    collection = world.client[world.catalog.database][table.spec.collection]
    for statement in plant.source:
        world.execute(statement.format(table=quoted(table.spec.source)))
    for key in plant.delete:
        assert collection.delete_one({"_id": key}).deleted_count == 1
    for document in plant.insert:
        collection.insert_one(dict(document), bypass_document_validation=True)

"""A small catalog that has every kind of column, its generated project, and documents that hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from atlas_pipeline.quality.outcome import ExpectationsOutcome
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.project_files import write_project
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec

ACCOUNTS = TableSpec(
    source="accounts",
    collection="accounts",
    key=("id",),
    columns=(
        ColumnSpec(name="id", sql_type="VARCHAR(36)", value=ValueType.TEXT),
        ColumnSpec(name="name", sql_type="VARCHAR(12)", value=ValueType.TEXT, nullable=True),
        ColumnSpec(name="role", sql_type="VARCHAR(16)", value=ValueType.TEXT, allowed=("admin", "member")),
        ColumnSpec(name="age", sql_type="INTEGER", value=ValueType.INTEGER, minimum=0, nullable=True),
        ColumnSpec(name="share", sql_type="FLOAT", value=ValueType.DOUBLE, nullable=True),
        ColumnSpec(name="active", sql_type="BOOLEAN", value=ValueType.BOOLEAN),
        ColumnSpec(name="created_at", sql_type="DATETIME", value=ValueType.DATETIME),
        ColumnSpec(name="settings", sql_type="JSON", value=ValueType.JSON_OBJECT, nullable=True),
        ColumnSpec(name="tags", sql_type="JSON", value=ValueType.JSON_ARRAY),
        ColumnSpec(name="token", sql_type="VARCHAR(40)", value=ValueType.TEXT, secret=True),
    ),
)

MEMBERSHIPS = TableSpec(
    source="memberships",
    collection="memberships",
    key=("account", "team"),
    columns=(
        ColumnSpec(name="account", sql_type="VARCHAR(36)", value=ValueType.TEXT),
        ColumnSpec(name="team", sql_type="INTEGER", value=ValueType.INTEGER),
        ColumnSpec(name="since", sql_type="DATETIME", value=ValueType.DATETIME),
    ),
)

CATALOG = CatalogSpec(
    name="small",
    dialect="sqlite",
    source_variable="SMALL_DB_URL",
    database="small",
    tables=(ACCOUNTS, MEMBERSHIPS),
)

Validate = Callable[..., ExpectationsOutcome]


def account(number: int, **changes: Any) -> dict[str, Any]:
    """A document of ACCOUNTS that holds, with changes."""
    return {
        "_id": f"account-{number:04}",
        "name": f"name {number}" if number % 3 else None,
        "role": "admin" if number % 2 else "member",
        "age": number,
        "share": number / 7,
        "active": True,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "settings": {"theme": "dark"},
        "tags": ["a", "b"],
        "token": f"token-{number:04}",
        **changes,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The generated project of the small catalog."""
    folder = tmp_path / "expectations"
    write_project(folder, [CATALOG])
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder that does not exist yet."""
    return tmp_path / "state"


@pytest.fixture
def project(root: Path, state: Path) -> ExpectationsProject:
    """The project, as a run opens it."""
    return ExpectationsProject(root=root, state=state, reports_url="http://127.0.0.1:3001/")


@pytest.fixture
def validate(project: ExpectationsProject) -> Validate:
    """Validates ACCOUNTS, with counts that fit the documents unless others are given."""

    def run(
        documents: Sequence[Mapping[str, Any]],
        *,
        counts: TableCounts | None = None,
        differing: Mapping[Any, tuple[str, ...]] | None = None,
        table: TableSpec = ACCOUNTS,
        run_name: str = "run-1",
    ) -> ExpectationsOutcome:
        return project.validate(
            CATALOG,
            table,
            counts=counts or TableCounts(source_rows=len(documents), documents=len(documents), quarantined=0),
            documents=documents,
            differing=differing or {},
            run_name=run_name,
        )

    return run

from __future__ import annotations

import dataclasses
import json
import uuid
from pathlib import Path

import pytest

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.project_files import out_of_step, project_files, write_project
from atlas_pipeline.quality.suites import KINDS, suite
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.quality.conftest import ACCOUNTS, CATALOG, MEMBERSHIPS

COMMITTED = Settings.model_fields["expectations_dir"].default


def test_the_committed_expectations_follow_the_catalogs() -> None:
    stale = out_of_step(COMMITTED, project_files(CATALOGS.values()))
    assert stale == [], "run `atlas-pipeline expectations sync`"


def test_a_generated_project_equals_the_committed_one_file_by_file(tmp_path: Path) -> None:
    write_project(tmp_path, CATALOGS.values())

    def tree(root: Path) -> dict[str, bytes]:
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert tree(tmp_path) == tree(COMMITTED)


def test_writing_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    assert len(write_project(tmp_path, [CATALOG])) == 1 + 6 * len(CATALOG.tables)
    assert write_project(tmp_path, [CATALOG]) == []


def test_files_of_a_table_that_is_gone_are_removed_with_their_folders(root: Path) -> None:
    changed = write_project(root, [dataclasses.replace(CATALOG, tables=(ACCOUNTS,))])
    assert len(changed) == 1 + 6
    assert not (root / "suites" / "small" / MEMBERSHIPS.collection).exists()
    assert [path for path in root.rglob("*") if MEMBERSHIPS.collection in path.name] == []


def test_a_changed_column_changes_its_suite_alone_and_keeps_all_other_ids(root: Path) -> None:
    longer = ColumnSpec(name="name", sql_type="VARCHAR(99)", value=ValueType.TEXT, nullable=True)
    columns = tuple(longer if column.name == "name" else column for column in ACCOUNTS.columns)
    changed = dataclasses.replace(CATALOG, tables=(dataclasses.replace(ACCOUNTS, columns=columns), MEMBERSHIPS))
    before = json.loads((root / "suites/small/accounts/sample.json").read_text(encoding="utf-8"))
    assert write_project(root, [changed]) == [root / "suites/small/accounts/sample.json"]
    after = json.loads((root / "suites/small/accounts/sample.json").read_text(encoding="utf-8"))
    assert [each["id"] for each in before["expectations"]] == [each["id"] for each in after["expectations"]]


def test_every_id_is_a_uuid_and_unique() -> None:
    ids = []
    for catalog in CATALOGS.values():
        for table in catalog.tables:
            for kind in KINDS:
                content = suite(catalog, table, kind)
                ids += [content["id"], *(each["id"] for each in content["expectations"])]
    assert len(set(ids)) == len(ids)
    assert {str(uuid.UUID(each)) for each in ids} == set(ids)


def test_each_field_of_each_table_has_its_bson_types_judged() -> None:
    for catalog in CATALOGS.values():
        for table in catalog.tables:
            judged = {
                each["kwargs"]["column"]: each["kwargs"]["bson_types"]
                for each in suite(catalog, table, "sample")["expectations"]
                if each["type"] == "expect_column_values_to_have_bson_type"
            }
            assert list(judged) == list(table.fields)
            assert all(judged[leaf.path] == list(leaf.bson_types) for leaf in table.leaves)


def test_no_committed_file_holds_an_absolute_path_or_an_address() -> None:
    for path in COMMITTED.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "://" not in text, path
            assert str(Path.cwd()) not in text, path


def test_a_project_out_of_step_with_the_spec_is_refused_with_file_and_cure(
    root: Path, project: ExpectationsProject
) -> None:
    suite_file = root / "suites/small/accounts/sample.json"
    suite_file.write_text(suite_file.read_text(encoding="utf-8").replace("critical", "info"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"sample\.json.*atlas-pipeline expectations sync"):
        project.validate(
            CATALOG,
            ACCOUNTS,
            counts=TableCounts(source_rows=0, documents=0, quarantined=0),
            documents=[],
            differing={},
            run_name="run-1",
        )


def test_a_missing_project_is_refused_with_the_cure(tmp_path: Path) -> None:
    project = ExpectationsProject(root=tmp_path / "nowhere", state=tmp_path / "state", reports_url="http://localhost")
    with pytest.raises(ConfigurationError, match=r"great_expectations\.yml.*atlas-pipeline expectations sync"):
        project.validate(
            CATALOG,
            ACCOUNTS,
            counts=TableCounts(source_rows=0, documents=0, quarantined=0),
            documents=[],
            differing={},
            run_name="run-1",
        )

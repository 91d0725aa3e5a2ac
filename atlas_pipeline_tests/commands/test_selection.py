"""Which catalogs and tables a command is about, when it is told little."""

from __future__ import annotations

import pytest

from atlas_pipeline.commands.selection import Selection, select, select_readable
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.settings import Settings

ATLAS, PLATFORM = "infrastructure_atlas", "investigation_platform"


def names(selection: Selection) -> dict[str, list[str]]:
    return {catalog.name: [table.collection for table in tables] for catalog, tables in selection}


def test_without_a_name_every_catalog_is_meant() -> None:
    assert {name: len(tables) for name, tables in names(select(None, None)).items()} == {ATLAS: 18, PLATFORM: 10}


def test_tables_come_in_the_order_of_the_catalog_whatever_was_asked() -> None:
    assert names(select(PLATFORM, ["templates", "investigations"])) == {PLATFORM: ["investigations", "templates"]}


@pytest.mark.parametrize("name", ["audit_log", "investigation_audit_log"])
def test_the_catalog_of_a_table_is_found_by_either_of_its_names(name: str) -> None:
    assert names(select(None, [name])) == {PLATFORM: ["audit_log"]}


def test_tables_of_two_catalogs_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="No catalog has all of users, audit_log"):
        select(None, ["users", "audit_log"])


def test_a_table_that_no_catalog_has_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'audit_log'"):
        select(None, ["audit_lock"])


def test_only_catalogs_with_a_source_are_read_unless_one_is_named(settings: Settings) -> None:
    with_one = settings.model_copy(update={"atlas_db_url": Settings(ATLAS_DB_URL="sqlite:////a").atlas_db_url})
    assert list(names(select_readable(None, None, with_one))) == [ATLAS]
    assert list(names(select_readable(PLATFORM, None, with_one))) == [PLATFORM]


def test_without_any_source_the_variables_are_named(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="ATLAS_DB_URL or DATABASE_URL"):
        select_readable(None, None, settings)

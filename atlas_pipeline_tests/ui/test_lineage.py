"""What the lineage shows: every source table, its collection and the collection's indexes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from atlas_pipeline_tests.catalogs.facts_infrastructure_atlas import FACTS
from atlas_pipeline_tests.catalogs.facts_investigation_platform import FACTS as PLATFORM_FACTS
from atlas_pipeline_tests.ui.portal import CATALOG, Portal

pytestmark = pytest.mark.ui

PLATFORM = "investigation_platform"
LANES = {
    CATALOG: {(facts["source"], name, f"{name}_indexes") for name, facts in FACTS.items()},
    PLATFORM: {(facts["source"], name, f"{name}_indexes") for name, facts in PLATFORM_FACTS.items()},
}
# A node of the graph is a foreignObject with its place, and its name as the only tooltip of a label.
PLACES = """nodes => nodes.map(node => [
    Number(node.getAttribute('y')), Number(node.getAttribute('x')),
    node.querySelector('[data-tooltip]')?.getAttribute('data-tooltip')]).filter(place => place[2])"""


@pytest.mark.parametrize(("catalog", "collections"), [(CATALOG, 18), (PLATFORM, 10)])
def test_the_graph_of_a_catalog_shows_each_collection_between_its_table_and_its_indexes(
    portal: Portal, page: Page, catalog: str, collections: int
) -> None:
    page.goto(f"{portal.address}/locations/__repository__@atlas_pipeline/asset-groups/{catalog}/lineage")
    for _, _, name in LANES[catalog]:
        expect(page.locator("foreignObject").locator(f'[data-tooltip="{name}"]')).to_be_visible()
    rows: dict[int, list[tuple[int, str]]] = {}
    for y, x, name in page.locator("foreignObject").evaluate_all(PLACES):
        rows.setdefault(y, []).append((x, name))
    assert {tuple(name for _, name in sorted(row)) for row in rows.values()} == LANES[catalog]
    assert len(LANES[catalog]) == collections


def test_the_edges_lead_from_table_to_collection_to_indexes_and_nowhere_else(portal: Portal) -> None:
    nodes = portal.ask("{ assetNodes { assetKey { path } dependencyKeys { path } } }")["assetNodes"]
    edges = {tuple(node["assetKey"]["path"]): [tuple(key["path"]) for key in node["dependencyKeys"]] for node in nodes}
    expected: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for catalog, lanes in LANES.items():
        for source, collection, indexes in lanes:
            expected[("source", catalog, source)] = []
            expected[(catalog, collection)] = [("source", catalog, source)]
            expected[(catalog, indexes)] = [(catalog, collection)]
        expected[("status", catalog)] = []  # the board stands alone, so that it pulls nothing apart
    assert edges == expected


def test_the_lineage_of_an_asset_names_the_table_that_it_comes_from(portal: Portal, page: Page) -> None:
    page.goto(portal.asset("secrets", view="lineage"))
    for name in ("secure_settings", "secrets", "secrets_indexes"):
        expect(page.locator("foreignObject").locator(f'[data-tooltip="{name}"]')).to_be_visible()
    expect(page.locator("foreignObject").filter(has_text="secure_settings")).to_contain_text("SQLite")
    expect(page.locator("foreignObject").filter(has_text="secrets_indexes")).to_contain_text("MongoDB")

"""What the server of reports serves, and that the rest of the state folder stays private."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from atlas_pipeline_tests.ui.portal import Portal

pytestmark = pytest.mark.ui

PRIVATE = ["servers.json", "dagster_home/dagster.yaml", "mongodb/mongod.lock", "mongodb.log"]
DISGUISES = [
    "/{}",
    "//{}",
    "/reports/../{}",
    "/reports/..%2f{}",
    "/reports/%2e%2e/{}",
    "/reports/%2e%2e%2f{}",
    "/data_docs/..%5c{}",
    "/data_docs/validations/../../{}",
    "/reports/./../{}?query",
]


def status(portal: Portal, path: str, method: str = "GET") -> int:
    """Status of the answer to a request whose path is sent as it is."""
    address = urlsplit(portal.reports)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("private", PRIVATE)
def test_nothing_else_of_the_state_folder_is_served(portal: Portal, private: str, disguise: str) -> None:
    assert (portal.state / private).is_file()
    path = disguise.format(private)
    assert [status(portal, path, method) for method in ("GET", "HEAD")] == [404, 404]


@pytest.mark.parametrize("folder", ["samples", "dagster_home", "mongodb", "run", "snapshots"])
def test_no_other_folder_is_listed(portal: Portal, folder: str) -> None:
    assert [status(portal, f"/{folder}"), status(portal, f"/{folder}/")] == [404, 404]


def test_a_link_out_of_the_reports_is_not_followed(portal: Portal) -> None:
    link = portal.state / "reports" / "servers.json"
    link.symlink_to(portal.state / "servers.json")
    try:
        assert status(portal, "/reports/servers.json") == 404
    finally:
        link.unlink()


def test_reports_and_data_docs_are_served(portal: Portal) -> None:
    for path in (f"/reports/{portal.run_id}/index.html", f"/reports/{portal.run_id}/report.json", "/data_docs/"):
        assert status(portal, path) == 200


def test_what_is_not_there_is_not_found(portal: Portal) -> None:
    assert status(portal, "/reports/no-such-run/index.html") == 404

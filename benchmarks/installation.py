"""An installation of one's own for a benchmark: a copy of the project whose YAML was edited as an operator does, served
by `atlas-pipeline up`, asked through the interface that the pages use, and a webhook that takes its alerts.

What belongs here: processes, questions, pictures. What does not: what is done with them (`benchmarks.soak`).
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-c", "from atlas_pipeline.cli import main; main()"]
START_SECONDS, END_SECONDS = 180.0, 60.0
_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "atlas_pipeline"}
_SCHEDULE = """query ($of: ScheduleSelector!) { scheduleOrError(scheduleSelector: $of) { ... on Schedule {
    scheduleState { id ticks(limit: 1000) { timestamp status skipReason error { message } } } } } }"""
_START = """mutation ($of: ScheduleSelector!) { startSchedule(scheduleSelector: $of) { __typename
    ... on PythonError { message } } }"""
_STOP = "mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename ... on PythonError { message } } }"
_LAUNCH = """mutation ($of: ExecutionParams!) { launchPipelineExecution(executionParams: $of) { __typename
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUNS = """query ($catalog: String!) { runsOrError(filter: {tags: [{key: "catalog", value: $catalog}]}) {
    ... on Runs { results { runId jobName status startTime endTime tags { key value } } } } }"""
_ASSET = """query ($key: AssetKeyInput!) { assetsLatestInfo(assetKeys: [$key]) { latestRun { runId status }
    latestMaterialization { runId metadataEntries { label ... on FloatMetadataEntry { floatValue }
    ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text } } } }
    assetNodeOrError(assetKey: $key) { ... on AssetNode { freshnessStatusInfo { freshnessStatus } } } }"""
Found = TypeVar("Found")


@dataclass
class Receiver:
    """A webhook.

    Attributes:
        url: Its address.
        alerts: What came.
    """

    url: str
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def of(self, event: str, what: str, since: int) -> dict[str, Any] | None:
        """The first alert of this kind on something of this name, after the first so many alerts."""
        for alert in self.alerts[since:]:
            if alert["event"] == event and any(what in fault["what"] for fault in alert["faults"]):
                return alert
        return None


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A webhook, until the caller is done."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.alerts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}/alerts")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A web interface that answers.

    Attributes:
        address: Of the Dagster UI.
        catalog: The catalog that is looked at.
        environment: Of its processes.
        folder: Where it is.
    """

    address: str
    catalog: str
    environment: dict[str, str]
    folder: Path

    def ask(self, question: str, **variables: Any) -> dict[str, Any]:
        """Answer of the GraphQL API. Raises RuntimeError when it is an error."""
        request = urllib.request.Request(  # noqa: S310 - of this machine
            f"{self.address}/graphql",
            data=json.dumps({"query": question, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer = json.load(response)
        if "errors" in answer:
            raise RuntimeError(str(answer["errors"]))
        data: dict[str, Any] = answer["data"]
        for value in data.values():
            if isinstance(value, dict) and "message" in value:
                raise RuntimeError(str(value))
        return data

    @property
    def _schedule(self) -> dict[str, str]:
        return {**_REPOSITORY, "scheduleName": f"sync_{self.catalog}_schedule"}

    def ticks(self) -> list[dict[str, Any]]:
        """What the schedule of the catalog did, in the order of time."""
        state = self.ask(_SCHEDULE, of=self._schedule)["scheduleOrError"]["scheduleState"]
        return sorted(state["ticks"], key=lambda tick: float(tick["timestamp"]))

    def switch(self, *, on: bool) -> None:
        """Switch the schedule of the catalog on or off."""
        if on:
            self.ask(_START, of=self._schedule)
        else:
            state = self.ask(_SCHEDULE, of=self._schedule)["scheduleOrError"]["scheduleState"]
            self.ask(_STOP, id=state["id"])

    def launch(self, asset: str) -> str:
        """Materialize one collection with its checks, as its button does; gives the run."""
        from atlas_pipeline.quality.checks import CHECKS

        key = {"path": [self.catalog, asset]}
        selector = {
            **_REPOSITORY,
            "jobName": "__ASSET_JOB",
            "assetSelection": [key],
            "assetCheckSelection": [{"assetKey": key, "name": check.name} for check in CHECKS],
        }
        launched = self.ask(_LAUNCH, of={"selector": selector, "mode": "default"})["launchPipelineExecution"]
        if "run" not in launched:
            raise RuntimeError(str(launched))
        return str(launched["run"]["runId"])

    def runs(self) -> list[dict[str, Any]]:
        """All runs of the catalog, oldest first."""
        runs = self.ask(_RUNS, catalog=self.catalog)["runsOrError"]["results"]
        for run in runs:
            run["trigger"] = {tag["key"]: tag["value"] for tag in run.pop("tags")}.get("trigger", "")
        return list(reversed(runs))

    def active(self) -> bool:
        """Whether a run of the catalog has not ended."""
        return any(run["status"] not in ("SUCCESS", "FAILURE", "CANCELED") for run in self.runs())

    def asset(self, name: str) -> dict[str, Any]:
        """The latest run of an asset, how fresh it is, and the metadata of its latest materialization."""
        answer = self.ask(_ASSET, key={"path": [self.catalog, name]})
        (latest,) = answer["assetsLatestInfo"]
        made = latest["latestMaterialization"] or {"runId": None, "metadataEntries": []}
        freshness = answer["assetNodeOrError"]["freshnessStatusInfo"]
        return {
            "status": (latest["latestRun"] or {}).get("status"),
            "made_by": made["runId"],
            "freshness": freshness and freshness["freshnessStatus"],
            "metadata": {
                entry["label"]: next(
                    (entry[kind] for kind in ("floatValue", "intValue", "text") if kind in entry), None
                )
                for entry in made["metadataEntries"]
            },
        }

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the installation."""
        return subprocess.run(
            [*COMMAND, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@contextmanager
def installed(
    folder: Path, *, catalog: str, attributes: dict[str, Any], environment: dict[str, str]
) -> Iterator[Installation]:
    """A copy of the project, with these attributes in the YAML of the catalog, served until the caller is done."""
    code = folder / "code"
    for name in ("atlas_pipeline", "expectations"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "workspace.yaml"):
        shutil.copy(ROOT / name, code / name)
    path = code / "atlas_pipeline" / "defs" / catalog / "defs.yaml"
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    written["attributes"] |= attributes
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    ui, reports = _free_ports(2)
    outside = {name: value for name, value in os.environ.items() if name not in ("MONGODB_URI", "DATABASE_URL")}
    installation = Installation(
        address=f"http://127.0.0.1:{ui}",
        catalog=catalog,
        folder=folder,
        environment={
            **outside,
            "PYTHONPATH": str(code),
            "ATLAS_STATE_DIR": str(folder / "state"),
            "ATLAS_REPORTS_URL": f"http://127.0.0.1:{reports}",
            "ATLAS_MONGOD_CACHE_GB": "0.25",
            **environment,
        },
    )
    with (folder / "up.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*COMMAND, "up", "--port", str(ui)],
            cwd=folder,
            env=installation.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(lambda: _answers(f"{installation.address}/server_info", process), START_SECONDS, "the web interface")
        yield installation
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(END_SECONDS)


def wait_for(condition: Callable[[], Found], seconds: float, what: str) -> Found:
    """What the condition gives, once it gives something. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.5)
    return found


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"`up` has ended with {process.returncode}")
    try:
        with urllib.request.urlopen(address, timeout=60) as response:  # noqa: S310 - of this machine
            return bool(response.status == 200)
    except urllib.error.URLError:
        return False


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@contextmanager
def pictures(folder: Path | None) -> Iterator[Callable[[str, str], None]]:
    """What takes a picture of a page, by name and address; nothing without a folder."""
    if folder is None:
        yield lambda _name, _address: None
        return
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000})

        def take(name: str, address: str) -> None:
            page.goto(address)
            page.wait_for_timeout(10_000)  # the pages ask again and again, so they are never idle
            page.screenshot(path=folder / f"{name}.png")

        yield take
        browser.close()

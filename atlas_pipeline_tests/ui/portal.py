"""The web interface as an operator starts it, on a source with bad rows: first `sync`, then `up`, by the command line.

Here: the processes, from their start to the proof that none is left, and the questions that are asked without a
browser. Not here: what the pages have to show.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil

from atlas_pipeline.errors import EXIT_DIFFERENCES, EXIT_INTERRUPTED
from atlas_pipeline.local.sample.bad_rows import BadRow
from atlas_pipeline.local.sample.generate import DirtyFacts, write_dirty_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline_tests.local.owner import is_running
from atlas_pipeline_tests.orchestration.receivers import Webhook, webhook
from atlas_pipeline_tests.waiting import wait_until

CATALOG = "infrastructure_atlas"
START_SECONDS = 240.0
END_SECONDS = 60.0
_COMMAND = str(Path(sys.executable).with_name("atlas-pipeline"))


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A web interface that answers.

    Attributes:
        address: Of the Dagster UI.
        reports: Of the server of reports and Data Docs.
        state: The state folder.
        sample: What the source holds.
        run_id: The run of `sync` that was there before the web interface.
        report: What the report of that run says, as JSON.
        hook: Where alerts go.
    """

    address: str
    reports: str
    state: Path
    sample: DirtyFacts
    run_id: str
    report: dict[str, Any]
    hook: Webhook

    def asset(self, name: str, **view: str) -> str:
        """Address of the page of an asset of the catalog."""
        query = "&".join(f"{key}={value}" for key, value in view.items())
        return f"{self.address}/assets/{CATALOG}/{name}?{query}"

    def bad_rows(self, table: str) -> list[BadRow]:
        """The rows of a source table that must be in quarantine."""
        return [row for row in self.sample.bad_rows if row.table == table]

    def table(self, collection: str) -> dict[str, Any]:
        """What the report says of one collection."""
        (record,) = (record for record in self.report["tables"] if record["collection"] == collection)
        return cast("dict[str, Any]", record)

    def ask(self, question: str, **variables: object) -> dict[str, Any]:
        """Answer of the GraphQL API of the UI."""
        request = urllib.request.Request(
            f"{self.address}/graphql",
            data=json.dumps({"query": question, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return cast("dict[str, Any]", answer["data"])


@contextmanager
def serve(folder: Path) -> Iterator[Portal]:
    """Sync a source with bad rows, then serve the web interface until the caller is done; it ends whole."""
    with webhook() as hook:
        yield from _serve(folder, hook)


def _serve(folder: Path, hook: Webhook) -> Iterator[Portal]:
    state, source = folder / "state", folder / "source.sqlite3"
    sample = write_dirty_sample(source, size=SampleSize.default().scaled(0.01))
    ui_port, reports_port = _free_ports(2)
    environment = {
        **os.environ,
        "ATLAS_STATE_DIR": str(state),
        "ATLAS_DB_URL": f"sqlite:///{source}",
        "ATLAS_REPORTS_URL": f"http://127.0.0.1:{reports_port}",
        "ATLAS_MONGOD_CACHE_GB": "0.25",
        "ATLAS_ALERT_WEBHOOK_URL": hook.url,
    }
    done = subprocess.run(
        [_COMMAND, "sync", CATALOG, "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == EXIT_DIFFERENCES, done.stderr  # because of the bad rows
    report = json.loads(Path(json.loads(done.stdout)["report"]).with_name("report.json").read_text(encoding="utf-8"))
    portal = Portal(
        address=f"http://127.0.0.1:{ui_port}",
        reports=environment["ATLAS_REPORTS_URL"],
        state=state,
        sample=sample,
        run_id=report["run_id"],
        report=report,
        hook=hook,
    )
    with _running([_COMMAND, "up", "--port", str(ui_port)], folder=folder, environment=environment) as is_alive:
        wait_for_answer(f"{portal.address}/server_info", is_alive)
        yield portal


@contextmanager
def _running(command: list[str], *, folder: Path, environment: Mapping[str, str]) -> Iterator[Callable[[], bool]]:
    """A process that is asked to end when the caller is done, and must then end with all that it started."""
    log = folder / "up.log"
    with log.open("w", encoding="utf-8") as output:
        process = psutil.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # out of reach of Ctrl-C, so that it ends only in the way that is tested
        )
    family: list[psutil.Process] = []
    try:
        yield lambda: process.poll() is None
        assert process.poll() is None, log.read_text(encoding="utf-8")[-3000:]
        family = _family(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == EXIT_INTERRUPTED, log.read_text(encoding="utf-8")[-3000:]
        wait_until(lambda: not any(is_running(one.pid) for one in family), "the end of all that `up` started")
    finally:
        left = _end_by_force([*(family or _family(process)), *_workers(folder)])
    assert not left, f"had to be killed: {left}"


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)] if is_running(process.pid) else []


def _workers(folder: Path) -> list[psutil.Process]:
    """Processes with a path of this folder, which nobody else knows, in their command line."""
    return [one for one in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(one.info["cmdline"] or [])]


def _end_by_force(processes: list[psutil.Process]) -> list[str]:
    """End what is left of these processes; a line on each of those, none when all is well."""
    left = [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    said = [str(one) for one in left]
    for one in left:
        one.kill()
    psutil.wait_procs(left, timeout=END_SECONDS)
    return said


def wait_for_answer(address: str, is_alive: Callable[[], bool] = lambda: True) -> None:
    """Wait until a page is there; fails when it does not come, or when nobody lives who could make it."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(address):
        assert is_alive(), f"what should serve {address} has ended"
        assert time.monotonic() < deadline, f"nothing at {address} within {START_SECONDS:.0f} s"
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=START_SECONDS) as response:
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

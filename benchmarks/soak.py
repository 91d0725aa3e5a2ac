"""A sync every minute while an application writes: all green, and a fault is told, and so is its end.

    python -m benchmarks.soak --minutes 10 --screenshots /tmp/soak
    python -m benchmarks.soak --minutes 2

Starts `atlas-pipeline up` on a sample of its own, with the schedule of Infrastructure Atlas set to every minute in its
YAML, and switches it on. An application inserts, changes and deletes rows all the while. After the minutes a column is
renamed at the source; when the webhook was told, it gets its name back, and the webhook has to hear of the recovery.
Then one collection is materialized alone, and its indexes have to follow by themselves; last, with nobody writing, all
values are compared, and without schedule and sync the collections have to become stale. Prints one JSON value; the exit
code says whether all of that holds.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.installation import Installation, Receiver, installed, pictures, receiving, wait_for

CATALOG, BROKEN, ALONE, WATCHED = "infrastructure_atlas", "vcenter_configs", "users", "playground_sessions"
STALE_MINUTES, WARN_MINUTES = 4.0, 3.0
RATE = 5.0
PATIENCE_SECONDS = 300.0
LAG = "lag_seconds"
"""Metadata of a materialization that says by how much the collection is behind."""


@dataclass(eq=False)
class Application(threading.Thread):
    """Writes to the source until it is stopped: messages come and go, and sessions change.

    Attributes:
        source: The SQLite file.
        rate: Changes per second.
        changes: How many there were.
    """

    source: Path
    rate: float = RATE
    changes: int = 0
    _written: list[str] = field(default_factory=list)
    _read: dict[str, list[str]] = field(default_factory=dict)
    _error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._stopped = threading.Event()
        self._random = random.Random(5)  # noqa: S311 - a load, not a secret

    def run(self) -> None:
        try:
            with closing(sqlite3.connect(self.source, timeout=60, isolation_level=None)) as connection:
                for table, where in (("chat_messages", "1"), ("playground_sessions", "total_tokens < 1000000")):
                    keys = connection.execute(f"SELECT id FROM {table} WHERE {where} ORDER BY id")
                    self._read[table] = [key for (key,) in keys]
                while not self._stopped.wait(1 / self.rate):
                    self._change(connection)
                    self.changes += 1
        except BaseException as error:  # raised by stop()
            self._error = error

    def stop(self) -> None:
        """End. Raises what went wrong."""
        self._stopped.set()
        self.join()
        if self._error is not None:
            raise self._error

    def _change(self, connection: sqlite3.Connection) -> None:
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
        what = self._random.random()
        if what < 0.4:
            key = str(uuid.uuid4())
            connection.execute(
                "INSERT INTO chat_messages SELECT ?, session_id, role, content, ?, message_type, tool_call_id, "
                "tool_name, metadata_json FROM chat_messages WHERE id = ?",
                (key, now, self._random.choice(self._read["chat_messages"])),
            )
            self._written.append(key)
        elif what < 0.5 and self._written:
            key = self._written.pop(self._random.randrange(len(self._written)))
            connection.execute("DELETE FROM chat_messages WHERE id = ?", (key,))
        else:
            connection.execute(
                "UPDATE playground_sessions SET total_tokens = total_tokens + 1, updated_at = ? WHERE id = ?",
                (now, self._random.choice(self._read["playground_sessions"])),
            )


def rename(source: Path, before: str, after: str) -> None:
    """Rename a column of the table that is to fail."""
    with closing(sqlite3.connect(source, timeout=60)) as connection, connection:
        connection.execute(f"ALTER TABLE {BROKEN} RENAME COLUMN {before} TO {after}")


def steady(site: Installation, application: Application, minutes: float) -> dict[str, Any]:
    """A sync every minute for so long; gives what became of it."""
    lags: list[Any] = []
    site.switch(on=True)
    wait_for(lambda: any(run["status"] == "SUCCESS" for run in site.runs()), PATIENCE_SECONDS, "the first sync")
    ended = time.monotonic() + minutes * 60
    before = None
    while time.monotonic() < ended:
        asset = site.asset(WATCHED)
        if asset["made_by"] != before:
            before = asset["made_by"]
            lags.append(asset["metadata"].get(LAG))
        time.sleep(2)
    runs, ticks = site.runs(), site.ticks()
    return {
        "changes": application.changes,
        "runs": len(runs),
        "not_green": [run for run in runs if run["status"] in ("FAILURE", "CANCELED")],
        "longest_run_seconds": round(max(run["endTime"] - run["startTime"] for run in runs if run["endTime"]), 1),
        "ticks": len(ticks),
        "skipped": [tick["skipReason"] for tick in ticks if tick["status"] == "SKIPPED"],
        "failed_ticks": [tick["error"] for tick in ticks if tick["status"] == "FAILURE"],
        "lag_seconds": lags,
        "freshness": site.asset(WATCHED)["freshness"],
    }


def fault(site: Installation, receiver: Receiver, source: Path, take: Any) -> dict[str, Any]:
    """Break a table, wait for the alert, mend it, wait for the recovery; gives what was seen."""
    before = len(receiver.alerts)
    rename(source, "username", "user_name")
    failed = wait_for(lambda: receiver.of("failed", f"__{BROKEN}", before), PATIENCE_SECONDS, "the alert")
    red = site.asset(BROKEN)["status"]
    take("4_failed_asset", f"{site.address}/assets/{CATALOG}/{BROKEN}")
    take("5_failed_run", failed["ui"])
    rename(source, "user_name", "username")
    recovered = wait_for(lambda: receiver.of("recovered", f"__{BROKEN}", before), PATIENCE_SECONDS, "the recovery")
    green = site.asset(BROKEN)["status"]
    take("6_recovered_asset", f"{site.address}/assets/{CATALOG}/{BROKEN}")
    return {"failed": failed, "red": red, "recovered": recovered, "green": green}


def follow(site: Installation) -> dict[str, Any]:
    """Materialize one collection alone; gives who made its indexes then."""
    indexes = f"{ALONE}_indexes"
    before = site.asset(indexes)["made_by"]
    launched = site.launch(ALONE)
    wait_for(lambda: site.asset(indexes)["made_by"] != before, PATIENCE_SECONDS, "the indexes of the collection")
    made_by = site.asset(indexes)["made_by"]
    (trigger,) = [run["trigger"] for run in site.runs() if run["runId"] == made_by]
    wait_for(lambda: not site.active(), PATIENCE_SECONDS, "the end of all runs")
    return {"launched": launched, "indexes_made_by": made_by, "trigger": trigger}


def stale(site: Installation, receiver: Receiver) -> dict[str, Any]:
    """Wait, without any sync, until the collections are too old; gives what was seen."""
    before = len(receiver.alerts)
    alert = wait_for(
        lambda: receiver.of("stale", WATCHED, before), STALE_MINUTES * 60 + PATIENCE_SECONDS, "the stale alert"
    )
    return {"alert": alert["text"], "freshness": site.asset(WATCHED)["freshness"]}


def soak(folder: Path, minutes: float, screenshots: Path | None) -> dict[str, Any]:
    """Do it all; gives what was seen, and under `holds` whether it is as it has to be."""
    from atlas_pipeline.local.sample.generate import write_sample
    from atlas_pipeline.local.sample.size import SampleSize

    source = folder / "source.sqlite3"
    write_sample(source, size=SampleSize.default().scaled(0.02))
    application = Application(source)
    attributes = {"cron": "* * * * *", "fresh_hours": STALE_MINUTES / 60, "warn_hours": WARN_MINUTES / 60}
    with receiving() as receiver, pictures(screenshots) as take:
        environment = {"ATLAS_DB_URL": f"sqlite:///{source}", "ATLAS_ALERT_WEBHOOK_URL": receiver.url}
        with installed(folder, catalog=CATALOG, attributes=attributes, environment=environment) as site:
            application.start()
            answer: dict[str, Any] = {"minutes": minutes, "steady": steady(site, application, minutes)}
            answer["steady"]["alerts"] = list(receiver.alerts)
            take("1_runs", f"{site.address}/runs")
            take("2_automation", f"{site.address}/automation")
            take("3_green_asset", f"{site.address}/assets/{CATALOG}/{WATCHED}?view=events")
            answer["fault"] = fault(site, receiver, source, take)
            application.stop()
            before = len(site.runs())
            wait_for(lambda: len(site.runs()) > before, PATIENCE_SECONDS, "a sync after the last change")
            site.switch(on=False)
            wait_for(lambda: not site.active(), PATIENCE_SECONDS, "the end of all runs")
            answer["follow"] = follow(site)
            verified = site.command("verify", CATALOG, "--json")
            answer["verify"] = {"exit_code": verified.returncode, "equal": json.loads(verified.stdout)["equal"]}
            answer["stale"] = stale(site, receiver)
            take("7_stale_asset", f"{site.address}/assets/{CATALOG}/{WATCHED}")
    answer["holds"] = judged(answer)
    return answer


def judged(answer: dict[str, Any]) -> dict[str, bool]:
    """What has to be so, and whether it is."""
    calm, broken = answer["steady"], answer["fault"]
    return {
        "all green": not calm["not_green"] and not calm["failed_ticks"] and not calm["alerts"],
        "a sync every minute": calm["ticks"] - len(calm["skipped"]) >= answer["minutes"] - 1,
        "lag shown": bool(calm["lag_seconds"]) and all(lag is not None for lag in calm["lag_seconds"]),
        "fault turns the asset red": broken["red"] == "FAILURE",
        "alert names the column": "username" in broken["failed"]["text"],
        "next run recovers": broken["green"] == "SUCCESS",
        "indexes follow": answer["follow"]["trigger"] == "automation",
        "equal at the end": answer["verify"] == {"exit_code": 0, "equal": True},
        "stale is told": answer["stale"]["freshness"] == "DEGRADED",
    }


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--screenshots", type=Path, help="folder for pictures of the pages")
    parser.add_argument("--folder", type=Path, help="where to work; it has to be new. Default: one that is removed")
    options = parser.parse_args()
    if options.folder is not None:
        options.folder.mkdir(parents=True)
        answer = soak(options.folder.absolute(), options.minutes, options.screenshots)
    else:
        with tempfile.TemporaryDirectory(prefix="atlas-soak-", ignore_cleanup_errors=True) as folder:
            answer = soak(Path(folder), options.minutes, options.screenshots)
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    return 0 if all(answer["holds"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Whether readers ever notice that a collection is replaced, by reading all the time while it is.

    python -m benchmarks.readers --rows 1000000

Loads chat messages, then changes all of them at the source and reloads, twice, while eight processes read: documents by
their key, stretches of a thousand documents, all documents through one cursor, and their number. Every answer has to be
whole and of one generation. A cursor that is open during the swap may fail with one of the codes that drivers know, and
has to succeed when it is opened again. Two change streams look on, one of the collection and one of its database.
Prints one JSON value; the exit code says whether all of it held.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.bench import prepared
from benchmarks.resync import sample_of, sync

COLLECTION = "chat_messages"
READERS = ("point", "point", "point", "stretch", "stretch", "stretch", "whole", "count")
STRETCH = 1_000
RELOADS = 2
MAY_END_A_CURSOR = {43, 175, 237}
_GENERATION = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a reader needs to know.

    Attributes:
        uri: The server.
        database: Where the collection is.
        kind: How it reads.
        marks: The first key of every stretch, in order.
        rows: Documents of the collection.
    """

    uri: str
    database: str
    kind: str
    marks: tuple[str, ...]
    rows: int


def read(job: Job, stop: Any, answers: Any) -> None:
    """Read until stopped; answers with how often it did, what was wrong, and how its cursors ended."""
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure

    rng = random.Random(job.kind)  # noqa: S311 - a choice of keys, not a secret
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    generations: set[str] = set()
    slowest = 0.0
    with MongoClient[dict[str, Any]](job.uri) as client:
        live = client[job.database][COLLECTION]
        while not stop.is_set():
            began = time.perf_counter()
            try:
                generations |= {str(one) for one in _looks(live, job, rng, wrong)}
                seen["answers"] += 1
            except OperationFailure as error:
                seen[f"ended with {error.code}"] += 1
                if job.kind == "point" or error.code not in MAY_END_A_CURSOR:
                    wrong.append(f"{job.kind}: {error.code}")
            except Exception as error:
                wrong.append(f"{job.kind}: {type(error).__name__}")
            slowest = max(slowest, time.perf_counter() - began)
    answers.put(
        {
            "kind": job.kind,
            **seen,
            "generations": len(generations),
            "slowest_ms": round(slowest * 1000),
            "wrong": wrong[:5],
        }
    )


def _looks(live: Any, job: Job, rng: random.Random, wrong: list[str]) -> set[Any]:
    """Read once; gives the generations of what was read."""
    at = rng.randrange(len(job.marks) - 1)
    first, before = job.marks[at], job.marks[at + 1]
    if job.kind == "count":
        count = live.count_documents({})
        if count != job.rows:
            wrong.append(f"counted {count}")
        return set()
    if job.kind == "point":
        found = live.find_one({"_id": first}, {_GENERATION: 1})
        if found is None:
            wrong.append("a document was missing")
        return {found[_GENERATION]} if found else set()
    of_stretch = {"_id": {"$gte": first, "$lt": before}}
    expected, query = (STRETCH, of_stretch) if job.kind == "stretch" else (job.rows, {})
    generations = Counter(document[_GENERATION] for document in live.find(query, {_GENERATION: 1}))
    if generations.total() != expected or len(generations) != 1:
        wrong.append(f"{job.kind}: {generations.total()} of {expected} documents, {len(generations)} generations")
    return set(generations)


class Listener(threading.Thread):
    """Notes which events a change stream gives, until it ends or is stopped."""

    def __init__(self, watched: Any) -> None:
        super().__init__(daemon=True)
        self.events: list[str] = []
        self._ended = threading.Event()
        self._stream = watched.watch(max_await_time_ms=200)

    def run(self) -> None:
        with self._stream as stream:
            while stream.alive and not self._ended.is_set():
                event = stream.try_next()
                if event is not None and event["operationType"] not in ("insert", *self.events[-1:]):
                    self.events.append(event["operationType"])

    def stop(self) -> list[str]:
        self._ended.set()
        self.join()
        return self.events


def next_generation(file: Path, number: int) -> None:
    """Change every row at the source."""
    with closing(sqlite3.connect(file)) as source, source:
        source.execute(f"UPDATE {COLLECTION} SET {_GENERATION} = ?", (f"generation {number}",))


def measure(rows: int, folder: Path) -> dict[str, Any]:
    """What the readers saw of the reloads."""
    from atlas_pipeline.spec.sync import ErrorBudget, SyncPolicy

    file, catalog, expectations = sample_of(folder, rows)
    table = replace(catalog.table(COLLECTION), sync=SyncPolicy(mode="reload", error_budget=ErrorBudget(rows=None)))
    context = multiprocessing.get_context("spawn")
    with prepared(folder, catalog, file) as bench:
        next_generation(file, 0)
        loaded = sync(bench, table, expectations).counts.documents
        live = bench.live(table)
        keys = [document["_id"] for document in live.find({}, {"_id": 1}).sort("_id", 1)]
        stop, answers = context.Event(), context.Queue()
        jobs = [
            Job(uri=bench.uri, database=catalog.database, kind=kind, marks=tuple(keys[::STRETCH]), rows=loaded)
            for kind in READERS
        ]
        readers = [context.Process(target=read, args=(job, stop, answers)) for job in jobs]
        listeners = {"collection": Listener(live), "database": Listener(live.database)}
        for one in (*readers, *listeners.values()):
            one.start()
        seconds = []
        for number in range(1, RELOADS + 1):
            next_generation(file, number)
            began = time.perf_counter()
            sync(bench, table, expectations)
            seconds.append(round(time.perf_counter() - began, 1))
            _let_whole_readers_see(live)
        stop.set()
        found = [answers.get() for _ in readers]
        for reader in readers:
            reader.join()
        return {
            "rows": loaded,
            "reload_seconds": seconds,
            "readers": found,
            "change_streams": {name: listener.stop() for name, listener in listeners.items()},
        }


def _let_whole_readers_see(live: Any) -> None:
    """Read all of it, which takes as long here as there, so that each reader meets this generation."""
    for _ in range(2):
        Counter(document[_GENERATION] for document in live.find({}, {_GENERATION: 1}))


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atlas-benchmark-") as folder:
        answer = measure(arguments.rows, Path(folder))
    answer["machine"] = {"cpus": os.cpu_count(), "python": platform.python_version()}
    answer["holds"] = {
        "nothing_wrong": not any(one["wrong"] for one in answer["readers"]),
        "every_reader_answered": all(one.get("answers", 0) > RELOADS for one in answer["readers"]),
        "all_generations_seen": all(
            one["generations"] == RELOADS + 1 for one in answer["readers"] if one["kind"] != "count"
        ),
    }
    print(json.dumps(answer, indent=2))  # noqa: T201 - the answer
    return int(not all(answer["holds"].values()))


if __name__ == "__main__":
    raise SystemExit(main())

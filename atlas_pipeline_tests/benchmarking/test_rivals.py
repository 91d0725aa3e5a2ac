"""Rivals load what they are given in processes of their own, and are judged by what they wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest
from sqlalchemy.engine import make_url

from atlas_pipeline.benchmarking import ingestr, rivals
from atlas_pipeline.benchmarking.generated import JSON, WIDE
from atlas_pipeline.benchmarking.rivals import RIVALS
from atlas_pipeline.benchmarking.sources import fill
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.benchmarking.conftest import Ring
from atlas_pipeline_tests.benchmarking.sides import sqlite_url

MakeRing = Callable[[str, TableSpec], Ring]
ROWS = 2_500
"""More than two batches of a thousand."""
SCRIPTS = [name for name in RIVALS if name != "ingestr"]  # which is fetched from the net


def bent_by_pandas() -> SimpleNamespace:
    """What becomes of the wide table in data frames, whose numbers are no integers any more beside a NULL."""
    rows = list(WIDE.rows(ROWS))
    texts, numbers = ([row[WIDE.spec.column_names.index(name)] for row in rows] for name in ("t7", "i3"))
    nulls = texts.count(None) + numbers.count(None)
    assert nulls > 0
    return SimpleNamespace(
        values={"null as double": nulls}, representations={"int as double": ROWS - numbers.count(None)}
    )


@pytest.mark.parametrize("rival", SCRIPTS)
def test_a_rival_loads_from_sqlite_and_what_it_bends_is_counted(rival: str, ring: MakeRing, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    fill(url, WIDE.spec, WIDE.rows(ROWS))
    here = ring(url, WIDE.spec)
    outcome = here.run(rival)
    assert (outcome.failed, outcome.rival, outcome.rows) == ("", rival, ROWS)
    assert outcome.seconds > 0
    assert outcome.cpu_seconds > 0
    found = here.compare(rival)
    assert (found.rows, found.documents, found.missing, found.extra) == (ROWS, ROWS, 0, 0)
    if rival != "pandas":
        assert (found.exact, found.verdict) == (True, "equal")
        return
    bent = bent_by_pandas()
    assert found.values == {"bool as int": 2 * ROWS, **bent.values}
    assert found.representations == bent.representations
    assert (found.exact, found.value, found.equal) == (False, ROWS, 0)
    assert f"{2 * ROWS:,} bool as int" in found.verdict


@pytest.mark.parametrize("rival", ["pandas", "pymongoarrow"])
def test_a_rival_loads_from_postgresql(rival: str, ring: MakeRing, postgres_database: str) -> None:
    fill(postgres_database, WIDE.spec, WIDE.rows(ROWS))
    here = ring(postgres_database, WIDE.spec)
    assert here.run(rival).rows == ROWS
    found = here.compare(rival)
    if rival == "pymongoarrow":
        assert found.verdict == "equal"
        return
    bent = bent_by_pandas()
    assert (found.values, found.representations) == (bent.values, bent.representations)
    assert 0 < found.value < ROWS == found.value + found.representation


def test_what_is_missing_too_many_or_changed_is_counted(ring: MakeRing, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    fill(url, JSON.spec, JSON.rows(100))
    here = ring(url, JSON.spec)
    assert here.run("whole_table").rows == 100
    live = here.live("whole_table")
    live.delete_many({"_id": {"$in": [1, 50, 100]}})
    live.insert_many([{"_id": 1_000}, {"_id": "foreign"}])
    live.update_one({"_id": 7}, {"$set": {"payload.trace": "another", "further": 1}, "$unset": {"stored_at": 1}})
    found = here.compare("whole_table")
    assert (found.rows, found.documents, found.missing, found.extra) == (100, 99, 3, 2)
    assert (found.value, found.representation, found.equal) == (1, 96, 0)
    assert found.values == {"another string": 1, "no date": 1, "int too many": 1}
    assert set(found.representations) == {"field order"}  # a canonical object has sorted keys
    assert found.verdict.endswith("; 3 rows missing; 2 documents too many")
    assert f"{here.database}_pipeline" not in here.target.client.list_database_names()  # nothing is recorded


def test_a_rival_that_fails_says_why_and_tells_no_password(
    ring: MakeRing, tmp_path: Path, postgres_database: str
) -> None:
    fill(sqlite_url(tmp_path), WIDE.spec, WIDE.rows(1))
    here = ring(sqlite_url(tmp_path), replace(WIDE.spec, source="absent"))
    assert "absent" in here.run("whole_table").failed
    url = make_url(postgres_database)
    wrong = url.set(password="hunter2", database="of hunter2").render_as_string(hide_password=False)
    reason = ring(wrong, WIDE.spec).run("whole_table").failed
    assert reason
    assert "hunter2" not in reason


def test_a_rival_that_takes_too_long_is_ended(ring: MakeRing, tmp_path: Path) -> None:
    fill(sqlite_url(tmp_path), WIDE.spec, WIDE.rows(1))
    here = ring(sqlite_url(tmp_path), WIDE.spec)
    outcome = rivals.run("pandas", here.job("pandas"), timeout_seconds=0.05)
    assert "0.05 seconds" in outcome.failed


def test_the_memory_of_a_rival_is_its_own(ring: MakeRing, tmp_path: Path) -> None:
    fill(sqlite_url(tmp_path), WIDE.spec, WIDE.rows(1))
    here = ring(sqlite_url(tmp_path), WIDE.spec)
    ballast = numpy.ones(60_000_000)  # 480 MB of the process that starts it
    outcome = here.run("whole_table")
    assert ballast[-1] == 1
    assert 20 < outcome.peak_mb < 300


def test_ingestr_is_given_the_database_beside_the_one_of_its_user(ring: MakeRing, tmp_path: Path) -> None:
    here = ring(sqlite_url(tmp_path), WIDE.spec)

    def destination(uri: str) -> str:
        return ingestr._destination_uri(replace(here.job("x"), mongodb_uri=uri, database="bench"))

    assert destination("mongodb://127.0.0.1:1/?replicaSet=rs0") == "mongodb://127.0.0.1:1/bench?replicaSet=rs0"
    assert destination("mongodb://u:p@h:1/") == "mongodb://u:p@h:1/bench?authSource=admin"
    assert destination("mongodb://u:p@h:1/users") == "mongodb://u:p@h:1/bench?authSource=users"
    assert destination("mongodb://u:p@h:1/?authSource=all") == "mongodb://u:p@h:1/bench?authSource=all"


def test_ingestr_that_is_not_installed_is_said_to_be_missing(ring: MakeRing, tmp_path: Path) -> None:
    here = ring(sqlite_url(tmp_path), WIDE.spec)
    with pytest.raises(ConfigurationError, match="not installed"):
        ingestr.script(here.job("ingestr"))

"""The benchmark of the pipeline on a small scale: everything is measured, nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from atlas_pipeline.benchmarking import pipeline
from atlas_pipeline.benchmarking.generated import NARROW
from atlas_pipeline.benchmarking.pipeline import Plan, TaskFailedError, measure, run_task
from atlas_pipeline.benchmarking.sources import fill
from atlas_pipeline.benchmarking.tasks import Site
from atlas_pipeline.cli import app
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.settings import Settings


def test_a_run_measures_all_and_writes_figures_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "CHANGES", 50)
    monkeypatch.setenv("ATLAS_STATE_DIR", str(tmp_path / "state"))
    results = tmp_path / "results"
    done = CliRunner().invoke(
        app,
        [
            "bench",
            "pipeline",
            "--rows=1000",
            "--rounds=1",
            "--source=sqlite",
            "--rival=pandas",
            "--json",
            f"--results={results}",
        ],
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found == {**json.loads((results / "pipeline.json").read_text(encoding="utf-8")), "holds": found["holds"]}
    assert {"machine", "rows", "ratios", "rows_per_second", "peak_rss_mb"} <= found.keys()
    assert {"full_load_to_limit", "verify_to_load", "unchanged_to_load", "publish_to_load"} <= found["ratios"].keys()
    table = found["tables"]["sqlite, wide"]
    assert {
        "limit",
        "load",
        "load_in_several",
        "publish",
        "verify",
        "verify_in_several",
        "unchanged",
        "changed",
    } == table["seconds"].keys()
    assert [one["failed"] for one in table["rivals"]] == [""]
    assert "bool as int" in table["rivals"][0]["verdict"]  # a script that nobody verifies
    assert (results / "pipeline.png").read_bytes().startswith(b"\x89PNG")


def test_a_task_that_fails_ends_the_benchmark_with_its_reason(tmp_path: Path) -> None:
    nowhere = Site(
        source_url=f"sqlite:///{tmp_path / 'absent.sqlite3'}",
        uri="mongodb://127.0.0.1:9",
        folder=str(tmp_path),
        table="wide",
        servers={},
    )
    with pytest.raises(TaskFailedError, match=r"load of wide: .*127\.0\.0\.1:9 cannot be reached"):
        run_task("load", nowhere)


@pytest.mark.parametrize("option", ["--source", "--table", "--rival"])
def test_an_unknown_word_is_refused_before_anything_is_measured(option: str) -> None:
    done = CliRunner().invoke(app, ["bench", "pipeline", option, "oracle"])
    assert done.exit_code == 2
    assert f"{option} oracle is not known" in done.stderr


def test_a_task_that_does_something_else_than_it_should_is_no_measurement(tmp_path: Path) -> None:
    source = tmp_path / "source.sqlite3"
    fill(f"sqlite:///{source}", NARROW.spec, NARROW.rows(100))
    with mongodb(Settings().model_copy(update={"state_dir": tmp_path})) as server:
        site = Site(source_url=f"sqlite:///{source}", uri=server.uri, folder=str(tmp_path), table="narrow", servers={})
        assert run_task("load", site, read=100).seconds > 0
        with pytest.raises(TaskFailedError, match=r"load of narrow did .*100.*, and should have done .*99"):
            run_task("load", site, read=99)


def test_tables_of_tpch_are_measured_too() -> None:
    found = measure(
        Plan(dialects=("sqlite",), tables=("supplier",), rounds=1, scale=0.01, processes=1), lambda _what: None
    )
    assert found["sqlite", "supplier"].rows == 100
    assert "changed" not in found["sqlite", "supplier"].rounds[0]

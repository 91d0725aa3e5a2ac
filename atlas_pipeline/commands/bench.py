"""`bench`: measurements that an operator can repeat on the servers that the other commands use."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.errors import EXIT_DIFFERENCES, EXIT_DONE, ConfigurationError

if TYPE_CHECKING:
    from atlas_pipeline.benchmarking.queries import Report

app = typer.Typer(help="Measure, and say whether the targets are met.", no_args_is_help=True)

_TRIAL, _MEASUREMENT = (20, 5), (1_000, 100)
"""Calls that count, and calls before them."""


@app.callback()
def bench() -> None:
    """Measure, and say whether the targets are met."""


@app.command()
def queries(
    samples: Annotated[
        int | None,
        typer.Option(
            min=1, help="Calls of each query that count; at least 1,000, unless --quick is given.", show_default=False
        ),
    ] = None,
    warm_up: Annotated[
        int | None,
        typer.Option(
            min=0, help="Calls of each query before those that count; 100, with --quick 5.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which documents are asked for; the same again with the same.")] = 1,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            help="Another target for the P99 of a query, as NAME=MILLISECONDS; may be repeated.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A trial with 20 samples unless --samples is given. It is no measurement.")
    ] = False,
    json: console.Json = False,
) -> None:
    """Measure seven queries on the migrated investigation platform, and hold their P99 against its targets.

    By _id, by an index, a page of the newest, an aggregation, an insert, an update and a vector search. Live
    collections are only read; writes go to a scratch collection, which is removed. Every answer is checked. Percentiles
    are by nearest rank. A query that cannot be measured is skipped, which is told, and is not a target met. Exit codes:
    0 no target missed, 1 a target missed, 2 nothing is migrated, or an answer was wrong.

    Example: atlas-pipeline bench queries --quick
    """
    from atlas_pipeline.benchmarking.latency import Sampling
    from atlas_pipeline.benchmarking.queries import measure_queries, targets_with
    from atlas_pipeline.catalogs.registry import find_catalog
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.settings import Settings

    usual_samples, usual_warm_up = _TRIAL if quick else _MEASUREMENT
    sampling = Sampling(
        samples=usual_samples if samples is None else samples,
        warm_up=usual_warm_up if warm_up is None else warm_up,
        seed=seed,
        quick=quick,
    )
    targets = targets_with(_given(target or []))
    settings = Settings()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end in whatever way, nothing is left behind
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as opened:
        report = measure_queries(opened, find_catalog("investigation_platform"), sampling, targets, _announce)
    if json:
        console.print_json({**report.as_json(), "server": {"address": server.address, "version": server.version}})
    else:
        _show(report, f"Queries on MongoDB {server.version} at {server.address}, in milliseconds")
    raise typer.Exit(report.exit_code)


def _given(targets: list[str]) -> dict[str, float]:
    """Targets by query. Raises ConfigurationError."""
    given = {}
    for one in targets:
        name, _, number = one.partition("=")
        try:
            given[name] = float(number)
        except ValueError:
            raise ConfigurationError(
                f"--target {one} is no target.", "give NAME=MILLISECONDS, as in simple=50"
            ) from None
    return given


def _announce(name: str) -> None:
    console.notes().print(f"Measuring {name}")


def _show(report: Report, title: str) -> None:
    numbers = ["samples", "mean", "median", "P95", "P99", "target P99"]
    rows = []
    for one in report.results:
        took = one.latencies
        measured = (took.samples, took.mean_ms, took.median_ms, took.p95_ms, took.p99_ms) if took else (None,) * 5
        verdict = f"{one.state}: {one.because}" if one.because else one.state
        rows.append((one.name, *measured, f"{one.target_ms:g}", verdict))
    console.print_table(title, ["query", *numbers, "verdict"], rows, numbers)
    for one in report.results:
        typer.echo(f"{one.name}: {one.how}")
    held = ", ".join(f"{count:,} {name}" for name, count in report.documents.items())
    typer.echo(
        f"{held}; {report.sampling.warm_up} calls before; seed {report.sampling.seed}; percentiles by nearest rank"
    )
    if report.sampling.quick:
        typer.echo(f"{report.sampling.samples} samples are a trial, not a measurement.")


@app.command()
def pipeline(
    rows: Annotated[int, typer.Option(min=1_000, help="Rows of each generated table.")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured; medians are told.")] = 3,
    source: Annotated[
        list[str] | None,
        typer.Option(help="sqlite or postgresql; may be repeated. Both unless given.", show_default=False),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            help="wide, narrow, json_heavy, large, huge, or a table of TPC-H; may be repeated. wide unless given.",
            show_default=False,
        ),
    ] = None,
    rival: Annotated[
        list[str] | None,
        typer.Option(
            help="pandas, orm, whole_table, pymongoarrow, ingestr, or all: loads the same rows too; may be repeated.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Folder for the figures as JSON and the picture as PNG.", show_default=False),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when a ratio is beyond its bound.")] = False,
    json: console.Json = False,
) -> None:
    """Measure loads, verifications and syncs against what the server itself can take.

    Starts servers of its own, generates sources, and measures the limit (documents that are encoded already), a full
    load, a load that is proven and published, a verification of every value, a sync of the unchanged table and one of
    1,000 changes, each in a process of its own, several times. Ratios are those within one round; medians are told.
    Exit codes: 0 measured, 1 a bound is missed and --check is given, 2 something could not be measured.

    Example: atlas-pipeline bench pipeline --rows 100000 --source sqlite --rival pandas
    """
    from atlas_pipeline.benchmarking import plot
    from atlas_pipeline.benchmarking.findings import figures, holds
    from atlas_pipeline.benchmarking.pipeline import Plan, measure
    from atlas_pipeline.benchmarking.rivals import RIVALS
    from atlas_pipeline.settings import Settings

    chosen = Plan(
        dialects=_known(source, ("sqlite", "postgresql"), "--source"),  # type: ignore[arg-type]  # checked there
        tables=_known(table, _tables(), "--table", default=("wide",)),
        rows=rows,
        rounds=rounds,
        rivals=tuple(RIVALS) if rival == ["all"] else _known(rival, tuple(RIVALS), "--rival", default=()),
        folder=Settings().state,
    )
    if results is not None:
        plot.require()
    found = figures(measure(chosen, lambda what: console.notes().print(what)))
    within = holds(found)
    if results is not None:
        _write(found, results)
    if json:
        console.print_json({**found, "holds": within})
    else:
        _show_pipeline(found)
    missed = not all(one for ratios in within.values() for one in ratios.values())
    raise typer.Exit(EXIT_DIFFERENCES if check and missed else EXIT_DONE)


def _tables() -> tuple[str, ...]:
    from atlas_pipeline.benchmarking import tpch
    from atlas_pipeline.benchmarking.generated import GENERATED

    return (*GENERATED, *(one.source for one in tpch.TABLES))


def _known(
    given: list[str] | None, choices: tuple[str, ...], option: str, default: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """What was given, or the default, which is all. Raises ConfigurationError for a word that is no choice."""
    for one in given or ():
        if one not in choices:
            raise ConfigurationError(f"{option} {one} is not known.", f"use {', '.join(choices)}")
    return tuple(given) if given else choices if default is None else default


def _write(found: dict[str, Any], folder: Path) -> None:
    from json import dumps

    from atlas_pipeline.benchmarking.plot import draw

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pipeline.json").write_text(dumps(found, indent=2) + "\n", encoding="utf-8")
    draw(found, folder / "pipeline.png")


def _show_pipeline(found: dict[str, Any]) -> None:
    from atlas_pipeline.benchmarking.findings import RATIOS

    machine = found["machine"]
    for name, one in found["tables"].items():
        rows = []
        for what, seconds in one["seconds"].items():
            spent = one["microseconds_per_row"][what]
            rate = one["rows_per_second"].get(what)
            rows.append((what, seconds, rate, spent["client"], spent.get("mongodb"), one["memory_mb"].get(what)))
        rows += [
            (
                rival["rival"],
                rival["seconds"],
                rival["rows_per_second"],
                round(rival["cpu_seconds"] / one["rows"] * 1e6, 2),
                None,
                None,
            )
            for rival in one["rivals"]
        ]
        numbers = ["seconds", "rows/s", "client us/row", "server us/row", "memory MB"]
        title = f"{name}: {one['rows']:,} rows, {machine['cpus']} processors"
        console.print_table(title, ["what", *numbers], rows, numbers)
        for ratio, value in one["ratios"].items():
            bound = RATIOS[ratio]
            verdict = "" if bound.holds(value) else ", MISSED"
            typer.echo(f"{bound.told}: {value:g} ({bound.bound}{verdict})")
        for rival in one["rivals"]:
            typer.echo(f"{rival['rival']}: {rival['failed'] or rival['verdict']}")

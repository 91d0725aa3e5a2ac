"""`up`: servers, Dagster UI and daemon, and a static server for the reports, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.demo import ensure_samples


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    host: Annotated[str, typer.Option(help="Address that the Dagster UI listens on.")] = "127.0.0.1",
) -> None:
    """Start the servers and the Dagster UI, and keep them until Ctrl-C.

    Example: atlas-pipeline up --port 3000
    """
    from atlas_pipeline.catalogs.registry import CATALOGS
    from atlas_pipeline.local.report_server import reports_served
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.orchestration.instance import prepare_home
    from atlas_pipeline.orchestration.sources import opened_source
    from atlas_pipeline.settings import Settings

    settings = Settings()
    ensure_samples(list(CATALOGS.values()), settings)
    prepare_home(settings)
    with ExitStack() as opened:
        for catalog in CATALOGS.values():
            opened.enter_context(opened_source(catalog, settings))  # a sample's server runs as long as the UI
        server = opened.enter_context(mongodb(settings))
        reports = opened.enter_context(reports_served(settings))
        notes = console.notes()
        notes.print(f"MongoDB {server.version} at {server.address}")
        notes.print(f"Reports at {reports}/reports/, Data Docs at {reports}/data_docs/")
        notes.print(f"Dagster UI at http://{host}:{port} in some seconds. Ctrl-C ends everything.")
        command = [str(Path(sys.executable).with_name("dagster")), "dev", "-h", host, "-p", str(port), *_workspace()]
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(settings.dagster_home),
            "ATLAS_STATE_DIR": str(settings.state),
            "ATLAS_UI_URL": os.environ.get("ATLAS_UI_URL") or f"http://{host}:{port}",
        }
        # A shell lets its background jobs ignore SIGINT. Dagster's processes end by it, and would inherit that.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        process = subprocess.Popen(command, env=environment)
        try:
            code = process.wait()
        finally:
            # On Ctrl-C the terminal told it too; told twice, it still ends in order.
            process.send_signal(signal.SIGTERM)
            process.wait()
    raise typer.Exit(code)


def _workspace() -> list[str]:
    workspace = Path(__file__).resolve().parents[2] / "workspace.yaml"
    return ["-w", str(workspace)] if workspace.is_file() else ["-m", "atlas_pipeline.definitions"]

"""The report of one run: tables, rows, checks, fidelity, and what was left alone. From the ledger alone.

What belongs here: collecting the facts and writing them as HTML and JSON. What does not: Dagster, and deciding
anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo.database import Database

from atlas_pipeline.spec.catalogs import CatalogSpec

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Where a report lies, and what it says in one word.

    Attributes:
        html: The page.
        facts: The same as JSON.
        tables: One record per table, in the catalog's order, as in the ledger.
        ok: Whether every table was published and every check passed or only warned.
    """

    html: Path
    facts: Path
    tables: tuple[Document, ...]
    ok: bool


def write_run_report(
    *, database: Database[Document], catalog: CatalogSpec, run_id: str, folder: Path, left_alone: Sequence[str]
) -> RunReport:
    """Write `index.html` and `report.json` of a run into `folder/<run_id>/`.

    Args:
        database: The pipeline database with the ledger.
        catalog: Catalog of the run.
        run_id: Which run.
        folder: Folder of all reports.
        left_alone: Source tables that the catalog does not move; named so that nobody thinks they were moved.
    """
    from jinja2 import Environment, PackageLoader

    order = {table.collection: position for position, table in enumerate(catalog.tables)}
    records = sorted(database["runs"].find({"run_id": run_id}), key=lambda record: order.get(record["collection"], 999))
    ok = bool(records) and all(
        record["status"] == "published"
        and not any(not check["passed"] and check["severity"] == "ERROR" for check in record.get("checks", []))
        for record in records
    )
    facts = {
        "catalog": catalog.name,
        "database": catalog.database,
        "run_id": run_id,
        "written": datetime.now(UTC),
        "ok": ok,
        "tables": records,
        "fidelity": [
            {"collection": record["collection"], **one}
            for record in records
            if record["status"] == "published"
            for one in record.get("fidelity", [])
        ],
        "left_alone": list(left_alone),
    }
    place = folder / run_id
    place.mkdir(parents=True, exist_ok=True)
    page = Environment(loader=PackageLoader("atlas_pipeline.reporting"), autoescape=True).get_template(
        "run_report.html"
    )
    html, data = place / "index.html", place / "report.json"
    html.write_text(page.render(facts), encoding="utf-8")
    data.write_text(json.dumps(facts, default=str, indent=2, ensure_ascii=False), encoding="utf-8")
    return RunReport(html=html, facts=data, tables=tuple(records), ok=ok)

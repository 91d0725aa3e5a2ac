"""The tables of TPC-H, as their generator makes them, are read whole from both dialects."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import bson
import pytest
from bson.decimal128 import Decimal128

from atlas_pipeline.benchmarking import tpch
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline_tests.benchmarking.sides import documents, sqlite_url

ROWS = {
    "region": 5,
    "nation": 25,
    "supplier": 100,
    "customer": 1_500,
    "part": 2_000,
    "partsupp": 8_000,
    "orders": 15_000,
    "lineitem": 60_175,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tpch.generate(tmp_path_factory.mktemp("tpch"), tpch.SMALLEST_SCALE)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_all_eight_tables_are_there_and_their_rows_become_documents(
    dialect: str, files: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = sqlite_url(tmp_path) if dialect == "sqlite" else request.getfixturevalue("postgres_database")
    assert tpch.load(url, files) == ROWS
    made = {table.source: documents(url, table, tmp_path, at_least=1_500) for table in tpch.TABLES}
    assert {name: min(len(found), 1_500) for name, found in made.items()} == {
        name: min(rows, 1_500) for name, rows in ROWS.items()
    }
    line = bson.decode(made["lineitem"][0], bson.CodecOptions(tz_aware=True))
    assert line["_id"] == {"l_orderkey": 1, "l_linenumber": 1}
    quantity = "17" if dialect == "sqlite" else "17.00"  # SQLite has no decimals
    assert (line["l_quantity"], line["l_shipdate"]) == (Decimal128(quantity), datetime(1996, 3, 13, tzinfo=UTC))
    assert bson.decode(made["partsupp"][0])["_id"] == {"ps_partkey": 1, "ps_suppkey": 2}


def test_a_scale_at_which_keys_repeat_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="repeats keys"):
        tpch.generate(tmp_path, 0.001)

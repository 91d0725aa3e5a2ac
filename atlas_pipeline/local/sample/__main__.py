"""Write a sample file from the command line: `python -m atlas_pipeline.local.sample PATH [--dirty] ...`.

What belongs here: arguments, and what is printed. What does not: anything that a caller in Python needs (`generate`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from atlas_pipeline.errors import AtlasError
from atlas_pipeline.local.sample.generate import DEFAULT_SEED, write_dirty_sample, write_sample
from atlas_pipeline.local.sample.size import SampleSize


def main(arguments: list[str] | None = None) -> int:
    """Write the file, print the rows of each table, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m atlas_pipeline.local.sample",
        description="Write a deterministic Infrastructure Atlas database to try the pipeline on.",
        epilog="Example: python -m atlas_pipeline.local.sample /tmp/atlas.sqlite3 --rows chat_messages=100000",
    )
    parser.add_argument("path", type=Path, help="the SQLite file to write; an older sample there is replaced")
    parser.add_argument("--dirty", action="store_true", help="add rows that must be refused")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="any integer (default: %(default)s)")
    parser.add_argument(
        "--rows", nargs="+", default=[], type=_table_rows, metavar="TABLE=N", help="ordinary rows of single tables"
    )
    options = parser.parse_args(arguments)
    try:
        size = SampleSize.default().with_rows(**dict(options.rows))
        write = write_dirty_sample if options.dirty else write_sample
        facts = write(options.path, seed=options.seed, size=size)
    except AtlasError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for table, rows in facts.rows.items():
        sys.stdout.write(f"{table:24}{rows:>12,}\n")
    return 0


def _table_rows(text: str) -> tuple[str, int]:
    table, _, rows = text.partition("=")
    return table, int(rows)


if __name__ == "__main__":
    sys.exit(main())

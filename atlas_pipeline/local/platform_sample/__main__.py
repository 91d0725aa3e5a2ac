"""Fill a database from the command line: `python -m atlas_pipeline.local.platform_sample URL [--shape sql] ...`.

What belongs here: arguments, and what is printed. What does not: anything that a caller in Python needs (`generate`).
"""

from __future__ import annotations

import argparse
import sys

from atlas_pipeline.errors import AtlasError
from atlas_pipeline.local.platform_sample.generate import write_dirty_platform_sample, write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.platform_sample.store import count_rows


def main(arguments: list[str] | None = None) -> int:
    """Fill the database, print the rows of each table, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m atlas_pipeline.local.platform_sample",
        description="Fill an empty PostgreSQL database with a deterministic investigation platform.",
        epilog="Example: python -m atlas_pipeline.local.platform_sample "
        "postgresql+psycopg://user:password@127.0.0.1:5432/platform --shape sql --times 10",
    )
    parser.add_argument("url", help="SQLAlchemy URL of an empty database")
    parser.add_argument("--shape", choices=("orm", "sql"), default="orm", help="who made the tables (default: orm)")
    parser.add_argument("--times", type=int, default=1, help="how many times the usual number of rows (default: 1)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--plain", action="store_true", help="leave out the hard rows")
    kind.add_argument("--dirty", action="store_true", help="add rows that must be refused")
    options = parser.parse_args(arguments)
    try:
        size = PlatformSize().times(options.times)
        if options.dirty:
            write_dirty_platform_sample(options.url, shape=options.shape, size=size)
        else:
            write_platform_sample(options.url, shape=options.shape, size=size, hard=not options.plain)
        counts = count_rows(options.url)
    except AtlasError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for table, rows in counts.items():
        sys.stdout.write(f"{table:28}{rows:>12,}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

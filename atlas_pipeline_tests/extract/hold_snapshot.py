"""A process that opens a snapshot and is killed in the middle: in a pause, or in a statement that takes long.

Called with the URL, the label and what to do: `pause` or `sort`.
"""

from __future__ import annotations

import sys
import time

from atlas_pipeline.extract.postgres_source import PostgresSource
from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline.spec.tables import TableSpec

LONG = TableSpec(source="long", collection="long", key=("id",), columns=(integer("id"),))

if __name__ == "__main__":
    url, label, what = sys.argv[1:]
    with PostgresSource(url, variable="URL").snapshot(label=label) as opened:
        opened.tables()
        sys.stdout.write("open\n")
        sys.stdout.flush()
        if what == "sort":
            list(opened.batches(LONG))
        time.sleep(600)

"""The two frames that Great Expectations judges: the counts of a table, and documents drawn from its collection.

What belongs here: what a value looks like in a frame. Secrets are masked here, before any result can hold them; large
values are replaced by their size, so that a frame stays small and a page can be read. What does not: drawing the sample
and comparing it with the source.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from atlas_pipeline.load.held import hashable
from atlas_pipeline.quality.bson_types import MISSING, StandIn, bson_type_name
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    import pandas as pd

LONGEST_TEXT = 200
"""Characters of a text that a frame keeps; more when the source type or an allowed value is longer."""

_MASK = "•"
_PLAIN = (bool, int, float, datetime)
_MISSING_FIELD = StandIn("(missing)", bson_type=MISSING)


def counts_frame(counts: TableCounts) -> pd.DataFrame:
    """One row of the exact numbers of a table, with `accounted_rows`, the rows that are documents or in quarantine."""
    import pandas as pd

    row = {
        "source_rows": counts.source_rows,
        "documents": counts.documents,
        "quarantined": counts.quarantined,
        "accounted_rows": counts.documents + counts.quarantined,
        "duplicate_keys": counts.duplicate_keys,
        "missing_keys": counts.missing_keys,
        "extra_keys": counts.extra_keys,
        "orphans": counts.orphans,
    }
    return pd.DataFrame([row], dtype=object)


def sample_frame(
    table: TableSpec,
    documents: Sequence[Mapping[str, Any]],
    differing: Mapping[Any, tuple[str, ...]],
) -> pd.DataFrame:
    """Sampled documents, one row each, ready to be judged and shown.

    Args:
        table: Their spec.
        documents: As the driver decodes them, time zone aware.
        differing: Names of the fields that differ from the source, by `_id`, a sub-document as the tuple of its items.
            Documents that are not in it are equal. A key without a document gets a row too, so that it is not lost;
            only its differing fields are judged.

    Returns:
        One column per leaf of the document, named by its path, and `differing_fields`, all of dtype object, so that
        values keep their types.
    """
    import pandas as pd

    keys = [hashable(document.get("_id")) for document in documents]
    without = [key for key in differing if key not in set(keys)]
    columns = {"_id": [*(_key_shown(document.get("_id")) for document in documents), *map(_key_shown, without)]}
    keys += without
    for leaf in table.leaves:
        longest = max(LONGEST_TEXT, leaf.max_length or 0, *(len(text) for text in leaf.allowed))
        way = leaf.path.split(".")
        values = (_at(document, way) for document in documents)
        shown = [_masked(value) if leaf.secret else _small(value, longest) for value in values]
        columns[leaf.path] = [*shown, *(pd.NA for _ in without)]
    columns["differing_fields"] = [", ".join(differing.get(key, ())) for key in keys]
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _at(document: Mapping[str, Any], way: Sequence[str]) -> Any:
    """The value at a path; null inside a sub-document that is null."""
    value: Any = document
    for name in way:
        if value is None:
            return None
        if not isinstance(value, Mapping) or name not in value:
            return _MISSING_FIELD
        value = value[name]
    return value


def _key_shown(key: Any) -> Any:
    """A key as it is, or as text of its type that tells it from others: a sub-document as JSON, bytes as digits."""
    if isinstance(key, tuple | Mapping):
        return StandIn(json.dumps(dict(key), ensure_ascii=False, default=_part_shown), bson_type="object")
    if key is None or isinstance(key, str | bool | int | float | datetime):
        return key
    return StandIn(_part_shown(key), bson_type="decimal" if isinstance(key, Decimal) else bson_type_name(key))


def _part_shown(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _masked(value: Any) -> Any:
    """What is shown of a secret: whether there is one, its type, and the length of a text."""
    if value is None or isinstance(value, StandIn):
        return value
    return StandIn(_MASK * (len(value) if isinstance(value, str) else 1), bson_type=bson_type_name(value))


def _small(value: Any, longest: int) -> Any:
    """The value itself when it is small, else text of its type that tells its size.

    A cut text stays longer than `longest`, so that its length and its membership in a set are judged as before.
    """
    if value is None or isinstance(value, _PLAIN) or value is _MISSING_FIELD:
        return value
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}… ({len(value):,} characters)"
    name = bson_type_name(value)
    if isinstance(value, Mapping):
        return StandIn(f"(object of {len(value)} fields)", bson_type=name)
    if isinstance(value, list | tuple):
        return StandIn(f"(array of {len(value)} items)", bson_type=name)
    return StandIn(f"({name})", bson_type=name)

"""Rows that must be refused, each bad in exactly one column.

What belongs here: the list of faults, with the shapes whose columns can hold them and the code under which they must be
reported, and the rows. What does not: rows that are unusual but right (the hard modules).

Each bad row is a copy of an ordinary one under a key of its own, so that nothing else is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from atlas_pipeline.local.platform_sample.tables import ordinary_row
from atlas_pipeline.local.platform_sample.world import Row, Shape, Value, World, row_key, to_json
from atlas_pipeline.local.sample.hard_values import INT64_MAX, nested
from atlas_pipeline.local.sample.world import variant
from atlas_pipeline.mapping.reject import RejectCode

BOTH: tuple[Shape, ...] = ("orm", "sql")
SQL: tuple[Shape, ...] = ("sql",)
TOO_DEEP = 101  # one level more than JSON may have
TOO_LARGE_BYTES = 17 * 2**20  # a document may have 16 MiB


@dataclass(frozen=True, kw_only=True)
class DirtyRow:
    """One bad row.

    Attributes:
        table: Its table.
        key: Its primary key as text, in key order.
        column: The only column that is wrong.
        code: Why, as it must be reported.
        about: The same in words.
        shapes: The shapes of the schema that can hold it.
    """

    table: str
    key: tuple[str, ...]
    column: str
    code: RejectCode
    about: str
    shapes: tuple[Shape, ...]


# Made when the row is: a module should not hold 17 MiB.
_LARGE = "large"
_KEYS = {
    "investigation_states": "investigation_id",
    "investigation_audit_log": "entry_id",
    "investigation_templates": "template_id",
    "transaction_scores": "transaction_id",
}
# The column, besides the key, that must differ from row to row.
_DISTINCT = {"investigation_templates": "name", "composio_connections": "connection_id"}

_Fault = tuple[str, str, RejectCode, str, Value, tuple[Shape, ...]]

# JSON in TEXT: every way to be bad, and the columns in turn.
_TEXT_JSON_FAULTS: tuple[tuple[RejectCode, str, str], ...] = (
    (RejectCode.BAD_JSON, "JSON that was cut off", '{"a": [1, 2'),
    (RejectCode.BAD_JSON, "the repr of a dict", "{'a': None, 'b': True}"),
    (RejectCode.BAD_JSON, "a bare word", "pending"),
    (RejectCode.BAD_JSON, "the bare word NaN", '{"risk_score": NaN}'),
    (RejectCode.BAD_JSON, "the bare word Infinity", '{"risk_score": -Infinity}'),
    (RejectCode.BAD_JSON, "a comma too many", '{"a": 1,}'),
    (RejectCode.BAD_JSON, "two values", "{} {}"),
    (RejectCode.BAD_JSON, "a line break in a text", '{"a": "one\ntwo"}'),
    (RejectCode.BAD_JSON, "a key twice in one object", '{"a": {"b": 1, "b": 2}}'),
    (RejectCode.JSON_NUMBER, "2 to the power of 63", to_json({"n": INT64_MAX + 1})),
    (RejectCode.JSON_NUMBER, "a number that no double holds", '{"n": 1e400}'),
    (RejectCode.JSON_DEPTH, "101 objects in each other", to_json(nested(TOO_DEEP))),
    (RejectCode.LONE_SURROGATE, "half of a surrogate pair", '{"text": "\\ud83d"}'),
    (RejectCode.LONE_SURROGATE, "half of a surrogate pair in a key", '{"\\udc00": 1}'),
    (RejectCode.NUL_IN_KEY, "a key that holds NUL", '{"a\\u0000b": 1}'),
)
_TEXT_JSON: tuple[tuple[str, str, tuple[Shape, ...]], ...] = (
    ("investigation_states", "settings_json", BOTH),
    ("investigation_states", "progress_json", BOTH),
    ("investigation_audit_log", "changes_json", BOTH),
    ("investigation_audit_log", "state_snapshot_json", BOTH),
    ("investigation_templates", "template_json", BOTH),
    ("composio_action_audit", "parameters", BOTH),
    ("composio_action_audit", "result", BOTH),
    ("soar_playbook_executions", "actions_executed", BOTH),
    ("investigation_states", "results_json", SQL),
    ("detectors", "cohort_by", SQL),
    ("detectors", "metrics", SQL),
    ("detectors", "params", SQL),
    ("detection_runs", "info", SQL),
    ("anomaly_events", "cohort", SQL),
    ("anomaly_events", "evidence", SQL),
)
_REQUIRED_JSON = (
    ("investigation_templates", "template_json", BOTH),
    ("detectors", "cohort_by", SQL),
    ("detectors", "metrics", SQL),
    ("detectors", "params", SQL),
    ("anomaly_events", "cohort", SQL),
)
# What JSONB takes and a document does not.
_JSONB = (
    ("detectors", "params"),
    ("detection_runs", "info"),
    ("anomaly_events", "cohort"),
    ("anomaly_events", "evidence"),
)
_JSONB_FAULTS = tuple(
    fault for fault in _TEXT_JSON_FAULTS if fault[0] in (RejectCode.JSON_NUMBER, RejectCode.JSON_DEPTH)
)
_MOMENTS = (
    ("infinity", "infinity"),
    ("44 BC", "0044-03-15 12:00:00+00:00 BC"),
    ("year 20000", "20000-01-01 00:00:00+00:00"),
)
_PAST = (("minus infinity", "-infinity"), *_MOMENTS[1:2])
_FUTURE = (_MOMENTS[0], _MOMENTS[2])
_TIMES = (
    ("investigation_states", "created_at", _PAST),
    ("investigation_states", "updated_at", _FUTURE),
    ("investigation_states", "last_accessed", _MOMENTS),
    ("detectors", "updated_at", _MOMENTS),
    ("detection_runs", "started_at", (*_MOMENTS, *_PAST[:1])),
    ("detection_runs", "finished_at", _MOMENTS),
    ("detection_runs", "window_from", _PAST),
    ("detection_runs", "window_to", _FUTURE),
    ("anomaly_events", "window_start", _PAST),
    ("anomaly_events", "window_end", _FUTURE),
    ("anomaly_events", "created_at", _MOMENTS),
    ("transaction_scores", "created_at", _MOMENTS),
    ("investigation_audit_log", "timestamp", (*_MOMENTS, *_PAST[:1])),
    ("investigation_templates", "last_used", _MOMENTS),
    ("composio_connections", "expires_at", _MOMENTS),
    ("composio_action_audit", "executed_at", _MOMENTS),
    ("soar_playbook_executions", "completed_at", _MOMENTS),
)


def _faults() -> Iterator[_Fault]:
    for table, column, shapes in _TEXT_JSON:
        for code, about, value in _TEXT_JSON_FAULTS:
            yield table, column, code, about, value, shapes
    for table, column, shapes in _REQUIRED_JSON:
        yield table, column, RejectCode.BAD_JSON, "an empty text where JSON is required", "", shapes
    yield "investigation_states", "settings_json", RejectCode.JSON_SHAPE, "an array", "[]", BOTH
    yield "investigation_states", "progress_json", RejectCode.JSON_SHAPE, "a bare JSON text", '"done"', BOTH
    yield "investigation_templates", "template_json", RejectCode.JSON_SHAPE, "an array", "[1, 2]", BOTH
    yield "investigation_templates", "template_json", RejectCode.NULL_VALUE, "JSON null", "null", BOTH
    yield "soar_playbook_executions", "actions_executed", RejectCode.JSON_SHAPE, "an object", '{"step": 1}', BOTH
    yield "investigation_states", "progress_json", RejectCode.TOO_LARGE, "a progress of 17 MiB", _LARGE, BOTH
    for table, column in _JSONB:
        for code, about, value in _JSONB_FAULTS:
            yield table, column, code, about, value, ("orm",)
    for table, column, moments in _TIMES:
        for about, value in moments:
            yield table, column, RejectCode.NOT_DATE, about, value, BOTH


_FAULTS = tuple(_faults())


def _name(number: int) -> str:
    table = _FAULTS[number][0]
    return f"bad-{number:03}" if table in _KEYS else row_key(table, f"bad-{number:03}")


def _key(number: int) -> tuple[str, ...]:
    return ("bad", _name(number)) if _FAULTS[number][0] == "transaction_scores" else (_name(number),)


DIRTY_ROWS: tuple[DirtyRow, ...] = tuple(
    DirtyRow(table=table, key=_key(number), column=column, code=code, about=about, shapes=shapes)
    for number, (table, column, code, about, _, shapes) in enumerate(_FAULTS)
)
"""Every bad row. A sample of one shape holds those that the shape can hold."""


def dirty_rows(world: World, table: str) -> Iterator[Row]:
    """The bad rows of one table in this shape."""
    base = ordinary_row(world, table)
    for number, (of, column, _, _, value, shapes) in enumerate(_FAULTS):
        if of == table and world.shape in shapes:
            row = variant(base, **{_KEYS.get(table, "id"): _name(number)})
            if table in _DISTINCT:
                row[_DISTINCT[table]] = f"bad-{number:03}"
            if table == "transaction_scores":
                row["investigation_id"] = "bad"
            row[column] = _large_progress() if value is _LARGE else value
            yield row


def _large_progress() -> str:
    return to_json({"summary": "word " * (TOO_LARGE_BYTES // 5 + 1), "percent_complete": 100})

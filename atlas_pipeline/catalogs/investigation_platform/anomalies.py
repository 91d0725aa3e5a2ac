"""Anomaly detection of the platform: detectors, their runs and the events that they found.

What belongs here: the three tables that exist in two shapes, UUID with JSONB or VARCHAR with TEXT. What does not: what
people make of an event (`investigations`, `soar`).
"""

from __future__ import annotations

from datetime import timedelta

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.expressions import Tail
from atlas_pipeline.spec.shapes import (
    copied,
    duration,
    field,
    fixed,
    lookup,
    moved,
    tenant,
    unpacked,
    whole,
)
from atlas_pipeline.spec.shorthand import boolean, by_keys, double, integer, json_array, json_object, text, utc
from atlas_pipeline.spec.storage import Embedding, TimeSeries, VectorIndex
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline.spec.tables import Reference, TableSpec

ID = "UUID or VARCHAR(36)"
JSON = "JSONB or TEXT"
MOMENT = "TIMESTAMPTZ or TIMESTAMP"
WORD = "VARCHAR(50) or TEXT"
NUMBER = "DOUBLE PRECISION or REAL"

DETECTORS = TableSpec(
    source="detectors",
    collection="detectors",
    about="Detectors of anomalies with their cohorts, metrics and parameters.",
    key=("id",),
    changed_at="updated_at",
    columns=(
        text("id", sql_type=ID),
        text("name"),
        text("type", sql_type=WORD, allowed=("stl_mad", "cusum", "isoforest", "rcf", "matrix_profile")),
        json_array("cohort_by", sql_type=JSON, about="Names of dimensions."),
        json_array("metrics", sql_type=JSON, about="Names of metrics; the first is the primary one."),
        json_object("params", sql_type=JSON),
        boolean("enabled"),
        utc("created_at", inexact="milliseconds", sql_type=MOMENT),
        utc("updated_at", inexact="milliseconds", sql_type=MOMENT),
    ),
    document=(
        field("detector_id", "id"),
        field("name"),
        field("type"),
        field("cohort_by", unpacked("cohort_by", whole("dimensions", ValueType.JSON_ARRAY), fixed("filters", {}))),
        field(
            "metrics",
            unpacked(
                "metrics",
                copied("primary", ValueType.TEXT, (0,)),
                copied("secondary", ValueType.TEXT_LIST, (Tail(1),), default=[]),
                fixed("aggregations", []),
            ),
        ),
        field(
            "params",
            unpacked(
                "params",
                moved("sensitivity", ValueType.DOUBLE, minimum=0, maximum=1),
                moved("threshold", ValueType.DOUBLE),
                moved("window_size", ValueType.INTEGER, minimum=1),
                rest="algorithm_specific",
            ),
        ),
        field("enabled"),
        field("tenant_id", tenant()),
        field("created_at"),
        field("updated_at"),
    ),
    indexes=(
        by_keys("detector_id", unique=True),
        by_keys("type", "enabled"),
        by_keys("tenant_id", "enabled"),
        by_keys("type"),
        by_keys("enabled"),
    ),
)

DETECTION_RUNS = TableSpec(
    source="detection_runs",
    collection="detection_runs",
    about="Runs of detectors over a window of time.",
    key=("id",),
    # A day, for the jobs write local time into columns with a zone, and a row changes until its run is over.
    sync=SyncPolicy(mode="append", cursor=Cursor(column="started_at", overlap=timedelta(days=1))),
    columns=(
        text("id", sql_type=ID),
        text("detector_id", sql_type=ID),
        text("status", sql_type=WORD, allowed=("queued", "running", "success", "failed")),
        utc("started_at", inexact="milliseconds", sql_type=MOMENT),
        utc("finished_at", inexact="milliseconds", sql_type=MOMENT, nullable=True),
        utc("window_from", inexact="milliseconds", sql_type=MOMENT),
        utc("window_to", inexact="milliseconds", sql_type=MOMENT),
        json_object("info", sql_type=JSON, nullable=True, empty_is_null=True),
    ),
    document=(
        field("run_id", "id"),
        field("metadata.detector_id", "detector_id"),
        field("metadata.detector_type", lookup("detector_id", "detectors.type", key="id")),
        field("metadata.tenant_id", tenant()),
        field("metadata.status", "status"),
        field("started_at"),
        field("finished_at"),
        field("duration_ms", duration("started_at", "finished_at", unit="milliseconds")),
        field("window.from", "window_from"),
        field("window.to", "window_to"),
        field("window.duration_hours", duration("window_from", "window_to", unit="hours")),
        field(
            "info",
            unpacked(
                "info",
                moved("records_processed", ValueType.INTEGER, minimum=0),
                moved("cohorts_analyzed", ValueType.INTEGER, key="cohorts_processed", minimum=0),
                moved("anomalies_detected", ValueType.INTEGER, minimum=0),
                moved("error_message", ValueType.TEXT),
                rest="additional_info",
            ),
        ),
    ),
    storage="time_series",
    time_series=TimeSeries(time_field="started_at", meta_field="metadata", granularity="minutes"),
    # A time series takes no unique index, so run_id has a plain one.
    indexes=(by_keys("run_id"), by_keys("metadata.detector_id"), by_keys("metadata.status")),
    references=(Reference(column="detector_id", targets=(("detectors", "id"),), enforced=True),),
)

ANOMALY_EVENTS = TableSpec(
    source="anomaly_events",
    collection="anomaly_events",
    about="Events that detectors found, with a vector of what they look like.",
    key=("id",),
    columns=(
        text("id", sql_type=ID),
        text("run_id", sql_type=ID),
        text("detector_id", sql_type=ID),
        json_object("cohort", sql_type=JSON),
        utc("window_start", inexact="milliseconds", sql_type=MOMENT),
        utc("window_end", inexact="milliseconds", sql_type=MOMENT),
        text("metric"),
        double("observed", sql_type=NUMBER),
        double("expected", sql_type=NUMBER),
        double("score", sql_type=NUMBER, minimum=0, about="Unbounded above."),
        text("severity", sql_type=WORD, nullable=True, allowed=("info", "warn", "critical")),
        integer("persisted_n", minimum=1),
        text("status", sql_type=WORD, allowed=("new", "triaged", "closed")),
        json_object("evidence", sql_type=JSON, nullable=True, empty_is_null=True),
        text("investigation_id", sql_type=ID, nullable=True),
        utc("created_at", inexact="milliseconds", sql_type=MOMENT),
    ),
    document=(
        field("anomaly_id", "id"),
        field("run_id"),
        field("detector_id"),
        field("investigation_id"),
        field("tenant_id", tenant()),
        field("cohort"),
        field("window.start", "window_start"),
        field("window.end", "window_end"),
        field("window.duration_minutes", duration("window_start", "window_end", unit="minutes")),
        field("metric"),
        field("observed"),
        field("expected"),
        field("score"),
        field("severity", about="Null when the score is below the lowest threshold."),
        field("status"),
        field("persisted_n"),
        field("first_seen", "window_start"),
        field("last_seen", "window_end"),
        field("evidence"),
        field("created_at"),
    ),
    embedding=Embedding(
        dimensions=384,
        columns=("metric", "observed", "expected", "score"),
        objects=("evidence",),
        index=VectorIndex(
            name="anomaly_vector_index",
            similarity="cosine",
            filters=("tenant_id", "severity", "detector_id", "status"),
        ),
    ),
    indexes=(
        by_keys("anomaly_id", unique=True),
        by_keys("run_id", "-created_at"),
        by_keys("detector_id", "-score"),
        by_keys("tenant_id", "status", "-severity"),
        by_keys("investigation_id"),
        by_keys("run_id"),
        by_keys("detector_id"),
        by_keys("score"),
        by_keys("severity"),
        by_keys("status"),
    ),
    references=(
        Reference(column="run_id", targets=(("detection_runs", "id"),), enforced=True),
        Reference(column="detector_id", targets=(("detectors", "id"),), enforced=True),
        Reference(column="investigation_id", targets=(("investigation_states", "investigation_id"),)),
    ),
)

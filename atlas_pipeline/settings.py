"""The only reader of the environment. Everything else receives values from here.

What belongs here: one field per environment variable, with its unit and meaning. What does not: defaults of single
tables (they are in the specs) and knobs of single runs (they are command-line options or run configuration).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Deployment settings, each read from the environment variable named in its description."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    state_dir: Path = Field(
        default=Path(".atlas"),
        validation_alias="ATLAS_STATE_DIR",
        description="ATLAS_STATE_DIR: folder for everything kept locally: embedded data, Dagster home, reports.",
    )
    mongodb_uri: SecretStr | None = Field(
        default=None,
        validation_alias="MONGODB_URI",
        description="MONGODB_URI: connection string of the target server. Unset: an embedded server is used.",
    )
    atlas_db_url: SecretStr | None = Field(
        default=None,
        validation_alias="ATLAS_DB_URL",
        description="ATLAS_DB_URL: SQLAlchemy URL of the Infrastructure Atlas source. Unset: the generated sample.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="DATABASE_URL: SQLAlchemy URL of the investigation platform, "
        "postgresql+psycopg://user:password@host/db. Unset: the generated sample in an embedded server.",
    )
    sample: Literal["clean", "dirty"] = Field(
        default="clean",
        validation_alias="ATLAS_SAMPLE",
        description="ATLAS_SAMPLE: which generated sample stands in for a source that is not set: clean, or dirty, "
        "which has bad rows.",
    )
    mongodb_timeout_ms: int = Field(
        default=5_000,
        ge=100,
        validation_alias="ATLAS_MONGODB_TIMEOUT_MS",
        description="ATLAS_MONGODB_TIMEOUT_MS: how long to look for the target server, in milliseconds.",
    )
    source_timeout_seconds: float = Field(
        default=30.0,
        ge=0,
        validation_alias="ATLAS_SOURCE_TIMEOUT_SECONDS",
        description="ATLAS_SOURCE_TIMEOUT_SECONDS: how long to wait for a locked source, in seconds.",
    )
    source_statement_seconds: float = Field(
        default=600.0,
        gt=0,
        validation_alias="ATLAS_SOURCE_STATEMENT_SECONDS",
        description="ATLAS_SOURCE_STATEMENT_SECONDS: how long one statement may work on a PostgreSQL source, "
        "in seconds.",
    )
    memory_budget_mb: int = Field(
        default=128,
        ge=8,
        le=65_536,
        validation_alias="ATLAS_MEMORY_BUDGET_MB",
        description="ATLAS_MEMORY_BUDGET_MB: how much memory rows and documents of a table may take on their way, "
        "in MB. A single row that is larger still passes.",
    )
    source_connections: int = Field(
        default=4,
        ge=1,
        le=1000,
        validation_alias="ATLAS_SOURCE_CONNECTIONS",
        description="ATLAS_SOURCE_CONNECTIONS: how many steps may read one PostgreSQL source at the same time, as the "
        "first limit of its pool. An SQLite source has one reader.",
    )
    executor: Literal["in_process", "multiprocess", "celery", "k8s"] = Field(
        default="in_process",
        validation_alias="ATLAS_EXECUTOR",
        description="ATLAS_EXECUTOR: what carries out the steps of a run that Dagster launches: in_process, one after "
        "the other in the process of the run; multiprocess, each in a process of its own, several at the same time; "
        "celery, workers on any machine; k8s, a Kubernetes Job each.",
    )
    executor_processes: int | None = Field(
        default=None,
        ge=1,
        validation_alias="ATLAS_EXECUTOR_PROCESSES",
        description="ATLAS_EXECUTOR_PROCESSES: how many steps of a run multiprocess or k8s carries out at the same "
        "time. Unset: as many as there are cores, or as many Jobs as there are steps.",
    )
    celery_broker_url: SecretStr | None = Field(
        default=None,
        validation_alias="ATLAS_CELERY_BROKER_URL",
        description="ATLAS_CELERY_BROKER_URL: broker of the Celery workers, redis://:password@host:6379/0 or "
        "amqp://user:password@host:5672//. Needed by the executor celery.",
    )
    celery_result_url: SecretStr | None = Field(
        default=None,
        validation_alias="ATLAS_CELERY_RESULT_URL",
        description="ATLAS_CELERY_RESULT_URL: where Celery workers leave what became of a step. Unset: in the broker.",
    )
    celery_worker_seconds: int = Field(
        default=60,
        ge=0,
        validation_alias="ATLAS_CELERY_WORKER_SECONDS",
        description="ATLAS_CELERY_WORKER_SECONDS: how long a run waits for a Celery worker before it fails, in "
        "seconds.",
    )
    celery_step_seconds: int = Field(
        default=14_400,
        ge=1,
        validation_alias="ATLAS_CELERY_STEP_SECONDS",
        description="ATLAS_CELERY_STEP_SECONDS: how long Redis waits for a step before it gives it to another worker, "
        "in seconds. More than the longest step takes, for one that still works would be begun a second time.",
    )
    step_cpu: str = Field(
        default="1",
        validation_alias="ATLAS_STEP_CPU",
        description="ATLAS_STEP_CPU: processors that the executor k8s requests for a step, as Kubernetes writes them.",
    )
    step_memory: str = Field(
        default="2Gi",
        validation_alias="ATLAS_STEP_MEMORY",
        description="ATLAS_STEP_MEMORY: memory that the executor k8s requests for a step, and its limit, as "
        "Kubernetes writes it.",
    )
    quarantine_key: SecretStr | None = Field(
        default=None,
        validation_alias="ATLAS_QUARANTINE_KEY",
        description="ATLAS_QUARANTINE_KEY: seals values of secret columns in the quarantine: 32 random bytes in "
        "URL-safe base64. Unset: they are left out.",
    )
    embedder: Literal["hashing", "minilm"] = Field(
        default="hashing",
        validation_alias="ATLAS_EMBEDDER",
        description="ATLAS_EMBEDDER: what computes vectors: hashing (no model, for tests and small installs) or minilm "
        "(all-MiniLM-L6-v2, needs the extra embeddings).",
    )
    mongod_cache_gb: float = Field(
        default=0.5,
        ge=0.25,
        validation_alias="ATLAS_MONGOD_CACHE_GB",
        description="ATLAS_MONGOD_CACHE_GB: WiredTiger cache of the embedded server, in GB.",
    )
    retention_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        validation_alias="ATLAS_RETENTION_DAYS",
        description="ATLAS_RETENTION_DAYS: how many days of records, reports and Dagster runs `clean` leaves.",
    )
    reports_url: str = Field(
        default="http://127.0.0.1:3001",
        validation_alias="ATLAS_REPORTS_URL",
        description="ATLAS_REPORTS_URL: address under which the folders data_docs and reports are served.",
    )
    ui_url: str = Field(
        default="http://127.0.0.1:3000",
        validation_alias="ATLAS_UI_URL",
        description="ATLAS_UI_URL: address of the Dagster UI, for the links in alerts.",
    )
    alert_webhook_url: SecretStr | None = Field(
        default=None,
        validation_alias="ATLAS_ALERT_WEBHOOK_URL",
        description="ATLAS_ALERT_WEBHOOK_URL: where alerts are posted as JSON. Unset: nowhere.",
    )
    alert_email_to: str = Field(
        default="",
        validation_alias="ATLAS_ALERT_EMAIL_TO",
        description="ATLAS_ALERT_EMAIL_TO: who gets alerts by e-mail, with commas between. Unset: nobody.",
    )
    alert_email_from: str = Field(
        default="",
        validation_alias="ATLAS_ALERT_EMAIL_FROM",
        description="ATLAS_ALERT_EMAIL_FROM: sender of the e-mails. Unset: the first who gets them.",
    )
    smtp_url: SecretStr = Field(
        default=SecretStr("smtp://localhost:25"),
        validation_alias="ATLAS_SMTP_URL",
        description="ATLAS_SMTP_URL: server that sends the e-mails, smtp://user:password@host:587 or smtps://.",
    )
    dagster_home_dir: Path | None = Field(
        default=None,
        validation_alias="DAGSTER_HOME",
        description="DAGSTER_HOME: folder of the Dagster instance. Unset: dagster_home in the state folder.",
    )
    expectations_dir: Path = Field(
        default=Path(__file__).resolve().parent.parent / "expectations",
        validation_alias="ATLAS_EXPECTATIONS_DIR",
        description="ATLAS_EXPECTATIONS_DIR: the Great Expectations project. Unset: expectations/ beside the package.",
    )

    def source_url(self, variable: str) -> str | None:
        """The SQLAlchemy URL in the environment variable that a catalog names as its source, or None."""
        for name, field in type(self).model_fields.items():
            if field.validation_alias == variable:
                value = getattr(self, name)
                return value.get_secret_value() if isinstance(value, SecretStr) else value
        return os.environ.get(variable) or None

    @property
    def state(self) -> Path:
        """The state folder as an absolute path; it may not exist yet."""
        return self.state_dir.expanduser().absolute()

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder, as an absolute path."""
        return (self.dagster_home_dir or self.state / "dagster_home").expanduser().absolute()

    @property
    def samples_dir(self) -> Path:
        """Generated sample sources, and notes of those that lie in a server."""
        return self.state / "samples"

    @property
    def reports_dir(self) -> Path:
        return self.state / "reports"

    @property
    def data_docs_dir(self) -> Path:
        return self.state / "data_docs"

    @property
    def snapshots_dir(self) -> Path:
        """Private copies of SQLite sources, one per run, removed when the run ends."""
        return self.state / "snapshots"

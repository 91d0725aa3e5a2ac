"""The catalog of the investigation platform: its tables in load order, its target and where its source is configured.

What belongs here: the list, and the rule for tenants. What does not: a table itself, which is in the module of its
subject.
"""

from __future__ import annotations

from atlas_pipeline.catalogs.investigation_platform.actions import (
    COMPOSIO_ACTION_AUDITS,
    COMPOSIO_CONNECTIONS,
    SOAR_PLAYBOOK_EXECUTIONS,
)
from atlas_pipeline.catalogs.investigation_platform.anomalies import ANOMALY_EVENTS, DETECTION_RUNS, DETECTORS
from atlas_pipeline.catalogs.investigation_platform.audit import AUDIT_LOG
from atlas_pipeline.catalogs.investigation_platform.investigations import (
    INVESTIGATIONS,
    TEMPLATES,
    TRANSACTION_SCORES,
)
from atlas_pipeline.spec.catalogs import CatalogSpec, TenantRule

# Moments of all tables are cut to milliseconds, for readers expect plain dates. JSON rounds where an external system
# wrote it, unchecked, and may have written more digits than a double holds. All other numbers in JSON Python wrote,
# of doubles the shortest form.
INVESTIGATION_PLATFORM = CatalogSpec(
    name="investigation_platform",
    about="Platform for investigations of fraud, kept in PostgreSQL, in the shape of its ORM or of its SQL files.",
    dialect="postgresql",
    source_variable="DATABASE_URL",
    snapshot="table",
    database="olorin",
    # Readers filter by the tenant, so rows of tables without one belong to the one that all readers ask for.
    tenant=TenantRule(column="tenant_id", default="default"),
    bookkeeping=("alembic_version",),
    tables=(  # referenced tables come first
        INVESTIGATIONS,
        TEMPLATES,
        DETECTORS,
        DETECTION_RUNS,
        ANOMALY_EVENTS,
        TRANSACTION_SCORES,
        COMPOSIO_CONNECTIONS,
        SOAR_PLAYBOOK_EXECUTIONS,
        COMPOSIO_ACTION_AUDITS,
        AUDIT_LOG,
    ),
)

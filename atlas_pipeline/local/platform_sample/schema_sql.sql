CREATE TABLE investigation_states (
    investigation_id VARCHAR(255) PRIMARY KEY,
    user_id VARCHAR(255) NOT NULL,
    lifecycle_stage VARCHAR(50) NOT NULL
        CHECK (lifecycle_stage IN ('CREATED', 'SETTINGS', 'IN_PROGRESS', 'COMPLETED')),
    settings_json TEXT,
    progress_json TEXT,
    results_json TEXT,
    status VARCHAR(50) NOT NULL
        CHECK (status IN ('CREATED', 'SETTINGS', 'IN_PROGRESS', 'COMPLETED', 'ERROR', 'CANCELLED')),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_accessed TIMESTAMP
);

CREATE TABLE detectors (
    id VARCHAR(36) PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('stl_mad', 'cusum', 'isoforest', 'rcf', 'matrix_profile')),
    cohort_by TEXT NOT NULL,
    metrics TEXT NOT NULL,
    params TEXT NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE detection_runs (
    id VARCHAR(36) PRIMARY KEY,
    detector_id VARCHAR(36) NOT NULL REFERENCES detectors (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'success', 'failed')),
    started_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    finished_at TIMESTAMP,
    window_from TIMESTAMP NOT NULL,
    window_to TIMESTAMP NOT NULL,
    info TEXT,
    CHECK (window_to > window_from)
);

CREATE TABLE anomaly_events (
    id VARCHAR(36) PRIMARY KEY,
    run_id VARCHAR(36) NOT NULL REFERENCES detection_runs (id) ON DELETE CASCADE,
    detector_id VARCHAR(36) NOT NULL REFERENCES detectors (id) ON DELETE CASCADE,
    cohort TEXT NOT NULL,
    window_start TIMESTAMP NOT NULL,
    window_end TIMESTAMP NOT NULL,
    metric TEXT NOT NULL,
    observed REAL NOT NULL,
    expected REAL NOT NULL,
    score REAL NOT NULL CHECK (score >= 0),
    severity TEXT CHECK (severity IS NULL OR severity IN ('info', 'warn', 'critical')),
    persisted_n INTEGER NOT NULL DEFAULT 1 CHECK (persisted_n >= 1),
    status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'triaged', 'closed')),
    evidence TEXT,
    investigation_id VARCHAR(36),
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CHECK (window_end > window_start)
);

CREATE TABLE transaction_scores (
    investigation_id VARCHAR(255) NOT NULL,
    transaction_id VARCHAR(255) NOT NULL,
    risk_score DOUBLE PRECISION NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (investigation_id, transaction_id)
);

CREATE TABLE composio_connections (
    id VARCHAR(36) PRIMARY KEY DEFAULT gen_random_uuid()::text,
    tenant_id VARCHAR(255) NOT NULL,
    toolkit_name VARCHAR(100) NOT NULL,
    connection_id VARCHAR(255) NOT NULL,
    status VARCHAR(50) NOT NULL CHECK (status IN ('active', 'expired', 'revoked')),
    encrypted_access_token TEXT NOT NULL,
    refresh_token TEXT,
    expires_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_used_at TIMESTAMP,
    UNIQUE (tenant_id, toolkit_name, connection_id)
);

CREATE TABLE composio_action_audit (
    id VARCHAR(36) PRIMARY KEY DEFAULT gen_random_uuid()::text,
    action_id VARCHAR(255) NOT NULL,
    execution_id VARCHAR(255),
    toolkit_name VARCHAR(100) NOT NULL,
    action_name VARCHAR(100) NOT NULL,
    tenant_id VARCHAR(255) NOT NULL,
    connection_id VARCHAR(255) NOT NULL,
    parameters TEXT,
    result TEXT,
    status VARCHAR(50) NOT NULL CHECK (status IN ('success', 'failed', 'retrying')),
    executed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    retry_count INTEGER DEFAULT 0,
    error_message TEXT
);

CREATE TABLE soar_playbook_executions (
    id VARCHAR(36) PRIMARY KEY DEFAULT gen_random_uuid()::text,
    playbook_id VARCHAR(255) NOT NULL,
    investigation_id VARCHAR(255),
    anomaly_id VARCHAR(255),
    tenant_id VARCHAR(255) NOT NULL,
    trigger_reason TEXT,
    status VARCHAR(50) NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    started_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    completed_at TIMESTAMP,
    actions_executed TEXT,
    error_message TEXT
);

CREATE INDEX idx_investigation_states_user_id ON investigation_states (user_id);
CREATE INDEX idx_investigation_states_status ON investigation_states (status);
CREATE INDEX idx_investigation_states_updated_at ON investigation_states (updated_at DESC);
CREATE INDEX idx_investigation_states_lifecycle_stage ON investigation_states (lifecycle_stage);

CREATE INDEX idx_detectors_type ON detectors (type);
CREATE INDEX idx_detectors_enabled ON detectors (enabled);
CREATE INDEX idx_detectors_updated_at ON detectors (updated_at DESC);

CREATE INDEX idx_detection_runs_detector_id ON detection_runs (detector_id);
CREATE INDEX idx_detection_runs_status ON detection_runs (status);
CREATE INDEX idx_detection_runs_window ON detection_runs (window_from, window_to);
CREATE INDEX idx_detection_runs_started_at ON detection_runs (started_at DESC);

CREATE INDEX idx_anomaly_events_run_id ON anomaly_events (run_id);
CREATE INDEX idx_anomaly_events_detector_id ON anomaly_events (detector_id);
CREATE INDEX idx_anomaly_events_severity ON anomaly_events (severity);
CREATE INDEX idx_anomaly_events_status ON anomaly_events (status);
CREATE INDEX idx_anomaly_events_score ON anomaly_events (score DESC);
CREATE INDEX idx_anomaly_events_window ON anomaly_events (window_start, window_end);
CREATE INDEX idx_anomaly_events_created_at ON anomaly_events (created_at DESC);
CREATE INDEX idx_anomaly_events_investigation_id ON anomaly_events (investigation_id);

CREATE INDEX idx_transaction_scores_investigation ON transaction_scores (investigation_id);
CREATE INDEX idx_transaction_scores_composite ON transaction_scores (investigation_id, transaction_id);

CREATE INDEX idx_composio_connections_tenant_id ON composio_connections (tenant_id);
CREATE INDEX idx_composio_connections_status ON composio_connections (status);
CREATE INDEX idx_composio_connections_toolkit_name ON composio_connections (toolkit_name);

CREATE INDEX idx_composio_action_audit_tenant_id ON composio_action_audit (tenant_id);
CREATE INDEX idx_composio_action_audit_execution_id ON composio_action_audit (execution_id);
CREATE INDEX idx_composio_action_audit_status ON composio_action_audit (status);
CREATE INDEX idx_composio_action_audit_executed_at ON composio_action_audit (executed_at);

CREATE INDEX idx_soar_playbook_executions_tenant_id ON soar_playbook_executions (tenant_id);
CREATE INDEX idx_soar_playbook_executions_investigation_id ON soar_playbook_executions (investigation_id);
CREATE INDEX idx_soar_playbook_executions_status ON soar_playbook_executions (status);
CREATE INDEX idx_soar_playbook_executions_started_at ON soar_playbook_executions (started_at);

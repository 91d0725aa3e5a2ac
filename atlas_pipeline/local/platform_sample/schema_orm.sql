CREATE TABLE investigation_states (
    investigation_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(255) NOT NULL,
    lifecycle_stage VARCHAR(50) NOT NULL,
    settings_json TEXT,
    progress_json TEXT,
    status VARCHAR(50) NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE DEFAULT now() NOT NULL,
    last_accessed TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (investigation_id),
    CONSTRAINT ck_investigation_states_lifecycle_stage
        CHECK (lifecycle_stage IN ('CREATED', 'SETTINGS', 'IN_PROGRESS', 'COMPLETED')),
    CONSTRAINT ck_investigation_states_status
        CHECK (status IN ('CREATED', 'SETTINGS', 'IN_PROGRESS', 'COMPLETED', 'ERROR', 'CANCELLED')),
    CONSTRAINT ck_investigation_states_version CHECK (version >= 1)
);

CREATE TABLE detectors (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    type VARCHAR(50) NOT NULL,
    cohort_by JSONB NOT NULL,
    metrics JSONB NOT NULL,
    params JSONB NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT ck_detectors_type CHECK (type IN ('stl_mad', 'cusum', 'isoforest', 'rcf', 'matrix_profile'))
);

CREATE TABLE detection_runs (
    id UUID NOT NULL,
    detector_id UUID NOT NULL,
    status VARCHAR(50) NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    window_from TIMESTAMP WITH TIME ZONE NOT NULL,
    window_to TIMESTAMP WITH TIME ZONE NOT NULL,
    info JSONB,
    PRIMARY KEY (id),
    FOREIGN KEY (detector_id) REFERENCES detectors (id) ON DELETE CASCADE,
    CONSTRAINT ck_detection_runs_status CHECK (status IN ('queued', 'running', 'success', 'failed')),
    CONSTRAINT ck_detection_runs_window CHECK (window_to > window_from)
);

CREATE TABLE anomaly_events (
    id UUID NOT NULL,
    run_id UUID NOT NULL,
    detector_id UUID NOT NULL,
    cohort JSONB NOT NULL,
    window_start TIMESTAMP WITH TIME ZONE NOT NULL,
    window_end TIMESTAMP WITH TIME ZONE NOT NULL,
    metric TEXT NOT NULL,
    observed DOUBLE PRECISION NOT NULL,
    expected DOUBLE PRECISION NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    severity VARCHAR(50),
    persisted_n INTEGER NOT NULL,
    status VARCHAR(50) NOT NULL,
    evidence JSONB,
    investigation_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (run_id) REFERENCES detection_runs (id) ON DELETE CASCADE,
    FOREIGN KEY (detector_id) REFERENCES detectors (id) ON DELETE CASCADE,
    CONSTRAINT ck_anomaly_events_severity CHECK (severity IS NULL OR severity IN ('info', 'warn', 'critical')),
    CONSTRAINT ck_anomaly_events_status CHECK (status IN ('new', 'triaged', 'closed')),
    CONSTRAINT ck_anomaly_events_window CHECK (window_end > window_start),
    CONSTRAINT ck_anomaly_events_score CHECK (score >= 0),
    CONSTRAINT ck_anomaly_events_persisted_n CHECK (persisted_n >= 1)
);

CREATE TABLE transaction_scores (
    investigation_id VARCHAR(255) NOT NULL,
    transaction_id VARCHAR(255) NOT NULL,
    risk_score DOUBLE PRECISION NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (investigation_id, transaction_id)
);

CREATE TABLE composio_connections (
    id VARCHAR(36) NOT NULL,
    tenant_id VARCHAR(255) NOT NULL,
    toolkit_name VARCHAR(100) NOT NULL,
    connection_id VARCHAR(255) NOT NULL,
    status VARCHAR(50) NOT NULL,
    encrypted_access_token TEXT NOT NULL,
    refresh_token TEXT,
    expires_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT uq_composio_connections UNIQUE (tenant_id, toolkit_name, connection_id),
    CONSTRAINT ck_composio_connections_status CHECK (status IN ('active', 'expired', 'revoked'))
);

CREATE TABLE composio_action_audit (
    id VARCHAR(36) NOT NULL,
    action_id VARCHAR(255) NOT NULL,
    execution_id VARCHAR(255),
    toolkit_name VARCHAR(100) NOT NULL,
    action_name VARCHAR(100) NOT NULL,
    tenant_id VARCHAR(255) NOT NULL,
    connection_id VARCHAR(255) NOT NULL,
    parameters TEXT,
    result TEXT,
    status VARCHAR(50) NOT NULL,
    executed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retry_count INTEGER NOT NULL,
    error_message TEXT,
    PRIMARY KEY (id),
    CONSTRAINT ck_composio_action_audit_status CHECK (status IN ('success', 'failed', 'retrying'))
);

CREATE TABLE soar_playbook_executions (
    id VARCHAR(36) NOT NULL,
    playbook_id VARCHAR(255) NOT NULL,
    investigation_id VARCHAR(255),
    anomaly_id VARCHAR(255),
    tenant_id VARCHAR(255) NOT NULL,
    trigger_reason TEXT,
    status VARCHAR(50) NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    actions_executed TEXT,
    error_message TEXT,
    PRIMARY KEY (id),
    CONSTRAINT ck_soar_playbook_executions_status CHECK (status IN ('running', 'completed', 'failed', 'cancelled'))
);

CREATE INDEX ix_investigation_states_user_id ON investigation_states (user_id);
CREATE INDEX idx_investigation_states_user_id ON investigation_states (user_id);
CREATE INDEX ix_investigation_states_status ON investigation_states (status);
CREATE INDEX idx_investigation_states_status ON investigation_states (status);
CREATE INDEX idx_investigation_states_updated_at ON investigation_states (updated_at);
CREATE INDEX idx_investigation_states_lifecycle_stage ON investigation_states (lifecycle_stage);

CREATE INDEX ix_detectors_type ON detectors (type);
CREATE INDEX idx_detectors_type ON detectors (type);
CREATE INDEX ix_detectors_enabled ON detectors (enabled);
CREATE INDEX idx_detectors_enabled ON detectors (enabled);
CREATE INDEX idx_detectors_updated_at ON detectors (updated_at);

CREATE INDEX ix_detection_runs_detector_id ON detection_runs (detector_id);
CREATE INDEX idx_detection_runs_detector_id ON detection_runs (detector_id);
CREATE INDEX ix_detection_runs_status ON detection_runs (status);
CREATE INDEX idx_detection_runs_status ON detection_runs (status);
CREATE INDEX idx_detection_runs_window ON detection_runs (window_from, window_to);
CREATE INDEX idx_detection_runs_started_at ON detection_runs (started_at);

CREATE INDEX ix_anomaly_events_run_id ON anomaly_events (run_id);
CREATE INDEX idx_anomaly_events_run_id ON anomaly_events (run_id);
CREATE INDEX ix_anomaly_events_detector_id ON anomaly_events (detector_id);
CREATE INDEX idx_anomaly_events_detector_id ON anomaly_events (detector_id);
CREATE INDEX idx_anomaly_events_severity ON anomaly_events (severity);
CREATE INDEX idx_anomaly_events_status ON anomaly_events (status);
CREATE INDEX idx_anomaly_events_score ON anomaly_events (score);
CREATE INDEX idx_anomaly_events_window ON anomaly_events (window_start, window_end);
CREATE INDEX idx_anomaly_events_created_at ON anomaly_events (created_at);
CREATE INDEX idx_anomaly_events_cohort ON anomaly_events USING gin (cohort);
CREATE INDEX ix_anomaly_events_investigation_id ON anomaly_events (investigation_id);
CREATE INDEX idx_anomaly_events_investigation_id ON anomaly_events (investigation_id);

CREATE INDEX ix_transaction_scores_investigation_id ON transaction_scores (investigation_id);
CREATE INDEX idx_transaction_scores_composite ON transaction_scores (investigation_id, transaction_id);

CREATE INDEX ix_composio_connections_tenant_id ON composio_connections (tenant_id);
CREATE INDEX idx_composio_connections_tenant_id ON composio_connections (tenant_id);
CREATE INDEX idx_composio_connections_status ON composio_connections (status);
CREATE INDEX idx_composio_connections_toolkit_name ON composio_connections (toolkit_name);

CREATE INDEX ix_composio_action_audit_tenant_id ON composio_action_audit (tenant_id);
CREATE INDEX idx_composio_action_audit_tenant_id ON composio_action_audit (tenant_id);
CREATE INDEX idx_composio_action_audit_execution_id ON composio_action_audit (execution_id);
CREATE INDEX idx_composio_action_audit_status ON composio_action_audit (status);
CREATE INDEX idx_composio_action_audit_executed_at ON composio_action_audit (executed_at);

CREATE INDEX ix_soar_playbook_executions_tenant_id ON soar_playbook_executions (tenant_id);
CREATE INDEX idx_soar_playbook_executions_tenant_id ON soar_playbook_executions (tenant_id);
CREATE INDEX idx_soar_playbook_executions_investigation_id ON soar_playbook_executions (investigation_id);
CREATE INDEX idx_soar_playbook_executions_status ON soar_playbook_executions (status);
CREATE INDEX idx_soar_playbook_executions_started_at ON soar_playbook_executions (started_at);

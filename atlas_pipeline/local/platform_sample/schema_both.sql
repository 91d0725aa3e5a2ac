CREATE TABLE investigation_audit_log (
    entry_id VARCHAR(255) PRIMARY KEY,
    investigation_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(255) NOT NULL,
    action_type VARCHAR(100) NOT NULL,
    changes_json TEXT,
    state_snapshot_json TEXT,
    source VARCHAR(50) NOT NULL CHECK (source IN ('POLLING', 'USER', 'SYSTEM', 'API')),
    from_version INTEGER,
    to_version INTEGER,
    timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE investigation_templates (
    template_id VARCHAR(255) PRIMARY KEY,
    user_id VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    tags TEXT,
    template_json TEXT NOT NULL,
    last_used TIMESTAMP,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
    CONSTRAINT unique_user_template_name UNIQUE (user_id, name)
);

CREATE INDEX idx_audit_log_investigation_id ON investigation_audit_log (investigation_id);
CREATE INDEX idx_audit_log_user_id ON investigation_audit_log (user_id);
CREATE INDEX idx_audit_log_timestamp ON investigation_audit_log (timestamp DESC);
CREATE INDEX idx_audit_log_action_type ON investigation_audit_log (action_type);

CREATE INDEX idx_templates_user_id ON investigation_templates (user_id);
CREATE INDEX idx_templates_usage_count ON investigation_templates (usage_count DESC);
CREATE INDEX idx_templates_updated_at ON investigation_templates (updated_at DESC);

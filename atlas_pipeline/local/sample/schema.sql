-- The schema of Infrastructure Atlas at Alembic revision 20260118_0020: 31 tables and alembic_version.
-- Columns stand in their physical order, which is not the order of the models: later revisions appended theirs.
-- Declared lengths are not enforced by SQLite, and two types look wrong but are real: chat_sessions.context_variables
-- holds JSON in TEXT, and playground_usage.user_id is INTEGER although users.id is text.

CREATE TABLE users (
    id VARCHAR(36) NOT NULL,
    username VARCHAR(64) NOT NULL,
    display_name VARCHAR(120),
    email VARCHAR(320),
    role VARCHAR(16) DEFAULT 'member' NOT NULL,
    password_hash VARCHAR(255),
    is_active BOOLEAN DEFAULT 1 NOT NULL,
    external_provider VARCHAR(32),
    external_subject VARCHAR(255),
    system_username VARCHAR(64),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (username)
);
CREATE INDEX ix_users_external_subject ON users (external_subject);

CREATE TABLE user_api_keys (
    id VARCHAR(36) NOT NULL,
    user_id VARCHAR(36) NOT NULL,
    provider VARCHAR(32) NOT NULL,
    label VARCHAR(120),
    secret TEXT NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT uq_user_provider UNIQUE (user_id, provider)
);
CREATE INDEX ix_user_api_keys_user_id ON user_api_keys (user_id);

CREATE TABLE global_api_keys (
    id VARCHAR(36) NOT NULL,
    provider VARCHAR(32) NOT NULL,
    label VARCHAR(120),
    secret TEXT NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (provider)
);

CREATE TABLE secure_settings (
    name VARCHAR(64) NOT NULL,
    encrypted_value TEXT NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE role_permissions (
    role VARCHAR(32) NOT NULL,
    label VARCHAR(64) NOT NULL,
    description VARCHAR(255),
    permissions JSON NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (role)
);

CREATE TABLE chat_sessions (
    id VARCHAR(36) NOT NULL,
    session_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(36),
    title VARCHAR(200) NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    context_variables TEXT NOT NULL,
    agent_config_id VARCHAR(36),
    provider_type VARCHAR(32),
    model VARCHAR(128),
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id),
    UNIQUE (session_id)
);
CREATE INDEX ix_chat_sessions_user_id_updated_at ON chat_sessions (user_id, updated_at);

CREATE TABLE chat_messages (
    id VARCHAR(36) NOT NULL,
    session_id VARCHAR(36) NOT NULL,
    role VARCHAR(16) NOT NULL,
    content TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    message_type VARCHAR(32),
    tool_call_id VARCHAR(64),
    tool_name VARCHAR(128),
    metadata_json JSON,
    PRIMARY KEY (id),
    FOREIGN KEY (session_id) REFERENCES chat_sessions (id)
);
CREATE INDEX ix_chat_messages_session_id_created_at ON chat_messages (session_id, created_at);

CREATE TABLE vcenter_configs (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(80) NOT NULL,
    base_url VARCHAR(255) NOT NULL,
    username VARCHAR(128) NOT NULL,
    password_secret VARCHAR(128) NOT NULL,
    verify_ssl BOOLEAN DEFAULT 1 NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    is_esxi BOOLEAN DEFAULT 0 NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT uq_vcenter_config_name UNIQUE (name)
);

CREATE TABLE foreman_configs (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(80) NOT NULL,
    base_url VARCHAR(255) NOT NULL,
    token_secret VARCHAR(128) NOT NULL,
    verify_ssl BOOLEAN DEFAULT 1 NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    username VARCHAR(128) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT uq_foreman_config_name UNIQUE (name)
);

CREATE TABLE puppet_configs (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(80) NOT NULL,
    remote_url VARCHAR(512) NOT NULL,
    branch VARCHAR(128) DEFAULT 'production' NOT NULL,
    ssh_key_secret VARCHAR(128),
    local_path VARCHAR(512),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT uq_puppet_config_name UNIQUE (name)
);

CREATE TABLE playground_usage (
    id INTEGER NOT NULL,
    user_id INTEGER,
    username VARCHAR(255),
    session_id VARCHAR(64) NOT NULL,
    agent_id VARCHAR(50) NOT NULL,
    model VARCHAR(100) NOT NULL,
    user_message TEXT NOT NULL,
    assistant_message TEXT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,
    cost_usd FLOAT NOT NULL,
    tool_calls JSON,
    duration_ms INTEGER,
    error TEXT,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    client VARCHAR(50) DEFAULT 'web',
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_playground_usage_agent_created ON playground_usage (agent_id, created_at);
CREATE INDEX ix_playground_usage_agent_id ON playground_usage (agent_id);
CREATE INDEX ix_playground_usage_created_at ON playground_usage (created_at);
CREATE INDEX ix_playground_usage_session_id ON playground_usage (session_id);
CREATE INDEX ix_playground_usage_user_created ON playground_usage (user_id, created_at);

CREATE TABLE playground_sessions (
    id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(36),
    state JSON DEFAULT '{}' NOT NULL,
    config_override JSON DEFAULT '{}' NOT NULL,
    messages JSON DEFAULT '[]' NOT NULL,
    total_tokens INTEGER NOT NULL,
    total_cost_usd FLOAT,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    client VARCHAR(50) DEFAULT 'web',
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_playground_sessions_agent_id ON playground_sessions (agent_id);
CREATE INDEX ix_playground_sessions_updated_at ON playground_sessions (updated_at);
CREATE INDEX ix_playground_sessions_user_id ON playground_sessions (user_id);

CREATE TABLE ai_activity_logs (
    id VARCHAR(36) NOT NULL,
    generation_id VARCHAR(64),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    provider VARCHAR(32) NOT NULL,
    model VARCHAR(128) NOT NULL,
    model_provider VARCHAR(64),
    tokens_prompt INTEGER NOT NULL,
    tokens_completion INTEGER NOT NULL,
    tokens_reasoning INTEGER NOT NULL,
    tokens_total INTEGER NOT NULL,
    cost_usd FLOAT NOT NULL,
    generation_time_ms INTEGER,
    time_to_first_token_ms INTEGER,
    tokens_per_second FLOAT,
    streamed BOOLEAN NOT NULL,
    finish_reason VARCHAR(32),
    cancelled BOOLEAN NOT NULL,
    user_id VARCHAR(36),
    session_id VARCHAR(64),
    app_name VARCHAR(64),
    PRIMARY KEY (id)
);
CREATE INDEX ix_ai_activity_logs_created_at ON ai_activity_logs (created_at);
CREATE INDEX ix_ai_activity_logs_generation_id ON ai_activity_logs (generation_id);
CREATE INDEX ix_ai_activity_logs_model ON ai_activity_logs (model);
CREATE INDEX ix_ai_activity_logs_provider ON ai_activity_logs (provider);
CREATE INDEX ix_ai_activity_logs_session_id ON ai_activity_logs (session_id);

CREATE TABLE ai_model_configs (
    id VARCHAR(36) NOT NULL,
    provider VARCHAR(32) NOT NULL,
    model_id VARCHAR(128) NOT NULL,
    display_name VARCHAR(128),
    price_input_per_million FLOAT NOT NULL,
    price_output_per_million FLOAT NOT NULL,
    context_window INTEGER,
    supports_tools BOOLEAN NOT NULL,
    supports_streaming BOOLEAN NOT NULL,
    supports_vision BOOLEAN NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_preferred BOOLEAN NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT uq_provider_model UNIQUE (provider, model_id)
);

CREATE TABLE bot_platform_accounts (
    id INTEGER NOT NULL,
    user_id VARCHAR(36) NOT NULL,
    platform VARCHAR(32) NOT NULL,
    platform_user_id VARCHAR(255) NOT NULL,
    platform_username VARCHAR(255),
    verified BOOLEAN NOT NULL,
    verification_code VARCHAR(16),
    verification_expires DATETIME,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT uq_platform_user UNIQUE (platform, platform_user_id)
);
CREATE INDEX ix_bot_platform_accounts_platform ON bot_platform_accounts (platform);
CREATE INDEX ix_bot_platform_accounts_user_id ON bot_platform_accounts (user_id);

CREATE TABLE bot_webhook_configs (
    id INTEGER NOT NULL,
    platform VARCHAR(32) NOT NULL,
    enabled BOOLEAN NOT NULL,
    webhook_secret VARCHAR(255),
    bot_token_secret VARCHAR(128) NOT NULL,
    extra_config JSON,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT uq_bot_webhook_platform UNIQUE (platform)
);

CREATE TABLE bot_conversations (
    id INTEGER NOT NULL,
    platform VARCHAR(32) NOT NULL,
    platform_conversation_id VARCHAR(255) NOT NULL,
    platform_account_id INTEGER NOT NULL,
    agent_id VARCHAR(255),
    session_id VARCHAR(64),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    last_message_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (platform_account_id) REFERENCES bot_platform_accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_platform_conversation UNIQUE (platform, platform_conversation_id)
);
CREATE INDEX ix_bot_conversations_platform_account_id ON bot_conversations (platform_account_id);
CREATE INDEX ix_bot_conversations_session_id ON bot_conversations (session_id);

CREATE TABLE bot_messages (
    id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    direction VARCHAR(16) NOT NULL,
    content TEXT NOT NULL,
    platform_message_id VARCHAR(255),
    agent_id VARCHAR(255),
    tool_calls JSON,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_usd FLOAT NOT NULL,
    duration_ms INTEGER,
    error TEXT,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (conversation_id) REFERENCES bot_conversations (id) ON DELETE CASCADE
);
CREATE INDEX ix_bot_messages_conversation_id ON bot_messages (conversation_id);
CREATE INDEX ix_bot_messages_created_at ON bot_messages (created_at);

CREATE TABLE module_configs (
    module_name VARCHAR(64) NOT NULL,
    enabled BOOLEAN DEFAULT 1 NOT NULL,
    config_json JSON DEFAULT '{}' NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (module_name)
);

CREATE TABLE playground_presets (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    agent_id VARCHAR(255) NOT NULL,
    config JSON NOT NULL,
    user_id VARCHAR(36),
    is_shared BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    UNIQUE (user_id, name)
);
CREATE INDEX ix_playground_presets_agent_id ON playground_presets (agent_id);
CREATE INDEX ix_playground_presets_is_shared ON playground_presets (is_shared);
CREATE INDEX ix_playground_presets_user_id ON playground_presets (user_id);

CREATE TABLE workflows (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    trigger_type VARCHAR(50) NOT NULL,
    trigger_config JSON,
    graph_definition JSON NOT NULL,
    visual_definition JSON NOT NULL,
    version INTEGER NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
CREATE INDEX ix_workflows_is_active ON workflows (is_active);
CREATE INDEX ix_workflows_trigger_type ON workflows (trigger_type);

CREATE TABLE workflow_executions (
    id VARCHAR(36) NOT NULL,
    workflow_id VARCHAR(36) NOT NULL,
    status VARCHAR(50) NOT NULL,
    trigger_data JSON,
    current_state JSON,
    current_node VARCHAR(255),
    started_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    completed_at DATETIME,
    error_message TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (workflow_id) REFERENCES workflows (id) ON DELETE CASCADE
);
CREATE INDEX ix_workflow_executions_started_at ON workflow_executions (started_at);
CREATE INDEX ix_workflow_executions_status ON workflow_executions (status);
CREATE INDEX ix_workflow_executions_workflow_id ON workflow_executions (workflow_id);

CREATE TABLE execution_steps (
    id VARCHAR(36) NOT NULL,
    execution_id VARCHAR(36) NOT NULL,
    node_id VARCHAR(255) NOT NULL,
    node_type VARCHAR(50) NOT NULL,
    input_data JSON,
    output_data JSON,
    llm_messages JSON,
    tokens_used INTEGER,
    duration_ms INTEGER,
    status VARCHAR(50) NOT NULL,
    error_message TEXT,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (execution_id) REFERENCES workflow_executions (id) ON DELETE CASCADE
);
CREATE INDEX ix_execution_steps_execution_id ON execution_steps (execution_id);
CREATE INDEX ix_execution_steps_node_id ON execution_steps (node_id);
CREATE INDEX ix_execution_steps_status ON execution_steps (status);

CREATE TABLE human_interventions (
    id VARCHAR(36) NOT NULL,
    execution_id VARCHAR(36) NOT NULL,
    step_id VARCHAR(36),
    intervention_type VARCHAR(50) NOT NULL,
    prompt TEXT NOT NULL,
    options JSON,
    assigned_to VARCHAR(255),
    response JSON,
    responded_at DATETIME,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (execution_id) REFERENCES workflow_executions (id) ON DELETE CASCADE,
    FOREIGN KEY (step_id) REFERENCES execution_steps (id) ON DELETE CASCADE
);
CREATE INDEX ix_human_interventions_assigned_to ON human_interventions (assigned_to);
CREATE INDEX ix_human_interventions_execution_id ON human_interventions (execution_id);
CREATE INDEX ix_human_interventions_intervention_type ON human_interventions (intervention_type);

CREATE TABLE skills (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(255) NOT NULL,
    category VARCHAR(100),
    description TEXT,
    python_module VARCHAR(255) NOT NULL,
    config_schema JSON,
    input_schema JSON,
    output_schema JSON,
    is_enabled BOOLEAN NOT NULL,
    requires_approval BOOLEAN NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
CREATE INDEX ix_skills_category ON skills (category);
CREATE INDEX ix_skills_is_enabled ON skills (is_enabled);

CREATE TABLE skill_actions (
    id VARCHAR(36) NOT NULL,
    skill_id VARCHAR(36) NOT NULL,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    input_schema JSON,
    output_schema JSON,
    is_destructive BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (skill_id) REFERENCES skills (id) ON DELETE CASCADE,
    UNIQUE (skill_id, name)
);
CREATE INDEX ix_skill_actions_skill_id ON skill_actions (skill_id);

CREATE TABLE ai_provider_configs (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(64) NOT NULL,
    provider_type VARCHAR(32) NOT NULL,
    enabled BOOLEAN NOT NULL,
    api_key_secret VARCHAR(128),
    azure_endpoint VARCHAR(512),
    azure_deployment VARCHAR(128),
    api_version VARCHAR(32),
    base_url VARCHAR(512),
    default_model VARCHAR(128),
    config_json JSON NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE ai_agent_configs (
    id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(64) NOT NULL,
    name VARCHAR(128) NOT NULL,
    description TEXT,
    provider_config_id VARCHAR(36),
    provider_type VARCHAR(32) NOT NULL,
    model VARCHAR(128) NOT NULL,
    system_prompt TEXT,
    temperature FLOAT,
    max_tokens INTEGER,
    tools_enabled BOOLEAN NOT NULL,
    streaming_enabled BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    config_json JSON NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (agent_id)
);

CREATE TABLE devices (
    id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    device_type VARCHAR(50) NOT NULL,
    source_system VARCHAR(50) NOT NULL,
    source_id VARCHAR(255) NOT NULL,
    status VARCHAR(20),
    metadata TEXT,
    first_seen DATETIME,
    last_seen DATETIME,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (source_system, source_id)
);
CREATE INDEX ix_devices_device_type ON devices (device_type);
CREATE INDEX ix_devices_last_seen ON devices (last_seen);
CREATE INDEX ix_devices_name ON devices (name);
CREATE INDEX ix_devices_status ON devices (status);

CREATE TABLE device_relationships (
    id INTEGER NOT NULL,
    parent_device_id INTEGER NOT NULL,
    child_device_id INTEGER NOT NULL,
    relationship_type VARCHAR(50) NOT NULL,
    metadata TEXT,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (parent_device_id) REFERENCES devices (id) ON DELETE CASCADE,
    FOREIGN KEY (child_device_id) REFERENCES devices (id) ON DELETE CASCADE
);
CREATE INDEX ix_device_relationships_child ON device_relationships (child_device_id);
CREATE INDEX ix_device_relationships_parent ON device_relationships (parent_device_id);
CREATE INDEX ix_device_relationships_type ON device_relationships (relationship_type);

CREATE TABLE sync_metadata (
    id INTEGER NOT NULL,
    source_system VARCHAR(50) NOT NULL,
    source_identifier VARCHAR(255),
    last_sync_start DATETIME,
    last_sync_complete DATETIME,
    last_sync_status VARCHAR(20),
    sync_duration_seconds FLOAT,
    devices_added INTEGER DEFAULT 0,
    devices_updated INTEGER DEFAULT 0,
    devices_removed INTEGER DEFAULT 0,
    error_message TEXT,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (source_system, source_identifier)
);
CREATE INDEX ix_sync_metadata_last_sync_complete ON sync_metadata (last_sync_complete);

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

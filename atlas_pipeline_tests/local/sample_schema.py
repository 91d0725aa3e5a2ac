"""The schema of Infrastructure Atlas as the tests know it: written down apart from the DDL of the sample.

One entry a table. First its columns in physical order: name, declared type, `!` when NULL is refused, `=` and the
default. Then foreign keys (column -> table, column, action), unique constraints with their names, and indexes.
The first column is the primary key.
"""

from __future__ import annotations

EXPECTED_SCHEMA: dict[str, str] = {
    "users": """
        id VARCHAR(36)!; username VARCHAR(64)!; display_name VARCHAR(120); email VARCHAR(320);
        role VARCHAR(16)! = 'member'; password_hash VARCHAR(255); is_active BOOLEAN! = 1;
        external_provider VARCHAR(32); external_subject VARCHAR(255); system_username VARCHAR(64);
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(username); index ix_users_external_subject(external_subject);
    """,
    "user_api_keys": """
        id VARCHAR(36)!; user_id VARCHAR(36)!; provider VARCHAR(32)!; label VARCHAR(120); secret TEXT!;
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        user_id -> users id CASCADE; unique uq_user_provider(user_id, provider);
        index ix_user_api_keys_user_id(user_id);
    """,
    "global_api_keys": """
        id VARCHAR(36)!; provider VARCHAR(32)!; label VARCHAR(120); secret TEXT!;
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(provider);
    """,
    "secure_settings": """
        name VARCHAR(64)!; encrypted_value TEXT!; created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP;
    """,
    "role_permissions": """
        role VARCHAR(32)!; label VARCHAR(64)!; description VARCHAR(255); permissions JSON!;
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
    """,
    "chat_sessions": """
        id VARCHAR(36)!; session_id VARCHAR(64)!; user_id VARCHAR(36); title VARCHAR(200)!; created_at DATETIME!;
        updated_at DATETIME!; context_variables TEXT!; agent_config_id VARCHAR(36); provider_type VARCHAR(32);
        model VARCHAR(128);
        user_id -> users id NO ACTION; unique -(session_id);
        index ix_chat_sessions_user_id_updated_at(user_id, updated_at);
    """,
    "chat_messages": """
        id VARCHAR(36)!; session_id VARCHAR(36)!; role VARCHAR(16)!; content TEXT!; created_at DATETIME!;
        message_type VARCHAR(32); tool_call_id VARCHAR(64); tool_name VARCHAR(128); metadata_json JSON;
        session_id -> chat_sessions id NO ACTION; index ix_chat_messages_session_id_created_at(session_id, created_at);
    """,
    "vcenter_configs": """
        id VARCHAR(36)!; name VARCHAR(80)!; base_url VARCHAR(255)!; username VARCHAR(128)!;
        password_secret VARCHAR(128)!; verify_ssl BOOLEAN! = 1; created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP; is_esxi BOOLEAN! = 0;
        unique uq_vcenter_config_name(name);
    """,
    "foreman_configs": """
        id VARCHAR(36)!; name VARCHAR(80)!; base_url VARCHAR(255)!; token_secret VARCHAR(128)!;
        verify_ssl BOOLEAN! = 1; created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        username VARCHAR(128)!;
        unique uq_foreman_config_name(name);
    """,
    "puppet_configs": """
        id VARCHAR(36)!; name VARCHAR(80)!; remote_url VARCHAR(512)!; branch VARCHAR(128)! = 'production';
        ssh_key_secret VARCHAR(128); local_path VARCHAR(512); created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique uq_puppet_config_name(name);
    """,
    "playground_usage": """
        id INTEGER!; user_id INTEGER; username VARCHAR(255); session_id VARCHAR(64)!; agent_id VARCHAR(50)!;
        model VARCHAR(100)!; user_message TEXT!; assistant_message TEXT; input_tokens INTEGER!; output_tokens INTEGER!;
        total_tokens INTEGER!; cost_usd FLOAT!; tool_calls JSON; duration_ms INTEGER; error TEXT;
        created_at DATETIME! = CURRENT_TIMESTAMP; client VARCHAR(50) = 'web';
        user_id -> users id NO ACTION; index ix_playground_usage_agent_created(agent_id, created_at);
        index ix_playground_usage_agent_id(agent_id); index ix_playground_usage_created_at(created_at);
        index ix_playground_usage_session_id(session_id); index ix_playground_usage_user_created(user_id, created_at);
    """,
    "playground_sessions": """
        id VARCHAR(36)!; agent_id VARCHAR(255)!; user_id VARCHAR(36); state JSON! = '{}'; config_override JSON! = '{}';
        messages JSON! = '[]'; total_tokens INTEGER!; total_cost_usd FLOAT; created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP; client VARCHAR(50) = 'web';
        user_id -> users id CASCADE; index ix_playground_sessions_agent_id(agent_id);
        index ix_playground_sessions_updated_at(updated_at); index ix_playground_sessions_user_id(user_id);
    """,
    "ai_activity_logs": """
        id VARCHAR(36)!; generation_id VARCHAR(64); created_at DATETIME! = CURRENT_TIMESTAMP; provider VARCHAR(32)!;
        model VARCHAR(128)!; model_provider VARCHAR(64); tokens_prompt INTEGER!; tokens_completion INTEGER!;
        tokens_reasoning INTEGER!; tokens_total INTEGER!; cost_usd FLOAT!; generation_time_ms INTEGER;
        time_to_first_token_ms INTEGER; tokens_per_second FLOAT; streamed BOOLEAN!; finish_reason VARCHAR(32);
        cancelled BOOLEAN!; user_id VARCHAR(36); session_id VARCHAR(64); app_name VARCHAR(64);
        index ix_ai_activity_logs_created_at(created_at); index ix_ai_activity_logs_generation_id(generation_id);
        index ix_ai_activity_logs_model(model); index ix_ai_activity_logs_provider(provider);
        index ix_ai_activity_logs_session_id(session_id);
    """,
    "ai_model_configs": """
        id VARCHAR(36)!; provider VARCHAR(32)!; model_id VARCHAR(128)!; display_name VARCHAR(128);
        price_input_per_million FLOAT!; price_output_per_million FLOAT!; context_window INTEGER;
        supports_tools BOOLEAN!; supports_streaming BOOLEAN!; supports_vision BOOLEAN!; is_active BOOLEAN!;
        is_preferred BOOLEAN!; created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique uq_provider_model(provider, model_id);
    """,
    "bot_platform_accounts": """
        id INTEGER!; user_id VARCHAR(36)!; platform VARCHAR(32)!; platform_user_id VARCHAR(255)!;
        platform_username VARCHAR(255); verified BOOLEAN!; verification_code VARCHAR(16);
        verification_expires DATETIME; created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP;
        user_id -> users id CASCADE; unique uq_platform_user(platform, platform_user_id);
        index ix_bot_platform_accounts_platform(platform); index ix_bot_platform_accounts_user_id(user_id);
    """,
    "bot_webhook_configs": """
        id INTEGER!; platform VARCHAR(32)!; enabled BOOLEAN!; webhook_secret VARCHAR(255);
        bot_token_secret VARCHAR(128)!; extra_config JSON; created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique uq_bot_webhook_platform(platform);
    """,
    "bot_conversations": """
        id INTEGER!; platform VARCHAR(32)!; platform_conversation_id VARCHAR(255)!; platform_account_id INTEGER!;
        agent_id VARCHAR(255); session_id VARCHAR(64); created_at DATETIME! = CURRENT_TIMESTAMP;
        last_message_at DATETIME! = CURRENT_TIMESTAMP;
        platform_account_id -> bot_platform_accounts id CASCADE;
        unique uq_platform_conversation(platform, platform_conversation_id);
        index ix_bot_conversations_platform_account_id(platform_account_id);
        index ix_bot_conversations_session_id(session_id);
    """,
    "bot_messages": """
        id INTEGER!; conversation_id INTEGER!; direction VARCHAR(16)!; content TEXT!; platform_message_id VARCHAR(255);
        agent_id VARCHAR(255); tool_calls JSON; input_tokens INTEGER!; output_tokens INTEGER!; cost_usd FLOAT!;
        duration_ms INTEGER; error TEXT; created_at DATETIME! = CURRENT_TIMESTAMP;
        conversation_id -> bot_conversations id CASCADE; index ix_bot_messages_conversation_id(conversation_id);
        index ix_bot_messages_created_at(created_at);
    """,
    "module_configs": """
        module_name VARCHAR(64)!; enabled BOOLEAN! = 1; config_json JSON! = '{}';
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
    """,
    "playground_presets": """
        id VARCHAR(36)!; name VARCHAR(255)!; description TEXT; agent_id VARCHAR(255)!; config JSON!;
        user_id VARCHAR(36); is_shared BOOLEAN!; is_default BOOLEAN!; created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP;
        user_id -> users id CASCADE; unique -(user_id, name); index ix_playground_presets_agent_id(agent_id);
        index ix_playground_presets_is_shared(is_shared); index ix_playground_presets_user_id(user_id);
    """,
    "workflows": """
        id VARCHAR(36)!; name VARCHAR(255)!; description TEXT; trigger_type VARCHAR(50)!; trigger_config JSON;
        graph_definition JSON!; visual_definition JSON!; version INTEGER!; is_active BOOLEAN!;
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(name); index ix_workflows_is_active(is_active); index ix_workflows_trigger_type(trigger_type);
    """,
    "workflow_executions": """
        id VARCHAR(36)!; workflow_id VARCHAR(36)!; status VARCHAR(50)!; trigger_data JSON; current_state JSON;
        current_node VARCHAR(255); started_at DATETIME! = CURRENT_TIMESTAMP; completed_at DATETIME; error_message TEXT;
        workflow_id -> workflows id CASCADE; index ix_workflow_executions_started_at(started_at);
        index ix_workflow_executions_status(status); index ix_workflow_executions_workflow_id(workflow_id);
    """,
    "execution_steps": """
        id VARCHAR(36)!; execution_id VARCHAR(36)!; node_id VARCHAR(255)!; node_type VARCHAR(50)!; input_data JSON;
        output_data JSON; llm_messages JSON; tokens_used INTEGER; duration_ms INTEGER; status VARCHAR(50)!;
        error_message TEXT; created_at DATETIME! = CURRENT_TIMESTAMP;
        execution_id -> workflow_executions id CASCADE; index ix_execution_steps_execution_id(execution_id);
        index ix_execution_steps_node_id(node_id); index ix_execution_steps_status(status);
    """,
    "human_interventions": """
        id VARCHAR(36)!; execution_id VARCHAR(36)!; step_id VARCHAR(36); intervention_type VARCHAR(50)!; prompt TEXT!;
        options JSON; assigned_to VARCHAR(255); response JSON; responded_at DATETIME;
        created_at DATETIME! = CURRENT_TIMESTAMP;
        execution_id -> workflow_executions id CASCADE; step_id -> execution_steps id CASCADE;
        index ix_human_interventions_assigned_to(assigned_to); index ix_human_interventions_execution_id(execution_id);
        index ix_human_interventions_intervention_type(intervention_type);
    """,
    "skills": """
        id VARCHAR(36)!; name VARCHAR(255)!; category VARCHAR(100); description TEXT; python_module VARCHAR(255)!;
        config_schema JSON; input_schema JSON; output_schema JSON; is_enabled BOOLEAN!; requires_approval BOOLEAN!;
        created_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(name); index ix_skills_category(category); index ix_skills_is_enabled(is_enabled);
    """,
    "skill_actions": """
        id VARCHAR(36)!; skill_id VARCHAR(36)!; name VARCHAR(255)!; description TEXT; input_schema JSON;
        output_schema JSON; is_destructive BOOLEAN!;
        skill_id -> skills id CASCADE; unique -(skill_id, name); index ix_skill_actions_skill_id(skill_id);
    """,
    "ai_provider_configs": """
        id VARCHAR(36)!; name VARCHAR(64)!; provider_type VARCHAR(32)!; enabled BOOLEAN!; api_key_secret VARCHAR(128);
        azure_endpoint VARCHAR(512); azure_deployment VARCHAR(128); api_version VARCHAR(32); base_url VARCHAR(512);
        default_model VARCHAR(128); config_json JSON!; created_at DATETIME! = CURRENT_TIMESTAMP;
        updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(name);
    """,
    "ai_agent_configs": """
        id VARCHAR(36)!; agent_id VARCHAR(64)!; name VARCHAR(128)!; description TEXT; provider_config_id VARCHAR(36);
        provider_type VARCHAR(32)!; model VARCHAR(128)!; system_prompt TEXT; temperature FLOAT; max_tokens INTEGER;
        tools_enabled BOOLEAN!; streaming_enabled BOOLEAN!; is_default BOOLEAN!; config_json JSON!;
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(agent_id);
    """,
    "devices": """
        id INTEGER!; name VARCHAR(255)!; device_type VARCHAR(50)!; source_system VARCHAR(50)!; source_id VARCHAR(255)!;
        status VARCHAR(20); metadata TEXT; first_seen DATETIME; last_seen DATETIME;
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(source_system, source_id); index ix_devices_device_type(device_type);
        index ix_devices_last_seen(last_seen); index ix_devices_name(name); index ix_devices_status(status);
    """,
    "device_relationships": """
        id INTEGER!; parent_device_id INTEGER!; child_device_id INTEGER!; relationship_type VARCHAR(50)!;
        metadata TEXT; created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        parent_device_id -> devices id CASCADE; child_device_id -> devices id CASCADE;
        index ix_device_relationships_child(child_device_id); index ix_device_relationships_parent(parent_device_id);
        index ix_device_relationships_type(relationship_type);
    """,
    "sync_metadata": """
        id INTEGER!; source_system VARCHAR(50)!; source_identifier VARCHAR(255); last_sync_start DATETIME;
        last_sync_complete DATETIME; last_sync_status VARCHAR(20); sync_duration_seconds FLOAT;
        devices_added INTEGER = 0; devices_updated INTEGER = 0; devices_removed INTEGER = 0; error_message TEXT;
        created_at DATETIME! = CURRENT_TIMESTAMP; updated_at DATETIME! = CURRENT_TIMESTAMP;
        unique -(source_system, source_identifier); index ix_sync_metadata_last_sync_complete(last_sync_complete);
    """,
    "alembic_version": """
        version_num VARCHAR(32)!;
    """,
}

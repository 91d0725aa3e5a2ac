"""Rows of the 13 tables that no collection is made from, and the revision of the schema.

What belongs here: a few believable rows each, so that a run has something to leave alone and to list. What does not:
the 18 tables of the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from atlas_pipeline.local.sample.chat import AGENT_CONFIGS
from atlas_pipeline.local.sample.vocabulary import AGENTS, SERVICES, SITES, TOOLS
from atlas_pipeline.local.sample.world import Row, World, between, moment, pick, precise, to_json, variant, whole

HEAD_REVISION = "20260118_0020"
_GRAPH = {"nodes": [{"id": "ask", "type": "agent"}, {"id": "approve", "type": "human"}], "edges": [["ask", "approve"]]}


def _times(share: float) -> Row:
    return {"created_at": whole(moment(share)), "updated_at": whole(moment(share) + timedelta(days=3))}


def _revision(_: World) -> Iterator[Row]:
    yield {"version_num": HEAD_REVISION}


def _modules(_: World) -> Iterator[Row]:
    for position, name in enumerate(("netbox", "vcenter", "foreman", "puppet", "commvault", "zabbix")):
        config = to_json({"interval_minutes": 15 * position, "größe": None} if position % 2 else {})
        row: Row = {"module_name": name, "enabled": int(position != 4), "config_json": config}
        yield row | _times(0.1)


def _presets(world: World) -> Iterator[Row]:
    for position in range(8):
        preset: Row = {"id": world.key("playground_presets", position), "name": f"preset {position}"}
        preset |= {"description": None, "agent_id": AGENTS[position % len(AGENTS)]}
        preset |= {"config": to_json({"temperature": 0.1 * position}), "user_id": world.key("users", 0)}
        preset |= {"is_shared": position % 2, "is_default": 0} | _times(0.7)
        # Rows without a user may share a name: SQLite counts every NULL as different.
        yield preset if position < 6 else variant(preset, user_id=None, name="shared preset")


def _workflows(world: World) -> Iterator[Row]:
    for position, trigger in enumerate(("manual", "webhook", "schedule", "event")):
        row: Row = {
            "id": world.key("workflows", position),
            "name": f"Workflow {position}",
            "description": "Überprüfung",
        }
        row |= {"trigger_type": trigger, "trigger_config": to_json({"cron": "0 6 * * *"}) if position == 2 else None}
        row |= {"graph_definition": to_json(_GRAPH), "visual_definition": to_json({"zoom": 1.0})}
        yield row | {"version": position + 1, "is_active": 1} | _times(0.8)


def _executions(world: World) -> Iterator[Row]:
    states = ("running", "paused", "completed", "failed", "waiting_human")
    for position in range(20):
        started = moment(0.8 + position / 120)
        status = states[position % len(states)]
        row: Row = {
            "id": world.key("workflow_executions", position),
            "workflow_id": world.key("workflows", position % 4),
        }
        row |= {"status": status, "trigger_data": to_json({"n": position}), "current_state": "null"}
        row |= {"current_node": "approve", "started_at": precise(started)}
        row |= {"completed_at": precise(started + timedelta(seconds=90)) if status == "completed" else None}
        yield row | {"error_message": "node ask failed" if status == "failed" else None}


def _steps(world: World) -> Iterator[Row]:
    for position in range(40):
        row: Row = {"id": world.key("execution_steps", position)}
        row |= {"execution_id": world.key("workflow_executions", position // 2)}
        row |= {"node_id": ("ask", "approve")[position % 2], "node_type": ("agent", "human")[position % 2]}
        row |= {"input_data": to_json({"q": "状態"}), "output_data": None, "llm_messages": to_json([])}
        row |= {"tokens_used": position * 10, "duration_ms": None, "status": "completed", "error_message": None}
        yield row | {"created_at": precise(moment(0.8 + position / 250))}


def _interventions(world: World) -> Iterator[Row]:
    for position, kind in enumerate(("approval", "input", "review", "decision")):
        row: Row = {"id": world.key("human_interventions", position)}
        row |= {"execution_id": world.key("workflow_executions", position)}
        row |= {"step_id": world.key("execution_steps", position * 2 + 1), "intervention_type": kind}
        row |= {"prompt": "Roll out?", "options": to_json(["yes", "no"]), "assigned_to": None, "response": None}
        yield row | {"responded_at": None, "created_at": precise(moment(0.9))}


def _skills(world: World) -> Iterator[Row]:
    for position, name in enumerate(TOOLS):
        row: Row = {"id": world.key("skills", position), "name": name, "category": "inventory", "description": None}
        row |= {"python_module": f"skills.{name}", "config_schema": None, "input_schema": to_json({"type": "object"})}
        row |= {"output_schema": "null", "is_enabled": 1, "requires_approval": position % 2}
        yield row | {"created_at": precise(moment(0.7))}


def _skill_actions(world: World) -> Iterator[Row]:
    for position in range(len(TOOLS) * 2):
        row: Row = {"id": world.key("skill_actions", position), "skill_id": world.key("skills", position // 2)}
        row |= {"name": ("list", "delete")[position % 2], "description": None, "input_schema": None}
        yield row | {"output_schema": None, "is_destructive": position % 2}


def _providers(world: World) -> Iterator[Row]:
    for position, kind in enumerate(("openai", "azure_openai", "anthropic")):
        row: Row = {"id": world.key("ai_provider_configs", position), "name": f"{kind} (company)"}
        row |= {"provider_type": kind, "enabled": 1, "api_key_secret": f"{kind.upper()}_API_KEY"}
        row |= {"azure_endpoint": None, "azure_deployment": None, "api_version": None, "base_url": None}
        yield row | {"default_model": None, "config_json": "{}"} | _times(0.5)


def _agents(world: World) -> Iterator[Row]:
    for position, name in enumerate(AGENT_CONFIGS):
        row: Row = {"id": world.key("ai_agent_configs", name), "agent_id": name, "name": name.title()}
        row |= {"description": None, "provider_config_id": world.key("ai_provider_configs", position)}
        row |= {"provider_type": "openai", "model": "gpt-4o", "system_prompt": "Answer briefly.\nNever guess."}
        row |= {"temperature": 0.1, "max_tokens": 4_096, "tools_enabled": 1, "streaming_enabled": 1}
        yield row | {"is_default": int(position == 0), "config_json": "{}"} | _times(0.5)


def _devices(world: World) -> Iterator[Row]:
    rng = world.rng("devices")
    for position in range(60):
        name = f"{SITES[position % len(SITES)]}-{SERVICES[position % len(SERVICES)]}-{position:02}"
        row: Row = {"id": position + 1, "name": name, "device_type": "vm", "source_system": "vcenter"}
        row |= {"source_id": f"vm-{1_000 + position}", "status": pick(rng, ("active", "offline"))}
        row |= {"metadata": to_json({"cpus": between(rng, 1, 16)}), "first_seen": whole(moment(0.2)), "last_seen": None}
        yield row | _times(0.2)


def _relationships(_: World) -> Iterator[Row]:
    for position in range(30):
        row: Row = {"id": position + 1, "parent_device_id": position + 1, "child_device_id": position + 31}
        yield row | {"relationship_type": "hosts", "metadata": None} | _times(0.3)


def _syncs(_: World) -> Iterator[Row]:
    for position in range(4):
        row: Row = {"id": position + 1, "source_system": "vcenter", "source_identifier": None}  # repeats on purpose
        row |= {"last_sync_start": whole(moment(0.9)), "last_sync_complete": None, "last_sync_status": "failed"}
        row |= {"sync_duration_seconds": 1.5, "devices_added": 0, "devices_updated": 0, "devices_removed": 0}
        yield row | {"error_message": "timeout"} | _times(0.9)


EXTRA_TABLES: dict[str, Callable[[World], Iterator[Row]]] = {
    "module_configs": _modules,
    "playground_presets": _presets,
    "workflows": _workflows,
    "workflow_executions": _executions,
    "execution_steps": _steps,
    "human_interventions": _interventions,
    "skills": _skills,
    "skill_actions": _skill_actions,
    "ai_provider_configs": _providers,
    "ai_agent_configs": _agents,
    "devices": _devices,
    "device_relationships": _relationships,
    "sync_metadata": _syncs,
    "alembic_version": _revision,
}

"""The words of the sample: names, hosts, models, questions and answers of people who run infrastructure.

What belongs here: lists of words and the pools of sentences made from them. What does not: columns and rows.
"""

from __future__ import annotations

from random import Random

from atlas_pipeline.local.sample.world import between, pick

FIRST_NAMES = (
    "amara", "bram", "chidi", "dagny", "elif", "farid", "greta", "hiro", "ines", "jonas", "katya", "lucas", "maeve",
    "nadia", "oskar", "priya", "quentin", "rosa", "sven", "tomas", "uma", "viktor", "wanda", "ximena", "yusuf", "zoe",
)  # fmt: skip
LAST_NAMES = (
    "abara", "berg", "castillo", "dijkstra", "eriksen", "fontaine", "garcia", "haas", "ito", "jansen", "kowalski",
    "lindqvist", "moreau", "novak", "okafor", "petrov", "quist", "rossi", "sato", "tanaka", "ueda", "visser", "weber",
)  # fmt: skip
AGENTS = ("ops", "triage", "engineer", "reviewer")
PLATFORMS = ("telegram", "slack", "teams")
CLIENTS = ("web", "web", "web", "telegram", "slack", "teams")
# provider, model, maker, dollars per million tokens in and out
MODELS = (
    ("openai", "gpt-4o", "OpenAI", 2.5, 10.0),
    ("openai", "gpt-4o-mini", "OpenAI", 0.15, 0.6),
    ("azure_openai", "gpt-4.1", "OpenAI", 2.0, 8.0),
    ("anthropic", "claude-sonnet-4-5", "Anthropic", 3.0, 15.0),
    ("anthropic", "claude-haiku-4-5", "Anthropic", 1.0, 5.0),
    ("openrouter", "meta-llama/llama-3.3-70b-instruct", "Meta", 0.12, 0.3),
    ("openrouter", "qwen/qwen-2.5-72b-instruct", "Alibaba", 0.13, 0.4),
    ("gemini", "gemini-2.5-flash", "Google", 0.3, 2.5),
    ("ollama", "llama3.1:8b", "local", 0.0, 0.0),
    ("claude_code", "claude-opus-4-5", "Anthropic", 5.0, 25.0),
)
TOOLS = (
    "netbox_search", "zabbix_alerts", "vcenter_list_vms", "foreman_hosts", "puppet_diff", "jira_search",
    "commvault_jobs", "confluence_lookup",
)  # fmt: skip
SITES = ("ams", "fra", "lon", "osl", "waw", "par")
SERVICES = ("web", "db", "mail", "proxy", "backup", "build", "ldap", "queue", "cache", "monitor")
QUESTIONS = (
    "Why did {host} stop answering?",
    "Which VMs on {host} have no backup since Friday?",
    "Show the open alerts for {host}, worst first.",
    "Is the change on {host} safe to roll out before the weekend?",
    "What differs between {host} and {other}?",
    "Who owns {host}, and is there a ticket for its disk?",
    "List all snapshots older than {days} days in {site}.",
    "Summarise the last Puppet run on {host}.",
)
ANSWERS = (
    "{host} lost its default route after the restart; {other} is not affected. Restarting the interface cleared it.",
    "There are {days} alerts, {half} of them about swap. The oldest is a disk that fills by about 2 % a day.",
    "The last backup of {host} ended with a warning: {half} files were open. The one before it is complete.",
    "Both hosts run the same kernel. {other} is {days} packages behind, none of them a security update.",
    "I found no ticket. The owner in the inventory is the platform team in {site}; I can open one if you want.",
    "Puppet changed 3 resources on {host} and left {half} unchanged. No failure, run time {days} s.",
    "The cluster in {site} has room for {days} more machines of this size before memory becomes the limit.",
    "Step 1: drain {host}.\nStep 2: move its disks to the second store.\nStep 3: start it on {other} and check the "
    "service for {days} minutes before the old copy is removed.",
)
ERRORS = (
    "Rate limit reached, try again in 20 s",
    "Connection to the model provider timed out",
    "Tool netbox_search failed: 502 Bad Gateway",
    "Context length exceeded",
)


def host(rng: Random) -> str:
    """A host name of the company."""
    return f"{pick(rng, SITES)}-{pick(rng, SERVICES)}-{between(rng, 1, 40):02}"


def sentences(rng: Random, patterns: tuple[str, ...], count: int) -> list[str]:
    """A pool of `count` texts made from the patterns; large tables draw from it, which is fast and still varied."""
    pool = []
    for _ in range(count):
        days = between(rng, 3, 60)
        text = pick(rng, patterns)
        pool.append(text.format(host=host(rng), other=host(rng), site=pick(rng, SITES), days=days, half=days // 2))
    return pool

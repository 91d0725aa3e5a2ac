"""The documents say what is so: commands, variables, links and files that they name exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.quality.checks import CHECKS
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.columns import ValueType

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_commands", ROOT / "docs" / "make_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_reference_is_in_step_with_the_commands() -> None:
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference().render(), "run `make docs`"


def test_every_command_has_help_with_an_example_that_names_it() -> None:
    commands = reference().commands()
    assert {"demo", "up", "sync", "doctor", "status", "servers start", "servers stop", "servers status"} <= set(
        commands
    )
    in_groups = {"quarantine list", "quarantine show", "quarantine replay", "quarantine discard", "expectations sync"}
    assert in_groups <= set(commands)
    for name, command in commands.items():
        assert f"Example: atlas-pipeline {name}" in " ".join(command.help.split()), name


def test_the_example_environment_names_every_variable_that_is_read() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", example, flags=re.MULTILINE))
    read = {str(field.validation_alias) for field in Settings.model_fields.values()}
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    substituted = set(re.findall(r"\$\{([A-Z_]+)[:}]", compose))
    assert named == read | substituted


def test_every_variable_of_the_settings_has_a_description_that_names_it() -> None:
    for field in Settings.model_fields.values():
        assert str(field.validation_alias) in (field.description or "")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_and_named_path_of_a_document_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if not link.startswith("http"):
            assert (document.parent / link).exists(), link
    for path in re.findall(r"`((?:atlas_pipeline|docs|benchmarks|expectations|deployment)/[\w/.]*)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_line_in_a_document_names_a_command(document: Path) -> None:
    known = reference().commands()
    for line in re.findall(r"atlas-pipeline ((?:[a-z]+ ?)+)", document.read_text(encoding="utf-8")):
        words = line.split()
        assert any(" ".join(words[:count]) in known for count in (1, 2)), line


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(r"`?make ([a-z]+)`?(?:$|[ ,.`)])", document.read_text(encoding="utf-8"), re.MULTILINE):
            if f"`make {target}`" in document.read_text(encoding="utf-8"):
                assert target in targets, (document.name, target)


def test_the_table_of_types_lists_every_value_type_and_every_reject_code() -> None:
    text = (ROOT / "docs" / "types.md").read_text(encoding="utf-8")
    assert all(f"| `{value}` |" in text for value in ValueType)
    assert all(f"`{code}`" in text for code in RejectCode if code is not RejectCode.CONTRACT)


def test_the_table_of_checks_says_which_ones_block() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for check in CHECKS:
        assert f"| `{check.name}` | {'yes' if check.blocking else 'no'} |" in text


def test_no_pinned_version_names_a_registry() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(constraints) > 100
    for line in constraints:
        assert re.fullmatch(r"[a-z0-9._-]+==[\w.!+-]+( ; .+)?", line), line

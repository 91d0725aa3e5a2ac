from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline_tests.quality.conftest import Validate, account

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1

CHILD = """
import sys
from pathlib import Path

from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline_tests.quality.conftest import ACCOUNTS, CATALOG, account

root, state = map(Path, sys.argv[1:])
try:
    (root / "new.txt").touch()
except PermissionError:
    print("the project is read-only")
project = ExpectationsProject(root=root, state=state, reports_url="http://127.0.0.1:3001")
counts = TableCounts(source_rows=1, documents=1, quarantined=0)
outcome = project.validate(CATALOG, ACCOUNTS, counts=counts, documents=[account(1)], differing={}, run_name="run-1")
project.finish_run()
print("passed", outcome.passed)
"""


def tree(root: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


def test_runs_leave_the_project_byte_for_byte_as_it_was(
    validate: Validate, project: ExpectationsProject, root: Path
) -> None:
    before = tree(root)
    validate([account(1)], run_name="run-1")
    validate([account(1, role="root", active=None)], run_name="run-2")
    project.finish_run()
    assert tree(root) == before


def test_a_project_in_a_read_only_folder_validates(root: Path, state: Path) -> None:
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(root), str(state)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
            preexec_fn=_obey_permissions,
        )
    finally:
        for path in [root, *root.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert child.stdout.splitlines() == ["the project is read-only", "passed True"], child.stderr
    assert child.stderr == ""


def _obey_permissions() -> None:
    """Takes from a child of root the right to write where permissions forbid it."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) != 0:
        raise OSError(ctypes.get_errno(), "prctl")

"""The folder in memory for a session's server: it goes with whoever has it, in whatever way that one ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from atlas_pipeline_tests import memory
from atlas_pipeline_tests.memory import folder_in_memory, has_room, taken_folder

_HOLDER = """
import sys
from pathlib import Path
from atlas_pipeline_tests.memory import taken_folder
with taken_folder(Path(sys.argv[1])) as folder:
    (folder / "data").write_text("of a server")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_empty_and_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    with taken_folder(tmp_path) as one, taken_folder(tmp_path) as other:
        assert one != other
        assert list(one.iterdir()) == []
        (one / "data").mkdir()
        (one / "data" / "file").write_bytes(b"of a server")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_one_and_what_is_in_use_stays(tmp_path: Path) -> None:
    root = Path(memory.__file__).resolve().parent.parent
    line = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(line, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            folder = Path(process.stdout.readline().strip())
            with taken_folder(tmp_path):
                assert (folder / "data").read_text() == "of a server"
        finally:
            process.kill()
    assert (folder / "data").exists()
    with taken_folder(tmp_path) as own:
        assert sorted(tmp_path.iterdir()) == [own, own.with_suffix(".lock")]


def test_a_folder_that_is_no_file_system_in_memory_is_not_taken_for_one(tmp_path: Path) -> None:
    assert not has_room(tmp_path)
    with folder_in_memory(tmp_path) as folder:
        assert folder is None
    assert list(tmp_path.iterdir()) == []

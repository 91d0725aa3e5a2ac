"""A Redis of a test module's own, as a broker of Celery workers.

What belongs here: finding, starting and ending it. What does not: who works behind it (`workers`).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import redis

from atlas_pipeline.local.mongod import free_port
from atlas_pipeline_tests.needs import need
from atlas_pipeline_tests.waiting import wait_until

PASSWORD = "password-of-the-broker"


@contextmanager
def running_broker(folder: Path) -> Iterator[str]:
    """A Redis with a password, that keeps nothing on disk; gives its address."""
    found = shutil.which("redis-server")
    need(
        found is not None, "redis-server is not on the PATH.", "install Redis; on Debian: apt-get install redis-server"
    )
    assert found is not None
    port = free_port()
    with (folder / "redis.log").open("wb") as log:
        line = [found, "--bind", "127.0.0.1", "--port", str(port), "--requirepass", PASSWORD, "--save", ""]
        process = subprocess.Popen(line, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(port, process), "an answer of the broker")
        yield f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the broker has ended"
    with closing(redis.Redis(host="127.0.0.1", port=port, password=PASSWORD)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

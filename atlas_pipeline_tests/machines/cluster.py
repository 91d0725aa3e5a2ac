"""What stands in for Kubernetes: an API server that takes Jobs, and carries each out as a process of this machine.

What belongs here: the part of the API that runs need, with Secrets that are known here only. What does not: what the
Jobs have to be like.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from atlas_pipeline_tests.machines.workers import ROOT


@dataclass
class Cluster:
    """A cluster with one namespace.

    Attributes:
        secrets: Name of a Secret -> its keys and values.
        folder: Where its Jobs leave what they say.
        port: Where its API is.
        jobs: The Jobs that were asked for, by name, as they were asked for.
    """

    secrets: Mapping[str, Mapping[str, str]]
    folder: Path
    port: int = 0
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def kubeconfig(self) -> Path:
        """A file that leads to this cluster."""
        path = self.folder / "kubeconfig.yaml"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "nobody"}}],
        }
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def begin(self, job: dict[str, Any]) -> None:
        """Start the container of a Job, with the environment that it asks for."""
        name = job["metadata"]["name"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        environment = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        for source in container.get("envFrom", []):
            environment |= self.secrets[source["secretRef"]["name"]]
        program, *words = container["args"]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(Path(sys.executable).with_name(program)), *words],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.jobs[name] = job

    def status(self, name: str) -> dict[str, Any]:
        """A Job with what became of it."""
        code = self.processes[name].poll()
        became = {"active": 1} if code is None else {"failed": 1} if code else {"succeeded": 1}
        return {**self.jobs[name], "status": became}

    def said(self) -> str:
        """What all Jobs said."""
        return "\n".join(path.read_text(encoding="utf-8")[-3_000:] for path in self.folder.glob("dagster-step-*.log"))


@contextmanager
def running_cluster(folder: Path, secrets: Mapping[str, Mapping[str, str]]) -> Iterator[Cluster]:
    """A cluster whose Jobs are dead at the latest when the context ends."""
    cluster = Cluster(secrets=secrets, folder=folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path.endswith("/jobs")
            job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cluster.begin(job)
            self._answer(201, job)

        def do_GET(self) -> None:
            _, _, name = self.path.removesuffix("/status").rpartition("/")
            self._answer(200, cluster.status(name))

        def _answer(self, code: int, body: dict[str, Any]) -> None:
            sent = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cluster.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()
            for process in cluster.processes.values():
                process.kill()
                process.wait()

"""A static server for the reports, for this machine only."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.settings import Settings


@contextmanager
def reports_served(settings: Settings) -> Iterator[str]:
    """Serve the folders `data_docs` and `reports` of the state folder, and nothing else of it. Gives the address."""
    address = urlsplit(settings.reports_url)
    if address.hostname not in ("127.0.0.1", "localhost"):
        yield settings.reports_url  # somebody else serves them
        return
    try:
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", address.port or 80), functools.partial(_Reports, directory=str(settings.state))
        )
    except OSError:
        raise ConfigurationError(
            f"Port {address.port} for the reports is taken.",
            "end what uses it, or set ATLAS_REPORTS_URL to another port",
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="atlas-reports", daemon=True)
    thread.start()
    try:
        yield settings.reports_url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Reports(http.server.SimpleHTTPRequestHandler):
    """Reports only: the state folder also holds samples and databases."""

    def send_head(self) -> Any:
        served = Path(self.directory).resolve()
        wanted = Path(self.translate_path(self.path)).resolve()
        if not any(wanted.is_relative_to(served / name) for name in ("data_docs", "reports")):
            self.send_error(404)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a line."""

"""A server for the browsers of this machine: what those have in common that archc starts.

Other pages in such a browser can send requests here, too, under any name that leads to this
machine. So an address has a secret in it, and a request must come under the server's own name and
from its own page; the page itself may load nothing from elsewhere.
"""

from __future__ import annotations

import secrets
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_MOST = 32  # requests at a time: a page that is open is one
_PAUSE = 0.05  # seconds that it takes to end
_PATIENCE = 10  # seconds for a client to say what it wants
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src data: blob:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)  # inline styles: CodeMirror makes its own
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class LocalServer(ThreadingHTTPServer):
    """Serves this machine alone, on one of its ports; 0 takes a free one. Raises OSError."""

    daemon_threads = True
    request_queue_size = _MOST

    def __init__(self, handler: type[LocalHandler], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.secret = secrets.token_urlsafe(16)
        self.hosts = {f"{name}:{self.server_address[1]}" for name in ("127.0.0.1", "localhost")}
        self.free = threading.Semaphore(_MOST)
        threading.Thread(target=self.serve_forever, args=(_PAUSE,), daemon=True).start()

    def close(self) -> None:
        """End it."""
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # that is a client who went away
            super().handle_error(request, client_address)


class LocalHandler(BaseHTTPRequestHandler):
    """What all requests have in common: whether they are ours, and what every answer says."""

    server: LocalServer
    timeout = _PATIENCE

    def is_ours(self) -> bool:
        """Whether the request came under our own name, and neither from nor for another site."""
        hosts, origins = (self.headers.get_all(name, []) for name in ("Host", "Origin"))
        known = len(hosts) == 1 and hosts[0] in self.server.hosts
        sites = self.headers.get_all("Sec-Fetch-Site", [])
        return (
            known
            and all(origin == f"http://{hosts[0]}" for origin in origins)
            and all(site in ("same-origin", "none") for site in sites)
        )

    def head(self, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        """Begin an answer of that type."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def version_string(self) -> str:
        return "archc"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is for what was drawn."""

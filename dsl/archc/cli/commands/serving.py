"""Pages for the browsers of this machine: a drawn one, which reloads when it is drawn again.

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
from pathlib import Path
from typing import Any

_MOST = 32  # requests at a time: a page that is open is one
_PAUSE = 0.05  # seconds that it takes to end
_PATIENCE = 10  # seconds for a client to say what it wants
_RELOAD = b"<script>new EventSource('changes').onmessage = () => location.reload();</script>\n"
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
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
    policy = _POLICY

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
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def version_string(self) -> str:
        return "archc"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is for what was drawn."""


class PageServer(LocalServer):
    """Serves one file on a free port."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.changed, self.drawings = threading.Condition(), 0
        super().__init__(_Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{self.secret}/"

    def tell(self) -> None:
        """Lets the open pages reload."""
        with self.changed:
            self.drawings += 1
            self.changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Whether it was drawn again meanwhile."""
        with self.changed:
            before = self.drawings
            return self.changed.wait_for(lambda: self.drawings != before, seconds)


class _Handler(LocalHandler):
    server: PageServer

    def do_GET(self) -> None:
        if not self.is_ours():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self._asks_for(f"/{self.server.secret}/"):
            self._page()
        elif self._asks_for(f"/{self.server.secret}/changes"):
            self._changes()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _asks_for(self, path: str) -> bool:
        return secrets.compare_digest(self.path.encode(), path.encode())

    def _page(self) -> None:
        try:
            content = self.server.page.read_bytes() + _RELOAD
        except OSError:
            content = b"<p>nothing drawn yet</p>" + _RELOAD
        self.head("text/html; charset=utf-8")
        self.wfile.write(content)

    def _changes(self) -> None:
        self.head("text/event-stream")
        while True:  # a comment now and then shows whether the page is still there
            self.wfile.write(b"data: drawn\n\n" if self.server.wait(15) else b": waiting\n\n")
            self.wfile.flush()

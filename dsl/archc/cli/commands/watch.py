"""`archc draw --watch`: draws again whenever a file changes, and tells open pages to reload.

A page is served to this machine alone. It keeps what is open, and the zoom, by itself.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

from archc.cli.exit_codes import Stop

_PAUSE = 0.3  # seconds between looks at the files
_RELOAD = b"<script>new EventSource('changes').onmessage = () => location.reload();</script>\n"

Stamps = dict[Path, tuple[int, int]]
Draw = Callable[[], Iterable[Path]]  # draws once; the files that were read


def watch(
    draw: Draw, input: Path, output: Path, served: bool, show: Callable[[str], None] | None
) -> NoReturn:
    """Until it is interrupted. `show` opens an address in the browser."""
    drawn = _Drawn()
    address = output.resolve().as_uri()
    seen = follow(draw, _stamps([input]))
    if served:
        address = _serve(output, drawn)
        print(f"archc: {address} shows {output} and follows it", file=sys.stderr, flush=True)
    if show is not None:
        show(address)
    while True:
        time.sleep(_PAUSE)
        now = _stamps(seen)
        if now != seen:
            seen = follow(draw, now)
            drawn.tell()


def follow(draw: Draw, before: Stamps) -> Stamps:
    """Draws; gives the files to watch from now on, as they were when the drawing began.

    So what is saved meanwhile is news. A drawing that fails says why, and the files from before go
    on being watched.
    """
    try:
        found = _stamps(draw())
    except Stop as stop:
        print(f"archc: {stop}", file=sys.stderr, flush=True)
        return before
    return {path: before.get(path, stamp) for path, stamp in found.items()} or before


def _stamps(paths: Iterable[Path]) -> Stamps:
    found = {}
    for path in paths:
        try:
            status = path.stat()
            found[path] = (status.st_mtime_ns, status.st_size)
        except OSError:  # an editor that replaces the file: it is back at the next look
            found[path] = (0, 0)
    return found


class _Drawn:
    """Lets pages wait for the next drawing."""

    def __init__(self) -> None:
        self.condition, self.count = threading.Condition(), 0

    def tell(self) -> None:
        with self.condition:
            self.count += 1
            self.condition.notify_all()

    def wait(self, seconds: float) -> bool:
        with self.condition:
            before = self.count
            return self.condition.wait_for(lambda: self.count != before, seconds)


def _serve(output: Path, drawn: _Drawn) -> str:
    """Serves the page on a free port of this machine; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._page()
            elif self.path == "/changes":
                self._changes()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _page(self) -> None:
            try:
                content = output.read_bytes() + _RELOAD
            except OSError:
                content = b"<p>nothing drawn yet</p>" + _RELOAD
            self._head("text/html; charset=utf-8")
            self.wfile.write(content)

        def _changes(self) -> None:
            self._head("text/event-stream")
            try:
                while True:  # a comment now and then shows whether the page is still there
                    self.wfile.write(b"data: drawn\n\n" if drawn.wait(15) else b": waiting\n\n")
                    self.wfile.flush()
            except OSError:
                return

        def _head(self, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the terminal is for what was drawn."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"

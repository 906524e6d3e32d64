"""The server of `archc edit`: the page, and the answers to its questions, on this machine alone.

The page has the secret in its address behind the `#`, which no request shows, and brings it in a
header: another site's page can send requests here, but no such header. It is asked for first, then
the size; nothing of a request's text is read before.
"""

from __future__ import annotations

import json
import secrets
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

from archc import data
from archc.cli.commands.serving import LocalHandler, LocalServer
from archc.files import Unreadable
from archc.page.edited_file import ChangedOnDisk, EditedFile, FileText, NotSaved
from archc.page.workbench import NoSuchAnswer, Workbench

HEADER = "X-Archc-Secret"
MOST = 4 * 2**20  # bytes of a request
_HELD = 20.0  # seconds that a question about changes waits
_SCRIPT, _STYLE, _HTML = "text/javascript", "text/css", "text/html"
_FILES = {
    "/": ("edit.html", _HTML),
    "/edit.js": ("edit.js", _SCRIPT),
    "/edit.css": ("edit.css", _STYLE),
    "/layout.js": ("layout.js", _SCRIPT),
    "/viz-global.js": ("viz-global.js", _SCRIPT),
}


class EditServer(LocalServer):
    """Serves the page for one file, which is saved unless it `shows` it only.

    Raises OSError where the port is taken.
    """

    def __init__(
        self, file: EditedFile, bench: Workbench, port: int = 0, *, shows: bool = False
    ) -> None:
        self.file, self.bench, self.shows = file, bench, shows
        self.working = threading.Lock()  # a document answers one question at a time
        self.held = _HELD
        self._used: list[Path] = []  # by the text that the page has shown last
        super().__init__(_EditHandler, port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/#{self.secret}"

    def answer(self, name: str, more: dict[str, Any]) -> dict[str, Any]:
        """Return what the page asks. Raises NoSuchAnswer, NotSaved, Unreadable."""
        match name, more:
            case "open", {**rest} if not rest:
                found = self._seen(self.file.read())
                return {"name": self.file.path.name, "shows": self.shows, **found}
            case "save", {"text": str(text), "seen": str(seen), **rest} if not (rest or self.shows):
                return self._save(text, seen)
            case "wait", {"seen": str(seen), **rest} if not rest:
                return self._wait(seen)
            case "open" | "save" | "wait", _:
                raise NoSuchAnswer(f"{name} is asked otherwise")
        text = more.pop("text", None)
        with self.working:
            answer = self.bench.ask(name, text, **more)
            if name == "look":
                self._used = sorted(self.bench.document.analyse().uses)
                self.file.note(self._used)
            return answer

    def _save(self, text: str, seen: str) -> dict[str, Any]:
        with self.working:
            try:
                saved = self.file.save(text, seen)
            except ChangedOnDisk as changed:
                return {"conflict": _told(changed.now)}
        self._seen(FileText(text, saved.digest))
        return {"digest": saved.digest}

    def _wait(self, seen: str) -> dict[str, Any]:
        """What has changed on the disk, when something has; the request is held until then."""
        found = self.file.wait(seen, self.held, lambda: self._used)
        if isinstance(found, FileText):
            return {"file": self._seen(found)}
        if found:
            with self.working:
                self.bench.document.forget()
        return {"used": found}

    def _seen(self, found: FileText) -> dict[str, str]:
        """A text that is on the disk: what it `expect`s counts."""
        with self.working:
            self.bench.document.change(found.text)
            self.bench.document.save()
        return _told(found)


def _told(found: FileText) -> dict[str, str]:
    return {"text": found.text, "digest": found.digest}


class _EditHandler(LocalHandler):
    server: EditServer

    def do_GET(self) -> None:
        if not self.is_ours():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path in _FILES:
            name, kind = _FILES[self.path]
            content = (data.TEMPLATES / "page" / name).read_bytes()
            self._send(content, kind)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        if not (self.is_ours() and self._knows_the_secret()):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path != "/ask":
            self.send_error(HTTPStatus.NOT_FOUND)
        elif (length := self._length()) is None:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif length > MOST:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._answer(self.rfile.read(length))

    def _knows_the_secret(self) -> bool:
        given = self.headers.get_all(HEADER, [])
        return len(given) == 1 and secrets.compare_digest(
            given[0].encode(errors="replace"), self.server.secret.encode()
        )

    def _length(self) -> int | None:
        """What the request says of its size, if it says it once and plainly."""
        given = self.headers.get_all("Content-Length", [])
        plain = len(given) == 1 and given[0].isascii() and given[0].isdigit()
        return int(given[0][:20]) if plain and "Transfer-Encoding" not in self.headers else None

    def _answer(self, body: bytes) -> None:
        try:
            asked = json.loads(body)
            name = asked.pop("ask")
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        try:
            answer: dict[str, Any] = self.server.answer(name, asked)
        except NoSuchAnswer:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        except NotSaved as reason:
            answer = {"why": str(reason)}
        except Unreadable as failure:
            answer = {"why": failure.diagnostic.title}
        except Exception as error:  # a fault of archc's: the page goes on, and says it
            what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            said = json.dumps(
                {"failed": f"internal error: {what} (please report it with the text)"}
            )
            self._send(said.encode(), "application/json", HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self._send(json.dumps(answer).encode(), "application/json")

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.head(f"{kind}; charset=utf-8", status)
        self.wfile.write(content)

"""Commands: reports of a text, given back to the client, or shown by it as documents."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from archc.draw import THEMES, DrawStyle
from archc.editor.reports import NotReported, ReportRequest, ReportText, write_report
from archc.editor.snapshot import Snapshot
from archc.page import views
from archc.recursion import deep_recursion
from archc.server.convert import uri_of
from archc.server.documents import OpenTexts, Stale
from archc.server.positions import TextLines


async def run_command(
    server: LanguageServer, texts: OpenTexts, name: str, arguments: tuple[Any, ...]
) -> dict[str, str]:
    """Return a report of a text: `name`, `language` and `text`.

    The first argument is its URI (without one: the text that was changed last), the second may
    have `position`, for `explain`; `page`, for a diagram as a page; and `show`. Without any
    argument, and with `show`, the client is asked to open it. Raises JsonRpcException with the
    reason where there is none.
    """
    options = dict(arguments[1]) if len(arguments) > 1 and arguments[1] else {}
    opened = texts.texts.get(arguments[0] if arguments else texts.newest)
    if opened is None:
        raise _refused("no such text is open")
    show = bool(options.get("show", not arguments)) and texts.shows
    offset = None
    if options.get("position") is not None:
        at = types.Position(options["position"]["line"], options["position"]["character"])
        offset = TextLines(opened.text, texts.encoding).offset(at)
    is_page = bool(options.get("page", show and name == "diagram"))
    try:
        asked = await texts.ask(opened, lambda d: d.asked(texts.card, offset, page=is_page))
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(None, _written, name, asked)
    except Stale:
        raise _refused("the text has changed meanwhile") from None
    except NotReported as reason:
        raise _refused(str(reason)) from None
    if show:
        _show(server, made, is_page=is_page)
    return {"name": made.name, "language": made.language, "text": made.text}


async def run_view(texts: OpenTexts, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Return what an editor shows beside a text, or `why` there is nothing to show.

    The arguments are its URI, `diagram` or `pytorch`, and for a diagram `theme`. Places in the
    text are in UTF-16, whatever else is agreed on. Raises JsonRpcException where none is open.
    """
    uri, name, options = (*arguments, None, None, None)[:3]
    opened = texts.texts.get(uri)
    if opened is None:
        raise _refused("no such text is open")
    theme = dict(options or {}).get("theme", THEMES[0])
    if name not in ("diagram", "pytorch") or theme not in THEMES:
        raise _refused(f"a view is `diagram` or `pytorch`, a theme {' or '.join(THEMES)}")
    try:
        asked = await texts.ask(opened, lambda d: d.asked())
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, _viewed, name, asked.snapshot, theme)
    except Stale:
        raise _refused("the text has changed meanwhile") from None


def _viewed(name: str, snapshot: Snapshot, theme: str) -> dict[str, Any]:
    """What is shown, while other requests are answered."""
    with deep_recursion():
        analysis = views.shown(snapshot)
        wrong = next((d for d in analysis.diagnostics if d.is_error), None)
        if wrong is not None:
            return {"why": f"Line {wrong.span.line}: {wrong.title}"}
        if name == "pytorch":
            return views.pytorch(analysis)
        return views.diagram(analysis, DrawStyle(theme=theme))


def _written(name: str, asked: ReportRequest) -> ReportText:
    """The report, while other requests are answered."""
    with deep_recursion():
        return write_report(name, asked)


def _refused(reason: str) -> JsonRpcException:
    return JsonRpcException(reason, types.LSPErrorCodes.RequestFailed.value)


def _show(server: LanguageServer, made: ReportText, *, is_page: bool) -> None:
    """Ask the client to open a report; a page goes to the browser."""
    path = _folder() / made.name
    path.write_text(made.text, encoding="utf-8")
    params = types.ShowDocumentParams(uri_of(str(path)), external=is_page, take_focus=True)
    server.window_show_document(params)


@cache
def _folder() -> Path:
    """The folder of reports that are shown; gone with the server."""
    folder = tempfile.mkdtemp(prefix="archc-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)

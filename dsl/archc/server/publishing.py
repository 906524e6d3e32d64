"""Diagnostics, sent when typing pauses: near the last change soon, elsewhere later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from archc.server.documents import OpenText, OpenTexts, Stale
from archc.server.positions import TextLines

if TYPE_CHECKING:
    from archc.editor.findings import Finding

SOON, LATER = 0.1, 0.5  # seconds from a key to the diagnostics near it, and then to all others


class Publisher:
    """Sends what is wrong with each text, once for all changes that come close together."""

    def __init__(
        self,
        texts: OpenTexts,
        send: Callable[[types.PublishDiagnosticsParams], None],
        refresh: Callable[[], None],
    ) -> None:
        self.texts = texts
        self.send = send
        self.refresh = refresh  # asks the client to ask for shapes again
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def publish(self, opened: OpenText, *, all_at_once: bool = False) -> None:
        """Send what is wrong with a text, in a while; `all_at_once` after an opening or saving."""
        self._stop(opened)
        self._tasks[opened.uri] = asyncio.ensure_future(self._publish(opened, all_at_once))

    def publish_users(self, path: Path) -> None:
        """Send anew what is wrong with the texts that use a file, which has changed."""
        users = self.texts.users_of(path)
        for user in users:
            user.outdate()
            self.publish(user)
        if users:
            self.refresh()

    def withdraw(self, closed: OpenText) -> None:
        """Send that nothing is wrong with a text that is closed."""
        self._stop(closed)
        self.send(types.PublishDiagnosticsParams(closed.uri, []))

    def _stop(self, opened: OpenText) -> None:
        task = self._tasks.pop(opened.uri, None)
        if task is not None:
            task.cancel()

    async def _publish(self, opened: OpenText, all_at_once: bool) -> None:
        try:
            if not all_at_once:
                await asyncio.sleep(SOON)
            found = await self.texts.ask(opened, lambda document: document.findings())
            if not all_at_once:
                self._send(opened, _near(found, opened))
                await asyncio.sleep(LATER)
            self._send(opened, found)
            await self.texts.rest()
        except Stale:
            pass  # the newer text has a task of its own

    def _send(self, opened: OpenText, found: tuple[Finding, ...]) -> None:
        from archc.server import convert

        opened.shown = found
        lines = TextLines(opened.text, self.texts.encoding)
        diagnostics = [convert.diagnostic(finding, lines, self.texts) for finding in found]
        self.send(types.PublishDiagnosticsParams(opened.uri, diagnostics))


def _near(found: tuple[Finding, ...], opened: OpenText) -> tuple[Finding, ...]:
    """What is wrong on the line that was edited, and what the client knows already."""
    known = {(finding.code, finding.message) for finding in opened.shown}
    return tuple(f for f in found if f.line == opened.edited_line or (f.code, f.message) in known)

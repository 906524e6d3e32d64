"""Comments that keep a warning quiet: `# archc: allow W114`.

At the end of a line they are about that line, on a line of their own about the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from archc.source import Diagnostic, Source

_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|(#[^\n]*)')
_ALLOW = re.compile(r"#\s*archc:\s*allow((?:[\s,]+W\d{3})+)")


def unsilenced(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The errors, and the warnings that no comment of their file allows."""
    known: dict[int, dict[int, set[str]]] = {}
    for diagnostic in diagnostics:
        source = diagnostic.span.source
        if not diagnostic.is_error:
            allowed = known.setdefault(id(source), _allowed(source))
            if diagnostic.code in allowed.get(0, set()) | allowed.get(diagnostic.span.line, set()):
                continue
        yield diagnostic


def _allowed(source: Source) -> dict[int, set[str]]:
    """The codes that each line allows; those of line 0 are the file's."""
    found: dict[int, set[str]] = {}
    if "archc:" not in source.text:
        return found
    for comment in _COMMENT.finditer(source.text):
        allow = _ALLOW.match(comment[1] or "")
        if allow is None:
            continue
        line, column = source.position(comment.start())
        alone = not source.line(line)[: column - 1].strip()
        found.setdefault(0 if alone else line, set()).update(re.findall(r"W\d{3}", allow[1]))
    return found

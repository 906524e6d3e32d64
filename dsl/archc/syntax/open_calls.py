"""A call of Python's that is not closed yet: `self.features = nn.Sequential(` while it is typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from archc.source import Source, Span
from archc.syntax.suites import suite_below

_OPENS = re.compile(
    r"^[ \t]*(?:(?:self\.)?[A-Za-z_]\w*[ \t]*=|return\b)[^\n#]*[(\[][ \t]*$", re.MULTILINE
)
_MOST = 5  # in a file


def open_calls(source: Source) -> Iterator[Span]:
    """Each from its line to the last one below it that stands further right."""
    text = source.text
    for found in islice(_OPENS.finditer(text), _MOST):
        below = suite_below(text, found.end())
        end = max(found.end(), below.end)
        call = Span(source, found.start(), end)
        is_open = sum(call.text.count(a) - call.text.count(b) for a, b in ("()", "[]")) > 0
        if is_open and not re.compile(r"\s*[)\]]").match(text, end):
            yield call

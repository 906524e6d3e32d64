"""The checks' part of docs/cli.md, written from the registry."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator

from archc.verify import registered
from archc.verify.check import Check


def page() -> str:
    """Return all checks as Markdown, by topic."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    topic = ""
    for check in registered().values():
        module = check.run.__module__
        if module != topic:
            yield from (["", _title(module), ""] if topic else [_title(module), ""])
            topic = module
        yield f"- `{check.name}`: {' '.join(_sentences(check))}"


def _title(module: str) -> str:
    """The first sentence of a module's docstring."""
    doc = inspect.getdoc(sys.modules[module]) or ""
    return f"**{re.split(r'[.:](?= |$)', ' '.join(doc.split()), maxsplit=1)[0]}**"


def _sentences(check: Check) -> Iterator[str]:
    yield " ".join(check.doc.split())
    if check.bug is not None:
        yield f"It finds, for instance, {check.bug.what}."
    if when := check.when:
        yield f"Runs {when}."
    if more := [name for name in check.needs if name != "torch"]:
        yield f"Needs {', '.join(more)}."
    if check.was:
        yield f"Once called `{check.was}`, which `--only` still takes."

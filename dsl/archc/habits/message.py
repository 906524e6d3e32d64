"""What is said of a foreign statement, with the edit that makes it archc's."""

from __future__ import annotations

import re

from archc.habits.translation import Translation
from archc.source import Diagnostic, Fix, Span, SpanLabel


def as_diagnostic(code: str, made: Translation, span: Span) -> Diagnostic:
    """What is to be said of a foreign statement at `span`."""
    if made.lacks:
        what, _, help = re.sub(r"[:;] ", "\0", made.lacks, count=1).partition("\0")
        label = SpanLabel(_first_line(span))
        return Diagnostic(code, f"archc has no {what}", (label,), helps=(help,) if help else ())
    title = f"`{made.written}` is written in another way here"
    labels = (SpanLabel(_first_line(span)),)
    if made.lost:
        named = ", ".join(f"`{name}`" for name in made.lost)
        help = f"write `{_in_a_line(made.text)}`; there is nothing for {named}"
        return Diagnostic(code, title, labels, helps=(help,))
    condition = f" for `{made.assumed}`, as none is given" if made.assumed else ""
    safe = made.sure and made.incoming is None  # else whoever knows the tensor says so
    fix = Fix(f"write `{_in_a_line(made.text)}`{condition}", span, made.text, safe)
    return Diagnostic(code, title, labels, fixes=(fix,))


def _in_a_line(text: str) -> str:
    return re.sub(r"\n\s*", "; ", text).replace("{;", "{").replace("; }", " }")


def _first_line(span: Span) -> Span:
    return Span(span.source, span.start, span.start + len(span.text.split("\n")[0].rstrip()))

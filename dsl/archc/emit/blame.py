"""What a template of the user's own does wrong, told with its file and line."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archc.arguments import need_folder


class TemplateFault(Exception):
    """A template of the user's that does not work; the text says which, where and why."""


@contextmanager
def blamed(templates: Path | None) -> Iterator[None]:
    """Within, what fails because of a template in the folder `templates` is a TemplateFault.

    Templates are code and may raise anything. What no template of the user's was part of is a
    fault of archc's, and passes. Raises FileNotFoundError where there is no such folder.
    """
    if templates is not None:
        need_folder(templates)
    try:
        yield
    except Exception as error:
        place = _place(error, templates) if templates is not None else ""
        if not place:
            raise
        kind = "" if type(error).__module__.startswith("jinja2") else f"{type(error).__name__}: "
        why = " ".join(f"{kind}{error}".split())
        raise TemplateFault(f"template error in {place}: {why}") from error


def _place(error: Exception, templates: Path) -> str:
    """`mine/class.py.jinja:3`, the folder where no more is known, or nothing."""
    from jinja2 import TemplateError, TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError) and error.filename:
        return _within(templates, error.filename, error.lineno)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if place := _within(templates, frame.filename, frame.lineno):
            return place
    # A file that is missing, cannot be read or is no text, or Python that the templates wrote.
    known = isinstance(error, TemplateError | OSError | UnicodeError | SyntaxError)
    return str(templates) if known else ""


def _within(templates: Path, file: str, line: int | None) -> str:
    """The place, if it is in a template there: whatever lies there and is no Python."""
    inside = Path(file).resolve().is_relative_to(templates.resolve())
    return f"{file}:{line or 1}" if inside and not file.endswith(".py") else ""

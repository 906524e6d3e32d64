"""What the check finds."""

from __future__ import annotations

from dataclasses import dataclass

from archc.source import Span


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that the text says otherwise than the plan, in words.

    `line` is that of the generated text, `span` the statement of the .arch file, `params` the
    values of the network's params, where those differ from the file's.
    """

    message: str
    line: int | None = None
    span: Span | None = None
    params: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        where = f" (line {self.line} of the generated text)" if self.line else ""
        if self.span is not None:
            place = f"{self.span.source.name}:{self.span.line}:{self.span.column}"
            where += f" ({place}: `{self.span.text.strip()}`)"
        at = ", ".join(f"{name}={value!r}" for name, value in self.params)
        return f"{self.message}{where}{f' with {at}' if at else ''}"


class UnsupportedPython(Exception):
    """Python that is not of the kind that archc writes, or that would fail if it ran."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

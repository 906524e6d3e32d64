"""What an explanation consists of, and how it is shown: as text, as HTML, as data for JSON.

A fact says something once, in words and as a value, so that text and JSON cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from archc import __version__
from archc.report import tables
from archc.report.characters import to_json, visible
from archc.report.tables import Sheet

VERSION = 1  # of the JSON; grows when a key goes or changes its meaning
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Fact:
    """`key` and `value` are for the JSON (no key: for people only), `lines` for people."""

    label: str
    lines: tuple[str, ...] = ()
    key: str = ""
    value: Any = None


Paragraph = tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one part of a network, or the whole of it, comes about. Printing it explains it."""

    network: str
    title: str
    paragraphs: tuple[Paragraph, ...]
    sheets: tuple[Sheet, ...] = field(default=())

    @property
    def data(self) -> dict[str, Any]:
        """What it says as plain values; docs/cli.md says what the keys mean."""
        return {fact.key: fact.value for fact in self._facts() if fact.key}

    def _facts(self) -> Iterator[Fact]:
        return (fact for paragraph in self.paragraphs for fact in paragraph)

    def __str__(self) -> str:
        width = max((len(fact.label) for fact in self._facts() if fact.lines), default=0)
        blocks = [visible(self.title)]
        for paragraph in self.paragraphs:
            lines = [line for fact in paragraph for line in _laid_out(fact, width)]
            blocks += ["\n".join(lines)] if lines else []
        blocks += [_indented(tables.text(sheet)) for sheet in self.sheets if sheet.lines]
        return "\n\n".join(blocks)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        from html import escape

        rows = []
        for paragraph in self.paragraphs:
            for fact in paragraph:
                if fact.lines:
                    text = "<br>".join(map(escape, fact.lines))
                    head = f'<th style="text-align:left;vertical-align:top">{escape(fact.label)}'
                    rows.append(f'<tr>{head}</th><td style="text-align:left">{text}</td></tr>')
        sheets = "".join(tables.html(sheet) for sheet in self.sheets if sheet.lines)
        caption = f"<caption>{escape(self.title)}</caption>"
        return f"<table>\n{caption}\n" + "\n".join(rows) + f"\n</table>\n{sheets}"


def json(explanations: Sequence[Explanation], arguments: Mapping[str, Any]) -> str:
    """Several explanations of one network for programs; `arguments` are its params' values."""
    document = {
        "version": VERSION,
        "archc": __version__,
        "network": explanations[0].network,
        "arguments": dict(arguments),
        "nodes": [explanation.data for explanation in explanations],
    }
    return to_json(document)


def _laid_out(fact: Fact, width: int) -> Iterator[str]:
    label = fact.label
    for line in fact.lines:
        for piece in wrap(visible(line), _WIDTH - width - 4, break_on_hyphens=False) or [""]:
            yield f"  {label:<{width}}  {piece}".rstrip()
            label = ""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.rstrip("\n").split("\n"))

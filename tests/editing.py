"""What the tests of the editor share: documents of bundled networks, places in them, typing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from archc import api, data
from archc.editor.document import Document
from archc.elaborate.link import Library
from archc.plan import Body
from archc.source import Source
from archc.symbolic import TracedList, is_traced, plain
from archc.syntax import tree

MARK = "‸"  # where the cursor is

# A newcomer's network, as `forward` and the constructor have it in torch.
FORWARD = """\
network Mine
input 32x32 x3
block basic(planes) {
  identity = x
  nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
  nn.BatchNorm2d(planes)
  nn.ReLU(inplace=True)
  nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
  nn.BatchNorm2d(planes)
  out += identity
  out = F.relu(out)
}
self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
basic(16)
basic(32)
nn.AdaptiveAvgPool2d(1)
nn.Flatten()
nn.Linear(32, 10)
"""


def bundled(name: str) -> Document:
    """Return a bundled network as an editor opens it."""
    path = api.bundled()[name]
    return Document(path.read_text(encoding="utf-8"), path, project=data.ARCHS)


def at_mark(text: str, folder: Path = data.ARCHS) -> tuple[Document, int]:
    """Return a text without its mark, and where that was."""
    offset = text.index(MARK)
    return Document(text.replace(MARK, ""), folder / "test.arch"), offset


def beside(document: Document) -> str:
    """Return the text with its hints as a column."""
    hints = {hint.line: hint for hint in document.hints()}
    lines = []
    for number, line in enumerate(document.text.split("\n")):
        hint = hints.get(number)
        shown = f"{'~' if hint.stale else '='} {hint.text}" if hint is not None else ""
        lines.append(f"{line:<96} {shown}".rstrip())
    return "\n".join(lines)


def typed(text: str, line: int) -> Iterator[tuple[str, int]]:
    """Return the texts while a line is typed key by key, each with the cursor's offset."""
    lines = text.split("\n")
    code = lines[line].partition("  #")[0].rstrip()
    start = sum(len(each) + 1 for each in lines[:line])
    for end in range(len(code) - len(code.lstrip()) + 1, len(code) + 1):
        yield "\n".join([*lines[:line], code[:end], *lines[line + 1 :]]), start + end


def told(value: object, main: str) -> object:
    """Return all that a value holds, places in texts too, so that equal ones are alike.

    What it holds twice is the same thing twice there. Where the tensors of a used file's block come
    from is left out: its bodies outlive the text that called them first.
    """
    seen: dict[int, int] = {}

    def of(value: object) -> object:
        match value:
            case Source():
                return value.name, len(value.text)
            case Library():
                return value.source.name
            case TracedList():
                return "list", [*map(of, value)], str(value.expr)
            case _ if is_traced(value):
                return plain(value), str(value.expr)  # type: ignore[attr-defined]
            case str() | int() | float() | None:
                return value
            case dict():
                return [(of(key), of(item)) for key, item in value.items()]
            case list() | tuple():
                return [*map(of, value)]
            case _ if not is_dataclass(value) or isinstance(value, type):
                return type(value).__name__
            case _ if type(value).__module__ == tree.__name__:  # what is written there
                return type(value).__name__, of(value.span)  # type: ignore[attr-defined]
        if isinstance(value, Body) and value.block is not None:
            is_used = value.block.tree.span.source.name != main
            for x in value.inputs if is_used else ():
                seen.setdefault(id(x), len(seen))
        if type(value).__eq__ is object.__eq__:  # no value: two that are alike are still two
            if id(value) in seen:
                return "again", seen[id(value)]
            seen[id(value)] = len(seen)
        return type(value).__name__, [of(getattr(value, f.name)) for f in fields(value)]

    return of(value)

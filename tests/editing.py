"""What the tests of the editor share: documents of bundled networks, places in them, typing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archc import api, data
from archc.editor.document import Document

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

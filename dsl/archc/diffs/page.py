"""A comparison as HTML: both networks side by side, line beside line, in one file without scripts.

Every text from a file is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from html import escape

from archc import data
from archc.diffs.comparison import NetworkDiff
from archc.diffs.entries import ChangedBlock, StatementDiff
from archc.diffs.items import OutlineItem
from archc.diffs.lines import DiffRow, block_rows, consequences, simplified
from archc.diffs.text import (
    LEGEND,
    human_difference,
    shape_difference,
    whole_difference,
)
from archc.diffs.totals import sheet
from archc.ops import branch_name
from archc.report import tables

_FOLD = 3  # statements in a row that are the same and are folded
Pieces = list[tuple[str, bool]]  # of a line, and whether they differ


def page(diff: NetworkDiff) -> str:
    """The whole file."""
    title = escape(" → ".join(_titles(diff)))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>body {{ margin: 0; }}</style>\n</head>\n<body>\n"
        f"{fragment(diff)}</body>\n</html>\n"
    )


def fragment(diff: NetworkDiff) -> str:
    """The part of a page that shows a comparison, with its style."""
    css = (data.TEMPLATES / "diff" / "diff.css").read_text(encoding="utf-8")
    parts = "\n".join(_parts(diff))
    return f'<div class="archc-diff">\n<style>\n{css}</style>\n{parts}\n</div>\n'


def _titles(diff: NetworkDiff) -> tuple[str, str]:
    return diff.left.name, diff.right.name


def _parts(diff: NetworkDiff) -> Iterator[str]:
    yield f"<h1>{escape(' → '.join(_titles(diff)))}</h1>"
    yield tables.html(sheet(diff.totals, diff.names)).rstrip()
    if diff.empty:
        yield "<p>no difference</p>"
    if diff.params:
        yield "<h2>params</h2>\n" + _table(
            _row(0, "changed", [(f"{c.name} = ", False), (c.left or "none", True)],
                 [(f"{c.name} = ", False), (c.right or "none", True)])
            for c in diff.params
        )  # fmt: skip
    if diff.moved:
        left, right = ([(side or "none", True)] for side in diff.devices)
        yield "<h2>devices</h2>\n" + _table([_row(0, "changed", left, right)])
    yield "<h2>network</h2>"
    head = "".join(
        f'<div class="{kind}">{escape(text)}</div>'
        for kind, text in zip(
            ("text", "text", "output", "number", "number"),
            (*diff.names, "output", "params", "MACs"),
            strict=True,
        )
    )
    yield _table([f'<div class="row head">{head}</div>', *_lines(diff.entries, 0, False)])
    for block in diff.blocks:
        first, *_ = block_rows(block)
        costs = escape(", ".join(filter(None, _numbers(first))))
        head = f"{escape(first.text)} <small>{costs}</small>"
        yield f'<h2 id="{_anchor(block.definition)}">{head}</h2>'
        yield _table(_lines(block.entries, 0, True))
    if diff.recipe:
        yield "<h2>train</h2>\n" + '<div class="rows recipe">'
        for mark, line in diff.recipe:
            kind = "removed" if mark == "-" else "added"
            yield f'<div class="{kind}">{mark} {escape(line)}</div>'
        yield "</div>"
    yield f"<footer>{escape(LEGEND)}</footer>"


def _table(rows: Iterable[str]) -> str:
    return '<div class="rows">\n' + "\n".join(rows) + "\n</div>"


# --- lines -------------------------------------------------------------------------------------


def _lines(entries: Iterable[StatementDiff], level: int, written: bool) -> Iterator[str]:
    """Statements side by side; those that are the same folded where there are several."""
    same: list[str] = []
    for entry in map(simplified, entries):
        if entry.state == "same":
            same += _entry(entry, level, written)
            continue
        yield from _folded(same)
        same = []
        yield from _entry(entry, level, written)
    yield from _folded(same)


def _folded(same: list[str]) -> Iterator[str]:
    if len(same) < _FOLD:
        yield from same
        return
    yield f"<details><summary>{len(same)} the same</summary>"
    yield from same
    yield "</details>"


def _entry(entry: StatementDiff, level: int, written: bool) -> Iterator[str]:
    opened = _opens(entry)
    left, right = _sides(entry, opened, written)
    numbers = DiffRow(0, entry.state, "", entry.shapes, entry.costs)
    yield _row(level, entry.state, left, right, numbers, _remark(entry))
    if entry.alone or entry.state == "same":
        return
    if entry.runs and entry.definition is None:
        for row in consequences(entry, level + 1):
            yield _note(row)
    elif opened and entry.item.kind == "branches":
        yield from _branches(entry, level + 1, written)
    elif opened:
        yield from _lines(entry.inside, level + 1, written)


def _remark(entry: StatementDiff) -> str:
    """What stands behind the right line, or the only one: escaped."""
    if entry.definition is not None:
        link = escape(f"block {entry.definition}")
        return f' <a href="#{_anchor(entry.definition)}">{link}</a>'
    return " <i>moved</i>" if entry.moved else ""


def _anchor(definition: ChangedBlock) -> str:
    return f"block-{definition.left.name.id}-{definition.right.name.id}"


def _opens(entry: StatementDiff) -> bool:
    """Whether what is inside stands below and not in the same line."""
    return not entry.alone and bool(entry.inside) and (entry.structural or entry.renames)


def _branches(entry: StatementDiff, level: int, written: bool) -> Iterator[str]:
    for at, branch in enumerate(entry.inside):
        if branch.alone:
            yield from _entry(branch, level, written)
            continue
        name = branch_name(entry.item.head, at)
        shown = replace(branch, shapes=("", "")) if written else branch
        state = "same" if branch.state == "same" else "inside"
        numbers = DiffRow(0, state, "", shown.shapes, shown.costs)
        yield _row(level, state, [(f"{name}:", False)], [(f"{name}:", False)], numbers)
        yield from _lines(branch.inside, level + 1, written)


def _row(
    level: int,
    state: str,
    left: Pieces | None,
    right: Pieces | None,
    numbers: DiffRow | None = None,
    remark: str = "",
) -> str:
    marks = {"changed": "~~", "removed": "- ", "added": " +", "follows": "..", "renamed": "=="}
    mark = marks.get(state, "  ")
    last = "left" if right is None else "right"
    cells = [
        f'<div class="text {side}" data-mark="{mark[at].strip()}" style="--level:{level}">'
        f"{_html(pieces or [])}{remark if side == last else ''}</div>"
        for at, (side, pieces) in enumerate((("left", left), ("right", right)))
    ]
    shown = _numbers(numbers) if numbers is not None else ("", "", "")
    classes = ("output", "number", "number")
    cells += [
        f'<div class="{kind}">{escape(text)}</div>'
        for kind, text in zip(classes, shown, strict=True)
    ]
    return f'<div class="row {state}">{"".join(cells)}</div>'


def _note(row: DiffRow) -> str:
    _, params, macs = _numbers(row)
    text = f'<div class="text" data-mark="." style="--level:{row.level}">{escape(row.text)}</div>'
    numbers = f'<div class="number">{params}</div><div class="number">{macs}</div>'
    return f'<div class="row note">{text}{numbers}</div>'


def _numbers(row: DiffRow) -> tuple[str, str, str]:
    return shape_difference(row), whole_difference(row.params), human_difference(row.macs)


def _html(pieces: Pieces) -> str:
    return "".join(f"<mark>{escape(t)}</mark>" if differs else escape(t) for t, differs in pieces)


# --- what differs within a line ----------------------------------------------------------------


def _sides(
    entry: StatementDiff, opened: bool, written: bool
) -> tuple[Pieces | None, Pieces | None]:
    left, right = entry.left, entry.right
    if left is None or right is None:
        item = entry.item
        alone: Pieces = [(_labelled(item, item.written if written else item.full), False)]
        return (None, alone) if left is None else (alone, None)
    if left.kind == right.kind == "op" and left.head == right.head:
        return _operator(left, entry, 0, written), _operator(right, entry, 1, written)
    texts = [_labelled(item, _head(item, opened, written)) for item in (left, right)]
    return _compared(*texts)


def _operator(item: OutlineItem, entry: StatementDiff, side: int, written: bool) -> Pieces:
    differing = {change.name for change in entry.changes}
    pieces: Pieces = []
    if item.label:
        pieces = [(item.label, "label" in differing), (": ", False)]
    pieces.append((item.head, False))
    for word in item.words:
        text = word.written if written else word.shown
        pieces += [("" if word.close else " ", False), (text, word.field in differing)]
    if item.count > 1 or "count" in differing:
        pieces += [(" ", False), (f"* {item.count}", "count" in differing)]
    return pieces


def _head(item: OutlineItem, opened: bool, written: bool) -> str:
    """The line of a statement; only its beginning where the rest stands below."""
    text = item.written if written else item.full
    if item.kind == "call":
        return text
    if not opened:
        return text
    if item.kind == "branches":
        return f"{item.head}<"
    if item.kind == "loop" and not text.startswith("for "):
        return f"* {item.count}"
    return text.partition("{")[0] + "{" if "{" in text else text


def _labelled(item: OutlineItem, text: str) -> str:
    return f"{item.label}: {text}" if item.label and not text.startswith(item.label) else text


def _compared(left: str, right: str) -> tuple[Pieces, Pieces]:
    """Two lines with the words marked in which they differ."""
    if left == right:
        return [(left, False)], [(right, False)]
    a, b = (re.findall(r"\w+|\s+|[^\w\s]", text) for text in (left, right))
    mine: Pieces = []
    yours: Pieces = []
    for tag, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        mine.append(("".join(a[i:j]), tag != "equal"))
        yours.append(("".join(b[k:m]), tag != "equal"))
    return [p for p in mine if p[0]], [p for p in yours if p[0]]

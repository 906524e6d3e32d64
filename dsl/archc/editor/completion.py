"""What may come next: operators that fit the tensor and what they would make, names, attributes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from archc import habits, syntax
from archc.api import bundled
from archc.editor.samples import outcome, suits
from archc.editor.snapshot import Snapshot
from archc.elaborate.blocks import signature
from archc.elaborate.evaluate import FUNCTIONS
from archc.elaborate.sections import EXPECT
from archc.ops import COMBINATORS, REGISTRY, Field, Form, Op, Shape
from archc.plan import BlockValue
from archc.recipe import LINES
from archc.record import record
from archc.report.spelling.phrases import first_paragraph
from archc.scopes import Symbol, SymbolKind
from archc.syntax import ITEM_WORDS
from archc.syntax.cursor import Cursor, cursor_at


class ProposalKind(StrEnum):
    """What a proposal is: for its icon."""

    OPERATOR = "operator"
    COMBINATOR = "combinator"
    BLOCK = "block"
    KEYWORD = "keyword"
    VALUE = "value"
    LABEL = "label"
    ATTRIBUTE = "attribute"
    FUNCTION = "function"
    FILE = "file"


@record
class Proposal:
    """A word that may stand between two offsets. `detail` is short, `doc` is Markdown.

    `known_as` is what another tool calls it: `Linear`, for which `fc` is put in. `snippet` is the
    text with places to go on at, `${1}`, for editors that know these; empty without.
    """

    start: int
    end: int
    text: str
    kind: ProposalKind
    detail: str = ""
    doc: str = ""
    rank: int = 5  # the least first
    known_as: str = ""
    snippet: str = ""

    @property
    def label(self) -> str:
        """What a list shows."""
        return f"{self.known_as} → {self.text}" if self.known_as else self.text


_STATEMENTS = {
    "input": "a tensor from outside: `input 224x224 x3`",
    "output": "names an output: `output logits`",
    "reuse": "runs a labelled statement again, with the same weights",
    "if": "decides while compiling: `if stride > 1 { }`",
    "for": "repeats while compiling: `for i in 1..3 { }`",
    "let": "a name for a value: `let wide = 4*width`",
}
_OF_VARIANTS = {
    "extends": 'the network that the file changes: `extends "resnet50.arch"`',
    "without": "statements of it that are left out: `without aux1`",
}
_CHANGES = re.compile(
    r"(?:.*;)?[ \t]*(param|block|sequence|without)[ \t]+(?:[\w.]+[ \t]*,[ \t]*)*\w*$"
)
_META = "display family paper authors year arxiv dataset top1_error top5_error pretrained".split()


def complete(snapshot: Snapshot, offset: int) -> tuple[Proposal, ...]:
    """Return what may stand at an offset, in place of the word that is begun there."""
    quoted = _quote(snapshot.text, offset)
    if quoted is None:
        return ()
    if quoted >= 0:
        return tuple(_files(snapshot, quoted, offset))
    cursor = cursor_at(snapshot.source, offset, item_start(snapshot, offset))
    found = {p.label: p for p in reversed([*_proposals(snapshot, cursor)])}
    return tuple(sorted(found.values(), key=lambda p: (p.rank, p.label.lower(), p.label)))


def item_start(snapshot: Snapshot, offset: int) -> int:
    """Return where the item begins that an offset is in or behind: nothing before it counts."""
    starts = [item.span.start for item in snapshot.file.items if item.span.start < offset]
    return max(starts, default=0)


def _quote(text: str, offset: int) -> int | None:
    """Where the text in quotes begins that an offset is in, -1 for none; None in a comment."""
    start, at = -1, text.rfind("\n", 0, offset) + 1
    while at < offset:
        if text[at] == "#" and start < 0:
            return None
        if text[at] == "\\" and start >= 0:
            at += 1
        elif text[at] == '"':
            start = -1 if start >= 0 else at + 1
        at += 1
    return start


def _proposals(snapshot: Snapshot, cursor: Cursor) -> Iterator[Proposal]:
    changed = _CHANGES.match(_line_before(snapshot.text, cursor.offset))
    if snapshot.extends and changed is not None:
        yield from _names_of_base(snapshot, cursor, changed[1])
    elif "LABEL" in cursor.accepted:
        yield from _labels(snapshot, cursor)
    elif cursor.section:
        yield from _entries(cursor)
    elif cursor.begins_statement:
        yield from _statements(snapshot, cursor)
    else:
        if cursor.takes_attribute:
            yield from _attributes(snapshot, cursor)
        if cursor.takes_value:
            yield from _values(snapshot, cursor)
        if "AS" in cursor.accepted:
            yield _proposal(cursor, "as", ProposalKind.KEYWORD, "a name for the tensor", rank=8)


def _proposal(
    cursor: Cursor, text: str, kind: ProposalKind, detail: str = "", doc: str = "", rank: int = 5
) -> Proposal:
    start = cursor.offset - len(cursor.typed)
    return Proposal(start, cursor.offset, text, kind, detail, doc, rank)


# --- statements --------------------------------------------------------------------------


def _statements(snapshot: Snapshot, cursor: Cursor) -> Iterator[Proposal]:
    x = snapshot.shape_before(cursor.start)
    for name, symbol in snapshot.scopes.values_at(cursor.offset).items():
        if isinstance(symbol.node, syntax.Block):
            call = _behind(name, signature(BlockValue(symbol.node, None)))
            yield _proposal(cursor, name, ProposalKind.BLOCK, call, symbol.node.doc, rank=1)
    if snapshot.extends and cursor.begins_item:
        yield from _statements_of_base(snapshot, cursor)
    is_start = x is None and cursor.begins_item
    for cls in dict.fromkeys(REGISTRY.values()):
        if cls.category == "merge" and cls.name in COMBINATORS:
            continue
        if x is None or suits(cls, x):
            yield _operator(cursor, cls, x)
    for name in COMBINATORS:
        yield _combinator(cursor, name, snapshot.text)
    if cursor.typed:
        yield from _known_elsewhere(cursor, x, snapshot.text)
    for word, meaning in _STATEMENTS.items():
        rank = 4
        if word == "input" and cursor.begins_item:
            is_begun = cursor.typed and word.startswith(cursor.typed)
            rank = 0 if is_start else 1 if is_begun else 4
        yield _proposal(cursor, word, ProposalKind.KEYWORD, meaning, rank=rank)
    if cursor.begins_item:
        for word in sorted(ITEM_WORDS):
            yield _proposal(cursor, word, ProposalKind.KEYWORD, rank=6)
        for word, meaning in _OF_VARIANTS.items():
            yield _proposal(cursor, word, ProposalKind.KEYWORD, meaning, rank=6)


def _operator(cursor: Cursor, cls: type[Op], x: Shape | None) -> Proposal:
    made = outcome(cls, x) if x is not None else None
    as_written = _behind(cls.name, cls.example)
    detail = f"{as_written} → {made}".lstrip() if made is not None else as_written
    doc = first_paragraph(inspect.getdoc(cls))
    rank = 2 if x is None or made is not None else 5
    return _proposal(cursor, cls.name, ProposalKind.OPERATOR, detail, doc, rank)


def _known_elsewhere(cursor: Cursor, x: Shape | None, text: str) -> Iterator[Proposal]:
    """What other tools call operators, by the letters that are typed: `Linear` for `fc`."""
    rank = x.rank if x is not None and x.rank else 2
    for word, made in habits.words_beginning(cursor.typed, rank):
        if made.head in COMBINATORS:
            proposal = _combinator(cursor, made.head, text)
        elif (cls := REGISTRY.get(made.head)) is not None:
            proposal = _operator(cursor, cls, x)
        else:
            continue
        if made.rest:
            proposal = replace(proposal, text=f"{made.head}{made.rest}", detail="")
        yield replace(proposal, rank=7, known_as=word)


def _behind(name: str, written: str) -> str:
    """What is written behind a name, which stands beside it: ` 3x3` of `conv 3x3`."""
    return written.removeprefix(name).strip() if written.startswith(name) else written


def _combinator(cursor: Cursor, name: str, text: str) -> Proposal:
    combinator = COMBINATORS[name]
    merge = REGISTRY.get(combinator.merge)
    doc = first_paragraph(inspect.getdoc(merge)) if merge is not None else ""
    detail = f"< a{' | b' * (combinator.least > 1)} >"
    proposal = _proposal(cursor, name, ProposalKind.COMBINATOR, detail, doc, rank=3)
    merges_alone = name == "join"  # of the columns that come in
    if merges_alone or re.match(r"[ \t]*[<\w(]", text[cursor.offset : cursor.offset + 80]):
        return proposal
    branches = "${1} | ${2}" if combinator.least > 1 else "${1}"
    return replace(proposal, snippet=f"{name}< {branches} >")


# --- a file that extends another ---------------------------------------------------------


def _names_of_base(snapshot: Snapshot, cursor: Cursor, word: str) -> Iterator[Proposal]:
    """What can be changed by a line that begins with the word."""
    if word == "without":
        for name, symbol in _labels_of_base(snapshot, cursor):
            yield _proposal(cursor, name, ProposalKind.LABEL, _described(symbol), rank=1)
        return
    kind = SymbolKind.PARAM if word == "param" else SymbolKind.BLOCK
    for name, symbol in snapshot.scopes.values_at(cursor.offset).items():
        if symbol.kind is not kind or not _is_of_base(snapshot, symbol):
            continue
        if isinstance(symbol.node, syntax.Block):
            call, doc = _behind(name, signature(BlockValue(symbol.node, None))), symbol.node.doc
            yield _proposal(cursor, name, ProposalKind.BLOCK, call, doc, rank=1)
        else:
            yield _proposal(cursor, name, ProposalKind.VALUE, _described(symbol), rank=1)


def _statements_of_base(snapshot: Snapshot, cursor: Cursor) -> Iterator[Proposal]:
    for name, symbol in _labels_of_base(snapshot, cursor):
        if name.isidentifier():
            yield _proposal(cursor, f"{name}: ", ProposalKind.LABEL, _described(symbol), rank=1)


def _labels_of_base(snapshot: Snapshot, cursor: Cursor) -> Iterator[tuple[str, Symbol]]:
    """The labels of statements that the file neither replaces nor takes out."""
    base = snapshot.analysis.again.file.variation
    places = {} if base is None else {(i.span.source, i.span.start) for i in base.base.items}
    for name, symbol in snapshot.scopes.labels_at(cursor.offset).items():
        node = symbol.node
        if symbol.kind is not SymbolKind.LABEL or not isinstance(node, syntax.Statement):
            continue
        if (node.span.source, node.span.start) in places and _is_of_base(snapshot, symbol):
            yield name, symbol


def _is_of_base(snapshot: Snapshot, symbol: Symbol) -> bool:
    """Whether it is defined elsewhere, and nowhere in the text."""
    return all(span.source is not snapshot.source for span in symbol.definitions)


def _line_before(text: str, offset: int) -> str:
    return text[text.rfind("\n", 0, offset) + 1 : offset]


# --- attributes and values ---------------------------------------------------------------

_SIGNS = {
    Form.STRIDE: "/2",
    Form.PADDING: "p1",
    Form.WIDTH: "x64",
    Form.GROUPS: "g32",
    Form.DILATION: "d2",
    Form.SIZE: "3x3",
}
_SIGN_IS = {  # there already
    Form.STRIDE: r"/",
    Form.PADDING: r"\bp[\d(]",
    Form.WIDTH: r"\bx[\d(]",
    Form.GROUPS: r"\bg[\d(]",
    Form.DILATION: r"\bd[\d(]",
    Form.SIZE: r"(?<!\S)[\d(]",
}


def _attributes(snapshot: Snapshot, cursor: Cursor) -> Iterator[Proposal]:
    """Those of the operator that are not there yet: signs as examples, flags, options."""
    cls = REGISTRY.get(cursor.head)
    if cls is None:
        return
    written = snapshot.text[cursor.head_at + len(cursor.head) : cursor.offset - len(cursor.typed)]
    words = {*cursor.words, *re.findall(r"[A-Za-z_]\w*", written)}
    for name, spec in cls.fields().items():
        if words & {*spec.words, *spec.choices}:
            continue
        if spec.form in _SIGNS and re.search(_SIGN_IS[spec.form], written):
            continue
        for text, detail in _written(name, spec):
            yield _proposal(cursor, text, ProposalKind.ATTRIBUTE, detail, rank=_rank(text, spec))


def _rank(text: str, spec: Field) -> int:
    """Of an attribute: a size, which most need, other signs, flags, options."""
    if text.endswith("="):
        return 4
    return 3 if text in spec.words else 1 if spec.form is Form.SIZE else 2


def _written(name: str, spec: Field) -> Iterator[tuple[str, str]]:
    """How a field can be written, and what it is."""
    doc = spec.doc or name.replace("_", " ")
    for word in spec.words:
        yield word, doc
    if spec.form is Form.OPTION:
        choices = f": {', '.join(spec.choices)}" if spec.choices else ""
        yield f"{name}=", doc + choices
    elif spec.form in _SIGNS:
        yield _SIGNS[spec.form], doc


def _values(snapshot: Snapshot, cursor: Cursor) -> Iterator[Proposal]:
    """What an expression can name; in a call also its parameters."""
    names = snapshot.scopes.values_at(cursor.offset)
    called = names.get(cursor.head)
    if "KEY" in cursor.accepted and called is not None:
        for name, symbol in called.parameters.items():
            text = symbol.node.text if isinstance(symbol.node, syntax.Formal) else ""
            yield _proposal(cursor, f"{name}=", ProposalKind.ATTRIBUTE, text, rank=1)
    for name, symbol in names.items():
        if symbol.kind is not SymbolKind.BLOCK:
            yield _proposal(cursor, name, ProposalKind.VALUE, _described(symbol), rank=2)
    x = snapshot.shape_before(cursor.start)
    for field in syntax.SIZES:
        detail = _of_incoming(field, x)
        if x is None or detail:
            text = f"in.{field}"
            yield _proposal(cursor, text, ProposalKind.VALUE, detail, rank=3)
    for name in FUNCTIONS:
        yield _proposal(cursor, name, ProposalKind.FUNCTION, rank=6)


def _described(symbol: Symbol) -> str:
    node = symbol.node
    if isinstance(node, syntax.Param | syntax.Statement):
        return " ".join(node.span.text.split())[:60]
    return node.text if isinstance(node, syntax.Formal) else symbol.kind.value


def _of_incoming(field: str, x: Shape | None) -> str:
    if x is None:
        return ""
    known = {"c": int(x.channels), "features": int(x.features)}
    known |= {n: int(size) for n, size in zip("whd", reversed(x.size), strict=False)}
    return str(known[field]) if field in known else ""


def _labels(snapshot: Snapshot, cursor: Cursor) -> Iterator[Proposal]:
    labels = snapshot.scopes.labels_at(cursor.start)
    for name, symbol in labels.items():
        node = symbol.node
        runs = snapshot.runs_of(node) if isinstance(node, syntax.Statement) else []
        shape = runs[0].after.shape if runs else None
        yield _proposal(cursor, name, ProposalKind.LABEL, str(shape or ""), rank=1)
    yield _proposal(cursor, "in", ProposalKind.LABEL, "what comes into the block", rank=4)
    yield _proposal(cursor, "input", ProposalKind.LABEL, "the network's input", rank=4)


# --- sections and files ------------------------------------------------------------------


def _entries(cursor: Cursor) -> Iterator[Proposal]:
    if "KEY" in cursor.accepted:
        yield from _settings(cursor)
        return
    match cursor.section:
        case "train":
            for key, kinds in LINES.items():
                doc = "\n\n".join(first_paragraph(inspect.getdoc(cls)) for cls in kinds.values())
                first = next(iter(kinds.values()))
                yield _proposal(cursor, key, ProposalKind.KEYWORD, first.example, doc)
        case "expect":
            for key in EXPECT:
                yield _proposal(cursor, key, ProposalKind.KEYWORD)
        case _:
            for key in _META:
                yield _proposal(cursor, key, ProposalKind.KEYWORD)


def _settings(cursor: Cursor) -> Iterator[Proposal]:
    """The kinds of a line of `train`: `optimizer sgd`."""
    if cursor.section != "train" or cursor.head not in LINES:
        return
    for kind, cls in LINES[cursor.head].items():
        if kind:
            doc = first_paragraph(inspect.getdoc(cls))
            yield _proposal(cursor, kind, ProposalKind.KEYWORD, cls.example, doc)


def _files(snapshot: Snapshot, start: int, offset: int) -> Iterator[Proposal]:
    """Files that `use "..."` and `extends "..."` can name, in the folder that is typed."""
    word = _line_before(snapshot.text, start - 1).strip()
    if word not in ("use", "extends"):
        return
    if word == "extends":
        for name in bundled():
            yield Proposal(start, offset, name, ProposalKind.FILE, "comes with archc")
    typed = snapshot.text[start:offset].rpartition("/")[0]
    begin = snapshot.text.rfind("/", start, offset) + 1 or start
    for above in (Path(snapshot.source.name).parent, *snapshot.project.libraries):
        folder = above / typed
        if not snapshot.project.has(folder) or not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.suffix == ".arch" and path != Path(snapshot.source.name):
                yield Proposal(begin, offset, path.name, ProposalKind.FILE)
            elif path.is_dir():
                yield Proposal(begin, offset, f"{path.name}/", ProposalKind.FILE)

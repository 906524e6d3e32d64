"""What the operator or block takes whose arguments are being typed, and which one is at hand."""

from __future__ import annotations

import inspect

from archc import syntax
from archc.editor.completion import item_start
from archc.editor.snapshot import Snapshot
from archc.ops import REGISTRY, Field, Form, Op
from archc.record import record
from archc.report.spelling.phrases import first_paragraph
from archc.syntax.cursor import Cursor, cursor_at


@record
class SignatureHelp:
    """`text` with its `parameters`, as offsets into it; `active` is which of them is at hand."""

    text: str
    doc: str
    parameters: tuple[tuple[int, int], ...]
    docs: tuple[str, ...]
    active: int | None


def signature_help(snapshot: Snapshot, offset: int) -> SignatureHelp | None:
    """Return what is taken at an offset; None where nothing is being given."""
    cursor = cursor_at(snapshot.source, offset, item_start(snapshot, offset))
    if not cursor.head or cursor.section:
        return None
    symbol = snapshot.scopes.values_at(offset).get(cursor.head)
    block = symbol.node if symbol is not None else None
    if isinstance(block, syntax.Block):
        return _of_block(snapshot, cursor, block) if cursor.brackets else None
    cls = REGISTRY.get(cursor.head)
    takes = not cursor.begins_statement and "LABEL" not in cursor.accepted
    return _of_operator(cls) if cls is not None and cls.fields() and takes else None


def _of_block(snapshot: Snapshot, cursor: Cursor, block: syntax.Block) -> SignatureHelp:
    texts = [formal.text for formal in block.formals]
    begun = snapshot.text[cursor.brackets[-1][0] : cursor.offset].rpartition(",")[2]
    key = begun.partition("=")[0].strip(" (") if "=" in begun else ""
    names = [formal.name.id for formal in block.formals]
    active = names.index(key) if key in names else cursor.commas
    return _made(block.name.id, "(", texts, ", ", ")", block.doc, (), active)


def _of_operator(cls: type[Op]) -> SignatureHelp:
    fields = cls.fields()
    texts = [_written(name, spec, cls.required()) for name, spec in fields.items()]
    docs = tuple(spec.doc for spec in fields.values())
    doc = first_paragraph(inspect.getdoc(cls))
    return _made(cls.name, " ", texts, " ", "", doc, docs, None)


def _made(
    name: str,
    opening: str,
    texts: list[str],
    between: str,
    closing: str,
    doc: str,
    docs: tuple[str, ...],
    active: int | None,
) -> SignatureHelp:
    whole, places = name + opening, []
    for at, text in enumerate(texts):
        whole += between if at else ""
        places.append((len(whole), len(whole) + len(text)))
        whole += text
    shown = active if active is not None and active < len(texts) else None
    return SignatureHelp(whole + closing, doc, tuple(places), docs, shown)


_SIGNS = {
    Form.SIZE: "3x3",
    Form.STRIDE: "/2",
    Form.PADDING: "p1",
    Form.WIDTH: "x64",
    Form.GROUPS: "g32",
    Form.DILATION: "d2",
    Form.NUMBER: "n",
}


def _written(name: str, spec: Field, required: tuple[str, ...]) -> str:
    """`[/2]`: how a field is written, in square brackets where it may be left out."""
    if spec.form in _SIGNS:
        text = _SIGNS[spec.form]
    elif spec.form is Form.OPTION:
        text = f"{name}={'|'.join(spec.choices) or '…'}"
    else:
        text = "|".join(spec.words) or name
    return text if name in required else f"[{text}]"

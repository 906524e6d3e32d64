"""`label:` and `@label`."""

from __future__ import annotations

from archc import symbolic, syntax
from archc.elaborate.names import Names, labels_in, refuse_reserved
from archc.elaborate.state import Here, Labelled
from archc.plan import Tensor
from archc.source import did_you_mean, fault


def label_of(label: syntax.Label | None, here: Here) -> str | None:
    """The label as it reads, `{i}` filled in. Raises Fault for a word that is taken."""
    if label is None:
        return None
    name = _filled(label, here)
    refuse_reserved(name, label.span, "the label")
    return name


def _filled(label: syntax.Label | syntax.Reference, here: Here) -> str:
    if label.index is None:
        return label.name
    index = here.evaluator.integer(label.index, "the number in a label")
    if index < 0:
        title = f"a label cannot end in {symbolic.plain(index)}: it is a name"
        cure = "add to the number what makes it 0 or more"
        raise fault("A303", title, label.index.span, cure)
    return f"{label.name}{symbolic.plain(index)}"


def forget(statement: syntax.Statement, here: Here) -> Tensor:
    """The tensor after a mistake; its label is there, so that nobody complains again."""
    tensor = Tensor(None, statement.span)
    if statement.label is not None and statement.label.index is None:
        frame = here.frame
        known = Labelled(tensor, statement, [], Names(False), frame.env, frame.scopes)
        frame.labels.setdefault(statement.label.name, known)
    return tensor


def lookup(reference: syntax.Reference, here: Here) -> Labelled:
    """What a label stands for. Raises Fault for one that is unknown or not yet there."""
    frame = here.frame
    name = _filled(reference, here)
    found = frame.labels.get(name)
    if found is not None:
        return found
    if name in frame.declared:
        raise fault(
            "A107",
            f"`{name}` is not there yet: its label comes later, or in a branch not taken",
            reference.span,
            "a label can be used only after its statement",
        )
    hint = _block_with(name, here) or did_you_mean(name, frame.labels)
    if not hint and not frame.labels:
        hint = "label the statement: `name: conv ...`"
    inside = "" if frame.is_network else "; labels outside of the block are not visible in it"
    raise fault("A103", f"there is no label `{name}` here{inside}", reference.span, hint)


def _block_with(name: str, here: Here) -> str:
    """Says where the label is, if it is inside a block."""
    for block in here.frame.library.blocks.values():
        if name in labels_in(block.tree.body):
            return f"`{name}` is a label of the block `{block.name}`, and not known outside of it"
    return ""

"""`label:`, `as name` and `@label`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.names import Names, aliases_in, labels_in, named_twice, refuse_reserved
from archc.elaborate.state import Context, Labelled, State
from archc.plan import Node, Ref, Tensor
from archc.source import Diagnostic, Fault, Fix, Severity, SpanLabel, fault, spelling


def label_of(label: syntax.Label | None, here: Context) -> str | None:
    """The label as it reads, `{i}` filled in. Raises Fault for a word that is taken."""
    if label is None:
        return None
    name = _filled(label, here)
    refuse_reserved(name, label.span, "the label")
    return name


def _filled(label: syntax.Label | syntax.Reference, here: Context) -> str:
    if label.index is None:
        return label.name
    index = symbolic.plain(here.evaluator.integer(label.index, "the number in a label"))
    if index < 0:
        raise _negative(label, index)
    return f"{label.name}{index}"


def _negative(label: syntax.Label | syntax.Reference, index: int) -> Fault:
    """`a{i}` where i is -1: no name of Python could be called so."""
    assert label.index is not None
    written = label.index.span.text.strip()
    cure = f"count from 0: `{label.name}{{{written} + {-index}}}`"
    if isinstance(label, syntax.Reference):
        cure = "labels count from 0: leave this out there, with an `if`"
    title = f"the number in a label must be at least 0, not {index}"
    return fault("A303", title, label.index.span, cure)


# --- what a name stands for --------------------------------------------------------------


def remember(known: Labelled, name: str, here: Context) -> None:
    """From here on `@name` is that. Raises Fault where the scope has a tensor of that name."""
    labels = here.frame.labels
    earlier = labels.get(name)
    if earlier is not None and earlier.span is not None and known.span is not None:
        same_place = (earlier.scopes, earlier.passes) == (known.scopes, known.passes)
        if earlier.span == known.span:
            known.hides = earlier.hides
            known.is_one_of_several = earlier.is_one_of_several or not same_place
        elif same_place and (earlier.is_alias or known.is_alias):
            raise named_twice(name, known.span, earlier.span)
        else:
            known.hides = earlier
    labels[name] = known
    here.frame.labelled.append(known)


def call_tensor(
    alias: syntax.Label, statement: syntax.Statement, node: Node, here: Context
) -> None:
    """`as name`: a name for what the statement makes. Raises Fault for one that is taken."""
    frame = here.frame
    name = _filled(alias, here)
    refuse_reserved(name, alias.span, "the name")
    known = Labelled(node.output, statement, [], Names(False), frame.env, frame.scopes)
    known.passes, known.span, known.is_alias = frame.passes, alias.span, True
    remember(known, name, here)
    if not isinstance(node, Ref):  # it makes nothing, and what made it may have a name
        node.output.root.name = name


def poison(statement: syntax.Statement, here: Context) -> Tensor:
    """The tensor after a mistake; its names are there, so that nobody complains again."""
    tensor, frame = Tensor(None, statement.span), here.frame
    for label in (statement.label, statement.alias):
        if label is not None and label.index is None:
            known = Labelled(tensor, statement, [], Names(False), frame.env, frame.scopes)
            frame.labels.setdefault(label.name, known)
    return tensor


# --- references --------------------------------------------------------------------------


def lookup(state: State, reference: syntax.Reference, here: Context) -> Labelled:
    """What a label stands for. Raises Fault for one that is unknown or not yet there."""
    name = _filled(reference, here)
    found = here.frame.labels.get(name)
    if found is None:
        raise _unknown(name, reference, here)
    if found.is_one_of_several and not _holds(found.passes, here.frame.passes):
        raise _which_pass(name, reference, found)
    _warn_of_hidden(state, name, reference, found, here)
    return found


def _unknown(name: str, reference: syntax.Reference, here: Context) -> Fault:
    frame = here.frame
    if name in frame.declared:
        return fault(
            "A107",
            f"`{name}` is not there yet: its label comes later, or in a branch not taken",
            reference.span,
            "a label can be used only after its statement",
        )
    cure: Fix | str | None = _block_with(name, here) or _similar(name, reference, here)
    if not cure and not frame.labels:
        cure = "label the statement: `name: conv ...`"
    inside = "" if frame.is_network else "; labels outside of the block are not visible in it"
    return fault("A103", f"there is no label `{name}` here{inside}", reference.span, cure)


def _similar(name: str, reference: syntax.Reference, here: Context) -> Fix | None:
    """The label of nearly that name; `@` stays before it."""
    cure = spelling(name, here.frame.labels, reference.span)
    if cure is None:
        return None
    at = "@" if reference.span.text.startswith("@") else ""
    return replace(cure, text=at + cure.text)


def _block_with(name: str, here: Context) -> str:
    """Says where the label is, if it is inside a block."""
    for block in here.frame.library.blocks.values():
        if name in labels_in(block.tree.body) | aliases_in(block.tree.body):
            return f"`{name}` is a label of the block `{block.name}`, and not known outside of it"
    return ""


def _holds(outer: tuple[Any, ...], inner: tuple[Any, ...]) -> bool:
    """Whether what stands at `inner` is within `outer`: groups or passes of loops."""
    return inner[: len(outer)] == outer


def _which_pass(name: str, reference: syntax.Reference, found: Labelled) -> Fault:
    """`@t` where several passes of a loop have made a `t`, and this one has not."""
    made = SpanLabel(found.span, "made here, pass after pass") if found.span is not None else None
    return fault(
        "A110",
        f"several passes of a loop have made `{name}`: which is meant?",
        reference.span,
        f"label it by the pass, `{name}{{i}}:`, or write `as {name}{{i}}` behind it, and say"
        f" `{name}{{1}}`; a repeat `* n` is `for i in 1..n {{ ... }}`",
        also=(made,) if made is not None else (),
    )


def _warn_of_hidden(
    state: State, name: str, reference: syntax.Reference, found: Labelled, here: Context
) -> None:
    """Warns where another tensor of that name is as near: outside, or in a group left behind."""
    scopes = here.frame.scopes
    other, is_outside = found.hides, not _holds(found.scopes, scopes)
    while other is not None and not (is_outside or _holds(other.scopes, scopes)):
        other = other.hides
    if other is None or other.span is None or found.span is None:
        return
    state.diagnostics.add(
        Diagnostic(
            "W105",
            f"there are two things called `{name}` in sight, and the later one is taken",
            (
                SpanLabel(reference.span),
                SpanLabel(found.span, "this one"),
                SpanLabel(other.span, "and not this one"),
            ),
            helps=(
                "rename one of them; if both names must stay, call the tensor that is meant"
                f" `as {name}_` behind its statement, and say `@{name}_`",
            ),
            severity=Severity.WARNING,
        )
    )

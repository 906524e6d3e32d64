"""`label:`, `as name` and `@label`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.names import Names, aliases_in, labels_in, named_twice, refuse_reserved
from archc.elaborate.state import Context, Labelled, State
from archc.elaborate.work import Suppressed
from archc.ops import Shape
from archc.plan import Apply, Call, Chain, Loop, Node, Ref, Reused, Scope, Tensor, children
from archc.source import Diagnostic, Fault, Fix, Severity, SpanLabel, fault, spelling


def label_of(label: syntax.Label | None, here: Context) -> str | None:
    """The label as it reads, `{i}` filled in. Raises Fault for a word that is taken."""
    if label is None:
        return None
    name = filled(label, here)
    if not label.is_path:
        refuse_reserved(name, label.span, "the label")
        return name
    for part in name.split("."):
        if not re.fullmatch(r"[A-Za-z0-9_-]+", part):
            title = f"`{name}` is no name of a module"
            cure = 'each part has letters, digits, `_` and `-`, as in `"convs.0": conv ...`'
            raise fault("A105", title, label.span, cure)
        refuse_reserved(part, label.span, "the label")
    return name


def filled(label: syntax.Label | syntax.Reference, here: Context) -> str:
    """A name as it reads, its expressions worked out. Raises Fault."""
    return label.fixed if label.fixed is not None else _filled(label.parts, label, here)


def _filled(parts: syntax.Template, label: syntax.Label | syntax.Reference, here: Context) -> str:
    """A name, or a member's in a reference. Raises Fault."""
    return "".join(
        part if isinstance(part, str) else str(_number(part, label, here)) for part in parts
    )


def _number(expr: syntax.Expr, label: syntax.Label | syntax.Reference, here: Context) -> int:
    """The number in a name. Raises Fault where no name of Python could be called so: `a{-1}`."""
    index = int(symbolic.plain(here.evaluator.integer(expr, "the number in a label")))
    if index >= 0:
        return index
    written = expr.span.text.strip()
    text = label.span.text.strip().removesuffix(":")
    whole = text.replace(f"{{{written}}}", f"{{{written} + {-index}}}", 1)
    cure = f"count from 0: `{whole}`"
    if isinstance(label, syntax.Reference):
        cure = "labels count from 0: leave this out there, with an `if`"
    title = f"the number in a label must be at least 0, not {index}"
    raise fault("A303", title, expr.span, cure)


# --- what a name stands for --------------------------------------------------------------


def stands_for(
    statement: syntax.Statement, nodes: list[Node], names: Names, here: Context
) -> Labelled:
    """What a label of the statement stands for; `names` as they stood before it."""
    frame = here.frame
    known = Labelled(nodes[-1].output, statement, nodes, names, frame.env, frame.scopes)
    known.passes = frame.passes
    frame.made[id(nodes[-1])] = known
    return known


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
    name = filled(alias, here)
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
        if label is not None and label.fixed is not None:
            known = Labelled(tensor, statement, [], Names(False), frame.env, frame.scopes)
            frame.labels.setdefault(label.fixed, known)
    return tensor


# --- references --------------------------------------------------------------------------


def lookup(state: State, reference: syntax.Reference, here: Context) -> Labelled:
    """What a label stands for. Raises Fault for one that is unknown or not yet there."""
    members = tuple(_filled(member, reference, here) for member in reference.members)
    name, members = _longest(filled(reference, here), members, here)
    found = here.frame.labels.get(name)
    if found is None:
        if here.frame.is_cut_short and name not in here.frame.declared:
            raise Suppressed
        raise _unknown(name, reference, here)
    if found.is_one_of_several and not _holds(found.passes, here.frame.passes):
        _warn_of_passes(state, name, reference, found)
    else:
        _warn_of_hidden(state, name, reference, found, here)
    for at, member in enumerate(members):
        found = _member(found, member, ".".join((name, *members[:at])), reference, here)
    return found


def _longest(name: str, members: tuple[str, ...], here: Context) -> tuple[str, tuple[str, ...]]:
    """`@convs.0.x`: the label, which may have dots itself, and what follows."""
    for count in range(len(members), 0, -1):
        path = ".".join((name, *members[:count]))
        if path in here.frame.labels:
            return path, members[count:]
    return name, members


def _member(
    found: Labelled, member: str, name: str, reference: syntax.Reference, here: Context
) -> Labelled:
    """`@features.3`: what the group's item 3 makes. Raises Fault where there is none."""
    if found.tensor.shape is None:
        return found
    items = _parts(found.nodes)
    if member not in items:
        known = ", ".join(f"`{item}`" for item in list(items)[:12])
        title = f"`{name}` has no part `{member}`"
        raise fault("A103", title, reference.span, f"it has {known}" if known else "")
    tensor, nodes, is_repeated = items[member]
    if is_repeated and tensor.shape is not None:  # its numbers are in terms of a loop's names
        shape = tensor.shape
        plain = Shape(symbolic.plain(shape.channels), symbolic.plain(shape.size), shape.columns)
        tensor = Tensor(plain, tensor.span, tensor)
    made = here.frame.made.get(id(nodes[0]), found) if nodes else found
    return replace(made, tensor=tensor, nodes=nodes, hides=None)


def _parts(nodes: list[Node]) -> dict[str, tuple[Tensor, list[Node], bool]]:
    """What has a name in a statement: a group's modules, a block's outputs.

    The tensor of each, what makes it, and whether a loop is around.
    """
    found: dict[str, tuple[Tensor, list[Node], bool]] = {}
    for node in nodes:
        if isinstance(node, Reused):
            found |= _parts(node.chain.nodes)
        elif isinstance(node, Call):
            found |= {name: (tensor, [], False) for name, tensor in node.gives.items()}
    inside = [chain for node in nodes if isinstance(node, Scope) for chain in children(node)]
    stack: list[tuple[Chain, bool]] = [(chain, False) for chain in inside]
    while stack:
        chain, is_repeated = stack.pop(0)
        for node in chain.nodes:
            if isinstance(node, Apply | Call | Scope):
                found.setdefault(node.name, (node.output, [node], is_repeated))
            if not isinstance(node, Scope):
                stack += [(c, is_repeated or isinstance(node, Loop)) for c in children(node)]
    return found


def _unknown(name: str, reference: syntax.Reference, here: Context) -> Fault:
    frame = here.frame
    if name in ("in", "input"):
        block = "a block's own input is `@in`, the network's `@input`, unless it has a name"
        return fault("A103", f"there is no `@{name}` here", reference.span, block)
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
    from archc.syntax.pasted import decorator  # for a mistake alone
    from archc.syntax.python import PythonLine

    if around := decorator(PythonLine(reference.span.source, reference.span.start), "A103"):
        return Fault(around)
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


def _warn_of_passes(state: State, name: str, reference: syntax.Reference, found: Labelled) -> None:
    """Warns where several passes of a loop have made a `t`, and this one has not: `@t`."""
    made = (SpanLabel(found.span, "made here, pass after pass"),) if found.span is not None else ()
    state.diagnostics.add(
        Diagnostic(
            "W106",
            f"several passes of a loop have made `{name}`, and the last one's is taken",
            (SpanLabel(reference.span), *made),
            helps=(
                f"to say which, label it by the pass, `{name}{{i}}:`, or write `as {name}{{i}}`"
                f" behind it, and say `{name}{{1}}`; a repeat `* n` is `for i in 1..n {{ ... }}`",
            ),
            severity=Severity.WARNING,
        )
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

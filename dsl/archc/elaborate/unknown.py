"""A statement that names no operator and no block: what is meant, or how to get there."""

from __future__ import annotations

from dataclasses import replace

from archc import syntax
from archc.elaborate.evaluate import NoValue
from archc.elaborate.link import STATEMENTS
from archc.elaborate.state import Context, Labelled
from archc.elaborate.values import describe
from archc.elaborate.work import Suppressed
from archc.ops import COMBINATORS, REGISTRY
from archc.plan import BlockValue, Tensor
from archc.source import Fault, Fix, Span, fault, spelling


def unknown(term: syntax.Operation, here: Context) -> Fault:
    """What to say of a statement whose first word is no operator or block."""
    return _name_alone(term, here) or _unknown(term.name, term, here)


def _name_alone(term: syntax.Operation, here: Context) -> Fault | None:
    """`as c3` on a line of its own."""
    words = term.attributes
    if term.name.id != "as" or len(words) != 1 or not isinstance(words[0], syntax.Word):
        return None
    name, span = words[0].id, term.span
    tensor = syntax.Statement(None, term, None, span)
    known = Labelled(Tensor(None, span), tensor, [], here.names, here.frame.env, here.frame.scopes)
    here.frame.labels.setdefault(name, known)  # so that nobody complains again
    written = span.source.text[: span.start].rstrip(" \t\n;")
    gap = Span(span.source, len(written), span.start)
    title = "`as` names the tensor of the statement that it stands behind"
    hint = f"put it on that line, with no `;`: `... as {name}`"
    is_comment = "#" in written.rpartition("\n")[2]
    cure = hint if is_comment or not written else Fix(hint, gap, " ", safe=True)
    return fault("A101", title, term.span, cure)


def _unknown(name: syntax.Name, term: syntax.Operation, here: Context) -> Fault:
    frame, branches = here.frame, term.branches
    if isinstance(frame.env.get(name.id), NoValue):
        raise Suppressed
    if name.id in frame.env:
        title = f"`{name.id}` is {describe(frame.env[name.id])} here, not an operator or block"
        return fault("A309", title, name.span, "hand on the name of one, as in `unit(64, relu)`")
    if name.id in frame.labels and term.arguments is None and branches is None:
        title = f"`{name.id}` is a tensor here, not an operator or block"
        at = Fix(f"a tensor has `@` before it: `@{name.id}`", name.span, f"@{name.id}", safe=True)
        return fault("A309", title, name.span, at)
    longer = [word for word in REGISTRY if word.startswith(f"{name.id} ")]
    if longer and not branches and not term.arguments:
        title = f"`{name.id}` says not what of: it is one of several operators"
        first = term.attributes[0] if term.attributes else None
        near = isinstance(first, syntax.Word) and spelling(
            first.id, [word.split(" ")[1] for word in longer], name.span.to(first.span)
        )
        if near:
            return fault("A101", title, name.span, replace(near, text=f"{name.id} {near.text}"))
        return fault("A101", title, name.span, *(Fix(f"write `{w}`", name.span, w) for w in longer))
    blocks = [word for word, value in frame.env.items() if isinstance(value, BlockValue)]
    from archc.elaborate.cures import foreign_operator

    own = spelling(name.id, blocks, name.span)
    is_own = own is not None and own.safe
    if not is_own and (foreign := foreign_operator(name, term, here)):
        return foreign
    title = f"there is no operator or block `{name.id}`"
    cure = own or spelling(name.id, [*REGISTRY, *COMBINATORS, *STATEMENTS, *blocks], name.span)
    other = "define it: `block name() { ... }`, or `use` the file that does"
    return fault("A101", title, name.span, cure or other)


def in_brackets(term: syntax.Operation, here: Context) -> Fault:
    """`sub(t, u)`: a combinator that is written like a function."""
    from archc.syntax.branches import in_angles, not_arguments

    known = {*REGISTRY, *COMBINATORS, *here.frame.env}
    cure = in_angles(term.span.source, term.span.start, known)
    other = f"its branches stand in `<...>`: `{term.name.id}< ... >`"
    return fault("A408", not_arguments(term.name.id), term.span, cure or other)


def without_brackets(term: syntax.Operation, here: Context) -> Fault | None:
    """`add x`, `concat a b`, `residual conv 3x3 x8; bn`: a combinator written like a layer."""
    from archc.syntax import sums
    from archc.syntax.branches import not_arguments

    keyword, first = term.name.id, term.attributes[0]
    if not isinstance(first, syntax.Word):
        return None
    labels = {name for name, known in here.frame.labels.items() if known.span or name != "x"}
    words = [a.id for a in term.attributes if isinstance(a, syntax.Word)]
    fixes: tuple[Fix, ...] = ()
    is_layer = first.id in REGISTRY or isinstance(here.frame.env.get(first.id), BlockValue)
    merge = "add" if keyword == "residual" else keyword
    if len(words) == len(term.attributes) > 1 and labels.issuperset(words):
        meant = f"{merge}< {' | '.join(f'@{word}' for word in words)} >"
        fixes = (Fix(f"write `{meant}`", term.span, meant),)
    elif len(term.attributes) == 1 and (first.id == "identity" or not is_layer):
        fixes = sums.added(term.span, first.id, first.id in labels, merge)
    elif is_layer and COMBINATORS[keyword].least == 1:
        fixes = (sums.chain_of_line(term.span, keyword),)
    if not fixes and any(word.startswith(f"{keyword} ") for word in REGISTRY):
        return None  # `mean channels` perhaps
    cure = f"its branches stand in `<...>`, a tensor's label with `@`: `{merge}< | @label >`"
    return fault("A408", not_arguments(keyword), term.span, *(fixes or (cure,)))

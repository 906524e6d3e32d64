"""A pasted class of torch's: a block, or the network."""

from __future__ import annotations

import re
from dataclasses import replace

from archc.source import Diagnostic, Edit, Fix, Source, Span
from archc.syntax.forward_suite import forward_suites, pending_forward
from archc.syntax.open_calls import open_calls
from archc.syntax.pasted_file import CLASS, PastedClasses, has_layers, init_of, pasted_classes
from archc.syntax.python import FAR_AHEAD, PythonLine
from archc.syntax.suites import Suite, suite_below, without_suite

_METHODS = frozenset(("__init__", "forward", "call"))  # whose header alone may be left out
_BLOCK_NAME = re.compile(
    r"(?:Block|Bottleneck|Layer|Unit|Module|Cell|Stage|Residual|Attention|Conv|Head|Stem|Down|Up)$"
)
_YOURS = "its lines are yours to translate"


def pasted_class(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """A class is a block, unless it is the file's network."""
    found = re.match(r"class[ \t]+([A-Za-z_]\w*)", line.text)
    if found is None:
        return said
    below = suite_below(line.source.text, line.start)
    if not has_layers(Span(line.source, line.start, below.end)):
        return replace(said, helps=(), fixes=(without_suite(line),))
    classes = pasted_classes(line.source)
    if own := [edit for edit in classes.edits if edit.span.start == line.start]:
        return replace(said, helps=(), fixes=(_whole(classes, found[1], own[0]),))
    why = classes.lacking.get(found[1])
    helps = (f"what cannot be put in the order of `forward` is {why}",) if why else ()
    is_begun = "def __init__" not in line.source.text[line.start : below.end]
    if is_begun and _BLOCK_NAME.search(found[1]):
        help = f"a class of layers is a block: `block {found[1]}() {{ ... }}`"
        return replace(said, helps=(help,), fixes=())  # its parameters are still to come
    if classes.network == found[1]:
        return _as_network(line, said, found[1], below, helps)
    return _as_block(line, said, found[1], below, helps)


def _whole(classes: PastedClasses, name: str, own: Edit) -> Fix:
    """All that can be written at once, at one of the classes."""
    also = tuple(edit for edit in classes.edits if edit is not own)
    head = own.text.split("\n")[0].removesuffix(" {")
    written = f"{head} {{ ... }}" if head.startswith("block") else head
    others = len(classes.written) - 1
    more = f", and the other {'class' if others == 1 else 'classes'}" if others else ""
    made_by = classes.making.first if classes.network in classes.written else ""
    as_it_is = f", as `{made_by}()` makes it" if len(classes.making.roots()) > 1 else ""
    title = f"write `{written}`{more}, with the layers in the order of `forward`{as_it_is}"
    title += _slips(classes)
    return Fix(title, own.span, own.text, also=also)


def _slips(classes: PastedClasses) -> str:
    """What lines of Python lack, as it is taken to be meant."""
    lacking = [
        f"the `{slip.signs}` that line {classes.spans[name].line + slip.line} lacks"
        for name in classes.written
        for slip in classes.read[name].slips
    ]
    return f", with {' and '.join(lacking)}" if lacking else ""


def helper_function(line: PythonLine, said: Diagnostic) -> Diagnostic | None:
    """A function goes with the classes that it makes a layer for, or a network of."""
    edits = pasted_classes(line.source).edits
    own = [e for e in edits if e.span.start <= line.start < e.span.end and not e.text]
    if not own:
        return None
    also = tuple(edit for edit in edits if edit not in own)
    title = "write the classes, with the layers in the order of `forward`, and leave this out"
    return replace(said, helps=(), fixes=(Fix(title, own[0].span, "", also=also),))


def is_pasted_network(source: Source, name: str) -> bool:
    """Whether a name is that of the class which is the file's network."""
    return pasted_classes(source).network == name


def is_in_class(line: PythonLine) -> bool:
    """Whether a line stands below `class Unit(nn.Module):`, further right than it."""
    text = line.source.text
    headers = list(CLASS.finditer(text, max(0, line.start - FAR_AHEAD), line.start))
    return bool(headers) and line.start < suite_below(text, headers[-1].start()).end


def inside_classes(source: Source, problems: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """The same, where what stands in a class, or a `forward`, that is not written is said once.

    Nothing there is sure: a line that is cured alone may keep the class from being written.
    """
    classes = pasted_classes(source)
    forwards, calls = list(forward_suites(source)), list(open_calls(source))
    pending = pending_forward(source)
    places = {name: span for name, span in classes.functions.items() if name not in _METHODS}
    places |= classes.spans
    places |= {f"forward {at}": span for at, span in enumerate(forwards)}
    kept, said = list[Diagnostic](), set[tuple[str, str, str]]()
    for problem in problems:
        is_early = problem.code.startswith("A2") and problem.span.start < pending
        if is_early or any(_is_inside(problem, span) for span in forwards):
            problem = replace(problem, fixes=())  # its lines go at once
        if calls:
            finished = (fix for fix in problem.fixes if not _changes(fix, calls))
            problem = replace(problem, fixes=tuple(finished))
        name = next((name for name, span in places.items() if _is_inside(problem, span)), "")
        key = name, problem.code, problem.title
        is_known = key in said or (problem.code == "A001" and name in classes.lacking)
        if name and not problem.fixes and is_known:
            continue
        said.add(key)
        fixes = tuple(replace(fix, safe=False) if name else fix for fix in problem.fixes)
        kept.append(replace(problem, fixes=fixes) if name else problem)
    return tuple(kept)


def _is_inside(problem: Diagnostic, place: Span) -> bool:
    """Whether something is said of a line below the header of a class or a function."""
    span = problem.span
    inside = span.source is place.source and place.start <= span.start < place.end
    return (
        inside and "\n" in span.source.text[PythonLine(place.source, place.start).end : span.start]
    )


def _changes(fix: Fix, places: list[Span]) -> bool:
    """Whether a cure writes into one of some places, or at its end, and not anew what is there."""
    return any(
        edit.span.start <= place.end and place.start <= edit.span.end
        for edit in fix.edits
        for place in places
        if edit.span.source is place.source
        and not (edit.span.start <= place.start and place.end <= edit.span.end)
    )


def _as_network(
    line: PythonLine, said: Diagnostic, name: str, below: Suite, helps: tuple[str, ...]
) -> Diagnostic:
    """Its name and params alone, where nobody knows in which order its layers run."""
    if below.is_empty:
        return replace(said, helps=(*said.helps, *helps))
    formals = [
        formal.replace("=", " = ") for formal in init_of(line.source, below) if "=" in formal
    ]
    head = "\n".join([f"network {name}", *(f"param {formal}" for formal in formals)])
    fix = Fix(f"write the header as `network {name}`; {_YOURS}", line.span, head)
    return replace(said, helps=("the file is the network", *helps), fixes=(fix,))


def _as_block(
    line: PythonLine, said: Diagnostic, name: str, below: Suite, helps: tuple[str, ...]
) -> Diagnostic:
    """Its head and its braces alone, where nobody knows in which order its layers run."""
    source, text = line.source, line.source.text
    formals = ", ".join(init_of(source, below))
    written = f"block {name}({formals})"
    if below.is_empty or not line.text.endswith(":"):
        help = f"a class of layers is a block: `{written} {{ ... }}`"
        return replace(said, helps=(help, *helps))
    margin = text[text.rfind("\n", 0, line.start) + 1 : line.start]
    closing = Edit(Span(source, below.end, below.end), f"\n{margin}}}")
    title = f"write the header as `{written} {{ ... }}`; {_YOURS}"
    fix = Fix(title, line.span, f"{written} {{", also=(closing,))
    return replace(said, helps=("a class of layers is a block", *helps), fixes=(fix,))

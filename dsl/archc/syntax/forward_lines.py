"""Lines of a pasted `forward`, where what they run has a label above: `x = self.layer1(x)`."""

from __future__ import annotations

import re
from itertools import pairwise

from archc import habits
from archc.source import Diagnostic, Edit, Fix, Span, SpanLabel
from archc.syntax.forward_suite import forward_lines_fix
from archc.syntax.python import PythonLine

_RUNS = re.compile(r"(?:[A-Za-z_]\w*[ \t]*=(?!=)|return\b)[ \t]*(?=[^\n]*\()")
_MODULE = re.compile(r"\bself\.([A-Za-z_]\w*)\(")
_LABEL = re.compile(r"(?:^|;)[ \t]*([A-Za-z_]\w*):(?=[ \t]*[^\s:])", re.MULTILINE)
_ORDER = "layers run in the order in which they stand"


def forward_line(line: PythonLine) -> Diagnostic | None:
    """`x = F.relu(self.bn1(x))` below `bn1: bn`: the line goes, and its `relu` stands behind."""
    below = _MODULE.findall(line.source.text, line.end)
    if not _RUNS.match(line.text) or not ("self." in line.text or below):
        return None
    chain, places = habits.forward_chain(line.text), _labels(line)
    modules = [link.module for link in chain or () if link.module]
    following = [module for module in below if module in places]
    if not chain or not {*modules} <= places.keys() or not (modules or following):
        return None
    title = f"`{' '.join(line.text.split())}` is written in another way here"
    label = (SpanLabel(line.span),)
    if whole := forward_lines_fix(line):
        return Diagnostic("A014", title, label, fixes=(whole,))
    text = line.source.text
    if loose := next((m for m in modules if _is_loose(text, m, modules, places)), ""):
        help = (
            f"`{loose}` has no weights, and may run more than once: write its layer where it runs"
        )
        return Diagnostic("A014", title, label, helps=(help,))
    if why := _out_of_order(modules, below, places):
        return Diagnostic("A014", title, label, helps=(f"{_ORDER}, and {why}",))
    moved = _moved(chain, following[0] if following else "")
    wanted = ", ".join(f"`{text}` stands {where} `{module}`" for (where, module), text in moved)
    edits = [_edit(line, places[module], where, text) for (where, module), text in moved]
    if None in edits:
        return Diagnostic("A014", title, label, helps=(f"{_ORDER}; {wanted}",))
    also = tuple(edit for edit in edits if edit is not None and edit.text)
    fix = Fix(f"leave the line out; {wanted or _ORDER}", line.whole, "", also=also)
    return Diagnostic("A014", title, label, fixes=(fix,))


def _labels(line: PythonLine) -> dict[str, int]:
    """Where the labels above a line stand."""
    above = _LABEL.finditer(line.source.text, 0, line.start)
    return {found[1]: found.start(1) for found in above}


def _is_loose(text: str, module: str, modules: list[str], places: dict[str, int]) -> bool:
    """Whether a module without weights runs elsewhere than where it stands, for all one knows."""
    written = re.compile(r"\w+:[ \t]*([^;\n#]*)").match(text, places[module])
    if written is None or not habits.is_weightless(written[1].rstrip()):
        return False
    before = modules[: modules.index(module)][-1:]
    own = re.compile(r"\w+:[ \t]*[^;\n#]*[;\n\s]*").match(text, places[before[0]] if before else 0)
    return not before or own is None or own.end() != places[module]


def _out_of_order(modules: list[str], below: list[str], places: dict[str, int]) -> str:
    """What of this line, or of those below it, does not stand in the order in which it runs."""
    for one, other in pairwise(modules):
        if places[one] > places[other]:
            return f"`{one}` runs before `{other}` here"
    for module in modules:
        if module in below or modules.count(module) > 1:
            return f"`{module}` runs more than once: write it where it runs"
        later = next((m for m in below if m in places and places[m] < places[module]), "")
        if later:
            return f"`{module}` runs before `{later}` here"
    return ""


def _moved(chain: list[habits.ForwardLink], following: str) -> list[tuple[tuple[str, str], str]]:
    """Where the layers without a label belong: behind the module before them, or before one."""
    moved, module = dict[tuple[str, str], str](), ""
    first = next((link.module for link in chain if link.module), following)
    for link in chain:
        if link.module:
            module = link.module
        else:
            where = ("behind", module) if module else ("before", first)
            moved[where] = "; ".join(filter(None, (moved.get(where), link.text)))
    return [*moved.items()]


def _edit(line: PythonLine, label: int, where: str, text: str) -> Edit | None:
    """The edit that puts layers beside a statement of one line; None beside another."""
    source = line.source
    margin = source.text.rfind("\n", 0, label) + 1
    if where == "before":
        flat = re.search(r"flatten;[ \t]*\Z", source.text[margin:label])
        at = label if flat is None else margin + flat.start()
        needed = text if flat is None else text.removesuffix("flatten").rstrip("; ")
        return Edit(Span(source, at, at), f"{needed}; " if needed else "")
    found = re.compile(r"[^\n#]*[^\n#\s]").match(source.text, label)
    if found is None or any(found[0].count(a) != found[0].count(b) for a, b in ("{}", "<>", "()")):
        return None
    return Edit(Span(source, found.end(), found.end()), f"; {text}")

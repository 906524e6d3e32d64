"""Which operators `forward` nests into one line: the rules by which `archc.emit` breaks lines.

What stands in a line holds its tensors: those in variables to its end, the others until what is
written around them has run. Lengths are estimates: the names are only about those of `archc.emit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archc.plan import Apply, Branches, Call, Chain, Ref, Tensor

INLINE_BRANCH = 32  # characters of a branch that may stand inside its merge
_CORE = frozenset(("conv", "linear", "block", "pool"))
_LONGEST = 64  # characters of an expression; a longer one gets a line of its own
_ROOM = 69  # for the branches of a merge, and what stands between them
_MANY = 8  # more branches than that have a row each, whatever they are


def joins(tag: str, inside: Sequence[str], length: int) -> bool:
    """Whether an operator is written around the expression before it.

    `tag` is its category, or "block"; `inside` are those in the expression, the innermost first;
    the two together have `length` characters.
    """
    if length > _LONGEST:
        return False
    has_core = not _CORE.isdisjoint(inside)
    if tag in _CORE:
        return not has_core and "merge" not in inside
    if tag == "norm":
        return inside[0] != "norm"
    if tag == "drop" and "act" in inside and has_core:
        return length <= _LONGEST // 2
    return True


@dataclass(slots=True)
class NestedLine:
    """Operators that are nested, so far; tensors by their numbers in the schedule."""

    inputs: tuple[int, ...] = ()  # in variables
    output: int = -1
    tags: list[str] = field(default_factory=list)
    length: int = 0  # about so many characters

    def takes(self, tag: str, length: int) -> bool:
        """Whether an operator of that category is written around what is there."""
        return tag != "merge" and joins(tag, self.tags, length + self.length)


def inside(node: Branches) -> tuple[list[Chain], int]:
    """The last branches, which are in the line of their merge: `self.fire(x) + self.bypass(x)`.

    With about how long it is then. A longer branch is done first, in a variable that may be its
    input's, and so are those before it; so are all if the line would be too long, unless it would
    be with variables, too.
    """
    names, first = ["branch1"] * len(node.branches), len(node.branches)
    variable = variable_of(node)
    while first and (text := expression(node.branches[first - 1], variable)) is not None:
        first -= 1
        names[first] = text
    width = _width(node, names)
    if width <= _ROOM or len(names) > _MANY:
        return node.branches[first:], width
    return [], _width(node, ["branch1"] * len(names))


def _width(node: Branches, names: list[str]) -> int:
    merge = node.merge
    return len(merge.op.inline(*names) or f"self.{merge.name}([{', '.join(names)}])")


def variable_of(node: Branches) -> str:
    """What a branch's tensor is called: one that is alone beside what came in has no number."""
    made = [branch for branch in node.branches if expression(branch) != "x"]
    return "out" if len(made) == 1 else "branch1"


def expression(branch: Chain, variable: str = "branch1") -> str | None:
    """About what stands for a branch in the line of its merge; None where it is too much."""
    text, line = "x", NestedLine()
    for node in branch.nodes:
        if isinstance(node, Ref):  # a variable
            continue
        if not isinstance(node, Apply | Call):
            return None
        tag = node.op.category if isinstance(node, Apply) else "block"
        if line.tags and not line.takes(tag, 0):
            text, line = variable, NestedLine()
        line.tags.append(tag)
        text = text_of(node, text, shared=True)
    return text if len(text) <= INLINE_BRANCH else None


def kept(branch: Chain) -> Tensor | None:
    """What is in the variable that a branch's last line begins with, where it has several lines."""
    line, before, found = NestedLine(), branch.input, None
    for node in branch.nodes:
        if isinstance(node, Apply | Call):
            tag = node.op.category if isinstance(node, Apply) else "block"
            if line.tags and not line.takes(tag, 0):
                line, found = NestedLine(), before
            line.tags.append(tag)
        before = node.output
    return found


def text_of(node: Apply | Call, x: str = "x", shared: bool = False) -> str:
    """About what stands in `forward` for an operator or a block on a tensor.

    `shared`: what has no state is one module for all, and has no number behind its name.
    """
    names = [x] * len(node.inputs)
    inline = node.op.inline_for(node.shapes, *names) if isinstance(node, Apply) else None
    if shared and isinstance(node, Apply) and node.label is None and not node.state:
        return inline or f"self.{node.op.module_name}({x})"
    return inline or f"self.{node.name}({x})"

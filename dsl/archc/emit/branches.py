"""The branches of a combinator: one after the other, their tensors named after their place.

Where they begin with parts of one tensor that are all of it, that is one `torch.split`.
"""

from __future__ import annotations

from typing import Any

from archc import symbolic
from archc.emit.class_writer import ClassWriter
from archc.emit.constructor import Constructor
from archc.emit.flow import Step, Unpack, Wire
from archc.emit.instances import Lane
from archc.emit.layout import Bracketed, CallArgument
from archc.emit.values import NotUnifiable
from archc.ops import COMBINATORS, branch_name
from archc.plan import Apply, Branches, Chain, Tensor
from archc.symbolic import Expr

_SHORT = 30  # characters of a list of numbers that may stand in `forward`


def write_branches(
    writer: ClassWriter, nodes: list[Branches], lanes: list[Lane], constructor: Constructor
) -> list[Step]:
    """The steps of all branches, without the merge. Raises NotUnifiable where some have more."""
    if len({len(node.branches) for node in nodes}) > 1:
        raise NotUnifiable("more branches in one than in the other")
    first, outer = nodes[0], writer.role
    alone = sum(not _gives_what_came(chain) for chain in first.branches) == 1
    wire, steps = writer.wire([node.input for node in nodes]), list[Step]()
    rows = [[node.branches[at] for node in nodes] for at in range(len(first.branches))]
    parts = dict[int, Wire]()
    order = _in_parts(writer, nodes)
    narrows = [[_narrow(chain) for chain in rows[at]] for at in order]
    for at, same in zip(order, narrows, strict=True):
        writer.role = _role(first.keyword, at, outer, alone)
        parts[at] = writer.new_wire([narrow.output for narrow in same], same[0].label)
        rows[at] = [_after(chain) for chain in rows[at]]
    if order:
        source = writer.wire([narrow.inputs[0] for narrow in narrows[0]])
        sizes = _sizes(writer, narrows, lanes, constructor)
        outs = list(parts.values())
        steps.append(Unpack(outs, [source], lambda x: f"torch.split({x}, {sizes}, 1)"))
    for at, chains in enumerate(rows):
        writer.role = _role(first.keyword, at, outer, alone)
        steps += writer.chain(chains, lanes, parts.get(at, wire), constructor)[0]
    writer.role = outer
    return steps


def _gives_what_came(chain: Chain) -> bool:
    return all(isinstance(node, Apply) and node.op.name == "identity" for node in chain.nodes)


def _role(keyword: str, at: int, outer: tuple[str, bool], alone: bool) -> tuple[str, bool]:
    """What to call the tensors of a branch where `x` is taken, and whether to do so anyway.

    One that is alone beside what came in needs no number.
    """
    combinator = COMBINATORS[keyword]
    if alone:
        return "out", False
    if combinator.incoming is not None:  # a body, and what goes around it
        return (branch_name(keyword, at) if at else "out"), False
    around, inner = outer
    return f"{around}{chr(ord('a') + at % 26)}" if inner else f"branch{at + 1}", True


# --- parts of one tensor -----------------------------------------------------------------


def _in_parts(writer: ClassWriter, nodes: list[Branches]) -> list[int]:
    """The branches that begin with all parts of one tensor, in the order of its channels."""
    by_tensor: dict[Tensor, list[int]] = {}
    for at, chain in enumerate(nodes[0].branches):
        if _is_part(chain):
            by_tensor.setdefault(_narrow(chain).inputs[0].root, []).append(at)
    for places in by_tensor.values():
        order = sorted(
            places, key=lambda at: symbolic.plain(_narrow(nodes[0].branches[at]).op.start)
        )
        if len(order) > 1 and all(
            _are_whole(writer, [node.branches[at] for at in order]) for node in nodes
        ):
            return order
    return []


def _is_part(chain: Chain) -> bool:
    first = chain.nodes[0] if chain.nodes else None
    return isinstance(first, Apply) and first.op.name == "narrow"


def _narrow(chain: Chain) -> Any:
    """The operator that takes some channels, which a branch begins with."""
    return chain.nodes[0]


def _after(chain: Chain) -> Chain:
    return Chain(chain.nodes[1:], chain.nodes[0].output, chain.output)


def _are_whole(writer: ClassWriter, chains: list[Chain]) -> bool:
    """Whether parts follow one another, from a tensor's first channel to its last.

    Known by their expressions: what is right by chance would be wrong at other arguments.
    """
    if not all(map(_is_part, chains)):
        return False
    narrows = [_narrow(chain) for chain in chains]
    tensor, end = narrows[0].inputs[0], symbolic.const(0)
    for narrow in narrows:
        if narrow.inputs[0].root is not tensor.root:
            return False
        if not _same(writer, symbolic.expr_of(narrow.op.start), end):
            return False
        end = symbolic.add(end, symbolic.expr_of(narrow.op.length))
    return _same(writer, symbolic.expr_of(tensor.channels), end)


def _same(writer: ClassWriter, a: Expr, b: Expr) -> bool:
    inside = writer.exprs.inside
    return symbolic.add(inside(a), symbolic.scale(inside(b), -1)).constant == 0


def _sizes(
    writer: ClassWriter, narrows: list[list[Any]], lanes: list[Lane], constructor: Constructor
) -> str:
    """`[4, 12]`, or the attribute that keeps the list."""
    before, writer.exprs.used = writer.exprs.used, set()
    sizes = [writer.exprs.value([n.op.length for n in same], lanes) for same in narrows]
    of_loop = writer.exprs.used - writer.definition.lanes[0].env.keys()
    writer.exprs.used |= before
    text = f"[{', '.join(sizes)}]"
    if all(size.isdigit() for size in sizes) and len(text) <= _SHORT:
        return text
    if of_loop:
        raise NotUnifiable("parts that differ by iteration")
    code = Bracketed("", tuple(map(CallArgument, sizes)), "[]")
    return f"self.{writer.keep_stateless(code, 'widths', None, constructor)}"

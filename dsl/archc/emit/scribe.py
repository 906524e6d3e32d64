"""What is known while one class is written: its instances, its numbers, its tensors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from archc import symbolic
from archc.analysis.uses import Uses
from archc.emit.flow import Step, Wire
from archc.emit.lanes import Inexpressible, Lane, Writer
from archc.emit.layout import Code
from archc.emit.program import Definition, Program
from archc.emit.site import Site
from archc.plan import Apply, Call, Chain, Choice, Scope, Tensor, children, walk

_SIZES = {
    **dict.fromkeys(("in.c", "#in", "#c"), "in_channels"),
    "in.w": "in_width",
    "in.h": "in_height",
    "in.d": "in_depth",
}

Written = tuple[list[Step], Wire]  # the steps of forward, and the tensor after them


class NotAChain(Exception):
    """A group that is more than modules in a row: not an nn.Sequential."""


def abreast(chains: list[Chain]) -> Iterator[list[Any]]:
    """The statements of all lanes, side by side. Raises Inexpressible where they are not alike."""
    if len({len(chain.nodes) for chain in chains}) > 1:
        raise Inexpressible("more statements in one than in the other")
    for nodes in zip(*(chain.nodes for chain in chains), strict=True):
        if len({type(node) for node in nodes}) > 1:
            raise Inexpressible("statements of several kinds")
        yield list(nodes)


def python_name(variable: str) -> str:
    """The Python name of a variable of expressions."""
    return _SIZES.get(variable, variable)


class Scribe:
    """Writes one definition for all its instances at once.

    The nodes of all lanes are walked side by side (they come from the same statements).
    """

    def __init__(self, program: Program, definition: Definition) -> None:
        self.program = program
        self.definition = definition
        formals = definition.block.tree.formals if definition.block is not None else ()
        kept = {formal.name.id for formal in formals if formal.default is None}
        kept = (kept - _asked(definition)) | definition.open
        fixed = _fixed(definition.lanes, kept)
        self.writer = Writer(self._python_name, fixed, definition.open)
        self.uses: list[Uses] = [program.uses(body) for body in definition.bodies]
        self.root = Site()
        self.sites: dict[tuple[str, ...], Site] = {(): self.root}  # of groups that are no row
        self.scopes: tuple[str, ...] = ()
        self.wires: dict[Tensor, Wire] = {}
        self.passed_on: dict[Tensor, tuple[Wire, ...]] = {}  # further ones, in some lanes the same
        self.role = ("out", False)  # a name for new tensors, and whether to prefer it to `x`
        self.outputs: list[tuple[str, Wire]] = []
        self.has_sides = False
        # names that are taken, and what for
        self.attributes = {n: "" for body in definition.bodies for n in _owned(body.chain)}
        self.write_out = False  # loops among modules in a row: each iteration by itself
        self.rows: set[tuple[str, ...]] = set()  # groups that became one module
        self.row_ends: set[Tensor] = set()  # the ends of groups: those may be used freely

    @property
    def takes_features(self) -> bool:
        """Whether `forward` takes the features of all layers before it, each by itself."""
        program = self.program
        return bool(program.gathered) and program.is_recomputed(self.definition)

    def chain(self, chains: list[Chain], lanes: list[Lane], wire: Wire, site: Site) -> Written:
        """Write the statements of all lanes, side by side."""
        written: Written = self.program.write_chain(self, chains, lanes, wire, site)
        return written

    def anonymous(self, nodes: list[Scope], lanes: list[Lane]) -> Code:
        """The constructor call of a combinator in a place; its class is written if it is new."""
        code: Code = self.program.write_anonymous(self, nodes, lanes)
        return code

    def _python_name(self, variable: str) -> str:
        for index in self.writer.indices:
            if index.variable == variable:
                return index.python
        return python_name(variable)

    # --- names ---------------------------------------------------------------------------

    def name(self, nodes: list[Any], lanes: list[Lane]) -> str:
        """A submodule's name; with a number that depends on the iteration, an f-string."""
        names = [node.name for node in nodes]
        if len(set(names)) == 1:
            self.attributes.setdefault(names[0], "")
            return str(names[0])
        stems = {name.rstrip("0123456789") for name in names}
        numbers = [name[len(name.rstrip("0123456789")) :] for name in names]
        if len(stems) > 1 or any(not n or n != str(int(n)) for n in numbers):
            raise Inexpressible("names that have no common stem")
        text = self.writer.value([int(n) for n in numbers], lanes)
        return f'f"{stems.pop()}{{{text}}}"'

    def attribute(self, wanted: str, what: str) -> str:
        """An attribute's name that is not taken yet."""
        name, number = wanted, 2
        while name in self.attributes:
            name, number = f"{wanted}{number}", number + 1
        self.attributes[name] = what
        return name

    # --- tensors -------------------------------------------------------------------------

    def wire(self, tensors: list[Tensor]) -> Wire:
        """The tensor in forward, which each lane has one of.

        A tensor that an `if` or loop passed on in one lane is there twice: what the other lanes
        have tells which is meant. Raises Inexpressible for one that is not in reach.
        """
        first, *others = [self._wires_of(tensor.root) for tensor in tensors]
        if len(first) == 1:
            return first[0]
        for wire in first:
            if all(wire in other for other in others):
                return wire
        raise Inexpressible("a tensor that is another one in each lane")

    def _wires_of(self, root: Tensor) -> tuple[Wire, ...]:
        if root not in self.wires:
            raise Inexpressible("a tensor from inside a loop or group")
        return (self.wires[root], *self.passed_on.get(root, ()))

    def new_wire(
        self, tensors: list[Tensor], label: str | None = None, through: Collection[Tensor] = ()
    ) -> Wire:
        """A tensor that a step makes, in all lanes; `through` as in `alias`."""
        hint, prefer = self.role
        root, shape = tensors[0].root, tensors[0].shape
        keep = label is not None and self.is_kept(root)
        if shape is not None and shape.columns:
            wire = Wire("columns", prefer=True, bundle=True)
        else:
            wire = Wire(label if label is not None and keep else hint, prefer, keep)
        self.alias(tensors, wire, through)
        return wire

    def is_kept(self, root: Tensor) -> bool:
        """Whether a tensor is used by its label, and by what follows."""
        return any(uses.counts[root] > 1 and root in uses.named for uses in self.uses)

    def alias(self, tensors: list[Tensor], wire: Wire, through: Collection[Tensor] = ()) -> None:
        """What each lane calls a wire; those in `through` keep the wire that they had, too."""
        for root in (tensor.root for tensor in tensors):
            if root in through:
                self.passed_on[root] = (*self.passed_on.get(root, ()), wire)
            else:
                self.wires[root] = wire

    def comment(self, nodes: list[Any], lanes: list[Lane]) -> str:
        """`64x112x112`: channels, then sizes; in the network, what params change by their names.

        Nothing where instances of a block, or iterations of a loop, differ.
        """
        shapes = [node.output.shape for node in nodes]
        if self.definition.block is None:
            own = {s for s, lane in zip(shapes, lanes, strict=True) if lane.instance == 0}
        else:
            own = set(shapes)
        if len(own) != 1:
            return ""
        rank = len(own.pop().dims)
        dims = [self.told([s.dims[at] for s in shapes], lanes) for at in range(rank)]
        plain = all(extent.isdigit() for extent in dims)
        return "x".join(dims) if plain or rank == 1 else f"({', '.join(dims)})"

    def told(self, values: list[Any], lanes: list[Lane]) -> str:
        """A number for the reader alone, by its expression where it has one."""
        used = set(self.writer.used)
        try:
            return self.writer.value(values, lanes)
        except Inexpressible:
            return str(symbolic.plain(values[0]))
        finally:
            self.writer.used = used

    # --- attempts ------------------------------------------------------------------------

    def attempt(self, work: Callable[[], Any], site: Site) -> Any:
        """Try to write something; None, and no trace of it, where it cannot be written."""
        restores, around = [site.keep()], site.outer
        while around is not None:
            restores.append(around.keep())
            around = around.outer
        wires, passed_on = dict(self.wires), dict(self.passed_on)
        used, attributes = set(self.writer.used), dict(self.attributes)
        place = self.role, self.scopes, self.has_sides
        outputs = len(self.outputs)
        try:
            return work()
        except (Inexpressible, NotAChain):
            for restore in restores:
                restore()
            self.wires, self.passed_on = wires, passed_on
            self.writer.used, self.attributes = used, attributes
            self.role, self.scopes, self.has_sides = place
            del self.outputs[outputs:]
            return None


def _owned(chain: Chain) -> Iterator[str]:
    """The names of modules that are a class's own, whether they come first or last."""
    for node in chain.nodes:
        match node:
            case Call() | Scope():
                yield node.name
            case Apply() if node.state:
                yield node.name
        if not isinstance(node, Scope):
            for inner in children(node):
                yield from _owned(inner)


def _asked(definition: Definition) -> set[str]:
    """What the block's `if`s ask for: with another value it might be another class."""
    found: set[str] = set()
    for body in definition.bodies:
        for node in walk(body.chain.nodes):
            if isinstance(node, Choice) and node.test is not None:
                found |= node.test.variables()
    return found


def _fixed(lanes: list[Lane], kept: set[str]) -> dict[str, symbolic.Expr]:
    """The numbers that all instances agree on."""
    return {
        name: symbolic.const(value)
        for name, value in lanes[0].env.items()
        if name not in kept
        and isinstance(value, int | float | tuple)
        and all(lane.env.get(name) == value for lane in lanes)
    }

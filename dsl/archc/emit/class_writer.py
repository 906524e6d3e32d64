"""What is known while one class is written: its instances, its numbers, its tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from archc import symbolic
from archc.analysis.uses import Uses
from archc.emit.constructor import Assign, Constructor, Paths
from archc.emit.flow import Step, Wire
from archc.emit.instances import Lane
from archc.emit.layout import Code, flat
from archc.emit.program import Definition, Program
from archc.emit.unify import ExprWriter
from archc.emit.values import NotUnifiable
from archc.plan import (
    Apply,
    BlockValue,
    Body,
    Call,
    Chain,
    Choice,
    Scope,
    Tensor,
    children,
    walk,
)

_SIZES = {
    **dict.fromkeys(("in.c", "#in", "#c"), "in_channels"),
    "in.w": "in_width",
    "in.h": "in_height",
    "in.d": "in_depth",
}

_OF_CONSTRUCTORS = ("self", "layers", "factory", "device", "dtype", "i", "j", "k", "m", "n")

Written = tuple[list[Step], Wire]  # the steps of forward, and the tensor after them


class NotAChain(Exception):
    """A group that is more than modules in a row: not an nn.Sequential."""


def zip_nodes(chains: list[Chain]) -> Iterator[list[Any]]:
    """The statements of all lanes, side by side. Raises NotUnifiable where they are not alike."""
    if len({len(chain.nodes) for chain in chains}) > 1:
        raise NotUnifiable("more statements in one than in the other")
    for nodes in zip(*(chain.nodes for chain in chains), strict=True):
        if len({type(node) for node in nodes}) > 1:
            raise NotUnifiable("statements of several kinds")
        yield list(nodes)


def python_name(variable: str) -> str:
    """The Python name of a variable of expressions: `in_channels`, `skip_channels`, `width`."""
    if variable.startswith("@"):
        tensor, _, axis = variable[1:].partition(".")
        return _SIZES[f"in.{axis}"].replace("in", tensor, 1)
    return _SIZES.get(variable, variable)


class ClassWriter:
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
        self.exprs = ExprWriter(self._python_name, fixed, definition.open)
        if definition.block is not None:
            self.allow_extras()
        self.uses: list[Uses] = [program.uses(body) for body in definition.bodies]
        self.root = Constructor()
        self.lanes = definition.lanes  # at the statement of the class itself that is written now
        self.constructors: dict[tuple[str, ...], Constructor] = {
            (): self.root
        }  # of groups that are no row
        self.scopes: tuple[str, ...] = ()
        self.wires: dict[Tensor, Wire] = {}
        self.passed_on: dict[Tensor, tuple[Wire, ...]] = {}  # further ones, in some lanes the same
        self.role = ("out", False)  # a name for new tensors, and whether to prefer it to `x`
        self.outputs: list[tuple[str, Wire]] = []
        self.has_sides = False
        # names that are taken, and what for
        self.root.paths = paths_of([body.chain for body in definition.bodies])
        self.attributes = {name.partition(".")[0]: "" for name in self.root.paths.names}
        self.names: dict[str, str] = {}  # the first attribute for each, unless it was taken back
        # constructor of something without state, a label or none -> its attribute
        self.stateless: dict[tuple[str, str | None], str] = {}
        # that attribute -> where it is made, the statement
        self.made: dict[str, tuple[Constructor, Assign]] = {}
        self.moves: list[Callable[[], None]] = []  # what takes back that a statement was moved
        self.write_out = False  # loops among modules in a row: each iteration by itself
        self.rows: set[tuple[str, ...]] = set()  # groups that became one module
        self.row_ends: set[Tensor] = set()  # the ends of groups: those may be used freely

    def allow_extras(self) -> None:
        """Whoever makes the class can hand over what its own arguments do not say."""
        self.exprs.extras = {}
        lanes = self.definition.lanes
        self.exprs.taken = {*_SIZES.values(), *_OF_CONSTRUCTORS, *lanes[0].env}

    @property
    def takes_features(self) -> bool:
        """Whether `forward` takes the features of all layers before it, each by itself."""
        program = self.program
        return bool(program.gathered) and program.is_recomputed(self.definition)

    def chain(
        self, chains: list[Chain], lanes: list[Lane], wire: Wire, constructor: Constructor
    ) -> Written:
        """Write the statements of all lanes, side by side."""
        written: Written = self.program.write_chain(self, chains, lanes, wire, constructor)
        return written

    def anonymous(self, nodes: list[Scope], lanes: list[Lane]) -> Code:
        """The constructor call of a combinator in a place; its class is written if it is new."""
        code: Code = self.program.write_anonymous(self, nodes, lanes)
        return code

    def _python_name(self, variable: str) -> str:
        for index in self.exprs.indices:
            if index.variable == variable:
                return index.python
        extras = self.exprs.extras or {}
        return extras[variable].name if variable in extras else python_name(variable)

    # --- names ---------------------------------------------------------------------------

    def name(self, nodes: list[Any], lanes: list[Lane]) -> str:
        """A submodule's name; with a number that depends on the iteration, an f-string."""
        names = [node.name for node in nodes]
        if len(set(names)) == 1:
            self.attributes.setdefault(names[0].partition(".")[0], "")
            return str(names[0])
        if any("." in name for name in names):
            raise NotUnifiable("paths that differ by iteration")
        stem, numbers = _numbered(nodes)
        expr = self.exprs.number_in_name(numbers, lanes)
        return f'f"{stem}{{{self.exprs.render(expr)}}}"'

    def access(
        self, name: str, nodes: list[Any], lanes: list[Lane], constructor: Constructor
    ) -> str:
        """How `forward` has a submodule of that name."""
        if not name.startswith('f"'):
            return constructor.access(name)
        stem, numbers = _numbered(nodes)
        text = self.in_forward(self.exprs.number_in_name(numbers, lanes))
        return constructor.access(f'f"{stem}{{{text}}}"')

    def in_forward(self, expr: symbolic.Expr) -> str:
        """An expression in `forward`: of what the constructor keeps, and of loops around."""
        return symbolic.render(expr, self._kept)

    def _kept(self, variable: str) -> str:
        for index in self.exprs.indices:
            if index.variable == variable:
                return index.python
        self.exprs.used.add(variable)
        argument = self._python_name(variable)
        if self.attributes.get(argument, argument) == argument:
            name = argument
            self._take(name, argument)
        else:
            name = self.attribute(f"{argument}_", argument)
        keep = Assign(f"self.{name}", argument)
        if keep not in self.root.body:
            self.root.body.append(keep)
        return f"self.{name}"

    def attribute(self, wanted: str, what: str) -> str:
        """An attribute's name that is not taken yet."""
        known = self.names.get(what)
        if what and known is not None and self.attributes.get(known) == what:
            return known
        name, number = wanted, 2
        while name in self.attributes:
            name, number = f"{wanted}{number}", number + 1
        self._take(name, what)
        return name

    def _take(self, name: str, what: str) -> None:
        self.attributes[name] = what
        if self.attributes.get(self.names.get(what, "")) != what:
            self.names[what] = name

    def keep_stateless(
        self, code: Code, wanted: str, label: str | None, constructor: Constructor
    ) -> str:
        """The attribute of a module or list without state: one for all uses that are equal.

        A label has one of its own. It is made where all of its uses can see it, and once, whatever
        loops are around.
        """
        text, constructor = flat(code), constructor.outermost
        name = self.stateless.get((text, label))
        if name is None:
            called = identifier(label) if label else wanted
            name = self.attribute(called, f"{label}: {text}" if label else text)
            statement = Assign(f"self.{name}", code)
            constructor.body.append(statement)
            self.stateless[text, name] = name
            self.stateless.setdefault((text, None), name)
            self.made[name] = constructor, statement
            return name
        home, statement = self.made[name]
        if home not in constructor.around:
            common = next(each for each in home.around if each in constructor.around)
            self._move(statement, home, common.outermost)
            self.made[name] = common.outermost, statement
        return name

    def _move(self, statement: Assign, home: Constructor, to: Constructor) -> None:
        at = home.body.index(statement)
        home.body.remove(statement)
        to.body.append(statement)

        def back() -> None:
            home.body.insert(at, statement)

        self.moves.append(back)

    # --- tensors -------------------------------------------------------------------------

    def wire(self, tensors: list[Tensor]) -> Wire:
        """The tensor in forward, which each lane has one of.

        A tensor that an `if` or loop passed on in one lane is there twice: what the other lanes
        have tells which is meant. Raises NotUnifiable for one that is not in reach.
        """
        first, *others = [self._wires_of(tensor.root) for tensor in tensors]
        if len(first) == 1:
            return first[0]
        for wire in first:
            if all(wire in other for other in others):
                return wire
        raise NotUnifiable("a tensor that is another one in each lane")

    def _wires_of(self, root: Tensor) -> tuple[Wire, ...]:
        if root not in self.wires:
            raise NotUnifiable("a tensor from inside a loop or group")
        return (self.wires[root], *self.passed_on.get(root, ()))

    def new_wire(
        self, tensors: list[Tensor], label: str | None = None, through: Collection[Tensor] = ()
    ) -> Wire:
        """A tensor that a step makes, in all lanes; `through` as in `alias`."""
        hint, prefer = self.role
        root, shape = tensors[0].root, tensors[0].shape
        label = root.name or (identifier(label) if label else None)
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
        if len({len(shape.dims) for shape in shapes}) > 1:
            return ""
        dims = [self.format_value([s.dims[at] for s in shapes], lanes) for at in range(rank)]
        if any(" if " in extent or "in_channels" in extent for extent in dims) or any(
            "//" in extent for extent in dims[1:]
        ):
            return ""  # nothing that one reads at a glance
        plain = all(extent.isdigit() for extent in dims)
        return "x".join(dims) if plain or rank == 1 else f"({', '.join(dims)})"

    def format_value(self, values: list[Any], lanes: list[Lane]) -> str:
        """A number for the reader alone, by its expression where it has one."""
        used = set(self.exprs.used)
        try:
            return self.exprs.value(values, lanes)
        except NotUnifiable:
            return str(symbolic.plain(values[0]))
        finally:
            self.exprs.used = used

    # --- tries ---------------------------------------------------------------------------

    def try_writing(self, work: Callable[[], Any], constructor: Constructor) -> Any:
        """Try to write something; None, and no trace of it, where it cannot be written."""
        restores, around = [constructor.keep()], constructor.outer
        while around is not None:
            restores.append(around.keep())
            around = around.outer
        wires, passed_on = dict(self.wires), dict(self.passed_on)
        used, attributes = set(self.exprs.used), dict(self.attributes)
        place = self.role, self.scopes, self.has_sides, self.lanes
        outputs, moves = len(self.outputs), len(self.moves)
        stateless, made = dict(self.stateless), dict(self.made)
        extras, choices = self.exprs.keep(), list(self.exprs.choices)
        try:
            return work()
        except (NotUnifiable, NotAChain):
            for restore in restores:
                restore()
            self.wires, self.passed_on = wires, passed_on
            self.exprs.used, self.attributes = used, attributes
            self.role, self.scopes, self.has_sides, self.lanes = place
            del self.outputs[outputs:]
            while len(self.moves) > moves:
                self.moves.pop()()
            self.stateless, self.made = stateless, made
            self.exprs.choices = choices
            extras()
            return None


def identifier(label: str) -> str:
    """A label as a variable: one that is a path has dots, and numbers may come first."""
    name = re.sub(r"\W", "_", label)
    return name if name.isidentifier() else f"layer_{name}"


def paths_of(chains: list[Chain]) -> Paths:
    """The names of modules in one scope, of all instances."""
    nodes = [node for chain in chains for node in owned(chain)]
    several = {n.name for n in nodes if isinstance(n, Call) and (n.tensors or n.gives)}
    is_list = all(node.name.isdigit() and not isinstance(node, Scope) for node in nodes)
    names = tuple(dict.fromkeys(node.name for node in nodes))
    return Paths(names, frozenset(several), is_list)


def owned(chain: Chain) -> Iterator[Apply | Call | Scope]:
    """The statements whose modules are a class's own, whether they come first or last."""
    for node in chain.nodes:
        match node:
            case Call() | Scope():
                yield node
            case Apply() if node.state:
                yield node
        if not isinstance(node, Scope):
            for inner in children(node):
                yield from owned(inner)


def _numbered(nodes: list[Any]) -> tuple[str, list[int]]:
    """What names have in common, and the numbers behind it. Raises NotUnifiable.

    Of `conv10` and `conv11` that is `conv`, where nobody wrote `conv1{i}`.
    """
    names = [node.name for node in nodes]
    kind = _kind(nodes[0]) if nodes[0].label is None else ""
    own = [len(kind)] if kind and all(name.startswith(kind) for name in names) else []
    for length in (*own, *range(min(map(len, names)), 0, -1)):
        if len({name[:length] for name in names}) > 1:
            continue
        numbers = [name[length:] for name in names]
        if all(n.isdecimal() and n == str(int(n)) for n in numbers):
            return names[0][:length], list(map(int, numbers))
    raise NotUnifiable("names that have no common stem")


def _kind(node: Any) -> str:
    """What an operator or block is called before its number."""
    match node:
        case Apply():
            return node.op.name
        case Call(body=Body(block=BlockValue(name=name))):
            return name
        case _:
            return ""


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

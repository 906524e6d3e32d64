"""`if`: gone where its outcome is the same in all instances, else an `if` of the constructor."""

from __future__ import annotations

from archc.emit.class_writer import ClassWriter, Written
from archc.emit.constructor import Assign, Constructor, Declare, IfStatement, Statement
from archc.emit.flow import Compute, Step, Test, Wire, texts
from archc.emit.instances import Lane
from archc.emit.layout import Bracketed, Code
from archc.emit.values import NotUnifiable
from archc.plan import Branches, Choice
from archc.symbolic import Expr


def write_choice(
    writer: ClassWriter,
    nodes: list[Choice],
    lanes: list[Lane],
    wire: Wire,
    constructor: Constructor,
) -> Written:
    outcomes, tests = [node.taken for node in nodes], [node.test for node in nodes]
    if len(set(outcomes)) == 1:
        if writer.exprs.may_flip(tests, lanes):
            raise NotUnifiable("an `if` whose other outcome no probe of a param has")
        steps, out = writer.chain([node.chain for node in nodes], lanes, wire, constructor)
        writer.alias([node.output for node in nodes], out)
        return steps, out
    statements = constructor.statements
    test = writer.exprs.condition(tests, outcomes, lanes, _flag(writer, nodes))
    through = {node.output.root for node in nodes if node.output.root in writer.wires}
    writer.exprs.ask(test)
    known = set(writer.wires)
    with writer.exprs.arm(test, True):
        then, then_out, then_made = _arm(writer, nodes, lanes, wire, constructor, True)
    with writer.exprs.arm(test, False):
        other, other_out, other_made = _arm(writer, nodes, lanes, wire, constructor, False)
    after = _hoist(then_made, other_made, constructor)
    alike = _equal(then, other) or (not then and not other and then_out is other_out)
    if not alike or then_made.body or other_made.body or writer.definition.block is None:
        writer.exprs.used |= test.variables()  # a param of the network is an argument in any case
    same = _paired(then, other) if alike else {}
    for inside in writer.wires.keys() - known:
        held = writer.wires[inside]
        if held in same:
            writer.wires[inside] = same[held]
        else:  # what one arm makes is not there for all
            del writer.wires[inside]
    if alike:
        if then_made.body or other_made.body:
            asked = writer.exprs.render(test)
            statements += [
                *_declared(then_made, other_made),
                IfStatement(asked, then_made.body, other_made.body),
            ]
        statements += after
        writer.alias([node.output for node in nodes], then_out)
        return then, then_out
    out = writer.new_wire([node.output for node in nodes], through=through)
    asked = _construct(writer, test, then_made, other_made, then, constructor, _flag(writer, nodes))
    if not {index.variable for index in writer.exprs.indices} & test.variables():
        writer.definition.questions |= dict.fromkeys(nodes, asked)
    statements += after
    condition = writer.exprs.render(test)
    return [Test(asked, then, other, wire, then_out, other_out, out, condition)], out


def _flag(writer: ClassWriter, nodes: list[Choice]) -> str:
    """What an attribute that keeps the outcome is called."""
    for node in nodes:
        first = node.chain.nodes[0] if node.taken and node.chain.nodes else None
        if isinstance(first, Branches) and first.merge.span.text.startswith("residual"):
            return "residual"
    role = writer.role[0]
    return f"has_{role}" if role != "out" else "extended"


def _arm(
    writer: ClassWriter,
    nodes: list[Choice],
    lanes: list[Lane],
    wire: Wire,
    constructor: Constructor,
    taken: bool,
) -> tuple[list[Step], Wire, Constructor]:
    inner = constructor.branch()
    members = [at for at, node in enumerate(nodes) if node.taken is taken]
    chains = [nodes[at].chain for at in members]
    writer.alias([chain.input for chain in chains], wire)
    steps, out = writer.chain(chains, [lanes[at] for at in members], wire, inner)
    return steps, out, inner


def _equal(then: list[Step], other: list[Step]) -> bool:
    """Whether both arms do the same, with modules of the same names."""
    if not then or any(
        not isinstance(step, Compute) or len(step.ins) != 1 for step in (*then, *other)
    ):
        return False
    return list(texts(then)) == list(texts(other))


def _paired(then: list[Step], other: list[Step]) -> dict[Wire, Wire]:
    """The tensors of two arms that do the same, as the first has them."""
    pairs = zip(then, other, strict=True)
    made = [(a.out, b.out) for a, b in pairs if isinstance(a, Compute) and isinstance(b, Compute)]
    return {**{a: a for a, _ in made}, **{b: a for a, b in made}}


def _hoist(then: Constructor, other: Constructor, constructor: Constructor) -> list[Statement]:
    """Take what both arms begin and end with out of them; gives the end."""
    while then.body and other.body and then.body[0] == other.body[0]:
        constructor.body.append(then.body.pop(0))
        other.body.pop(0)
    for statement in [s for s in then.body if _is_nothing_yet(s) and s in other.body]:
        constructor.body.append(statement)
        then.body.remove(statement)
        other.body.remove(statement)
    after: list[Statement] = []
    while then.body and other.body and then.body[-1] == other.body[-1]:
        after.insert(0, then.body.pop())
        other.body.pop()
    return after


def _is_nothing_yet(statement: Statement) -> bool:
    """`self.downsample: nn.Module | None = None`."""
    return isinstance(statement, Assign) and statement.code == "None"


def _declared(then: Constructor, other: Constructor) -> list[Statement]:
    """The attributes that both arms assign, unless to modules of the same class."""
    made = [{s.target: s.code for s in arm.body if isinstance(s, Assign)} for arm in (then, other)]
    both = sorted(made[0].keys() & made[1].keys())
    return [Declare(t, "nn.Module") for t in both if _head(made[0][t]) != _head(made[1][t])]


def _head(code: Code) -> str:
    return code.head if isinstance(code, Bracketed) else ""


def _construct(
    writer: ClassWriter,
    test: Expr,
    then: Constructor,
    other: Constructor,
    steps: list[Step],
    constructor: Constructor,
    flag: str,
) -> str:
    """The constructor's `if`; gives the question by which forward finds the outcome again."""
    asked = writer.exprs.render(test)
    arms = then.body, other.body
    of_loop = {index.variable for index in writer.exprs.indices} & test.variables()
    sole = None if constructor.in_loop else _sole_module(then, other, steps)
    if sole is not None:
        constructor.body.append(Assign(f"self.{sole}: nn.Module | None", "None"))
        constructor.body.append(IfStatement(asked, *arms))
        return f"self.{sole} is not None"
    if of_loop or (len(test.variables()) == 1 and asked.count(" ") <= 2):
        question = writer.in_forward(test)  # `stride > 1`: keep the argument itself
        constructor.body += _asking(asked, then, other)
        return question
    name = writer.attribute(flag, asked)
    keep = Assign(f"self.{name}", asked)
    if not constructor.has(keep):
        (constructor.outermost if constructor.in_loop else constructor).body.append(keep)
    constructor.body += _asking(f"self.{name}", then, other)
    return f"self.{name}"


def _asking(test: str, then: Constructor, other: Constructor) -> list[Statement]:
    if not then.body and not other.body:
        return []
    return [*_declared(then, other), IfStatement(test, then.body, other.body)]


def _sole_module(then: Constructor, other: Constructor, steps: list[Step]) -> str | None:
    """The one attribute that an arm makes and calls, if that is all that it does."""
    if other.body or len(then.body) != 1 or len(steps) != 1 or not isinstance(steps[0], Compute):
        return None
    made = then.body[0]
    if isinstance(made, Assign) and made.sign == "=" and made.target.startswith("self."):
        return made.target.removeprefix("self.")
    return None

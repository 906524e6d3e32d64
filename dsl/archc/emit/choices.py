"""`if`: gone where its outcome is the same in all instances, else an `if` of the constructor."""

from __future__ import annotations

from archc.emit.flow import Do, Step, Test, Wire, texts
from archc.emit.lanes import Inexpressible, Lane
from archc.emit.layout import Code, Group
from archc.emit.scribe import Scribe, Written
from archc.emit.site import Assign, Declare, If, Site, Statement
from archc.plan import Branches, Choice
from archc.symbolic import Expr


def write_choice(
    scribe: Scribe, nodes: list[Choice], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    outcomes, tests = [node.taken for node in nodes], [node.test for node in nodes]
    if len(set(outcomes)) == 1:
        if scribe.writer.may_flip(tests, lanes):
            raise Inexpressible("an `if` whose other outcome no probe of a param has")
        steps, out = scribe.chain([node.chain for node in nodes], lanes, wire, site)
        scribe.alias([node.output for node in nodes], out)
        return steps, out
    statements = site.statements
    test = scribe.writer.condition(tests, outcomes, lanes, _flag(scribe, nodes))
    through = {node.output.root for node in nodes if node.output.root in scribe.wires}
    scribe.writer.choices.append(test)
    known = set(scribe.wires)
    then, then_out, then_site = _arm(scribe, nodes, lanes, wire, site, True)
    other, other_out, other_site = _arm(scribe, nodes, lanes, wire, site, False)
    after = _hoist(then_site, other_site, site)
    alike = _equal(then, other) or (not then and not other and then_out is other_out)
    if not alike or then_site.body or other_site.body or scribe.definition.block is None:
        scribe.writer.used |= test.variables()  # a param of the network is an argument in any case
    same = _paired(then, other) if alike else {}
    for inside in scribe.wires.keys() - known:
        held = scribe.wires[inside]
        if held in same:
            scribe.wires[inside] = same[held]
        else:  # what one arm makes is not there for all
            del scribe.wires[inside]
    if alike:
        if then_site.body or other_site.body:
            asked = scribe.writer.render(test)
            statements += [
                *_declared(then_site, other_site),
                If(asked, then_site.body, other_site.body),
            ]
        statements += after
        scribe.alias([node.output for node in nodes], then_out)
        return then, then_out
    out = scribe.new_wire([node.output for node in nodes], through=through)
    flag = _flag(scribe, nodes)
    asked = _construct(scribe, test, then_site, other_site, then, site, flag)
    statements += after
    return [Test(asked, then, other, wire, then_out, other_out, out)], out


def _flag(scribe: Scribe, nodes: list[Choice]) -> str:
    """What an attribute that keeps the outcome is called."""
    for node in nodes:
        first = node.chain.nodes[0] if node.taken and node.chain.nodes else None
        if isinstance(first, Branches) and first.keyword == "residual":
            return "residual"
    role = scribe.role[0]
    return f"has_{role}" if role != "out" else "extended"


def _arm(
    scribe: Scribe, nodes: list[Choice], lanes: list[Lane], wire: Wire, site: Site, taken: bool
) -> tuple[list[Step], Wire, Site]:
    inner = site.arm()
    members = [at for at, node in enumerate(nodes) if node.taken is taken]
    chains = [nodes[at].chain for at in members]
    scribe.alias([chain.input for chain in chains], wire)
    steps, out = scribe.chain(chains, [lanes[at] for at in members], wire, inner)
    return steps, out, inner


def _equal(then: list[Step], other: list[Step]) -> bool:
    """Whether both arms do the same, with modules of the same names."""
    if not then or any(not isinstance(step, Do) or len(step.ins) != 1 for step in (*then, *other)):
        return False
    return list(texts(then)) == list(texts(other))


def _paired(then: list[Step], other: list[Step]) -> dict[Wire, Wire]:
    """The tensors of two arms that do the same, as the first has them."""
    pairs = zip(then, other, strict=True)
    made = [(a.out, b.out) for a, b in pairs if isinstance(a, Do) and isinstance(b, Do)]
    return {**{a: a for a, _ in made}, **{b: a for a, b in made}}


def _hoist(then: Site, other: Site, site: Site) -> list[Statement]:
    """Take what both arms begin and end with out of them; gives the end."""
    while then.body and other.body and then.body[0] == other.body[0]:
        site.body.append(then.body.pop(0))
        other.body.pop(0)
    for statement in [s for s in then.body if _is_nothing_yet(s) and s in other.body]:
        site.body.append(statement)
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


def _declared(then: Site, other: Site) -> list[Statement]:
    """The attributes that both arms assign, unless to modules of the same class."""
    made = [{s.target: s.code for s in arm.body if isinstance(s, Assign)} for arm in (then, other)]
    both = sorted(made[0].keys() & made[1].keys())
    return [Declare(t, "nn.Module") for t in both if _head(made[0][t]) != _head(made[1][t])]


def _head(code: Code) -> str:
    return code.head if isinstance(code, Group) else ""


def _construct(
    scribe: Scribe,
    test: Expr,
    then: Site,
    other: Site,
    steps: list[Step],
    site: Site,
    flag: str,
) -> str:
    """The constructor's `if`; gives the question by which forward finds the outcome again."""
    asked = scribe.writer.render(test)
    arms = then.body, other.body
    of_loop = {index.variable for index in scribe.writer.indices} & test.variables()
    sole = None if site.in_loop else _sole_module(then, other, steps)
    if sole is not None:
        site.body.append(Assign(f"self.{sole}: nn.Module | None", "None"))
        site.body.append(If(asked, *arms))
        return f"self.{sole} is not None"
    if of_loop or (len(test.variables()) == 1 and asked.count(" ") <= 2):
        question = scribe.in_forward(test)  # `stride > 1`: keep the argument itself
        site.body += _asking(asked, then, other)
        return question
    name = scribe.attribute(flag, asked)
    keep = Assign(f"self.{name}", asked)
    if not site.has(keep):
        (site.outermost if site.in_loop else site).body.append(keep)
    site.body += _asking(f"self.{name}", then, other)
    return f"self.{name}"


def _asking(test: str, then: Site, other: Site) -> list[Statement]:
    if not then.body and not other.body:
        return []
    return [*_declared(then, other), If(test, then.body, other.body)]


def _sole_module(then: Site, other: Site, steps: list[Step]) -> str | None:
    """The one attribute that an arm makes and calls, if that is all that it does."""
    if other.body or len(then.body) != 1 or len(steps) != 1 or not isinstance(steps[0], Do):
        return None
    made = then.body[0]
    if isinstance(made, Assign) and made.sign == "=" and made.target.startswith("self."):
        return made.target.removeprefix("self.")
    return None

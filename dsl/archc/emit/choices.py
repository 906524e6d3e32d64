"""`if`: gone where its outcome is the same in all instances, else an `if` of the constructor."""

from __future__ import annotations

from archc.emit.flow import Do, Step, Test, Wire, texts
from archc.emit.lanes import Inexpressible, Lane
from archc.emit.scribe import Scribe, Written
from archc.emit.site import Assign, Declare, If, Site, Statement
from archc.plan import Choice


def write_choice(
    scribe: Scribe, nodes: list[Choice], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    outcomes = [node.taken for node in nodes]
    if len(set(outcomes)) == 1:
        if scribe.writer.may_flip([node.test for node in nodes], lanes):
            raise Inexpressible("an `if` whose other outcome no probe of a param has")
        steps, out = scribe.chain([node.chain for node in nodes], lanes, wire, site)
        scribe.alias([node.output for node in nodes], out)
        return steps, out
    statements = site.statements
    test, asked_for = _test(scribe, nodes, lanes)
    through = {node.output.root for node in nodes if node.output.root in scribe.wires}
    then, then_out, then_site = _arm(scribe, nodes, lanes, wire, site, True)
    other, other_out, other_site = _arm(scribe, nodes, lanes, wire, site, False)
    after = _hoist(then_site, other_site, site)
    alike = _equal(then, other) or (not then and not other and then_out is other_out)
    if not alike or then_site.body or other_site.body or scribe.definition.block is None:
        scribe.writer.used |= asked_for  # a param of the network is an argument in any case
    if alike:
        if then_site.body or other_site.body:
            statements += [
                *_declared(then_site, other_site),
                If(test, then_site.body, other_site.body),
            ]
        statements += after
        scribe.alias([node.output for node in nodes], then_out)
        return then, then_out
    out = scribe.new_wire([node.output for node in nodes], through=through)
    asked = _construct(scribe, test, then_site, other_site, then, site)
    statements += after
    return [Test(asked, then, other, wire, then_out, other_out, out)], out


def _test(scribe: Scribe, nodes: list[Choice], lanes: list[Lane]) -> tuple[str, set[str]]:
    """The condition, and the variables in it: no arguments of the class if both arms are alike."""
    used, scribe.writer.used = scribe.writer.used, set()
    tests, outcomes = [node.test for node in nodes], [node.taken for node in nodes]
    try:
        return scribe.writer.test(tests, outcomes, lanes), scribe.writer.used
    finally:
        scribe.writer.used = used


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


def _hoist(then: Site, other: Site, site: Site) -> list[Statement]:
    """Take what both arms begin and end with out of them; gives the end."""
    while then.body and other.body and then.body[0] == other.body[0]:
        site.body.append(then.body.pop(0))
        other.body.pop(0)
    after: list[Statement] = []
    while then.body and other.body and then.body[-1] == other.body[-1]:
        after.insert(0, then.body.pop())
        other.body.pop()
    return after


def _declared(then: Site, other: Site) -> list[Statement]:
    """The attributes that both arms assign."""
    targets = [{s.target for s in arm.body if isinstance(s, Assign)} for arm in (then, other)]
    return [Declare(target, "nn.Module") for target in sorted(targets[0] & targets[1])]


def _construct(
    scribe: Scribe, test: str, then: Site, other: Site, steps: list[Step], site: Site
) -> str:
    """The constructor's `if`; gives the question by which forward finds the outcome again."""
    sole = _sole_module(then, other, steps)
    if sole is not None:
        site.body.append(Assign(f"self.{sole}: nn.Module | None", "None"))
        site.body.append(If(test, then.body, other.body))
        return f"self.{sole} is not None"
    variable = test.split(" ")[0]
    simple = test.count(" ") == 2 and variable.isidentifier()
    if simple and scribe.attributes.get(variable, variable) == variable:
        scribe.attributes[variable] = variable  # `stride > 1`: keep the argument itself
        keep = Assign(f"self.{variable}", variable)
        if not site.has(keep):
            site.body.append(keep)
        site.body += [*_declared(then, other), If(test, then.body, other.body)]
        return f"self.{test}"
    role = scribe.role[0]
    name = scribe.attribute(f"has_{role}" if role != "out" else "extended", test)
    site.body.append(Assign(f"self.{name}", test))
    site.body += [*_declared(then, other), If(f"self.{name}", then.body, other.body)]
    return f"self.{name}"


def _sole_module(then: Site, other: Site, steps: list[Step]) -> str | None:
    """The one attribute that an arm makes and calls, if that is all that it does."""
    if other.body or len(then.body) != 1 or len(steps) != 1 or not isinstance(steps[0], Do):
        return None
    made = then.body[0]
    if isinstance(made, Assign) and made.sign == "=" and made.target.startswith("self."):
        return made.target.removeprefix("self.")
    return None

"""One class: its constructor's lines and its forward's steps, written for all instances at once.

The nodes of all instances are walked side by side (they come from the same statements). See
`lanes` for how numbers are written and `forward` for how steps become lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from archc import symbol, syntax
from archc.emit.forward import Do, Repeat, Side, Step, Test, Wire
from archc.emit.lanes import Index, Inexpressible, Lane, Writer, literal
from archc.emit.layout import Code, Group, Item, call, flat, lay
from archc.emit.program import BodyFacts, Definition, Program
from archc.ops import Call as ModuleCall
from archc.ops import Op
from archc.plan import (
    Again,
    Apply,
    Aux,
    Branches,
    Call,
    Chain,
    Choice,
    Goto,
    Loop,
    Mark,
    Scope,
    Tensor,
    walk,
)

_SIZES = {"in.c": "in_channels", "in.w": "in_width", "in.h": "in_height", "in.d": "in_depth"}
_SAVE_INPUT = frozenset(
    ("conv", "linear", "norm", "merge", "pool")
)  # their output may be overwritten


def python_name(variable: str) -> str:
    """The Python name of a variable of expressions."""
    return _SIZES.get(variable, variable)


class NotAChain(Exception):
    """A group that is more than modules in a row: not an nn.Sequential."""


# --- where submodules go -----------------------------------------------------------------


@dataclass
class Site:
    """`self`: submodules are attributes, made by lines of the constructor."""

    lines: list[str] = field(default_factory=list)
    indent: int = 8
    in_loop: bool = False
    shared: dict[str, str] = field(default_factory=dict)  # constructor -> attribute

    def add(self, name: str, code: Code) -> None:
        if name.startswith('f"') or not name.isidentifier():
            self.emit(
                "", call("self.add_module", name if name.startswith('f"') else f'"{name}"', code)
            )
        else:
            self.emit(f"self.{name} = ", code)

    def access(self, name: str) -> str:
        if name.startswith('f"'):
            return f"getattr(self, {name})"
        return f"self.{name}" if name.isidentifier() else f'getattr(self, "{name}")'

    def emit(self, prefix: str, code: Code, suffix: str = "") -> None:
        self.lines += lay(prefix, code, suffix, self.indent)

    def nested(self, in_loop: bool = False) -> Site:
        return Site([], self.indent + 4, in_loop or self.in_loop, self.shared)


@dataclass
class DictSite(Site):
    """An nn.ModuleDict: a group whose tensors are used from outside, or that does more than a row."""

    path: str = ""
    items: list[Item] = field(default_factory=list)

    def add(self, name: str, code: Code) -> None:
        if name.startswith('f"'):
            raise Inexpressible("a loop in a group that is no row")
        self.items.append(Item(code, f'"{name}": '))

    def access(self, name: str) -> str:
        return f'{self.path}["{name}"]'

    def code(self) -> Code:
        return call("nn.ModuleDict", Group("", tuple(self.items), "{}", rows=len(self.items) > 1))


# --- the builder -------------------------------------------------------------------------


class Builder:
    """Writes one definition. `build` fills `site` and gives the steps of forward."""

    def __init__(self, program: Program, definition: Definition) -> None:
        self.program = program
        self.definition = definition
        formals = definition.block.tree.formals if definition.block is not None else ()
        kept = {f.name.id for f in formals if f.default is None}
        self.writer = Writer(self._python_name, kept, _fixed(definition.lanes, kept))
        self.wires: dict[Tensor, Wire] = {}
        self.sites: dict[tuple[str, ...], Site] = {}
        self.scopes: tuple[str, ...] = ()
        self.role = ("out", False)
        self.outputs: list[tuple[str, Wire]] = []
        self.sides: list[str] = []
        self.attributes: dict[str, str] = {}  # class attribute -> constructor it came from
        self.rows: set[tuple[str, ...]] = set()  # groups that became one module
        self.row_ends: set[Tensor] = set()  # the ends of groups: those may be used freely
        self.body_facts: list[BodyFacts] = [program.facts(body) for body in definition.bodies]

    @property
    def facts(self) -> BodyFacts:
        return self.body_facts[0]

    def _python_name(self, variable: str) -> str:
        for index in self.writer.indices:
            if index.variable == variable:
                return index.python
        return "in_channels" if variable == "#c" else python_name(variable)

    # --- chains and nodes ----------------------------------------------------------------

    def chain(
        self, chains: list[Chain], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        """The statements of all lanes, side by side, as steps; and the tensor after them."""
        steps: list[Step] = []
        for c in chains:
            self.wires.setdefault(c.input.root, wire)
        for nodes in zip(*(c.nodes for c in chains), strict=True):
            made, wire = self.node(list(nodes), lanes, wire, site)
            steps += made
        return steps, wire

    def node(
        self, nodes: list[Any], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        kinds = {type(node) for node in nodes}
        if len(kinds) > 1:
            raise Inexpressible("statements that are of several kinds")
        match nodes[0]:
            case Apply():
                return self._apply(nodes, lanes, site)
            case Call():
                return self._call(nodes, lanes, wire, site)
            case Branches():
                return self._branches(nodes, lanes, wire, site)
            case Choice():
                return self._choice(nodes, lanes, wire, site)
            case Loop():
                return self._loop(nodes, lanes, wire, site)
            case Scope():
                return self._scope(nodes, lanes, wire, site)
            case Again():
                return self._again(nodes, lanes, wire)
            case Goto():
                return [], self._wire(nodes[0].output)
            case Aux():
                return self._aux(nodes, lanes, wire, site)
            case Mark():
                self.outputs.append((nodes[0].name, wire))
                wire.uses += 1
                return [], wire
        raise AssertionError(nodes[0])

    # --- operators -----------------------------------------------------------------------

    def _apply(self, nodes: list[Apply], lanes: list[Lane], site: Site) -> tuple[list[Step], Wire]:
        first = nodes[0]
        ins = [self._wire(x) for x in first.inputs]
        out = self._new_wire([n.output for n in nodes], first.label)
        write = self._operator(nodes, lanes, site, ins)
        return [Do(out, ins, write, first.op.category, self._comment(nodes, lanes))], out

    def _operator(
        self, nodes: list[Apply], lanes: list[Lane], site: Site, ins: list[Wire]
    ) -> Callable[..., str]:
        first = nodes[0]
        inline = [n.op.inline(*(f"<{k}>" for k in range(len(ins)))) for n in nodes]
        if inline[0] is not None and len(set(inline)) == 1 and not first.op.weights(*first.shapes):
            return _inlined(first.op, ins)
        code = self.module(nodes, lanes)
        if first.op.weights(*first.shapes) or first.op.buffers(*first.shapes):
            name = self._name(nodes, lanes)
            if not first.again:
                site.add(name, code)
            access = site.access(name)
        else:
            access = self._share(first, code, site)
        return _called(access, first.op, ins)

    def _note_shared(self, nodes: list[Apply]) -> None:
        for node in nodes:
            wanted = node.op.shared(*node.shapes)
            if wanted is not None:
                _, extent = self.program.shared.get(wanted.name, ("", 0))
                extent = max(extent, symbol.plain(wanted.extent))
                self.program.shared[wanted.name] = (wanted.target, extent)

    def module(self, nodes: list[Apply], lanes: list[Lane]) -> Code:
        """The constructor call of an operator's module."""
        calls = [n.op.torch(*n.shapes) for n in nodes]
        made = [c for c in calls if c is not None]
        if len(made) < len(calls) or len({c.target for c in made}) > 1:
            raise Inexpressible("modules of several kinds")
        items = [Item(self.writer.value([c.positional[at] for c in made], lanes))
                 for at in range(len(made[0].positional))]  # fmt: skip
        for at, keyword in enumerate(made[0].keyword):
            values = [c.keyword[at].value for c in made]
            if any(symbol.plain(v) != keyword.default for v in values):
                items.append(Item(self.writer.value(values, lanes), keyword.name))
        if all(self._may_overwrite(n, lane) for n, lane in zip(nodes, lanes, strict=True)):
            items.append(Item("True", "inplace"))
        self._note_support(made[0])
        self._note_shared(nodes)
        return call(made[0].target, *items)

    def _note_support(self, made: ModuleCall) -> None:
        if not made.target.startswith("nn."):
            self.program.support.setdefault(made.target)

    def _may_overwrite(self, node: Apply, lane: Lane) -> bool:
        """Whether an activation may work in place: nobody else needs its input, autograd neither."""
        facts, x = self.body_facts[lane.instance], node.inputs[0].root
        maker = facts.makers.get(x)
        if not node.op.inplace or not isinstance(maker, Apply):
            return False
        return facts.uses[x] == 1 and maker.op.category in _SAVE_INPUT

    def _share(self, node: Apply, code: Code, site: Site) -> str:
        """The attribute of a module without state: one for all uses that are equal."""
        text = flat(code)
        found = site.shared.get(text)
        if found is not None and (node.label is None or node.label == found):
            return f"self.{found}"
        wanted = node.label or node.op.name
        name, number = wanted, 2
        while name in self.attributes:
            name, number = f"{wanted}{number}", number + 1
        self.attributes[name] = text
        site.shared.setdefault(text, name)
        if site.in_loop:
            self.late.append((name, code))
        else:
            self._root_of(site).emit(f"self.{name} = ", code)
        return f"self.{name}"

    def _root_of(self, site: Site) -> Site:
        return self.sites[()] if isinstance(site, DictSite) else site

    @property
    def late(self) -> list[tuple[str, Code]]:
        """Shared modules first met inside a loop: made before it."""
        return self.__dict__.setdefault("_late", [])  # type: ignore[no-any-return]

    # --- blocks --------------------------------------------------------------------------

    def _call(
        self, nodes: list[Call], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        first = nodes[0]
        name = self._name(nodes, lanes)
        if not first.again:
            site.add(name, self.instance(nodes, lanes))
        access = site.access(name)
        wire = self._wire(first.input)
        out = self._new_wire([n.output for n in nodes], first.label)
        return [
            Do(out, [wire], lambda x: f"{access}({x})", "block", self._comment(nodes, lanes))
        ], out

    def instance(self, nodes: list[Call], lanes: list[Lane]) -> Code:
        """`Bottleneck(256, 64, stride=2)`."""
        definitions = {self.program.of_body[n.body] for n in nodes}
        if len(definitions) > 1:
            raise Inexpressible("blocks of several classes")
        definition = definitions.pop()
        items = []
        for parameter in definition.parameters:
            values = [
                _argument(n, parameter.variable, lane) for n, lane in zip(nodes, lanes, strict=True)
            ]
            text = self.writer.value(values, lanes)
            if parameter.default is None:
                items.append(Item(text))
            elif text != literal(parameter.default):
                items.append(Item(text, parameter.name))
        return call(definition.name, *items)

    # --- combinators ---------------------------------------------------------------------

    def _branches(
        self, nodes: list[Branches], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        first = nodes[0]
        steps: list[Step] = []
        wire = self._wire(first.input)
        outer = self.role
        for at in range(len(first.branches)):
            self.role = _role(first, at)
            made, _ = self.chain([n.branches[at] for n in nodes], lanes, wire, site)
            steps += made
        self.role = outer
        merges = [n.merge for n in nodes]
        ins = [self._wire(x) for x in merges[0].inputs]
        out = self._new_wire([m.output for m in merges], None)
        write = self._operator(merges, lanes, site, ins)
        return [*steps, Do(out, ins, write, "merge", self._comment(merges, lanes))], out

    def _aux(
        self, nodes: list[Aux], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        self.role = ("side_x", True)
        body, result = self.chain([n.chain for n in nodes], lanes, wire, site)
        self.role = ("out", False)
        self.sides.append(nodes[0].name)
        return [Side(body, result, nodes[0].name)], wire

    def _again(self, nodes: list[Again], lanes: list[Lane], wire: Wire) -> tuple[list[Step], Wire]:
        outer, self.scopes = self.scopes, nodes[0].scopes
        if self.scopes not in self.sites:
            raise Inexpressible("a statement that runs again from inside a loop")
        steps, wire = self.chain([n.chain for n in nodes], lanes, wire, self.sites[self.scopes])
        self.scopes = outer
        return steps, wire

    # --- if ------------------------------------------------------------------------------

    def _choice(
        self, nodes: list[Choice], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        outcomes = [node.taken for node in nodes]
        if len(set(outcomes)) == 1:
            steps, out = self.chain([n.chain for n in nodes], lanes, wire, site)
            self._alias([n.output for n in nodes], out)
            return steps, out
        if isinstance(site, DictSite):
            raise Inexpressible("an `if` in a group that is no row")
        test = self.writer.test([node.test for node in nodes], outcomes, lanes)
        arms = [self._arm(nodes, lanes, wire, site, taken) for taken in (True, False)]
        (then, then_out, then_site), (other, other_out, other_site) = arms
        out = self._new_wire([n.output for n in nodes], None)
        flag = self._flag(test, then_site, other_site, then, site)
        return [Test(flag, then, other, wire, then_out, other_out, out)], out

    def _arm(
        self, nodes: list[Choice], lanes: list[Lane], wire: Wire, site: Site, taken: bool
    ) -> tuple[list[Step], Wire, Site]:
        inner = site.nested()
        inner.shared = dict(site.shared)
        members = [at for at, node in enumerate(nodes) if node.taken is taken]
        chains = [nodes[at].chain for at in members]
        for chain in chains:
            self.wires[chain.input.root] = wire
        steps, out = self.chain(chains, [lanes[at] for at in members], wire, inner)
        return steps, out, inner

    def _flag(self, test: str, then: Site, other: Site, steps: list[Step], site: Site) -> str:
        """The constructor's `if`, and how forward asks for its outcome."""
        pad = " " * site.indent
        sole = _sole_module(then, other, steps)
        if sole is not None:
            site.lines.append(f"{pad}self.{sole}: nn.Module | None = None")
            site.lines += [f"{pad}if {test}:", *then.lines]
            return f"self.{sole} is not None"
        variable = test.split(" ")[0]
        if (
            test.count(" ") == 2
            and variable.isidentifier()
            and self.attributes.get(variable, variable) == variable
        ):
            self.attributes[variable] = variable  # `stride > 1`: keep the argument itself
            site.lines.append(f"{pad}self.{variable} = {variable}")
            self._arms(test, then, other, site)
            return f"self.{test}"
        wanted = f"has_{self.role[0]}" if self.role[0] != "out" else "extended"
        name, number = wanted, 2
        while name in self.attributes:
            name, number = f"{wanted}{number}", number + 1
        self.attributes[name] = test
        site.lines.append(f"{pad}self.{name} = {test}")
        self._arms(f"self.{name}", then, other, site)
        return f"self.{name}"

    def _arms(self, test: str, then: Site, other: Site, site: Site) -> None:
        pad = " " * site.indent
        if then.lines:
            site.lines += [f"{pad}if {test}:", *then.lines]
        if other.lines:
            negated = f"not ({test})" if " " in test else f"not {test}"
            site.lines += [f"{pad}else:" if then.lines else f"{pad}if {negated}:", *other.lines]

    # --- loops ---------------------------------------------------------------------------

    def _loop(
        self, nodes: list[Loop], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        counts = {len(node.iterations) for node in nodes}
        if counts == {0}:
            self._alias([n.output for n in nodes], wire)
            return [], wire
        if (len(counts) > 1 or counts.pop() > 2) and not isinstance(site, DictSite):
            rolled = self._attempt(lambda: self._rolled(nodes, lanes, wire, site), site)
            if rolled is not None:
                return rolled
        if len({len(node.iterations) for node in nodes}) > 1:
            raise Inexpressible("a loop whose count differs")
        return self._unrolled(nodes, lanes, wire, site)

    def _unrolled(
        self, nodes: list[Loop], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        steps: list[Step] = []
        for k in range(len(nodes[0].iterations)):
            chains = [n.iterations[k] for n in nodes]
            for chain in chains:
                self.wires[chain.input.root] = wire
            with self.iteration(nodes, k):
                made, wire = self.chain(chains, lanes, wire, site)
            steps += made
        self._alias([n.output for n in nodes], wire)
        return steps, wire

    def _rolled(
        self, nodes: list[Loop], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        if any(
            self._escapes(n, self.body_facts[lane.instance])
            for n, lane in zip(nodes, lanes, strict=True)
        ):
            raise Inexpressible("a label in a loop is used outside of it")
        with self.looping(nodes, lanes) as (index, inner_lanes, header):
            inner = site.nested(in_loop=True)
            body_in = Wire()
            chains = [chain for node in nodes for chain in node.iterations]
            for chain in chains:
                self.wires[chain.input.root] = body_in
            late = len(self.late)
            body, body_out = self.chain(chains, inner_lanes, body_in, inner)
            for name, code in self.late[late:]:
                site.emit(f"self.{name} = ", code)
            del self.late[late:]
            text = header()
        if inner.lines:
            site.lines += [" " * site.indent + text, *inner.lines]
        out = self._new_wire([n.output for n in nodes], None)
        return [
            Repeat(
                self._forward_header(text, nodes, body, site), body, wire, body_in, body_out, out
            )
        ], out

    def _forward_header(self, header: str, nodes: list[Loop], body: list[Step], site: Site) -> str:
        """The loop's head in forward: over numbers, or over what the constructor kept."""
        index, rest = header.removeprefix("for ").split(" in ", 1)
        if not rest.startswith("range("):
            raise Inexpressible("a loop over a list, with steps between its modules")
        count = rest.removeprefix("range(").removesuffix("):")
        if not count.isdigit():
            name = count if count.isidentifier() and count not in self.attributes else "repeats"
            while name in self.attributes:
                name += "_"
            self.attributes[name] = count
            site.lines.append(f"{' ' * site.indent}self.{name} = {count}")
            count = f"self.{name}"
        used = any(re.search(rf"{{[^}}]*\b{index}\b", text) for text in _texts(body))
        return f"for {index if used else '_'} in range({count}):"

    @contextmanager
    def looping(
        self, nodes: list[Loop], lanes: list[Lane]
    ) -> Iterator[tuple[Index, list[Lane], Callable[[], str]]]:
        """Within, numbers may depend on the iteration: gives the lanes and, at the end, the header."""
        first = nodes[0]
        variable = f"#i{sum(bool(index.variable) for index in self.writer.indices)}"
        counting = isinstance(first.tree, syntax.For) and first.tree.stop is not None
        wanted = first.names[0] if counting else "ijkmn"[len(self.writer.indices) % 5]
        author: dict[str, symbol.Expr] = {}
        if counting and first.start is not None:
            start = self.writer._inside(first.start)
            author[first.names[0]] = symbol.add(start, symbol.var(variable))
        index = Index(variable, self._loop_name(wanted), author)
        inner = [
            lane.with_(**{variable: k}, **_bound(node, k))
            for lane, node in zip(lanes, nodes, strict=True)
            for k in range(len(node.iterations))
        ]
        used = set(self.writer.used)
        counts = [symbol.traced(len(n.iterations), self.writer._inside(n.count)) for n in nodes]
        items = [_items(node) for node in nodes]
        self.writer.indices.append(index)

        def header() -> str:
            names = set(first.names) & (self.writer.used - used)
            uses_index = variable in self.writer.used
            self.writer.indices.remove(index)
            if not counting and first.names and names:
                text = self.writer.value(items, lanes)
                target = ", ".join(n if n in names else f"_{n}" for n in first.names)
                self.writer.indices.append(index)
                return (f"for {index.python}, ({target}) in enumerate({text}):" if uses_index and len(first.names) > 1
                        else f"for {index.python}, {target} in enumerate({text}):" if uses_index
                        else f"for {target} in {text}:")  # fmt: skip
            count = self.writer.value(counts, lanes)
            self.writer.indices.append(index)
            return f"for {index.python if uses_index else '_'} in range({count}):"

        try:
            yield index, inner, header
        finally:
            self.writer.indices.remove(index)
            # a list loop's own names are no constructor arguments; nor is an index
            self.writer.used -= {variable, *(set(first.names) - used)}

    @contextmanager
    def iteration(self, nodes: list[Loop], k: int) -> Iterator[None]:
        """Within, one iteration is written out: the loop's names are what they stand for in it."""
        author: dict[str, symbol.Expr] = {}
        for at, name in enumerate(nodes[0].names):
            values = {symbol.plain(node.values[k][at]) for node in nodes}
            value = values.pop()
            if nodes[0].start is not None:
                author[name] = symbol.add(self.writer._inside(nodes[0].start), symbol.const(k))
            elif not values and isinstance(value, int | float):
                author[name] = symbol.const(value)
        index = Index("", "", author)
        self.writer.indices.append(index)
        try:
            yield
        finally:
            self.writer.indices.remove(index)

    def _loop_name(self, wanted: str) -> str:
        taken = {index.python for index in self.writer.indices} | {"l", "I", "O"}  # ambiguous
        return next(n for n in (wanted, *"ijkmn") if n not in taken)

    def _escapes(self, node: Loop, facts: BodyFacts) -> bool:
        """Whether a tensor made in one iteration is used outside of it (but for the carried one)."""
        for chain in node.iterations:
            inside: dict[Tensor, int] = {}
            for inner in walk(chain.nodes):
                if isinstance(inner, Goto) and inner.output.root not in inside:
                    return True  # comes from outside by its label
                if isinstance(inner, Apply | Call):
                    inside.setdefault(inner.output.root, 0)
                    for x in inner.inputs if isinstance(inner, Apply) else (inner.input,):
                        root = x.root
                        if root in inside:
                            inside[root] += 1
                        elif root is not chain.input.root:
                            return True
                if isinstance(inner, Aux | Mark | Again):
                    return True
            last = chain.output.root
            if any(
                facts.uses[t] != n for t, n in inside.items() if t is not last and t in facts.makers
            ):
                return True
        ends = [chain.output.root for chain in node.iterations[:-1]]
        return any(end in facts.named for end in ends)

    def _attempt(self, work: Callable[[], Any], site: Site) -> Any:
        """Try to write something; leave no trace where it cannot be written."""
        lines, shared = list(site.lines), dict(site.shared)
        kept = dict(self.wires), set(self.writer.used), dict(self.attributes), list(self.late)
        place = self.role, self.scopes, len(self.outputs), len(self.sides)
        try:
            return work()
        except (Inexpressible, NotAChain):
            site.lines[:] = lines
            site.shared.clear()
            site.shared.update(shared)
            self.wires, self.writer.used, self.attributes = kept[0], kept[1], kept[2]
            self.late[:] = kept[3]
            self.role, self.scopes = place[:2]
            del self.outputs[place[2] :], self.sides[place[3] :]
            return None

    # --- groups --------------------------------------------------------------------------

    def _scope(
        self, nodes: list[Scope], lanes: list[Lane], wire: Wire, site: Site
    ) -> tuple[list[Step], Wire]:
        from archc.emit.sequential import sequential

        name = self._name(nodes, lanes)
        path = (*self.scopes, nodes[0].name)
        outer, self.scopes = self.scopes, path
        try:
            if not any(path in facts.reused for facts in self.body_facts):
                self.row_ends |= {n.output.root for n in nodes}
                code = None
                if not nodes[0].again:
                    code = self._attempt(lambda: sequential(self, nodes, lanes, site), site)
                if code is not None:
                    site.add(name, code)
                    self.rows.add(path)
                if path in self.rows:
                    access = site.access(name)
                    source = self._wire(nodes[0].chain.input)
                    out = self._new_wire([n.output for n in nodes], nodes[0].label)
                    do = Do(
                        out,
                        [source],
                        lambda x: f"{access}({x})",
                        "block",
                        self._comment(nodes, lanes),
                    )
                    return [do], out
            return self._inline_scope(nodes, lanes, wire, site, name)
        finally:
            self.scopes = outer

    def _inline_scope(
        self, nodes: list[Scope], lanes: list[Lane], wire: Wire, site: Site, name: str
    ) -> tuple[list[Step], Wire]:
        if name.startswith('f"'):
            raise Inexpressible("a group in a loop that is no row")
        inner = DictSite(path=site.access(name), shared=site.shared, indent=site.indent)
        self.sites[self.scopes] = inner
        steps, wire = self.chain([n.chain for n in nodes], lanes, wire, inner)
        if inner.items and not nodes[0].again:
            site.add(name, inner.code())
        return steps, wire

    # --- names, wires, comments ----------------------------------------------------------

    def _name(self, nodes: list[Any], lanes: list[Lane]) -> str:
        """A submodule's name; with a number that depends on the iteration, an f-string."""
        names = [node.name for node in nodes]
        if len(set(names)) == 1:
            self.attributes.setdefault(names[0], "")
            return str(names[0])
        stems = {name.rstrip("0123456789") for name in names}
        numbers = [name[len(name.rstrip("0123456789")) :] for name in names]
        if len(stems) > 1 or not all(numbers):
            raise Inexpressible("names that have no common stem")
        if any(n != str(int(n)) for n in numbers):
            raise Inexpressible("numbers with leading zeros")
        text = self.writer.value([int(n) for n in numbers], lanes)
        return f'f"{stems.pop()}{{{text}}}"'

    def _wire(self, tensor: Tensor) -> Wire:
        found = self.wires.get(tensor.root)
        if found is None:
            raise Inexpressible("a tensor from inside a loop or group")
        return found

    def _new_wire(self, tensors: list[Tensor], label: str | None) -> Wire:
        hint, prefer = self.role
        root = tensors[0].root
        keep = label is not None and any(
            root in f.named and f.uses[root] > 1 for f in self.body_facts
        )
        shape = tensors[0].shape
        bundle = shape is not None and shape.columns > 0
        if bundle:
            hint, prefer = "columns", True
        wire = Wire(label if keep and label else hint, prefer, keep, bundle)
        self._alias(tensors, wire)
        return wire

    def _alias(self, tensors: list[Tensor], wire: Wire) -> None:
        for tensor in tensors:
            self.wires[tensor.root] = wire
            self.wires[tensor] = wire

    def _comment(self, nodes: list[Any], lanes: list[Lane]) -> str:
        """`64x112x112`: channels, then sizes; nothing where instances of a block differ."""
        if self.definition.block is None:  # the network: as the params are now
            nodes = [n for n, lane in zip(nodes, lanes, strict=True) if lane.instance == 0]
        shapes = {n.output.shape for n in nodes}
        if len(shapes) != 1:
            return ""
        shape = shapes.pop()
        return "x".join(str(symbol.plain(d)) for d in shape.dims)


def _fixed(lanes: list[Lane], kept: set[str]) -> dict[str, symbol.Expr]:
    """The numbers that all instances agree on."""
    first = lanes[0].env
    return {
        name: symbol.const(value)
        for name, value in first.items()
        if name not in kept
        and isinstance(value, int | float)
        and all(lane.env.get(name) == value for lane in lanes)
    }


def _argument(node: Call, variable: str, lane: Lane) -> Any:
    """The value that a call gives a constructor argument, traced in the caller."""
    shape = node.input.shape
    assert shape is not None
    if variable == "in.c":
        return shape.channels
    if variable.startswith("in."):
        return shape.size[-{"in.w": 1, "in.h": 2, "in.d": 3}[variable]]
    if variable in node.args:
        return node.args[variable]
    return symbol.traced(lane.env[variable], symbol.var(variable))  # a param of the network


def _inlined(op: Op, ins: list[Wire]) -> Callable[..., str]:
    """An operator as an expression; bundles among its tensors are spliced."""

    def write(*xs: str) -> str:
        text = op.inline(*_spliced(xs, ins))
        assert text is not None
        return text

    return write


def _called(access: str, op: Op, ins: list[Wire]) -> Callable[..., str]:
    """A module's call; one that takes columns gets them as a list."""

    def write(*xs: str) -> str:
        if op.bundles and not (len(ins) == 1 and ins[0].bundle):
            return f"{access}([{', '.join(_spliced(xs, ins))}])"
        return f"{access}({', '.join(xs)})"

    return write


def _spliced(xs: tuple[str, ...], ins: list[Wire]) -> list[str]:
    return [f"*{x}" if wire.bundle else x for x, wire in zip(xs, ins, strict=True)]


def _role(node: Branches, at: int) -> tuple[str, bool]:
    if node.keyword == "residual":
        return ("shortcut", False) if at else ("out", False)
    if node.keyword == "dense":
        return "out", False
    return f"branch{at + 1}", True


def _bound(node: Loop, k: int) -> dict[str, Any]:
    """What the loop's names stand for in one iteration."""
    return dict(zip(node.names, (symbol.plain(v) for v in node.values[k]), strict=True))


def _items(node: Loop) -> Any:
    values = tuple(v[0] if len(v) == 1 else v for v in node.values)
    plain = symbol.plain(values)
    if node.items is None:
        return plain
    traced = symbol.TracedList(plain)
    traced.expr = node.items
    return traced


def _sole_module(then: Site, other: Site, steps: list[Step]) -> str | None:
    """The one attribute that an arm makes and calls, if that is all it does."""
    if other.lines or len(steps) != 1 or not isinstance(steps[0], Do) or not then.lines:
        return None
    head = then.lines[0].strip()
    if not head.startswith("self.") or " = " not in head:
        return None
    starts = [
        line
        for line in then.lines
        if len(line) - len(line.lstrip()) == then.indent and line.lstrip()[0] not in ")]}"
    ]
    name = head[len("self.") :].split(" = ")[0]
    return name if len(starts) == 1 and name.isidentifier() else None


def _texts(steps: list[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case Do():
                yield step.write(*("x" for _ in step.ins))
            case Test():
                yield from _texts(step.then)
                yield from _texts(step.other)
            case Repeat() | Side():
                yield from _texts(step.body)

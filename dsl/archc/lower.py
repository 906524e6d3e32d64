"""Tree to plan: bind operators, expand blocks, check shapes, all in one walk.

Shapes are found here and not in a later pass because the language asks for them while it unfolds
(`if in.c != 4*width`). Every mistake becomes a diagnostic and an unknown shape; the walk goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from archc import symbol, syntax
from archc.bind import Binder, Bound
from archc.evaluate import Evaluator, Fault, describe, did_you_mean, fault
from archc.fitting import fit, generalised, outside, retrace, traced_argument, traced_shape
from archc.linking import COMBINATORS, STATEMENTS, Library
from archc.misfits import explain_branches, explain_misfit
from archc.naming import Names, labels_in, refuse_reserved
from archc.ops import REGISTRY, Misfit, Op, Shape
from archc.plan import (
    Again,
    Apply,
    Aux,
    BlockValue,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Goto,
    Loop,
    Mark,
    Node,
    Scope,
    Tensor,
    walk,
)
from archc.source import Diagnostics, Fix, Label, Limits, Span

_MERGE = {"residual": "add", "dense": "concat"}
_BRANCHES = {"residual": (1, 2), "dense": (1, 1), "aux": (1, 1), "sub": (2, 2), "join": (1, None),
             "columns": (1, None)}  # fmt: skip


class Quiet(Exception):
    """The tensor here is unknown because of an earlier mistake: say nothing more."""


class _Unknown(Evaluator):
    """Evaluates where the incoming shape is unknown: whatever asks for it stays quiet."""

    def _incoming(self, expr: syntax.Incoming) -> Any:
        raise Quiet


@dataclass(slots=True)
class Labelled:
    """What a label stands for: its tensor, and how to run its statement again."""

    tensor: Tensor
    statement: syntax.Statement
    nodes: list[Node]
    names: Names  # as they stood before the statement
    env: Mapping[str, Any]
    scopes: tuple[str, ...]


@dataclass(slots=True)
class Frame:
    """One body under construction."""

    library: Library
    env: Mapping[str, Any]
    labels: dict[str, Labelled] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    is_network: bool = False
    size: int = 0
    depth: int = 0
    inputs: list[Tensor] = field(default_factory=list)
    input_names: list[str] = field(default_factory=list)
    outputs: dict[str, Span] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()  # labels anywhere in the body, for better messages

    def evaluator(self, x: Tensor) -> Evaluator:
        return Evaluator(self.env, x.shape) if x.shape is not None else _Unknown(self.env, None)


class Lowerer:
    """Unfolds a network (`network`) into a `Body`."""

    def __init__(
        self,
        diagnostics: Diagnostics,
        limits: Limits,
        trace_sizes: bool = False,
        shared: dict[tuple[Any, ...], Body] | None = None,
    ) -> None:
        """`shared` keeps bodies that no param can change, for the next elaboration of the file."""
        self.diagnostics = diagnostics
        self.trace_sizes = trace_sizes
        self.shared = shared if shared is not None else {}
        self.main: Library | None = None
        self.limits = limits
        self.bodies: dict[tuple[Any, ...], Body] = {}
        self.elaborated: set[int] = set()  # blocks that were called, by id of their tree
        self.calls: list[tuple[BlockValue, Span]] = []
        self.nesting = 0
        self.steps = 0

    # --- bodies --------------------------------------------------------------------------

    def network(
        self, file: syntax.File, library: Library, env: Mapping[str, Any], name: str
    ) -> Body:
        """The whole network: the statements of a file, in order."""
        statements = tuple(item for item in file.items if isinstance(item, syntax.Statement))
        body = syntax.Sequence(statements, file.span)
        declared = labels_in(body)
        frame = Frame(library, env, is_network=True, declared=declared)
        self.main = library
        nothing = Tensor(None, file.span)
        chain = self.chain(body, nothing, frame, Names(False, declared))
        if statements and not frame.inputs:
            first = statements[0].span
            self.report(
                fault("A404", "the network has no input", first, "begin with `input 224x224 x3`")
            )
        return Body(
            None, name, dict(env), tuple(frame.inputs), chain, frame.size, frame.depth,
            tuple(frame.input_names),
        )  # fmt: skip

    def nothing(self, file: syntax.File, name: str) -> Body:
        """What is left of a network that was too large to unfold."""
        unknown = Tensor(None, file.span)
        return Body(None, name, {}, (unknown,), Chain([], unknown, unknown), 0, 0)

    def body(self, block: BlockValue, args: dict[str, Any], shape: Shape, span: Span) -> Body:
        """One instance of a block; the same block, arguments and shape give the same body."""
        key = (id(block.tree), tuple(map(_hashable, args.values())), shape.dims, shape.columns)
        no_params = block.home is not self.main and not any(
            isinstance(v, BlockValue) for v in args.values()
        )
        bodies = self.shared if no_params else self.bodies
        found = bodies.get(key)
        if found is not None:
            return found
        if len(self.calls) >= self.limits.depth:
            first = next(call for call in self.calls if call[0].tree is block.tree)
            raise fault(
                "A401", f"`{block.tree.name.id}` calls itself without end", span,
                "end the recursion with an `if` on one of its parameters",
                also=(Label(first[1], "the first call"),),
                notes=(f"more than {self.limits.depth} blocks are inside each other",),
            )  # fmt: skip
        self.elaborated.add(id(block.tree))
        self.calls.append((block, span))
        try:
            made = self._make_body(block, args, shape, span)
        finally:
            self.calls.pop()
        bodies[key] = made
        return made

    def _make_body(self, block: BlockValue, args: dict[str, Any], shape: Shape, span: Span) -> Body:
        tree = block.tree
        x = Tensor(traced_shape(shape, self.trace_sizes), span)
        env = {**block.home.blocks, **block.home.constants}
        env |= {name: traced_argument(name, value) for name, value in args.items()}
        declared = labels_in(tree.body)
        frame = Frame(block.home, env, declared=declared)
        chain = self.chain(tree.body, x, frame, Names(tree.places, declared))
        return Body(block, tree.name.id, args, (x,), chain, frame.size, frame.depth + 1)

    # --- statements ----------------------------------------------------------------------

    def chain(self, sequence: syntax.Sequence, x: Tensor, frame: Frame, names: Names) -> Chain:
        """Statements in a row, each on what the one before it made."""
        nodes: list[Node] = []
        with self._nested(sequence.span):
            current = x
            for statement in sequence.statements:
                try:
                    current = self.statement(statement, current, frame, names, nodes)
                except Fault as mistake:
                    self.report(mistake)
                    current = self._unknown(statement, frame)
                except Quiet:
                    current = self._unknown(statement, frame)
        return Chain(nodes, x, current)

    def statement(
        self, statement: syntax.Statement, x: Tensor, frame: Frame, names: Names, nodes: list[Node]
    ) -> Tensor:
        """Elaborate one statement into `nodes`; the tensor after it."""
        before = names.again() if statement.label is not None else names
        label = self._label(statement.label, frame, x)
        if statement.repeat is not None:
            node = self._repeat(statement, label, x, frame, names)
        else:
            node = self._term(statement, statement.term, label, x, frame, names)
        made = [] if node is None else [node]
        nodes += made
        x = made[0].output if made else x
        if label is not None:
            frame.labels[label] = Labelled(x, statement, made, before, frame.env, frame.scopes)
        return x

    def _unknown(self, statement: syntax.Statement, frame: Frame) -> Tensor:
        """The tensor after a mistake; its label is there, so that nobody complains again."""
        tensor = Tensor(None, statement.span)
        if statement.label is not None and statement.label.index is None:
            name = statement.label.name
            frame.labels.setdefault(
                name, Labelled(tensor, statement, [], Names(False), frame.env, frame.scopes)
            )
        return tensor

    def _label(self, label: syntax.Label | None, frame: Frame, x: Tensor) -> str | None:
        if label is None:
            return None
        name = label.name
        if label.index is not None:
            index = frame.evaluator(x).integer(label.index, "the number in a label")
            name = f"{name}{symbol.plain(index)}"
        refuse_reserved(name, label.span, "the label")
        return name

    def _term(
        self,
        statement: syntax.Statement,
        term: syntax.Term,
        label: str | None,
        x: Tensor,
        frame: Frame,
        names: Names,
    ) -> Node | None:
        match term:
            case syntax.Operation():
                return self._operation(term, label, x, frame, names)
            case syntax.Group():
                return self._scope(term, label, x, frame, names, "group", True, term.body)
            case syntax.If():
                return self._if(term, x, frame, names)
            case syntax.For():
                return self._for(term, x, frame, names)
            case syntax.Reference():
                return Goto(self._lookup(term, frame, x).tensor, term.span)
            case syntax.Reuse():
                return self._reuse(term, x, frame)

    def _operation(
        self, term: syntax.Operation, label: str | None, x: Tensor, frame: Frame, names: Names
    ) -> Node | None:
        name = term.name.id
        block = frame.env.get(name) if name not in STATEMENTS else None
        if isinstance(block, BlockValue):
            return self._call(term, block, label, x, frame, names)
        if name == "input":
            return self._input(term, frame)
        if name == "output":
            return self._output(term, x, frame)
        if name in COMBINATORS and (
            term.branches is not None or name not in REGISTRY or name == "columns"
        ):
            return self._combine(term, label, x, frame, names)
        if name not in REGISTRY:
            raise _unknown_operator(term.name, frame)
        if term.branches is not None:
            raise fault(
                "A408", f"`{name}` takes no branches", term.branches[0].span, "leave out `<...>`"
            )
        return self._apply(term, label, x, frame, names)

    # --- operators -----------------------------------------------------------------------

    def _apply(
        self, term: syntax.Operation, label: str | None, x: Tensor, frame: Frame, names: Names
    ) -> Apply:
        bound = self._bind(REGISTRY[term.name.id], term, frame.evaluator(x))
        inputs = (x,) if bound.tensor is None else (x, self._lookup(bound.tensor, frame, x).tensor)
        name = self._name(label, bound.op.name, names, term.span)
        return self._place(
            Apply(name, bound.op, inputs, x, term.span, label, names.replay), bound, frame
        )

    def _bind(self, cls: type[Op], term: syntax.Operation, evaluator: Evaluator) -> Bound:
        return Binder(cls, term, evaluator, self.limits.integer).bind()

    def _place(self, node: Apply, bound: Bound, frame: Frame) -> Apply:
        """Give an operator its output shape."""
        self._count(frame, 1, node.span)
        shapes = node.shapes
        if len(shapes) < len(node.inputs):
            if not node.inputs[0].shape and not frame.inputs and frame.is_network:
                raise fault(
                    "A404",
                    "there is no tensor here yet",
                    node.span,
                    "begin with `input 224x224 x3`",
                )
            raise Quiet
        try:
            node.output = Tensor(fit(node.op, shapes), node.span)
        except Misfit as misfit:
            raise explain_misfit(misfit, node, bound.spans) from None
        return node

    def _name(self, label: str | None, kind: str, names: Names, span: Span) -> str:
        if label is None:
            return names.auto(kind, span)
        names.place()
        return names.claim(label, span)

    # --- blocks --------------------------------------------------------------------------

    def _call(
        self, term: syntax.Operation, block: BlockValue, label: str | None, x: Tensor,
        frame: Frame, names: Names,
    ) -> Call:  # fmt: skip
        if term.attributes or term.branches is not None:
            span = term.attributes[0].span if term.attributes else term.span
            signature = _signature(block)
            raise fault("A301", f"the block `{term.name.id}` takes its values in brackets", span,
                        f"call it as `{signature}`")  # fmt: skip
        args = self._arguments(term, block, frame.evaluator(x))
        name = self._name(label, block.tree.name.id, names, term.span)
        if x.shape is None:
            if not frame.inputs and frame.is_network:
                raise fault(
                    "A404",
                    "there is no tensor here yet",
                    term.span,
                    "begin with `input 224x224 x3`",
                )
            raise Quiet
        body = self.body(block, {k: symbol.plain(v) for k, v in args.items()}, x.shape, term.span)
        self._count(frame, body.size, term.span)
        frame.depth = max(frame.depth, body.depth)
        if body.output.shape is None:
            raise Quiet
        output = Tensor(outside(body.output.shape, args, x.shape, block), term.span)
        return Call(name, body, args, x, output, term.span, label, names.replay)

    def _arguments(
        self, term: syntax.Operation, block: BlockValue, evaluator: Evaluator
    ) -> dict[str, Any]:
        """The values of a call's parameters by name, in the block's order. Raises Fault."""
        formals = block.tree.formals
        given: dict[str, Any] = {}
        defined = Label(block.tree.name.span, f"defined as `{_signature(block)}`")
        for at, argument in enumerate(term.arguments or ()):
            if argument.name is None:
                if at >= len(formals):
                    most = len(formals)
                    raise fault(
                        "A306",
                        f"`{term.name.id}` takes {most or 'no'} argument{'s' * (most != 1)}, "
                        f"not {len(term.arguments or ())}",
                        argument.span, also=(defined,),
                    )  # fmt: skip
                name = formals[at].name.id
            else:
                name = argument.name.id
                known = [formal.name.id for formal in formals]
                if name not in known:
                    hint = did_you_mean(name, known)
                    raise fault("A307", f"`{term.name.id}` has no parameter `{name}`", argument.name.span,
                                hint, also=(defined,))  # fmt: skip
            if name in given:
                raise fault("A304", f"`{name}` is given twice", argument.span)
            given[name] = evaluator.value(argument.value)
        inner = Evaluator({**block.home.constants, **given}, evaluator.incoming)
        values: dict[str, Any] = {}
        for formal in formals:
            name = formal.name.id
            if name not in given and formal.default is None:
                raise fault(
                    "A306", f"`{term.name.id}` needs a value for `{name}`", term.name.span,
                    f"call it as `{_signature(block)}`", also=(defined,),
                )  # fmt: skip
            if name not in given and formal.default is not None:
                given[name] = inner.value(formal.default)
                inner.env = {**inner.env, name: given[name]}
            values[name] = given[name]
        return values

    # --- combinators ---------------------------------------------------------------------

    def _combine(
        self, term: syntax.Operation, label: str | None, x: Tensor, frame: Frame, names: Names
    ) -> Node:
        name = term.name.id
        branches = term.branches
        least, most = _BRANCHES.get(name, (2, None))
        if branches is None or len(branches) < least or most is not None and len(branches) > most:
            count = (
                f"{least}"
                if least == most
                else f"{least} or {most}"
                if most
                else f"{least} or more"
            )
            raise fault("A408", f"`{name}` takes {count} branch{'es' * (count != '1')}", term.name.span,
                        f"write `{name}< a{' | b' * (least > 1)} >`")  # fmt: skip
        if name == "aux":
            return self._aux(term, branches[0], label, x, frame, names)
        if names.places:
            return self._scope(term, label, x, frame, names, name, False, None)
        bound = self._bind(REGISTRY[_MERGE.get(name, name)], term, frame.evaluator(x))
        chains = [self.chain(branch, x, frame, names) for branch in branches]
        ends = [chain.output for chain in chains]
        if name == "dense" or name == "residual" and len(ends) == 1:
            ends = [x, *ends] if name == "dense" else [*ends, x]
        merge_name = names.auto(bound.op.name, term.span)
        merge = Apply(merge_name, bound.op, tuple(ends), x, term.span, None, names.replay)
        try:
            self._place(merge, Bound(bound.op, bound.spans), frame)
        except Fault as mistake:
            raise explain_branches(mistake, name, term, merge) from None
        return Branches(name, chains, merge, x, merge.output, term.span)

    def _scope(
        self, term: syntax.Term, label: str | None, x: Tensor, frame: Frame, names: Names,
        kind: str, places: bool, inside: syntax.Sequence | None,
    ) -> Scope:  # fmt: skip
        """A container of modules with names of its own; a combinator (`inside` None) or a group."""
        name = self._name(label, kind, names, term.span)
        inner = Names(places, names.reserved, replay=names.replay)
        with self._inside(frame, name):
            if inside is not None:
                chain = self.chain(inside, x, frame, inner)
            else:
                assert isinstance(term, syntax.Operation)
                node = self._combine(term, None, x, frame, inner)
                chain = Chain([node], x, node.output)
        return Scope(name, chain, chain.output, term.span, term, label, names.replay)

    def _aux(
        self, term: syntax.Operation, branch: syntax.Sequence, label: str | None, x: Tensor,
        frame: Frame, names: Names,
    ) -> Aux:  # fmt: skip
        if not frame.is_network:
            raise fault("A405", "`aux` belongs to the network, not into a block", term.name.span,
                        "put the side classifier between the network's own statements")  # fmt: skip
        weight = self._aux_weight(term, frame.evaluator(x))
        single = branch.statements[0] if len(branch.statements) == 1 else None
        if label is not None and single is not None and single.label is None:
            tree = syntax.Label(label, None, term.name.span)
            branch = syntax.Sequence(
                (syntax.Statement(tree, single.term, single.repeat, single.span),), branch.span
            )
            chain, name = self.chain(branch, x, frame, names), label
        elif label is not None:
            scope = self._scope(
                syntax.Group(branch, branch.span), label, x, frame, names, "aux", True, branch
            )
            chain, name = Chain([scope], x, scope.output), label
        else:
            chain = self.chain(branch, x, frame, names)
            written = single.label.name if single is not None and single.label is not None else None
            name = written or names.auto("aux", term.span)
        self._declare_output(name, term.span, frame)
        return Aux(name, weight, chain, x, term.span)

    def _aux_weight(self, term: syntax.Operation, evaluator: Evaluator) -> float:
        weight = 1.0
        for attribute in term.attributes:
            if not isinstance(attribute, syntax.Option) or attribute.name.id != "weight":
                raise fault(
                    "A301",
                    "`aux` takes only `weight=`",
                    attribute.span,
                    "as in `aux weight=0.3 <...>`",
                )
            value = (
                attribute.value.value
                if isinstance(attribute.value, syntax.Plain)
                else attribute.value
            )
            if isinstance(value, syntax.Size | syntax.Sized | syntax.Word | syntax.Reference):
                raise fault("A303", "`weight` is a number", attribute.span)
            weight = float(evaluator.number(value))
        return weight

    # --- control -------------------------------------------------------------------------

    def _if(self, term: syntax.If, x: Tensor, frame: Frame, names: Names) -> Choice:
        evaluator = frame.evaluator(x)
        taken = evaluator.truth(term.test)
        empty = syntax.Sequence((), term.span)
        arm = term.then if taken else term.other or empty
        chain = self.chain(arm, x, frame, names)
        return Choice(term, evaluator.symbolic(term.test), taken, chain, chain.output, term.span)

    def _for(self, term: syntax.For, x: Tensor, frame: Frame, names: Names) -> Loop:
        evaluator = frame.evaluator(x)
        for name in term.names:
            refuse_reserved(name.id, name.span, "the loop's name")
        if term.stop is not None:
            start = evaluator.integer(term.start, "a loop's start")
            stop = evaluator.integer(term.stop, "a loop's end")
            count = stop - start + 1 if stop >= start - 1 else 0
            first = symbol.expr_of(start)
            values: Iterator[tuple[Any, ...]] = ((int(start) + k,) for k in range(count))
            items = None
        else:
            listed = evaluator.value(term.start)
            if not isinstance(listed, tuple):
                raise fault(
                    "A309",
                    f"a loop runs over a list or `1..n`, not {describe(listed)}",
                    term.start.span,
                )
            values = iter([self._unpack(term, item) for item in listed])
            count, first = len(listed), None
            items = symbol.expr_of(listed) if symbol.is_traced(listed) else None
        return self._loop(term, tuple(n.id for n in term.names), values, first, count, items, x, frame,
                          names, term.body)  # fmt: skip

    def _unpack(self, term: syntax.For, item: Any) -> tuple[Any, ...]:
        if len(term.names) == 1:
            return (item,)
        if not isinstance(item, tuple) or len(item) != len(term.names):
            raise fault("A309", f"each item must be a list of {len(term.names)}, not {describe(item)}",
                        term.start.span)  # fmt: skip
        return item

    def _repeat(
        self, statement: syntax.Statement, label: str | None, x: Tensor, frame: Frame, names: Names
    ) -> Node:
        assert statement.repeat is not None
        count = frame.evaluator(x).integer(statement.repeat, "a repeat", 0)
        once = syntax.Statement(None, statement.term, None, statement.span)
        body = syntax.Sequence((once,), statement.span)
        values = iter([()] * count) if count <= self.limits.steps else iter(())
        self._check_count(count, statement.repeat.span)
        if label is None:
            return self._loop(statement, (), values, None, count, None, x, frame, names, body)
        names.place()
        name = names.claim(label, statement.span)
        inner = Names(True, names.reserved, replay=names.replay)
        with self._inside(frame, name):
            loop = self._loop(statement, (), values, None, count, None, x, frame, inner, body)
        chain = Chain([loop], x, loop.output)
        return Scope(name, chain, loop.output, statement.span, statement.term, label, names.replay)

    def _loop(
        self, tree: syntax.For | syntax.Statement, loop_names: tuple[str, ...],
        values: Iterator[tuple[Any, ...]], start: symbol.Expr | None, count: int,
        items: symbol.Expr | None, x: Tensor, frame: Frame, names: Names, body: syntax.Sequence,
    ) -> Loop:  # fmt: skip
        """Unfold a loop or repeat; its names are traced inside and replaced outside."""
        self._check_count(count, tree.span)
        outer, current = frame.env, x
        iterations: list[Chain] = []
        kept: list[tuple[Any, ...]] = []
        channels = [x.shape.channels] if x.shape is not None else []
        for k, value in enumerate(values):
            frame.env = {
                **outer,
                **{n: traced_argument(n, v) for n, v in zip(loop_names, value, strict=True)},
            }
            chain = (
                self._same_again(iterations, current, frame, names, tree)
                if not loop_names
                else None
            )
            chain = chain or self.chain(body, current, frame, names)
            known = {
                n: symbol.add(start, symbol.const(k))
                if start is not None
                else symbol.const(symbol.plain(v))
                for n, v in zip(loop_names, value, strict=True)
                if isinstance(v, int | float)
            }
            iterations.append(chain)
            kept.append(value)
            current = Tensor(retrace(chain.output.shape, known), chain.output.span, chain.output)
            if current.shape is None:
                break
            channels.append(current.shape.channels)
        frame.env = outer
        if current.shape is not None and symbol.is_traced(count):
            current = Tensor(generalised(current.shape, channels, count), current.span, current)
        counted = symbol.expr_of(count)
        return Loop(tree, loop_names, kept, start, counted, items, iterations, current, tree.span)

    def _same_again(
        self,
        done: list[Chain],
        x: Tensor,
        frame: Frame,
        names: Names,
        tree: syntax.For | syntax.Statement,
    ) -> Chain | None:
        """The next of a repeat that has settled: the block before it, on a tensor like its own."""
        last = done[-1].nodes[0] if done and len(done[-1].nodes) == 1 else None
        if not isinstance(last, Call) or last.label is not None or x.shape is None:
            return None
        if _expressed(last.input.shape) != _expressed(x.shape):
            return None
        name = names.auto(last.body.name, tree.span)
        self._count(frame, last.body.size, tree.span)
        output = Tensor(last.output.shape, last.span)
        node = Call(name, last.body, last.args, x, output, last.span, None, last.again)
        return Chain([node], x, output)

    # --- labels --------------------------------------------------------------------------

    def _lookup(self, reference: syntax.Reference, frame: Frame, x: Tensor) -> Labelled:
        """What a label stands for. Raises Fault for one that is unknown or not yet there."""
        name = reference.name
        if reference.index is not None:
            index = frame.evaluator(x).integer(reference.index, "the number in a label")
            name = f"{name}{symbol.plain(index)}"
        found = frame.labels.get(name)
        if found is not None:
            return found
        if name in frame.declared:
            raise fault("A107", f"`{name}` is not there yet: its label comes later, or in a branch not taken",
                        reference.span, "a label can be used only after its statement")  # fmt: skip
        hint = did_you_mean(name, frame.labels, "did you mean `@{}`?") or (
            "label the statement: `name: conv ...`" if not frame.labels else ""
        )
        inside = "" if frame.is_network else "; labels outside of the block are not visible in it"
        raise fault("A103", f"there is no label `{name}` here{inside}", reference.span, hint)

    def _reuse(self, term: syntax.Reuse, x: Tensor, frame: Frame) -> Node:
        """Run a labelled statement again: the same names, so the same modules and weights."""
        target = self._lookup(term.target, frame, x)
        if target.tensor.shape is None:
            raise Quiet
        if not target.nodes:
            raise fault("A103", f"`{term.target.name}` is no statement that could run again", term.target.span,
                        "label an operator, a block or a group")  # fmt: skip
        outer = frame.env, frame.scopes, frame.labels
        frame.env, frame.scopes, frame.labels = target.env, target.scopes, dict(frame.labels)
        nodes: list[Node] = []
        try:
            output = self.statement(target.statement, x, frame, target.names.again(), nodes)
        finally:
            frame.env, frame.scopes, frame.labels = outer
        first, second = (list(_weights_of(found)) for found in (target.nodes, nodes))
        if output.shape is not None and first != second:
            raise fault(
                "A207", f"the weights of `{term.target.name}` do not fit a tensor of {x.shape}", term.span,
                "bring it to the same shape first",
                also=(Label(target.statement.span, "they were made here"),),
            )  # fmt: skip
        return Again(target.scopes, Chain(nodes, x, output), output, term.span)

    # --- inputs and outputs --------------------------------------------------------------

    def _input(self, term: syntax.Operation, frame: Frame) -> Node:
        if not frame.is_network or self.nesting > 1:
            raise fault("A405", "`input` belongs to the network's own statements", term.name.span)
        evaluator = Evaluator(frame.env, None)
        words = [a for a in term.attributes if isinstance(a, syntax.Word)]
        name = words[0].id if words else f"input{len(frame.inputs) + 1}" if frame.inputs else "x"
        span = words[0].span if words else term.span
        refuse_reserved(name, span, "the input")
        tensor = Tensor(self._input_shape(term, evaluator), term.span)
        if name in frame.input_names:
            raise fault(
                "A106",
                f"there are two inputs `{name}`",
                span,
                "name each input: `input left 105x105 x1`",
            )
        frame.inputs.append(tensor)
        frame.input_names.append(name)
        statement = syntax.Statement(None, term, None, term.span)
        frame.labels[name] = Labelled(tensor, statement, [], Names(False), frame.env, ())
        return Goto(tensor, term.span)

    def _input_shape(self, term: syntax.Operation, evaluator: Evaluator) -> Shape:
        size: tuple[Any, ...] = ()
        channels = None
        for attribute in term.attributes:
            match attribute:
                case syntax.Size():
                    size = attribute.dims
                case syntax.Sized():
                    size = tuple(evaluator.integer(dim, "a size", 1) for dim in attribute.dims)
                case syntax.Plain():
                    size = (evaluator.integer(attribute.value, "a size", 1),)
                case syntax.Geometry(letter="x") if len(attribute.dims) == 1:
                    channels = evaluator.integer(attribute.dims[0], "channels", 1)
                case syntax.Word():
                    pass
                case _:
                    raise fault("A301", "an input has a size and channels, nothing else", attribute.span,
                                "as in `input 224x224 x3`")  # fmt: skip
        if channels is None:
            raise fault(
                "A302", "the input needs its channels", term.span, "as in `input 224x224 x3`"
            )
        if len(size) > 3:
            raise fault("A206", "an input has at most 3 spatial dimensions", term.span)
        for extent in (*size, channels):
            if not 1 <= extent <= self.limits.integer:
                raise fault(
                    "A303",
                    f"a size must be between 1 and {self.limits.integer}, not {extent}",
                    term.span,
                )
        return Shape(channels, size)

    def _output(self, term: syntax.Operation, x: Tensor, frame: Frame) -> Node:
        words = [a for a in term.attributes if isinstance(a, syntax.Word)]
        if not frame.is_network:
            raise fault("A405", "`output` belongs to the network, not into a block", term.name.span)
        if len(words) != 1 or len(term.attributes) != 1:
            raise fault("A302", "`output` needs a name", term.span, "as in `output logits`")
        self._declare_output(words[0].id, words[0].span, frame)
        if x.shape is None:
            raise Quiet
        return Mark(words[0].id, x, term.span)

    def _declare_output(self, name: str, span: Span, frame: Frame) -> None:
        refuse_reserved(name, span, "the output")
        if name in frame.outputs:
            raise fault("A104", f"there are two outputs `{name}`", span,
                        also=(Label(frame.outputs[name], "the other is here"),))  # fmt: skip
        frame.outputs[name] = span

    # --- limits and reports --------------------------------------------------------------

    def _count(self, frame: Frame, operators: int, span: Span) -> None:
        frame.size += operators
        self.steps += 1
        if max(frame.size, self.steps) > self.limits.steps:
            raise TooLarge(
                fault(
                    "A402",
                    f"the network unfolds to more than {self.limits.steps:,} operators",
                    span,
                    "make a repeat or recursion smaller, or raise the limit with `--max-steps`",
                )  # fmt: skip
            )

    def _check_count(self, count: int, span: Span) -> None:
        if count > self.limits.steps:
            raise fault(
                "A402", f"{count:,} repeats are more than the {self.limits.steps:,} operators allowed", span,
                "make it smaller, or raise the limit with `--max-steps`",
            )  # fmt: skip

    @contextmanager
    def _nested(self, span: Span) -> Iterator[None]:
        self.nesting += 1
        try:
            if self.nesting > self.limits.nesting * 3:
                raise fault("A401", "blocks, groups and branches are nested too deeply", span)
            yield
        finally:
            self.nesting -= 1

    @contextmanager
    def _inside(self, frame: Frame, name: str) -> Iterator[None]:
        outer = frame.scopes
        frame.scopes = (*outer, name)
        try:
            yield
        finally:
            frame.scopes = outer

    def report(self, mistake: Fault) -> None:
        """Add a diagnostic; one about shapes inside a block says which call it was."""
        diagnostic = mistake.diagnostic
        if self.calls and diagnostic.code.startswith("A2"):
            block, span = self.calls[0]
            if span.source is not diagnostic.span.source or span.start != diagnostic.span.start:
                where = Label(span, f"in this call of `{block.tree.name.id}`")
                diagnostic = replace(diagnostic, labels=(*diagnostic.labels, where))
        self.diagnostics.add(diagnostic)


class TooLarge(Exception):
    """The network is larger than the limits: elaboration stops at once."""

    def __init__(self, mistake: Fault) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


def _expressed(shape: Shape | None) -> Any:
    """A shape and the expressions of its numbers: equal only where all that follows is equal."""
    return shape and (shape, tuple(map(symbol.expr_of, shape.dims)))


def _weights_of(nodes: list[Node]) -> Iterator[Any]:
    """The shapes of all weights under some nodes, in order: what `reuse` must find again."""
    for node in walk(nodes):
        if isinstance(node, Apply):
            yield from sorted(node.op.weights(*node.shapes).items())
        elif isinstance(node, Call):
            yield from _weights_of(node.body.chain.nodes)


# --- words -------------------------------------------------------------------------------


def _hashable(value: Any) -> Any:
    return (
        ("block", id(value.tree))
        if isinstance(value, BlockValue)
        else (type(value).__name__, value)
    )


def _signature(block: BlockValue) -> str:
    parts = [
        f.name.id + (f"={f.default.span.text}" if f.default is not None else "")
        for f in block.tree.formals
    ]
    return f"{block.tree.name.id}({', '.join(parts)})"


def _unknown_operator(name: syntax.Name, frame: Frame) -> Fault:
    blocks = [word for word, value in frame.env.items() if isinstance(value, BlockValue)]
    hint = did_you_mean(name.id, [*REGISTRY, *COMBINATORS, *STATEMENTS, *blocks])
    fixes = (Fix(hint, name.span, hint.split("`")[1]),) if hint else ()
    return fault("A101", f"there is no operator or block `{name.id}`", name.span,
                 hint or "define it: `block name() { ... }`, or `use` the file that does", fixes=fixes)  # fmt: skip

"""A program without its blocks, loops, conditions and groups: every operator in a row.

`flatten` walks the tree by itself, with an evaluator of its own and none of the compiler's stages
between a tree and a plan, so that it is a second opinion on what a program means. Each operator has
a label `t1`, `t2`, ... in the order in which they run. The compiler is asked for one thing alone:
the shape after one operator on one tensor.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from archc import syntax as s
from archc.api import analyze
from archc.source import Source
from archc.syntax.writing import format_file

Shape = tuple[int, ...]  # channels first; behind them the size

MERGES = {"residual": "add", "dense": "concat"}
COMBINATORS = {"concat", "add", "mul", "mean", "max", "sub", "columns", "join", *MERGES}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min, "max": max, "floor": math.floor, "ceil": math.ceil, "abs": abs, "len": len,
    "round": round, "sum": sum, "enumerate": lambda a: [list(p) for p in enumerate(a)],
    "zip": lambda *a: [list(p) for p in zip(*a, strict=True)],
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b, "**": lambda a, b: a**b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


@dataclass(frozen=True)
class Operator:
    name: str


@dataclass
class Value:
    """A tensor: its label, and the shape of each of its columns (one, but for a bundle)."""

    label: str
    shapes: tuple[Shape, ...]

    @property
    def shape(self) -> Shape:
        return self.shapes[0]


# A statement, the names where it stands, and the labels of the lines that it became.
Written = tuple[s.Statement, dict[str, Any], list[str]]


@dataclass
class Frame:
    """A block that is being unfolded, or the network."""

    env: dict[str, Any]
    labels: dict[str, Value] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)  # by label
    outputs: dict[str, Value] = field(default_factory=dict)  # of the block
    parts: dict[str, dict[str, Value]] = field(default_factory=dict)  # outputs of labelled calls
    is_network: bool = False


class Flat:
    """Writes the flat text."""

    def __init__(self, file: s.File, params: dict[str, Any]) -> None:
        self.blocks = {b.name.id: b for b in file.items if isinstance(b, s.Block)}
        self.lines: list[str] = []
        self.made = 0
        self.last = ""  # the label whose tensor the next line takes
        self.replay: Iterator[str] | None = None  # labels to run again, in a `reuse`
        self.given: dict[str, Value] = {}  # the outputs of the block that was called last
        self.items: dict[str, Written] = {}  # those of the group that was run last
        self.record: list[list[str]] = []  # labels that run in the labelled statements now open
        self.globals: dict[str, Any] = {}
        for item in file.items:
            if isinstance(item, s.Param):
                value = params.get(item.name.id)
                known = value if value is not None else self.value(item.default, {}, None)
                self.globals[item.name.id] = known
            elif isinstance(item, s.Statement) and isinstance(item.term, s.Let):
                with suppress(AssertionError):  # it asks for a tensor: no block sees it
                    value = self.value(item.term.value, self.globals, None)
                    self.globals[item.term.name.id] = value

    def text(self, file: s.File) -> str:
        frame = Frame(dict(self.globals), is_network=True)
        x: Value | None = None
        for item in file.items:
            match item:
                case s.Statement(term=s.Operation(name=s.Name("input")) as term):
                    x = self.input(term, frame)
                case s.Statement(term=s.Let(name, expr)):
                    frame.env[name.id] = self.value(expr, frame.env, x, frame)
                case s.Statement(term=s.For() as loop) if x is None:  # inputs, one a pass
                    x = self.loop(loop, x, frame)
                case s.Statement():
                    assert x is not None
                    x = self.statement(item, x, frame)
        assert x is not None
        if x.label != self.last:
            self.lines.append(f"@{x.label}")
        return "\n".join(["network Flat", *self.lines]) + "\n"

    def input(self, term: s.Operation, frame: Frame) -> Value:
        attributes = self.attributes(term, frame, None)
        name = next((a.id for a in attributes if isinstance(a, s.Word)), "")
        self.lines.append(written("input", attributes))
        size: tuple[int, ...] = ()
        channels = 0
        for a in attributes:
            match a:
                case s.Size(dims):
                    size = dims
                case s.Sized(dims) | s.Geometry("x", dims) | s.Plain(s.Number() as dims):
                    numbers = [int(n.value) for n in (dims if isinstance(dims, tuple) else (dims,))]  # type: ignore[union-attr]
                    if isinstance(a, s.Geometry):
                        channels = numbers[0]
                    else:
                        size = tuple(numbers)
        if not name:
            self.made += 1
            name = f"t{self.made}"
            self.lines.append(f"{name}: identity")
        self.last = name
        made = Value(name, ((channels, *size),))
        frame.labels[name] = frame.labels["input"] = made
        return made

    # --- statements

    def sequence(self, body: s.Sequence, x: Value, frame: Frame) -> Value:
        outer = frame.env
        for statement in body.statements:
            if isinstance(statement.term, s.Let):
                value = self.value(statement.term.value, frame.env, x, frame)
                frame.env = frame.env | {statement.term.name.id: value}
            else:
                x = self.statement(statement, x, frame)
        frame.env = outer
        return x

    def group(
        self, body: s.Sequence, x: Value, frame: Frame
    ) -> tuple[Value, dict[str, Value], dict[str, Written]]:
        """Its tensor, and what each item makes and how it runs again, by its number."""
        made: dict[str, Value] = {}
        items: dict[str, Written] = {}
        if any(isinstance(item.term, s.Let) for item in body.statements):
            return self.sequence(body, x, frame), made, items
        for at, item in enumerate(body.statements):
            self.record.append([])
            x = made[str(at)] = self.statement(item, x, frame)
            ran = self.record.pop()
            items[str(at)] = (item, dict(frame.env), ran)
            for outer in self.record[-1:]:
                outer += ran
        return x, made, items

    def statement(self, statement: s.Statement, x: Value, frame: Frame) -> Value:
        times = 1
        self.given, self.items = {}, {}
        if statement.repeat is not None:
            times = self.value(statement.repeat, frame.env, x, frame)
        ran: list[str] = []
        self.record.append(ran)
        for _ in range(times):
            x = self.term(statement.term, x, frame)
        self.record.pop()
        for outer in self.record[-1:]:
            outer += ran
        if statement.label is not None:
            name = self.filled(statement.label.parts, frame, x)
            frame.labels[name] = x
            frame.parts[name] = dict(self.given)
            frame.written[name] = (statement, dict(frame.env), ran)
            frame.written |= {f"{name}.{at}": item for at, item in self.items.items()}
        if statement.alias is not None:
            frame.labels[self.filled(statement.alias.parts, frame, x)] = x
        return x

    def term(self, term: s.Term, x: Value, frame: Frame) -> Value:
        match term:
            case s.Group(body):
                x, self.given, self.items = self.group(body, x, frame)
                return x
            case s.If(test, then, other):
                if self.value(test, frame.env, x, frame):
                    return self.sequence(then, x, frame)
                return x if other is None else self.sequence(other, x, frame)
            case s.For():
                made: Value = self.loop(term, x, frame)
                return made
            case s.Reference():
                return self.tensor(term, frame, x)
            case s.Reuse(target):
                parts = (target.parts, *target.members)
                return self.reuse(".".join(self.filled(p, frame, x) for p in parts), x, frame)
            case s.Operation():
                return self.operation(term, x, frame)
        raise AssertionError(term)

    def loop(self, term: s.For, x: Any, frame: Frame) -> Any:
        outer = dict(frame.env)
        for names in self.passes(term.targets, term.over, frame.env, x, frame):
            frame.env = outer | names
            x = self.sequence(term.body, x, frame)
        frame.env = outer
        return x

    def passes(
        self,
        targets: tuple[s.Target, ...],
        over: s.Over,
        env: dict[str, Any],
        x: Value | None,
        frame: Frame | None,
    ) -> list[dict[str, Any]]:
        start = self.value(over.start, env, x, frame)
        if over.stop is not None:
            items: list[Any] = list(range(start, self.value(over.stop, env, x, frame) + 1))
        else:
            items = list(start)
        return [unpacked(targets, item) for item in items]

    def tensor(self, reference: s.Reference, frame: Frame, x: Value | None) -> Value:
        name = self.filled(reference.parts, frame, x)
        members = [self.filled(member, frame, x) for member in reference.members]
        path = ".".join((name, *members))
        if path in frame.labels:
            return frame.labels[path]
        (member,) = members
        return frame.parts[name][member]

    def reuse(self, name: str, x: Value, frame: Frame) -> Value:
        term, env, ran = frame.written[name]
        outer, before, known = frame.env, self.replay, dict(frame.labels)
        frame.env = env
        if before is None:  # else what runs again has it among its own
            self.replay = iter(ran)
        x = self.statement(dataclasses.replace(term, label=None), x, frame)
        assert before or next(self.replay or iter(()), None) is None, "all of it runs again"
        frame.env, self.replay, frame.labels = outer, before, known
        return x

    def operation(self, term: s.Operation, x: Value, frame: Frame) -> Value:
        name = term.name.id
        known = frame.env.get(name)
        if isinstance(known, s.Block):
            return self.call(known, term, x, frame)
        if isinstance(known, Operator):
            name = known.name
        elif name in self.blocks:
            return self.call(self.blocks[name], term, x, frame)
        if name == "input":
            return self.input(term, frame)
        if name == "output":
            word = term.attributes[0]
            assert isinstance(word, s.Word | s.Label)
            called = word.id if isinstance(word, s.Word) else self.filled(word.parts, frame, x)
            frame.outputs[called] = x
            if frame.is_network:
                self.go(x)
                self.lines.append(f"output {called}")
            return x
        if name == "aux":
            return self.aux(term, x, frame)
        if term.branches is not None:
            return self.merge(name, term, x, frame)
        return self.put(name, self.attributes(term, frame, x), x)

    def call(self, block: s.Block, term: s.Operation, x: Value, frame: Frame) -> Value:
        names = [formal.name.id for formal in block.formals]
        given: dict[str, Any] = {}
        labels = {"in": x}
        for at, argument in enumerate(term.arguments or ()):
            name = names[at] if argument.name is None else argument.name.id
            if isinstance(argument.value, s.Reference):
                labels[name] = self.tensor(argument.value, frame, x)
            else:
                given[name] = self.value(argument.value, frame.env, x, frame)
        env = {**self.globals, **given}
        for formal in block.formals:
            if formal.name.id not in given and not formal.is_tensor:
                assert formal.default is not None
                env[formal.name.id] = self.value(formal.default, env, x, Frame(env, labels))
        inner = Frame(env, labels)
        made = self.sequence(block.body, x, inner)
        self.given = inner.outputs
        return made

    def merge(self, name: str, term: s.Operation, x: Value, frame: Frame) -> Value:
        assert term.branches is not None
        if term.condition is not None:
            test = self.value(term.condition, frame.env, x, frame)
            body = self.sequence(term.branches[0], x, frame)
            if not test:
                return body
            ends = [body, *(self.sequence(branch, x, frame) for branch in term.branches[1:])]
        else:
            ends = [end for branch in term.branches for end in self.branch(branch, x, frame)]
        if name == "residual" and len(ends) == 1:
            ends.append(x)
        elif name == "dense":
            ends = [x, *ends]
        attributes = self.attributes(term, frame, x)
        return self.put(MERGES.get(name, name), attributes, x, ends)

    def branch(self, branch: s.Sequence, x: Value, frame: Frame) -> list[Value]:
        each = branch.statements[0].term if branch.statements else None
        if not isinstance(each, s.Each):
            return [self.sequence(branch, x, frame)]
        outer, ends = dict(frame.env), []
        for names in self.passes(each.targets, each.over, frame.env, x, frame):
            frame.env = outer | names
            ends.append(self.sequence(each.body, x, frame))
        frame.env = outer
        return ends

    def aux(self, term: s.Operation, x: Value, frame: Frame) -> Value:
        assert term.branches is not None
        self.go(x)
        head = written("aux", self.attributes(term, frame, x))
        outer, self.lines = self.lines, []
        end = self.sequence(term.branches[0], x, frame)
        if end.label != self.last:
            self.lines.append(f"@{end.label}")
        inside, self.lines = self.lines, outer
        self.lines.append(f"{head} < {'; '.join(inside)} >")
        self.last = x.label
        return x

    def go(self, x: Value) -> None:
        if x.label != self.last:
            self.lines.append(f"@{x.label}")
            self.last = x.label

    def put(
        self, name: str, attributes: list[s.Attribute], x: Value, ends: list[Value] | None = None
    ) -> Value:
        """An operator as a line: its label, and the shapes behind it."""
        text = written(name, attributes)
        if ends is None:
            self.go(x)
            shapes = after(text, x.shapes)
        else:
            text += f" < {' | '.join(f'@{end.label}' for end in ends)} >"
            shapes = merged(text, tuple((end.label, end.shapes) for end in ends))
        label = f"t{self.made + 1}"
        if self.replay is not None and ends is None:
            again = next(self.replay)
            text = f"reuse {again}"
            for ran in self.record[-1:]:
                ran.append(again)
        elif ends is None:
            for ran in self.record[-1:]:
                ran.append(label)
        self.made += 1
        self.lines.append(
            f"{label}: {text}" if not text.startswith("reuse") else f"{text}; {label}: identity"
        )
        self.last = label
        return Value(label, shapes)

    # --- attributes and expressions

    def attributes(self, term: s.Operation, frame: Frame, x: Value | None) -> list[s.Attribute]:
        """Those of a term, with numbers for expressions and sizes for `@label`."""
        found: list[s.Attribute] = []
        for a in term.attributes:
            match a:
                case s.Geometry(letter, dims):
                    found.append(s.Geometry(letter, self.numbers(dims, frame, x), a.span))
                case s.Stride(dims):
                    found.append(s.Stride(self.numbers(dims, frame, x), a.span))
                case s.Sized(dims):
                    found.append(s.Sized(self.numbers(dims, frame, x), a.span))
                case s.Plain(value):
                    found.append(s.Plain(self.literal(value, frame, x), a.span))
                case s.Option(name, s.Reference() as label):
                    size = self.tensor(label, frame, x).shape[1:]
                    found.append(s.Option(name, s.Size(size, a.span), a.span))
                case s.Option(name, s.Sized(dims)):
                    found.append(
                        s.Option(name, s.Sized(self.numbers(dims, frame, x), a.span), a.span)
                    )
                case s.Label(parts):
                    found.append(s.Word(self.filled(parts, frame, x), a.span))
                case s.Option(value=s.Size() | s.Word()) | s.Size() | s.Word():
                    found.append(a)
                case s.Option(name, value):
                    found.append(s.Option(name, self.literal(value, frame, x), a.span))
        return found

    def numbers(
        self, dims: tuple[s.Expr, ...], frame: Frame, x: Value | None
    ) -> tuple[s.Expr, ...]:
        return tuple(self.literal(dim, frame, x) for dim in dims)

    def literal(self, expr: Any, frame: Frame, x: Value | None) -> Any:
        value = self.value(expr, frame.env, x, frame)
        if isinstance(value, bool):
            return s.Name("true" if value else "false", expr.span)
        if isinstance(value, str):
            return s.Text(value, expr.span)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value < 0:
            return s.UnaryExpr("-", s.Number(-value, expr.span), expr.span)
        return s.Number(value, expr.span)

    def filled(self, parts: s.Template, frame: Frame, x: Value | None) -> str:
        return "".join(
            part if isinstance(part, str) else str(self.value(part, frame.env, x, frame))
            for part in parts
        )

    def value(
        self, expr: s.Expr, env: dict[str, Any], x: Value | None, frame: Frame | None = None
    ) -> Any:
        def go(e: s.Expr) -> Any:
            return self.value(e, env, x, frame)

        match expr:
            case s.Number(value) | s.Text(value):
                return value
            case s.Name("true"):
                return True
            case s.Name("false"):
                return False
            case s.Name(id):
                if id in env:
                    return env[id]
                return self.blocks[id] if id in self.blocks else Operator(id)
            case s.Incoming(name):
                assert x is not None
                return incoming(name, x.shape)
            case s.ListExpr(items):
                return [go(item) for item in items]
            case s.Index(base, index):
                return go(base)[go(index)]
            case s.Slice(base, start, stop):
                ends = (None if end is None else go(end) for end in (start, stop))
                return go(base)[slice(*ends)]
            case s.Comprehension(item, targets, over):
                passes = self.passes(targets, over, env, x, frame)
                return [self.value(item, env | names, x, frame) for names in passes]
            case s.SizeOf(tensor, name):
                assert frame is not None
                return incoming(name, self.tensor(tensor, frame, x).shape)
            case s.UnaryExpr(op, operand):
                value = go(operand)
                return not value if op == "not" else -value if op == "-" else value
            case s.Binary("and", left, right):
                return go(left) and go(right)
            case s.Binary("or", left, right):
                return go(left) or go(right)
            case s.Binary(op, left, right):
                return BINARY[op](go(left), go(right))
            case s.Conditional(then, test, other):
                return go(then) if go(test) else go(other)
            case s.CallExpr(function, args):
                return FUNCTIONS[function.id](*map(go, args))
        raise AssertionError(expr)


def unpacked(targets: tuple[s.Target, ...], item: Any) -> dict[str, Any]:
    """What a loop's names stand for."""
    if len(targets) == 1:
        (target,) = targets
        return {target.id: item} if isinstance(target, s.Name) else unpacked(target, item)
    pairs = zip(targets, item, strict=True)
    return {
        name: value for target, part in pairs for name, value in unpacked((target,), part).items()
    }


def incoming(name: str, shape: Shape) -> int:
    channels, *size = shape
    if name == "c":
        return channels
    if name == "features":
        return math.prod(shape)
    return size[{"w": -1, "h": -2, "d": -3}[name]]


def written(name: str, attributes: list[s.Attribute]) -> str:
    """An operator and its attributes as text."""
    span: Any = None
    term = s.Operation(s.Name(name, span), None, tuple(attributes), None, span)
    return format_file(s.File((s.Statement(None, term, None, span),), span)).strip()


def shown(shape: Shape) -> str:
    channels, *size = shape
    return "x".join(map(str, size)) + f" x{channels}"


@lru_cache(10_000)
def after(text: str, shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """The shapes after one operator."""
    if len(shapes) > 1:  # only a join takes a bundle
        return shapes[:1]
    return compiled(f"network One\ninput {shown(shapes[0])}\none: {text}\n")


@lru_cache(10_000)
def merged(text: str, ends: tuple[tuple[str, tuple[Shape, ...]], ...]) -> tuple[Shape, ...]:
    word = text.split()[0].partition("<")[0]
    if word in ("columns", "join"):
        shapes = tuple(shape for _, found in ends for shape in found)
        return shapes if word == "columns" else shapes[:1]
    names = dict(ends)
    inputs = "".join(f"input {name} {shown(found[0])}\n" for name, found in names.items())
    return compiled(f"network One\n{inputs}{text}\n")


def compiled(text: str) -> tuple[Shape, ...]:
    analysis = analyze(Source("one.arch", text))
    assert analysis.output is not None, (text, [d.title for d in analysis.diagnostics])
    return (analysis.output,)


def flatten(text: str, params: dict[str, Any] | None = None) -> str:
    """The program as operators in a row; `params` as `-D` gives them."""
    file = analyze(Source("random.arch", text)).file
    return Flat(file, params or {}).text(file)

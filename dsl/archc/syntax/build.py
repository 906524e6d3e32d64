"""From the parser's reductions straight to tree nodes: one method for each rule of the grammar.

The automaton calls these from the inside out while it parses, so nothing here recurses.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

from archc import syntax as s
from archc.source import Diagnostic, Fix, Limits, Source, Span, SpanLabel
from archc.syntax.automaton import Token
from archc.syntax.comments import comment_above, head_comment

_SUFFIXES = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_LETTERS = frozenset("xpgd")


class Builder:
    """Makes the nodes of one text, and keeps what is wrong with values (not with form) in it."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.problems: list[Diagnostic] = []

    # --- a file and its items

    def start(self, *items: s.Item | None) -> s.File:
        text = self.source.text
        return s.File(_present(items), span=self._at(0, len(text)), doc=head_comment(text))

    def network(self, word: Token, name: Token, title: Token | None = None) -> s.Network:
        text = None if title is None else self.string(title)
        return s.Network(self._name(name), text, self._over(word, title or name))

    def use(self, word: Token, path: Token) -> s.Use:
        return s.Use(self.string(path), self._over(word, path))

    def extends(self, word: Token, path: Token) -> s.Extends:
        return s.Extends(self.string(path), self._over(word, path))

    def without(self, word: Token, *labels: s.Label) -> s.Without:
        return s.Without(labels, self._over(word, labels[-1]))

    def param(self, word: Token, name: Token, default: s.Expr) -> s.Param:
        return s.Param(self._name(name), default, self._over(word, default))

    def block(self, word: Token, name: Token, *rest: Any) -> s.Block:
        formals = rest[0] if len(rest) == 2 else ()
        return s.Block(
            self._name(name),
            formals,
            rest[-1],
            places=word.value == "sequence",
            doc=comment_above(self.source.text, word.start_pos),
            span=self._over(word, rest[-1]),
        )

    def formals(self, _open: Token, *rest: Any) -> tuple[s.Formal, ...]:
        return rest[:-1]

    def formal(self, first: Token, second: Any = None) -> s.Formal:
        if type(second) is Token:  # `@skip`
            return s.Formal(self._name(second), None, self._over(first, second), is_tensor=True)
        return s.Formal(self._name(first), second, self._over(first, second or first))

    def section(self, word: Token, _open: Token, *rest: Any) -> s.Section:
        return s.Section(self._name(word), _present(rest[:-1]), self._over(word, rest[-1]))

    def entry(self, key: Token, *values: Any) -> s.Entry:
        relation = ""
        span = self._over(key, values[-1] if values else key)
        if values and type(values[0]) is Token:
            relation, values = values[0].value, values[1:]
        return s.Entry(self._name(key), relation, self._closed_up(values), span)

    def quantity(self, token: Token) -> s.Plain:
        value = self._value(token.value[:-1], token) * _SUFFIXES[token.value[-1]]
        exact = round(value)
        number = s.Number(exact if abs(value - exact) < 1e-3 else value, self._span(token))
        return s.Plain(number, number.span)

    def percent(self, token: Token) -> s.Word:
        return s.Word("%", self._span(token))

    # --- statements

    def broken(self, first: Any, *_parts: Any) -> s.Statement | None:
        """A statement with a mistake in it, which is reported. An item leaves nothing behind."""
        if type(first) is Token and first.value:
            return None
        if isinstance(first, s.Statement | None):
            return first
        span = self._span(first)
        return s.Statement(None, s.Broken(span), None, span)

    def lost(self, _err: Token) -> None:
        """An entry of a section with a mistake in it."""

    def statement(self, *parts: Any) -> s.Statement:
        label = parts[0] if type(parts[0]) is s.Label else None
        at = 0 if label is None else 1
        term, rest = parts[at], parts[at + 1 :]
        alias = rest[-1] if rest and type(rest[-1]) is s.Label else None
        repeat = rest[0] if rest and rest[0] is not alias else None
        return s.Statement(label, term, repeat, self._over(parts[0], parts[-1]), alias)

    def label(self, name: Any) -> s.Label:
        return s.Label((name.value,), self._span(name)) if type(name) is Token else name

    def filled_label(self, *parts: Any) -> s.Label:
        return self.template(*parts)

    def naming(self, _as: Token, name: s.Label) -> s.Label:
        return name

    def template(self, *parts: Any) -> s.Label:
        return s.Label(_filled(parts), self._over(parts[0], parts[-1]))

    def path(self, *parts: Any) -> s.Label:
        """`"convs.{i}.0"`: the quotes are in the first and last token."""
        span = self._over(parts[0], parts[-1])
        if len(parts) == 1:
            return s.Label((parts[0].value[1:-1],), span, is_path=True)
        template = _filled(parts)
        ends = {0: str(template[0])[1:].rstrip("{"), len(template) - 1: str(template[-1])[:-1]}
        found = (ends.get(at, part) for at, part in enumerate(template))
        return s.Label(tuple(part for part in found if part != ""), span, is_path=True)

    def binding(self, word: Token, name: Token, value: s.Expr) -> s.Statement:
        term = s.Let(self._name(name), value, self._over(word, value))
        return s.Statement(None, term, None, term.span)

    def repeat(self, _star: Token, count: s.Expr) -> s.Expr:
        return count

    def operation(self, name: Token, *parts: Any) -> s.Operation:
        arguments: tuple[s.Argument, ...] | None = None
        branches: tuple[s.Sequence, ...] | None = None
        condition: s.Expr | None = None
        end = name.end_pos
        if parts:
            last = parts[-1]
            end = last.end if type(last) is _Delimited else last.span.end
            if type(last) is _Delimited and last.branches:
                branches, parts = last.items, parts[:-1]
            if len(parts) > 1 and _is(parts[-2], "CONDITION"):
                condition, parts = parts[-1], parts[:-2]
            if parts and type(parts[0]) is _Delimited:
                arguments, parts = parts[0].items, parts[1:]
            if branches is not None and condition is None:
                parts, condition = self._condition(name, parts)
            if len(parts) > 1:
                repeated = arguments is not None and len(parts) == 2
                parts = self._closed_up(parts, named=name.value == "input", repeated=repeated)
        span = self._at(name.start_pos, end)
        return s.Operation(self._name(name), arguments, parts, branches, span, condition)

    def _condition(
        self, name: Token, parts: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], s.Expr | None]:
        """`residual if skip < ... >`: the condition without its brackets, which is reported."""
        words = [part.id if type(part) is s.Word else "" for part in parts]
        if "if" not in words[:-1]:
            return parts, None
        at = words.index("if")
        span = parts[at + 1].span.to(parts[-1].span)
        if not self.source.text[span.end :].lstrip().startswith("<"):  # a mistake is between
            return parts[:at], s.Name("true", span)
        fix = Fix(f"write `({span.text})`", span, f"({span.text})", safe=True)
        title = f"a condition stands in brackets: `{name.value} if (...) < ... >`"
        self._problem("A001", title, span, "", fix)
        return parts[:at], s.Name("true", span)

    def output(self, word: Token, name: s.Label) -> s.Operation:
        target = name if name.fixed is None else s.Word(name.fixed, name.span)
        return s.Operation(self._name(word), None, (target,), None, self._over(word, name))

    def input(self, word: Token, name: s.Label, *attributes: s.Attribute) -> s.Operation:
        """`input view{i} 32x32 x3`; one whose name has no `{i}` is an `operation`."""
        found = self._closed_up((name, *attributes), named=True)
        return s.Operation(self._name(word), None, found, None, self._over(word, found[-1]))

    def group(self, body: s.Sequence) -> s.Group:
        return s.Group(body, body.span)

    def if_(self, word: Token, test: s.Expr, then: s.Sequence, *rest: Any) -> s.If:
        other: s.Sequence | None = None
        if rest:
            other = rest[-1]
            if isinstance(other, s.If):
                other = s.Sequence((s.Statement(None, other, None, other.span),), other.span)
        return s.If(test, then, other, self._over(word, other or then))

    def for_(self, word: Token, targets: Any, _in: Token, over: s.Over, body: s.Sequence) -> s.For:
        return s.For(targets, over, body, self._over(word, body))

    def each(
        self, word: Token, targets: Any, _in: Token, over: s.Over, body: s.Sequence
    ) -> s.Statement:
        term = s.Each(targets, over, body, self._over(word, body))
        return s.Statement(None, term, None, term.span)

    def targets(self, *names: Any) -> tuple[s.Target, ...]:
        return tuple(self._name(name) if type(name) is Token else name for name in names)

    def unpacked(self, _open: Token, *names: Token) -> tuple[s.Name, ...]:
        return tuple(self._name(name) for name in names[:-1])

    def over(self, start: s.Expr, *rest: Any) -> s.Over:
        stop = rest[-1] if rest else None
        return s.Over(start, stop, self._over(start, stop or start))

    def reference(self, at: Token, name: s.Label, *members: Any) -> s.Reference:
        return self._target(at, name, members)

    def member(self, *parts: Any) -> s.Label:
        """`.o{i}`: the dot is in the first token."""
        span = self._over(parts[0], parts[-1])
        filled = (parts[0].value[1:], *_filled(parts[1:]))
        return s.Label(tuple(part for part in filled if part != ""), span)

    def reuse(self, word: Token, name: s.Label, *members: Any) -> s.Reuse:
        target = self._target(name, name, members)
        return s.Reuse(target, self._over(word, target))

    def _target(self, first: Any, name: s.Label, members: tuple[Any, ...]) -> s.Reference:
        """What a reference names; a member may be a token, as `.c` is."""
        found = tuple((m.value[1:],) if type(m) is Token else m.parts for m in members)
        span = self._over(first, members[-1] if members else name)
        return s.Reference(name.parts, span, found, name.is_path)

    def arguments(self, _open: Token, *rest: Any) -> _Delimited:
        return _Delimited(rest[:-1], rest[-1].end_pos, branches=False)

    def argument(self, *parts: Any) -> s.Argument:
        name = self._key(parts[0]) if len(parts) == 2 else None
        return s.Argument(name, parts[-1], self._over(parts[0], parts[-1]))

    def braces(self, opened: Token, *rest: Any) -> s.Sequence:
        return s.Sequence(_present(rest[:-1]), self._over(opened, rest[-1]))

    def branches(self, *parts: Any) -> _Delimited:
        """Parts: a bracket or bar, a branch, a bar, a branch, ..., the closing bracket."""
        sequences = []
        for before, found, after in zip(parts[:-1:2], parts[1::2], parts[2::2], strict=True):
            first, last = (found[0], found[-1]) if found else (None, None)
            start = before.end_pos if first is None else first.span.start
            end = after.start_pos if last is None else last.span.end
            sequences.append(s.Sequence(found, self._at(start, end)))
        return _Delimited(tuple(sequences), parts[-1].end_pos, branches=True)

    def branch(self, *statements: s.Statement | None) -> tuple[s.Statement, ...]:
        return _present(statements)

    # --- attributes

    def plain(self, value: s.Expr) -> s.Plain:
        return s.Plain(value, value.span)

    def size(self, token: Token) -> s.Size:
        return s.Size(self._dims(token.value, token), self._span(token))

    def word(self, token: Token) -> s.Word:
        return s.Word(token.value, self._span(token))

    def stride(self, slash: Token, dims: Any) -> s.Stride:
        found = self._numbers(dims.value, dims) if type(dims) is Token else _dims_of(dims)
        return s.Stride(found, self._over(slash, dims))

    def geometry(self, head: Token, sized: s.Plain | s.Sized | None = None) -> s.Geometry:
        letter, dims = head.value[0], self._numbers(head.value[1:].rstrip("x"), head)
        if sized is None:
            return s.Geometry(letter, dims, self._span(head))
        return s.Geometry(letter, dims + _dims_of(sized), self._over(head, sized))

    def option(self, key: Token, value: Any) -> s.Option:
        found = value.value if type(value) is s.Plain else value
        return s.Option(self._key(key), found, self._over(key, value))

    def negative(self, minus: Token, value: s.Number) -> s.UnaryExpr:
        return s.UnaryExpr("-", value, self._over(minus, value))

    def sized(self, *parts: Any) -> s.Plain | s.Sized:
        """`(n)` alone is the operator's own number; with an `x` it is a size."""
        if len(parts) == 1 and type(parts[0]) is not Token:
            return s.Plain(parts[0], parts[0].span)
        dims: list[s.Expr] = []
        for part in parts:
            if type(part) is not Token:
                dims.append(part)
            elif part.type != "CROSS":
                dims += self._numbers(part.value.rstrip("x"), part)
        return s.Sized(tuple(dims), self._over(parts[0], parts[-1]))

    # --- expressions

    def conditional(
        self, then: s.Expr, _if: Token, test: s.Expr, _else: Token, other: s.Expr
    ) -> s.Conditional:
        return s.Conditional(then, test, other, self._over(then, other))

    def binary(self, left: s.Expr, op: Token, right: s.Expr) -> s.Binary:
        return s.Binary(op.value, left, right, self._over(left, right))

    def unary(self, op: Token, operand: s.Expr) -> s.UnaryExpr:
        return s.UnaryExpr(op.value, operand, self._over(op, operand))

    def index(self, base: s.Expr, _open: Token, index: s.Expr, close: Token) -> s.Index:
        return s.Index(base, index, self._over(base, close))

    def part(self, base: s.Expr, *parts: Any) -> s.Slice:
        middle = next(at for at, part in enumerate(parts) if _is(part, "COLON"))
        start, stop = parts[1:middle], parts[middle + 1 : -1]
        first, last = (found[0] if found else None for found in (start, stop))
        return s.Slice(base, first, last, self._over(base, parts[-1]))

    def listed(self, opened: Token, *parts: Any) -> s.Comprehension:
        item, _for, targets, _in, over, close = parts
        return s.Comprehension(item, targets, over, self._over(opened, close))

    def fact(self, at: Token, name: s.Label, *rest: Any) -> s.SizeOf:
        tensor = self._target(at, name, rest[:-1])
        return s.SizeOf(tensor, rest[-1].value[1:], self._over(at, rest[-1]))

    def name(self, token: Token) -> s.Name:
        return self._name(token)

    def incoming(self, token: Token) -> s.Incoming:
        return s.Incoming(token.value.rpartition(".")[2].strip(), self._span(token))

    def list(self, opened: Token, *rest: Any) -> s.ListExpr:
        return s.ListExpr(rest[:-1], self._over(opened, rest[-1]))

    def paren(self, opened: Token, value: s.Expr, close: Token) -> s.Expr:
        """No node of its own: the span of what is inside grows by the brackets."""
        return replace(value, span=self._over(opened, close))

    def call(self, name: Token, _open: Token, *rest: Any) -> s.CallExpr:
        return s.CallExpr(self._name(name), rest[:-1], self._over(name, rest[-1]))

    def number(self, token: Token) -> s.Number:
        return s.Number(self._value(token.value, token), self._span(token))

    def string(self, token: Token) -> s.Text:
        body = token.value[1:-1]
        if "\\" in body:
            body = self._unescaped(body, token.start_pos + 1)
        return s.Text(body, self._span(token))

    # --- pieces

    def _at(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def _span(self, token: Token) -> Span:
        return Span(self.source, token.start_pos, token.end_pos)

    def _over(self, first: Any, last: Any) -> Span:
        """From the start of a token or node to the end of another."""
        start = first.start_pos if type(first) is Token else first.span.start
        end = last.end_pos if type(last) is Token else last.span.end
        return Span(self.source, start, end)

    def _name(self, token: Token) -> s.Name:
        return s.Name(token.value, Span(self.source, token.start_pos, token.end_pos))

    def _key(self, token: Token) -> s.Name:
        """The name in `name=`."""
        name = token.value[:-1].rstrip()
        return s.Name(name, self._at(token.start_pos, token.start_pos + len(name)))

    def _dims(self, text: str, token: Token) -> tuple[int, ...]:
        return tuple([int(self._value(part, token)) for part in text.split("x")])

    def _numbers(self, text: str, token: Token) -> tuple[s.Number, ...]:
        """The sizes in `text`, part of `token`, as expressions. None if it is empty."""
        if not text:
            return ()
        span = self._span(token)
        return tuple([s.Number(value, span) for value in self._dims(text, token)])

    def _value(self, text: str, token: Token) -> int | float:
        """A written number; one that is beyond the limit is reported, and 0 taken for it.

        Length is looked at first: Python refuses to read integers of thousands of digits.
        """
        is_float = "." in text or "e" in text or "E" in text
        digits = text.replace("_", "")
        if digits.isdigit() and len(digits) < 10:
            value: int | float = int(digits)
        elif is_float:
            value = float(digits)
        else:
            digits = digits.lstrip("0")
            value = int(digits or 0) if len(digits) < 300 else inf
        if value <= self.limits.integer:
            return value
        self._too_large(token)
        return 0

    def _too_large(self, token: Token) -> None:
        limit = f"the largest is {self.limits.integer:_}"
        self._problem("A006", "this number is too large", self._span(token), limit)

    def _unescaped(self, body: str, start: int) -> str:
        pieces: list[str] = []
        at = 0
        while (found := body.find("\\", at)) >= 0:
            letter = body[found + 1]
            if letter not in _ESCAPES:
                span = self._at(start + found, start + found + 2)
                hint = 'inside a string, \\" \\\\ \\n \\t and \\r are known'
                fix = Fix(f"write `\\\\{letter}`", span, f"\\\\{letter}", safe=True)
                self._problem("A010", f"`\\{letter}` means nothing in a string", span, hint, fix)
            pieces += body[at:found], _ESCAPES.get(letter, letter)
            at = found + 2
        return "".join(pieces) + body[at:]

    def _closed_up(
        self, attributes: tuple[s.Attribute, ...], named: bool = False, repeated: bool = False
    ) -> tuple[s.Attribute, ...]:
        """`x 64` would be a flag `x` and a number, but is almost surely a slip for `x64`.

        If `named`, the first word may be a name: `input x 8x8 x3` is one called x. If `repeated`,
        it stands behind brackets, and `* 64` was meant.
        """
        if not any(type(a) is s.Word and a.id in _LETTERS for a in attributes):
            return attributes
        named = named and any(type(a) is s.Geometry for a in attributes)
        found: list[s.Attribute] = []
        for attribute in attributes:
            before = found[-1] if found[named:] else None
            split = type(before) is s.Word and before.id in _LETTERS
            if split and type(attribute) in (s.Plain, s.Size):
                if repeated and before.id == "x":  # type: ignore[union-attr]
                    found.pop()
                    self._refuse_times(before.span.to(attribute.span), attribute)  # type: ignore[union-attr]
                    continue
                found[-1] = self._joined(before, attribute)  # type: ignore[arg-type]
            else:
                found.append(attribute)
        return tuple(found)

    def _refuse_times(self, span: Span, count: s.Attribute) -> None:
        """`unit(64) x 3`."""
        meant = f"* {count.span.text}"
        fix = Fix(f"write `{meant}`", span, meant, safe=True)
        self._problem("A014", f"a repeat is written `{meant}`", span, "", fix)

    def _joined(self, word: s.Word, after: s.Plain | s.Size) -> s.Geometry:
        span = word.span.to(after.span)
        joined = word.id + after.span.text
        if word.span.end < after.span.start:  # else it is `x-4`, whose value is at fault
            title = f"there is a space between `{word.id}` and its number"
            fix = Fix("Close the gap", span, joined, safe=True)
            self._problem("A011", title, span, f"write `{joined}`", fix)
        if type(after) is s.Plain:
            return s.Geometry(word.id, (after.value,), span)
        dims = tuple(s.Number(extent, after.span) for extent in after.dims)  # type: ignore[union-attr]
        return s.Geometry(word.id, dims, span)

    def _problem(self, code: str, title: str, span: Span, hint: str, *fixes: Fix) -> None:
        self.problems.append(
            Diagnostic(code, title, (SpanLabel(span),), helps=(hint,) if hint else (), fixes=fixes)
        )


class _Delimited:
    """What stood in `(...)` or `<...>`, and where that ended. Lives until its owner is built."""

    __slots__ = ("branches", "end", "items")

    def __init__(self, items: Any, end: int | None, *, branches: bool) -> None:
        self.items = items
        self.end = end or 0
        self.branches = branches


def _filled(parts: tuple[Any, ...]) -> s.Template:
    """The name and expressions of `x{i}_{j}`, without its brackets."""
    found = (part.value if type(part) is Token else part for part in parts)
    return tuple(part for part in found if part not in ("{", "}"))


def _present(nodes: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(node for node in nodes if node is not None)


def _dims_of(node: s.Plain | s.Sized) -> tuple[s.Expr, ...]:
    return node.dims if type(node) is s.Sized else (node.value,)  # type: ignore[union-attr]


def _is(part: Any, kind: str) -> bool:
    return type(part) is Token and part.type == kind

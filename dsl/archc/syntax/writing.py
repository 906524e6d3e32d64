"""Tree to text, in the one way it would be written by hand.

`parse(format_file(tree))` gives the tree back. Comments are not in a tree and so are lost;
this serves tests and tools that make networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archc import syntax as s

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BLOCK = frozenset("{}\n;|<>@:")  # what may stand in a block, and in an index but in brackets
_WIDTH = 88  # branches that fit are written in one line

_CONDITIONAL, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)
_STRENGTH = {"or": _OR, "and": _AND, "+": _SUM, "-": _SUM} | dict.fromkeys(
    ("*", "/", "//", "%"), _PRODUCT
)


def format_file(file: s.File) -> str:
    """The text of a file, with a newline at its end unless it is empty."""
    return "".join(f"{line}\n" for item in file.items for line in _item(item))


# --- items and statements: lists of lines -----------------------------------------------------


def _item(item: s.Item) -> list[str]:
    match item:
        case s.Network(name, title):
            return [f"network {name.id}" + (f" {_text(title)}" if title else "")]
        case s.Use(path):
            return [f"use {_text(path)}"]
        case s.Extends(path):
            return [f"extends {_text(path)}"]
        case s.Without(labels):
            return [f"without {', '.join(map(_label, labels))}"]
        case s.Param(name, default):
            return [f"param {name.id} = {_expr(default)}"]
        case s.Block(name, formals, body):
            word = "sequence" if item.places else "block"
            listed = ", ".join(_formal(formal) for formal in formals)
            return _braced(f"{word} {name.id}({listed}) ", body)
        case s.Section(kind, entries):
            return [f"{kind.id} {{", *_indented(_entry(entry) for entry in entries), "}"]
        case s.Statement():
            return _statement(item)


def _formal(formal: s.Formal) -> str:
    if formal.is_tensor:
        return f"@{formal.name.id}"
    return formal.name.id + (f"={_expr(formal.default)}" if formal.default else "")


def _entry(entry: s.Entry) -> str:
    relation = f" {entry.relation}" if entry.relation else ""
    return entry.key.id + relation + _attributes(entry.values)


def _statement(statement: s.Statement) -> list[str]:
    lines = _term(statement.term)
    if statement.label:
        label = statement.label
        lines[0] = f"{_label(label)}: {lines[0]}"
    if statement.repeat:
        lines[-1] += f" * {_count(statement.repeat)}"
    if statement.alias:
        lines[-1] += f" as {_label(statement.alias)}"
    return lines


def _term(term: s.Term) -> list[str]:
    match term:
        case s.Operation():
            return _operation(term)
        case s.Group(body):
            return _braced("", body)
        case s.If():
            return _if(term)
        case s.For(targets, over, body):
            return _braced(f"for {_targets(targets)} in {_over(over)} ", body)
        case s.Each(targets, over, body):
            return _braced(f"each {_targets(targets)} in {_over(over)} ", body)
        case s.Let(name, value):
            return [f"let {name.id} = {_expr(value)}"]
        case s.Reference():
            return [_reference(term)]
        case s.Reuse(target):
            return [f"reuse {_target(target)}"]
        case s.Broken():
            return [""]


def _if(term: s.If) -> list[str]:
    lines = _braced(f"if {_expr(term.test)} ", term.then)
    match term.other:
        case None:
            return lines
        case s.Sequence((s.Statement(None, s.If() as other, None, alias=None),)):
            more = _if(other)
            return [*lines[:-1], f"{lines[-1]} else {more[0]}", *more[1:]]
        case other:
            more = _braced("", other)
            return [*lines[:-1], f"{lines[-1]} else {more[0]}", *more[1:]]


def _operation(operation: s.Operation) -> list[str]:
    head = operation.name.id
    if operation.arguments is not None:
        head += f"({', '.join(_argument(argument) for argument in operation.arguments)})"
    head += _attributes(operation.attributes)
    if operation.condition is not None:
        head += f" if ({_expr(operation.condition)})"
    if operation.branches is None:
        return [head]
    glue = "" if head == operation.name.id else " "
    branches = [_lines(branch) for branch in operation.branches]
    row = " | ".join("; ".join(lines) for lines in branches).strip()
    nested = any(line.endswith(("{", "<")) for lines in branches for line in lines)
    if len(row) + len(head) < _WIDTH and not nested:
        return [f"{head}{glue}< {row} >"]
    lines = [f"{head}{glue}<"]
    for place, branch in enumerate(branches):
        lines += ["|"] * (place > 0) + _indented(branch)
    return [*lines, ">"]


def _attributes(attributes: Iterable[s.Attribute]) -> str:
    """Each after a space, but a stride right after its window: `3x3/2`."""
    text = ""
    before: s.Attribute | None = None
    for attribute in attributes:
        joined = isinstance(attribute, s.Stride) and isinstance(before, s.Size | s.Sized)
        text += ("" if joined else " ") + _attribute(attribute)
        before = attribute
    return text


def _count(count: s.Expr) -> str:
    match count:
        case s.Name() | s.Number(int()) | s.CallExpr() | s.Index(s.Name()):
            return _expr(count)
        case _:
            return f"({_expr(count)})"


def _argument(argument: s.Argument) -> str:
    value = argument.value
    text = _reference(value) if isinstance(value, s.Reference) else _expr(value)
    return (f"{argument.name.id}=" if argument.name else "") + text


def _braced(head: str, body: s.Sequence) -> list[str]:
    return [f"{head}{{", *_indented(_lines(body)), "}"] if body.statements else [f"{head}{{}}"]


def _lines(sequence: s.Sequence) -> list[str]:
    return [line for statement in sequence.statements for line in _statement(statement)]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _label(label: s.Label) -> str:
    return f'"{_template(label.parts)}"' if label.is_path else _template(label.parts)


def _template(parts: s.Template) -> str:
    return "".join(part if isinstance(part, str) else f"{{{_expr(part)}}}" for part in parts)


def _member(parts: s.Template) -> str:
    """The text of a member of a reference, without its dot.

    `@x.c{` may begin the block of `if @x.c{...}`: an index that could be such a block is put into
    brackets.
    """
    name, *rest = parts
    if rest and name in s.SIZES and not isinstance(rest[0], str):
        index = _expr(rest[0])
        if not _BLOCK.isdisjoint(index):
            return f"{name}{{({index})}}{_template(tuple(rest[1:]))}"
    return _template(parts)


def _reference(reference: s.Reference) -> str:
    return f"@{_target(reference)}"


def _target(reference: s.Reference) -> str:
    name = _template(reference.parts)
    quoted = f'"{name}"' if reference.is_path else name
    return ".".join((quoted, *map(_member, reference.members)))


def _targets(targets: tuple[s.Target, ...]) -> str:
    return ", ".join(
        f"({', '.join(name.id for name in target)})" if isinstance(target, tuple) else target.id
        for target in targets
    )


def _over(over: s.Over) -> str:
    return _expr(over.start) + (f"..{_expr(over.stop)}" if over.stop else "")


# --- attributes -------------------------------------------------------------------------------


def _attribute(attribute: s.Attribute) -> str:
    match attribute:
        case s.Geometry(letter, dims):
            return letter + _sizes(dims)
        case s.Stride(dims):
            return f"/{_sizes(dims)}"
        case s.Plain(value):
            return _scalar(value)
        case s.Option(name, value):
            return f"{name.id}={_option(value)}"
        case s.Label():
            return _label(attribute)
        case s.Size() | s.Sized() | s.Word():
            return _option(attribute)


def _option(value: s.Expr | s.Size | s.Sized | s.Word | s.Reference) -> str:
    match value:
        case s.Size(dims):
            return "x".join(map(str, dims))
        case s.Sized((first, *rest)):
            # One size in brackets keeps it from reading as a plain size.
            plain = all(_is_plain(dim) for dim in (first, *rest))
            return "x".join([_size(first, brackets=plain), *map(_size, rest)])
        case s.Word(id):
            return id
        case s.Reference():
            return _reference(value)
        case _:
            return _scalar(value)  # type: ignore[arg-type]


def _scalar(value: s.Expr) -> str:
    """A value where attributes stand: all but the simplest goes in brackets."""
    match value:
        case (
            s.Number() | s.Text() | s.ListExpr() | s.Comprehension() | s.UnaryExpr("-", s.Number())
        ):
            return _expr(value)
        case _:
            return f"({_expr(value)})"


def _sizes(dims: Sequence[s.Expr]) -> str:
    return "x".join(map(_size, dims))


def _size(dim: s.Expr, *, brackets: bool = False) -> str:
    return f"({_expr(dim)})" if brackets or not _is_plain(dim) else _expr(dim)


def _is_plain(dim: s.Expr) -> bool:
    return isinstance(dim, s.Number) and isinstance(dim.value, int)


# --- expressions ------------------------------------------------------------------------------


def _expr(expr: s.Expr, least: int = _CONDITIONAL) -> str:
    """An expression; in brackets if it binds less than `least`."""
    strength, text = _bound(expr)
    return text if strength >= least else f"({text})"


def _bound(expr: s.Expr) -> tuple[int, str]:
    """How strongly an expression's outermost operator binds, and its text."""
    match expr:
        case s.Number(value):
            return _ATOM, repr(value)
        case s.Text():
            return _ATOM, _text(expr)
        case s.Name(id):
            return _ATOM, id
        case s.Incoming(field):
            return _ATOM, f"in.{field}"
        case s.ListExpr(items):
            return _ATOM, f"[{_list(items)}]"
        case s.Comprehension(item, targets, over):
            return _ATOM, f"[{_expr(item)} for {_targets(targets)} in {_over(over)}]"
        case s.SizeOf(tensor, field):
            return _ATOM, f"{_reference(tensor)}.{field}"
        case s.Slice(base):
            ends = (_expr(end) if end is not None else "" for end in (expr.start, expr.stop))
            return _ATOM, f"{_expr(base, _ATOM)}[{':'.join(ends)}]"
        case s.CallExpr(function, args):
            return _ATOM, f"{function.id}({_list(args)})"
        case s.Index(base, index):
            return _ATOM, f"{_expr(base, _ATOM)}[{_expr(index)}]"
        case s.UnaryExpr("not", operand):
            return _NOT, f"not {_expr(operand, _NOT)}"
        case s.UnaryExpr(op, operand):
            return _SIGN, f"{op}{_expr(operand, _SIGN)}"
        case s.Binary("**", left, right):
            return _POWER, f"{_expr(left, _ATOM)} ** {_expr(right, _SIGN)}"
        case s.Binary(op, left, right):
            strength = _STRENGTH.get(op, _COMPARISON)
            start = _expr(left, strength + (strength == _COMPARISON))
            return strength, f"{start} {op} {_expr(right, strength + 1)}"
        case s.Conditional(then, test, other):
            parts = _expr(then, _OR), _expr(test, _OR), _expr(other)
            return _CONDITIONAL, "{} if {} else {}".format(*parts)


def _list(items: Iterable[s.Expr]) -> str:
    return ", ".join(_expr(item) for item in items)


def _text(text: s.Text) -> str:
    return format_text(text.value)


def format_text(value: str) -> str:
    """Return a text in quotes, as it is written in a file."""
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in value) + '"'

"""Names in statements replaced by what they stand for; what is known then is worked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from archc import symbolic, syntax
from archc.editor.refactoring.base import NotRefactored
from archc.editor.refactoring.lines import dedented, indent_at, indented
from archc.elaborate.evaluate import Evaluator
from archc.ops import REGISTRY, Form
from archc.report.spelling.operators import write_value
from archc.source import Edit, Fault, Source, Span, edited
from archc.syntax.walk import children, name_span, walk

_GONE = "\0"  # in the place of a statement that makes nothing
_FORMS = {
    "/": Form.STRIDE,
    "x": Form.WIDTH,
    "p": Form.PADDING,
    "g": Form.GROUPS,
    "d": Form.DILATION,
}
_BRACKETED = syntax.Geometry | syntax.Stride | syntax.Plain | syntax.Sized | syntax.Option


@dataclass(frozen=True)
class Substitution:
    """What names stand for: values, or text (an expression); `tensors` are references by label."""

    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    tensors: Mapping[str, str] = field(default_factory=dict)

    def statements(self, row: syntax.Sequence, start: int, end: int) -> str:
        """Return the text of a row between two offsets. Raises NotRefactored."""
        edits = [edit for statement in row.statements for edit in self._edits(statement, False)]
        return _without_empty(row.span.source, start, end, edits)

    def expression(self, expr: syntax.Expr) -> str:
        """Return the text of an expression, without brackets around it."""
        edits = [*self._edits(expr, False)]
        text = _rewritten(expr.span.source, expr.span.start, expr.span.end, edits)
        return _unbracketed(text)

    def value_of(self, expr: syntax.Expr) -> Any:
        """Return the value of an expression that names nothing else; None for others."""
        for node in walk(expr):
            if isinstance(node, syntax.Incoming | syntax.SizeOf | syntax.Comprehension):
                return None
            if isinstance(node, syntax.Name) and node.id not in (*self.values, "true", "false"):
                return None
        try:
            return symbolic.plain(Evaluator(self.values, None).value(expr))
        except Fault:
            return None

    def _names(self, node: Any) -> bool:
        """Whether a node says a name that stands for something."""
        return any(
            (isinstance(n, syntax.Name) and (n.id in self.values or n.id in self.texts))
            or (isinstance(n, syntax.Word) and n.id in self.texts)
            or (isinstance(n, syntax.Reference) and syntax.fixed(n.parts) in self.tensors)
            for n in walk(node)
        )

    # --- nodes

    def _edits(self, node: Any, in_attribute: bool) -> Iterator[Edit]:
        match node:
            case syntax.Let(name=name) if name.id in self.values or name.id in self.texts:
                raise NotRefactored(f"`{name.id}` is a name of something else inside")
            case syntax.For() | syntax.Each() | syntax.Comprehension():
                self._refuse_shadow(syntax.names_of(node.targets))
                yield from self._inside(node, False)
            case syntax.If():
                yield from self._if(node)
            case syntax.Operation():
                yield from self._operation(node)
            case syntax.Reference():
                yield from self._reference(node)
            case syntax.Label():
                yield from self._template(node)
            case syntax.Statement():
                yield from self._statement(node)
            case syntax.Sized() if any(self.value_of(d) is None for d in node.dims):
                yield from self._inside(node, False)
            case syntax.Number() | syntax.Text() | syntax.Incoming():
                pass
            case _ if isinstance(node, syntax.Expr) and not isinstance(node, syntax.SizeOf):
                yield from self._expr(node, in_attribute)
            case _:
                yield from self._inside(node, isinstance(node, _BRACKETED))

    def _inside(self, node: Any, in_attribute: bool) -> Iterator[Edit]:
        for inner in children(node):
            yield from self._edits(inner, in_attribute)

    def _refuse_shadow(self, names: tuple[syntax.Name, ...]) -> None:
        for name in names:
            if name.id in self.values or name.id in self.texts:
                raise NotRefactored(f"`{name.id}` is a name of something else inside")

    def _expr(self, expr: syntax.Expr, in_attribute: bool) -> Iterator[Edit]:
        if not self._names(expr):
            return
        value = self.value_of(expr)
        if value is not None:
            text, is_number = write_value(value), type(value) in (int, float) and value >= 0
            in_brackets = expr.span.text.startswith("(") and not (in_attribute and is_number)
            yield Edit(expr.span, f"({text})" if in_brackets else text)
        elif isinstance(expr, syntax.Name):
            text, in_brackets = self.texts[expr.id], expr.span.text.startswith("(")
            whole = f"({text})" if in_brackets or not _is_single(text) else text
            yield Edit(expr.span, whole)
        elif isinstance(expr, syntax.Binary) and expr.op in ("and", "or"):
            yield from self._logic(expr)
        else:
            yield from self._inside(expr, False)

    def _logic(self, expr: syntax.Binary) -> Iterator[Edit]:
        """`2 > 1 or ...`: a side that is known decides, or goes."""
        for known, other in ((expr.left, expr.right), (expr.right, expr.left)):
            value = self.value_of(known)
            if value is None or not self._names(known):
                continue
            if bool(value) == (expr.op == "or"):
                yield Edit(expr.span, "true" if value else "false")
            else:
                text = self.expression(other)
                bracketed = expr.span.text.startswith("(")
                yield Edit(expr.span, f"({text})" if bracketed else text)
            return
        yield from self._inside(expr, False)

    def truth(self, expr: syntax.Expr) -> bool | None:
        """Return whether a test holds, where that hangs on nothing else."""
        value = self.value_of(expr)
        if value is None and isinstance(expr, syntax.Binary) and expr.op in ("and", "or"):
            sides = self.truth(expr.left), self.truth(expr.right)
            decisive = expr.op == "or"
            return decisive if decisive in sides else None
        return None if value is None else bool(value)

    # --- statements

    def _if(self, term: syntax.If) -> Iterator[Edit]:
        holds = self.truth(term.test) if self._names(term.test) else None
        if holds is None:
            yield from self._inside(term, False)
            return
        arm = term.then if holds else term.other
        text = self._arm(arm) if arm is not None else ""
        yield Edit(term.span, indented(text, indent_at(term.span.source, term.span.start)) or _GONE)

    def _arm(self, arm: syntax.Sequence) -> str:
        """The statements of an arm, without its brackets."""
        source, start, end = arm.span.source, arm.span.start, arm.span.end
        if source.text[start : start + 1] == "{":
            start, end = start + 1, end - 1
        elif arm.statements:  # `else if`
            start, end = arm.statements[0].span.start, arm.statements[-1].span.end
        return dedented(self.statements(arm, start, end).strip(" \t"))

    def _statement(self, node: syntax.Statement) -> Iterator[Edit]:
        """`* 0` makes nothing, `* 1` need not be said."""
        count = self.value_of(node.repeat) if node.repeat is not None else None
        if node.repeat is None or count not in (0, 1) or not self._names(node.repeat):
            yield from self._inside(node, True)
        elif count == 0:
            yield Edit(node.span, _GONE)
        elif node.label is not None:
            yield from self._inside(node, True)
        else:
            yield from self._edits(node.term, False)
            span = Span(node.span.source, node.term.span.end, node.repeat.span.end)
            yield Edit(span, "")

    def _operation(self, term: syntax.Operation) -> Iterator[Edit]:
        name = term.name.id
        if name in self.values:
            yield Edit(term.name.span, write_value(self.values[name]))
        elif name in self.texts:
            yield Edit(term.name.span, self.texts[name])
        condition = term.condition
        holds = None if condition is None else self.truth(condition)
        if condition is not None and holds is not None and self._names(condition):
            if not holds:
                yield Edit(term.span, self._arm((term.branches or ())[0]))
                return
            source, end = term.span.source, condition.span.end
            end += len(source.text[end:]) - len(source.text[end:].lstrip(" "))
            yield Edit(Span(source, term.name.span.end, end), "")
            condition = None
        for argument in term.arguments or ():
            yield from self._edits(argument, False)
        for attribute in term.attributes:
            if self._names(attribute) and self._is_default(term, attribute):
                before = attribute.span.source.text[attribute.span.start - 1]
                start = attribute.span.start - (before == " ")
                yield Edit(Span(attribute.span.source, start, attribute.span.end), "")
            else:
                yield from self._edits(attribute, False)
        if condition is not None:
            yield from self._edits(condition, False)
        for branch in term.branches or ():
            yield from self._edits(branch, False)

    def _is_default(self, term: syntax.Operation, attribute: syntax.Attribute) -> bool:
        """Whether an attribute says what holds without it: `/1` of `conv 3x3/1`."""
        if not isinstance(attribute, syntax.Geometry | syntax.Stride):
            return False
        cls = REGISTRY.get(term.name.id)
        form = _FORMS["/" if isinstance(attribute, syntax.Stride) else attribute.letter]
        for spec in fields(cls) if cls is not None else ():
            if "archc" in spec.metadata and spec.metadata["archc"].form is form:
                default = spec.default if isinstance(spec.default, tuple) else (spec.default,)
                return all((self.value_of(dim),) == default for dim in attribute.dims)
        return False

    # --- labels

    def _template(self, node: syntax.Label | syntax.Reference) -> Iterator[Edit]:
        members = node.members if isinstance(node, syntax.Reference) else ()
        for part in (*node.parts, *(p for member in members for p in member)):
            if isinstance(part, str) or not self._names(part):
                continue
            value = self.value_of(part)
            text, source = part.span.source.text, part.span.source
            if value is None:
                yield from self._edits(part, False)
            else:
                start, end = text.rindex("{", 0, part.span.start), text.index("}", part.span.end)
                yield Edit(Span(source, start, end + 1), str(value))

    def _reference(self, node: syntax.Reference) -> Iterator[Edit]:
        given = self.tensors.get(syntax.fixed(node.parts) or "")
        if given is not None:
            at = name_span(node)
            yield Edit(Span(at.source, node.span.start, at.end), given)
        else:
            yield from self._template(node)


def _rewritten(source: Source, start: int, end: int, edits: list[Edit]) -> str:
    """The text between two offsets, with edits made in it."""
    moved = Source(source.name, source.text[start:end])
    inside = [Edit(Span(moved, e.span.start - start, e.span.end - start), e.text) for e in edits]
    return edited(moved.text, inside)


def _without_empty(source: Source, start: int, end: int, edits: list[Edit]) -> str:
    """The same; where a statement went away, so does what parted it from the next."""
    text = source.text
    found = []
    for edit in edits:
        a, b = edit.span.start, edit.span.end
        if edit.text == _GONE:
            line = text.rfind("\n", start, a) + 1
            rest = text[b:end]
            if text[line:a].strip() or rest.partition("\n")[0].strip(" \t;\r"):
                b += len(rest) - len(rest.lstrip(" \t;"))
            else:
                a, b = max(line, start), b + len(rest.partition("\n")[0]) + ("\n" in rest)
        found.append(Edit(Span(source, a, b), edit.text.replace(_GONE, "")))
    return _rewritten(source, start, end, found)


def _unbracketed(text: str) -> str:
    """`2*w` of `(2*w)`."""
    text = text.strip()
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and at < len(text) - 1:
            return text
    return text[1:-1].strip()


def _is_single(text: str) -> bool:
    """Whether an expression needs no brackets inside of another."""
    return text.replace("_", "").replace(".", "").replace("@", "").isalnum()

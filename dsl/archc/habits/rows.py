"""A method that puts blocks in a row: `self._make_layer(block, 128, num_blocks[1], stride=2)`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archc.habits.class_values import ClassValues
from archc.habits.expressions import NotSaid, counted, expression, first_line
from archc.habits.known import folded, truth
from archc.habits.substitution import bound, only_knows

if TYPE_CHECKING:
    import ast


@dataclass(slots=True)
class BlockRow:
    """What a call of such a method makes, while the names are those of the method."""

    made: ClassValues
    lists: frozenset[str] = frozenset()  # what its blocks are put into

    def text(self, method: str, call: ast.Call) -> str:
        """Its blocks, as a group or a repeat. Raises NotSaid."""
        made = self.made
        function, formals = made.cls.method(method), made.cls.formals(method)
        given = {name: v for name, v in formals.items() if v is not None} | bound(call, formals)
        names = made.names
        self.lists = _returned(function)
        made.names = names | {name: made.substituted(value) for name, value in given.items()}
        try:
            rows = [row for statement in function.body for row in self._rows(statement)]
        finally:
            made.names = names | {n: v for n, v in made.names.items() if _is_changing(v)}
        return _in_a_row(rows)

    def _rows(self, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        """The blocks that a statement appends, and how often."""
        import ast

        names = self.made.names
        match statement:
            case ast.Assign([ast.Name()], ast.List(blocks)):
                for block in blocks:
                    yield self._appended(block), "1"
            case ast.Assign([ast.Name(name)], value) if name not in self.lists:
                names[name] = self.made.substituted(value)
            case ast.Assign([ast.Attribute(ast.Name("self"), name)], value):
                self.made.latest[name] = self.made.substituted(value)
                names[name] = ast.Name(f"self.{name}")  # it changes from block to block
            case ast.AugAssign(ast.Name(), ast.Add(), ast.List(blocks)):
                for block in blocks:
                    yield self._appended(block), "1"
            case ast.Assign([ast.Name()], ast.Call(ast.Name("list"), [], [])):
                return
            case ast.AugAssign(ast.Name(name) | ast.Attribute(ast.Name("self"), name)) if (
                name not in self.lists
            ):
                self.made.latest.pop(name, None)
                names[name] = ast.Name(f"self.{name}")
            case ast.Expr(ast.Call(ast.Attribute(attr="append"), [block])):
                yield self._appended(block), "1"
            case ast.Return(ast.Call(args=[ast.Starred(ast.Name())])) | ast.Expr(ast.Constant()):
                return
            case ast.If(test, body, otherwise):
                yield from self._chosen(test, body, otherwise)
            case ast.For(target=ast.Name(name), iter=iter, body=body):
                yield from self._looped(name, iter, body)
            case _:
                raise NotSaid(f"`{first_line(statement)}`")

    def _chosen(
        self, test: ast.expr, body: list[ast.stmt], otherwise: list[ast.stmt]
    ) -> Iterator[tuple[str, str]]:
        """What a test leaves, where its value is known; a layer to hand on needs none."""
        holds = truth(self.made.substituted(test))
        if holds is not None:
            for statement in body if holds else otherwise:
                yield from self._rows(statement)
        elif not all(map(_names_a_layer, (*body, *otherwise))):
            raise NotSaid(f"`if {first_line(test)}`")

    def _looped(self, name: str, iter: ast.expr, body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
        import ast

        made, rounds = self.made, list[tuple["ast.expr | None", str]]()
        match over := folded(made.substituted(iter)):
            case ast.BinOp(
                ast.List([first]), ast.Add(), ast.BinOp(ast.List([other]), ast.Mult(), often)
            ):
                only_knows(often, made.known)
                rounds = [(first, "1"), (other, expression(often))]
            case _:
                count = counted(over)
                if count is None:
                    raise NotSaid(f"`for {name} in {ast.unparse(iter)}`")
                only_knows(ast.parse(count, mode="eval").body, made.known)
                rounds = [(None, count.removeprefix("(").removesuffix(")"))]
        for value, count in rounds:
            if value is None:
                made.names.pop(name, None)
            else:
                made.names[name] = value
            rows = [row for statement in body for row in self._rows(statement)]
            if len(rows) != 1:
                raise NotSaid(f"`for {name} in {ast.unparse(iter)}`")
            if count != "0":
                yield rows[0][0], count

    def _appended(self, node: ast.expr) -> str:
        import ast

        made = self.made.substituted(node)
        if isinstance(made, ast.Call) and ast.unparse(made.func) in self.made.others:
            return self.made.block_call(made, node if isinstance(node, ast.Call) else None)
        raise NotSaid(f"`{ast.unparse(node)}`")


def _returned(function: ast.FunctionDef) -> frozenset[str]:
    """The lists that a method returns: `nn.Sequential(*layers)`."""
    import ast

    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Starred))
    return frozenset(node.value.id for node in nodes if isinstance(node.value, ast.Name))


def _names_a_layer(statement: ast.stmt) -> bool:
    """`downsample = nn.Sequential(...)`: a layer that a block is handed."""
    import ast

    match statement:
        case ast.Assign([ast.Name()], ast.Call()):
            return True
    return False


def _is_changing(value: ast.expr) -> bool:
    """Whether a value is another after each block: that of `self.in_planes`."""
    import ast

    return isinstance(value, ast.Name) and value.id.startswith("self.")


def _in_a_row(rows: list[tuple[str, str]]) -> str:
    """`{ Block(128, stride=2); Block(128) * (n - 1) }`."""
    if len(rows) == 2 and rows[0][0] == rows[1][0] and rows[0][1] == "1":
        found = re.fullmatch(r"(.+) - 1", rows[1][1])
        whole = found[1] if found else str(int(rows[1][1]) + 1) if rows[1][1].isdigit() else ""
        if whole:
            return _times(rows[0][0], whole)
    if not rows:
        raise NotSaid("an empty container")
    return f"{{ {'; '.join(_times(*row) for row in rows)} }}"


def _times(text: str, count: str) -> str:
    if count == "1":
        return text
    return f"{text} * {count}" if re.fullmatch(r"\w+", count) else f"{text} * ({count})"

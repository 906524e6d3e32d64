"""Python statements, functions and classes made ready to run on symbols."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from archc.conformance.expressions import Expressions
from archc.conformance.objects import Class, Code, Frame, Function, device_of
from archc.conformance.problems import UnsupportedPython
from archc.conformance.python_builtins import iterate


class Returned(Exception):
    """`return`: ends a function."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Statements(Expressions):
    """Makes closures of statements, for one run. One that returns a tuple has ended the function:
    the value is in it."""

    def block(self, nodes: list[ast.stmt]) -> list[Code]:
        """Return closures of statements in a row. Raises UnsupportedPython."""
        return [code for node in nodes if (code := self._statement(node)) is not None]

    def function(self, node: ast.FunctionDef) -> Function:
        """Return a method, ready to run."""
        arguments = node.args
        if arguments.posonlyargs:
            raise UnsupportedPython(
                "`/` among arguments is not Python that archc writes", node.lineno
            )
        names = [a.arg for a in arguments.args]
        defaults = dict(
            zip(names[len(names) - len(arguments.defaults) :],
                map(self.compile, arguments.defaults), strict=True)
        )  # fmt: skip
        keywords = [a.arg for a in arguments.kwonlyargs]
        for name, default in zip(keywords, arguments.kw_defaults, strict=True):
            if default is not None:
                defaults[name] = self.compile(default)
        return Function(
            node.name,
            names,
            keywords,
            defaults,
            arguments.vararg.arg if arguments.vararg is not None else None,
            arguments.kwarg.arg if arguments.kwarg is not None else None,
            self.block(node.body),
            node.lineno,
        )

    def _statement(self, node: ast.stmt) -> Code | None:
        made = getattr(self, f"_{type(node).__name__}", None)
        if made is None:
            raise UnsupportedPython(
                f"`{ast.unparse(node)[:60]}` is not Python that archc writes", node.lineno
            )
        code: Code | None = made(node)
        return code

    def _Pass(self, node: ast.Pass) -> None:
        return None

    def _Expr(self, node: ast.Expr) -> Code | None:
        if isinstance(node.value, ast.Constant):  # a docstring
            return None
        code = self.compile(node.value)

        def run(frame: Frame) -> None:
            code(frame)

        return run

    def _Return(self, node: ast.Return) -> Code:
        code = self.compile(node.value) if node.value is not None else None

        def leave(frame: Frame) -> None:
            raise Returned(code(frame) if code is not None else None)

        return leave

    def _Assign(self, node: ast.Assign) -> Code:
        value = self.compile(node.value)
        stores = [self._store(target) for target in node.targets]

        def assign(frame: Frame) -> None:
            found = value(frame)
            for store in stores:
                store(frame, found)

        return assign

    def _AnnAssign(self, node: ast.AnnAssign) -> Code | None:
        if node.value is None:
            return None
        value, store = self.compile(node.value), self._store(node.target)

        def assign(frame: Frame) -> None:
            store(frame, value(frame))

        return assign

    def _AugAssign(self, node: ast.AugAssign) -> Code:
        if not isinstance(node.target, ast.Name):
            raise UnsupportedPython("`self.x +=` is not Python that archc writes", node.lineno)
        name, value, run, line = node.target.id, self.compile(node.value), self.run, node.lineno
        binary = ast.BinOp(ast.Name(name, ast.Load()), node.op, node.value)
        ast.copy_location(binary, node)
        ast.copy_location(binary.left, node)
        combine = self._BinOp(binary)

        def add(frame: Frame) -> None:
            before = frame.get(name)
            if isinstance(before, list):
                before.extend(iterate(value(frame), line))
            elif hasattr(before, "tensor"):
                raise UnsupportedPython("a tensor is changed in place by an operator", run.line)
            else:
                frame[name] = combine(frame)

        return add

    def _store(self, node: ast.expr) -> Callable[[Frame, Any], None]:
        if not isinstance(node, ast.Attribute):
            if isinstance(node, ast.Tuple) and any(isinstance(p, ast.Attribute) for p in node.elts):
                return self._store_all(node)
            return self.target(node)
        owner, name, run, line = self.compile(node.value), node.attr, self.run, node.lineno

        def store(frame: Frame, value: Any) -> None:
            run.line = line
            run.assign(frame, owner(frame), name, value)  # type: ignore[attr-defined]

        return store

    def _store_all(self, node: ast.Tuple) -> Callable[[Frame, Any], None]:
        stores = [self._store(part) for part in node.elts]
        line = node.lineno

        def store(frame: Frame, value: Any) -> None:
            items = list(iterate(value, line))
            if len(items) != len(stores):
                raise UnsupportedPython(f"{len(items)} values for {len(stores)} names", line)
            for one, item in zip(stores, items, strict=True):
                one(frame, item)

        return store

    def _If(self, node: ast.If) -> Code:
        test, then, other = self.compile(node.test), self.block(node.body), self.block(node.orelse)

        def decide(frame: Frame) -> None:
            for code in then if test(frame) else other:
                code(frame)

        return decide

    def _For(self, node: ast.For) -> Code:
        if node.orelse:
            raise UnsupportedPython("`else` of a loop is not Python that archc writes", node.lineno)
        items, store, body = (
            self.compile(node.iter),
            self.target(node.target),
            self.block(node.body),
        )
        line = node.lineno

        def loop(frame: Frame) -> None:
            for item in iterate(items(frame), line):
                store(frame, item)
                for code in body:
                    code(frame)

        return loop

    def _With(self, node: ast.With) -> Code:
        """`with self.devices[0]:`, around modules that are made there."""
        if len(node.items) != 1 or node.items[0].optional_vars is not None:
            raise UnsupportedPython("such a `with` is not Python that archc writes", node.lineno)
        manager, body = self.compile(node.items[0].context_expr), self.block(node.body)
        run = self.run

        def inside(frame: Frame) -> None:
            outer = run.device
            run.device = device_of(manager(frame), node.lineno)
            for code in body:
                code(frame)
            run.device = outer

        return inside


def run_function(function: Function, frame: Frame) -> Any:
    """Run a function's body on its frame; what it returns."""
    try:
        for code in function.body:
            code(frame)
    except Returned as end:
        return end.value
    return None


def base_of(node: ast.ClassDef, mixins: tuple[str, ...]) -> str:
    """Return the base of a class, as it is written; `mixins` may stand before it."""
    bases = [ast.unparse(base) for base in node.bases]
    if len(bases) > 1:
        bases = [base for base in bases if base not in mixins]
    if len(bases) != 1 or node.keywords or node.decorator_list:
        raise UnsupportedPython(f"the class `{node.name}` has not one base", node.lineno)
    return bases[0]


__all__ = ["Class", "Returned", "Statements", "base_of", "run_function"]

"""What `forward` computes: the statements that follow from its text, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.call import means_at_once
from archc.habits.expressions import NotSaid, expression, first_line
from archc.habits.flow import Flow, FlowStep, chosen, merged
from archc.habits.known import is_none, truth
from archc.habits.modules import Construction, is_weighted
from archc.habits.substitution import INCOMING, substituted

if TYPE_CHECKING:
    import ast

_MOST_CHOICES = 4  # in one `forward`
_BATCH = "batch__"  # stands for how many images there are
_AT_HAND = "tensor__"  # stands for what a function is given


@dataclass(slots=True)
class ForeignForward:
    """A class's `forward`, of one tensor. Raises NotSaid, with what it is about."""

    made: Construction
    tensors: dict[str, Flow] = field(default_factory=dict)
    sizes: dict[str, ast.expr] = field(default_factory=dict)  # by their names
    depth: int = 0  # of methods that call each other

    def flow(self) -> Flow:
        """What it returns."""
        tensors = list(self.made.cls.formals("forward"))
        if len(tensors) != 1:
            raise NotSaid("`forward` of several tensors")
        self.tensors[tensors[0]] = ()
        return self._returned(self.made.cls.method("forward").body, 0)

    def _returned(self, statements: list[ast.stmt], choices: int) -> Flow:
        """What a row of statements returns."""
        import ast

        for at, statement in enumerate(statements):
            match statement:
                case ast.Expr(value=ast.Constant()):
                    pass
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.tensors[name] = self._flow(value)
                case ast.Assign([ast.Tuple([ast.Name(name), ast.Name("_")])], value):
                    self.tensors[name] = self._flow(_values(value))
                case ast.Assign([ast.Tuple(names)], value) if self._is_size(value):
                    self._name_sizes(names)
                case ast.AugAssign(target=ast.Name(id=name) as left, op=op, value=value):
                    self.tensors[name] = self._flow(ast.BinOp(ast.Name(left.id), op, value))
                case ast.For(
                    target=ast.Name(id=layer),
                    iter=ast.Attribute(value=ast.Name(id="self"), attr=made),
                    body=[
                        ast.Assign(
                            targets=[ast.Name(id=name)],
                            value=ast.Call(func=ast.Name(id=run), args=[value], keywords=[]),
                        )
                    ],
                ) if run == layer:
                    self.tensors[name] = (*self._flow(value), *self._steps(made))
                case ast.If(test, [ast.Assign([ast.Name(name)], value)], []) if self._is_there(
                    test
                ):
                    self.tensors[name] = self._if_there(value, self.tensors.get(name))
                case ast.If(test, body, otherwise) if (holds := self._holds(test)) is not None:
                    side = body if holds else otherwise
                    return self._returned([*side, *statements[at + 1 :]], choices)
                case ast.If(test=test, body=body, orelse=otherwise) if choices < _MOST_CHOICES:
                    condition = expression(self.made.value(test))
                    tensors, behind = dict(self.tensors), statements[at + 1 :]
                    one = self._returned([*body, *behind], choices + 1)
                    self.tensors = tensors
                    other = self._returned([*otherwise, *behind], choices + 1)
                    return chosen(condition, one, other)
                case ast.Return(value=ast.expr() as value):
                    return self._flow(value)
                case _:
                    raise NotSaid(f"`{first_line(statement)}`")
        raise NotSaid("`forward` without `return`")

    def _is_size(self, node: ast.expr) -> bool:
        """`x.size()`, `x.shape` of the tensor that comes in."""
        import ast

        match node:
            case ast.Call(ast.Attribute(ast.Name(name), "size"), [], []):
                return self.tensors.get(name) == ()
            case ast.Attribute(ast.Name(name), "shape"):
                return self.tensors.get(name) == ()
        return False

    def _name_sizes(self, names: list[ast.expr]) -> None:
        """`b, c, _, _ = x.size()`: of these, the channels can be said."""
        import ast

        for name, value in zip(names, (_BATCH, INCOMING), strict=False):
            if isinstance(name, ast.Name):
                self.sizes[name.id] = ast.Name(value)

    def _holds(self, test: ast.expr) -> bool | None:
        return truth(substituted(test, self.made.names))

    def _is_there(self, test: ast.expr) -> bool:
        """`self.downsample is not None`: whether there is a layer, perhaps an empty one."""
        import ast

        match test:
            case ast.Compare(left, [ast.IsNot()], [right]) if is_none(right):
                test = left
            case ast.Call(ast.Name("hasattr"), [owner, ast.Constant(str() as name)], []):
                test = ast.Attribute(owner, name)
        match test:
            case ast.Attribute(ast.Name("self"), name):
                return name in self.made.modules
        return False

    def _if_there(self, node: ast.expr, otherwise: Flow | None) -> Flow:
        """`self.downsample(x)`, where the tensor is `x` without it: an empty layer changes none."""
        import ast

        match node:
            case ast.Call(ast.Attribute(ast.Name("self"), name), [x], []):
                flow, made = self._flow(x), self.made.modules[name]
                if flow == otherwise:
                    return self._flow(node)
                if made.test and otherwise is not None:
                    return chosen(made.test, (*flow, FlowStep(made.tested, name)), otherwise)
        raise NotSaid(f"`{ast.unparse(node)}`, which runs by a test")

    def _flow(self, node: ast.expr) -> Flow:
        import ast

        match node:
            case ast.Name(id=name) if name in self.tensors:
                return self.tensors[name]
            case ast.IfExp(test, one, other) if self._is_there(test):
                return self._if_there(one, self._flow(other))
            case ast.IfExp(ast.Compare(left, [ast.Is()], [right]), one, other) if is_none(right):
                asked = ast.Compare(left, [ast.IsNot()], [right])
                return self._flow(ast.IfExp(asked, other, one))
            case ast.IfExp(test, one, other):
                holds = self._holds(test)
                if holds is not None:
                    return self._flow(one if holds else other)
                condition = expression(self.made.value(test))
                return chosen(condition, self._flow(one), self._flow(other))
            case ast.Call(ast.Attribute(ast.Name("self"), name), [x], []):
                if name in self.made.modules or not self.made.cls.has(name):
                    return (*self._flow(x), *self._steps(name))
                return self._method(name, self._flow(x))
            case ast.Subscript(ast.Call(ast.Attribute(_, "max")) as found, ast.Constant(0)):
                return self._flow(_values(found))
            case ast.Call(ast.Attribute(x, "squeeze")) if not _is_tool(x):
                return self._squeezed(self._flow(x))
            case ast.Call(ast.Attribute(tool, "squeeze"), [x, *_]) if _is_tool(tool):
                return self._squeezed(self._flow(x))
            case ast.Call(ast.Attribute(x, "clone" | "contiguous"), []):
                return self._flow(x)
            case ast.Call(ast.Attribute(x, "expand_as" | "expand")):  # as a product does by itself
                return self._flow(x)
            case ast.BinOp(left=left, op=ast.Add() | ast.Mult() as op, right=right):
                combinator = "residual" if isinstance(op, ast.Add) else "mul"
                return merged(combinator, (self._flow(left), self._flow(right)))
            case ast.Call(
                func=ast.Attribute(attr="cat" | "concat"),
                args=[ast.List(elts=parts) | ast.Tuple(elts=parts), *_],
            ) if _over_channels(node):
                return merged("concat", tuple(self._flow(part) for part in parts))
            case ast.Call(func=ast.Call() as layer, args=[x], keywords=[]):
                flow = self._flow(x)
                return (*flow, *self._unnamed(layer))
            case ast.Call():
                return self._function(means_at_once(node))
        raise NotSaid(f"`{ast.unparse(node)}`")

    def _method(self, name: str, flow: Flow) -> Flow:
        """`self._forward_impl(x)`: another method of the class, of one tensor."""
        formals = list(self.made.cls.formals(name))
        if len(formals) != 1 or self.depth >= _MOST_CHOICES:
            raise NotSaid(f"`self.{name}`")
        inner = ForeignForward(self.made, {formals[0]: flow}, depth=self.depth + 1)
        return inner._returned(self.made.cls.method(name).body, 0)

    def _steps(self, name: str) -> Flow:
        """The statements of a module, with its label where it has weights."""
        if name not in self.made.modules:
            raise NotSaid(f"`self.{name}`")
        made = self.made.modules[name]
        text = "; ".join(made.statements)
        if not made.statements:
            return ()
        if not is_weighted(made, self.made.others):
            return (FlowStep(text, in_place=made.in_place),)
        if text.startswith("if "):  # it has the label inside
            return (FlowStep(text, name, made.in_place),)
        is_one = ";" not in text or made.is_group
        labelled = f"{name}: {text}" if is_one else f"{name}: {{ {text} }}"
        return (FlowStep(labelled, name, made.in_place),)

    def _function(self, call: ast.Call) -> Flow:
        """`F.relu(self.bn(x))`, `x.view(x.size(0), -1)`: a function of one tensor."""
        import ast

        func = call.func
        is_tool = isinstance(func, ast.Attribute) and _is_tool(func.value)
        if is_tool and call.args:
            flow, args = self._flow(call.args[0]), [ast.Name(_AT_HAND), *call.args[1:]]
            made = ast.Call(func, args, call.keywords)
        elif isinstance(func, ast.Attribute) and not is_tool:
            flow = self._flow(func.value)
            made = ast.Call(ast.Attribute(ast.Name(_AT_HAND), func.attr), call.args, call.keywords)
        else:
            raise NotSaid(f"`{ast.unparse(call)}`")
        tensors: dict[str, ast.expr] = {
            name: ast.Name("x" if other is flow else "another")
            for name, other in self.tensors.items()
        }
        values = {**self.made.names, **self.sizes, **tensors, _AT_HAND: ast.Name("x")}
        steps = self._unnamed(substituted(made, values))
        if [step.text for step in steps] == ["flatten"] and _is_flat(flow):
            return flow
        return (*flow, *steps)

    def _squeezed(self, flow: Flow) -> Flow:
        """A map of one value without its axes: once, however often it is written."""
        if _is_flat(flow):
            return flow
        last = flow[-1] if flow else None
        if not isinstance(last, FlowStep) or not re.search(r"(?:\bgap|to=1(?:x1)?)\Z", last.text):
            raise NotSaid("axes of size 1 to take away")
        return (*flow, FlowStep("flatten"))

    def _unnamed(self, layer: ast.expr) -> tuple[FlowStep, ...]:
        """The statement of a function, or of a layer that is made where it runs."""
        made = self.made.layer(layer)
        return tuple(FlowStep(text, "", made.in_place) for text in made.statements)


def _is_flat(flow: Flow) -> bool:
    """Whether the last step has made a vector."""
    return bool(flow) and isinstance(flow[-1], FlowStep) and flow[-1].text.endswith("flatten")


def _values(node: ast.expr) -> ast.expr:
    """What `torch.max(x, 1, keepdim=True)` finds, without where: it gives both. Raises NotSaid."""
    import ast

    match node:
        case ast.Call(ast.Attribute(tool, "max"), args, keywords):
            return ast.Call(ast.Attribute(tool, "amax"), args, keywords)
    raise NotSaid(f"`{ast.unparse(node)}`")


def _is_tool(node: ast.expr) -> bool:
    import ast

    return ast.unparse(node) in ("F", "torch", "nn.functional", "torch.nn.functional")


def _over_channels(call: ast.Call) -> bool:
    """Whether `torch.cat` is along the channels."""
    import ast

    given = [*call.args[1:], *(k.value for k in call.keywords if k.arg in ("dim", "axis"))]
    return [ast.unparse(node) for node in given] == ["1"]

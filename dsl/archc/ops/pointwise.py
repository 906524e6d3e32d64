"""Arithmetic on every element: learned factors, constants and plain functions."""

from __future__ import annotations

from typing import Any, ClassVar

from archc import symbolic
from archc.ops._field import flag, number, option
from archc.ops._op import Keyword, ModuleCall, Unary, op, register
from archc.ops._shape import Dims, Shape


@register
@op
class Scale(Unary):
    """A learned factor for each channel, or with `single` one for the whole tensor.

    `scale init=1e-6` at the end of a residual body is ConvNeXt's and CaiT's layer scale
    (Touvron et al., arXiv:2103.17239), `scale single init=0` ReZero (arXiv:2003.04887). In a block,
    `gamma: scale bare` is a weight `gamma`, as timm has it, instead of `gamma.weight`; with
    `broadcast` its shape is (C, 1, 1), as torchvision's `layer_scale`.
    """

    name = "scale"
    category = "norm"
    example = "scale init=0.1"
    keeps_shape = True
    backward_needs = "input"

    init: float = option(float, 1.0, "the factor to begin with")
    single: bool = flag("one factor for all channels", single=True)
    bare: bool = flag("the weight has the label's name alone", bare=True)
    broadcast: bool = flag("a bare weight has a size of 1 for each dimension", broadcast=True)

    @property
    def is_bare(self) -> bool:
        return self.bare

    def ones(self, x: Shape) -> int:
        return 0 if self.single or self.broadcast else x.rank

    def shape(self, x: Shape) -> Shape:
        if self.broadcast and not self.bare:
            self.refuse(
                "`broadcast` gives a bare weight its shape",
                "write `bare broadcast`, or leave it out",
                field="broadcast",
                code="A305",
            )
        return x

    def weights(self, x: Shape) -> dict[str, Dims]:
        return {"" if self.bare else "weight": self._dims(x)}

    def operations(self, x: Shape) -> int:
        return x.features

    def backward_scratch(self, *xs: Shape) -> int:
        return xs[0].features  # the factors' gradients, before they are summed

    def torch(self, x: Shape) -> ModuleCall:
        if self.bare:
            return ModuleCall("Parameter", (self._dims(x),), (Keyword("init", self.init),))
        return ModuleCall("Scale", self._dims(x), (Keyword("init", self.init, 1.0),))

    def _dims(self, x: Shape) -> Dims:
        channels = 1 if self.single else x.channels
        return (channels, *(1 for _ in x.size)) if self.broadcast else (channels,)


@register
@op
class Times(Unary):
    """Multiplies by a constant: `times 0.1` scales a residual body down (Inception-ResNet)."""

    name = "times"
    example = "times 0.5"
    keeps_shape = True
    by_channel = True

    factor: float = number(float, doc="the factor")

    def operations(self, x: Shape) -> int:
        return x.features

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Times", (self.factor,))

    def inline(self, *names: str) -> str:
        number = symbolic.format_float(float(self.factor))
        return f"{names[0]} * {f'({number})' if ' ' in number else number}"

    def operand(self) -> tuple[str, Any] | None:
        return "*", self.factor

    def label(self) -> str:
        return f"{self.factor:g}"


@register
@op
class Plus(Unary):
    """Adds a constant: `plus -0.45` takes a mean off."""

    name = "plus"
    yields = True
    example = "plus -0.5"
    keeps_shape = True
    by_channel = True
    gradient = "same"

    summand: float = number(float, doc="the summand")

    def operations(self, x: Shape) -> int:
        return x.features

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Plus", (self.summand,))

    def inline(self, *names: str) -> str:
        sign = "-" if self.summand < 0 else "+"
        return f"{names[0]} {sign} {abs(self.summand)!r}"

    def operand(self) -> tuple[str, Any] | None:
        return "+", self.summand

    def label(self) -> str:
        return f"{self.summand:g}"


@register
@op
class Div(Unary):
    """Divides by a constant: `div 255` brings bytes to 0 to 1."""

    name = "div"
    yields = True
    example = "div 2"
    keeps_shape = True
    by_channel = True

    divisor: float = number(float, doc="the divisor")

    def shape(self, x: Shape) -> Shape:
        if not self.divisor:
            self.refuse("nothing can be divided by 0", "divide by another number", field="divisor",
                        code="A305")  # fmt: skip
        return x

    def operations(self, x: Shape) -> int:
        return x.features

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Div", (self.divisor,))

    def inline(self, *names: str) -> str:
        return f"{names[0]} / {self.divisor!r}"

    def operand(self) -> tuple[str, Any] | None:
        return "/", self.divisor

    def label(self) -> str:
        return f"{self.divisor:g}"


@register
@op
class Clamp(Unary):
    """x held between `min` and `max`; one of them may be left out."""

    name = "clamp"
    category = "act"
    example = "clamp min=0 max=1"
    keeps_shape = True
    by_channel = True
    backward_needs = "input"

    min: float | None = option(float, None, "smallest value")
    max: float | None = option(float, None, "largest value")

    def shape(self, x: Shape) -> Shape:
        if self.min is None and self.max is None:
            self.refuse("`clamp` needs a bound", "`clamp min=0 max=1`", code="A302")
        if self.min is not None and self.max is not None and self.min > self.max:
            self.refuse(
                f"min {self.min:g} is above max {self.max:g}",
                "give the smaller number as min",
                field="min",
                code="A305",
            )
        return x

    def operations(self, x: Shape) -> int:
        return x.features * sum(bound is not None for bound in (self.min, self.max))

    def backward_scratch(self, *xs: Shape) -> int:
        masks = sum(bound is not None for bound in (self.min, self.max))  # of a byte an element
        return masks * xs[0].features // 4

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Clamp", (), self._bounds())

    def inline(self, *names: str) -> str:
        bounds = [
            f"{keyword.name}={symbolic.format_float(float(keyword.value))}"
            for keyword in self._bounds()
            if keyword.value is not None
        ]
        return f"{names[0]}.clamp({', '.join(bounds)})"

    def _bounds(self) -> tuple[Keyword, Keyword]:
        return Keyword("min", self.min, None), Keyword("max", self.max, None)


@op
class _Function(Unary):
    """A function of torch without arguments: a method of the tensor, or a support module."""

    category = "act"
    keeps_shape = True
    by_channel = True
    module: ClassVar[str] = ""
    backward_needs = "input"
    between: ClassVar[int] = 0  # tensors on the way to the gradient of x

    def operations(self, *xs: Shape) -> int:
        return xs[0].features

    def backward_scratch(self, *xs: Shape) -> int:
        return self.between * xs[0].features

    def torch(self, *xs: Shape) -> ModuleCall:
        return ModuleCall(self.module)

    def inline(self, *names: str) -> str:
        return f"{names[0]}.{self.name}()"


@register
@op
class Abs(_Function):
    """The absolute value |x|."""

    name = "abs"
    example = "abs"
    module = "Abs"
    between = 1  # the signs


@register
@op
class Neg(_Function):
    """The negative -x: `concat< identity | neg >; relu` is CReLU (arXiv:1603.05201)."""

    name = "neg"
    example = "neg"
    module = "Neg"
    backward_needs = ""

    def inline(self, *names: str) -> str:
        return f"-{names[0]}"


@register
@op
class Exp(_Function):
    """The exponential e^x."""

    name = "exp"
    example = "exp"
    module = "Exp"
    full_precision = True
    backward_needs = "output"


@register
@op
class Log(_Function):
    """The natural logarithm; of a number that is not positive, -inf or nan."""

    name = "log"
    example = "log"
    module = "Log"
    full_precision = True


@register
@op
class Sqrt(_Function):
    """The square root; of a negative number, nan."""

    name = "sqrt"
    example = "sqrt"
    module = "Sqrt"
    backward_needs = "output"
    between = 1  # 2 sqrt(x)


@register
@op
class Square(_Function):
    """The square x * x."""

    name = "square"
    example = "square"
    module = "Square"
    between = 2  # x and 2 x
    full_precision = True

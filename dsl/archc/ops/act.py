"""Activations: functions of one element.

The fields of each are torch's arguments by torch's names, so that one method writes the call.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from archc.ops._field import flag, number, option
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Unary, op, register
from archc.ops._shape import Dims, Shape


@op
class _Activation(Unary):
    """An `nn` module whose arguments are this operator's fields."""

    category = "act"
    keeps_shape = True
    by_channel = True
    module: ClassVar[str] = ""  # as in nn.<module>
    backward_needs = "input"
    backward_needs_inplace: ClassVar[str] = "copy"  # `backward_needs` where it overwrites its input

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        keeps = self.backward_needs_inplace if inplace else self.backward_needs
        values = xs[0].features if keeps == "copy" else 0
        return Saved(keeps == "input", keeps == "output", values)

    def operations(self, *xs: Shape) -> int:
        return xs[0].features

    def torch(self, *xs: Shape) -> ModuleCall:
        fields = dataclasses.fields(self)
        keywords = tuple(Keyword(f.name, getattr(self, f.name), f.default) for f in fields)
        return ModuleCall(f"nn.{self.module}", (), keywords)


# --- rectifiers --------------------------------------------------------------------------


@register
@op
class Relu(_Activation):
    """Rectified linear unit: max(x, 0). Nair and Hinton 2010."""

    name = "relu"
    example = "relu"
    inplace = True
    module = "ReLU"
    backward_needs = "output"
    backward_needs_inplace = "output"


@register
@op
class Relu6(_Activation):
    """ReLU with a ceiling: min(max(x, 0), 6). Howard et al., arXiv:1704.04861."""

    name = "relu6"
    example = "relu6"
    inplace = True
    module = "ReLU6"


@register
@op
class LeakyRelu(_Activation):
    """ReLU with a small slope for negative x: max(x, 0) + slope * min(x, 0). Maas et al. 2013."""

    name = "leaky_relu"
    example = "leaky_relu 0.1"
    inplace = True
    module = "LeakyReLU"
    backward_needs_inplace = "output"

    negative_slope: float = number(float, 0.01, "slope for negative x", also=("slope",))

    def label(self) -> str:
        return f"{self.negative_slope:g}"


@register
@op
class RRelu(_Activation):
    """ReLU with a random slope for negative x while training, and the mean slope in eval mode.

    Xu et al., arXiv:1505.00853.
    """

    name = "rrelu"
    example = "rrelu"
    inplace = True
    module = "RReLU"
    allocates_in_eval = True  # room for slopes, though none is drawn
    backward_needs_inplace = "output"

    lower: float = option(float, 1 / 8, "smallest slope")
    upper: float = option(float, 1 / 3, "largest slope")

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(not inplace, inplace, xs[0].features)  # the slopes that were drawn


@register
@op
class PRelu(Unary):
    """ReLU with a learned slope for negative x: one for all, or with `channel` one a channel.

    He et al., arXiv:1502.01852.
    """

    name = "prelu"
    category = "act"
    example = "prelu channel"
    keeps_shape = True
    backward_needs = "input"

    channel: bool = flag("one slope a channel", channel=True)
    init: float = option(float, 0.25, "the slope to begin with")

    def weights(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (x.channels if self.channel else 1,)}

    def operations(self, x: Shape) -> int:
        return x.features

    def backward_scratch(self, *xs: Shape) -> int:
        return xs[0].features  # the slopes' gradients, before they are summed

    def torch(self, x: Shape) -> ModuleCall:
        count = Keyword("num_parameters", x.channels if self.channel else 1, 1)
        return ModuleCall("nn.PReLU", (), (count, Keyword("init", self.init, 0.25)))


@register
@op
class Elu(_Activation):
    """Exponential linear unit: x if x > 0 else alpha * (e^x - 1).

    Clevert et al., arXiv:1511.07289.
    """

    name = "elu"
    example = "elu"
    inplace = True
    module = "ELU"
    backward_needs_inplace = "output"

    alpha: float = number(float, 1.0, "limit for very negative x, negated")


@register
@op
class Selu(_Activation):
    """Self-normalising ELU: a scaled ELU with fixed constants; goes with `alpha_dropout`.

    Klambauer et al., arXiv:1706.02515.
    """

    name = "selu"
    example = "selu"
    inplace = True
    module = "SELU"
    backward_needs_inplace = "output"


@register
@op
class Celu(_Activation):
    """ELU with a continuous slope: max(x, 0) + min(alpha * (e^(x/alpha) - 1), 0).

    Barron, arXiv:1704.07483.
    """

    name = "celu"
    example = "celu 0.5"
    inplace = True
    module = "CELU"
    backward_needs_inplace = "output"

    alpha: float = number(float, 1.0, "limit for very negative x, negated")


@register
@op
class Threshold(_Activation):
    """x where it is above the threshold, `value` elsewhere."""

    name = "threshold"
    example = "threshold 0.1 value=0"
    inplace = True
    module = "Threshold"

    threshold: float = number(float, doc="the threshold")
    value: float = option(float, 0.0, "what replaces the rest")

    def torch(self, *xs: Shape) -> ModuleCall:
        return ModuleCall("nn.Threshold", (self.threshold, self.value))

    def label(self) -> str:
        return f"> {self.threshold:g}"


# --- smooth ------------------------------------------------------------------------------


@register
@op
class Gelu(_Activation):
    """Gaussian error linear unit: x * P(normal < x); `tanh` approximates it.

    Hendrycks and Gimpel, arXiv:1606.08415.
    """

    name = "gelu"
    example = "gelu"
    module = "GELU"

    approximate: str = option(str, "none", "how it is computed", choices=("none", "tanh"))


@register
@op
class Silu(_Activation):
    """Sigmoid linear unit, also called swish: x * sigmoid(x).

    Ramachandran et al., arXiv:1710.05941.
    """

    name = "silu"
    aliases = ("swish",)
    example = "silu"
    inplace = True
    module = "SiLU"


@register
@op
class Mish(_Activation):
    """x * tanh(softplus(x)). Misra, arXiv:1908.08681."""

    name = "mish"
    example = "mish"
    inplace = True
    module = "Mish"


@register
@op
class Softplus(_Activation):
    """A smooth ReLU: log(1 + e^(beta x)) / beta, and x itself where beta x > threshold."""

    name = "softplus"
    example = "softplus"
    module = "Softplus"

    beta: float = option(float, 1.0, "sharpness")
    threshold: float = option(float, 20.0, "linear above it")


@register
@op
class Softsign(_Activation):
    """x / (1 + |x|): between -1 and 1."""

    name = "softsign"
    example = "softsign"
    module = "Softsign"
    allocates_in_eval = True

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, values=xs[0].features)  # and 1 + |x|

    def backward_scratch(self, *xs: Shape) -> int:
        return 3 * xs[0].features  # of -grad * ((x / div) / div), div being 1 + |x|


@register
@op
class Sigmoid(_Activation):
    """Logistic function: 1 / (1 + e^-x), between 0 and 1."""

    name = "sigmoid"
    example = "sigmoid"
    module = "Sigmoid"
    backward_needs = "output"


@register
@op
class LogSigmoid(_Activation):
    """log(1 / (1 + e^-x)), computed without overflow."""

    name = "log_sigmoid"
    example = "log_sigmoid"
    module = "LogSigmoid"
    allocates_in_eval = True

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, values=xs[0].features)  # e^-|x|; a GPU computes it anew


@register
@op
class Tanh(_Activation):
    """Hyperbolic tangent: between -1 and 1."""

    name = "tanh"
    example = "tanh"
    module = "Tanh"
    backward_needs = "output"


# --- piecewise linear stand-ins ----------------------------------------------------------


@register
@op
class Hardswish(_Activation):
    """A cheap SiLU: x * relu6(x + 3) / 6. Howard et al., arXiv:1905.02244."""

    name = "hardswish"
    example = "hardswish"
    inplace = True
    module = "Hardswish"


@register
@op
class Hardsigmoid(_Activation):
    """A cheap sigmoid: relu6(x + 3) / 6."""

    name = "hardsigmoid"
    example = "hardsigmoid"
    inplace = True
    module = "Hardsigmoid"


@register
@op
class Hardtanh(_Activation):
    """x held between `min_val` and `max_val`."""

    name = "hardtanh"
    example = "hardtanh"
    inplace = True
    module = "Hardtanh"

    min_val: float = option(float, -1.0, "smallest value")
    max_val: float = option(float, 1.0, "largest value")

    def shape(self, *xs: Shape) -> Shape:
        if self.min_val >= self.max_val:
            self.refuse(
                f"min_val {self.min_val:g} is not below max_val {self.max_val:g}",
                "give the smaller number as min_val",
                field="min_val",
                code="A305",
            )
        return xs[0]


@register
@op
class Softshrink(_Activation):
    """Soft thresholding: towards 0 by lambda, and 0 within it. The step of ISTA networks."""

    name = "softshrink"
    example = "softshrink 0.1"
    module = "Softshrink"

    threshold: float = number(float, 0.5, "lambda", minimum=0)

    def torch(self, *xs: Shape) -> ModuleCall:
        return ModuleCall("nn.Softshrink", (self.threshold,))

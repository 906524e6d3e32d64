"""Over the channels: what each position makes of all its channels."""

from __future__ import annotations

from typing import ClassVar

from archc.ops._field import option
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Nary, Op, Unary, op, register
from archc.ops._shape import Shape
from archc.ops.merge import merge_alike
from archc.ops.reshape import Chunk


@op
class _OverChannels(Unary):
    category = "act"
    keeps_shape = True
    full_precision = True
    module: ClassVar[str] = ""
    backward_needs = "output"

    def operations(self, *xs: Shape) -> int:
        return 3 * xs[0].features  # e^x, its sum, a quotient

    def torch(self, *xs: Shape) -> ModuleCall:
        return ModuleCall(f"nn.{self.module}", (), (Keyword("dim", 1),))


@register
@op
class Softmax(_OverChannels):
    """e^x over its sum across the channels: each position becomes a distribution.

    Not for a classifier that is trained with `nn.CrossEntropyLoss`, which does it itself.
    """

    name = "softmax"
    example = "softmax"
    module = "Softmax"


@register
@op
class LogSoftmax(_OverChannels):
    """The logarithm of `softmax`, computed without overflow; goes with `nn.NLLLoss`."""

    name = "log_softmax"
    example = "log_softmax"
    module = "LogSoftmax"


@register
@op
class Glu(_OverChannels):
    """Gated linear unit: the first half of the channels times the sigmoid of the second half.

    Dauphin et al., arXiv:1612.08083.
    """

    name = "glu"
    example = "glu"
    keeps_shape = False
    full_precision = False
    module = "GLU"
    backward_needs = "input"

    def operations(self, *xs: Shape) -> int:
        return xs[0].features  # a sigmoid and a product for two

    def shape(self, *xs: Shape) -> Shape:
        x = xs[0]
        if x.channels % 2:
            self.refuse(
                f"{x.channels} channels have no two halves",
                "give it an even number of channels",
                code="A209",
            )
        return Shape(x.channels // 2, x.size)

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{xs[0].channels} / 2 = {xs[0].channels // 2}"


@register
@op
class BranchSoftmax(Nary):
    """Softmax over the branches, element by element: shares of 1, one after another as of `concat`.

    `softmax< conv 1x1 x64 | conv 1x1 x64 >` makes the weights of two branches, which `chunk 0` and
    `chunk 1` take apart: selective kernels (arXiv:1903.06586), split attention (arXiv:2004.08955).
    """

    name = "softmax branches"
    category = "merge"
    example = "softmax< conv 1x1 x4 | identity >"
    inputs = (2, None)
    full_precision = True

    def shape(self, *xs: Shape) -> Shape:
        x = merge_alike(xs)
        return Shape(x.channels * len(xs), x.size)

    def operations(self, *xs: Shape) -> int:
        return 3 * self.shape(*xs).features

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{len(xs)} * {xs[0].channels} = {len(xs) * xs[0].channels}"

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(output=True)

    def scratch(self, *xs: Shape, training: bool) -> int:
        whole = self.shape(*xs).features  # the branches as one tensor, when the first is gone
        return whole if training else whole - xs[0].features

    def inline(self, *names: str) -> str:
        return f"torch.stack([{', '.join(names)}], 1).softmax(1).flatten(1, 2)"


# --- one channel of all ------------------------------------------------------------------


@op
class _Reduction(Unary):
    """One channel, which merges stretch: `mul< | mean channel; sigmoid >`."""

    category = "pool"
    method: ClassVar[str] = ""  # of a tensor
    module: ClassVar[str] = ""

    def shape(self, x: Shape) -> Shape:
        return Shape(1, x.size)

    def operations(self, x: Shape) -> int:
        return x.features

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"1, the {self.name.partition(' ')[0]} of all {xs[0].channels}"

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall(self.module)

    def inline(self, *names: str) -> str:
        return f"{names[0]}.{self.method}(1, keepdim=True)"


@register
@op
class ChannelMean(_Reduction):
    """The mean of the channels at each position.

    `concat< mean channel | max channel >; conv 7x7 p3 x1; sigmoid` is CBAM's spatial attention
    (arXiv:1807.06521), `sub< | mean channel >` centres a dueling network's advantages.
    """

    name = "mean channel"
    example = "mean channel"
    method = "mean"
    module = "ChannelMean"
    gradient = "one"


@register
@op
class ChannelMax(_Reduction):
    """The largest of the channels at each position."""

    name = "max channel"
    example = "max channel"
    method = "amax"
    module = "ChannelMax"

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, output=True)

    def backward_scratch(self, x: Shape) -> int:
        return x.features  # how many are the largest, and what each of them gets


@register
@op
class ChannelSum(_Reduction):
    """The sum of the channels at each position."""

    name = "sum channel"
    example = "sum channel"
    method = "sum"
    module = "ChannelSum"
    gradient = "part"  # the output's own, stretched


def _positions(x: Shape) -> int:
    return Shape(1, x.size).features


# --- lengths -----------------------------------------------------------------------------


class _LengthNorm(Unary):
    """Divides the channels at each position by a length of theirs."""

    yields = True
    category = "norm"
    keeps_shape = True

    def operations(self, x: Shape) -> int:
        return 3 * x.features

    def scratch(self, x: Shape, training: bool) -> int:
        return 0 if training else _positions(x)


@register
@op
class L2Norm(_LengthNorm):
    """The channels at each position, divided by their length: x / max(|x|, eps).

    With a learned `scale init=20` behind it, it is ParseNet's and SSD's (arXiv:1506.04579).
    """

    name = "norm l2"
    aliases = ("l2norm",)
    example = "norm l2"

    eps: float = option(float, 1e-12, "the least length", minimum=0)

    def saves(self, x: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, values=2 * _positions(x))  # the length, and what is at least eps

    def backward_scratch(self, x: Shape) -> int:
        return 3 * x.features  # of -grad * ((x / div) / div), div being the length

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("L2Norm", (), (Keyword("eps", self.eps, 1e-12),))

    def inline(self, *names: str) -> str:
        eps = "" if self.eps == 1e-12 else f", eps={self.eps!r}"
        return f"F.normalize({names[0]}, dim=1{eps})"


@register
@op
class PixelNorm(_LengthNorm):
    """The channels at each position, divided by their root mean square: x / sqrt(mean(x^2) + eps).

    Karras et al., arXiv:1710.10196.
    """

    name = "pixelnorm"
    aliases = ("pixel_norm",)
    example = "pixelnorm"

    eps: float = option(float, 1e-8, "added to the mean square", minimum=0)

    def saves(self, x: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, values=_positions(x))

    def backward_scratch(self, x: Shape) -> int:
        # The squares' gradient, 2 x, and their product, when the roots are gone.
        return 3 * x.features - _positions(x)

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("PixelNorm", (), (Keyword("eps", self.eps, 1e-8),))


# --- a random channel --------------------------------------------------------------------


@register
@op
class Sample(Unary):
    """A draw from a normal distribution: mean + exp(log_variance / 2) * noise; in eval the mean.

    The first half of the channels is the mean, the second the logarithm of the variance: the
    reparametrisation of a variational autoencoder, `fc 40; sample` (arXiv:1312.6114).
    """

    name = "sample"
    aliases = ("reparametrize",)
    yields = True
    category = "other"
    example = "sample"

    def shape(self, x: Shape) -> Shape:
        if x.channels % 2:
            self.refuse(
                f"{x.channels} channels have no two halves, a mean and a variance each",
                "give it an even number of channels",
                code="A209",
            )
        return Shape(x.channels // 2, x.size)

    def operations(self, x: Shape) -> int:
        return 0  # in eval mode it takes the mean

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{xs[0].channels} / 2 = {xs[0].channels // 2}"

    def saves(self, x: Shape, inplace: bool = False) -> Saved:
        return Saved(values=2 * self.shape(x).features)  # deviation and noise

    def backward_scratch(self, x: Shape) -> int:
        return self.shape(x).features

    def passes_through(self, inputs: int, *, training: bool) -> bool:
        return not training  # a view of the mean

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Sample")

    def in_eval(self) -> Op:
        return Chunk(index=0)

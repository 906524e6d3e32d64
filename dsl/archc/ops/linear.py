"""Linear layers."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from archc.ops._field import flag, number
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Op, Unary, op, register
from archc.ops._shape import Dims, Shape, times
from archc.ops.weights import fewer, normalised, stored_buffers, stored_weights, weight_norm


@register
@op
class Fc(Unary):
    """Fully connected (linear) layer: every output is a weighted sum of all inputs.

    It has `in.c * out` weights and, unless `nobias`, `out` biases, and takes a feature vector:
    put `flatten` between it and a feature map. `wn` and `sn` normalise the weight, as in `conv`.
    """

    name = "fc"
    aliases = ("linear",)
    category = "linear"
    example = "fc 10"
    example_input = "x16"
    ranks: ClassVar[tuple[int, ...]] = (0,)

    out: int = number(int, doc="output features", minimum=1, also=("features", "out_features"))
    bias: bool = flag("without a bias", default=True, nobias=False)
    norm: str = weight_norm()

    def shape(self, x: Shape) -> Shape:
        return Shape(self.out)

    def with_bias(self) -> Op | None:
        return None if self.norm != "none" else replace(self, bias=True)

    def split_outputs(self, parts: int, *xs: Shape) -> Op | None:
        return None if self.norm != "none" else fewer(self, parts)

    def weights(self, x: Shape) -> dict[str, Dims]:
        bias = {"bias": (self.out,)} if self.bias else {}
        return stored_weights(self.norm, (self.out, x.channels)) | bias

    def buffers(self, x: Shape) -> dict[str, Dims]:
        return stored_buffers(self.norm, (self.out, x.channels), 0)

    def macs(self, x: Shape) -> int:
        return x.channels * self.out

    def operations(self, x: Shape) -> int:
        return self.out if self.bias else 0

    def filters(self, x: Shape) -> tuple[Dims, int]:
        return (x.channels,), self.out

    def channel_arithmetic(self, *xs: Shape) -> str:
        sums = f"{self.out} outputs, each a" if self.out > 1 else "one output, a"
        return f"{sums} weighted sum of all {xs[0].channels} inputs"

    def mac_arithmetic(self, x: Shape) -> str:
        return f"{self.out} * {x.channels}"

    def torch(self, x: Shape) -> ModuleCall:
        bias = Keyword("bias", self.bias, True)
        return normalised(self.norm, ModuleCall("nn.Linear", (x.channels, self.out), (bias,)))

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        computed = self.out * xs[0].channels if self.norm != "none" else 0
        return Saved(input=True, statistics=computed)

    def label(self) -> str:
        return str(self.out)


@register
@op
class FcEach(Fc):
    """Fully connected layer at every position: the same weights on the channels of each.

    What `conv 1x1` computes, with the weights of `nn.Linear`: the two of a ConvNeXt block are
    `fc 384 each; gelu; fc 96 each` (arXiv:2201.03545).
    """

    name = "fc each"
    aliases = ("linear each",)
    example = "fc 10 each"
    example_input = "8x8 x4"
    ranks = (0, 1, 2, 3)

    @property
    def module_name(self) -> str:
        return "fc"

    def shape(self, x: Shape) -> Shape:
        return Shape(self.out, x.size)

    def macs(self, x: Shape) -> int:
        return x.features * self.out

    def operations(self, x: Shape) -> int:
        return self.shape(x).features if self.bias else 0

    def channel_arithmetic(self, *xs: Shape) -> str:
        outputs = f"{self.out} outputs" if self.out > 1 else "one output"
        return f"{outputs} at each position, of all its {xs[0].channels} channels"

    def mac_arithmetic(self, x: Shape) -> str:
        return f"{times(self.shape(x))} * {x.channels}"

    def torch(self, x: Shape) -> ModuleCall:
        call = Fc.torch(self, x)
        return replace(call, target="ChannelLinear") if x.rank else call

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        kept = Fc.saves(self, *xs)
        return replace(kept, input=False, values=xs[0].features) if xs[0].rank else kept

    def scratch(self, *xs: Shape, training: bool) -> int:
        """The products, to which the bias is added."""
        return self.shape(xs[0]).features if xs[0].rank and self.bias else 0

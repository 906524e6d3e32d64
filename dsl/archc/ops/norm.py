"""Normalisation."""

from __future__ import annotations

from dataclasses import replace

from archc.ops._field import flag, groups, number, option
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Op, Unary, op, register, whole
from archc.ops._shape import Dims, Shape, Window
from archc.ops.windows import check_groups


def _affine(shape: Dims, affine: bool, bias: bool = True) -> dict[str, Dims]:
    if not affine:
        return {}
    return {"weight": shape} | ({"bias": shape} if bias else {})


def _operations(x: Shape, affine: bool, measured: bool = True) -> int:
    """Mean and variance take 4 an element where they are measured, normalising 2, affine 2.

    With running averages all of it folds into one factor and one summand a channel.
    """
    return x.features * ((6 + 2 * affine) if measured else 2)


def _running(channels: int, track: bool) -> dict[str, Dims]:
    if not track:
        return {}
    return {
        "running_mean": (channels,),
        "running_var": (channels,),
        "num_batches_tracked": (),
    }


@register
@op
class BatchNorm(Unary):
    """Batch normalisation: (x - mean) / sqrt(var + eps) * weight + bias, for each channel.

    Mean and variance are those of the mini-batch while training and running averages in eval
    mode; `momentum` is the new batch's share of them. Ioffe and Szegedy, arXiv:1502.03167.
    """

    name = "bn"
    aliases = ("batchnorm",)
    category = "norm"
    example = "bn"
    keeps_shape = True
    by_channel = True

    eps: float = option(float, 1e-5, "added to the variance", minimum=0)
    momentum: float = option(float, 0.1, "share of the new batch", minimum=0, maximum=1)
    affine: bool = flag("without weight and bias", default=True, noaffine=False)
    track: bool = flag("without running averages", default=True, notrack=False)

    def weights(self, x: Shape) -> dict[str, Dims]:
        return _affine((x.channels,), self.affine)

    def buffers(self, x: Shape) -> dict[str, Dims]:
        return _running(x.channels, self.track)

    def operations(self, x: Shape) -> int:
        return _operations(x, self.affine, measured=not self.track)

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, statistics=2 * xs[0].channels)

    def torch(self, x: Shape) -> ModuleCall:
        keywords = (
            Keyword("eps", self.eps, 1e-5),
            Keyword("momentum", self.momentum, 0.1),
            Keyword("affine", self.affine, True),
            Keyword("track_running_stats", self.track, True),
        )
        return ModuleCall(f"nn.BatchNorm{max(x.rank, 1)}d", (x.channels,), keywords)

    def batchnorm_eps(self) -> float | None:
        return self.eps if self.track else None


@register
@op
class InstanceNorm(Unary):
    """Instance normalisation: each channel of each sample by its own mean and variance.

    Has no weight and bias unless `affine`, and no running averages unless `track`.
    Ulyanov et al., arXiv:1607.08022.
    """

    name = "inorm"
    aliases = ("instancenorm",)
    category = "norm"
    example = "inorm affine"
    ranks = (1, 2, 3)
    keeps_shape = True
    allocates_in_eval = True  # its statistics
    by_channel = True

    eps: float = option(float, 1e-5, "added to the variance", minimum=0)
    momentum: float = option(float, 0.1, "share of the new batch", minimum=0, maximum=1)
    affine: bool = flag("with weight and bias", affine=True)
    track: bool = flag("with running averages", track=True)

    def shape(self, x: Shape) -> Shape:
        if Shape(1, x.size).features == 1:
            self.refuse(
                f"instance normalisation of {x}: one element a channel is always zero afterwards",
                "normalise before the map shrinks to one element, or use `bn` or `ln`",
                code="A210",
            )
        return x

    def weights(self, x: Shape) -> dict[str, Dims]:
        return _affine((x.channels,), self.affine)

    def buffers(self, x: Shape) -> dict[str, Dims]:
        return _running(x.channels, self.track)

    def operations(self, x: Shape) -> int:
        return _operations(x, self.affine, measured=not self.track)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return (Window(),) * x.rank if self.track else whole(x, each=True)

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, values=2 * xs[0].channels)

    def torch(self, x: Shape) -> ModuleCall:
        keywords = (
            Keyword("eps", self.eps, 1e-5),
            Keyword("momentum", self.momentum, 0.1),
            Keyword("affine", self.affine, False),
            Keyword("track_running_stats", self.track, False),
        )
        return ModuleCall(f"nn.InstanceNorm{x.rank}d", (x.channels,), keywords)


@register
@op
class LayerNorm(Unary):
    """Layer normalisation over the channels, at each position on its own.

    That is what ConvNeXt does in a feature map and what `nn.LayerNorm` does in a feature vector;
    the number of weights does not depend on the map's size. `whole` takes mean, variance, weight
    and bias over channels and positions together; for that mean with one weight a channel, use
    `gn 1`. Ba et al., arXiv:1607.06450; Liu et al., arXiv:2201.03545.
    """

    name = "ln"
    aliases = ("layernorm",)
    category = "norm"
    example = "ln eps=1e-6"
    keeps_shape = True
    allocates_in_eval = True  # its statistics
    full_precision = True

    eps: float = option(float, 1e-5, "added to the variance", minimum=0)
    affine: bool = flag("without weight and bias", default=True, noaffine=False)
    bias: bool = flag("without a bias", default=True, nobias=False)
    whole: bool = flag("over channels and positions together", whole=True)

    def weights(self, x: Shape) -> dict[str, Dims]:
        return _affine(x.dims if self.whole else (x.channels,), self.affine, self.bias)

    def operations(self, x: Shape) -> int:
        return _operations(x, self.affine)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return whole(x, each=True) if self.whole else (Window(),) * x.rank

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        positions = 1 if self.whole else Shape(1, xs[0].size).features
        return Saved(input=True, values=2 * positions)

    def torch(self, x: Shape) -> ModuleCall:
        keywords = (
            Keyword("eps", self.eps, 1e-5),
            Keyword("elementwise_affine", self.affine, True),
            Keyword("bias", self.bias, True),
        )
        if self.whole and x.rank:
            return ModuleCall("nn.LayerNorm", (x.dims,), keywords)
        target = "ChannelLayerNorm" if x.rank else "nn.LayerNorm"
        return ModuleCall(target, (x.channels,), keywords)


@register
@op
class GroupNorm(Unary):
    """Group normalisation: channels in groups, each by its own mean and variance over the map.

    `gn 1` is one group over channels and positions together, with one weight a channel.
    Wu and He, arXiv:1803.08494.
    """

    name = "gn"
    aliases = ("groupnorm",)
    category = "norm"
    example = "gn 2"
    keeps_shape = True
    allocates_in_eval = True  # its statistics
    full_precision = True

    groups: int = number(int, doc="groups of channels", minimum=1)
    eps: float = option(float, 1e-5, "added to the variance", minimum=0)
    affine: bool = flag("without weight and bias", default=True, noaffine=False)

    def shape(self, x: Shape) -> Shape:
        check_groups(x, self.groups)
        return x

    def split_independent(self, parts: int, *xs: Shape) -> Op | None:
        return None if self.groups % parts else replace(self, groups=self.groups // parts)

    def weights(self, x: Shape) -> dict[str, Dims]:
        return _affine((x.channels,), self.affine)

    def operations(self, x: Shape) -> int:
        return _operations(x, self.affine)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return whole(x, each=True)

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=True, values=2 * self.groups)

    def torch(self, x: Shape) -> ModuleCall:
        keywords = (Keyword("eps", self.eps, 1e-5), Keyword("affine", self.affine, True))
        return ModuleCall("nn.GroupNorm", (self.groups, x.channels), keywords)

    def label(self) -> str:
        return str(self.groups)


@register
@op
class GlobalResponseNorm(Unary):
    """Global response normalisation: x * response * weight + bias + x; both begin at 0.

    The response of a channel is its length over the map, divided by the mean of all channels'.
    ConvNeXt V2, Woo et al., arXiv:2301.00808.
    """

    name = "grn"
    yields = True
    category = "norm"
    example = "grn"
    ranks = (1, 2, 3)
    keeps_shape = True

    eps: float = option(float, 1e-6, "added to the mean length", minimum=0)

    def weights(self, x: Shape) -> dict[str, Dims]:
        return _affine((x.channels,), affine=True)

    def operations(self, x: Shape) -> int:
        return 6 * x.features + 2 * x.channels  # lengths 2, x times response, weight, bias, x

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return whole(x, each=True)

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        # The product with the response, and a length and a response a channel.
        return Saved(input=True, values=xs[0].features + 3 * xs[0].channels)

    def scratch(self, *xs: Shape, training: bool) -> int:
        return 0 if training else xs[0].features + 2 * xs[0].channels

    def backward_scratch(self, *xs: Shape) -> int:
        return xs[0].features

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("GlobalResponseNorm", (x.channels,), (Keyword("eps", self.eps, 1e-6),))


@register
@op
class LocalResponseNorm(Unary):
    """Local response normalisation: x / (k + alpha/n * sum of squares)^beta over n channels.

    As in torch and Caffe, alpha is divided by n. The AlexNet paper (Krizhevsky et al. 2012) does
    not divide: its n=5, alpha=1e-4, k=2 is `lrn 5 alpha=5e-4 beta=0.75 k=2` here. With `g2` each
    half of the channels is normalised by itself.
    """

    name = "lrn"
    category = "norm"
    example = "lrn 5 alpha=1e-4 beta=0.75 k=2"
    ranks = (1, 2, 3)
    keeps_shape = True
    full_precision = True

    neighbours: int = number(int, doc="channels that each is compared with", minimum=1)
    alpha: float = option(float, 1e-4, "weight of the mean square")
    beta: float = option(float, 0.75, "exponent")
    k: float = option(float, 1.0, "constant added")
    groups: int = groups(doc="groups of channels, each by itself")

    def shape(self, x: Shape) -> Shape:
        check_groups(x, self.groups)
        return x

    def split_independent(self, parts: int, *xs: Shape) -> Op | None:
        return None if self.groups % parts else replace(self, groups=self.groups // parts)

    def operations(self, x: Shape) -> int:
        return x.features * (self.neighbours + 5)  # squares and their sum, k + a s, power, division

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        base_and_power = 2 * xs[0].features
        return Saved(input=True, values=self._padded(xs[0]) + base_and_power)

    def scratch(self, *xs: Shape, training: bool) -> int:
        if self.groups > 1:
            return xs[0].features  # the groups, until they are one tensor
        return 0 if training else 2 * xs[0].features

    def backward_scratch(self, *xs: Shape) -> int:
        # Of -grad * ((x / div) / div), div being base ** beta: three, beside the input's gradient.
        # Groups go one by one, and their gradients become one tensor at the end.
        elements = xs[0].features
        return max(4 * elements // self.groups - elements, 0)

    def torch(self, x: Shape) -> ModuleCall:
        keywords = (
            Keyword("alpha", self.alpha, 1e-4),
            Keyword("beta", self.beta, 0.75),
            Keyword("k", self.k, 1.0),
        )
        if self.groups > 1:
            groups = Keyword("groups", self.groups)
            return ModuleCall("GroupedResponseNorm", (self.neighbours,), (*keywords, groups))
        return ModuleCall("nn.LocalResponseNorm", (self.neighbours,), keywords)

    def label(self) -> str:
        return f"{self.neighbours} g{self.groups}" if self.groups > 1 else str(self.neighbours)

    def _padded(self, x: Shape) -> int:
        return Shape(x.channels + self.groups * (self.neighbours - 1), x.size).features

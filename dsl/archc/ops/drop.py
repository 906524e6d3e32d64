"""Dropout and drop-path: regularisers that act while training."""

from __future__ import annotations

from archc import symbolic
from archc.ops._field import flag, number
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Op, Unary, op, register
from archc.ops._shape import Shape
from archc.ops.pointwise import Times
from archc.ops.reshape import Identity

_PROBABILITY = "probability of dropping"
_RATE = ("rate", "prob", "probability")


@op
class _Dropout(Unary):
    category = "drop"
    inplace = True
    keeps_shape = True
    by_channel = True
    training_only = True

    p: float = number(float, 0.5, _PROBABILITY, minimum=0, maximum=1, also=_RATE)
    channel: bool = flag("whole channels at once", channel=True)

    def shape(self, x: Shape) -> Shape:
        if self.channel and not x.rank:
            self.refuse(
                "a feature vector has no maps to drop whole",
                f"leave out `channel`: `{self.name} {self.p:g}`",
                field="channel",
                code="A200",
                rewrite=("channel", ""),
            )
        return x

    def in_eval(self) -> Op:
        return Identity()

    def label(self) -> str:
        return f"{self.p:g}"


@register
@op
class Dropout(_Dropout):
    """Zeroes each element with probability p while training and divides the rest by 1 - p.

    With `channel`, whole channels at once. Srivastava et al. 2014; Tompson et al., arXiv:1411.4280.
    """

    name = "dropout"
    example = "dropout 0.5"

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        # As wide as x on a CPU; the fused kernel of a GPU keeps a byte an element.
        return Saved(values=xs[0].channels if self.channel else xs[0].features)

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall(f"nn.Dropout{x.rank}d" if self.channel else "nn.Dropout", (self.p,))


@register
@op
class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance, for networks of `selu`. With `channel`, whole channels.

    Klambauer et al., arXiv:1706.02515.
    """

    name = "alpha_dropout"
    example = "alpha_dropout 0.1"
    inplace = False  # torch's module takes the argument, and leaves it

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(values=xs[0].channels if self.channel else xs[0].features)

    def scratch(self, *xs: Shape, training: bool) -> int:
        return self.saves(*xs).values if training else 0  # what the dropped ones become

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall(
            "nn.FeatureAlphaDropout" if self.channel else "nn.AlphaDropout", (self.p,)
        )


@register
@op
class DropPath(Unary):
    """Stochastic depth: drops a whole residual body with probability p while training.

    Stands last in the body. What survives is divided by 1 - p, sample by sample. As the paper has
    it: `batch` drops for whole mini-batches, and `rescale_eval` multiplies by 1 - p in eval mode
    instead of dividing while training. Huang et al., arXiv:1603.09382.
    """

    name = "droppath"
    category = "drop"
    example = "droppath 0.2"
    keeps_shape = True  # not training_only: `rescale_eval` acts in eval mode

    p: float = number(float, doc=_PROBABILITY, minimum=0, maximum=1, also=_RATE)
    batch: bool = flag("drop for a whole mini-batch", batch=True)
    rescale_eval: bool = flag("multiply by 1 - p in eval mode", rescale_eval=True)

    def operations(self, x: Shape) -> int:
        return x.features if self.rescale_eval else 0

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(values=1)  # the factor

    def passes_through(self, inputs: int, *, training: bool) -> bool:
        return not training and not self.rescale_eval

    def torch(self, x: Shape) -> ModuleCall:
        if not self.batch and not self.rescale_eval:
            return ModuleCall("DropPath", (self.p,))
        keywords = (
            Keyword("batch", self.batch, False),
            Keyword("rescale_eval", self.rescale_eval, False),
        )
        return ModuleCall("StochasticDepth", (self.p,), keywords)

    def in_eval(self) -> Op:
        if not self.rescale_eval:
            return Identity()
        return Times(factor=symbolic.combine("-", 1, self.p))  # with the expression of p

    def survival(self) -> float:
        return 1 - self.p

    def label(self) -> str:
        return f"{self.p:g}"

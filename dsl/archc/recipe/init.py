"""How weights start. A line of `init` is for the modules that it names, and may be repeated."""

from __future__ import annotations

from math import inf

from archc.ops import ModuleCall
from archc.ops._op import Keyword
from archc.recipe._line import Line, flag, option, register

KINDS = ("conv", "fc", "bn")


class Init(Line):
    """The base of all lines of `init`. Other words are labels of modules, which alone are meant."""

    repeats = True
    words_for = "labels"
    labels: tuple[str, ...] = ()
    conv: bool = flag("convolutions", conv=True)
    fc: bool = flag("linear layers", fc=True)
    bn: bool = flag("batch norms", bn=True)
    fan_in: bool = flag("by the number of inputs: torch's default", fan_in=True)
    fan_out: bool = flag("by the number of outputs", fan_out=True)
    uniform: bool = flag("from a uniform distribution", uniform=True)
    normal: bool = flag("from a normal distribution", normal=True)
    zero_residual: bool = flag(
        "the last batch norm of each residual body starts at 0", zero_residual=True
    )
    std: float = option(float, 0.01, doc="the standard deviation", minimum=-inf)
    bias: float | None = option(float, None, doc="what biases start at", minimum=-inf)
    value: float = option(float, 0, doc="what `constant` fills with", minimum=-inf)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of modules that are meant, or none where the line names none."""
        return tuple(kind for kind in KINDS if getattr(self, kind))

    @property
    def goes_by_outputs(self) -> bool:
        """Whether it depends on how many outputs a layer has."""
        return False

    def torch(self) -> ModuleCall | None:
        """Return the call that starts a weight, which is its first argument; None for torch's."""
        return None


@register
class Default(Init):
    """Weights start as torch starts them."""

    name = "init default"
    example = "init default fc bias=0"


@register
class He(Init):
    """By the size of the layer, for ReLU after it. He et al. 2015, arXiv:1502.01852."""

    name = "init he"
    example = "init he conv fan_out bias=0"

    @property
    def goes_by_outputs(self) -> bool:
        return self.fan_out

    def torch(self) -> ModuleCall:
        mode = (Keyword("mode", "fan_out"),) if self.fan_out else ()
        law = "uniform" if self.uniform else "normal"
        return ModuleCall(f"nn.init.kaiming_{law}_", (), (*mode, Keyword("nonlinearity", "relu")))


@register
class Xavier(Init):
    """By the size of the layer, for a linear one. Glorot and Bengio 2010."""

    name = "init xavier"
    example = "init xavier conv fc"

    @property
    def goes_by_outputs(self) -> bool:
        return True

    def torch(self) -> ModuleCall:
        return ModuleCall(f"nn.init.xavier_{'normal' if self.normal else 'uniform'}_")


@register
class Normal(Init):
    """From a normal distribution around 0."""

    name = "init normal"
    example = "init normal fc std=0.01 bias=0"

    def torch(self) -> ModuleCall:
        return ModuleCall("nn.init.normal_", (), (Keyword("std", float(self.std)),))


@register
class TruncatedNormal(Init):
    """From a normal distribution around 0, without what lies beyond -2 and 2."""

    name = "init truncated_normal"
    example = "init truncated_normal conv fc std=0.02"

    def torch(self) -> ModuleCall:
        return ModuleCall("nn.init.trunc_normal_", (), (Keyword("std", float(self.std)),))


@register
class ConstantValue(Init):
    """All at one value."""

    name = "init constant"
    example = "init constant fc value=0.5"

    def torch(self) -> ModuleCall:
        if self.value == 0:
            return ModuleCall("nn.init.zeros_")
        return ModuleCall("nn.init.constant_", (float(self.value),))

"""How weights start. A line of `init` is for the modules that it names, and may be repeated."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from archc.ops import ModuleCall
from archc.ops._op import Keyword
from archc.recipe._line import Line, RecipeError, flag, option, register

KINDS = ("conv", "fc", "bn")


class Init(Line):
    """The base of all lines of `init`. Other words are labels of modules, which alone are meant."""

    repeats = True
    words_for = "labels"
    by_size: ClassVar[bool] = False  # of a matrix: a batch norm has none
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

    def check(self) -> None:
        if self.by_size and self.bn:
            hint = "start it with `init constant bn value=1` or `init normal bn mean=1`"
            raise RecipeError(f"`{self.name}` is for weights of two dimensions or more", hint)

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


def _given(**values: tuple[float, float]) -> tuple[Keyword, ...]:
    """The arguments that are not torch's default, which is the second of each."""
    return tuple(Keyword(k, float(v)) for k, (v, default) in values.items() if v != default)


def _refuse_empty(name: str, a: float, b: float) -> None:
    if a >= b:
        raise RecipeError(f"`{name}` has nothing between {a:g} and {b:g}", "`a` is the least value")


@register
class Default(Init):
    """Weights start as torch starts them."""

    name = "init default"
    example = "init default fc bias=0"


@register
class He(Init):
    """By the size of the layer, for ReLU after it. He et al. 2015, arXiv:1502.01852."""

    name = "init he"
    also: ClassVar = {
        "kaiming": "init he",
        "msra": "init he",
        **dict.fromkeys(("kaiming_normal", "he_normal"), "init he normal"),
        **dict.fromkeys(("kaiming_uniform", "he_uniform"), "init he uniform"),
    }
    example = "init he conv fan_out bias=0"
    by_size = True

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
    also: ClassVar = {
        "glorot": "init xavier",
        **dict.fromkeys(("xavier_normal", "glorot_normal"), "init xavier normal"),
        **dict.fromkeys(("xavier_uniform", "glorot_uniform"), "init xavier uniform"),
    }
    example = "init xavier conv fc"
    by_size = True
    gain: float = option(float, 1, doc="what the deviation is multiplied by")

    @property
    def goes_by_outputs(self) -> bool:
        return True

    def torch(self) -> ModuleCall:
        law = "normal" if self.normal else "uniform"
        return ModuleCall(f"nn.init.xavier_{law}_", (), _given(gain=(self.gain, 1)))


@register
class Orthogonal(Init):
    """An orthogonal matrix, a filter a row. Saxe et al. 2013, arXiv:1312.6120."""

    name = "init orthogonal"
    example = "init orthogonal conv fc gain=1.4142"
    by_size = True
    gain: float = option(float, 1, doc="what it is multiplied by")

    def torch(self) -> ModuleCall:
        return ModuleCall("nn.init.orthogonal_", (), _given(gain=(self.gain, 1)))


@register
class Normal(Init):
    """From a normal distribution."""

    name = "init normal"
    example = "init normal fc std=0.01 bias=0"
    mean: float = option(float, 0, doc="its mean", minimum=-inf)

    def torch(self) -> ModuleCall:
        std = Keyword("std", float(self.std))
        return ModuleCall("nn.init.normal_", (), (*_given(mean=(self.mean, 0)), std))


@register
class TruncatedNormal(Init):
    """From a normal distribution around 0, without what lies beyond `a` and `b`."""

    name = "init truncated_normal"
    also: ClassVar = {"trunc_normal": "init truncated_normal"}
    example = "init truncated_normal conv fc std=0.02"
    a: float = option(float, -2, doc="the least value", minimum=-inf)
    b: float = option(float, 2, doc="the largest value", minimum=-inf)

    def check(self) -> None:
        _refuse_empty(self.name, self.a, self.b)

    def torch(self) -> ModuleCall:
        std = Keyword("std", float(self.std))
        ends = _given(a=(self.a, -2), b=(self.b, 2))
        return ModuleCall("nn.init.trunc_normal_", (), (std, *ends))


@register
class Uniform(Init):
    """From a uniform distribution between `a` and `b`."""

    name = "init uniform"
    example = "init uniform fc a=-0.05 b=0.05"
    a: float = option(float, 0, doc="the least value", minimum=-inf)
    b: float = option(float, 1, doc="the largest value", minimum=-inf)

    def check(self) -> None:
        _refuse_empty(self.name, self.a, self.b)

    def torch(self) -> ModuleCall:
        return ModuleCall("nn.init.uniform_", (), _given(a=(self.a, 0), b=(self.b, 1)))


@register
class ConstantValue(Init):
    """All at one value."""

    name = "init constant"
    example = "init constant fc value=0.5"

    def torch(self) -> ModuleCall:
        if self.value == 0:
            return ModuleCall("nn.init.zeros_")
        return ModuleCall("nn.init.constant_", (float(self.value),))

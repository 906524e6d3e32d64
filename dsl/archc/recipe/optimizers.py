"""The optimizer: one of torch's, with its options."""

from __future__ import annotations

from typing import Any, ClassVar

from archc.recipe._line import Flag, Line, RecipeError, flag, option, register


class Optimizer(Line):
    """The base of all optimizers: a class of torch.optim, whose arguments the fields are."""

    torch: ClassVar[str] = ""
    fused: ClassVar[bool] = False  # has an implementation in one kernel
    lr: float = option(float, doc="learning rate")
    weight_decay: float | None = option(float, None, doc="L2 penalty, or decoupled for `adamw`")

    def flags(self) -> list[Flag]:
        decay = Flag("weight-decay", "float", float(self.weight_decay or 0))
        return [Flag("lr", "float", self.lr, "learning rate"), *([decay] * bool(self.weight_decay))]

    def arguments(self) -> dict[str, Any]:
        """Return what it is made with beside `lr`: numbers, weight decay, flags."""
        given = {name: value for name, value in self.given().items() if name != "lr"}
        last = ("weight_decay", *(name for name, spec in self.fields().items() if spec.words))
        numbers = {name: value for name, value in given.items() if name not in last}
        return numbers | {name: given[name] for name in last if name in given}

    @property
    def title(self) -> str:
        """Its name and what adds to its state: "SGD with momentum"."""
        more = [name for name in ("momentum", "centered", "amsgrad") if getattr(self, name, None)]
        return f"{self.torch} with {' and '.join(more)}" if more else self.torch

    @property
    def moments(self) -> int:
        """How many copies of the parameters it keeps from an update to the next."""
        raise NotImplementedError

    @property
    def scratch(self) -> int:
        """How many further copies an update takes for a moment: none in one kernel."""
        return 0


def betas(value: Any) -> tuple[float, ...]:
    """Read the two decay rates of Adam's averages."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise RecipeError(f"`betas` are two numbers, not `{value}`", "as in `[0.9, 0.999]`")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float) or not 0 <= each <= 1:
            raise RecipeError(f"`betas` is a number from 0 to 1, not `{each}`")
        if each == 1:
            raise RecipeError("`betas` are less than 1", "as in `[0.9, 0.999]`")
    return tuple(value)


@register
class Sgd(Optimizer):
    """Stochastic gradient descent, with or without momentum."""

    name = "optimizer sgd"
    example = "optimizer sgd lr=0.1 momentum=0.9 weight_decay=1e-4 nesterov"
    torch = "SGD"
    fused = True
    momentum: float | None = option(float, None, doc="share of the last update that is kept")
    dampening: float | None = option(float, None, doc="share of the gradient left out of it")
    nesterov: bool = flag("Nesterov's momentum", nesterov=True)

    def check(self) -> None:
        if self.nesterov and not self.momentum:
            raise RecipeError("`nesterov` needs a momentum", "as in `momentum=0.9 nesterov`")

    @property
    def moments(self) -> int:
        return bool(self.momentum)


class _Adam(Optimizer):
    fused = True
    betas: tuple[float, ...] | None = option(betas, None, doc="decay of the two averages")
    eps: float | None = option(float, None, doc="added to the denominator")
    amsgrad: bool = flag("with the largest second moment so far", amsgrad=True)

    @property
    def moments(self) -> int:
        return 2 + self.amsgrad


@register
class Adam(_Adam):
    """Steps of a size by the moments of the gradient. Kingma and Ba 2014, arXiv:1412.6980."""

    name = "optimizer adam"
    example = "optimizer adam lr=1e-3 betas=[0.9, 0.999]"
    torch = "Adam"


@register
class AdamW(_Adam):
    """Adam with decoupled weight decay. Loshchilov and Hutter 2017, arXiv:1711.05101."""

    name = "optimizer adamw"
    example = "optimizer adamw lr=1e-3 weight_decay=0.05"
    torch = "AdamW"


@register
class RmsProp(Optimizer):
    """Gradients divided by a running root mean square. Tieleman and Hinton 2012."""

    name = "optimizer rmsprop"
    example = "optimizer rmsprop lr=0.05 alpha=0.9 eps=1.0 momentum=0.9"
    torch = "RMSprop"
    alpha: float | None = option(float, None, doc="decay of the mean square")
    eps: float | None = option(float, None, doc="added to the denominator")
    momentum: float | None = option(float, None, doc="share of the last update that is kept")
    centered: bool = flag("by the variance, not the mean square", centered=True)

    @property
    def moments(self) -> int:
        return 1 + bool(self.momentum) + self.centered

    @property
    def scratch(self) -> int:
        return 1 + bool(self.weight_decay)  # the root, and gradients with the decay in them


@register
class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all squares so far. Duchi et al. 2011."""

    name = "optimizer adagrad"
    example = "optimizer adagrad lr=0.05"
    torch = "Adagrad"
    lr_decay: float | None = option(float, None, doc="of the learning rate, by each update")
    eps: float | None = option(float, None, doc="added to the denominator")

    @property
    def moments(self) -> int:
        return 1

    @property
    def scratch(self) -> int:
        return 2  # the root, and gradients with the rate and the decay in them

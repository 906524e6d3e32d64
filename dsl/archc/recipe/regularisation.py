"""The loss, the gradients and the weights: what keeps them in bounds."""

from __future__ import annotations

from archc.recipe._line import Flag, Line, RecipeError, flag, number, register


@register
class LabelSmoothing(Line):
    """A part of each label is spread over all classes. Szegedy et al. 2015, arXiv:1512.00567."""

    name = "label_smoothing"
    example = "label_smoothing 0.1"
    part: float = number(float, doc="the part", minimum=0, maximum=1)

    def loss_arguments(self) -> dict[str, float]:
        return {"label_smoothing": self.part} if self.part else {}


@register
class Clip(Line):
    """Gradients are scaled down to a norm, where theirs is larger."""

    name = "clip"
    example = "clip 1.0"
    norm: float = number(float, doc="the largest norm of all gradients together")

    def flags(self) -> list[Flag]:
        return [Flag("clip", "float", float(self.norm), "of the gradients' norm")] * bool(self.norm)

    def on_gradients(self) -> list[str]:
        if not self.norm:
            return []
        return [
            "if args.clip:",
            "    self.scaler.unscale_(self.optimizer)",
            "    nn.utils.clip_grad_norm_(self.net.parameters(), args.clip)",
        ]


@register
class Decay(Line):
    """Which parameters the optimizer's weight decay is for; `all` is what a recipe has without."""

    name = "decay"
    example = "decay weights"
    all: bool = flag("all parameters", all=True)
    weights: bool = flag("weights: no norms and biases", weights=True)

    def check(self) -> None:
        if self.all == self.weights:
            raise RecipeError("`decay` is `all`, or `weights`: without norms and biases")


@register
class Ema(Line):
    """An exponential moving average of the weights is validated, and kept as the best."""

    name = "ema"
    example = "ema 0.9999"
    decay: float = number(float, doc="share of the average that an update keeps", maximum=1)

    def flags(self) -> list[Flag]:
        return [Flag("ema", "float", self.decay, "average weights")] * bool(self.decay)

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn


class Deployed(nn.Module):
    """A network for inference; `from_training` gives it its training form's weights.

    Of a class, `FOLDED` says which batch norm is in the weights of which layer, and its
    eps; `FUSED` which convolutions are one; `DROPPED` what only training needs. Names
    are those of the training form; what is left of an nn.Sequential moves up.
    """

    @classmethod
    def from_training(cls, state: Mapping[str, Tensor], **arguments: Any) -> Self:
        """The network, in eval mode, with a `state_dict` of the training form."""
        net = cls(**arguments)
        net.load_state_dict(net.folded(state))
        return net.eval()

    def folded(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A `state_dict` of the training form as one of this form."""
        found, own = dict(state), {path for path, _ in self.named_modules()}
        done: dict[int, Tensor] = {}  # weights that have their norm
        for path, module in self.named_modules():
            at = f"{path}." if path else ""
            for layer, (norm, eps) in getattr(module, "FOLDED", {}).items():
                key = f"{at}{layer}.weight"
                if f"{at}{layer}.running_mean" in found:  # in this unit it is a norm
                    continue
                if key in found and id(found[key]) not in done:  # not every unit has it
                    fold(found, at + layer, at + norm, eps)
                    done[id(found[key])] = found[key]
            for layer, parts in getattr(module, "FUSED", {}).items():
                if f"{at}{layer}" not in own:  # not every unit has it
                    continue
                for name in ("weight", "bias"):
                    pieces = [found.pop(f"{at}{part}.{name}", None) for part in parts]
                    present = [piece for piece in pieces if piece is not None]
                    if present:
                        found[f"{at}{layer}.{name}"] = torch.cat(present)
            for gone in getattr(module, "DROPPED", ()):
                for key in [key for key in found if key.startswith(f"{at}{gone}.")]:
                    del found[key]
            if isinstance(module, nn.Sequential):
                move_up(found, at, module)
        return found


def fold(state: dict[str, Tensor], layer: str, norm: str, eps: float) -> None:
    """Put a batch norm's statistics and weights into those of the layer before it."""
    if f"{norm}.running_mean" not in state:
        raise RuntimeError(f'Missing key in state_dict: "{norm}.running_mean"')
    mean = state.pop(f"{norm}.running_mean").double()
    scale = (state.pop(f"{norm}.running_var").double() + eps).rsqrt()
    scale = scale * state.pop(f"{norm}.weight", torch.ones(())).double()
    shift = state.pop(f"{norm}.bias", torch.zeros(())).double()
    state.pop(f"{norm}.num_batches_tracked", None)
    weight = state[f"{layer}.weight"]
    bias = state.get(f"{layer}.bias", torch.zeros(())).double()
    folded = weight.double() * scale.view(-1, *[1] * (weight.ndim - 1))
    state[f"{layer}.weight"] = folded.to(weight.dtype)
    state[f"{layer}.bias"] = ((bias - mean) * scale + shift).to(weight.dtype)


def move_up(state: dict[str, Tensor], at: str, row: nn.Sequential) -> None:
    """Give the layers of a row the places that they have where others are gone."""
    keys = [key for key in state if key.startswith(at)]
    before = {key[len(at) :].split(".")[0] for key in keys}
    after = [name for name, layer in row.named_children() if layer.state_dict()]
    if len(before) != len(after) or not all(map(str.isdigit, after)):
        return  # named layers stay where they are
    in_order = sorted(before, key=lambda place: (len(place), place))
    places = dict(zip(in_order, after, strict=True))
    moved = {}
    for key in keys:
        place, _, name = key[len(at) :].partition(".")
        moved[f"{at}{places[place]}.{name}"] = state.pop(key)
    state |= moved

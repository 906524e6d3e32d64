"""What a generated file has only where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archc.transform.deploy import Deployment


@dataclass(frozen=True, slots=True)
class Options:
    """`archc build --with device,checkpointing,zero-init`.

    - `device`: constructors take `device` and `dtype` and pass them on, and `init_weights`
      starts every weight, so that a network can be made on "meta" and filled later.
    - `checkpoint`: the block that `grad_checkpointing=True` computes again in the backward pass.
    - `deployment`: the network is for inference, and takes the weights of its training form.
    - `zero_init`: `zero_init_residual=True` starts every residual unit as the identity.
    """

    device: bool = False
    checkpoint: str | None = None
    zero_init: bool = False
    deployment: Deployment | None = None
    factories: bool = True  # operators that blocks are given may be constructor arguments

    @property
    def keywords(self) -> tuple[str, ...]:
        """What they add to the network's constructor, by name."""
        asked = (
            (self.zero_init, ZERO_INIT),
            (self.checkpoint is not None, CHECKPOINTING),
            (self.device, DEVICE),
            (self.device, DTYPE),
        )
        return tuple(keyword for wanted, keyword in asked if wanted)


DEPLOYED = "Deployed"  # the support class that loads the weights of the training form
RECOMPUTED = "Recomputed"  # the support class that can be computed again
ZERO_INIT, CHECKPOINTING, DEVICE, DTYPE = (
    "zero_init_residual",
    "grad_checkpointing",
    "device",
    "dtype",
)


class Unsuited(Exception):
    """An option that a network has no use for, or that its own names stand in the way of."""


class Untrainable(Exception):
    """The network, or its recipe, is not one that the script can train; the text says why."""

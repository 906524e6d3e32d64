from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint


class Recomputed(nn.Module):
    """A block that can compute its inside again in the backward pass, not keep it.

    It does so in training mode if `grad_checkpointing` is set: memory for time, and the
    same numbers. Dropout draws what it drew.
    """

    grad_checkpointing = False

    def __call__(self, *args: Any) -> Any:
        run = super().__call__
        if not (self.grad_checkpointing and self.training):
            return run(*args)
        return checkpoint(run, *args, use_reentrant=False)

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Recomputed(nn.Module):
    """A block that can compute its inside again in the backward pass, not keep it.

    It does so in training mode if `grad_checkpointing` is set: memory for time, and the
    same numbers. Dropout draws what it drew, and norms count a batch once.
    """

    grad_checkpointing = False

    def __call__(self, *args: Any) -> Any:
        run = super().__call__
        if not (self.grad_checkpointing and self.training):
            return run(*args)
        if torch.compiler.is_compiling():  # what is traced once counts once
            return checkpoint(run, *args, use_reentrant=False)
        return checkpoint(
            run,
            *args,
            use_reentrant=False,
            context_fn=lambda: (nullcontext(), self.keep_statistics()),
        )

    @contextmanager
    def keep_statistics(self) -> Iterator[None]:
        """Within, norms leave their running statistics as they are."""
        kinds = (
            *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
            *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
        )
        norms = [module for module in self.modules() if isinstance(module, kinds)]
        kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
        for norm in norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None
        try:
            yield
        finally:
            for norm, (momentum, batches) in zip(norms, kept, strict=True):
                norm.momentum, norm.num_batches_tracked = momentum, batches

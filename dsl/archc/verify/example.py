"""The network of `example.arch`, written by hand: planted bugs are edits of this text.

It has what `archc build --with device,checkpointing` writes, in other words, and imports no archc.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

__all__ = ["Example", "ExampleOutput"]


class ExampleOutput(NamedTuple):
    """The outputs of Example."""

    features: Tensor
    logits: Tensor
    early: Tensor | None = None  # weighs 0.3 in the loss


def drop_path(x: Tensor, p: float, training: bool) -> Tensor:
    """Drop whole samples with probability `p`, and divide the others by theirs to stay."""
    if not training:
        return x
    alive = torch.rand([x.shape[0], 1, 1, 1], device=x.device) < 1.0 - p
    return x * (alive.to(x.dtype) / (1.0 - p))


class Cell(nn.Module):
    """(N, in_channels, H, W) -> (N, channels, H, W)."""

    grad_checkpointing = False

    def __init__(self, in_channels: int, channels: int, **factory: Any) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False, **factory)
        self.bn1 = nn.BatchNorm2d(channels, **factory)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False, **factory)
        self.bn2 = nn.BatchNorm2d(channels, **factory)
        self.conv3 = nn.Conv2d(in_channels, channels, 1, **factory)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.grad_checkpointing and self.training):
            return self.compute(x)
        if torch.compiler.is_compiling():  # what is traced once counts once
            return checkpoint(self.compute, x, use_reentrant=False)
        return checkpoint(self.compute, x, use_reentrant=False, context_fn=self.twice)

    def compute(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        shortcut = self.conv3(x)
        x = drop_path(self.bn2(self.conv2(out)), 0.2, self.training)
        return self.relu(x + shortcut)

    def twice(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """What `compute` runs in the first time, and when it computes again."""
        return nullcontext(), self.same_statistics()

    @contextmanager
    def same_statistics(self) -> Iterator[None]:
        """Within, the batch norms leave their running statistics as they are."""
        norms = (self.bn1, self.bn2)
        kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
        for norm in norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None
        try:
            yield
        finally:
            for norm, (momentum, batches) in zip(norms, kept, strict=True):
                norm.momentum, norm.num_batches_tracked = momentum, batches


class Example(nn.Module):
    """(N, 3, 16, 16) -> (N, 16) and (N, classes)."""

    def __init__(
        self,
        classes: int = 10,
        *,
        grad_checkpointing: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.stem = nn.Conv2d(3, 8, 3, padding=1, **factory)
        self.norm = nn.BatchNorm2d(8, **factory)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.cells = nn.Sequential(
            Cell(8, 16, **factory),
            Cell(16, 16, **factory),
        )
        self.left = nn.Conv2d(16, 8, 1, **factory)
        self.right = nn.Conv2d(16, 8, 3, padding=1, groups=4, **factory)
        self.spread = nn.GroupNorm(4, 16, **factory)
        self.avgpool = nn.AvgPool2d(3, stride=1, padding=1)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.early = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, classes, **factory),
        )
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(16, classes, **factory)
        for cell in self.cells:
            cell.grad_checkpointing = grad_checkpointing
        self.init_weights()

    def init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                module.reset_parameters()

    def forward(self, x: Tensor) -> ExampleOutput:
        x = self.relu(self.norm(self.stem(x)))
        x = self.pool(x)
        x = self.cells(x)
        x = torch.cat([self.left(x), self.right(x)], 1)
        x = self.avgpool(self.spread(x))
        early = self.early(x) if self.training else None
        features = torch.flatten(self.gap(x), 1)
        logits = self.fc(self.dropout(features))
        return ExampleOutput(features, logits, early)

"""Blocks as arguments of blocks.

Input (N, 4, 64), output (N, 4).
5,268 parameters, 142,336 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Arguments"]


class Plain(nn.Module):
    """(N, in_channels, L) -> (N, w, L)."""

    def __init__(self, in_channels: int, w: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels, w, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv1(x))  # (w, 64)


class Stage(nn.Module):
    """(N, 4, 64) -> (N, 8, 32)."""

    def __init__(self, w: int) -> None:
        super().__init__()
        self.plain1 = Plain(4, w)
        self.plain2 = Plain(w, w)
        self.pool = nn.MaxPool1d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.plain1(x)  # (w, 64)
        x = self.plain2(x)  # (w, 64)
        return self.pool(x)  # (w, 32)


class Gated(nn.Module):
    """(N, in_channels, L) -> (N, w, L)."""

    def __init__(self, in_channels: int, w: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels, w, 3, padding=1)
        self.conv2 = nn.Conv1d(in_channels, w, 3, padding=1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(x) * self.sigmoid(self.conv2(x))  # (w, 32)


class GatedStage(nn.Module):
    """(N, 8, 32) -> (N, 16, 16)."""

    def __init__(self, w: int) -> None:
        super().__init__()
        for i in range(3):
            self.add_module(f"gated{i + 1}", Gated(8 if i == 0 else w, w))
        self.pool = nn.MaxPool1d(2)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(3):
            x = getattr(self, f"gated{i + 1}")(x)  # (w, 32)
        return self.pool(x)  # (w, 16)


class Arguments(nn.Module):
    """(N, 4, 64) -> (N, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = Stage(8)
        self.stage2 = GatedStage(16)
        self.fc1 = nn.Linear(16 * 16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)  # 8x32
        x = torch.flatten(self.stage2(x), 1)  # 256
        return self.fc1(x)  # 4

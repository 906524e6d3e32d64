"""Loops of both kinds, sequences, places and labels with numbers.

Input (N, 3, 32, 32), output (N, 10).
37,722 parameters, 2,293,968 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Loops"]


class Features(nn.Sequential):
    """(N, 3, 32, 32) -> (N, 32, 4, 4)."""

    def __init__(self, plan: Sequence[Sequence[int]]) -> None:
        layers: list[nn.Module] = []
        in_channels = 3
        for width, count in plan:
            for _ in range(count):
                layers += [
                    nn.Conv2d(in_channels, width, 3, padding=1),
                    nn.ReLU(inplace=True),
                ]
                in_channels = width
            layers.append(nn.MaxPool2d(2))
        super().__init__(*layers)


class DenseBlock(nn.Module):
    """(N, in_channels, H, W) -> (N, in_channels + growth * n, H, W)."""

    def __init__(self, in_channels: int, n: int, growth: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        for i in range(n):
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(in_channels + i * growth))
            self.add_module(
                f"conv{i + 1}",
                nn.Conv2d(in_channels + i * growth, growth, 3, padding=1),
            )
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.n):
            out = self.relu(getattr(self, f"bn{i + 1}")(x))
            out = getattr(self, f"conv{i + 1}")(out)  # (growth, 4, 4)
            x = torch.cat([x, out], 1)
        return x


class Loops(nn.Module):
    """(N, 3, 32, 32) -> (N, 10)."""

    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        self.features = Features(((8, 1), (16, 2), (32, 2)))
        in_channels = 32
        for i in range(depth):
            self.add_module(
                f"mix{i + 1}",
                nn.Sequential(
                    nn.Conv2d(in_channels, 8 * i + 8, 1, bias=False),
                    nn.BatchNorm2d(8 * i + 8),
                ),
            )
            in_channels = 8 * i + 8
        self.depth = depth
        self.dense_block1 = DenseBlock(in_channels, 4, 12)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(in_channels + 48, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 32x4x4
        for i in range(self.depth):
            x = getattr(self, f"mix{i + 1}")(x)
        x = self.dense_block1(x)
        x = torch.flatten(self.gap(x), 1)
        return self.fc1(x)  # 10

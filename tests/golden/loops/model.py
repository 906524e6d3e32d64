"""Loops of both kinds, sequences, places and labels with numbers.

Input (N, 3, 32, 32), output (N, 10).
37,722 parameters, 2,293,968 multiply-accumulates a sample.
Built with depth = 3.
"""

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
    """(N, 24, 4, 4) -> (N, 72, 4, 4)."""

    def __init__(self, n: int, growth: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        for i in range(n):
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(i * growth + 24))
            self.add_module(
                f"conv{i + 1}", nn.Conv2d(i * growth + 24, growth, 3, padding=1)
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

    def __init__(self) -> None:
        super().__init__()
        self.features = Features(((8, 1), (16, 2), (32, 2)))
        self.mix1 = nn.Sequential(
            nn.Conv2d(32, 8, 1, bias=False),  # 8x4x4
            nn.BatchNorm2d(8),
        )
        self.mix2 = nn.Sequential(
            nn.Conv2d(8, 16, 1, bias=False),  # 16x4x4
            nn.BatchNorm2d(16),
        )
        self.mix3 = nn.Sequential(
            nn.Conv2d(16, 24, 1, bias=False),  # 24x4x4
            nn.BatchNorm2d(24),
        )
        self.dense_block1 = DenseBlock(4, 12)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(72, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 32x4x4
        x = self.mix1(x)  # 8x4x4
        x = self.mix2(x)  # 16x4x4
        x = self.mix3(x)  # 24x4x4
        x = self.dense_block1(x)  # 72x4x4
        x = torch.flatten(self.gap(x), 1)  # 72
        x = self.fc1(x)  # 10
        return x

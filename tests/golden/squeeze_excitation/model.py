"""Squeeze and excitation.

Input (N, 3, 32, 32), output (N, 10).
180,914 parameters, 26,662,784 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Gated"]


class Se(nn.Module):
    """Squeeze to one number a channel, excite, weigh.

    (N, in_channels, H, W) -> (N, in_channels, H, W).
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(in_channels, width // 4, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width // 4, width, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        out = self.gap(x)
        out = self.relu(self.conv1(out))
        return x * self.sigmoid(self.conv2(out))


class Unit(nn.Module):
    """(N, in_channels, H, W) -> (N, width, H / stride, W / stride)."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, width, 3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.gate = Se(width, width)
        self.has_shortcut = stride > 1 or in_channels != width
        if self.has_shortcut:
            self.conv3 = nn.Conv2d(in_channels, width, 1, stride=stride, bias=False)
            self.bn3 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out = self.gate(out)
        if self.has_shortcut:
            x = self.bn3(self.conv3(x))
        return self.relu(out + x)


class Gated(nn.Module):
    """(N, 3, 32, 32) -> (N, classes)."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.stage1 = nn.Sequential(*(Unit(16, 16) for _ in range(2)))
        self.stage2 = nn.Sequential(
            Unit(16, 32, stride=2),  # 32x16x16
            Unit(32, 32),
        )
        self.stage3 = nn.Sequential(
            Unit(32, 64, stride=2),  # 64x8x8
            Unit(64, 64),
        )
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # 16x32x32
        x = self.stage1(x)  # 16x32x32
        x = self.stage2(x)  # 32x16x16
        x = self.stage3(x)  # 64x8x8
        x = torch.flatten(self.gap(x), 1)  # 64
        return self.fc1(x)  # classes

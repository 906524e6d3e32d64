"""Net.

Input (N, 3, 16, 16), output (N, 10).
340,226 parameters, 28,373,152 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Net"]


class Dense(nn.Module):
    """The `dense` in Net."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(self.relu(self.bn1(x)))
        return torch.cat([x, out], 1)


class Residual(nn.Module):
    """The `residual` in Net."""

    def __init__(self, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8 * growth, 8 * growth, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(8 * growth)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv1(x)) + x  # (8 * growth, 8, 8)


class ResidualBlock(nn.Module):
    """The `residual` in Net."""

    def __init__(self, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8 * growth, 16, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(8 * growth, 16, 1, stride=2)
        self.bn2 = nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv1(x)) + self.bn2(self.conv2(x))  # 16x4x4


class ResidualBlock2(nn.Module):
    """The `residual` in Net."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv1(x)) + x  # 16x4x4


class Net(nn.Module):
    """(N, 3, 16, 16) -> (N, 10)."""

    def __init__(self, growth: int = 12) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 2 * growth, 3, padding=1)
        self.d1 = nn.Sequential(
            *(Dense(2 * growth + i * growth, growth) for i in range(6))
        )
        self.t1 = nn.Sequential(
            nn.BatchNorm2d(8 * growth),
            nn.ReLU(inplace=True),
            nn.Conv2d(8 * growth, 4 * growth, 1),  # (4 * growth, 16, 16)
            nn.AvgPool2d(2),  # (4 * growth, 8, 8)
        )
        self.d2 = nn.Sequential(
            *(Dense(4 * growth + i * growth, growth) for i in range(4))
        )
        self.layer1 = nn.Sequential(
            *(
                nn.Sequential(
                    Residual(growth),
                    nn.ReLU(inplace=True),
                )
                for _ in range(3)
            )
        )
        self.layer2 = nn.Sequential(
            ResidualBlock(growth),  # 16x4x4
            *(ResidualBlock2() for _ in range(2)),
        )
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # (2 * growth, 16, 16)
        x = self.d1(x)  # (8 * growth, 16, 16)
        x = self.t1(x)  # (4 * growth, 8, 8)
        x = self.d2(x)  # (8 * growth, 8, 8)
        x = self.layer1(x)  # (8 * growth, 8, 8)
        x = self.layer2(x)  # 16x4x4
        x = torch.flatten(self.gap(x), 1)  # 16
        return self.fc1(x)  # 10

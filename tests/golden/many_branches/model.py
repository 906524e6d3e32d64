"""ManyBranches.

Input (N, 2, 8, 8), output (N, 4, 8, 8).
1,312 parameters, 78,080 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ManyBranches"]


class Widen(nn.Module):
    """Appends channels of zeros until there are `channels` of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        missing = self.channels - x.shape[1]
        return F.pad(x, [0, 0] * (x.ndim - 2) + [0, missing])

    def extra_repr(self) -> str:
        return f"{self.channels}"


class Unit(nn.Module):
    """(N, in_channels, H, W) -> (N, 2, H, W)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 2, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv1(x))  # 2x8x8


class ManyBranches(nn.Module):
    """(N, 2, 8, 8) -> (N, 4, 8, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(2)
        self.unit2 = Unit(2)
        self.unit3 = Unit(2)
        self.unit4 = Unit(2)
        self.unit5 = Unit(2)
        self.unit6 = Unit(2)
        self.unit7 = Unit(2)
        self.conv1 = nn.Conv2d(2, 2, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(18, 4, 1)
        self.conv3 = nn.Conv2d(18, 4, 1)
        self.conv4 = nn.Conv2d(18, 4, 1)
        self.conv5 = nn.Conv2d(18, 4, 1)
        self.unit8 = Unit(18)
        self.conv6 = nn.Conv2d(2, 4, 1)
        self.bn1 = nn.BatchNorm2d(4)
        self.sigmoid = nn.Sigmoid()
        self.unit9 = Unit(4)
        self.widen = Widen(4)
        self.conv7 = nn.Conv2d(4, 4, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(4)
        self.leaky_relu = nn.LeakyReLU(negative_slope=0.2, inplace=True)
        self.conv8 = nn.Conv2d(4, 4, 1)
        self.conv9 = nn.Conv2d(4, 4, 1)
        self.conv10 = nn.Conv2d(4, 4, 1)
        self.conv11 = nn.Conv2d(4, 4, 1)
        self.conv12 = nn.Conv2d(4, 4, 1)
        self.conv13 = nn.Conv2d(4, 4, 1)
        self.conv14 = nn.Conv2d(4, 4, 1)
        self.conv15 = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat(
            [
                self.unit1(x),
                self.unit2(x),
                self.unit3(x),
                self.unit4(x),
                self.unit5(x),
                self.unit6(x),
                self.unit7(x),
                x,
                self.relu(self.conv1(x)),
            ],
            1,
        )
        branch1 = self.conv2(x)  # 4x8x8
        branch2 = self.conv3(x)  # 4x8x8
        branch3 = self.conv4(x)  # 4x8x8
        branch4 = self.conv5(x)  # 4x8x8
        branch5 = self.unit8(x)  # 2x8x8
        branch5 = self.sigmoid(self.bn1(self.conv6(branch5)))  # 4x8x8
        x = (branch1 + branch2 + branch3 + branch4 + branch5) / 5  # 4x8x8
        x = self.relu(x)  # 4x8x8
        branch1 = self.widen(self.unit9(x))  # 4x8x8
        branch2 = self.leaky_relu(self.bn2(self.conv7(x)))  # 4x8x8
        branch3 = self.conv8(x)  # 4x8x8
        branch4 = self.conv9(x)  # 4x8x8
        x = branch1 + branch2 + branch3 + branch4 + x  # 4x8x8
        branch2 = self.conv10(x)  # 4x8x8
        branch3 = self.conv11(x)  # 4x8x8
        branch4 = self.conv12(x)  # 4x8x8
        branch5 = self.conv13(x)  # 4x8x8
        branch6 = self.conv14(x)  # 4x8x8
        branch7 = self.conv15(x)  # 4x8x8
        return x * branch2 * branch3 * branch4 * branch5 * branch6 * branch7  # 4x8x8

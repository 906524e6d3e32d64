"""UNet.

Input (N, 3, 128, 128), output (N, 2, 128, 128).
467,202 parameters, 1,592,262,656 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["UNet"]


class Double(nn.Module):
    """(N, in_channels, H, W) -> (N, c, H, W)."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)))


class Up(nn.Module):
    """(N, in_channels, H, W) -> (N, c, H', W')."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.deconv1 = nn.ConvTranspose2d(in_channels, c, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.deconv1(x)


class UNet(nn.Module):
    """(N, 3, 128, 128) -> (N, 2, 128, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.enc1 = Double(3, 32)
        self.pool = nn.MaxPool2d(2)
        self.enc2 = Double(32, 64)
        self.double1 = Double(64, 128)
        self.up1 = Up(128, 64)
        self.double2 = Double(128, 64)
        self.up2 = Up(64, 32)
        self.double3 = Double(64, 32)
        self.conv1 = nn.Conv2d(32, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        enc1 = self.enc1(x)  # 32x128x128
        x = self.pool(enc1)  # 32x64x64
        enc2 = self.enc2(x)  # 64x64x64
        x = self.pool(enc2)  # 64x32x32
        x = self.double1(x)  # 128x32x32
        x = torch.cat([enc2, self.up1(x)], 1)  # 128x64x64
        x = self.double2(x)  # 64x64x64
        x = torch.cat([enc1, self.up2(x)], 1)  # 64x128x128
        x = self.double3(x)  # 32x128x128
        return self.conv1(x)  # 2x128x128

"""Three dimensions, and everything that only they have.

Input (N, 3, 8, 16, 16), output (N, 2).
5,566 parameters, 1,933,320 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Volume"]


class Volume(nn.Module):
    """(N, 3, 8, 16, 16) -> (N, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(
            3, 8, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False
        )
        self.bn1 = nn.BatchNorm3d(8)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool3d(2)
        self.conv2 = nn.Conv3d(8, 8, 3, padding=1)
        self.gn1 = nn.GroupNorm(2, 8)
        self.silu = nn.SiLU(inplace=True)
        self.deconv1 = nn.ConvTranspose3d(8, 4, 2, stride=2)
        self.upsample = nn.Upsample(scale_factor=2, mode="trilinear")
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc1 = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # 8x8x8x8
        x = self.pool(x)  # 8x4x4x4
        out = self.silu(self.gn1(self.conv2(x)))  # 8x4x4x4
        x = out + x  # 8x4x4x4
        x = self.upsample(self.deconv1(x))  # 4x16x16x16
        x = torch.flatten(self.avgpool(x), 1)  # 4
        return self.fc1(x)  # 2

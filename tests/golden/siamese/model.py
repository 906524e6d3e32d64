"""Siamese.

Input (N, 1, 105, 105) and (N, 1, 105, 105), output (N, 1).
75,504,961 parameters, 268,960,256 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Siamese"]


class Twin(nn.Module):
    """(N, 1, 105, 105) -> (N, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 10)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(64 * 48 * 48, 512)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv1(x))  # 64x96x96
        x = torch.flatten(self.pool(x), 1)  # 147456
        return self.sigmoid(self.fc1(x))  # 512


class Siamese(nn.Module):
    """(N, 1, 105, 105) and (N, 1, 105, 105) -> (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.a = Twin()
        self.fc1 = nn.Linear(512, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        x = (self.a(left) - self.a(right)).abs()  # 512
        return self.sigmoid(self.fc1(x))  # 1

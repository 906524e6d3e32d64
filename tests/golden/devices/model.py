"""Two towers that meet before conv3 and fc4; the second fully connected layer is whole.

Input (N, 3, 32, 32), output (N, 10).
46,282 parameters, 2,441,856 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Towers"]


class GroupedResponseNorm(nn.LocalResponseNorm):
    """Local response normalisation of each group of channels by itself."""

    def __init__(self, size: int, *, groups: int, **settings: float) -> None:
        super().__init__(size, **settings)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        normalise = super().forward
        return torch.cat([normalise(group) for group in x.chunk(self.groups, 1)], 1)


class Towers(nn.Module):
    """(N, 3, 32, 32) -> (N, classes)."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 5, padding=2)
        self.relu = nn.ReLU(inplace=True)
        self.lrn = GroupedResponseNorm(5, groups=2)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, groups=2)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
        self.fc4 = nn.Linear(32 * 4 * 4, 64)
        self.dropout = nn.Dropout(0.5)
        self.fc5 = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lrn(self.relu(self.conv1(x)))  # 16x32x32
        x = self.pool(x)  # 16x16x16
        x = self.relu(self.conv2(x))  # 32x16x16
        x = self.pool(x)  # 32x8x8
        x = self.relu(self.conv3(x))  # 32x8x8
        x = torch.flatten(self.pool(x), 1)  # 512
        x = self.relu(self.fc4(x))  # 64
        return self.fc5(self.dropout(x))  # classes

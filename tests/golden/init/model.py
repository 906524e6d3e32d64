"""What a `train` section says of the first weights.

Input (N, 3, 16, 16), output (N, 10).
2,698 parameters, 645,200 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Init"]


class Unit(nn.Module):
    """(N, 8, 16, 16) -> (N, 8, 16, 16)."""

    def __init__(self, w: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, w, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(w)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(w, w, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(w)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))  # (w, 16, 16)
        return self.relu(self.bn2(self.conv2(out)) + x)  # (w, 16, 16)


class Init(nn.Module):
    """(N, 3, 16, 16) -> (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.unit1 = Unit(8)
        self.unit2 = Unit(8)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(8, 10)
        self.init_weights()

    def init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        for module in self.modules():
            if isinstance(module, Unit):
                nn.init.zeros_(module.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # 8x16x16
        x = self.unit1(x)  # 8x16x16
        x = self.unit2(x)  # 8x16x16
        x = torch.flatten(self.gap(x), 1)  # 8
        return self.fc1(x)  # 10

"""How the weights of labelled operators start, in groups and out of them.

Input (N, 3, 8, 8), output (N, 10).
2,217 parameters, 124,624 multiply-accumulates a sample.
"""

# mypy: disable-error-code="arg-type, no-any-return"

from collections import OrderedDict

import torch
from torch import Tensor, nn

__all__ = ["Labelled"]


class Labelled(nn.Module):
    """(N, 3, 8, 8) -> (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                [
                    ("first", nn.Conv2d(3, 8, 3, padding=1)),  # 8x8x8
                    ("1", nn.ReLU(inplace=True)),
                    ("second", nn.Conv2d(8, 8, 3, padding=1)),
                    ("norm", nn.BatchNorm2d(8)),
                ]
            )
        )
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.act = nn.PReLU()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 8)
        self.fc3 = nn.Linear(8, 10, bias=False)
        self.init_weights()

    def init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.conv1.weight, std=0.02)
        nn.init.constant_(self.conv1.bias, 0.5)
        for fc in (self.fc1, self.fc2):
            nn.init.normal_(fc.weight, std=0.02)
            nn.init.constant_(fc.bias, 0.5)
        nn.init.xavier_uniform_(self.fc3.weight)
        nn.init.xavier_uniform_(self.conv2.weight)
        module = self.get_submodule("stem.first")
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.25)
        module = self.get_submodule("stem.second")
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.25)
        nn.init.constant_(self.act.weight, 0.125)
        module = self.get_submodule("stem.norm")
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 0.125)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 8x8x8
        x = self.conv1(x)  # 8x8x8
        x = self.act(self.conv2(x))  # 8x8x8
        x = torch.flatten(self.gap(x), 1)  # 8
        x = self.fc1(x)  # 8
        x = self.fc2(x)  # 8
        return self.fc3(x)  # 10

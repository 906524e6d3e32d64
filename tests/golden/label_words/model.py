"""A word of the language before a colon is a label, with all that a label is good for.

Input (N, 3, 8, 8), output (N, 10).
194 parameters, 5,968 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["N"]


class N(nn.Module):
    """(N, 3, 8, 8) -> (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        for i in range(3):
            self.add_module(
                f"block{i}", nn.Sequential(nn.Conv2d(3 if i == 0 else 4, 4, 1))
            )
        self.use = nn.Conv2d(4, 4, 1)
        self.conv = nn.Conv2d(4, 4, 1)
        self.relu = nn.ReLU()
        self.last = nn.ModuleDict({"param": nn.BatchNorm2d(4)})
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(3):
            x = getattr(self, f"block{i}")(x)  # 4x8x8
        use = self.use(x)  # 4x8x8
        out = self.conv(use)  # 4x8x8
        branch2 = self.use(out)  # 4x8x8
        branch3 = F.interpolate(x, size=x.shape[2:])  # 4x8x8
        param = self.last["param"](use + branch2 + branch3)  # 4x8x8
        x = torch.cat([self.relu(param), param], 1)  # 8x8x8
        x = torch.flatten(self.gap(x), 1)  # 8
        return self.classifier(x)  # 10

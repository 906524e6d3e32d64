"""Several inputs, several outputs and side classifiers.

Input (N, 3, 32, 32) and (N, 1, 32, 32), output (N, 16, 16, 16) and (N, 5).
2,794 parameters, 884,816 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Outputs", "OutputsOutput"]


class OutputsOutput(NamedTuple):
    """The outputs of Outputs."""

    features: Tensor
    logits: Tensor
    early: Tensor | None = None  # weighs 0.3 in the loss


class Outputs(nn.Module):
    """(N, 3, 32, 32) and (N, 1, 32, 32) -> (N, 16, 16, 16) and (N, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),  # 8x32x32
            nn.ReLU(inplace=True),
        )
        self.b = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),  # 8x32x32
            nn.ReLU(inplace=True),
        )
        self.conv1 = nn.Conv2d(16, 16, 3, stride=2, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.early = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),  # 16x1x1
            nn.Flatten(),  # 16
            nn.Linear(16, 5),
        )
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(16, 5)

    def forward(self, image: Tensor, depth: Tensor) -> OutputsOutput:
        side: list[Tensor] = []
        x = torch.cat([self.a(image), self.b(depth)], 1)  # 16x32x32
        features = self.relu(self.conv1(x))  # 16x16x16
        if self.training:
            side.append(self.early(features))
        x = torch.flatten(self.gap(features), 1)  # 16
        logits = self.fc1(x)  # 5
        return OutputsOutput(features, logits, *side)

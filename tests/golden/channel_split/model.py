"""Parts of the channels: ShuffleNet V2's unit, Res2Net's scales, a part that is not
equal.

Input (N, 16, 16, 16), output (N, 8, 16, 16).
960 parameters, 229,376 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["ChannelSplit"]


class Chunk(nn.Module):
    """One of several equal parts of the channels."""

    def __init__(self, index: int, of: int) -> None:
        super().__init__()
        self.index, self.of = index, of

    def forward(self, x: Tensor) -> Tensor:
        return torch.chunk(x, self.of, 1)[self.index]

    def extra_repr(self) -> str:
        return f"{self.index}, of={self.of}"


class Unit(nn.Module):
    """(N, 16, 16, 16) -> (N, 16, 16, 16)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, c // 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c // 2)
        self.relu = nn.ReLU(inplace=True)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        branch1, branch2 = x.chunk(2, dim=1)
        branch2 = self.relu(self.bn1(self.conv1(branch2)))  # (c // 2, 16, 16)
        return self.shuffle(torch.cat([branch1, branch2], 1))  # (c // 2 + 8, 16, 16)


class Scales(nn.Module):
    """(N, 16, 16, 16) -> (N, 12, 16, 16)."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.y0 = Chunk(0, parts)
        self.chunk = Chunk(1, parts)
        self.relu = nn.ReLU(inplace=True)
        self.y1 = nn.ModuleDict(
            {"1": nn.Conv2d(16 // parts, 16 // parts, 3, padding=1)}
        )
        self.chunk2 = Chunk(2, parts)
        self.y2 = nn.ModuleDict(
            {"1": nn.Conv2d(16 // parts, 16 // parts, 3, padding=1)}
        )
        self.chunk3 = Chunk(3, parts)
        self.y3 = nn.ModuleDict(
            {"1": nn.Conv2d(16 // parts, 16 // parts, 3, padding=1)}
        )

    def forward(self, x: Tensor) -> Tensor:
        whole = x  # 16x16x16
        y0 = self.y0(whole)  # (16 // parts, 16, 16)
        x = y0 + self.chunk(whole)  # (16 // parts, 16, 16)
        x = self.relu(self.y1["1"](x))  # (16 // parts, 16, 16)
        out = x + self.chunk2(whole)  # (16 // parts, 16, 16)
        out = self.relu(self.y2["1"](out)) + self.chunk3(whole)  # (16 // parts, 16, 16)
        return torch.cat([y0, x, self.relu(self.y3["1"](out))], 1)


class ChannelSplit(nn.Module):
    """(N, 16, 16, 16) -> (N, 8, 16, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(16)
        self.unit2 = Unit(16)
        self.scales1 = Scales(4)
        self.conv1 = nn.Conv2d(12, 16, 1)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit1(x)  # 16x16x16
        x = self.unit2(x)  # 16x16x16
        branch2 = self.scales1(x)  # 12x16x16
        x = x + self.conv1(branch2)  # 16x16x16
        branch1, branch2 = torch.split(x, [4, 12], 1)
        x = torch.cat([self.conv2(branch1), branch2], 1)  # 16x16x16
        branch2, _, _, branch1 = x.chunk(4, dim=1)
        return torch.cat([branch1, self.relu(branch2)], 1)  # 8x16x16

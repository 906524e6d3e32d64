"""A block that calls itself, and joins that meet.

Input (N, 3, 16, 16), output (N, 10).
16,130 parameters, 1,566,880 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["Fractal"]


class Join(nn.Module):
    """The mean of columns; while training, of those that drop-path leaves alive.

    FractalNet, Larsson et al. 2017, https://arxiv.org/abs/1605.07648. Each column is
    dropped with probability `droppath`, but never all of them. Where the network's
    `PathSampler` has drawn a column for the whole mini-batch, only that one is left.
    Column i must mean the same in every join of the network: give the deepest first.
    """

    def __init__(self, droppath: float = 0.0) -> None:
        super().__init__()
        self.droppath = droppath
        self.sampler: nn.Module | None = None  # sets itself

    def forward(self, columns: list[Tensor]) -> Tensor:
        first, *others = columns
        if not self.training or not self.droppath:
            return sum(others, first) / len(columns)
        alive = self.draw(len(columns), first.device).to(first.dtype)
        weights = alive / alive.sum()
        first, *others = (w * x for w, x in zip(weights, columns, strict=True))
        return sum(others, first)

    def draw(self, count: int, device: torch.device) -> Tensor:
        """Which of the columns are alive."""
        index = torch.arange(count, device=device)
        alive = torch.rand(count, device=device) >= self.droppath
        spared = torch.randint(count, (1,), device=device)
        alive = torch.where(alive.any(), alive, index == spared)
        if self.sampler is None:
            return alive
        on_path = index == self.sampler.get_buffer("path")
        return torch.where(on_path.any(), on_path, alive)

    def extra_repr(self) -> str:
        return f"droppath={self.droppath}"


class PathSampler(nn.Module):
    """Draws the column that all joins of a network keep, for half of the mini-batches.

    For the other half each join drops columns on its own. The last thing that a network
    makes, so that it finds all joins; `draw` begins the network's forward.
    """

    path: Tensor

    def __init__(self, network: nn.Module, columns: int) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("path", torch.tensor(-1), persistent=False)
        for module in network.modules():
            if isinstance(module, Join):
                module.sampler = self

    def draw(self) -> None:
        """Choose a column for the next mini-batch, or -1; nothing in eval mode."""
        if self.training:
            column = torch.randint(self.columns, (), device=self.path.device)
            everywhere = torch.rand((), device=self.path.device) < 0.5
            self.path.copy_(torch.where(everywhere, column, -1))

    def extra_repr(self) -> str:
        return f"columns={self.columns}"


class Unit(nn.Module):
    """(N, in_channels, H, W) -> (N, w, H, W)."""

    def __init__(self, in_channels: int, w: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, w, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(w)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn1(self.conv1(x)))


class FractalBlock(nn.Module):
    """(N, in_channels, H, W) -> columns of (N, w, H, W)."""

    def __init__(self, in_channels: int, c: int, w: int) -> None:
        super().__init__()
        self.c = c
        if c > 1:
            self.fractal1 = FractalBlock(in_channels, c - 1, w)
            self.join = Join(droppath=0.15)
            self.fractal2 = FractalBlock(w, c - 1, w)
        self.unit1 = Unit(in_channels, w)

    def forward(self, x: Tensor) -> list[Tensor]:
        if self.c > 1:
            branch1 = self.join(self.fractal1(x))
            return [*self.fractal2(branch1), self.unit1(x)]
        return [self.unit1(x)]


class Fractal(nn.Module):
    """(N, 3, 16, 16) -> (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.fractal1 = FractalBlock(3, 3, 8)
        self.join = Join(droppath=0.15)
        self.pool = nn.MaxPool2d(2)
        self.fractal2 = FractalBlock(8, 3, 16)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(16, 10)
        self.paths = PathSampler(self, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.paths.draw()
        x = self.join(self.fractal1(x))  # 8x16x16
        x = self.pool(x)  # 8x8x8
        x = self.join(self.fractal2(x))  # 16x8x8
        x = torch.flatten(self.gap(x), 1)  # 16
        return self.fc1(x)  # 10

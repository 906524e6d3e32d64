import torch
from torch import Tensor, nn


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

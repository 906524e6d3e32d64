import torch
from torch import Tensor, nn


class Chunk(nn.Module):
    """One of several equal parts of the channels."""

    def __init__(self, index: int, of: int) -> None:
        super().__init__()
        self.index, self.of = index, of

    def forward(self, x: Tensor) -> Tensor:
        return torch.chunk(x, self.of, 1)[self.index]

    def extra_repr(self) -> str:
        return f"{self.index}, of={self.of}"

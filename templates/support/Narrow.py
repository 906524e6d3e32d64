import torch
from torch import Tensor, nn


class Narrow(nn.Module):
    """Some of the channels."""

    def __init__(self, start: int, length: int) -> None:
        super().__init__()
        self.start, self.length = start, length

    def forward(self, x: Tensor) -> Tensor:
        return torch.narrow(x, 1, self.start, self.length)

    def extra_repr(self) -> str:
        return f"{self.start}, {self.length}"

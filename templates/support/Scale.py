import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """Multiplies each channel by a learned factor; with one, all of them."""

    def __init__(self, channels: int, init: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), init))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *[1] * (x.ndim - 2))

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}"

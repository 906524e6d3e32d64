import torch.nn.functional as F
from torch import Tensor, nn


class Widen(nn.Module):
    """Appends channels of zeros until there are `channels` of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        missing = self.channels - x.shape[1]
        return F.pad(x, [0, 0] * (x.ndim - 2) + [0, missing])

    def extra_repr(self) -> str:
        return f"{self.channels}"

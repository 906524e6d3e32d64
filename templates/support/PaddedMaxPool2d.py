from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class PaddedMaxPool2d(nn.MaxPool2d):
    """A max pool that pads each end by itself: `sides` as F.pad has them."""

    def __init__(self, *args: Any, sides: tuple[int, ...], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = super().forward(F.pad(x, self.sides, value=float("-inf")))
        return out

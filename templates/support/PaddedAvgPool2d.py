from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class PaddedAvgPool2d(nn.AvgPool2d):
    """A mean pool that pads each end by itself: `sides` as F.pad has them."""

    def __init__(self, *args: Any, sides: tuple[int, ...], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(F.pad(x, self.sides))
        if self.count_include_pad:
            return y
        ones = F.pad(x.new_ones(1, 1, *x.shape[2:]), self.sides)
        return y / super().forward(ones)

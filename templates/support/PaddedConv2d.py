from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class PaddedConv2d(nn.Conv2d):
    """A convolution that pads each end by itself: `sides` as F.pad has them."""

    def __init__(self, *args: Any, sides: tuple[int, ...], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return super().forward(F.pad(x, self.sides, mode))

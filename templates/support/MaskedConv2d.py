from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees only what comes before in reading order.

    Kind B sees the place itself as well. Van den Oord et al. 2016,
    https://arxiv.org/abs/1601.06759.
    """

    def __init__(self, *args: Any, kind: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.seen = self.weight[0, 0].numel() // 2 + (kind == "B")

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.flatten(2)
        unseen = weight.shape[2] - self.seen
        weight = F.pad(weight[:, :, : self.seen], [0, unseen]).view_as(self.weight)
        out: Tensor = self._conv_forward(x, weight, self.bias)
        return out

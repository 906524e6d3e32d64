from typing import Any

import torch
from torch import Tensor, nn


class StandardizedConv2d(nn.Conv2d):
    """A convolution whose filters have mean 0 and variance 1 each.

    Qiao et al. 2019, https://arxiv.org/abs/1903.10520.
    """

    def __init__(self, *args: Any, eps: float = 1e-6, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        axes = tuple(range(1, self.weight.ndim))
        var, mean = torch.var_mean(self.weight, axes, correction=0, keepdim=True)
        weight = (self.weight - mean) / (var + self.eps).sqrt()
        out: Tensor = self._conv_forward(x, weight, self.bias)
        return out

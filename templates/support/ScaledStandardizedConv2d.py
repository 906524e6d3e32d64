from typing import Any

import torch
from torch import Tensor, nn


class ScaledStandardizedConv2d(nn.Conv2d):
    """A convolution whose filters have mean 0, and a learned gain over their fan-in.

    Brock et al. 2021, https://arxiv.org/abs/2101.08692.
    """

    def __init__(
        self, *args: Any, gamma: float = 1.0, eps: float = 1e-6, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps
        ones = [1] * len(self.kernel_size)
        self.gain = nn.Parameter(self.weight.new_ones(self.out_channels, 1, *ones))

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if hasattr(self, "gain"):
            nn.init.ones_(self.gain)

    def forward(self, x: Tensor) -> Tensor:
        axes = tuple(range(1, self.weight.ndim))
        var, mean = torch.var_mean(self.weight, axes, correction=0, keepdim=True)
        weight = (self.weight - mean) / (var + self.eps).sqrt()
        out: Tensor = self._conv_forward(
            x, weight * (self.gain * self.scale), self.bias
        )
        return out

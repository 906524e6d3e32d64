import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BlurPool2d(nn.Module):
    """Blurs with a binomial filter, then takes every `stride`th element.

    Zhang 2019, https://arxiv.org/abs/1904.11486. The filter is no parameter.
    """

    filt: Tensor

    def __init__(
        self,
        channels: int,
        kernel_size: tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding_mode: str = "reflect",
        **factory: Any,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.mode = "constant" if padding_mode == "zeros" else padding_mode
        self.sides = [n for k in kernel_size[::-1] for n in ((k - 1) // 2, k // 2)]
        self.register_buffer("filt", torch.empty(channels, 1, *kernel_size, **factory))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        filt = torch.ones_like(self.filt)
        for axis, size in enumerate(filt.shape[2:], 2):
            row = [math.comb(size - 1, at) / 2 ** (size - 1) for at in range(size)]
            filt *= filt.new_tensor(row).view(-1, *[1] * (filt.ndim - 1 - axis))
        with torch.no_grad():
            self.filt.copy_(filt)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, self.sides, self.mode)
        return F.conv2d(padded, self.filt, stride=self.stride, groups=x.shape[1])

    def extra_repr(self) -> str:
        channels, _, *kernel = self.filt.shape
        return f"{channels}, {tuple(kernel)}, stride={self.stride}"

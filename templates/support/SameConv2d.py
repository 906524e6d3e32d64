import torch.nn.functional as F
from torch import Tensor, nn


class SameConv2d(nn.Conv2d):
    """A convolution to ceil(n / stride), padded as TensorFlow's SAME pads."""

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for at, n in enumerate(x.shape[2:]):
            k, s, d = self.kernel_size[at], self.stride[at], self.dilation[at]
            missing = max((-(n // -s) - 1) * s + d * (k - 1) + 1 - n, 0)
            sides = [missing // 2, missing - missing // 2, *sides]
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return super().forward(F.pad(x, sides, mode))

import torch.nn.functional as F
from torch import Tensor, nn


class SameAvgPool2d(nn.AvgPool2d):
    """A mean pool to ceil(n / stride), as TensorFlow's SAME: padding does not count."""

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for at, n in enumerate(x.shape[2:]):
            numbers = (self.kernel_size, self.stride)
            k, s = (v[at] if isinstance(v, tuple) else v for v in numbers)
            missing = max((-(n // -s) - 1) * s + k - n, 0)
            sides = [missing // 2, missing - missing // 2, *sides]
        ones = F.pad(x.new_ones(1, 1, *x.shape[2:]), sides)
        return super().forward(F.pad(x, sides)) / super().forward(ones)

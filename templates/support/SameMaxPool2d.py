import torch.nn.functional as F
from torch import Tensor, nn


class SameMaxPool2d(nn.MaxPool2d):
    """A max pool to ceil(n / stride), padded as TensorFlow's SAME: the odd row last."""

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for at, n in enumerate(x.shape[2:]):
            numbers = (self.kernel_size, self.stride, self.dilation)
            k, s, d = (v[at] if isinstance(v, tuple) else v for v in numbers)
            missing = max((-(n // -s) - 1) * s + d * (k - 1) + 1 - n, 0)
            sides = [missing // 2, missing - missing // 2, *sides]
        out: Tensor = super().forward(F.pad(x, sides, value=float("-inf")))
        return out

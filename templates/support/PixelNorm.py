from torch import Tensor, nn


class PixelNorm(nn.Module):
    """Divides the channels at each position by their root mean square.

    Karras et al. 2018, https://arxiv.org/abs/1710.10196.
    """

    def __init__(self, eps: float = 1e-8) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(1, keepdim=True) + self.eps).rsqrt()

    def extra_repr(self) -> str:
        return f"eps={self.eps}"

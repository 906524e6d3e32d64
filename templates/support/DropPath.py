import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Stochastic depth: drops whole samples with probability `p` while training.

    Huang et al. 2016, https://arxiv.org/abs/1603.09382. The survivors are divided by
    their probability.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        survival = 1.0 - self.p
        shape = [x.shape[0]] + [1] * (x.ndim - 1)
        alive = torch.rand(shape, device=x.device) < survival
        factor = 1.0 / survival if survival else 1.0
        return x * (alive.to(x.dtype) * factor)

    def extra_repr(self) -> str:
        return f"p={self.p}"

import torch.nn.functional as F
from torch import Tensor, nn


class L2Norm(nn.Module):
    """Divides the channels at each position by their length."""

    def __init__(self, eps: float = 1e-12) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=1, eps=self.eps)

    def extra_repr(self) -> str:
        return f"eps={self.eps}"

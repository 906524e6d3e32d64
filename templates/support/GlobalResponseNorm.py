import torch
from torch import Tensor, nn


class GlobalResponseNorm(nn.Module):
    """Weighs each channel by its length over the map, beside the mean of all channels'.

    ConvNeXt V2, Woo et al. 2023, https://arxiv.org/abs/2301.00808.
    """

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        axes, ones = tuple(range(2, x.ndim)), [1] * (x.ndim - 2)
        length = torch.linalg.vector_norm(x, dim=axes, keepdim=True)
        response: Tensor = length / (length.mean(1, keepdim=True) + self.eps)
        weight, bias = self.weight.view(-1, *ones), self.bias.view(-1, *ones)
        return x * response * weight + bias + x

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}"

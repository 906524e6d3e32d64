import torch
from torch import Tensor, nn


class GroupedResponseNorm(nn.LocalResponseNorm):
    """Local response normalisation of each group of channels by itself."""

    def __init__(self, size: int, *, groups: int, **settings: float) -> None:
        super().__init__(size, **settings)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        normalise = super().forward
        return torch.cat([normalise(group) for group in x.chunk(self.groups, 1)], 1)

import torch.nn.functional as F
from torch import Tensor, nn


class CropLike(nn.Module):
    """Keeps the middle of a tensor, of the spatial size of another."""

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        sides: list[int] = []
        for have, want in zip(x.shape[2:], like.shape[2:], strict=True):
            before = (have - want) // 2
            sides = [-before, -(have - want - before), *sides]
        return F.pad(x, sides)

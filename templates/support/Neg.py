from torch import Tensor, nn


class Neg(nn.Module):
    """The negative, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        return -x

from torch import Tensor, nn


class ChannelLinear(nn.Linear):
    """A linear layer over the channels of (N, C, ...), at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)

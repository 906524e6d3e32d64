from torch import Tensor, nn


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (N, C, ...), position by position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)

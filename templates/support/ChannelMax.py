from torch import Tensor, nn


class ChannelMax(nn.Module):
    """The largest of the channels at each position, as one channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(1, keepdim=True)

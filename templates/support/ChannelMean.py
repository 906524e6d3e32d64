from torch import Tensor, nn


class ChannelMean(nn.Module):
    """The mean of the channels at each position, as one channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True)

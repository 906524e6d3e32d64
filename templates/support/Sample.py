import torch
from torch import Tensor, nn


class Sample(nn.Module):
    """Draws from a normal distribution, while training; gives the mean in eval mode.

    The first half of the channels is the mean, the second the logarithm of the
    variance. Kingma and Welling 2014, https://arxiv.org/abs/1312.6114.
    """

    def forward(self, x: Tensor) -> Tensor:
        mean, log_variance = x.chunk(2, 1)
        if not self.training:
            return mean
        return mean + (0.5 * log_variance).exp() * torch.randn_like(mean)

from torch import Tensor, nn


class Log(nn.Module):
    """The natural logarithm, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        return x.log()

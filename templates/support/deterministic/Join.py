from torch import Tensor, nn


class Join(nn.Module):
    """The mean of columns.

    FractalNet, Larsson et al. 2017, https://arxiv.org/abs/1605.07648.
    """

    def forward(self, columns: list[Tensor]) -> Tensor:
        first, *others = columns
        return sum(others, first) / len(columns)

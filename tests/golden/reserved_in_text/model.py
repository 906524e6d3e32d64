"""A "title" with \\ and   and {{ 7 * 7 }}.

Ada; # type: ignore, 2024.

Input (N, 3, 8, 8), output (N, 4, 6, 6).
112 parameters, 3,888 multiply-accumulates a sample.
"""

# mypy: disable-error-code="no-any-return"

from torch import Tensor, nn

__all__ = ["Quoted"]


class Unit(nn.Module):
    """One \"\"\" more.

    (N, 3, 8, 8) -> (N, 4, 6, 6).
    """

    def __init__(self, w: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, w, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(x)  # (w, 6, 6)


class Quoted(nn.Module):
    """(N, 3, 8, 8) -> (N, 4, 6, 6)."""

    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.unit1(x)  # 4x6x6

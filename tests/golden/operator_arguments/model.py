"""OperatorArguments.

Input (N, 3, 16, 16), output (N, 8, 4, 4).
384,334 parameters, 7,127,136 multiply-accumulates a sample.
Built with last = gelu.
"""

# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

__all__ = ["OperatorArguments"]


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (N, C, ...), position by position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Cba(nn.Module):
    """(N, in_channels, H, W) -> (N, c, H, W)."""

    def __init__(self, in_channels: int, c: int, act: type[nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.act = act(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn1(self.conv1(x)))


class IdentityLnCba(nn.Module):
    """(N, 8, 16, 16) -> (N, 8, 16, 16)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, c, 3, padding=1, bias=False)
        self.ln1 = ChannelLayerNorm(c)

    def forward(self, x: Tensor) -> Tensor:
        return self.ln1(self.conv1(x))  # (c, 16, 16)


class Se(nn.Module):
    """(N, 8, 16, 16) -> (N, 8, 16, 16)."""

    def __init__(self, c: int, r: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(8, c // r, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c // r, c, 1)
        self.hardsigmoid = nn.Hardsigmoid(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.gap(x)  # 8x1x1
        out = self.relu(self.conv1(out))  # (c // r, 1, 1)
        out = self.hardsigmoid(self.conv2(out))  # (c, 1, 1)
        return x * out  # 8x16x16


class SigmoidSe(nn.Module):
    """(N, 8, 16, 16) -> (N, 8, 16, 16)."""

    def __init__(self, c: int, r: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(8, c // r, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c // r, c, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        out = self.gap(x)  # 8x1x1
        out = self.relu(self.conv1(out))  # (c // r, 1, 1)
        return x * self.sigmoid(self.conv2(out))  # 8x16x16


class Both(nn.Module):
    """(N, 8, 16, 16) -> (N, 8, 16, 16)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, c, 1)
        self.conv2 = nn.Conv2d(8, c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(x) + self.conv2(x)  # (c, 16, 16)


class ConcatBoth(nn.Module):
    """(N, 8, 16, 16) -> (N, 16, 16, 16)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, c, 1)
        self.conv2 = nn.Conv2d(8, c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv1(x), self.conv2(x)], 1)  # (2 * c, 16, 16)


class Pooled(nn.Module):
    """(N, 16, 16, 16) -> (N, 16, 8, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x)  # 16x8x8


class AvgpoolPooled(nn.Module):
    """(N, 16, 8, 8) -> (N, 16, 4, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.avgpool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.avgpool(x)  # 16x4x4


class GeluCba(nn.Module):
    """(N, 4096, 4, 4) -> (N, 8, 4, 4)."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4096, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.gelu = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        return self.gelu(self.bn1(self.conv1(x)))  # (c, 4, 4)


class OperatorArguments(nn.Module):
    """(N, 3, 16, 16) -> (N, 8, 4, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.cba1 = Cba(3, 8, nn.ReLU)
        self.cba2 = Cba(8, 16, nn.ReLU)
        self.cba3 = Cba(16, 8, nn.Hardswish)
        self.cba4 = IdentityLnCba(8)
        self.se1 = Se(8, 4)
        self.se2 = SigmoidSe(8, 2)
        self.both1 = Both(8)
        self.both2 = ConcatBoth(8)
        self.pooled1 = Pooled()
        self.pooled2 = AvgpoolPooled()
        self.cba5 = Cba(16, 8, nn.ReLU)
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.cba6 = Cba(8, 16, nn.ReLU)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.cba7 = Cba(16, 16, nn.SiLU)
        self.conv3 = nn.Conv2d(16, 16, 5, padding=2)
        self.silu = nn.SiLU(inplace=True)
        self.relu2 = nn.ReLU()
        self.gelu = nn.GELU()
        layers: list[nn.Module] = []
        in_channels = 16
        for c in (8, 16, 24):
            layers += [nn.Conv2d(in_channels, c, 1), nn.ReLU(inplace=True)]
            in_channels = c
        self.group1 = nn.Sequential(*layers)
        self.group2 = nn.Sequential(
            nn.Conv2d(24, 16, 1),  # 16x4x4
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 4096, 1),  # 4096x4x4
            nn.GELU(),
        )
        self.cba8 = GeluCba(8)
        self.conv4 = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.cba1(x)  # 8x16x16
        x = self.cba2(x)  # 16x16x16
        x = self.cba3(x)  # 8x16x16
        x = self.cba4(x)  # 8x16x16
        x = self.se1(x)  # 8x16x16
        x = self.se2(x)  # 8x16x16
        x = self.both1(x)  # 8x16x16
        x = self.both2(x)  # 16x16x16
        x = self.pooled1(x)  # 16x8x8
        x = self.pooled2(x)  # 16x4x4
        x = self.cba5(x)  # 8x4x4
        x = self.relu(self.conv1(x))  # 8x4x4
        x = self.cba6(x)  # 16x4x4
        x = self.relu(self.conv2(x))  # 16x4x4
        x = self.cba7(x)  # 16x4x4
        x = self.gelu(self.relu2(self.silu(self.conv3(x))))  # 16x4x4
        x = self.group1(x)  # 24x4x4
        x = self.group2(x)  # 4096x4x4
        x = self.cba8(x)  # 8x4x4
        return self.conv4(x)  # 8x4x4

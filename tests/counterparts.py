"""The yardsticks that torchvision lacks, by hand in torch from the papers, with equal names."""

# mypy: disable-error-code="misc"
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def cbr(inputs: int, outputs: int, k: int = 3, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, k, stride, k // 2, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]


class PreActivation(nn.Module):
    """Newell et al. 2016, figure 4: He et al.'s pre-activation bottleneck, with biases."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, half, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(half), nn.Conv2d(half, half, 3, padding=1)
        self.bn3, self.conv3 = nn.BatchNorm2d(half), nn.Conv2d(half, outputs, 1)
        if inputs != outputs:
            self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(self.bn1(x).relu())
        out = self.conv2(self.bn2(out).relu())
        out = self.conv3(self.bn3(out).relu())
        return out + (self.skip(x) if hasattr(self, "skip") else x)


class Hourglass(nn.Module):
    """Newell et al. 2016, figure 3."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.upper = PreActivation(width, width)
        self.lower1 = PreActivation(width, width)
        self.inner = Hourglass(depth - 1, width) if depth > 1 else PreActivation(width, width)
        self.lower2 = PreActivation(width, width)

    def forward(self, x: Tensor) -> Tensor:
        low = self.lower2(self.inner(self.lower1(F.max_pool2d(x, 2))))
        return self.upper(x) + F.interpolate(low, scale_factor=2)


class StackedHourglass(nn.Module):
    """Newell et al. 2016: the heat maps of the last hourglass."""

    def __init__(self, stacks: int = 2, depth: int = 4, width: int = 256, joints: int = 16) -> None:
        super().__init__()
        self.stacks = stacks
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64)
        self.unit1, self.unit2 = PreActivation(64, 128), PreActivation(128, width)
        self.start = PreActivation(width, width)
        for i in range(1, stacks + 1):
            made = {
                f"hourglass{i}": Hourglass(depth, width),
                f"unit{i + 2}": PreActivation(width, width),
                f"features{i}": nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width)),
                f"score{i}": nn.Conv2d(width, joints, 1),
            }
            if i < stacks:
                made[f"conv{2 * i}"] = nn.Conv2d(joints, width, 1)
                made[f"conv{2 * i + 1}"] = nn.Conv2d(width, width, 1)
            for name, module in made.items():
                self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        own = self.get_submodule
        x = self.unit1(self.bn1(self.conv1(x)).relu())
        start = self.start(self.unit2(F.max_pool2d(x, 2)))
        for i in range(1, self.stacks + 1):
            features = own(f"features{i}")(own(f"unit{i + 2}")(own(f"hourglass{i}")(start))).relu()
            score: Tensor = own(f"score{i}")(features)
            if i < self.stacks:
                start = start + own(f"conv{2 * i}")(score) + own(f"conv{2 * i + 1}")(features)
        return score


class Double(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(*cbr(inputs, outputs), *cbr(outputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), Double(inputs, 2 * inputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.maxpool_conv(x)


class UNet(nn.Module):
    """Ronneberger et al. 2015, figure 1, with padding and batch norm."""

    def __init__(self, classes: int = 2, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        self.depth = depth
        self.down0 = Double(3, width)
        for i in range(1, depth + 1):
            self.add_module(f"down{i}", Down(width * 2 ** (i - 1)))
            wide = width * 2 ** (depth - i + 1)
            up = nn.Module()
            up.up, up.conv = nn.ConvTranspose2d(wide, wide // 2, 2, 2), Double(wide, wide // 2)
            self.add_module(f"up{i}", up)
        self.outc = nn.Module()
        self.outc.conv = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        passed = []
        for i in range(self.depth + 1):
            x = self.get_submodule(f"down{i}")(x)
            passed.append(x)
        for i in range(1, self.depth + 1):
            up = self.get_submodule(f"up{i}.up")(x)
            x = self.get_submodule(f"up{i}.conv")(torch.cat([passed[self.depth - i], up], 1))
        return self.outc.conv(x)


class Basic(nn.Module):
    """The residual unit of DLA: its shortcut pools before it projects."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1, self.bn1, _ = cbr(inputs, outputs, stride=stride)
        self.conv2, self.bn2, _ = cbr(outputs, outputs)
        if inputs != outputs:
            self.project = nn.Sequential(*cbr(inputs, outputs, k=1)[:2])

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        x = F.max_pool2d(x, self.stride) if self.stride > 1 else x
        shortcut = self.project(x) if hasattr(self, "project") else x
        return torch.relu(out + shortcut)


class Root(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.bn, _ = cbr(inputs, outputs, k=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class Tree(nn.Module):
    """Yu et al. 2017, figure 2d: a root above two blocks or two trees."""

    def __init__(self, levels: int, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.tree1: nn.Module
        self.tree2: nn.Module
        if levels == 1:
            self.tree1, self.tree2 = Basic(inputs, outputs, stride), Basic(outputs, outputs, 1)
        else:
            self.tree1 = Tree(levels - 1, inputs, outputs, stride)
            self.tree2 = Tree(levels - 1, outputs, outputs)
        self.root = Root(2 * outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        first = self.tree1(x)
        return self.root(torch.cat([self.tree2(first), first], 1))


class DLATree(nn.Module):
    """Yu et al. 2017 with the widths and depths of DLA-34."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.base_layer = nn.Sequential(*cbr(3, 16, k=7))
        self.level0 = nn.Sequential(*cbr(16, 16))
        self.level1 = nn.Sequential(*cbr(16, 32, stride=2))
        self.level2 = Tree(1, 32, 64, stride=2)
        self.level3 = Tree(2, 64, 128, stride=2)
        self.level4 = Tree(2, 128, 256, stride=2)
        self.level5 = Tree(1, 256, 512, stride=2)
        self.fc = nn.Conv2d(512, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.level1(self.level0(self.base_layer(x)))
        x = self.level5(self.level4(self.level3(self.level2(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1)).flatten(1)

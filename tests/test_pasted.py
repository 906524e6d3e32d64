"""A pasted class of torch's: its cures, one by one, lead to the network that torch computes.

`corpus/torch_resnet.txt` is such a file as a whole.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
import torch
from nets import net_of
from torch import nn
from torch_classes import MODELS

from archc import habits
from archc.api import analyze
from archc.corrections import correct
from archc.ops import REGISTRY, Op
from archc.source import Diagnostic, Source, edited

RESNET = Path(__file__).parent / "corpus" / "torch_resnet.txt"
RESNET18 = 11_173_962  # parameters, on small images
HEAD = "import math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"


def errors(text: str) -> list[Diagnostic]:
    return [d for d in analyze(Source("pasted.arch", text)).diagnostics if d.is_error]


def clicked(text: str) -> tuple[str, int]:
    """The text after the first cure of the first mistake that has one, again and again.

    But for the input, whose size nobody knows but its author.
    """
    for clicks in range(50):
        fixes = [d.fixes[0] for d in errors(text) if d.fixes and d.code != "A404"]
        if not fixes:
            return text, clicks
        text = edited(text, fixes[0].edits)
    raise AssertionError("the cures do not end")


def as_torch_makes_it(source: str, cls: str, *arguments: object) -> nn.Module:
    names: dict[str, object] = {}
    exec(source, names)
    made = names[cls](*arguments)  # type: ignore[operator]
    assert isinstance(made, nn.Module)
    return made.eval()


def assert_same(text: str, theirs: nn.Module, shape: tuple[int, ...]) -> None:
    made = net_of(text).module().eval()
    torch.manual_seed(0)
    for name, value in theirs.state_dict().items():
        if "running" in name:
            value.uniform_(0.5, 1.5)
    made.load_state_dict(theirs.state_dict())
    x = torch.randn(2, *shape)
    torch.testing.assert_close(made(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_a_pasted_resnet_is_the_resnet() -> None:
    """Four cures; the pool of 4x4 and its linear say how large the image is."""
    source = RESNET.read_text("utf-8")
    text, clicks = clicked(source)
    assert clicks <= 4
    assert "param num_classes = 10\ninput 32x32 x3\nconv1: " in text
    assert not errors(text)
    assert analyze(Source("resnet.arch", text)).params == RESNET18


@pytest.mark.slow
def test_an_image_of_any_size_is_asked_for() -> None:
    """After a pool of the whole map nobody but its author knows the input."""
    source = RESNET.read_text("utf-8").replace(
        "F.avg_pool2d(out, 4)", "F.adaptive_avg_pool2d(out, 1)"
    )
    text, clicks = clicked(source)
    assert clicks <= 4
    (left,) = errors(text)
    assert (left.code, left.fixes[0].title) == ("A404", "begin with `input 224x224 x3`")


@pytest.mark.parametrize(
    ("layers", "flow", "line"),
    [
        ("nn.Conv2d(1, 6, 5)|nn.Linear(6 * 12 * 12, 10)", "F.max_pool2d(a(x), 2)", "28x28 x1"),
        ("nn.Conv2d(3, 6, 3)|nn.Linear(6 * 3 * 3, 10)", "F.max_pool2d(a(x), 10)", "32x32 x3"),
        ("nn.Conv2d(3, 6, 3, 2, 1)|nn.Linear(75264, 10)", "a(x)", "224x224 x3"),
        ("nn.Conv2d(1, 6, 3)|nn.Linear(6, 10)", "F.adaptive_avg_pool2d(a(x), 1)", "28x28 x1"),
        ("nn.Flatten()|nn.Linear(28 * 28, 10)", "a(x)", "28x28 x1"),
        ("nn.Flatten()|nn.Linear(3072, 10)", "a(x)", "32x32 x3"),
        ("nn.Conv2d(3, 6, 3)|nn.Linear(6, 10)", "F.adaptive_avg_pool2d(a(x), 1)", ""),
        ("nn.Conv2d(3, 6, 3)|nn.Linear(7, 10)", "a(x)", "no square image gives `b` its 7 features"),
        ("nn.Conv1d(3, 6, 3)|nn.Linear(7, 10)", "a(x)", ""),
    ],
)
def test_linears_say_how_large_the_image_is(layers: str, flow: str, line: str) -> None:
    a, b = layers.split("|")
    source = f"""
class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = {a}
        self.b = {b}

    def forward(self, x):
        x = torch.flatten({flow.replace("a(", "self.a(")}, 1)
        return self.b(x)
"""
    (said,) = errors(source)
    made = edited(source, said.fixes[0].edits)
    if line.startswith("no"):
        assert line in said.helps[-1]
    else:
        assert f"\ninput {line}\n" in made if line else "input" not in made
        assert f"`input {line}`" in said.fixes[0].title or not line
        assert [d.code for d in errors(made)] == ([] if line else ["A404"])


@pytest.mark.parametrize(("stem", "line"), [("Unit(1, 8)", "28x28 x1"), ("Unit(3, 8)", "")])
def test_the_first_module_that_runs_says_how_many_channels_come_in(stem: str, line: str) -> None:
    """And not the one that is written first."""
    source = f"""{UNIT.format(default="")}
class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Conv2d(8, 2, 1)
        self.stem = {stem}

    def forward(self, x):
        return self.last(self.stem(x))
"""
    made = edited(source, errors(source)[0].fixes[0].edits)
    assert f"\ninput {line}\n" in made if line else "\ninput" not in made


def test_an_input_stands_before_the_group_that_needs_it() -> None:
    (said,) = errors("network N\nfeatures: {\n  conv 3x3 x8\n  relu\n}\n")
    text = edited("network N\nfeatures: {\n  conv 3x3 x8\n  relu\n}\n", said.fixes[0].edits)
    assert text.startswith("network N\ninput 224x224 x3\nfeatures: {")


def test_a_pasted_resnet_is_what_torch_computes() -> None:
    source = RESNET.read_text("utf-8")
    text, _ = clicked(source)
    theirs = as_torch_makes_it(source, "ResNet18")
    assert sum(p.numel() for p in theirs.parameters()) == RESNET18
    assert_same(text, theirs, (3, 32, 32))


MAKERS = """
def _resnet(block, layers, pretrained, **kwargs):
    model = ResNet(block, layers, **kwargs)
    if pretrained:
        model.load_state_dict(torch.load("resnet18.pt"))
    return model


def resnet18(pretrained=False, **kwargs):
    return _resnet(BasicBlock, [2, 2, 2, 2], pretrained, **kwargs)


def resnet50(pretrained=False, **kwargs):
    return _resnet(Bottleneck, [3, 4, 6, 3], pretrained, **kwargs)
"""


def made_by(last: str) -> str:
    """torchvision's classes, whose blocks are handed their shortcut, and a last line."""
    theirs = pytest.importorskip("torchvision.models.resnet")
    parts = (theirs.conv3x3, theirs.conv1x1, theirs.BasicBlock, theirs.Bottleneck, theirs.ResNet)
    head = "import torch\nimport torch.nn as nn\n"
    return "\n\n".join((head, *map(inspect.getsource, parts), last))


def handed(text: str) -> str:
    """The same, all cured but for its input."""
    text, clicks = clicked(text)
    assert clicks <= 5
    assert [d.code for d in errors(text)] == ["A404"], text
    return text.replace("network ResNet\n", "network ResNet\ninput 64x64 x3\n")


def test_a_shortcut_that_a_block_is_handed_is_its_own() -> None:
    """As torchvision has it, with `norm_layer`, `dilate` and functions that make the network."""
    source = made_by(MAKERS)
    title = next(d.fixes[0].title for d in errors(source) if "classes" in d.title)
    assert title.endswith("as `resnet18()` makes it")
    said = [d for d in errors(source) if "classes" in d.title][-1]
    assert said.helps == ('`resnet18` comes along: `extends "resnet18.arch"`',)
    text = handed(source)
    assert "block BasicBlock(planes, stride=1) {" in text
    assert "param layers = [2, 2, 2, 2]\nparam num_classes = 1000\nconv1: " in text
    assert "groups=" not in text.partition("network")[2]
    assert analyze(Source("resnet18.arch", text)).params == 11_689_512
    assert not any("comes along" in str(d.helps) for d in errors(RESNET.read_text("utf-8")))


@pytest.mark.parametrize(
    ("last", "arguments", "params"),
    [
        ("net = ResNet(Bottleneck, [1, 1, 1, 1], 10)\n", "[1, 1, 1, 1], 10", ["num_classes = 10"]),
        (
            "def resnext(pretrained=False, **kwargs):\n"
            "    return ResNet(Bottleneck, [1, 1, 1, 2], groups=4, width_per_group=32, **kwargs)\n"
            "\nmodel = resnext(num_classes=10)\n",
            "[1, 1, 1, 2], 10, groups=4, width_per_group=32",
            ["groups = 4", "width_per_group = 32", "num_classes = 10"],
        ),
    ],
)
def test_a_network_of_such_blocks_is_what_torch_computes(
    last: str, arguments: str, params: list[str]
) -> None:
    text = handed(made_by(last))
    assert all(f"param {param}\n" in text for param in params)
    theirs = {**vars(importlib.import_module("torchvision.models.resnet"))}
    exec(made_by(f"net = ResNet(Bottleneck, {arguments})"), theirs)
    net = theirs["net"]
    assert isinstance(net, nn.Module)
    assert_same(text, net.eval(), (3, 64, 64))


BY_HAND = """
class Block(nn.Module):
    def __init__(self, in_channels, out_channels, identity_downsample=None, stride=1):
        super().__init__()
        self.expansion = 4
        self.conv1 = nn.Conv2d(in_channels, out_channels, 1)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1)
        self.conv3 = nn.Conv2d(out_channels, out_channels * self.expansion, 1)
        self.relu = nn.ReLU()
        self.identity_downsample = identity_downsample

    def forward(self, x):
        identity = x.clone()
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.conv3(self.relu(self.conv2(x)))
        if self.identity_downsample is not None:
            identity = self.identity_downsample(identity)
        x += identity
        return self.relu(x)


class Own(nn.Module):
    def __init__(self, block, layers, image_channels, num_classes):
        super().__init__()
        self.in_channels = 8
        self.conv1 = nn.Conv2d(image_channels, 8, 7, stride=2, padding=3)
        self.layer1 = self._make_layer(block, layers[0], out_channels=8, stride=1)
        self.layer2 = self._make_layer(block, layers[1], out_channels=16, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(16 * 4, num_classes)

    def forward(self, x):
        x = self.layer2(self.layer1(self.conv1(x)))
        x = self.avgpool(x)
        x = x.reshape(x.shape[0], -1)
        return self.fc(x)

    def _make_layer(self, block, num_blocks, out_channels, stride):
        identity_downsample = None
        layers = []
        if stride != 1 or self.in_channels != out_channels * 4:
            identity_downsample = nn.Sequential(
                nn.Conv2d(self.in_channels, out_channels * 4, 1, stride=stride),
                nn.BatchNorm2d(out_channels * 4),
            )
        layers.append(block(self.in_channels, out_channels, identity_downsample, stride))
        self.in_channels = out_channels * 4
        for i in range(num_blocks - 1):
            layers.append(block(self.in_channels, out_channels))
        return nn.Sequential(*layers)


def own(img_channel=3, num_classes=10):
    return Own(Block, [2, 3], img_channel, num_classes)
"""


def test_blocks_by_hand_that_are_handed_a_shortcut() -> None:
    text, _ = clicked(HEAD + BY_HAND)
    assert [d.code for d in errors(text)] == ["A404"], text
    text = text.replace("network Own\n", "network Own\ninput 32x32 x3\n")
    assert_same(text, as_torch_makes_it(HEAD + BY_HAND, "own"), (3, 32, 32))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("if stride != 1 or", "if stride == 1 or", "without `downsample`"),
        ("self.inplanes = planes * block.expansion\n", "blocks = blocks\n", "without `downsample`"),
        ("norm_layer=norm_layer,", "norm_layer=nn.GroupNorm,", "`norm_layer=nn.GroupNorm`"),
        (
            "        layers = []\n",
            "        if planes > 9:\n            downsample = nn.Identity()\n        layers = []\n",
            "the class that makes this one",
        ),
    ],
)
def test_a_row_that_hands_something_else_is_named(old: str, new: str, reason: str) -> None:
    text = made_by("net = ResNet(BasicBlock, [2, 2, 2, 2])\n").replace(old, new)
    said = [d for d in errors(text) if d.title == "archc has no classes"]
    assert any(reason in help for d in said for help in d.helps)


@pytest.mark.parametrize(
    ("old", "new", "is_said"),
    [
        ("layers = []\n        layers.append(", "layers = list()\n        layers.append(", True),
        ("blocks):\n            layers.append(", "blocks):\n            layers += [", True),
        ("layers = []\n        layers.append(", "layers = [] + (", False),
        ("*layers)", "*layers[1:])", False),
    ],
)
def test_blocks_in_a_row_are_all_there_or_none(old: str, new: str, is_said: bool) -> None:
    source = made_by("net = ResNet(BasicBlock, [2, 2, 2, 2])\n")
    assert old in source
    text = source.replace(old, new)
    if "+= [" in new:
        text = text.replace(
            "                )\n            )\n", "                )\n            ]\n"
        )
    if not is_said:
        said = [d for d in errors(text) if d.title == "archc has no classes"]
        assert "`layers = [] +" in said[-1].helps[-1] or "`return nn." in said[-1].helps[-1]
        return
    assert analyze(Source("resnet.arch", handed(text))).params == 11_689_512


def test_a_block_whose_shortcut_is_made_elsewhere_says_so() -> None:
    text = made_by("").partition("class Bottleneck")[0]
    said = next(d for d in errors(text) if d.title == "archc has no classes")
    assert "the class that makes this one, in no one way that the file shows" in said.helps[-1]


def test_what_is_no_class_of_layers_goes() -> None:
    data = (
        'class Weights(Enum):\n    A = "a"\n\n\n__all__ = ["ResNet"]\nurls = {\n    "a": "b",\n}\n'
    )
    text, _ = clicked(data + RESNET.read_text("utf-8"))
    assert "Weights" not in text
    assert not errors(text)


CLASSES = {
    "LeNet": """
class LeNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, num_classes)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)
""",
    "Net": """
class Unit(nn.Module):
    expansion = 2

    def __init__(self, in_channels, width, stride=1):
        super(Unit, self).__init__()
        hidden = width * self.expansion
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU(),
            nn.Conv2d(hidden, in_channels // 2, 3, stride, 1, groups=in_channels // 4),
        )
        self.last = nn.Conv2d(in_channels // 2, width, 1)

    def forward(self, x):
        return self.last(self.body(x))


class Gate(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down = nn.Conv2d(channels, channels // reduction, 1)
        self.up = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        y = self.down(self.pool(x))
        y = torch.sigmoid(self.up(F.relu(y)))
        return x * y


class Grow(nn.Module):
    def __init__(self, in_planes, growth):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(growth, growth, 3, padding=1)

    def forward(self, x):
        y = F.relu(self.conv1(x))
        z = self.conv2(y) + y
        return torch.cat([x, z], 1)


class Net(nn.Module):
    def __init__(self, in_channels=3, width=8):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 8, 1)
        self.a = Unit(8, 2 * width, stride=2)
        self.gate = Gate(16)
        self.layers = nn.ModuleList([nn.Conv2d(16, 16, 1), nn.ReLU()])
        self.tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 10))
        self.grow = Grow(16, 4)

    def forward(self, x):
        x = self.gate(self.a(self.stem(x)))
        for layer in self.layers:
            x = layer(x)
        return self.tail(self.grow(x))
""",
}
CLASSES["Mobile"] = """
class InvertedResidual(nn.Module):
    \"\"\"A bottleneck that widens.\"\"\"

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio=6):
        super().__init__()
        self.stride = stride
        assert stride in [1, 2]
        hidden_dim = int(inp * expand_ratio)
        self.use_res_connect = self.stride == 1 and inp == oup
        self.conv = nn.Sequential(
            nn.Conv2d(inp, hidden_dim, 1, 1, 0, bias=False),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden_dim, hidden_dim, 3, stride, 1, groups=hidden_dim, bias=False),
            nn.Conv2d(hidden_dim, oup, 1, 1, 0, bias=False),
        )

    def forward(self, x):
        if self.use_res_connect:
            return x + self.conv(x)
        else:
            return self.conv(x)


class Act(nn.Module):
    def __init__(self, channels, deep=False):
        super().__init__()
        self.deep = deep
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        y = self.conv(x)
        if self.deep:
            y = F.relu(y)
            y = y * torch.sigmoid(y)
        return F.silu(y)


class Mobile(nn.Module):
    def __init__(self, sizes=(8, 16), num_classes=10):
        super().__init__()
        self.a = InvertedResidual(3, sizes[0], 2)
        self.b = InvertedResidual(8, 8, 1, expand_ratio=2)
        self.c = InvertedResidual(8, sizes[1], 1)
        self.d = Act(16)
        self.e = Act(16, deep=True)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, num_classes))

    def forward(self, x):
        x = self.c(self.b(self.a(x)))
        return self.head(self.e(self.d(x)))
"""


CLASSES["Rows"] = """
class Unit(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(in_planes, planes, 3, stride, 1)
        self.bn = nn.BatchNorm2d(planes)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(Unit(3, 8), Unit(8, 8))
        self.layer2 = nn.Sequential(Unit(8, 12, 2), Unit(12, planes=12, stride=1))
        self.layer3 = nn.Sequential(*[Unit(12, 12) for _ in range(3)], nn.ReLU(), Unit(12, 10))
        self.layer4 = nn.Sequential(*[Unit(10, 10) for i in range(2)])

    def forward(self, x):
        x = self.layer2(self.layer1(x))
        return torch.flatten(self.layer4(self.layer3(x)), 1)
"""


CLASSES["Helped"] = """
def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    \"\"\"3x3 convolution with padding\"\"\"
    return nn.Conv2d(
        in_planes, out_planes, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False
    )


def conv_bn(inp, oup, stride):
    return nn.Sequential(nn.Conv2d(inp, oup, 1, stride), nn.BatchNorm2d(oup), nn.ReLU6(True))


class Unit(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = conv3x3(in_planes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes, groups=2)

    def forward(self, x):
        return self.conv2(F.relu(self.bn1(self.conv1(x))))


class Helped(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.stem = conv_bn(3, 8, 2)
        self.unit = Unit(8, 16, 2)
        self.features = nn.Sequential(conv_bn(16, 16, 1), Unit(16, 8))
        self.fc = nn.Linear(8, num_classes)

    def forward(self, x):
        x = self.features(self.unit(self.stem(x)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))
"""


CLASSES["Wide"] = """
class gate(nn.Module):
    def __init__(self, channel, reduction=4):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction), nn.ReLU(inplace=True),
            nn.Linear(channel // reduction, channel), nn.Sigmoid(),
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class wide_basic(nn.Module):
    def __init__(self, in_planes, planes, dropout, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, padding=1)
        self.dropout = nn.Dropout(p=dropout)
        self.stride = stride

    def forward(self, x):
        out = self.dropout(self.conv1(F.relu(self.bn1(x))))
        return F.relu(out) if self.stride == 1 else out


class Wide(nn.Module):
    def __init__(self, depth=10, k=2):
        super().__init__()
        self.in_planes = 4
        n = (depth - 4) // 6
        stages = [4, 4 * k, 8 * k]
        self.conv1 = nn.Conv2d(3, stages[0], 3, padding=1)
        self.layer1 = self._wide(wide_basic, stages[1], n, 0.5, stride=1)
        self.layer2 = self._wide(wide_basic, stages[2], n + 1, 0.5, stride=2)
        self.gate = gate(16)
        planes = stages[2]
        planes += 4
        planes = int(math.floor(planes * 0.5))
        self.last = nn.Conv2d(stages[2], planes, 1)
        self.linear = nn.Linear(planes * 4 * 4, 10)

    def _wide(self, block, planes, num_blocks, dropout, stride):
        layers = []
        for stride in [stride] + [1] * (int(num_blocks) - 1):
            layers.append(block(self.in_planes, planes, dropout, stride))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.gate(self.layer2(self.layer1(self.conv1(x))))
        x = F.avg_pool2d(self.last(x), 4)
        return self.linear(x.view(x.size(0), -1))
"""


@pytest.mark.parametrize("name", ["LeNet", "Net", "Mobile", "Rows", "Helped", "Wide"])
def test_a_pasted_class_is_what_torch_computes(name: str) -> None:
    text, clicks = clicked(HEAD + CLASSES[name])
    if "\ninput" not in text:
        text = text.replace(f"network {name}\n", f"network {name}\ninput 32x32 x3\n")
    assert clicks == 2
    assert not errors(text), text
    assert_same(text, as_torch_makes_it(HEAD + CLASSES[name], name), (3, 32, 32))


@pytest.mark.parametrize(
    "pooled",
    [
        "F.avg_pool2d(out, out.size()[3])",
        "F.avg_pool2d(out, out.shape[-1])",
        "F.avg_pool2d(out, out.size(2))",
        "F.avg_pool2d(out, out.size()[2:])",
        "out.mean(dim=(2, 3), keepdim=True)",
        "out.mean(3).mean(2)",
    ],
)
def test_a_mean_of_the_whole_map_is_one(pooled: str) -> None:
    source = RESNET.read_text("utf-8").replace("F.avg_pool2d(out, 4)", pooled)
    text, clicks = clicked(source)
    assert clicks <= 4
    assert "gap; flatten\n" in text
    assert [d.code for d in errors(text)] == ["A404"]


def test_a_window_of_another_tensors_size_is_none_of_the_whole_map() -> None:
    unit = BLOCK.format(more="", run="out = F.avg_pool2d(out, x.size(2))")
    said = next(d for d in errors(unit) if d.title == "archc has no classes")
    assert "sizes of tensors as values" in " ".join(said.helps)


BLOCK = """\
class Unit(nn.Module):
    def __init__(self, in_planes, planes, stride=1, downsample=None):
        super().__init__()
        self.conv = nn.Conv2d(in_planes, planes, 3, stride, 1)
        self.downsample = downsample
        {more}

    def forward(self, x):
        out = self.conv(x)
        {run}
        return out
"""


@pytest.mark.parametrize(
    ("more", "run", "reason"),
    [
        ("", "if self.downsample is not None: x = self.downsample(x)", "is not None"),
        ("", "out = self.conv(out)", "runs twice"),
        ("self.bn = nn.BatchNorm2d(planes)", "out = F.relu(out)", "`self.bn`"),
        ("", "out = out + 1", "`1`"),
        ("", "out = torch.cat([out, x], 2)", "[out, x]"),
        ("", "out, y = out.chunk(2, 1)", "out.chunk"),
        ("self.rnn = nn.LSTM(planes, planes)", "out = self.rnn(out)", "recurrent layers"),
        ("self.k = [int(p) for p in planes]", "out = F.relu(out)", "`p`"),
        ("self.own = Other(planes)", "out = self.own(out)", "Other"),
        ("", "out = out + self.missing(x)", "self.missing"),
        ("", "out = F.relu(x, inplace=True) + out", "in place"),  # `out` was made of another `x`
        ("self.act = nn.ReLU(True)", "out = x * self.act(x) + out", "in place"),
    ],
)
def test_what_cannot_be_said_is_named_and_not_guessed(more: str, run: str, reason: str) -> None:
    text = f"network N\ninput 8x8 x3\n{BLOCK.format(more=more, run=run)}"
    said = next(d for d in errors(text) if d.title == "archc has no classes")
    assert reason in " ".join(said.helps)
    (fix,) = said.fixes
    assert fix.text == "block Unit(planes, stride=1) {"
    assert not fix.safe
    assert "its lines are yours to translate" in fix.title
    cures = [edit for d in errors(text) for cure in d.fixes for edit in cure.edits]
    assert not any("def " in edit.span.text for edit in cures)
    assert any(d.code == "A014" for d in errors(edited(text, fix.edits)))


@pytest.mark.parametrize(
    ("makes", "last", "row"),
    [
        ("block, 128, num_blocks[1], stride=2", "", "128, stride=2); BasicBlock(128) * (num_b"),
        (
            "block, 128, num_blocks[1], stride=2",
            "ResNet(BasicBlock, [2, 2, 2, 2])\n",
            "128, stride",
        ),
        ("BasicBlock, 128, 2, 2", "", "layer2: { BasicBlock(128, stride=2); BasicBlock(128) }"),
        ("BasicBlock, 128, 1, 2", "", "layer2: { BasicBlock(128, stride=2) }"),
        ("BasicBlock, 128, 3, 2", "", "layer2: { BasicBlock(128, stride=2); BasicBlock(128) * 2 }"),
    ],
)
def test_a_class_below_its_block_is_the_network(makes: str, last: str, row: str) -> None:
    """Whoever takes each cure as it comes has the block in archc's form when the class is there."""
    source = RESNET.read_text("utf-8")
    block, _, network = source.partition("\n\n\nclass ResNet(")
    text, _ = clicked(block)
    network = network.replace("block, 128, num_blocks[1], stride=2", makes)
    if "num" not in makes:
        network = network.replace("block, num_blocks, ", "").replace("block, ", "BasicBlock, ")
        network = network.replace("BasicBlock, planes, num_blocks, ", "block, planes, num_blocks, ")
        network = re.sub(r"num_blocks\[\d]", "2", network).split("\ndef ResNet18")[0]
        network = network.replace("512*block", "512*BasicBlock")
    elif last:
        network = network.split("\ndef ResNet18")[0] + last
    said = errors(f"{text}\nclass ResNet({network}")[0]
    text = edited(f"{text}\nclass ResNet({network}", said.fixes[0].edits)
    assert row in text
    assert [d.code for d in errors(text)] == ["A404"]


def test_what_a_class_is_made_of_is_asked_for_where_nothing_says_it() -> None:
    source = RESNET.read_text("utf-8").split("\ndef ResNet18")[0]
    said = [d for d in errors(source) if d.title == "archc has no classes"][-1]
    assert "a last line `ResNet(BasicBlock, [2, 2, 2, 2])` does" in said.helps[-1]


def test_channels_that_come_in_are_asked_for_where_a_block_does_not_say_which_they_are() -> None:
    unit = UNIT.format(default="").replace(
        "nn.Conv2d(in_planes, planes, 3, padding=1)", "Own(4, 8)"
    )
    (said,) = errors(f"network N\ninput 8x8 x4\nblock Own(a, b) {{ relu }}\n{unit}")[:1]
    assert "which number of `Own(4, 8)` is the channels that come in" in said.helps[-1]


SHORTCUT = """\
network N
input 32x32 x3
block Basic(planes, stride=1) {
  residual<
    self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1)
  |
    self.shortcut = nn.Sequential()
    if stride != 1 or in_planes != planes:
        self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride=stride))
  >
}
Basic(8)
"""


@pytest.mark.parametrize("empty", ["nn.Sequential()", "nn.Identity()", "None"])
def test_an_empty_module_that_gets_its_layers_below_is_none(empty: str) -> None:
    text, _ = clicked(SHORTCUT.replace("nn.Sequential()", empty))
    assert text.count("shortcut:") == 1
    assert not errors(text)
    alone = "network N\ninput 8x8 x3\nself.shortcut = nn.Sequential()\nrelu\n"
    assert errors(alone)[0].fixes[0].text == "shortcut: identity"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("BasicBlock", "`block BasicBlock() { ... }`"),
        ("Bottleneck", "`block Bottleneck() { ... }`"),
        ("ConvLayer", "`block ConvLayer() { ... }`"),
        ("Net", "`network Net`"),
    ],
)
def test_a_class_that_is_begun_is_a_block_by_its_name(name: str, said: str) -> None:
    (problem,) = errors(f"class {name}(nn.Module):\n")
    assert said in problem.helps[0]


def test_the_channels_that_come_in_are_spelled_in_one_way() -> None:
    """`in.c` where they come in, as cures of single lines have it; `@in.c` further down."""
    text, _ = clicked(RESNET.read_text("utf-8"))
    assert "| if stride != 1 or in.c != planes {" in text
    assert "@in.c" not in text
    text, _ = clicked(HEAD + CLASSES["Net"])
    assert "x(@in.c // 2)" in text
    assert "* (2 - 1)" not in text


RECURRENT = """\
import torch.nn as nn

class Net(nn.Module):
    def __init__(self, n=2):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.rnn = nn.LSTM(16, 16)
        self.layer1 = self._make_layer(16, n)
        self.fc = nn.Linear(16, 10)

    def _make_layer(self, planes, n):
        layers = []
        for i in range(n):
            layers.append(nn.Conv2d(planes, planes, 3))
        return nn.Sequential(*layers)

    def forward(self, x):
        out = self.conv1(x)
        out = self.layer1(out)
        out = self.rnn(out)
        out = out.view(out.size(0), -1)
        return self.fc(out)
"""


def test_nothing_is_sure_in_a_class_that_is_not_written() -> None:
    """A line that is cured alone keeps the class from being written when its fault is mended."""
    before = analyze(Source("pasted.arch", RECURRENT))
    after = correct(before, analyze)
    assert after.text == RECURRENT.partition("\n")[2]


def test_what_cannot_be_written_is_said_once() -> None:
    said = errors(RECURRENT)
    assert sum(not d.fixes for d in said) == len({d.title for d in said if not d.fixes})
    assert "recurrent layers" in said[1].helps[-1]
    assert any(d.title == "archc has no recurrent layers yet" for d in said)
    assert not any(d.code == "A001" and not d.fixes for d in said)


LOOSE = """\
network Loose
input 32x32 x3
conv1: conv 3x3 p1 x16
bn1: bn
layer1: conv 3x3 x8
fc: fc 10
"""


@pytest.mark.parametrize(
    ("forward", "right"),
    [
        ("x = F.relu(self.bn1(self.conv1(x)))", "bn1: bn; relu\nlayer1"),
        ("x = self.layer1(x)", ""),
        ("x = torch.flatten(self.layer1(x), 1)", "layer1: conv 3x3 x8; flatten\n"),
        ("out = self.fc(F.adaptive_avg_pool2d(out, 1))", "gap; flatten; fc: fc 10"),
        ("x = x.mean([2, 3])\nreturn self.fc(x)", "gap; flatten; fc: fc 10"),
        ("x = F.avg_pool2d(x, x.size(3))\nx = x.flatten(1)\nx = self.fc(x)", "gap; flatten; fc:"),
        ("return self.fc(x)", ""),
    ],
)
def test_a_line_of_forward_goes_where_its_layers_stand_above(forward: str, right: str) -> None:
    text, _ = clicked(f"{LOOSE}{forward}\n")
    assert not errors(text), text
    assert right in text
    assert "self" not in text


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        ("x = self.bn1(self.layer1(x))", "`layer1` runs before `bn1` here"),
        ("x = self.layer1(x)\nx = self.bn1(x)", "`layer1` runs before `bn1` here"),
        ("x = self.conv1(x)\nx = self.conv1(x)", "`conv1` runs more than once"),
        ("x = self.weird(self.conv1(x))", "a statement is the layer itself"),
    ],
)
def test_a_line_of_forward_in_another_order_stays(forward: str, said: str) -> None:
    problem = next(d for d in errors(f"{LOOSE}{forward}\n") if d.code == "A014")
    assert not problem.fixes
    assert said in problem.helps[0]


UNIT = """\
class Unit(nn.Module):
    def __init__(self, in_planes, planes{default}):
        super().__init__()
        self.conv = nn.Conv2d(in_planes, planes, 3, padding=1)

    def forward(self, x):
        return F.relu(self.conv(x))

"""


@pytest.mark.parametrize(
    ("above", "default", "below", "is_network"),
    [
        ("", "", "", False),  # nobody says how wide
        ("", "=8", "", True),
        ("input 8x8 x3\nconv 3x3 x8\n", "=8", "", False),
        ("input 8x8 x3\n", "=8", "", False),
        ("", "=8", "self.a = Unit(3, 8)\n", False),
        ("", "", "Unit(3, 8)\n", False),
        ("", "", "self.a = self._make_layer(Unit, 8, 2)\n", False),
        ("", "=8", "self.fc = nn.Linear(8, 10)\n", False),
        ("", "=8", "x = nn.ReLU()(x)\n", False),
        ("", "=8", "relu\n", False),
        ("", "", "def unit8():\n    return Unit(3, 8)\n", True),
        ("", "", "net = Unit(3, 8).to(device)\n", True),
        ("", "", "net = nn.DataParallel(Unit(3, planes=8))\n", True),
        ('"""\nUnits\nfrom the paper\n"""\nimport torch\nsize = 32\n', "=8", "", True),
        ("", "=8", "criterion = nn.CrossEntropyLoss()\nnet = Unit()\nprint(net(x))\n", True),
        ("", "=8", "# Unit(3, 8) is small\n", True),
    ],
)
def test_a_class_is_the_network_only_where_it_can_be(
    above: str, default: str, below: str, is_network: bool
) -> None:
    text = above + UNIT.format(default=default) + below
    said = next(d for d in errors(text) if d.title == "archc has no classes")
    (fix,) = said.fixes
    head = "network Unit\nparam planes = 8" if is_network else f"block Unit(planes{default}) {{"
    assert fix.text.startswith(head)
    assert "conv: conv 3x3 p1 x(planes)" in fix.text
    assert fix.title.endswith("with the layers in the order of `forward`")


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("self.a = Unit(4, 8, 2)", "a: Unit(8, 2)"),
        ("self.a = Unit(8)", "a: Unit(8)"),
        ("x = Unit(4, 8, 2)(x)", "Unit(8, 2)"),
        ("x = Unit(8)(x)", "Unit(8)"),
        ("self.a = Unit(4, 8)", ""),  # or 8 by 4 with a stride of 8
        ("self.a = Unit(64, 64)", "a: Unit(64)"),
        ("x = Unit(16, 32)(x)", "Unit(32)"),
        ("self.a = nn.Sequential(Unit(16, 16), Unit(16, 16))", "a: { Unit(16); Unit(16) }"),
        ("nn.Sequential(Unit(4, 8, 2), nn.ReLU())", "{ Unit(8, 2); relu }"),
        ("self.a = nn.Sequential(*[Unit(64, 64) for _ in range(2)])", "a: Unit(64) * 2"),
    ],
)
def test_channels_that_come_in_are_no_argument_of_a_block(line: str, right: str) -> None:
    head = "network N\ninput 8x8 x4\nblock Unit(c, stride=1) { conv 3x3/(stride) p1 x(c) }\n"
    (said,) = errors(head + line + "\n")
    assert [fix.text for fix in said.fixes] == ([right] if right else [])
    assert right or "without the channels that come in" in said.helps[0]


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("self.a = Unit(4, 8)", "a: Unit(8)"),
        ("x = Unit(in_planes=4, planes=8)(x)", "Unit(planes=8)"),
        ("self.a = Unit(8)", "a: Unit(8)"),
        ("self.a = nn.Sequential(Unit(4, 8), Unit(8, 8))", "a: { Unit(8); Unit(8) }"),
    ],
)
def test_a_class_says_which_argument_is_the_channels_that_come_in(line: str, right: str) -> None:
    text = f"network N\ninput 8x8 x4\n{UNIT.format(default='')}{line}\n"
    said = errors(text)
    assert [fix.text for d in said[1:] for fix in d.fixes] == [right]
    assert not errors(clicked(text)[0])


@pytest.mark.parametrize(
    ("below", "right"),
    [
        ("ResNet(Unit, [2, 3])", "a: { Unit(8, stride=2); Unit(8) * 2 }"),
        (
            "def resnet():\n    return _resnet(Unit, [2, 2], False)",
            "a: { Unit(8, stride=2); Unit(8) }",
        ),
        ("relu", ""),
    ],
)
def test_a_parameter_that_is_a_block_is_named_as_the_network_is_made(
    below: str, right: str
) -> None:
    head = "network N\ninput 8x8 x4\nblock Unit(c, stride=1) { conv 3x3/(stride) p1 x(c) }\n"
    line = "self.a = self._make_layer(block, 8, layers[1], stride=2)"
    said = errors(f"{head}{line}\n{below}\n")[0]
    assert [fix.text for fix in said.fixes] == ([right] if right else [])
    assert not any("block(" in text for text in said.helps)


def test_a_function_stays_where_a_class_needs_it() -> None:
    """A layer that nobody knows: the class keeps its text, and so does what it calls."""
    helper = "def conv3x3(c: int, n: int) -> nn.Conv2d:\n    return nn.Conv2d(c, n, 3)\n\n\n"
    unit = UNIT.format(default="").replace(
        "nn.Conv2d(in_planes, planes, 3, padding=1)", "conv3x3(in_planes, planes)"
    )
    for text in (helper + unit.replace("F.relu", "weird"), helper + "relu\n"):
        said = [d for d in errors(text) if d.span.start < len(helper.split("\n")[0])]
        assert [(d.title, d.fixes) for d in said] == [("archc has no functions", ())]
    whole = edited(helper + unit, errors(helper + unit)[0].fixes[0].edits)
    assert whole.strip() == "block Unit(planes) {\n  conv: conv 3x3 x(planes); relu\n}"


@pytest.mark.parametrize(
    "line", ["net = Unit()", "m = Unit(planes=4)", "x = torch.randn(1, 3, 8, 8)"]
)
def test_a_line_that_runs_the_network_is_no_layer(line: str) -> None:
    for text in (
        f"{UNIT.format(default='=8')}{line}\n",
        f"network Unit\nparam planes = 8\n{line}\n",
    ):
        said = next(d for d in errors(text) if d.title == "archc has no programs")
        assert edited(text, said.fixes[0].edits) == text.removesuffix(f"{line}\n")


TEST = """\
def test(size=32):
    net = ResNet18()
    y = net(torch.randn(1, 3, size, size))
    print(y.size())
"""


def test_a_function_without_layers_is_left_out_with_all_that_is_below_it() -> None:
    text = f"network N\ninput 8x8 x3\nrelu\n{TEST}conv 3x3 x8\n"
    (said,) = errors(text)
    (fix,) = said.fixes
    assert not fix.safe
    assert edited(text, fix.edits) == "network N\ninput 8x8 x3\nrelu\nconv 3x3 x8\n"
    layers = TEST.replace("    y = net", "    y = nn.ReLU()")
    assert not errors(f"network N\ninput 8x8 x3\nrelu\n{layers}")[0].fixes


SLIP = """\
class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(c)

    def forward(self, x):  # run
        x = self.bn1(
            self.conv1(x)
        )
        return F.relu(x)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("Module):", "Module)", "the `:` that line 1 lacks"),
        ("x):  #", "x)  #", "the `:` that line 7 lacks"),
        ("=1)", "=1", "the `)` that line 4 lacks"),
        ("d(c)", "d(c", "the `)` that line 5 lacks"),
        ("        )\n", "", "the `)` that line 9 lacks"),
    ],
)
def test_a_slip_of_python_is_mended_and_said(right: str, wrong: str, said: str) -> None:
    text = SLIP.replace(right, wrong, 1)
    assert text != SLIP
    (fix,) = errors(text)[0].fixes
    assert fix.title.endswith(f", with {said}")
    assert clicked(text) == clicked(SLIP)


def test_what_python_cannot_read_otherwise_is_not_guessed() -> None:
    text = SLIP.replace("self.bn1(", "self.bn1((,")
    assert not any(fix.title.startswith("write `block Block(c) {") for fix in errors(text)[0].fixes)


@pytest.mark.parametrize("line", ["from typing import Any, List", "import os, sys"])
def test_a_list_of_imports_is_a_line_to_leave_out(line: str) -> None:
    (said,) = errors(f"{line}\nnetwork N\ninput 8x8 x3\nrelu\n")
    assert said.title == "archc has no imports"
    assert said.fixes[0].safe


def test_what_a_constructor_refuses_is_no_layer() -> None:
    refusal = "if planes > 512:\n            raise ValueError('too wide')"
    unit = UNIT.format(default="=8").replace("super().__init__()", refusal)
    assert errors(unit)[0].fixes[0].text.startswith("network Unit\nparam planes = 8\nconv: ")


PROGRAM = """\
if __name__ == "__main__":
    net = Unit(3, 8)

    y = net(torch.randn(1, 3, 32, 32))
    print(y.size())
"""


@pytest.mark.parametrize("program", [PROGRAM, "if __name__=='__main__': main()  # run\n"])
def test_a_program_is_left_out_with_all_that_is_below_it(program: str) -> None:
    text = f"network N\ninput 8x8 x3\nrelu\n{program}conv 3x3 x8\n"
    (said,) = errors(text)
    (fix,) = said.fixes
    assert fix.safe
    assert edited(text, fix.edits) == "network N\ninput 8x8 x3\nrelu\nconv 3x3 x8\n"


def test_a_program_says_how_the_network_is_made() -> None:
    made, program = errors(UNIT.format(default="") + PROGRAM)
    assert made.fixes[0].text.startswith("network Unit\nparam planes = 8\n")
    assert not program.fixes[0].safe


def test_a_class_without_its_body_is_a_block_in_words() -> None:
    (said,) = errors("network N\ninput 8x8 x3\nrelu\nclass Unit(nn.Module):\n")
    assert not said.fixes
    assert said.helps[0] == "a class of layers is a block: `block Unit() { ... }`"


@pytest.mark.parametrize(
    "line",
    [
        f"nn.Sequential({'1 + ' * 900}1)",
        f"nn.Sequential({'[' * 90}{']' * 90})",
        f"x = {'B(' * 90}{')' * 90}(x)",
        f"for i in {'-' * 3000}1:\n  relu",
        f"self.a = self._make_layer(B, {'1 + ' * 900}1, 2)",
        "class A(B):\n" + f"  def __init__(self):\n    self.a = {'1 + ' * 2000}1\n"
        "  def forward(self, x):\n    return x\n",
        "class A(B):\n  def __init__(self):\n    pass\n  def forward(self, x):\n"
        f"    return {'x + ' * 2000}x\n",
        f"for{' ' * 60_000}x\nif a{' ' * 60_000}: b\nconv{' ' * 60_000}-> bn{' ->' * 20_000}",
        "if a:\n  relu\n" + "elif a:\n  relu\n" * 3000,
        "class A(B):\n  def __init__(self):\n    pass\n" + "A()\n" * 2_000,
        "class A(B):\n" * 20_000,
        "class A(B):\n  def __init__():\n    pass\n  def forward():\n    return 1\n",
    ],
    ids=lambda line: line[:30],
)
def test_odd_python_is_a_mistake_like_any_other(line: str) -> None:
    assert errors(f"network N\ninput 8x8 x3\nblock B(c) {{ conv 1x1 x(c) }}\n{line}\n")


@pytest.mark.parametrize("text", ["(" * 200, "a = [" + "{" * 60, "-" * 60 + "1", "not " * 60 + "a"])
def test_python_that_is_nested_as_nobody_does_is_not_parsed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a browser its parser takes the page along."""
    parsed, parse = list[object](), ast.parse

    def noted(source: object, *more: object, **named: object) -> object:
        parsed.append(source)
        return parse(source, *more, **named)  # type: ignore[call-overload]

    monkeypatch.setattr("ast.parse", noted)
    assert habits.read_class(f"class A(B):\n  {text}") is None
    assert habits.translated(f"x = {text}") is None
    assert errors(f"network N\ninput 8x8 x3\nconv {text}\nclass A(B):\n  {text}")
    assert not [source for source in parsed if isinstance(source, str) and text in source]


@pytest.mark.parametrize("line", ["", "    expansion = 1\n", '    """Two convolutions."""\n'])
def test_a_class_that_is_only_begun_has_no_header_yet(line: str) -> None:
    said = errors(f"class BasicBlock(nn.Module):\n{line}")[0]
    assert said.helps == ("a class of layers is a block: `block BasicBlock() { ... }`",)
    assert not said.fixes


HALF = """block BasicBlock(planes, stride=1) {
    conv1: conv 3x3/(stride) p1 x(planes) nobias
    bn1: bn
    conv2: conv 3x3 p1 x(planes) nobias
    bn2: bn
    %s
    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        %s
        return F.relu(out)
}
"""
PROJECTION = "conv 1x1/(stride) x(planes) nobias; bn"
TESTED = f"if stride != 1 or in.c != planes {{\n        shortcut: {{ {PROJECTION} }}\n    }}"


@pytest.mark.parametrize("added", ["out += self.shortcut(x)", "out = out + self.shortcut(x)"])
@pytest.mark.parametrize(
    ("shortcut", "branch"),
    [
        (f"shortcut: {{ {PROJECTION} }}", f"| shortcut: {{ {PROJECTION} }}"),
        (TESTED, f"| {TESTED}"),
        (f"shortcut: identity\n    {TESTED}", f"| {TESTED}"),
        ("shortcut: identity", ""),
    ],
)
def test_a_shortcut_that_forward_calls_is_the_second_branch(
    shortcut: str, branch: str, added: str
) -> None:
    """Of a class whose layers were translated line by line."""
    text, _ = clicked(HALF % (shortcut, added))
    assert not errors(text), text
    layers = "conv1: conv 3x3/(stride) p1 x(planes) nobias\nbn1: bn; relu\n"
    layers += "conv2: conv 3x3 p1 x(planes) nobias\nbn2: bn"
    wanted = f"block BasicBlock(planes, stride=1) {{ residual< {layers} {branch} >; relu }}"
    assert re.sub(r"[\s;]+", " ", text).strip() == re.sub(r"[\s;]+", " ", wanted)


def test_what_stands_between_a_shortcut_and_its_sum_is_no_branch() -> None:
    text = HALF % (f"shortcut: {PROJECTION}\n    relu", "out += self.shortcut(x)")
    (said,) = (d for d in errors(text) if "+=" in d.title)
    assert not said.fixes


TYPED = """class BasicBlock(nn.Module):
    expansion = 1
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, 2), nn.BatchNorm2d(planes))
    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        out = F.relu(out)
        return out
"""


def typed(lines: str) -> str:
    """What is left of lines that are typed, each first cure taken after each of them."""
    text = ""
    for line in lines.splitlines(keepends=True):
        is_inside = text.endswith("\n}") and line.startswith(" ")
        above = text.removesuffix("}").rstrip() if is_inside else text
        text, _ = clicked((f"{above}\n" if above else "") + line + "}\n" * is_inside)
        text = text.rstrip()
    return text


def test_a_block_that_is_cured_line_by_line_while_it_is_typed() -> None:
    text = typed(TYPED)
    assert not errors(text), text
    net = "network Net\ninput 8x8 x16\n" + text + "\nBasicBlock(32, 2)\n"
    twice = 32 * 16 * 9 + 32 * 32 * 9 + 2 * 64
    assert analyze(Source("net.arch", net)).params == twice + 32 * 16 + 32 + 64


RUN_APART = """\
        identity = x
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        if self.shortcut is not None:
            identity = self.shortcut(x)
        out += identity
        out = self.relu(out)
        return out
"""
RUN_AT_ONCE = """\
        shortcut = self.shortcut(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.relu(x + shortcut)
"""


@pytest.mark.parametrize("run", [RUN_APART, RUN_AT_ONCE])
@pytest.mark.parametrize("before", ["self.conv2 =", "self.shortcut =", "def forward"])
def test_an_activation_that_runs_twice_stands_where_it_runs(before: str, run: str) -> None:
    """Typed line by line, and with its lines together: wherever `__init__` makes it."""
    head, mark, _ = TYPED.partition("    def forward(self, x):\n")
    relu = "        self.relu = nn.ReLU(inplace=True)\n"
    lines = [f"{relu}{line}" if before in line else line for line in head.splitlines(True)]
    made = "".join(lines) + relu * (before == "def forward")
    text = typed(made + mark + run)
    assert text == typed(TYPED)


def test_a_network_that_is_typed_line_by_line() -> None:
    text = typed(TYPED.replace("planes, 1, 2)", "planes, 1, stride)") + NETWORK_OF_BLOCKS)
    net = text.replace("network Net", "network Net\ninput 32x32 x3")
    assert not errors(net), net
    assert "conv1: conv 7x7/2 p3 x64 nobias; bn1: bn; relu; pool 3x3/2 p1" in net
    assert re.search(r"BasicBlock\(128, 2\);? *\n? *gap; flatten", net)


NETWORK_OF_BLOCKS = """\
class Net(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = BasicBlock(64, 64)
        self.layer2 = BasicBlock(64, 128, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(128, num_classes)
    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        x = self.fc(x)
        return x
"""


@pytest.mark.parametrize("name", MODELS)
def test_classes_as_people_write_them(name: str) -> None:
    """Pasted, they are what torch computes; typed line by line they are that, or not done yet."""
    source = HEAD + MODELS[name]
    theirs = as_torch_makes_it(source, "Model")
    pasted, by_lines = map(with_input, (clicked(source)[0], typed(source)))
    assert_same(pasted, theirs, (3, 32, 32))
    if errors(by_lines):  # which number is the channels that come in
        assert name in ("bottleneck", "depthwise_separable")
    else:
        assert_same(by_lines, theirs, (3, 32, 32))


def with_input(text: str) -> str:
    if "\ninput" in text:
        return text
    return text.replace("network Model\n", "network Model\ninput 32x32 x3\n")


@pytest.mark.parametrize(
    ("rows", "forward", "said"),
    [
        ("a: conv 1x1 x8", "x = self.a(x)", "its layers are put in its order at once, when its"),
        ("a: conv 1x1 x8", "x = self.a(x)\n  x = self.a(x)\n  return x", "a layer that runs twice"),
        ("a: conv 1x1 x8\nb: bn", "return self.a(x)", "`self.b`, which `forward` does not run"),
        ("a: conv 1x1 x8\nrelu", "return self.a(x)", "`relu`, which has no label"),
        ("a: conv 1x1 x8  # wide", "return self.a(x)", "`a`, which has a comment"),
        ("a: mul< conv 1x1 x3 | relu >", "return self.a(x)", "`a`"),
        ("a: conv 1x1 x8", "return self.a(x)[0]", "`self.a(x)[0]`"),
        ("a: conv 1x1 x8", "return self.a((x)", "`forward`, which Python cannot read"),
    ],
)
def test_a_forward_that_cannot_be_followed_has_no_cure(rows: str, forward: str, said: str) -> None:
    text = f"network N\ninput 8x8 x3\n{rows}\ndef forward(self, x):\n  {forward}\n"
    found = errors(text)
    assert not any(fix for problem in found for fix in problem.fixes), text
    assert said in found[0].helps[0]


def test_what_may_run_more_than_once_has_no_weights() -> None:
    found = [operator for name, operator in REGISTRY.items() if habits.is_weightless(name)]
    assert len(found) > 30
    assert all(operator.weights is Op.weights for operator in found)


@pytest.mark.parametrize(
    ("rows", "forward", "right"),
    [
        (
            "a: conv 3x3 x16; pool: pool 2x2; b: conv 3x3 x32; c: fc 10",
            "x = self.pool(self.a(x)); x = self.pool(self.b(x)); return self.c(x.flatten(1))",
            "a: conv 3x3 x16; pool 2x2; b: conv 3x3 x32; pool 2x2; flatten; c: fc 10",
        ),
        (
            "a: conv 3x3 x16; relu: relu; b: conv 3x3 x32",
            "x = self.a(x); x = self.b(x); x = self.relu(x)",
            "a: conv 3x3 x16; b: conv 3x3 x32; relu",
        ),
        (
            "a: conv 3x3 x16; b: conv 3x3 x32; relu: relu",
            "x = self.a(x); x = self.relu(x); x = self.b(x)",
            "a: conv 3x3 x16; relu; b: conv 3x3 x32",
        ),
        (
            "a: conv 3x3 x16; relu: relu; b: conv 3x3 x32",
            "x = self.relu(self.a(x)); x = self.relu(self.b(x))",
            "a: conv 3x3 x16; relu; b: conv 3x3 x32; relu",
        ),
    ],
)
def test_lines_of_forward_put_what_has_no_weights_where_it_runs(
    rows: str, forward: str, right: str
) -> None:
    head = "network N\ninput 32x32 x3\n"
    text, _ = clicked(head + f"{rows}; {forward}\n".replace("; ", "\n"))
    assert not errors(text), text
    assert re.sub(r"[;\s]+", " ", text.removeprefix(head)).strip() == right.replace(";", "")


def test_a_module_that_is_left_over_is_not_left_out() -> None:
    """`flatten` without a label says that the lines are not all of it."""
    text = (
        "network N\ninput 32x32 x3\na: conv 3x3 p1 x16\npool: pool 2x2\nflatten\nc: fc 10\n"
        "x = self.pool(self.a(x))\nx = self.pool(x)\n"
    )
    text, _ = clicked(text)
    assert text.count("pool(") == 2
    assert errors(text)


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("a = x; conv 3x3 p1 x16; bn; x + a; relu", "residual< conv 3x3 p1 x16 bn > relu"),
        ("skip = x; conv 3x3 p1 x16; bn; add skip", "residual< conv 3x3 p1 x16 bn >"),
        ("skip = x; conv 3x3 p1 x16; bn; + skip", "residual< conv 3x3 p1 x16 bn >"),
        ("res = x; conv 3x3 p1 x16; x = F.gelu(x + res)", "residual< conv 3x3 p1 x16 > gelu"),
        ("res = x; conv 3x3 p1 x16; return relu(res + x)", "residual< conv 3x3 p1 x16 > relu"),
        (
            "residual<; conv 3x3 p1 x8; | identity; >",
            "residual< conv 3x3 p1 x8 | conv 1x1 x8 nobias; bn >",
        ),
        ("conv 3 64", "conv 3 x64"),
        ("conv 64 3", "conv 3 x64"),
    ],
)
def test_lines_that_mix_both_languages(written: str, right: str) -> None:
    head = "network N\ninput 32x32 x16\n"
    text, _ = clicked(head + written.replace("; ", "\n") + "\n")
    assert not errors(text), text
    assert " ".join(text.removeprefix(head).split()) == right


@pytest.mark.parametrize("line", ["x = relu(x + y)", "F.relu(x + stem)", "torch.flatten(x * 2, 1)"])
def test_a_function_takes_no_sum_along(line: str) -> None:
    (said,) = errors(f"network N\ninput 8x8 x3\nstem: conv 1x1 x3\n{line}\n")
    assert not said.fixes
    assert "sums inside of calls" in said.title


@pytest.mark.parametrize("quotes", ['"""', "'''", "r'''"])
def test_three_quotes_are_one_comment(quotes: str) -> None:
    close = quotes[-3:]
    text = f"""{quotes}A network.

Reference: it's by He et al.
{close}
input 8x8 x3
block unit(c) {{
  {quotes}A unit.{close}
  conv 3x3 p1 x(c)
}}
unit(4)
"""
    made, clicks = clicked(text)
    assert clicks == 2
    assert made.startswith("# A network.\n#\n# Reference: it's by He et al.\ninput 8x8 x3\n")
    assert "{\n  # A unit.\n  conv 3x3 p1 x(c)" in made
    (said,) = errors(f"input x8\nfc 3\n{quotes}A network.")
    assert said.helps == (f"`{close}` is never closed",)


def test_a_class_below_a_docstring_is_written() -> None:
    text, _ = clicked(HEAD + f"'''Nets.\n\nLine: two.\n'''\n{UNIT.format(default='')}")
    assert "\n# Nets.\n#\n# Line: two.\n" in text
    assert "block Unit(" in text


KERAS = "    Flatten(),\n    Dense(10, activation='softmax'),\n"
MNIST = "input 28x28 x1\nflatten; fc 10; softmax\n"


@pytest.mark.parametrize(
    ("pasted", "right"),
    [
        (f"model = Sequential([\n    Input(shape=(28, 28, 1)),\n{KERAS}])\n", MNIST),
        (f"model = keras.Sequential([\n    keras.Input((28, 28)),\n{KERAS}])\n", MNIST),
        (f"model = Sequential([\n    layers.InputLayer((28, 28, 1)),\n{KERAS}])\n", MNIST),
        (
            f"model = Sequential([\n    InputLayer(input_shape=(28, 28, 1)),\n{KERAS}])\n",
            MNIST,
        ),
        (f"Sequential([\n{KERAS}])\n".replace("()", "(input_shape=(28, 28))"), MNIST),
        (
            f"model = Sequential([Conv2D(4, 3, input_shape=(28, 28, 1)),\n{KERAS}])\n",
            "input 28x28 x1\nconv 3x3 x4; flatten; fc 10; softmax\n",
        ),
        ("model = Sequential([Dense(10, input_dim=784)])\n", "input x784\nfc 10\n"),
        ("Sequential([Dense(10, batch_input_shape=(None, 784))])\n", "input x784\nfc 10\n"),
        (f"input 32x32 x3\nmodel = Sequential([\n    Input((28, 28, 1)),\n{KERAS}])\n", ""),
        (f"input 32x32 x3\nSequential([Conv2D(4, 3, input_shape=(9, 9, 3)),\n{KERAS}])\n", ""),
    ],
)
def test_what_keras_says_comes_in_stands_before_the_layers(pasted: str, right: str) -> None:
    text, clicks = clicked(pasted)
    assert clicks == 1
    assert not errors(text)
    assert text == right or (not right and text.count("input") == 1)


def test_a_model_of_keras_that_gets_its_layers_line_by_line() -> None:
    text, _ = clicked(
        "model = keras.Sequential()\nmodel.add(keras.Input(shape=(28, 28, 1)))\n"
        "model.add(Conv2D(4, 3, activation='relu'))\nmodel.add(Flatten())\nmodel.add(Dense(10))\n"
    )
    assert text == "input 28x28 x1\nconv 3x3 x4; relu\nflatten\nfc 10\n"
    text, _ = clicked("model = Sequential()\nmodel.add(Dense(4, input_shape=(20,)))\n")
    assert text == "input x20\nfc 4\n"


@pytest.mark.parametrize("name", ["", "model = ", "net = "])
@pytest.mark.parametrize(
    ("layers", "line", "params"),
    [
        (
            "nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), "
            "nn.Linear(8 * 16 * 16, 10)",
            "32x32 x3",
            20_714,
        ),
        (
            "\n    nn.Flatten(),\n    nn.Linear(784, 128),\n    nn.ReLU(),\n"
            "    nn.Linear(128, 10),\n",
            "28x28 x1",
            101_770,
        ),
        ("nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 2)", "x20", 2_946),
        ("nn.Flatten(), nn.Linear(13, 128), nn.Linear(128, 2)", "x13", 2_050),
    ],
)
def test_linears_in_a_container_say_what_comes_in(
    name: str, layers: str, line: str, params: int
) -> None:
    pasted = f"import torch.nn as nn\n\n{name}nn.Sequential({layers})\n"
    (said,) = [d for d in errors(pasted) if "Sequential" in d.title]
    assert f"; `input {line}` gives `fc1` its " in said.fixes[0].title
    assert not said.fixes[0].safe  # an image of another form may have as many
    text, clicks = clicked(pasted)
    assert clicks == 2
    assert f"\ninput {line}\n" in text
    assert not errors(text)
    made = eval(f"nn.Sequential({layers})")
    assert params == sum(p.numel() for p in made.parameters())
    assert analyze(Source("pasted.arch", text)).params == params


def test_containers_in_a_row_have_one_input() -> None:
    text, _ = clicked(
        "features = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())\n"
        "classifier = nn.Sequential(nn.Flatten(), nn.Linear(8 * 26 * 26, 10))\n"
    )
    assert text.startswith("input 28x28 x1\n{ conv")
    assert not errors(text)
    other = "input 9x9 x3\nmodel = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\n"
    assert clicked(other)[0].count("input") == 1


def test_a_class_that_begins_with_a_linear_takes_a_vector() -> None:
    source = """
class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(20, 128)
        self.fc2 = nn.Linear(128, 2)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))
"""
    text, clicks = clicked(source)
    assert (clicks, errors(text)) == (1, [])
    assert "\ninput x20\n" in text
    assert_same(text, as_torch_makes_it(HEAD + source, "Mlp"), (20,))


@pytest.mark.parametrize(
    "last",
    [
        "x = torch.randn(1, 3, 48, 40)\n",
        "print(net(torch.randn(batch_size, 3, 48, 40)).shape)\n",
        "summary(net, (3, 48, 40))\n",
        "summary(net, input_size=(1, 3, 48, 40))\n",
        "def test():\n    y = net(torch.zeros(2, 3, 48, 40))\n",
    ],
)
def test_the_size_that_a_file_runs_its_network_on_is_offered(last: str) -> None:
    network = """
class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.fc = nn.Linear(6, 10)

    def forward(self, x):
        return self.fc(F.adaptive_avg_pool2d(self.conv(x), 1).flatten(1))

net = Small()
"""
    in_row = (
        "net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), "
        "nn.Linear(6, 10))\n"
    )
    for text in (network + last, in_row + last):
        said = next(d for d in errors(text) if "classes" in d.title or "Sequential" in d.title)
        title = said.fixes[0].title
        assert title.endswith(f"; `input 48x40 x3` is what line {number_of(text)} says")
        assert "\ninput 48x40 x3\n" in "\n" + edited(text, said.fixes[0].edits)
    other = f"network Small\nconv 3x3 x6; gap; flatten; fc 10\n{last}"
    said = next(d for d in errors(other) if d.code == "A404")
    assert said.fixes[0].title == f"begin with `input 48x40 x3`, as line {number_of(other)} says"


def number_of(text: str) -> int:
    """The line that has the size."""
    return text[: text.index("48")].count("\n") + 1


def test_a_size_that_the_layers_cannot_have_is_not_offered() -> None:
    text = "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\nx = torch.randn(1, 3, 32, 32)\n"
    assert "`input 28x28 x1`" in errors(text)[0].fixes[0].title


READY = "network N\ninput 28x28 x1\nflatten; fc 10\n"
LOOP = """\
for epoch in range(10):
    for images, labels in loader:
        optimizer.zero_grad()
        images = images.view(-1, 784).to(device)
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
    print(f'epoch {epoch}')
"""


@pytest.mark.parametrize(
    "tail",
    [
        "model.summary()\n",
        "model.compile(\n    optimizer='adam',\n    loss='mse',\n)\n",
        "history = model.fit(x, y, epochs=3)\n",
        "loss, accuracy = model.evaluate(x_test, y_test)\n",
        "(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()\n",
        "model = keras.Model(inputs=inputs, outputs=outputs)\n",
        "print(model)\n",
        "print(N()(x).shape)\n",
        "print(f'{x}')  # it's one\n",
        "summary(net, (3, 32, 32))\n",
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n",
        "criterion = nn.CrossEntropyLoss()\n",
        'device = "cuda" if torch.cuda.is_available() else "cpu"\n',
        "net = net.to(device)\n",
        "y = net(x)\n",
        "total = sum(p.numel() for p in model.parameters())\n",
        "model.layers[0].trainable = False\n",
        "assert y.shape == (1, 10)\n",
        "test()\n",
        LOOP,
        "with torch.no_grad():\n    for x, y in loader:\n        correct += (net(x) == y).sum()\n",
        "while True:\n    x = 1\n    step()\n",
        "if torch.cuda.is_available():\n    net.cuda()\nelse:\n    net.cpu()\n",
        "transform = transforms.Compose([\n    transforms.ToTensor(),\n])\n",
        "def train(net):\n    net.train()\n    loss = F.nll_loss(net(x), y)\n    loss.backward()\n",
        "!pip install torchsummary\n",
        "%matplotlib inline\n",
        "net = N()\nnet.eval()\n\n# Train it.\n" + LOOP + "print(net)\n",
    ],
)
def test_what_a_script_does_with_its_network_is_left_out_at_once(tail: str) -> None:
    (said,) = errors(READY + tail)
    assert said.fixes[0].title.startswith("leave the")
    assert edited(READY + tail, said.fixes[0].edits) == READY


@pytest.mark.parametrize(
    "tail",
    [
        "model = Sequential([Dense(3), Dense(4)])\n",
        "layers.append(nn.Linear(3, 4))\n",
        "model.add(Dense(3, activation='relu'))\n",
        "x = F.relu(x)\n",
        "y = net(nn.Linear(3, 4)(x))\n",
        "for i in range(3):\n    layers.append(nn.Linear(3, 4))\n    print(i)\n",
        "for i in range(3):\n    x = Unit(4)(x)\n    print(x)\n",
        "with torch.no_grad():\n    x = Dense(4)(x)\n",
        "def two(x):\n    return F.relu(x)\n\nfor i in range(3):\n    x = two(x)\n    print(x)\n",
        "def f(x):\n    relu\n    print(x)\n",
        "def f(x):\n    conv 3x3 x8\n    print(x)\n",
        "if stride > 1:\n    conv 3x3 x8\n",
        "nn.CrossEntropyLoss()\n",
        "conv(8)\n",
        "self.net = net(x)\n",
    ],
)
def test_what_makes_layers_is_not_left_out(tail: str) -> None:
    blocks = "block Unit(c) {\n  fc (c)\n}\n"
    told = errors(f"{READY}{blocks}{tail}")
    places = [d for d in told if any("leave" in fix.title for fix in d.fixes)]
    kept = {"    print(i)\n", "    print(x)\n"}
    assert {edit.span.text for d in places for edit in d.fixes[0].edits} <= kept


def test_the_fences_of_markdown_go_at_once() -> None:
    text, clicks = clicked(f"```python\n{READY}```\n")
    assert (text, clicks) == (READY, 1)


def test_a_script_whose_first_line_says_the_size_keeps_it() -> None:
    layers = "nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)"
    pasted = f"x = torch.randn(1, 3, 48, 40)\nmodel = nn.Sequential({layers})\nprint(model(x))\n"
    text, clicks = clicked(pasted)
    assert (clicks, errors(text)) == (3, [])
    assert text.startswith("input 48x40 x3\n")


def test_the_imports_of_a_file_go_at_once() -> None:
    pasted = """\
import torch
import torch.nn as nn  # layers
from torch.utils.data import (
    DataLoader,
    Dataset,
)

input 3x3 x3
conv 3x3 x3
import numpy as np, os
"""
    told = errors(pasted)
    assert {d.fixes[0].title for d in told} == {"leave the 4 imports out"}
    for said in told:
        assert edited(pasted, said.fixes[0].edits) == "\ninput 3x3 x3\nconv 3x3 x3\n"
    analysis = analyze(Source("pasted.arch", pasted))
    assert correct(analysis, analyze).text == "\ninput 3x3 x3\nconv 3x3 x3\n"
    (said,) = errors("import torch\ninput 3x3 x3\nconv 3x3 x3\n")
    assert said.fixes[0].title == "leave the line out"


def test_a_function_that_makes_the_network_leaves_its_layers() -> None:
    layers = "Dense(3, input_shape=(20,)),\n        Dense(10),"
    text, _ = clicked(
        f"def build():\n    model = Sequential([\n        {layers}\n    ])\n"
        "    model.compile(loss='mse')\n    return model\n\nmodel = build()\nmodel.summary()\n"
    )
    assert not errors(text)
    assert text.split() == "input x20 fc 3; fc 10".split()
    text, _ = clicked("def make():\n    return nn.Sequential(nn.ReLU(), nn.ReLU())\n\nm = make()\n")
    assert text.split() == "{ relu; relu }".split()

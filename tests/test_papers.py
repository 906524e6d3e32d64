"""The networks that torchvision lacks, against the papers' formulas written out in plain torch.

Each function here is the network again, as its paper or its authors' code has it, over a state
dict: no module, no archc. Weights and statistics are random; the values must agree in eval mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from nets import small, varied

torch = pytest.importorskip("torch")
F = torch.nn.functional
Weights = dict[str, Any]

# --- layers, by the names that they have in the state dict ---------------------------------


def conv(x: Any, w: Weights, name: str, stride: int = 1, pad: int = 0, groups: int = 1) -> Any:
    return F.conv2d(x, w[f"{name}.weight"], w.get(f"{name}.bias"), stride, pad, 1, groups)


def fc(x: Any, w: Weights, name: str) -> Any:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def bn(x: Any, w: Weights, name: str) -> Any:
    mean, var, gamma, beta = (
        w[f"{name}.{key}"].view(-1, 1, 1)
        for key in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (var + 1e-5).sqrt() * gamma + beta


def bn_relu(x: Any, w: Weights, name: str) -> Any:
    return bn(x, w, name).relu()


def conv_relu(x: Any, w: Weights, name: str, stride: int = 1, pad: int = 0, groups: int = 1) -> Any:
    return conv(x, w, name, stride, pad, groups).relu()


def pool(x: Any, k: int = 3, s: int = 2, ceil: bool = False) -> Any:
    return F.max_pool2d(x, k, s, ceil_mode=ceil)


def lrn(x: Any, alpha_of_sum: float, k: float) -> Any:
    """Krizhevsky et al. 2012, section 3.3: over the *sum* of 5 neighbouring channels, beta 0.75."""
    squares = F.pad(x * x, (0, 0, 0, 0, 2, 2))
    total = sum(squares[:, i : i + x.shape[1]] for i in range(5))
    return x / (k + alpha_of_sum * total) ** 0.75


CAFFE = (1e-4 / 5, 1.0)  # bvlc_alexnet and bvlc_googlenet: alpha is divided by the 5
PAPER = (1e-4, 2.0)


# --- 2012 to 2014 --------------------------------------------------------------------------


def hidden(x: Any, w: Weights) -> Any:
    x = fc(x.flatten(1), w, "fc6").relu()
    return fc(fc(x, w, "fc7").relu(), w, "fc8")


def alexnet(x: Any, w: Weights) -> Any:
    x = lrn(pool(conv_relu(x, w, "conv1", 4)), *CAFFE)
    x = lrn(pool(conv_relu(x, w, "conv2", 1, 2)), *CAFFE)
    for name in ("conv3", "conv4", "conv5"):
        x = conv_relu(x, w, name, 1, 1)
    return hidden(pool(x), w)


def alexnet_2gpu(x: Any, w: Weights) -> Any:
    def lrn_on_each(x: Any) -> Any:  # GPU, of the channels that it has
        return torch.cat([lrn(half, *PAPER) for half in x.chunk(2, 1)], 1)

    x = pool(lrn_on_each(conv_relu(x, w, "conv1", 4)))
    x = pool(lrn_on_each(conv_relu(x, w, "conv2", 1, 2, 2)))
    for name, groups in (("conv3", 1), ("conv4", 2), ("conv5", 2)):
        x = conv_relu(x, w, name, 1, 1, groups)
    return hidden(pool(x), w)


def zfnet(x: Any, w: Weights) -> Any:
    x = pool(lrn(conv_relu(x, w, "conv1", 2, 1), *CAFFE), ceil=True)
    x = pool(lrn(conv_relu(x, w, "conv2", 2), *CAFFE), ceil=True)
    for name in ("conv3", "conv4", "conv5"):
        x = conv_relu(x, w, name, 1, 1)
    return hidden(pool(x, ceil=True), w)


def mlpconv(x: Any, w: Weights, name: str, stride: int, pad: int) -> Any:
    x = conv_relu(x, w, f"{name}.conv1", stride, pad)
    return conv_relu(conv_relu(x, w, f"{name}.conv2"), w, f"{name}.conv3")


TABLE_1 = """\
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""  # of the paper: a row a map of S2, a column a map of C3


def lenet(x: Any, w: Weights) -> Any:
    """PyTorch's tutorial "Neural Networks"."""
    x = pool(conv_relu(pool(conv_relu(x, w, "conv1"), 2), w, "conv2"), 2).flatten(1)
    return fc(F.relu(fc(F.relu(fc(x, w, "fc1")), w, "fc2")), w, "fc3")


def lenet5(x: Any, w: Weights) -> Any:
    def squash(x: Any) -> Any:
        return 1.7159 * torch.tanh(x * 2 / 3)

    def subsample(x: Any, name: str) -> Any:
        four = x[..., ::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, ::2] + x[..., 1::2, 1::2]
        coefficient = w[f"{name}.conv1.weight"].view(-1, 1, 1) / 4
        return squash(coefficient * four + w[f"{name}.conv1.bias"].view(-1, 1, 1))

    def c3(x: Any) -> Any:
        """Each map from all of S2, with zeros for those that it does not see."""
        table = [row.split() for row in TABLE_1.splitlines()]
        filters, at = torch.zeros(16, 6, 5, 5, dtype=x.dtype), 0
        for i in range(1, 5):  # the convolutions one after another: 6, 6, 3 and 1 maps
            for weight in w[f"c3.conv{i}.weight"]:
                seen = [row for row in range(6) if table[row][at] == "X"]
                filters[at, ORDER.get(at, seen)] = weight
                assert sorted(ORDER.get(at, seen)) == seen
                at += 1
        bias = torch.cat([w[f"c3.conv{i}.bias"] for i in range(1, 5)])
        return F.conv2d(x, filters, bias)

    x = subsample(squash(conv(x, w, "c1")), "s2")
    x = subsample(squash(c3(x)), "s4")
    x = squash(conv(x, w, "c5")).flatten(1)
    return fc(squash(fc(x, w, "f6")), w, "out")


# Maps of C3 whose filters are not in the order of S2's maps: the last are followed by the first.
ORDER = {
    4: [4, 5, 0], 5: [5, 0, 1],
    9: [3, 4, 5, 0], 10: [4, 5, 0, 1], 11: [5, 0, 1, 2],
    14: [2, 3, 5, 0],
}  # fmt: skip


def nin_cifar10(x: Any, w: Weights) -> Any:
    x = pool(mlpconv(x, w, "mlpconv1", 1, 2), ceil=True)
    x = pool(mlpconv(x, w, "mlpconv2", 1, 2), ceil=True)
    return mlpconv(x, w, "mlpconv3", 1, 1).mean((2, 3))


def nin_imagenet(x: Any, w: Weights) -> Any:
    x = pool(mlpconv(x, w, "mlpconv1", 4, 0), ceil=True)
    x = pool(mlpconv(x, w, "mlpconv2", 1, 2), ceil=True)
    x = pool(mlpconv(x, w, "mlpconv3", 1, 1), ceil=True)
    return mlpconv(x, w, "mlpconv4", 1, 1).mean((2, 3))


def inception(x: Any, w: Weights, name: str) -> Any:
    one = conv_relu(x, w, f"{name}.branch1x1.0")
    three = conv_relu(x, w, f"{name}.branch3x3.0")
    three = conv_relu(three, w, f"{name}.branch3x3.2", 1, 1)
    five = conv_relu(x, w, f"{name}.branch5x5.0")
    five = conv_relu(five, w, f"{name}.branch5x5.2", 1, 2)
    proj = conv_relu(F.max_pool2d(x, 3, 1, 1), w, f"{name}.branch_pool.1")
    return torch.cat([one, three, five, proj], 1)


def googlenet(x: Any, w: Weights) -> Any:
    x = lrn(pool(conv_relu(x, w, "conv1", 2, 3), ceil=True), *CAFFE)
    x = lrn(conv_relu(conv_relu(x, w, "conv2_reduce"), w, "conv2", 1, 1), *CAFFE)
    for names in ("3a 3b", "4a 4b 4c 4d 4e", "5a 5b"):
        x = pool(x, ceil=True)
        for name in names.split():
            x = inception(x, w, f"inception{name}")
    return fc(x.mean((2, 3)), w, "fc")


# --- residual networks -----------------------------------------------------------------------


def option_a(x: Any, stride: int) -> Any:
    """Every second pixel, and as many channels of zeros again."""
    return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, x.shape[1])) if stride == 2 else x


def cifar(
    x: Any,
    w: Weights,
    n: int,
    unit: Callable[[Any, Weights, str, int, int], Any],
    names: str = "stage",
) -> Any:
    """Three stages of n units; `unit` is given its name, its stride and its number from 1 on."""
    first = 2 if names == "conv" else 1
    for stage in range(3):
        for i in range(n):
            stride = 2 if stage and not i else 1
            x = unit(x, w, f"{names}{first + stage}.{i}", stride, stage * n + i + 1)
    return x


def basic_body(x: Any, w: Weights, name: str, stride: int) -> Any:
    x = bn_relu(conv(x, w, f"{name}.conv1", stride, 1), w, f"{name}.bn1")
    return bn(conv(x, w, f"{name}.conv2", 1, 1), w, f"{name}.bn2")


def resnet_cifar(
    n: int, shortcut: bool = True, decay: float = 0.0
) -> Callable[[Any, Weights], Any]:
    """`decay` is stochastic depth's 1 - p_L: in eval mode a body counts with its probability."""

    def unit(x: Any, w: Weights, name: str, stride: int, number: int) -> Any:
        body = basic_body(x, w, name, stride) * (1 - decay * number / (3 * n))
        return (body + option_a(x, stride) if shortcut else body).relu()

    def network(x: Any, w: Weights) -> Any:
        x = bn_relu(conv(x, w, "conv1", 1, 1), w, "bn1")
        return fc(cifar(x, w, n, unit).mean((2, 3)), w, "fc")

    return network


def plain_imagenet(depths: tuple[int, ...]) -> Callable[[Any, Weights], Any]:
    def network(x: Any, w: Weights) -> Any:
        x = F.max_pool2d(bn_relu(conv(x, w, "conv1", 2, 3), w, "bn1"), 3, 2, 1)
        for stage, depth in enumerate(depths):
            for i in range(depth):
                x = basic_body(x, w, f"conv{stage + 2}_x.{i}", 2 if stage and not i else 1).relu()
        return fc(x.mean((2, 3)), w, "fc")

    return network


def preact_unit(x: Any, w: Weights, name: str, stride: int, in_3x3: bool) -> Any:
    """Pre-activation bottleneck; the projection, where there is one, takes the activated input."""
    active = bn_relu(x, w, f"{name}.bn1")
    y = conv(active, w, f"{name}.conv1", 1 if in_3x3 else stride)
    y = conv(bn_relu(y, w, f"{name}.bn2"), w, f"{name}.conv2", stride if in_3x3 else 1, 1)
    y = conv(bn_relu(y, w, f"{name}.bn3"), w, f"{name}.conv3")
    projects = f"{name}.conv4.weight" in w
    assert projects == (y.shape != x.shape)
    return y + (conv(active, w, f"{name}.conv4", stride) if projects else x)


def preact_cifar(n: int) -> Callable[[Any, Weights], Any]:
    def network(x: Any, w: Weights) -> Any:
        x = conv(x, w, "conv1", 1, 1)
        x = cifar(x, w, n, lambda x, w, name, stride, _: preact_unit(x, w, name, stride, False))
        return fc(bn_relu(x, w, "bn").mean((2, 3)), w, "fc")

    return network


def preact_200(x: Any, w: Weights) -> Any:
    """models/preresnet.lua of fb.resnet.torch: 3, 24, 36 and 3 units."""
    x = F.max_pool2d(bn_relu(conv(x, w, "conv1", 2, 3), w, "bn1"), 3, 2, 1)
    y = bn_relu(conv(x, w, "conv2_x.0.conv1"), w, "conv2_x.0.bn1")
    y = bn_relu(conv(y, w, "conv2_x.0.conv2", 1, 1), w, "conv2_x.0.bn2")
    x = conv(y, w, "conv2_x.0.conv3") + conv(x, w, "conv2_x.0.conv4")
    for stage, depth in ((2, 3), (3, 24), (4, 36), (5, 3)):
        for i in range(1 if stage == 2 else 0, depth):
            x = preact_unit(x, w, f"conv{stage}_x.{i}", 1 if i or stage == 2 else 2, True)
    return fc(bn_relu(x, w, "bn").mean((2, 3)), w, "fc")


def wide(n: int) -> Callable[[Any, Weights], Any]:
    def unit(x: Any, w: Weights, name: str, stride: int, _: int) -> Any:
        active = bn_relu(x, w, f"{name}.bn1")
        y = conv(active, w, f"{name}.conv1", stride, 1)
        y = conv(bn_relu(y, w, f"{name}.bn2"), w, f"{name}.conv2", 1, 1)
        return y + (x if y.shape == x.shape else conv(active, w, f"{name}.conv3", stride))

    def network(x: Any, w: Weights) -> Any:
        x = cifar(conv(x, w, "conv1", 1, 1), w, n, unit, "conv")
        return fc(bn_relu(x, w, "bn").mean((2, 3)), w, "fc")

    return network


def resnext29(x: Any, w: Weights) -> Any:
    def unit(x: Any, w: Weights, name: str, stride: int, _: int) -> Any:
        y = bn_relu(conv(x, w, f"{name}.conv1"), w, f"{name}.bn1")
        paths = y.chunk(8, 1)  # the cardinality, one path after the other
        filters = w[f"{name}.conv2.weight"].chunk(8, 0)
        y = torch.cat(
            [F.conv2d(p, f, None, stride, 1) for p, f in zip(paths, filters, strict=True)], 1
        )
        y = bn(conv(bn_relu(y, w, f"{name}.bn2"), w, f"{name}.conv3"), w, f"{name}.bn3")
        if y.shape != x.shape:
            x = bn(conv(x, w, f"{name}.downsample.0", stride), w, f"{name}.downsample.1")
        return (y + x).relu()

    x = bn_relu(conv(x, w, "conv1", 1, 1), w, "bn1")
    return fc(cifar(x, w, 3, unit).mean((2, 3)), w, "fc")


# --- FractalNet, DenseNet, SqueezeNet -----------------------------------------------------------


def fractal(x: Any, w: Weights, name: str, c: int) -> list[Any]:
    """The ends of c columns, the deepest first."""
    unit = bn_relu(conv(x, w, f"{name}.unit1.conv1", 1, 1), w, f"{name}.unit1.bn1")
    if c == 1:
        return [unit]
    joined = torch.stack(fractal(x, w, f"{name}.fractal1", c - 1)).mean(0)
    return [*fractal(joined, w, f"{name}.fractal2", c - 1), unit]


def fractalnet(x: Any, w: Weights) -> Any:
    for block in range(1, 6):
        x = pool(torch.stack(fractal(x, w, f"fractal{block}.0", 3)).mean(0), 2)
    return fc(x.flatten(1), w, "fc")


def densenet_cifar(depth: int, bottleneck: bool) -> Callable[[Any, Weights], Any]:
    def layer(x: Any, w: Weights, name: str) -> Any:
        if not bottleneck:
            return conv(bn_relu(x, w, f"{name}.norm"), w, f"{name}.conv", 1, 1)
        y = conv(bn_relu(x, w, f"{name}.norm1"), w, f"{name}.conv1")
        return conv(bn_relu(y, w, f"{name}.norm2"), w, f"{name}.conv2", 1, 1)

    def network(x: Any, w: Weights) -> Any:
        x = conv(x, w, "conv0", 1, 1)
        for block in (1, 2, 3):
            for i in range(1, depth + 1):
                x = torch.cat([x, layer(x, w, f"denseblock{block}.denselayer{i}")], 1)
            if block < 3:
                x = bn_relu(x, w, f"transition{block}.norm")
                x = F.avg_pool2d(conv(x, w, f"transition{block}.conv"), 2)
        return fc(bn_relu(x, w, "norm").mean((2, 3)), w, "classifier")

    return network


def squeezenet(x: Any, w: Weights) -> Any:
    """v1.0 with bypasses: around odd fires the identity, around even ones a 1x1 if there is one."""
    x = pool(conv_relu(x, w, "conv1", 2), ceil=True)
    for i in range(2, 10):
        y = conv_relu(x, w, f"fire{i}.squeeze")
        one, three = (
            conv_relu(y, w, f"fire{i}.expand1x1"),
            conv_relu(y, w, f"fire{i}.expand3x3", 1, 1),
        )
        y = torch.cat([one, three], 1)
        if i % 2:
            y = y + x
        elif f"bypass{i}.weight" in w:
            y = y + conv(x, w, f"bypass{i}")
        x = pool(y, ceil=True) if i in (4, 8) else y
    return conv_relu(x, w, "conv10").mean((2, 3))


def unet(x: Any, w: Weights) -> Any:
    """Ronneberger et al. 2015, figure 1: no padding, and the middle of each map on the left."""

    def double(x: Any, name: str) -> Any:
        return conv_relu(conv_relu(x, w, f"{name}.conv1"), w, f"{name}.conv2")

    left = []
    for i in range(1, 5):
        left.append(double(x, f"down{i}"))
        x = pool(left[-1], 2)
    x = double(x, "bottom")
    for i in range(1, 5):
        x = F.conv_transpose2d(x, w[f"up{i}.weight"], w[f"up{i}.bias"], 2)
        at = (left[-i].shape[-1] - x.shape[-1]) // 2
        middle = left[-i][..., at : at + x.shape[-2], at : at + x.shape[-1]]
        x = double(torch.cat([middle, x], 1), f"join{i}")
    return conv(x, w, "out")


# --- images made, enlarged and searched ----------------------------------------------------


def dcgan_generator(x: Any, w: Weights) -> Any:
    """Radford et al. 2016 as PyTorch's examples have it: 100 numbers to 64x64 pixels."""
    for at in (0, 3, 6, 9):
        x = F.conv_transpose2d(x, w[f"main.{at}.weight"], None, 2 if at else 1, 1 if at else 0)
        x = bn_relu(x, w, f"main.{at + 1}")
    return F.conv_transpose2d(x, w["main.12.weight"], None, 2, 1).tanh()


def dcgan_discriminator(x: Any, w: Weights) -> Any:
    x = F.leaky_relu(conv(x, w, "main.0", 2, 1), 0.2)
    for at in (2, 5, 8):
        x = F.leaky_relu(bn(conv(x, w, f"main.{at}", 2, 1), w, f"main.{at + 1}"), 0.2)
    return conv(x, w, "main.11").sigmoid().view(-1, 1)


def edsr(x: Any, w: Weights) -> Any:
    """Lim et al. 2017, figure 2, and the authors' code: twice as many rows and columns."""
    head = x = conv(conv(x, w, "sub_mean"), w, "head.0", 1, 1)
    for i in range(32):
        out = conv_relu(x, w, f"body.{i}.body.0", 1, 1)
        x = x + 0.1 * conv(out, w, f"body.{i}.body.2", 1, 1)
    x = conv(conv(x, w, "body.32", 1, 1) + head, w, "tail.0.0", 1, 1)
    batch, channels, height, width = x.shape
    x = x.view(batch, channels // 4, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3)
    x = x.reshape(batch, channels // 4, 2 * height, 2 * width)
    return conv(conv(x, w, "tail.1", 1, 1), w, "add_mean")


def yolov3_tiny(x: Any, w: Weights) -> tuple[Any, Any]:
    """darknet's yolov3-tiny.cfg. Its pool of stride 1 goes a row and a column beyond the end."""

    def layer(x: Any, i: int, pad: int = 1) -> Any:
        return F.leaky_relu(bn(conv(x, w, f"conv{i}.0", 1, pad), w, f"conv{i}.1"), 0.1)

    maps = []
    for i in range(1, 6):
        maps.append(layer(x, i))
        x = pool(maps[-1], 2)
    x = F.max_pool2d(F.pad(layer(x, 6), (0, 1, 0, 1), value=-math.inf), 2, 1)
    route = layer(layer(x, 7), 8, 0)
    coarse = conv(layer(route, 9), w, "coarse")
    larger = layer(route, 10, 0).repeat_interleave(2, 2).repeat_interleave(2, 3)
    return coarse, conv(layer(torch.cat([larger, maps[-1]], 1), 11), w, "fine")


PAPERS: dict[str, Callable[[Any, Weights], Any]] = {
    "alexnet": alexnet,
    "alexnet_2gpu": alexnet_2gpu,
    "zfnet": zfnet,
    "lenet": lenet,
    "lenet5": lenet5,
    "nin_cifar10": nin_cifar10,
    "nin_imagenet": nin_imagenet,
    "googlenet": googlenet,
    "unet": unet,
    "dcgan_generator": dcgan_generator,
    "dcgan_discriminator": dcgan_discriminator,
    "edsr_x2": edsr,
    "yolov3_tiny": yolov3_tiny,
    "plain18": plain_imagenet((2, 2, 2, 2)),
    "plain34": plain_imagenet((3, 4, 6, 3)),
    "plain20": resnet_cifar(3, shortcut=False),
    "plain56": resnet_cifar(9, shortcut=False),
    "resnet20": resnet_cifar(3),
    "resnet56": resnet_cifar(9),
    "resnet110": resnet_cifar(18),
    "stochastic_depth_resnet110": resnet_cifar(18, decay=0.5),
    "stochastic_depth_resnet1202": resnet_cifar(200, decay=0.5),
    "preact_resnet164": preact_cifar(18),
    "preact_resnet1001": preact_cifar(111),
    "preact_resnet200": preact_200,
    "wrn_28_10": wide(4),
    "wrn_40_4": wide(6),
    "resnext29_8x64d": resnext29,
    "fractalnet": fractalnet,
    "densenet_40_12": densenet_cifar(12, bottleneck=False),
    "densenet_bc_100_12": densenet_cifar(16, bottleneck=True),
    "densenet_bc_190_40": densenet_cifar(31, bottleneck=True),
    "squeezenet1_0_simple_bypass": squeezenet,
    "squeezenet1_0_complex_bypass": squeezenet,
}
FAST = {"lenet5", "resnet20", "squeezenet1_0_simple_bypass", "dcgan_generator"}
RUNS = varied(PAPERS, FAST)


@pytest.mark.usefixtures("memory_given_back")
@pytest.mark.parametrize("name", RUNS)
def test_values_are_the_papers(name: str) -> None:
    torch.manual_seed(0)
    net = small(name)
    with torch.device("meta"):
        module = net.module()
    module.double().to_empty(device="cpu").eval()  # a thousand layers overflow a float
    randomise(module)
    shape = next(data.output.dims for key, data in net.graph.nodes(data="node") if key == "input:x")
    x = 3 * torch.randn(
        2, *shape, dtype=torch.double
    )  # loud enough that the normalisation of AlexNet shows
    with torch.no_grad():
        found, expected = module(x), PAPERS[name](x, module.state_dict())
    outputs = (expected,) if torch.is_tensor(expected) else expected
    for ours, theirs in zip([found] if torch.is_tensor(found) else found, outputs, strict=True):
        spread = float(theirs.std())
        assert spread > 1e-3 * float(theirs.abs().max()), "the weights wash everything out"
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9 * spread)


def randomise(module: Any) -> None:
    """Weights that roughly keep a signal's size, and statistics that are not 0 and 1."""
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(3)
        elif tensor.dim() > 1:
            tensor.normal_(0, math.sqrt(2 / tensor[0].numel()))
        elif name.endswith(("weight", "running_var")):
            tensor.uniform_(0.5, 1.5)
        else:
            tensor.normal_(0, 0.1)

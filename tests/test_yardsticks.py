"""Networks written as a user would write them: they are what they say, in few classes and lines.

Their files are in `tests/yardsticks`; what they are held to is torchvision, timm, or a counterpart
written by hand from the paper.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import counterparts
import pytest
from nets import randomise, varied

import archc

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision.models")

FOLDER = Path(__file__).parent / "yardsticks"
GHOSTNET = json.loads((FOLDER / "ghostnet_timm.json").read_text())
RENAMED = {"layers": "block"}  # a label of ours, and the name that it stands for

# What each is compared with, at which size, and whether in training mode (for the side classifier).
PARTNERS: dict[str, tuple[Callable[[], Any], int, bool]] = {
    "inception_v3": (lambda: models.inception_v3(weights=None, init_weights=False), 299, True),
    "mobilenet_v2": (lambda: models.mobilenet_v2(weights=None), 64, False),
    "mobilenet_v3_large": (lambda: models.mobilenet_v3_large(weights=None), 64, False),
    "efficientnet_b0": (lambda: models.efficientnet_b0(weights=None), 64, False),
    "resnet_family": (lambda: models.resnet50(weights=None), 64, False),
    "stacked_hourglass": (counterparts.StackedHourglass, 64, False),
    "unet": (counterparts.UNet, 32, False),
    "dla_tree": (counterparts.DLATree, 64, False),
}
NAMES = [*PARTNERS, "ghostnet"]

# Published counts: torchvision's `num_params`; 6.73 M of bearpaw/pytorch-pose's hg_s2_b1; those of
# milesial's U-Net and timm's ghostnet_100.
COUNTS = {
    "inception_v3": models.Inception_V3_Weights.IMAGENET1K_V1.meta["num_params"],
    "mobilenet_v2": models.MobileNet_V2_Weights.IMAGENET1K_V1.meta["num_params"],
    "mobilenet_v3_large": models.MobileNet_V3_Large_Weights.IMAGENET1K_V1.meta["num_params"],
    "efficientnet_b0": models.EfficientNet_B0_Weights.IMAGENET1K_V1.meta["num_params"],
    "resnet_family": models.ResNet50_Weights.IMAGENET1K_V1.meta["num_params"],
    "stacked_hourglass": 6_730_912,
    "unet": 31_037_698,
    "ghostnet": GHOSTNET["params"],
}
MACS = {
    "inception_v3": models.Inception_V3_Weights.IMAGENET1K_V1.meta["_ops"],
    "mobilenet_v2": models.MobileNet_V2_Weights.IMAGENET1K_V1.meta["_ops"],
    "mobilenet_v3_large": models.MobileNet_V3_Large_Weights.IMAGENET1K_V1.meta["_ops"],
    "efficientnet_b0": models.EfficientNet_B0_Weights.IMAGENET1K_V1.meta["_ops"],
    "resnet_family": models.ResNet50_Weights.IMAGENET1K_V1.meta["_ops"],
}  # in units of 10**9, as torchvision counts them

# At most so many lines and classes. torchvision's inception.py has 366 lines before its weights.
BOUNDS = {
    "inception_v3": (270, 9),
    "mobilenet_v2": (125, 4),
    "mobilenet_v3_large": (170, 5),
    "efficientnet_b0": (195, 6),
    "resnet_family": (135, 3),
    "stacked_hourglass": (120, 3),
    "unet": (110, 3),
    "ghostnet": (210, 5),
    "dla_tree": (125, 5),
}

# Depths and bottlenecks of the members of the family.
FAMILY = {
    "resnet18": ([2, 2, 2, 2], False),
    "resnet34": ([3, 4, 6, 3], False),
    "resnet50": ([3, 4, 6, 3], True),
    "resnet101": ([3, 4, 23, 3], True),
    "resnet152": ([3, 8, 36, 3], True),
}
MEMBERS = [
    "resnet18",
    "resnet50",
    *(pytest.param(n, marks=pytest.mark.slow) for n in ("resnet34", "resnet101", "resnet152")),
]


@cache
def load(name: str, **params: Any) -> archc.Net:
    return archc.load(FOLDER / f"{name}.arch", **params)


@cache
def source(name: str) -> str:
    return load(name).source()


def test_every_yardstick_is_compared() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in FOLDER.glob("*.arch"))
    assert set(BOUNDS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_check_is_clean(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from archc import cli

    assert cli.main(["check", str(FOLDER / f"{name}.arch")]) == 0
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_as_many_as_published(name: str) -> None:
    assert load(name).params == COUNTS[name]


@pytest.mark.parametrize("name", MACS)
def test_operations_are_as_many_as_published(name: str) -> None:
    assert load(name).macs / 1e9 == pytest.approx(MACS[name], abs=0.001)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", PARTNERS)
def test_weights_values_and_gradients_are_equal(name: str) -> None:
    """On the same memory: weights are theirs, strictly by name."""
    make, size, training = PARTNERS[name]
    torch.manual_seed(0)
    with torch.device("meta"):
        theirs, ours = make(), load(name).module()
    theirs.to_empty(device="cpu")
    randomise(theirs)
    by_name = {key: own for own, key in zip(own_keys(ours), published(ours), strict=True)}
    weights = {by_name.get(key, key): value for key, value in theirs.state_dict().items()}
    ours.load_state_dict(weights, strict=True, assign=True)

    x = torch.randn(2, 3, size, size)
    expected, expected_gradients = run(theirs, x, training)
    found, gradients = run(ours, x, training)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))
    for key, gradient in expected_gradients.items():
        slack = 1e-4 * float(gradient.abs().max())
        own = gradients[by_name[key]]
        torch.testing.assert_close(own, gradient, rtol=1e-3, atol=slack, msg=key)


def own_keys(module: Any) -> list[str]:
    return list(module.state_dict())


def published(module: Any) -> list[str]:
    """The names of our weights as published weights have them."""
    return [
        ".".join(RENAMED.get(part, part) for part in key.split(".")) for key in own_keys(module)
    ]


def run(module: Any, x: Any, training: bool) -> tuple[list[Any], dict[str, Any]]:
    """Outputs and gradients, without chance."""
    module.train(training)
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    result = module(x)
    outputs = [result] if torch.is_tensor(result) else list(result)
    names, weights = zip(*module.named_parameters(), strict=True)
    waves = [torch.sin(torch.arange(float(out.numel()))).view(out.shape) for out in outputs]
    loss = sum((out * wave).sum() for out, wave in zip(outputs, waves, strict=True))
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)  # aux heads in eval mode
    used = {n: g for n, g in zip(names, gradients, strict=True) if g is not None}
    return [out.detach() for out in outputs], used


@pytest.mark.usefixtures("one_thread")
def test_ghostnet_is_timm_s() -> None:
    """Parameters by name, and values with the weights that timm's had."""
    module = load("ghostnet").module()
    shapes = {key: list(value.shape) for key, value in module.named_parameters()}
    assert shapes == GHOSTNET["shapes"]
    fill(module)
    x = torch.sin(torch.arange(3 * 64 * 64.0)).view(1, 3, 64, 64)
    with torch.no_grad():
        found = module.eval()(x)[0, ::100]
    torch.testing.assert_close(found, torch.tensor(GHOSTNET["logits"]), rtol=1e-4, atol=1e-5)


def fill(module: Any) -> None:
    """Weights of which each hangs on its name and place alone."""
    for number, (_, tensor) in enumerate(sorted(module.state_dict().items())):
        wave = torch.sin(torch.arange(float(tensor.numel())) * 0.7 + number).view(tensor.shape)
        if tensor.dim() > 1:
            tensor.copy_(wave * (2 / tensor[0].numel()) ** 0.5)
        elif tensor.is_floating_point():
            tensor.copy_(1 + 0.3 * wave)


@pytest.mark.parametrize("member", MEMBERS)
def test_family_from_params_is_torchvision_s(member: str) -> None:
    depths, bottleneck = FAMILY[member]
    with torch.device("meta"):
        ours = load_family(depths, bottleneck).module().state_dict()
        theirs = getattr(models, member)(weights=None).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def load_family(depths: list[int], bottleneck: bool) -> archc.Net:
    return archc.load(FOLDER / "resnet_family.arch", depths=depths, bottleneck=bottleneck)


@pytest.mark.parametrize("member", MEMBERS)
def test_family_from_arguments_is_torchvision_s(member: str) -> None:
    depths, bottleneck = FAMILY[member]
    with torch.device("meta"):
        kind = type(load("resnet_family").module())
        ours = kind(depths=depths, bottleneck=bottleneck).state_dict()
        theirs = getattr(models, member)(weights=None).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.slow
def test_hourglasses_by_param_are_the_counterpart_s() -> None:
    """8 stacks are the paper's; 25.59 M are bearpaw/pytorch-pose's hg_s8_b1."""
    net = archc.load(FOLDER / "stacked_hourglass.arch", stacks=8)
    assert round(net.params / 1e6, 2) == 25.59
    with torch.device("meta"):
        ours, theirs = net.module().state_dict(), counterparts.StackedHourglass(8).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize("name", varied(NAMES, set(NAMES) - {"stacked_hourglass", "unet"}))
def test_classes_and_lines_are_few(name: str) -> None:
    lines, classes = BOUNDS[name]
    text = source(name)
    found = re.findall(r"^class \w+\(nn\.\w+\)", text, re.MULTILINE)
    assert (len(found) <= classes, len(text.splitlines()) <= lines) == (True, True)


@pytest.mark.parametrize(
    ("name", "call"),
    [("stacked_hourglass", r"Hourglass\([^()]*depth - 1"), ("dla_tree", r"Tree\([^()]*levels - 1")],
)
def test_recursion_is_a_class_that_makes_itself(name: str, call: str) -> None:
    assert re.search(call, source(name))

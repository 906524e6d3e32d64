"""The networks that torchvision has: its weights load by name, and values and gradients are equal.

torchvision is an implementation that we did not write. Every parameter and every statistic is
randomised first, so that a swapped bias, a wrong eps or a pool that rounds the other way shows.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from nets import varied

import archc

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

# Our file and torchvision's function, where it goes by another name.
OTHER_NAMES = {"alexnet_owt": "alexnet", "googlenet_bn": "googlenet"}
NETWORKS = (
    "alexnet_owt",
    "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn",
    "googlenet_bn",
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d",
    "wide_resnet50_2", "wide_resnet101_2",
    "densenet121", "densenet161", "densenet169", "densenet201",
    "squeezenet1_0", "squeezenet1_1",
    "inception_v3",
    "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small",
    "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3",
    "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
    *(f"efficientnet_b{i}" for i in range(8)),
    "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l",
    *(f"regnet_{kind}_{flops}" for kind in "xy" for flops in
      ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
    "regnet_y_128gf",
    "convnext_tiny", "convnext_small", "convnext_base", "convnext_large",
)  # fmt: skip
# Those that classify no images.
OTHERS = (
    "fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large", "r3d_18", "r2plus1d_18",
)  # fmt: skip
ALL = NETWORKS + OTHERS
PYRAMID = "resnet50_fpn"  # a part of torchvision's detectors, without weights of its own
SEGMENTERS = ("fcn", "deeplab", "lraspp")
# A small one of each family.
FAST = {
    "resnet18", "densenet121", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5",
    "shufflenet_v2_x0_5", "efficientnet_b0", "regnet_x_400mf", "regnet_y_400mf",
    "lraspp_mobilenet_v3_large",
}  # fmt: skip
NAMED = {
    *FAST, "alexnet_owt", "vgg11_bn", "googlenet_bn", "resnet50", "resnext50_32x4d", "inception_v3",
    "efficientnet_b5", "convnext_tiny", "fcn_resnet50", "deeplabv3_resnet50",
    "r3d_18", "r2plus1d_18",
}  # fmt: skip
RUNS = varied(ALL, FAST)
# One of each kind of start; the rest of a family has the same.
STARTS = [
    "resnet18",
    "squeezenet1_1",
    "densenet121",
    *(pytest.param(n, marks=pytest.mark.slow) for n in ("alexnet_owt", "vgg11_bn", "googlenet_bn")),
]
SIZE = 64  # small enough for two cores; odd maps come up
# The auxiliary head of Inception needs a 17x17 map.
SIZES = {"inception_v3": (299, 299), "r3d_18": (8, SIZE, SIZE), "r2plus1d_18": (8, SIZE, SIZE)}
DROPS = ("Dropout", "StochasticDepth", "DropPath")


def pyramid(weights: None) -> Any:
    """The backbone of torchvision's detectors, with batch norms that are trained."""
    make = torchvision.models.detection.backbone_utils.resnet_fpn_backbone
    return make(
        backbone_name="resnet50", weights=weights, norm_layer=torch.nn.BatchNorm2d,
        trainable_layers=5,
    )  # fmt: skip


def torchvision_model(name: str) -> Any:
    if name == PYRAMID:
        return pyramid
    return torchvision.models.get_model_builder(OTHER_NAMES.get(name, name))


def published(name: str) -> Any:
    """torchvision's network, without storage."""
    with torch.device("meta"):
        return torchvision_model(name)(weights=None, **arguments(name))


def arguments(name: str) -> dict[str, Any]:
    """What keeps it from fetching weights and from starting them, and gives it all its heads."""
    if name in ("googlenet_bn", "inception_v3"):
        return {"init_weights": False}
    backbone = {"weights_backbone": None} if name.startswith(SEGMENTERS) else {}
    return backbone | ({"aux_loss": True} if name.endswith("_resnet50") and backbone else {})


@pytest.fixture(autouse=True)
def regnet_counts_its_widths_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision computes the widths of a RegNet with tensors, which need storage."""
    params = torchvision.models.regnet.BlockParams
    counted = params.from_init_params

    def on_cpu(**arguments: Any) -> Any:
        with torch.device("cpu"):
            return counted(**arguments)

    monkeypatch.setattr(params, "from_init_params", on_cpu)


def generated(name: str) -> Any:
    """Ours, from the generated source, without storage."""
    with torch.device("meta"):
        return archc.load(name).module()


def randomise(module: Any) -> None:
    """Fill weights so that signals keep their size, and everything else with what shows."""
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(3)
        elif tensor.dim() > 1:
            tensor.normal_(0, math.sqrt(2 / tensor[0].numel()))
        elif name.endswith(("weight", "running_var")):
            tensor.uniform_(0.5, 1.5)
        else:
            tensor.normal_(0, 0.1)


@pytest.fixture
def pair(
    request: pytest.FixtureRequest, memory_given_back: None
) -> tuple[Any, Any, tuple[int, ...]]:
    """torchvision's network and ours on the same memory, and a size for images.

    They have the same weights, strictly by name.
    """
    torch.manual_seed(0)
    theirs = published(request.param).to_empty(device="cpu")
    randomise(theirs)
    ours = generated(request.param)
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    for module in (*theirs.modules(), *ours.modules()):
        if type(module).__name__ in DROPS:
            module.p = 0.0  # tested by rate in `test_dropouts_agree`
    return theirs, ours, SIZES.get(request.param, (SIZE, SIZE))


def test_all_68_are_here() -> None:
    """torchvision's convolutional classifiers."""
    assert len(set(NETWORKS)) == 68
    assert set(NETWORKS) <= archc.bundled().keys()


@pytest.mark.parametrize("name", varied((*ALL, PYRAMID), NAMED))
def test_state_dict_has_the_same_names_and_shapes(name: str) -> None:
    theirs, ours = published(name).state_dict(), generated(name).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize("name", RUNS)
def test_the_file_names_the_weights_that_load(name: str) -> None:
    """`pretrained` has all that torchvision publishes for it, and the docstring says so."""
    published = torchvision.models.get_model_weights(OTHER_NAMES.get(name, name))
    whole = [w.name for w in published if w.name != "IMAGENET1K_FEATURES"]  # has no classifier
    said = f"torchvision's {published.__name__}.{' and '.join(whole)}"
    net = archc.load(name)
    assert str(net.meta["pretrained"]).partition(",")[0] == said
    (head,) = re.findall(r'\A"""(.*?)"""', net.source(), re.DOTALL)
    assert f"Loads {said}" in " ".join(head.split())


@pytest.mark.slow
def test_published_weights_are_those_of_the_file_alone() -> None:
    said = {name for name in archc.bundled() if "pretrained" in archc.load(name).meta}
    assert said == set(ALL)
    assert "IMAGENET1K" not in archc.load("resnet18", num_classes=10).source()


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_dropouts_agree(name: str) -> None:
    def rates(module: Any) -> list[float]:
        return sorted(m.p for m in module.modules() if isinstance(m, torch.nn.Dropout))

    ours, theirs = generated(name), published(name)
    assert rates(ours) == rates(theirs)

    # torchvision makes one for each block, and uses it where there is a shortcut.
    used = [m for m in theirs.modules() if getattr(m, "use_res_connect", True)]
    expected = [m.stochastic_depth.p for m in used if hasattr(m, "stochastic_depth")]
    found = [m.p for m in ours.modules() if type(m).__name__ == "DropPath"]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("pair", varied((*ALL, PYRAMID), FAST), indirect=True)
def test_values_and_gradients_are_equal(pair: tuple[Any, Any, tuple[int, ...]]) -> None:
    theirs, ours, size = pair
    x = torch.randn(2, 3, *size, requires_grad=True)

    with torch.no_grad():
        (expected, *_), (found, *_) = outputs_of(theirs.eval()(x)), outputs_of(ours.eval()(x))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))

    before = {key: value.clone() for key, value in theirs.named_buffers()}
    expected, their_gradients, their_buffers = train_step(theirs, x)
    for key, value in theirs.named_buffers():
        value.copy_(before[key])  # ours are the same tensors
    found, our_gradients, our_buffers = train_step(ours, x)

    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * float(other.abs().max()))
    assert our_gradients.keys() == their_gradients.keys()
    for key, gradient in their_gradients.items():
        tolerance = 1e-4 * float(gradient.abs().max())
        torch.testing.assert_close(our_gradients[key], gradient, rtol=1e-4, atol=tolerance, msg=key)
    torch.testing.assert_close(our_buffers, their_buffers)


@pytest.mark.parametrize("name", STARTS)
def test_weights_start_alike(name: str) -> None:
    """Each parameter constant where torchvision's is, and otherwise as widely spread."""
    torch.manual_seed(0)
    ours = archc.load(name).module().state_dict()
    extra = {"init_weights": True} if "googlenet" in name else {}
    for key, theirs in torchvision_model(name)(weights=None, **extra).state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        found, expected = float(ours[key].std()), float(theirs.std())
        if theirs.numel() < 100 or expected == 0:
            assert (found == 0) == (expected == 0), key
        else:
            slack = 6 / math.sqrt(theirs.numel())  # of an estimate of a standard deviation
            assert found == pytest.approx(expected, rel=slack), key
        assert float(ours[key].mean()) == pytest.approx(float(theirs.mean()), abs=expected), key


def outputs_of(result: Any) -> list[Any]:
    """In the order of torchvision, which has aux2 before aux1, and a dictionary of maps."""
    if hasattr(result, "aux2"):
        return [result[0], result.aux2, result.aux1]
    if torch.is_tensor(result):
        return [result]
    return list(result.values() if isinstance(result, dict) else result)


def train_step(module: Any, x: Any) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Outputs in the order of torchvision, gradients by name, and the statistics afterwards."""
    outputs = outputs_of(module.train()(x))
    loss = sum((i + 1) * out.sin().sum() for i, out in enumerate(outputs))
    names, parameters = zip(*module.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, (x, *parameters))
    buffers = {key: value.clone() for key, value in module.named_buffers()}
    named = dict(zip(("input", *names), gradients, strict=True))
    return [out.detach() for out in outputs], named, buffers

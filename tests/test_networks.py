"""Every bundled network against the reference facts, through the public API.

`reference/networks.json` is a trimmed copy of the reference file's entries (`entry` says which):
exact parameters, MACs, output shape and the shape after each stage; LeNet and LeNet-5, which that
lacks, are from PyTorch's tutorial and the paper. The files that torchvision has are also held
against it, weight for weight, in `test_torchvision.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nets import ONE_OF_EACH, varied

import archc

FACTS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "reference" / "networks.json").read_text("utf-8")
)
NAMES = sorted(FACTS)
BLOCKS = sorted((next(iter(archc.bundled().values())).parent / "blocks").glob("*.arch"))

# --- which module a stage of the reference is, where it does not have the stage's name -----

_RESNET = {"relu": "relu1", "flatten": "flatten1"}
_IMAGENET = _RESNET | {f"conv{i + 1}_x": f"layer{i}" for i in (1, 2, 3, 4)}


def _vgg(depths: tuple[int, ...], convolution: int) -> dict[str, str]:
    """torchvision numbers the layers of VGG; a convolution takes 2 places, with batch norm 3."""
    places, at = {}, 0
    for stage, depth in enumerate(depths, 1):
        for i in range(1, depth + 1):
            places[f"conv{stage}_{i}"] = f"features.{at}"
            at += convolution
        places[f"pool{stage}"] = f"features.{at}"
        at += 1
    return places | {
        "flatten": "flatten1", "fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6",
    }  # fmt: skip


def _places(names: str, group: str) -> dict[str, str]:
    """Names in the order of a group's places; `-` is a place that is no stage."""
    return {name: f"{group}.{i}" for i, name in enumerate(names.split()) if name != "-"}


def _densenet() -> dict[str, str]:
    blocks = [f"{kind}{i}" for i in (1, 2, 3, 4) for kind in ("denseblock", "transition")]
    inside = ("conv0", "norm0", "relu0", "pool0", *blocks, "norm5")
    return {name: f"features.{name}" for name in inside} | {"relu5": "relu1", "flatten": "flatten1"}


_VGG = {"11": (1, 1, 2, 2, 2), "13": (2, 2, 2, 2, 2), "16": (2, 2, 3, 3, 3), "19": (2, 2, 4, 4, 4)}
_CONV10 = _places("drop9 conv10 - pool10", "classifier")
_FLATTEN = {"flatten": "flatten1"}
STAGES: dict[str, Mapping[str, str | None]] = {
    **{name: _IMAGENET for name in NAMES if name.startswith(("resnet", "resnext", "wide"))},
    **{name: _RESNET for name in NAMES if name.startswith(("plain", "preact", "wrn", "stoch"))},
    **{f"vgg{d}": _vgg(depths, 2) for d, depths in _VGG.items()},
    **{f"vgg{d}_bn": _vgg(depths, 3) for d, depths in _VGG.items()},
    **{f"densenet{d}": _densenet() for d in (121, 161, 169, 201)},
    **{name: _RESNET for name in NAMES if name.startswith("densenet_")},
    **dict.fromkeys(("alexnet", "alexnet_2gpu", "lenet", "lenet5", "zfnet"), _FLATTEN),
    **{name: _FLATTEN for name in NAMES if name.startswith("nin")},
    **{name: _FLATTEN for name in NAMES if name.endswith("bypass")},
    "preact_resnet200": _RESNET | {"relu": "relu2"},
    "alexnet_owt": {
        **_places("conv1 - pool1 conv2 - pool2 conv3 - conv4 - conv5 - pool5", "features"),
        **_places("- fc6 - - fc7 - fc8", "classifier"),
        **_FLATTEN,
    },
    "googlenet_bn": {
        "norm1": None, "norm2": None,  # it has no local response normalisation
        "conv2_reduce": "conv2", "conv2": "conv3",
        **{f"pool{i}": f"maxpool{i}" for i in (1, 2, 3, 4)},
    },
    "inception_bottleneck": {"pool": "pool_proj"},
    "fractalnet": {f"block{i}": f"fractal{i}" for i in (1, 2, 3, 4, 5)},
    "squeezenet1_0": _CONV10 | _FLATTEN | _places(
        "conv1 - pool1 fire2 fire3 fire4 pool4 fire5 fire6 fire7 fire8 pool8 fire9",
        "features",
    ),
    "squeezenet1_1": _CONV10 | _FLATTEN | _places(
        "conv1 - pool1 fire2 fire3 pool3 fire4 fire5 pool5 fire6 fire7 fire8 fire9",
        "features",
    ),
}  # fmt: skip


@cache
def load(name: str) -> Any:
    return archc.load(name)


def shape_after(net: Any, place: str) -> tuple[int, ...]:
    """The output of the last operator that is `place` in the module tree or lies inside it."""
    nodes = (data for _key, data in net.graph.nodes(data="node"))
    inside = [n for n in nodes if f"{n.module}.".startswith(f"{place}.")]
    assert inside, f"nothing is called {place}"
    found: tuple[int, ...] = max(inside, key=lambda node: node.index).output.dims
    return found


def test_every_bundled_network_has_facts() -> None:
    assert set(archc.bundled()) == set(FACTS)


@pytest.mark.slow
def test_one_of_each_kind() -> None:
    """What is slow is tried on them: a network with other operators or blocks is another kind."""
    found: dict[frozenset[str], tuple[int, str]] = {}
    for name in NAMES:
        kinds = frozenset(row.part.kind for row in load(name).analysis.table.rows())
        size = (load(name).macs, name)
        found[kinds] = min(found.get(kinds, size), size)
    assert {name for _, name in found.values()} == ONE_OF_EACH, "nets.ONE_OF_EACH"


@pytest.mark.parametrize("name", NAMES)
def test_counts_and_output(name: str) -> None:
    net, facts = load(name), FACTS[name]
    assert net.params == facts["params"]
    assert net.macs == facts["macs"]
    assert net.output == tuple(facts["output"])
    assert net.diagnostics == ()


@pytest.mark.parametrize("name", NAMES)
def test_stages(name: str) -> None:
    """The shape after each stage: of the last operator inside the module that the stage is."""
    places = STAGES.get(name, {})
    found = {}
    for stage, _shape in FACTS[name]["stages"]:
        place = places.get(stage, stage)
        if place is not None:
            found[stage] = shape_after(load(name), place)
    expected = {stage: tuple(shape) for stage, shape in FACTS[name]["stages"] if stage in found}
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_teaching_text(name: str) -> None:
    """A head comment, facts on the paper, the recipe, and what must come out."""
    facts = load(name).analysis.facts
    doc = load(name).analysis.file.doc
    assert len(doc) > 100
    assert str(facts.meta["year"]) in doc
    assert {"family", "paper", "authors", "year"} <= facts.meta.keys()
    assert {item.key for item in facts.expect} >= {"params", "macs", "output"}
    assert "init" in facts.train
    if not name.startswith("inception"):  # a module alone is not trained
        assert {"optimizer", "batch", "schedule"} <= facts.train.keys()
        assert "epochs" in facts.train or "steps" in facts.train
    if "top1_error" in facts.meta:
        assert "measured" in facts.meta, "say what the error is of"


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: path.stem)
def test_blocks_say_what_they_are(path: Path) -> None:
    analysis = archc.analyze(archc.Source(str(path), path.read_text("utf-8")))
    assert analysis.diagnostics == ()
    assert analysis.file.doc or all(getattr(item, "doc", "x") for item in analysis.file.items)


FEW = {"alexnet", "googlenet", "resnet50", "preact_resnet164", "densenet_bc_100_12", "fractalnet"}
RUNS = varied(NAMES, FEW)


@pytest.mark.parametrize("name", RUNS)
def test_torch_agrees(name: str) -> None:
    """What torch counts in the generated class, without storage: parameters, shapes and MACs."""
    torch = pytest.importorskip("torch")
    flop_counter = pytest.importorskip("torch.utils.flop_counter")
    facts = FACTS[name]
    with torch.device("meta"):
        module, x = load(name).module(), torch.empty(1, *facts["input"])
    assert sum(p.numel() for p in module.parameters()) == facts["params"]
    assert sum(b.numel() for b in module.buffers() if b.dim()) == facts["buffers"]
    with flop_counter.FlopCounterMode(display=False) as counter:
        y = module.eval()(x)
    if not torch.is_tensor(y):  # the first of several outputs
        y = y[0]
    assert tuple(y.shape) == (1, *facts["output"])
    assert counter.get_total_flops() == 2 * facts["macs"]
    if "train_outputs" in facts:
        outputs = module.train()(x)
        assert [list(out.shape[1:]) for out in outputs] == facts["train_outputs"]
        assert outputs._fields[1:] == ("aux1", "aux2")


@pytest.mark.parametrize("name", ["resnet18", "vgg11", "googlenet_bn"])
def test_classes_can_be_set(name: str) -> None:
    assert archc.load(name, num_classes=10).output == (10,)
    assert archc.load(name, num_classes=10).params < FACTS[name]["params"]


def test_lenet_has_the_papers_parameters() -> None:
    """Section II.B of the paper: of each layer, and 60,000 in all before the last."""
    module = load("lenet5").module()
    paper = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    found = {name: sum(p.numel() for p in getattr(module, name).parameters()) for name in paper}
    assert found == paper
    assert sum(paper.values()) == 60_000


def rates(name: str, kind: str) -> list[float]:
    """The rates of all modules of a class, in order."""
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        modules = load(name).module().modules()
    return [getattr(m, "p", None) or m.droppath for m in modules if type(m).__name__ == kind]


@pytest.mark.parametrize(
    ("name", "blocks"), [("110", 54), pytest.param("1202", 600, marks=pytest.mark.slow)]
)
def test_stochastic_depth_decays_linearly(name: str, blocks: int) -> None:
    """p_l = 1 - l/L (1 - p_L) with p_L = 0.5, l = 1 ... L counting blocks."""
    found = rates(f"stochastic_depth_resnet{name}", "StochasticDepth")
    assert found == pytest.approx([0.5 * block / blocks for block in range(1, blocks + 1)])


def test_fractalnet_drops_paths_and_features() -> None:
    assert set(rates("fractalnet", "Join")) == {0.15}
    by_block = [rate for rate in (0.1, 0.2, 0.3, 0.4) for _convolution in range(7)]
    assert rates("fractalnet", "Dropout") == pytest.approx(by_block)


@pytest.mark.parametrize("name", ["fractalnet", "stochastic_depth_resnet110", "googlenet"])
@pytest.mark.slow
def test_a_training_step(name: str) -> None:
    """Random paths leave every output finite, and gradients flow."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = load(name).module(num_classes=10).train()
    for _ in range(3):
        outputs = module(torch.randn(2, *FACTS[name]["input"]))
        outputs = [outputs] if torch.is_tensor(outputs) else outputs
        loss = sum(output.square().mean() for output in outputs)
        assert loss.isfinite()
        module.zero_grad()
        loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())
    assert sum(p.grad is not None for p in module.parameters()) > 10

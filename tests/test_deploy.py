"""`archc build --form deploy`: the network for inference, with the weights of its training form."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from nets import check_tidy, check_typed, net_of, randomise
from random_networks import LIMITS, program

import archc
from archc import cli
from archc.net import class_of
from archc.passes.deploy import kernels

torch = pytest.importorskip("torch")

ALL = sorted(archc.bundled())
# Batch norm in blocks, groups and rows; heads; pre-activations; columns with dropout; drop-path.
FAST = {
    "resnet18", "googlenet_bn", "densenet_40_12", "fractalnet", "squeezenet1_1",
}  # fmt: skip
RUNS = [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in ALL]


def deployed(net: archc.Net) -> Any:
    """The generated class."""
    return class_of(net.name, net.analysis.emit_deployed())


def inputs(net: archc.Net, dtype: Any) -> list[Any]:
    plan = net.analysis.plan
    assert plan is not None
    found = []
    for x in plan.body.inputs:
        assert x.shape is not None
        found.append(torch.randn(2, *map(int, x.shape.dims), dtype=dtype))
    return found


def listed(result: Any) -> list[Any]:
    """The outputs, heads that eval mode leaves out left out."""
    return [result] if isinstance(result, torch.Tensor) else [y for y in result if y is not None]


def check(net: archc.Net, dtype: Any = None) -> tuple[Any, Any]:
    """Both forms give the same to 1e-5 of the largest output; gives both modules."""
    torch.manual_seed(0)
    trained = net.module().to(dtype).eval()
    randomise(trained)
    state = trained.state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    module = deployed(net)
    if dtype is not None:
        torch.set_default_dtype(dtype)
    try:
        ready = module.from_training(state)
    finally:
        torch.set_default_dtype(torch.float32)
    assert not ready.training
    assert all(torch.equal(before[name], tensor) for name, tensor in state.items())
    xs = inputs(net, dtype)
    with torch.inference_mode():
        for a, b in zip(listed(ready(*xs)), listed(trained(*xs)), strict=True):
            if isinstance(a, torch.Tensor):
                bound = 1e-10 if dtype is not None else 1e-5
                scale = float(b.nan_to_num().abs().max()) or 1.0
                torch.testing.assert_close(a, b, rtol=0, atol=bound * scale, equal_nan=True)
    return trained, ready


@pytest.mark.parametrize("name", RUNS)
def test_equal_to_the_training_form(name: str) -> None:
    trained, ready = check(archc.load(name))
    kinds = [type(module).__name__ for module in ready.modules()]
    assert not {kind for kind in kinds if "Drop" in kind or kind == "PathSampler"}
    again = deployed(archc.load(name))()
    again.load_state_dict(ready.state_dict(), strict=True)
    numbers = sum(tensor.numel() for tensor in ready.state_dict().values())
    assert numbers <= sum(tensor.numel() for tensor in trained.state_dict().values())


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(s, marks=pytest.mark.slow)
                                                for s in range(12, 400))])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_random_networks(seed: int) -> None:
    check(net_of(program(seed).text, LIMITS), torch.float64)


TRICKY = {
    "both uses of a tensor": "a: conv 3x3 p1 x4; bn; add< identity | @a >",
    "twice": "conv 3x3 p1 x4 nobias; bn; bn",
    "linear": "gap; flatten; fc 8 nobias; dropout 0.3; bn; relu; fc 4",
    "no statistics": "conv 1x1 x4 nobias; bn notrack; bn noaffine",
    "weights used again": "c: conv 3x3 p1 x3; b: bn; reuse c; reuse b",
    "dropout between": "{ conv 1x1 x4 nobias; dropout; bn; relu; dropout }; conv 1x1 x4",
    "grouped": "conv 3x3 p1 x6 g3 nobias; bn eps=1e-2; relu",
    "drop-path": "residual< conv 3x3 p1 x3 nobias; bn; droppath 0.2 rescale_eval >",
    "shortcut of the same input": "residual< conv 1x1 x4; bn; relu; conv 1x1 x8 | conv 1x1 x8 >",
    "different activations": "concat< conv 1x1 x4; relu | conv 1x1 x4; gelu | conv 1x1 x2; gelu >",
    "groups of branches": "concat< a: { conv 1x1 x4; bn; relu; conv 1x1 x2 } | conv 1x1 x3; relu >",
    "a labelled group": "g: concat< conv 1x1 x4 | conv 1x1 x2 >; relu",
    "combinator in a place": "{ concat< conv 1x1 x4 | conv 1x1 x2 >; relu }",
    "transposed": "deconv 2x2/2 x4 nobias; bn",
}


@pytest.mark.parametrize("text", TRICKY.values(), ids=TRICKY)
def test_tricky_networks(text: str) -> None:
    check(net_of(f"network Tricky\ninput 6x6 x3\n{text}\n"), torch.float64)


# --- what it saves -----------------------------------------------------------------------


def started(module: Any, xs: list[Any]) -> int:
    """What torch computes in a pass, views left out: counted by its dispatcher."""
    from torch.utils._python_dispatch import TorchDispatchMode

    views = "view flatten narrow slice t detach squeeze unsqueeze split chunk alias empty".split()
    count = 0

    class Counting(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            nonlocal count
            name = func.__name__.split(".")[0]
            count += name not in views
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Counting():
        module(*xs)
    return count


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("googlenet_bn", 195, 102), ("resnet18", 68, 48), ("densenet121", 426, 367)],
)
def test_kernels_as_torch_counts_them(name: str, before: int, after: int) -> None:
    """GoogLeNet's figures are those of shared/reference/cuda_ready.md, too."""
    net = archc.load(name)
    plan = net.analysis.plan
    assert plan is not None
    text = net.analysis.emit_deployed()
    assert f"{after} operators that compute something instead of {before}" in " ".join(text.split())
    assert kernels(plan) == before
    with torch.device("meta"):
        xs = [x.to("meta") for x in inputs(net, None)]
        assert started(net.module().eval(), xs) == before
        assert started(deployed(net)().eval(), xs) == after


# --- its text ----------------------------------------------------------------------------


def test_the_plan_is_left_as_it_is() -> None:
    net = archc.load("googlenet_bn")
    before = net.source()
    net.analysis.emit_deployed()
    assert net.source() == before


def test_it_compiles_copies_and_exports() -> None:
    net = archc.load("googlenet_bn")
    module = copy.deepcopy(deployed(net)().eval())
    xs = (torch.randn(2, 3, 64, 64),)
    assert torch.equal(torch.export.export(module, xs).module()(*xs), module(*xs))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ruff_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path, range(10), ("resnet50", "densenet121", "googlenet_bn", "vgg19_bn"))
    check_tidy(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path, range(40), tuple(ALL))
    check_typed(tmp_path)


def written(folder: Path, seeds: range, names: tuple[str, ...]) -> None:
    nets = {name: archc.load(name) for name in names}
    nets |= {f"net{seed}": net_of(program(seed).text, LIMITS) for seed in seeds}
    for name, net in nets.items():
        (folder / f"{name}.py").write_text(net.analysis.emit_deployed(), encoding="utf-8")


# --- the command -------------------------------------------------------------------------


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = cli.main(["build", "resnet18", "--form", "deploy", "-o", f"{tmp_path}/"])
    assert code == 0
    assert "68 -> 48" in capsys.readouterr().err
    text = (tmp_path / "resnet18_deploy.py").read_text(encoding="utf-8")
    assert "class ResNet18(Deployed):" in text


def test_options_of_training_have_no_place(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["build", "resnet18", "--form", "deploy", "--with", "checkpointing", "-o", "-"])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "--with" in err

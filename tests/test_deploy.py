"""`archc build --form deploy`: the network for inference, with the weights of its training form."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from nets import ONE_OF_EACH, check_tidy, check_typed, net_of, randomise, small, varied
from random_networks import LIMITS, program

import archc
from archc import cli
from archc.net import class_of
from archc.transform.deploy import kernels

torch = pytest.importorskip("torch")

# Batch norm in blocks; pre-activations; none. Rows, heads, columns with dropout and drop-path are
# with the slow ones, and in the texts below.
FAST = {"resnet18", "densenet_40_12", "squeezenet1_1"}
RUNS = varied(sorted(ONE_OF_EACH), FAST)


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


def calm(module: Any) -> None:
    """Let norms scale down: with many shortcuts signals grow, and rounding errors with them."""
    with torch.no_grad():
        for m in module.modules():
            if getattr(m, "running_mean", None) is not None and m.weight is not None:
                m.weight /= 2


def check(net: archc.Net, dtype: Any = None, *, deep: bool = False) -> tuple[Any, Any]:
    """Both forms give the same to 1e-5 of the largest output, in float64 to 1e-10; gives both."""
    torch.manual_seed(0)
    trained = net.module().to(dtype).eval()
    randomise(trained)
    if deep:
        calm(trained)
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
    net = small(name)
    trained, ready = check(net, torch.float64 if net.params < 1e8 else None, deep=True)
    kinds = [type(module).__name__ for module in ready.modules()]
    assert not {kind for kind in kinds if "Drop" in kind or kind == "PathSampler"}
    again = deployed(net)()
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
    "bias before bn": "conv 3x3 p1 x4; bn; conv 3x3 p1 x4; bn noaffine",
    "bn after concat": "concat< conv 1x1 x4 | conv 1x1 x3 >; bn; relu; conv 1x1 x3",
    "what is no plain 1x1": "concat< conv 1x1 x6 g3 | conv 1x1 x3; relu | conv 1x1 x3 g3 | relu >",
    "a start used again": "concat< a: conv 1x1 x3 | conv 1x1 x4 >; conv 1x1 x3; reuse a",
    "a row used again": "a: { dropout; conv 3x3 p1 x3; dropout; bn; relu; conv 1x1 x3 }; reuse a",
    "parts of several tensors": "conv 1x1 x8; concat< narrow 0 3; conv 1x1 x2; relu "
    "| conv 1x1 x3; relu | narrow 3 3 | conv 1x1 x5; relu | narrow 6 2; relu >",
    "nothing is left": "concat< dropout | conv 1x1 x2 >; { dropout; { dropout; dropout } }; "
    "{ dropout * 3; conv 1x1 x4 }; for i in 1..3 { dropout }; a: { dropout }; reuse a",
    "labels among places": "{ dropout; conv 3x3 p1 x4; a: bn; dropout; conv 3x3 p1 x4; bn }",
    "a group that is no row": "{ conv 1x1 x4; bn; dropout; a: relu; conv 1x1 x4; "
    "add< identity | @a >; dropout; conv 1x1 x2; bn }",
}
UNITS = """
block start(c) { concat< conv 1x1 x(c); relu | { conv 1x1 x(2 * c); bn; relu; conv 3x3 p1 x3 } > }
block mixed(c) { concat< conv 1x1 x(c); gelu | conv 1x1 x2; relu | conv 1x1 x(c); gelu | relu > }
sequence row(c) { dropout; if c > 4 { conv 3x3 p1 x(c) }; bn; relu; conv 3x3 p1 x(c); bn; dropout }
block norm(c) { conv 3x3 p1 x(c); if c > 4 { bn } else { relu }; conv 1x1 x(c); if c > 5 { bn } }
block later(c) { conv 3x3 p1 x(c); if c > 4 { relu }; bn }
sequence pair(c) { conv 1x1 x(c) nobias; bn eps=1e-2 }
block moved(c, eps) {
  body: { if c > 3 { pair(c) }; pair(c); { conv 1x1 x(c) nobias; bn eps=(eps) } }
}
block again(c) { conv 3x3 p1 x(c) nobias; bn; relu }
input 6x6 x3
"""
USES = (
    "for i in 2..4 { start(i); dropout }; mixed(2); mixed(3)",
    "row(4); row(5); row(6)",
    "norm(4); norm(5); norm(6)",
    "later(4); later(5); later(6)",
    "moved(3, 1e-2); moved(4, 1e-2)",
    "moved(3, 1e-5); moved(4, 1e-5)",
    "a: again(3); reuse a; concat< b: again(3) | again(4) >; conv 1x1 x3; reuse b",
)


@pytest.mark.parametrize("text", TRICKY.values(), ids=TRICKY)
def test_tricky_networks(text: str) -> None:
    check(net_of(f"network Tricky\ninput 6x6 x3\n{text}\n"), torch.float64)


@pytest.mark.parametrize("text", USES)
def test_blocks_whose_calls_differ(text: str) -> None:
    check(net_of(f"network Tricky\n{UNITS}{text}\n"), torch.float64)


SEVERAL = """
network Several
input a 6x6 x3
input b 6x6 x3
block unit() { conv 3x3 p1 x4 nobias; bn }
@a; x: unit(); @b; y: reuse x; add< @x | @y >; output sum
concat< conv 1x1 x3; relu | conv 1x1 x3; relu >; dropout; output features
aux < gap; flatten; fc 3 >
conv 1x1 x3; output scores
"""


def test_other_dimensions_and_several_ends() -> None:
    body = "conv 3 p1 x4; bn; concat< conv 1 x4; relu | conv 1 x3; relu >"
    check(net_of(f"network Signal\ninput 6 x3\n{body}\n"), torch.float64)
    check(net_of(f"network Clip\ninput 4x4x4 x3\n{body}\n"), torch.float64)
    check(net_of(SEVERAL), torch.float64)


# --- what it saves -----------------------------------------------------------------------


def started(module: Any, xs: list[Any]) -> int:
    """What torch computes in a pass, views left out: counted by its dispatcher."""
    from torch.utils._python_dispatch import TorchDispatchMode

    views = "view flatten narrow slice t detach squeeze unsqueeze chunk alias empty".split()
    views += ["split", "split_with_sizes"]
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
    [
        pytest.param("googlenet_bn", 195, 102, marks=pytest.mark.slow),
        ("resnet18", 68, 48),
        pytest.param("densenet121", 426, 367, marks=pytest.mark.slow),
    ],
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


# --- wrong weights -----------------------------------------------------------------------


def test_weights_of_another_network() -> None:
    """A bias everywhere: without a batch norm to fold, nothing else would be missing."""
    text = "input 6x6 x3\ng: { conv 3x3 p1 x4; bn; relu; conv 3x3 p1 x4 }\n"
    ready = deployed(net_of(f"network Normed\n{text}"))
    other = net_of(f"network Plain\n{text.replace('bn; ', '')}").module().state_dict()
    with pytest.raises(RuntimeError, match=r'Missing key in state_dict: "g\.1\.running_mean"'):
        ready.from_training(other)
    with pytest.raises(RuntimeError, match=r'Missing key.*"g\.0\.weight"'):
        ready.from_training({})


# --- its text ----------------------------------------------------------------------------


# Branches share a convolution, and are split again: many seconds.
SPLIT = pytest.param("googlenet_bn", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", ["squeezenet1_1", SPLIT])
def test_the_plan_is_left_as_it_is(name: str) -> None:
    net = archc.load(name)
    before = net.source()
    net.analysis.emit_deployed()
    assert net.source() == before


@pytest.mark.parametrize("name", ["squeezenet1_1", SPLIT])
def test_it_compiles_copies_and_exports(name: str) -> None:
    net = archc.load(name)
    module = copy.deepcopy(deployed(net)().eval())
    xs = (torch.randn(2, 3, 64, 64),)
    assert torch.equal(torch.export.export(module, xs).module()(*xs), module(*xs))


def body_of(text: str, name: str, deploy: bool = True) -> str:
    """The lines of one class."""
    net = net_of(f"network Net\n{text}")
    source = net.analysis.emit_deployed() if deploy else net.source()
    return source.partition(f"class {name}(")[2].partition("\n\n\n")[0]


def test_parts_are_split_at_once() -> None:
    lines = body_of(f"{UNITS}mixed(2); mixed(3)\n", "Mixed")
    assert "self.widths = [c, c]" in lines
    assert "branch1, branch3 = torch.split(out, self.widths, 1)" in lines
    lines = body_of("input 6x6 x3\nconcat< conv 1x1 x4 | conv 1x1 x2; bn >\n", "Net")
    assert "branch1, branch2 = torch.split(x, [4, 2], 1)" in lines


def test_a_users_own_parts_are_split_at_once() -> None:
    text = "input 6x6 x8\nconcat< narrow 3 5; conv 1x1 x2 | relu | narrow 0 3 >\n"
    lines = body_of(text, "Net", deploy=False)
    assert "branch3, branch1 = torch.split(x, [3, 5], 1)" in lines
    for other in (text.replace("0 3", "0 2"), text.replace("x8", "x9")):  # a gap, a rest
        assert "split" not in body_of(other, "Net", deploy=False)
    # whole at these arguments alone
    unit = "block unit(c) { concat< narrow 0 (c); relu | narrow (c) 4 > }\n"
    assert "split" not in body_of(f"{unit}input 6x6 x8\nunit(4) * 2\n", "Unit", deploy=False)
    right = unit.replace("(c) 4", "(c) (in.c - c)")
    lines = body_of(f"{right}input 6x6 x8\nunit(4); unit(3)\n", "Unit", deploy=False)
    assert "self.widths = [c, 8 - c]" in lines


def test_parts_are_variables_of_their_own() -> None:
    text = (
        "input a 6x6 x8\ninput b x3\n@a; residual< narrow 0 4; conv 1x1 x4 | narrow 4 4 >; relu\n"
    )
    lines = body_of(text, "Net", deploy=False)
    assert "\n        x, shortcut = torch.split(a, [4, 4], 1)\n" in lines


def test_a_label_keeps_its_name_from_what_has_none() -> None:
    """`relu`, `widths`: modules and lists without weights give way, wherever they stand."""
    net = net_of(
        "network Net\ninput 6x6 x4\nblock unit(c) { relu; relu: conv 1x1 x(in.c); relu6; relu\n"
        "concat< narrow 0 (c) | narrow (c) (in.c - c) >; widths: conv 1x1 x4; relu }\n"
        "unit(1); unit(2)\n"
    )
    assert {"unit1.relu.weight", "unit1.widths.weight"} <= net.module().state_dict().keys()
    check(net, torch.float64)


@pytest.mark.parametrize("name", ["vgg11_bn", "squeezenet1_1", SPLIT])
def test_rows_have_no_gaps(name: str) -> None:
    assert "Identity" not in archc.load(name).analysis.emit_deployed()


def test_survival_is_an_expression() -> None:
    """Of stochastic depth as the paper has it: one class, not one a unit."""
    source = archc.load("stochastic_depth_resnet110").analysis.emit_deployed()
    assert "self.times = Times(1 - 0.5 * nth / blocks)" in source
    assert source.count("class Basic") == 1


def test_nothing_of_drop_path_is_left() -> None:
    source = archc.load("fractalnet").analysis.emit_deployed()
    assert not any(word in source for word in ("PathSampler", "dropout: float", "torch.rand"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ruff_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path, range(10), ("resnet50", "densenet121", "googlenet_bn", "vgg19_bn"))
    check_tidy(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path, range(40), ONE_OF_EACH)
    check_typed(tmp_path)


def written(folder: Path, seeds: range, names: Iterable[str]) -> None:
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

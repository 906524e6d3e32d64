"""`archc build --with`: what a generated file has only where it is asked for."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from nets import ONE_OF_EACH, check_tidy, check_typed, net_of
from random_networks import LIMITS, program
from tracking import shape_of, training_peak

import archc
from archc import api, cli
from archc.analysis.memory import checkpointable
from archc.emit.options import Options, Unsuited
from archc.net import class_of
from archc.source import Source

torch = pytest.importorskip("torch")

# No batch norm and labelled starts; list of features; drop-path; columns with a shared sampler.
SOME = ("alexnet", "densenet_40_12", "stochastic_depth_resnet110", "fractalnet")
SCALED = """
network Scaled
input 8x8 x3
block unit(c) { residual< conv 3x3 p1 x(c); ln; prelu; scale init=0.1; droppath 0.5 >; dropout }
conv 3x3 p1 x8; gn 2; unit(8) * 3; gap; flatten; fc 4 nobias
"""


def everything(analysis: api.Analysis) -> Options:
    """All options that a network has a use for."""
    plan = analysis.plan
    assert plan is not None
    block = next(iter(checkpointable(plan)), False)
    try:
        options = analysis.options(device=True, checkpointing=block, zero_init=True)
        analysis.emit(options=options)
    except Unsuited:
        options = analysis.options(device=True, checkpointing=block)
    return options


# --- device and dtype --------------------------------------------------------------------


def state(module: Any) -> list[Any]:
    return [*module.parameters(), *module.buffers()]


def check_materialised(net: archc.Net) -> None:
    """Made on "meta", filled with rubbish, started: no number of the rubbish is left."""
    module = net.module(device="meta")
    assert {tensor.device.type for tensor in state(module)} == {"meta"}
    module.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in state(module):
            tensor.fill_(float("nan") if tensor.is_floating_point() else 77)
    module.init_weights()
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        assert not (tensor.isnan() if tensor.is_floating_point() else tensor == 77).any(), name
        assert not name.endswith("running_var") or (tensor == 1).all()


@pytest.mark.parametrize("name", ["densenet_40_12", "fractalnet"])
def test_made_on_meta_and_started_later(name: str) -> None:
    check_materialised(archc.load(name))


def test_bare_weights_start_with_their_class() -> None:
    net = net_of(
        "input 4x4 x3\nblock b(s) { gamma: scale bare init=0.5; conv 1x1 x3 }\n"
        "b(1); b(2)\ntau: scale bare single init=2.0"
    )
    check_materialised(net)
    module = net.module(device="meta").to_empty(device="cpu")
    module.init_weights()
    started = [float(x.detach()[0]) for name, x in module.named_parameters() if "conv" not in name]
    assert sorted(started) == [0.5, 0.5, 2.0]


def test_a_bare_weight_that_starts_in_two_ways_is_told() -> None:
    net = net_of("input 4x4 x3\nblock b(s) { gamma: scale bare init=(s); conv 1x1 x3 }\nb(1); b(2)")
    with pytest.raises(Unsuited, match="bare weight"):
        net.module(device="meta")


def test_support_classes_take_a_device_too() -> None:
    net = net_of(SCALED)
    check_materialised(net)
    module = net.module(device="meta").to_empty(device="cpu")
    module.init_weights()
    assert module.unit1.scale1.weight.tolist() == pytest.approx([0.1] * 8)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ONE_OF_EACH))
def test_every_kind_of_network_can_be_made_on_meta(name: str) -> None:
    check_materialised(archc.load(name))
    check_reached(archc.load(name))


@pytest.mark.parametrize("name", ["resnet50", "googlenet", *SOME])
def test_device_and_dtype_reach_every_tensor(name: str) -> None:
    check_reached(archc.load(name))


def check_reached(net: archc.Net) -> None:
    module = net.module(device="meta", dtype=torch.bfloat16)
    assert all(tensor.is_meta for tensor in state(module))
    floating = {tensor.dtype for tensor in state(module) if tensor.is_floating_point()}
    assert floating == {torch.bfloat16}


def test_starts_as_torchvision_does() -> None:
    """The same distributions, also of what the file leaves to torch: fc, batch norms."""
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    ours = archc.load("resnet18").module(device="meta").to_empty(device="cpu")
    ours.init_weights()
    theirs = torchvision.models.resnet18().state_dict()
    for name, tensor in ours.state_dict().items():
        if tensor.numel() > 1000:
            assert float(tensor.std()) == pytest.approx(float(theirs[name].std()), rel=0.1), name
        elif name.endswith(("bn1.weight", "running_var")):
            assert torch.equal(tensor, theirs[name])


# --- checkpointing -----------------------------------------------------------------------


def step(module: Any, x: Any, run: Any = None) -> list[list[Any]]:
    """Outputs, gradients and buffers of a pass forward and backward, with the same dice."""
    torch.manual_seed(3)
    made = (module if run is None else run)(x)
    outputs = [y for y in (made if isinstance(made, tuple) else (made,)) if y is not None]
    sum((y * torch.linspace(-1, 1, y.numel()).view(y.shape)).sum() for y in outputs).backward()
    gradients = [parameter.grad for parameter in module.parameters()]
    return [outputs, gradients, [buffer.clone() for buffer in module.buffers()]]


def check_exact(net: archc.Net, *shape: int, compiled: bool = False) -> None:
    """Computing again changes no bit: of outputs, gradients, statistics, dropout.

    Compiled against compiled, since dropout throws other dice there than eagerly.
    """
    torch.manual_seed(1)
    plain, lean = net.module().train(), net.module(grad_checkpointing=True).train()
    lean.load_state_dict(plain.state_dict(), strict=True)
    x = torch.randn(2, *shape)
    found = []
    for module in (plain, lean):
        torch._dynamo.reset()
        run = torch.compile(module, backend="aot_eager", fullgraph=True) if compiled else None
        found.append(step(module, x, run))
    for ours, wanted in zip(*found, strict=True):
        for a, b in zip(ours, wanted, strict=True):
            assert torch.equal(a, b)


def test_checkpointing_is_exact() -> None:
    check_exact(net_of(DENSE), 3, 16, 16)
    check_exact(net_of(SCALED), 3, 8, 8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_checkpointing_compiles_to_one_graph() -> None:
    check_exact(net_of(SCALED), 3, 8, 8, compiled=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["resnet18", "densenet_40_12", "googlenet_bn", "fractalnet", SOME[2]]
)
def test_networks_with_checkpointing_compile_to_one_graph(name: str) -> None:
    size = 64 if name in ("resnet18", "googlenet_bn") else 32
    check_exact(archc.load(name), 3, size, size, compiled=True)


def test_recomputed_blocks_survive_copies() -> None:
    module = archc.load("resnet18").module(grad_checkpointing=True)
    again = copy.deepcopy(module)
    assert all(m.grad_checkpointing for m in again.modules() if hasattr(m, "grad_checkpointing"))
    for other in module.modules():
        if hasattr(other, "grad_checkpointing"):
            other.grad_checkpointing = False
    assert again.layer1[0].grad_checkpointing
    assert not module.layer1[0].grad_checkpointing


DENSE = """
network Dense
input 16x16 x3
block layer(growth) { bn; relu; conv 3x3 p1 x(growth) nobias }
block two(growth) { for i in 1..2 { dense< l{i}: layer(growth) > } }
block many(count, growth) { for i in 1..count { dense< l{i}: layer(growth) > } }
conv 3x3 p1 x8; two(4); many(5, 4); many(3, 8); gap; flatten; fc 4
"""
ALONE = DENSE.replace("gap", "layer(8); gap")  # takes one tensor there: no list of features


@pytest.mark.parametrize("text", [DENSE, pytest.param(ALONE, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore")
def test_memory_of_dense_layers(text: str) -> None:
    net = net_of(text)
    options = net.analysis.options(checkpointing="layer")
    source = net.source(options=options)
    assert ("def forward(self, *features: Tensor)" in source) == (text == DENSE)
    assert source.count("features = [x]") == 2 * (text == DENSE)
    check_exact(net, 3, 16, 16)
    check_memory(net, "layer", 64)


def check_memory(net: archc.Net, block: str, batch: int) -> None:
    """What `fit` predicts is what torch's tracker counts of the generated module."""
    from archc.analysis.setting import RunSetting

    setting = RunSetting(checkpoint=block, tracked=True)
    predicted = net.analysis.memory(setting).train.peak(batch).bytes(batch)
    made = class_of(net.name, net.source(options=net.analysis.options(checkpointing=block)))
    measured = training_peak(partial(made, grad_checkpointing=True), shape_of(net), batch)
    assert predicted == pytest.approx(measured, rel=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("resnet50", "bottleneck"),
        ("densenet121", "dense_layer"),
        ("densenet121", "dense_block"),
        ("densenet121", "transition"),
        ("googlenet_bn", "inception"),
        ("fractalnet", "unit"),
        ("vgg16", "features"),
    ],
)
def test_predicted_memory_is_measured(name: str, block: str) -> None:
    check_memory(archc.load(name), block, 8)


def test_a_lean_densenet_takes_a_third() -> None:
    """The figure that issue 4 asks for, by the prediction that the test above holds to torch."""
    analysis = archc.load("densenet121").analysis
    plain = analysis.memory().train.peak(32).bytes(32)
    lean = analysis.memory(best_checkpoint_at=32)
    assert lean.setting.checkpoint == "dense_layer"
    assert lean.train.peak(32).bytes(32) < 0.35 * plain


def test_what_calls_itself_is_not_computed_again() -> None:
    analysis = archc.load("fractalnet").analysis
    assert analysis.plan is not None
    assert checkpointable(analysis.plan) == ("unit",)


# --- zero-init ---------------------------------------------------------------------------


def test_zero_init_makes_units_the_identity() -> None:
    torchvision = pytest.importorskip("torchvision")
    net = archc.load("resnet50")
    theirs = torchvision.models.resnet50(zero_init_residual=True).state_dict()
    for module in (net.module(zero_init_residual=True), net.module(zero_init_residual=False)):
        zeros = {name for name, t in module.state_dict().items() if t.dim() == 1 and not t.any()}
        gammas = {name for name in zeros if name.endswith("weight")}
        wanted = {n for n, t in theirs.items() if n.endswith("weight") and not t.any()}
        assert gammas == (wanted if module.zero_init_residual else set())
    net = archc.load("stochastic_depth_resnet110")
    unit = net.module(zero_init_residual=True).stage1[3].eval()
    x = torch.rand(1, 16, 4, 4)
    assert torch.equal(unit(x), x)


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_b0", "regnet_y_400mf"])
def test_zero_init_finds_the_norm_at_the_end_of_a_group(name: str) -> None:
    """And leaves those alone to which nothing is added: a net that ends in zeros learns nothing."""
    module = archc.load(name).module(zero_init_residual=True)
    flag = "stochastic_depth" if name == "efficientnet_b0" else "residual"
    units = [m for m in module.modules() if hasattr(m, flag)]
    zeroed = {name for name, t in module.named_parameters() if "bias" not in name and not t.any()}
    if units:
        added = [unit for unit in units if getattr(unit, flag)]
        assert len(zeroed) == len(added) < len(units)
        unit = added[0].eval()
        width = next(unit.parameters()).shape[1]
        x = torch.rand(1, width, 7, 7)
        assert torch.equal(unit(x), x)
    else:
        assert len(zeroed) == sum(hasattr(m, "f") for m in module.modules())


def test_zero_init_asks_what_forward_asks() -> None:
    text = (
        "network Optional\ninput 8x8 x8\n"
        "block unit(c, s=1) {\n"
        "  residual if (s < 2 and in.c == c) <\n"
        "    conv 3x3/(s) p1 x(c) nobias; bn; if s < 2 { droppath 0.1 }\n"
        "  >\n"
        "}\n"
        "block other(c, skips) { residual if (skips) < conv 1x1 x(c); relu > }\n"
        "unit(8); unit(8, 2); unit(16); unit(16); other(16, true); gap; flatten; fc 2\n"
    )
    analysis = api.analyze(Source("optional.arch", text))
    source = analysis.emit(options=analysis.options(zero_init=True))
    assert (
        "                if isinstance(module, Unit) and module.residual:\n"
        "                    nn.init.zeros_(module.bn1.weight)\n\n"
    ) in source
    assert "isinstance(module, Other)" not in source


# --- the text of the files ---------------------------------------------------------------


def test_nothing_of_an_option_is_there_unasked() -> None:
    source = archc.load("densenet121").source()
    assert not any(w in source for w in ("factory", "device", "Recomputed", "zero_init", "Any"))


def written(folder: Path, seeds: range, names: Iterable[str]) -> None:
    analyses = {name: archc.load(name).analysis for name in names} | {
        f"net{seed}": api.analyze(Source("random.arch", program(seed).text), limits=LIMITS)
        for seed in seeds
    }
    for name, analysis in analyses.items():
        text = analysis.emit(options=everything(analysis))
        (folder / f"{name}.py").write_text(text, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ruff_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path, range(10), ("resnet50", "densenet121", "googlenet", "fractalnet", "vgg11_bn"))
    check_tidy(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path, range(40), ONE_OF_EACH)
    check_typed(tmp_path)


# --- the command -------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(["build", *argv, "-o", "-"])
    return code, *capsys.readouterr()


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "resnet18", "--with", "device,checkpointing,zero-init")
    assert code == 0
    for keyword in ("device", "dtype", "grad_checkpointing", "zero_init_residual"):
        assert f"        {keyword}: " in out
    code, out, _ = run(capsys, "densenet_40_12", "--with", "checkpointing=dense_block")
    assert code == 0
    assert "class DenseBlock(Recomputed):" in out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("resnet18", "--with", "devices"), "'devices' is none of device, checkpointing"),
        (("resnet18", "--with", "device=cuda"), "'device=cuda' is none of"),
        (("resnet18", "--with", "checkpointing=basi"), "no block 'basi' can be computed again"),
        (("fractalnet", "--with", "checkpointing=fractal"), "there are unit"),
        (("alexnet", "--with", "checkpointing"), "no block is worth computing again"),
        (("vgg11", "--with", "zero-init"), "no residual body of a block ends with a batch norm"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], says: str) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert says in err


def test_a_name_that_is_taken(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "taken.arch"
    text = "network Taken\nparam device = 4\ninput x3\nfc (device)\n"
    path.write_text(text, encoding="utf-8")
    code, out, err = run(capsys, str(path), "--with", "device")
    assert (code, out) == (2, "")
    assert "Taken has an argument `device` already: rename it" in err
    assert archc.load(path).module(device=5)(torch.zeros(1, 3)).shape == (1, 5)

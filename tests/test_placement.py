"""`archc build --placement`: a network in towers, each on a device that the file names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nets import check_tidy, check_typed, net_of, randomise

import archc
from archc import cli
from archc.emit.options import Unsuited
from archc.net import class_of

torch = pytest.importorskip("torch")

TWO = ("cpu", "cpu")
# Batch norms, depthwise, a loop, a param that is a width, operators behind the last exchange.
CHAIN = """
network Chain
param width = 8
param classes = 5
input 12x12 x3
devices "cuda:0" "cuda:1"
pad 1; conv 3x3 x(width) nobias; bn; relu; pool 2x2
for i in 1..2 { deep{i}: conv 3x3 p1 g(in.c) x(in.c); gn 2; leaky_relu }
lrn 3 alpha=0.5 g2
conv 3x3 p1 x(2 * width) g2; inorm affine; gelu; dropout 0.3
mixed: conv 1x1 x12; sigmoid; gap; flatten
fc 6; tanh
fc (classes); softmax
"""
THREE = """
network Three
input x9
devices "cuda:0" "cuda:1" "cpu"
fc 12; relu; fc 6; relu; fc 7
"""
# No layer but the first sees all channels: what the towers made is only put together.
APART = """
network Apart
input 8x8 x4
devices "xpu" "xpu:1"
conv 3x3 p1 x8; relu; conv 3x3 g4 x8; relu; gap; flatten
"""


def placed(net: archc.Net) -> Any:
    """The generated class."""
    return class_of(net.name, net.analysis.emit_placed())


def pair(net: archc.Net, devices: tuple[str, ...] = TWO, **params: Any) -> tuple[Any, Any, Any]:
    """Both forms with the same weights, in eval mode, and an input."""
    torch.manual_seed(0)
    grouped = net.module(**params).eval()
    randomise(grouped)
    made = placed(net).from_grouped(grouped.state_dict(), devices=devices, **params).eval()
    plan = net.analysis.plan
    assert plan is not None
    assert plan.body.input.shape is not None
    return grouped, made, torch.randn(3, *map(int, plan.body.input.shape.dims))


# --- against the network on one device ---------------------------------------------------


def check(
    net: archc.Net, devices: tuple[str, ...] = TWO, train: bool = False, **params: Any
) -> None:
    """Outputs, gradients, statistics are those of the grouped network, to 1e-5 of the largest."""
    grouped, made, x = pair(net, devices, **params)
    results = []
    for module in (grouped, made):
        module.train(train)
        for part in module.modules():
            if isinstance(part, torch.nn.Dropout):
                part.eval()  # each tower has dice of its own
        y = module(x)
        (y * torch.linspace(-1, 1, y.numel()).view(y.shape)).sum().backward()
        results.append(y.detach())
    close(results[1], results[0])
    found, wanted = made.grouped(), grouped.state_dict()
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        close(found[name].double(), tensor.double())  # after a step of the statistics
    for parameter in made.parameters():
        parameter.data = parameter.grad
    found = made.grouped()
    for name, parameter in grouped.named_parameters():
        close(found[name], parameter.grad)


def close(a: Any, b: Any) -> None:
    assert a.shape == b.shape
    assert float((a - b).abs().max()) <= 1e-5 * max(float(b.abs().max()), 1e-3)


@pytest.mark.slow
def test_alexnet_gives_what_the_grouped_one_gives() -> None:
    grouped, made, x = pair(archc.load("alexnet_2gpu"))
    with torch.inference_mode():
        expected = grouped(x[:1])
        close(made(x[:1]), expected)
    assert float(expected.std()) > 0.1


@pytest.mark.slow
def test_alexnet_learns_as_the_grouped_one_does() -> None:
    check(archc.load("alexnet_2gpu"))


@pytest.mark.parametrize(
    ("text", "devices"), [(CHAIN, TWO), (THREE, ("cpu", "cpu", "cpu")), (APART, TWO)]
)
@pytest.mark.parametrize("train", [False, True])
def test_small_networks_are_the_grouped_ones(
    text: str, devices: tuple[str, ...], train: bool
) -> None:
    check(net_of(text), devices, train)


def test_params_are_arguments() -> None:
    net = net_of(CHAIN)
    check(net, width=12, classes=7)
    source = net.analysis.emit_placed()
    assert "self.tower0 = Tower(width)" in source
    assert "nn.Linear(6, classes)" in source
    assert "nn.Conv2d(3, width // 2, 3, bias=False)" in source


def test_a_param_that_changes_the_row_is_as_it_is() -> None:
    text = CHAIN.replace("1..2", "1..depth").replace("param width", "param depth = 2\nparam width")
    net = net_of(text)
    source = net.analysis.emit_placed()
    assert "Built with depth = 2." in source
    assert "width: int = 8" in source
    check(net, width=16)


def test_odd_numbers_of_a_param_are_not_asked_for() -> None:
    text = 'network Odd\nparam width = 6\ninput x9\ndevices "cpu" "mps"\nfc (width); relu; fc 3\n'
    check(net_of(text), width=10)


def test_names_that_are_taken() -> None:
    check(net_of(THREE.replace("Three", "Tower")), ("cpu",) * 3)
    for name in ("Placed", "Sequence"):
        with pytest.raises(Unsuited, match=f"`{name}` is a name"):
            net_of(THREE.replace("Three", name)).analysis.emit_placed()


def test_normalising_across_the_border_is_another_network() -> None:
    """So `lrn` without groups must not be shared: those channels are on the other device."""
    text = CHAIN.replace("alpha=0.5 g2", "alpha=0.5")
    torch.manual_seed(0)
    whole, grouped = net_of(text.replace("devices", "# ")).module(), net_of(CHAIN).module()
    randomise(whole)
    grouped.load_state_dict(whole.state_dict())
    x = torch.randn(3, 3, 12, 12)
    assert not torch.allclose(whole.eval()(x), grouped.eval()(x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_is_one_graph() -> None:
    grouped, made, x = pair(net_of(CHAIN))
    with torch.no_grad():
        expected = grouped(x)
        close(torch.compile(made, backend="eager", fullgraph=True)(x), expected)
        close(torch.export.export(made, (x,), strict=True).module()(x), expected)


def test_the_start_is_the_files() -> None:
    """Caffe's and the file's: std and bias of each layer, in both towers."""
    torch.manual_seed(0)
    state = placed(archc.load("alexnet_2gpu"))(devices=TWO).state_dict()
    for tower in ("tower0", "tower1"):
        for name, std, bias in (("conv1", 0.01, 0), ("conv4", 0.01, 0.1), ("fc6", 0.005, 0.1)):
            assert float(state[f"{tower}.{name}.weight"].std()) == pytest.approx(std, rel=0.02)
            assert (state[f"{tower}.{name}.bias"] == bias).all()
    assert float(state["fc8.weight"].std()) == pytest.approx(0.01, rel=0.02)
    assert not torch.equal(state["tower0.conv1.weight"], state["tower1.conv1.weight"])


def test_wrong_weights_and_devices() -> None:
    net = net_of(THREE)
    made = placed(net)
    with pytest.raises(ValueError, match="3 towers on 2 devices"):
        made(devices=TWO)
    state = net.module().state_dict()
    del state["fc2.bias"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"tower0.fc2.bias"'):
        made.from_grouped(state, devices=("cpu",) * 3)


# --- on fake devices ---------------------------------------------------------------------


def events(run: Callable[[], Any]) -> list[str]:
    """What computes where, and what is copied where; raises where an operator mixes devices."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    found: list[str] = []
    names = {"convolution": "conv", "addmm": "fc", "relu_": "relu", "avg_pool3d": "norm"}

    class Log(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, f: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = f(*args, **(kwargs or {}))
            tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor)]
            devices = [str(x.device) for x in tensors]
            name = f.overloadpacket.__name__
            if name == "_to_copy":
                shape = "x".join(map(str, tensors[0].shape[1:]))
                found.append(f"{shape} from {devices[0]} to {devices[-1]}")
            else:
                assert len(set(devices)) <= 1, (name, devices)
                if name in names:
                    found.append(f"{names[name]} on {devices[-1]}")
            return out

    with Log():
        run()
    return found


def swapped(shape: str) -> list[str]:
    return [f"{shape} from cuda:1 to cuda:0", f"{shape} from cuda:0 to cuda:1"]


def test_copies_are_where_the_paper_has_them() -> None:
    """Figure 2 of Krizhevsky et al.: the GPUs communicate before conv3 and the fc layers alone."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    made = placed(archc.load("alexnet_2gpu"))
    with FakeTensorMode(), torch.no_grad():
        net = made().eval()
        for name, tensor in net.state_dict().items():
            assert str(tensor.device) == ("cuda:1" if name.startswith("tower1") else "cuda:0")
        x = torch.empty(2, 3, 227, 227)
        found = events(lambda: net(x))

        def each(*names: str) -> list[str]:
            return [f"{name} on cuda:{at}" for at in (0, 1) for name in names]

        assert found == [
            *(f"3x227x227 from cpu to cuda:{at}" for at in (0, 1)),
            *each("conv", "relu", "norm", "conv", "relu", "norm"),
            *swapped("128x13x13"),
            *each("conv", "relu", "conv", "relu", "conv", "relu"),
            *swapped("4608"),
            *each("fc", "relu"),
            *swapped("2048"),
            *each("fc", "relu"),
            "2048 from cuda:1 to cuda:0",
            "fc on cuda:0",
        ]
        assert str(net(x).device) == "cuda:0"


def test_three_towers_on_other_devices() -> None:
    """The constructor's devices go before the file's."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(), torch.no_grad():
        net = placed(net_of(THREE))(devices=("cuda:2", "cuda:0", "cuda:1"))
        assert {str(x.device) for x in net.tower2.parameters()} == {"cuda:1"}
        found = events(lambda: net(torch.empty(2, 9)))
        copies = [event for event in found if " to " in event]
        assert len(copies) == 3 + 6 + 2  # the input, all to all, all to the first
        assert found[-1] == "fc on cuda:2"
        net = placed(net_of(THREE))(devices=("meta",) * 3)
        assert all(x.is_meta for x in net.parameters())


TRAINS = """
import sys, torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend as setup

setup("fakegpu")
lib = torch.library.Library("aten", "IMPL")


def empty(size, *args, dtype=None, **kwargs):
    return torch._C._acc.create_empty_tensor(list(size), dtype or torch.float32)


for name in ("empty_strided", "empty.memory_format"):
    lib.impl(name, empty, "PrivateUse1")
sys.path.insert(0, sys.argv[1])
from net import Chain

net = Chain(devices=("meta", "meta"))
net.devices = [torch.device("fakegpu:0"), torch.device("fakegpu:1")]
with FakeTensorMode():
    for name, module in net.named_modules():
        device = net.devices[name.startswith("tower1")]
        for tensors in (module._parameters, module._buffers):
            for key, x in ((k, x) for k, x in tensors.items() if x is not None):
                made = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=device)
                tensors[key] = torch.nn.Parameter(made) if x.requires_grad else made
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, foreach=False)
    x = torch.empty(4, 3, 12, 12)
    labels = torch.empty(4, dtype=torch.long, device="fakegpu:0")
    with torch.autograd.set_multithreading_enabled(False):  # fake tensors know one thread
        torch.nn.functional.cross_entropy(net(x), labels).backward()
    optimizer.step()
    for name, parameter in net.named_parameters():
        at = str(net.devices[name.startswith("tower1")])
        assert str(parameter.device) == str(parameter.grad.device) == at, name
print("trained")
"""


@pytest.mark.slow
def test_a_step_on_two_fake_devices(tmp_path: Path) -> None:
    """Gradients flow back through the copies, each to its own device. A process of its own."""
    (tmp_path / "net.py").write_text(net_of(CHAIN).analysis.emit_placed(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAINS, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "trained\n", done.stderr[-2000:]


# --- the text of the files ---------------------------------------------------------------


def test_ruff_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path)
    check_tidy(tmp_path)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    written(tmp_path)
    check_typed(tmp_path)


def written(folder: Path) -> None:
    eight = ", ".join(f'"cuda:{at}"' for at in range(8)).replace(",", "")
    wide = f"network Eight\ninput x9\ndevices {eight}\nfc 1600; relu; fc 16000; relu; fc 8; fc 3\n"
    nets = [archc.load("alexnet_2gpu"), *map(net_of, (CHAIN, THREE, APART, wide))]
    for net in nets:
        (folder / f"{net.name.lower()}.py").write_text(net.analysis.emit_placed(), encoding="utf-8")


def test_nothing_of_it_is_there_unasked() -> None:
    source = archc.load("alexnet_2gpu").source()
    assert not any(word in source for word in ("device", "cuda", "Tower", "Placed"))
    bare = CHAIN.replace("devices", "# devices")
    assert net_of(CHAIN).analysis.emit() == net_of(bare).analysis.emit()
    assert net_of(CHAIN).analysis.draw() == net_of(bare).analysis.draw()


# --- the command -------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(["build", *argv])
    return code, *capsys.readouterr()


def test_the_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "alexnet_2gpu", "--placement")
    assert code == 0
    assert "wrote alexnet_2gpu_placed.py (AlexNet2GPU: 60,965,224 parameters" in err
    assert "on cuda:0 and cuda:1; copies before conv3, fc6, fc7 and fc8)" in err
    text = (tmp_path / "alexnet_2gpu_placed.py").read_text(encoding="utf-8")
    assert 'devices: Sequence[torch.device | str] = ("cuda:0", "cuda:1")' in text
    code, _, err = run(capsys, "alexnet_2gpu", "--placement", "-D", "num_classes=101", "-o", "-")
    assert code == 0


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (("resnet18",), 1, "ResNet18: names no devices: add `devices"),
        (("alexnet_2gpu", "--train"), 2, "the whole network on each device"),
        (("alexnet_2gpu", "--form", "deploy"), 2, "of the training form"),
        (("alexnet_2gpu", "--with", "device"), 2, "has `devices`, one a tower, for `device`"),
        (("alexnet_2gpu", "--with", "zero-init"), 2, "--with zero-init is about blocks"),
        (("alexnet_2gpu", "--with", "checkpointing=a"), 2, "--with checkpointing is about blocks"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], code: int, says: str
) -> None:
    found, out, err = run(capsys, *argv, "--placement", "-o", "-")
    assert (found, out) == (code, "")
    assert len(err.splitlines()) == 1
    assert says in err


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (
            ('"cuda:1"', '"cuda:1" "cuda:2"'),
            1,
            "`conv1` has 8 outputs, which 3 devices cannot share",
        ),
        (("x12", "x13"), 1, "`mixed` has 13 outputs, which 2 devices cannot share"),
        (("g2\n", "\n"), 1, "`lrn1` needs channels of other devices"),
        (("gn 2", "gn 1"), 1, "`gn1` needs channels of other devices"),
        (("x(2 * width) g2", "x(3 * width) g4"), 0, ""),
        (("gn 2", "if width > 5 { relu }"), 1, "only operators in a row can be shared"),
        (("x(2 * width) g2", "x(2 * width); deconv 1x1 x4"), 1, "`deconv1` needs channels of"),
        (("gn 2", "softmax"), 1, "`softmax1` needs channels of other devices"),
        (("pad 1;", "bn;"), 1, "`bn1` stands before the first layer"),
        (("gn 2", "residual< relu >"), 1, "only operators in a row can be shared"),
        (("mixed:", "gather:"), 0, ""),  # in a tower, where nothing is called so
        (("fc (classes)", "gather: fc (classes)"), 1, "`gather` is a name that a placed network"),
        (("mixed:", "until_mixed: identity; mixed:"), 0, ""),
        (("classes = 5", "devices = 5"), 1, "`devices` is 5 here, not an operator or block"),
        (("softmax\n", "softmax\ntrain { init xavier }\n"), 1, "goes by how many outputs"),
        (("softmax\n", "softmax\ntrain { init he conv fan_out }\n"), 1, "goes by how many outputs"),
        (("softmax\n", "softmax\ntrain { init he }\n"), 0, ""),
        (("softmax\n", "output a\nsoftmax; output b\n"), 1, "one input and one output"),
    ],
)
def test_what_cannot_be_placed(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    change: tuple[str, str],
    code: int,
    says: str,
) -> None:
    text = CHAIN.replace(*change)
    if "devices = 5" in text:
        text = text.replace("fc (classes)", "fc (devices)")
    path = tmp_path / "net.arch"
    path.write_text(text, encoding="utf-8")
    found, out, err = run(capsys, str(path), "--placement", "-o", "-")
    assert found == code, err
    assert says in err
    assert bool(out) == (code == 0)

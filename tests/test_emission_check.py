"""What `build` writes is held against the plan before it is written: `archc.conformance`.

Every bundled network holds in every form; text that says something else is found, in words; an
edit that changes nothing is not. torch itself says whether the table of modules is right.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nets import ONE_OF_EACH, varied

from archc.api import Analysis, analyze, bundled, source_of
from archc.conformance import check_source, modules
from archc.emit import placed
from archc.emit.checked import checked_module
from archc.emit.options import Options, Unsuited
from archc.plan import Plan
from archc.source import Source

FAULTS = sorted((Path(__file__).parent / "faults" / "emission").glob("*.arch"))
FAST = {"alexnet", "densenet_40_12", "fractalnet", "googlenet", "lenet5", "resnet50", "vgg11"}
REFUSED = {"M2_negative_label"}  # `check` says why


@cache
def analysed(name: str) -> Analysis:
    return analyze(source_of(name))


@cache
def written(name: str) -> str:
    return analysed(name).emit()


def plan_of(name: str) -> Plan:
    plan = analysed(name).plan
    assert plan is not None
    return plan


# --- what is right -----------------------------------------------------------------------


@pytest.mark.parametrize("name", varied(bundled(), FAST))
def test_every_bundled_network_holds_as_it_is_first_written(name: str) -> None:
    analysis, plan = analysed(name), plan_of(name)
    options = Options()
    module = checked_module(plan, analysis.facts, analysis.cost, analysis.again, options)
    assert module.form == 0
    assert not check_source(written(name), plan, analysis.again)


@pytest.mark.parametrize("name", varied(sorted(ONE_OF_EACH | FAST), FAST))
def test_every_form_and_option_holds(name: str) -> None:
    analysis = analysed(name)
    for asked in ({"device": True}, {"checkpointing": True}, {"zero_init": True}):
        try:
            options = analysis.options(**asked)
            text = analysis.emit(options=options)
        except Unsuited:
            continue
        assert not check_source(text, plan_of(name)), asked
    deployment = analysis.deployment()

    def again(params: Mapping[str, Any], trace_sizes: bool = False) -> Plan | None:
        found = analysis.again(params, trace_sizes)
        return deployment.of(found) if found is not None else None

    text = analysis.emit_deployed(deployment=deployment)
    assert not check_source(text, deployment.made, again, moves=True)


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_what_went_wrong_once_is_written_rightly(path: Path) -> None:
    analysis = analyze(source_of(path))
    if not analysis.ok:
        assert path.stem in REFUSED
        return
    assert analysis.plan is not None
    text = analysis.emit()
    assert not check_source(text, analysis.plan)
    deployment = analysis.deployment()
    assert not check_source(analysis.emit_deployed(), deployment.made, moves=True)


# --- what is wrong -----------------------------------------------------------------------

WRONG = [
    # numbers of modules
    ("resnet50", "nn.Conv2d(3, 64, 7,", "nn.Conv2d(3, 64, 5,", "conv1"),
    ("resnet50", "7, stride=2, padding=3", "7, stride=2, padding=2", "padding"),
    ("resnet50", "7, stride=2, padding=3", "7, stride=1, padding=3", "stride"),
    ("resnet50", "7, stride=2, padding=3, bias=False", "7, stride=2, padding=3", "bias"),
    ("resnet50", "nn.Linear(2048, ", "nn.Linear(2047, ", "in_features"),
    ("resnet50", "nn.MaxPool2d(3, stride=2, padding=1)", "nn.MaxPool2d(3, stride=2)", ""),
    ("resnet50", "nn.MaxPool2d(3,", "nn.AvgPool2d(3,", ""),
    ("resnet50", "Bottleneck(64, 64)", "Bottleneck(64, 65)", "layer1"),
    ("resnet50", "in range(3)", "in range(4)", ""),
    ("resnet50", "in range(2)", "in range(1)", ""),
    ("resnet50", "stride > 1 or", "stride > 2 and", "downsample"),
    ("resnet50", "in_channels != 4 * width", "in_channels == 4 * width", ""),
    ("resnet50", "2048, num_classes)", "2048, 1000)", "num_classes"),
    ("googlenet", "nn.Dropout(0.4)", "nn.Dropout(0.5)", "Dropout"),
    ("googlenet", "nn.Dropout(0.7)", "nn.Dropout(0.4)", "Dropout"),
    ("googlenet", "ceil_mode=True", "ceil_mode=False", ""),
    ("googlenet", "Inception(192, 64, 96,", "Inception(192, 96, 64,", ""),
    ("googlenet", "128 * 4 * 4", "128 * 4 * 5", "fc1"),
    ("alexnet_2gpu", "alpha=0.0005", "alpha=0.0001", ""),
    ("alexnet_2gpu", "groups=2)", "groups=1)", ""),
    ("fractalnet", "c - 1, width", "c - 2, width", ""),
    ("fractalnet", "Join(droppath=0.15)", "Join(droppath=0.25)", "Join"),
    ("fractalnet", "PathSampler(self, 3)", "PathSampler(self, 4)", "paths"),
    ("densenet121", "in_channels + i * growth", "in_channels + (i + 1) * growth", ""),
    ("densenet121", "in_channels // 2", "in_channels // 3", ""),
    (
        "stochastic_depth_resnet110",
        "0.5 * nth / blocks",
        "0.5 * (nth + 1) / blocks",
        "StochasticDepth",
    ),
    ("stochastic_depth_resnet110", "i + 20,", "i + 19,", ""),
    ("lenet5", "(2 / 3)", "0.66666667", ""),
    ("lenet5", "x[:, 1 : self.length + 1]", "x[:, 1 : self.length]", ""),
    ("lenet5", "x[:, 3:5]", "x[:, 2:4]", ""),
    # names, and their order
    ("resnet50", "self.bn1", "self.norm1", "bn1"),
    ("densenet121", "denselayer{i + 1}", "denselayer{i}", "denselayer"),
    ("densenet121", "norm5=", "norm6=", "norm5"),
    ("vgg11", "nn.Sequential(\n", "nn.Sequential(\n            nn.Identity(),\n", ""),
    ("lenet5", "self.c1 = nn.Conv2d(1, 6, 5)\n        self.squash1 = Squash()",
     "self.squash1 = Squash()\n        self.c1x = nn.Conv2d(1, 6, 5)", "c1"),
    # what runs, on what
    ("resnet50", "self.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))", ""),
    ("resnet50", "self.relu(self.bn1(self.conv1(x)))", "self.bn1(self.relu(self.conv1(x)))", ""),
    ("resnet50", "x = self.layer2(x)", "x = self.layer2(self.layer2(x))", "layer2"),
    ("resnet50", "x = self.layer2(x)", "pass", "layer2"),
    ("resnet50", "return self.fc(x)", "return self.relu(self.fc(x))", ""),
    ("googlenet", "[branch1, branch2,", "[branch2, branch1,", ""),
    ("googlenet", "branch2 = self.branch3x3(x)", "branch2 = self.branch3x3(branch1)",
     "branch3x3"),
    ("googlenet", "side.append(self.aux1(x))", "side.append(self.aux2(x))", "aux"),
    ("googlenet", "(x, *side) if self.training", "(x, *side[::-1]) if self.training", ""),
    ("googlenet", "if self.training else x", "if not self.training else x", ""),
    ("googlenet", "    aux1: Tensor", "    first: Tensor", "aux1"),
    ("densenet121", "torch.cat([x, layer(x)], 1)", "torch.cat([layer(x), x], 1)", ""),
    ("densenet121", "torch.cat([x, layer(x)], 1)", "layer(x)", ""),
    ("fractalnet", "        self.paths.draw()\n", "", "paths"),
    ("squeezenet1_0_complex_bypass", "self.fire2(x) + self.bypass2(x)",
     "self.fire2(x) - self.bypass2(x)", ""),
    ("wrn_28_10", "self.conv3(active)", "self.conv3(x)", "conv3"),
    ("wrn_28_10", "out + x", "out + active", ""),
    ("vgg11", "in_channels = width", "in_channels = 64", ""),
    ("vgg11", "range(depths[stage])", "range(1, depths[stage])", ""),
    # in place
    ("wrn_28_10", "active = self.active(self.bn1(x))", "active = self.active(x)", ""),
    ("inception_naive", "nn.MaxPool2d(3, stride=1, padding=1)",
     "nn.Sequential(nn.ReLU(inplace=True))", ""),
    # Python that would fail, or that is none
    ("resnet50", "self.fc = nn.Linear", "self.fx = nn.Linear", "fc"),
    ("resnet50", "        super().__init__()\n", "", "super"),
    ("resnet50", "self.fc(x)", "self.fc(x", "no Python"),
    ("resnet50", "return self.fc(x)", "return __import__('os').getcwd()", "__import__"),
    ("densenet121", "for layer in self.children()", "while True", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "said"), WRONG)
def test_text_that_says_something_else_is_found(name: str, old: str, new: str, said: str) -> None:
    text = written(name)
    assert old in text
    found = check_source(text.replace(old, new), plan_of(name), analysed(name).again)
    assert found
    assert said in str(found[0])


def test_a_mismatch_says_where() -> None:
    text = written("resnet50").replace("7, stride=2, padding=3", "7, stride=2, padding=2")
    (found,) = check_source(text, plan_of("resnet50"))
    assert found.line == text[: text.index("padding=2")].count("\n") + 1
    assert found.span is not None
    assert found.span.text.startswith("conv 7x7/2")
    assert "`conv1` has padding=2, not 3" in str(found)


IN_PLACE = {
    "read afterwards": (
        "conv 1x1 x4\nadd< relu | >",
        "self.relu = nn.ReLU()",
        "self.relu = nn.ReLU(inplace=True)",
        "reads a tensor that was overwritten",
    ),
    "a view of it is read afterwards": (
        "conv 1x1 x4\nconcat< chunk 0 | relu; chunk 1 >",
        "self.relu = nn.ReLU()",
        "self.relu = nn.ReLU(inplace=True)",
        "overwritten",
    ),
    "autograd needs it": (
        "conv 1x1 x4; sigmoid; relu",
        "self.relu = nn.ReLU()",
        "self.relu = nn.ReLU(inplace=True)",
        "the backward pass needs",
    ),
    "the caller's input": (
        "relu",
        "self.relu = nn.ReLU()",
        "self.relu = nn.ReLU(inplace=True)",
        "input 1 of the network is overwritten",
    ),
}


@pytest.mark.parametrize("case", IN_PLACE)
def test_overwriting_what_somebody_needs_is_found(case: str) -> None:
    body, old, new, said = IN_PLACE[case]
    analysis = analyze(Source("n.arch", f"network Net\ninput 8x8 x4\n{body}\n"))
    assert analysis.plan is not None
    text = analysis.emit()
    assert old in text
    assert not check_source(text, analysis.plan)
    found = check_source(text.replace(old, new), analysis.plan)
    assert found
    assert said in str(found[0])


def test_an_argument_that_does_not_do_what_the_param_does_is_found() -> None:
    source = Source("n.arch", "network Net\nparam width = 8\ninput 8x8 x4\nconv 1x1 x(width)\n")
    analysis = analyze(source)
    assert analysis.plan is not None
    text = analysis.emit()
    assert not check_source(text, analysis.plan, analysis.again)
    for wrong in ("8", "16 - width", "width if width == 8 else 8", "width % 17"):
        other = re.sub(r"Conv2d\(4, width", f"Conv2d(4, {wrong}", text)
        assert other != text
        assert not check_source(other, analysis.plan)
        found = check_source(other, analysis.plan, analysis.again)
        assert found
        assert found[0].params


# --- on several devices ------------------------------------------------------------------

TOWERS = Path(__file__).parent / "golden" / "devices" / "in.arch"
MISPLACED = [
    ("nn.Conv2d(3, 8, 5, padding=2)", "nn.Conv2d(3, 8, 3, padding=1)", "conv1"),
    ("nn.Conv2d(32, 16, 3", "nn.Conv2d(16, 16, 3", "conv3"),
    ("nn.Linear(64, classes)", "nn.Linear(64, 10)", "out_features"),
    ("nn.Dropout(0.5)", "nn.Dropout(0.4)", "Dropout"),
    ("x1 = self.tower1.until_conv3(x1)", "x1 = self.tower0.until_conv3(x1)", "tower0.conv1"),
    ("x1 = self.tower1.until_fc4(x1)", "x1 = self.tower1.until_fc4(x0)", "tower1.conv3"),
    ("x0, x1 = self.exchange(x0, x1)  # 512", "pass", "fc4"),
    ("self.exchange(x0, x1)  # 512", "self.exchange(x1, x0)", "fc4"),
    ("x0, x1 = self.exchange(x0, x1)  # 512", "x1, x0 = self.exchange(x0, x1)", "fc4"),
    ("x = self.gather(x0, x1)", "x = self.gather(x1, x0)", "fc5"),
    ("x = self.gather(x0, x1)", "x = self.gather(x0, x1, to=1)", "fc5"),
    ("x = self.relu(self.conv2(x))", "x = self.conv2(x)", ""),
    ("with self.devices[1]:", "with self.devices[0]:", "`tower1` is made on device 0"),
    ("with self.devices[0]:\n            self.fc5 =", "if True:\n            self.fc5 =",
     "`fc5` is made on no device"),
    ('"cuda:0", "cuda:1"', '"cuda:1", "cuda:0"', ""),
    ('("tower0", "tower1")', '("tower1", "tower0")', "TOWERS"),
    ('("tower0", "tower1")', '("tower0",)', "1 towers on 2 devices"),
    ("for device in self.devices", "for device in (self.devices[1], self.devices[0])", ""),
]  # fmt: skip


@pytest.mark.parametrize("name", ["alexnet_2gpu", TOWERS])
def test_a_network_in_towers_holds(name: Any) -> None:
    analysis = analyze(source_of(name))
    assert not analysis.conformance(analysis.emit_placed())


@pytest.mark.parametrize(("old", "new", "said"), MISPLACED)
def test_a_network_in_other_towers_is_found(old: str, new: str, said: str) -> None:
    analysis = analyze(source_of(TOWERS))
    text = analysis.emit_placed()
    assert old in text
    found = analysis.conformance(text.replace(old, new))
    assert found
    assert said in str(found[0])


def test_towers_are_held_against_the_plan_before_they_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A writer that forgets an exchange, planted: nothing is written."""
    meetings = placed._PlacedWriter._meetings

    def forgetful(self: Any, writer: Any) -> list[str]:
        return [line for line in meetings(self, writer) if "exchange" not in line]

    monkeypatch.setattr(placed._PlacedWriter, "_meetings", forgetful)
    with pytest.raises(Unsuited, match=re.escape("`tower0.conv3` gets")):
        analyze(source_of(TOWERS)).emit_placed()


# --- what is harmless --------------------------------------------------------------------

HARMLESS: dict[str, Callable[[str], str]] = {
    "comments gone, lines broken otherwise": lambda text: ast.unparse(ast.parse(text)),
    "a variable renamed": lambda text: re.sub(r"\bout\b", "hidden", text),
    "the input renamed": lambda text: re.sub(r"\bx\b", "inputs", text),
    "arguments by name": lambda text: text.replace("MaxPool2d(3,", "MaxPool2d(kernel_size=3,"),
    "windows in full": lambda text: text.replace(", 3, padding=1", ", (3, 3), padding=(1, 1)"),
    "defaults in full": lambda text: text.replace("nn.ReLU(", "nn.ReLU(inplace=False) or nn.ReLU("),
    "nothing in place": lambda text: text.replace("inplace=True", "inplace=False"),
    "flatten as a method": lambda text: re.sub(
        r"torch\.flatten\((self\.avgpool\(x\)), 1\)", r"\1.flatten(1)", text
    ),
    "a docstring": lambda text: text.replace('"""(N, 3', '"""Whatever: (N, 3'),
}


@pytest.mark.parametrize("edit", HARMLESS)
@pytest.mark.parametrize("name", ["resnet50", "wrn_28_10", "densenet121"])
def test_an_edit_that_changes_nothing_is_not_found(name: str, edit: str) -> None:
    text = HARMLESS[edit](written(name))
    assert not check_source(text, plan_of(name), analysed(name).again)


BOTH_WAYS = {
    "relu": ("relu", "self.relu(", "F.relu("),
    "narrow": ("narrow 1 2", "self.conv1(x)[:, 1:3]", "torch.narrow(self.conv1(x), 1, 1, 2)"),
    "chunk": ("chunk 1", "self.conv1(x).chunk(2, dim=1)[1]", "torch.chunk(self.conv1(x), 2, 1)[1]"),
    "add": ("add< relu | >", "self.relu(x) + x", "x + self.relu(x)"),
}


@pytest.mark.parametrize("case", BOTH_WAYS)
def test_another_spelling_of_the_same_is_not_found(case: str) -> None:
    body, old, new = BOTH_WAYS[case]
    analysis = analyze(Source("n.arch", f"network Net\ninput 8x8 x4\nconv 1x1 x4\n{body}\n"))
    assert analysis.plan is not None
    text = analysis.emit()
    assert old in text
    assert not check_source(text.replace(old, new), analysis.plan)


# --- the table of modules, held against torch ---------------------------------------------


def _targets() -> list[str]:
    ranks = [
        t.replace("*", n) for t in modules._TABLE for n in (("1", "2", "3") if "*" in t else "1")
    ]
    return [target for target in ranks if target.startswith("nn.")]


@pytest.mark.parametrize("target", sorted(set(_targets())))
def test_arguments_are_torchs(target: str) -> None:
    torch = pytest.importorskip("torch")
    kind = modules.kind_of(target)
    assert kind is not None
    if target == "nn.Flatten":
        assert kind.defaults == {"start_dim": 1, "end_dim": -1}
    theirs = inspect.signature(getattr(torch.nn, target[3:]).__init__).parameters
    known = [name for name in theirs if name not in ("self", "device", "dtype", "_random_samples")]
    assert [*kind.names] == known[: len(kind.names)] or set(kind.names) <= set(known)
    for name, default in kind.defaults.items():
        given = theirs[name].default
        assert given is inspect.Parameter.empty or given == default


MADE = {
    "nn.Conv2d": (4, 4, 3), "nn.ConvTranspose2d": (4, 4, 3), "nn.BatchNorm2d": (4,),
    "nn.InstanceNorm2d": (4,), "nn.GroupNorm": (2, 4), "nn.LayerNorm": (8,),
    "nn.LocalResponseNorm": (5,), "nn.MaxPool2d": (2,), "nn.AvgPool2d": (2,),
    "nn.LPPool2d": (2, 2), "nn.AdaptiveAvgPool2d": (1,), "nn.AdaptiveMaxPool2d": (2,),
    "nn.Threshold": (0.1, 0.0), "nn.PReLU": (), "nn.Softmax": (1,), "nn.LogSoftmax": (1,),
    "nn.GLU": (1,), "nn.PixelShuffle": (2,), "nn.PixelUnshuffle": (2,),
    "nn.ChannelShuffle": (2,), "nn.ZeroPad2d": (1,), "nn.ReflectionPad2d": (1,),
    "nn.ReplicationPad2d": (1,), "nn.CircularPad2d": (1,), "nn.Linear": (8, 8),
    "nn.Upsample": (None, 2), "nn.Dropout2d": (),
}  # fmt: skip
PLAIN = "ReLU ReLU6 LeakyReLU RReLU ELU SELU CELU GELU SiLU Mish Softplus Softsign Sigmoid " \
        "LogSigmoid Tanh Hardswish Hardsigmoid Hardtanh Softshrink Dropout"  # fmt: skip


@pytest.mark.parametrize("target", [*MADE, *(f"nn.{name}" for name in PLAIN.split())])
def test_what_autograd_keeps_is_what_it_keeps(target: str) -> None:
    """Overwriting it makes torch's backward pass fail; the table may only say more than that."""
    torch = pytest.importorskip("torch")
    kind = modules.kind_of(target)
    assert kind is not None
    module = getattr(torch.nn, target[3:])(*MADE.get(target, ()))
    for end, claimed in (("input", kind.keeps_input), ("output", kind.keeps_output)):
        x = torch.rand(2, 4, 8, 8, requires_grad=True) * 1
        y = module(x)
        with torch.no_grad():
            (x if end == "input" else y).detach().mul_(2)
        if not claimed:  # then nothing is amiss
            y.sum().backward()

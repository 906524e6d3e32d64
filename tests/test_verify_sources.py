"""`archc verify`: bugs that a person may write into a module, and odd networks that are sound."""

from __future__ import annotations

import re

import pytest
from test_verify import FC, FORWARD, outcome, subject_of

from archc.verification.checks import CHECKS
from archc.verification.subject import Subject

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # torch's own
    pytest.mark.usefixtures("one_thread"),
]


def before_unit(line: str) -> tuple[str, str]:
    return ("\n\nclass Unit(", f"\n\n{line}\n\n\nclass Unit(")


BUGS = {
    "an output that is made up": (
        "neighbours",
        [(FC, "x = self.fc(torch.zeros_like(x))")],
        "output 0 does not depend on the input",
    ),
    "the caller's tensor": (
        "side-effects",
        [(FORWARD, "x = self.relu(self.bn1(self.conv1(x.mul_(2))))")],
        "training mode changes its input",
    ),
    "the caller's tensor, in eval mode": (
        "side-effects",
        [(FORWARD, "x = self.relu(self.bn1(self.conv1(x if self.training else x.add_(1))))")],
        "eval mode changes its input",
    ),
    "weights that decay by themselves": (
        "side-effects",
        [(FC, f"self.fc.weight.data.mul_(0.9)\n        {FC}")],
        r"training mode changes fc\.weight",
    ),
    "statistics in eval mode": (
        "side-effects",
        [(FC, f"self.bn1.running_mean.add_(1)\n        {FC}")],
        r"eval mode changes bn1\.running_mean",
    ),
    "a tensor that is kept": (
        "side-effects",
        [(FC, f"self.last = x\n        {FC}")],
        "training mode changes the attribute last",
    ),
    "a list that grows": (
        "side-effects",
        [
            ("self.bn1 =", "self.seen = []\n        self.bn1 ="),
            (FC, f"self.seen.append(x)\n        {FC}"),
        ],
        "training mode changes the attribute seen",
    ),
    "a mode that is set": (
        "side-effects",
        [(FC, f"self.bn1.train(not self.training)\n        {FC}")],
        "training mode changes the mode of modules",
    ),
    "dropout in eval mode": (
        "side-effects",
        [(FC, f"x = nn.functional.dropout(x)\n        {FC}")],
        "eval mode draws random numbers",
    ),
    "print": (
        "side-effects",
        [(FC, f"print(x.shape)\n        {FC}")],
        "training mode prints 'torch.S",
    ),
    "print at import": ("side-effects", [before_unit("print('hello')")], "import prints 'hello'"),
    "a seed at import": (
        "side-effects",
        [before_unit("torch.manual_seed(0)")],
        "import changes the state of torch's random",
    ),
    "a seed of Python's": (
        "side-effects",
        [before_unit("__import__('random').seed(0)")],
        "the state of Python's random numbers",
    ),
    "a seed in the constructor": (
        "side-effects",
        [("self.bn1 =", "torch.manual_seed(0)\n        self.bn1 =")],
        "the constructor seeds torch's random numbers",
    ),
    "a seed in forward": (
        "side-effects",
        [(FC, f"torch.manual_seed(0)\n        {FC}")],
        "training mode seeds torch's random numbers",
    ),
    "a setting of cuDNN": (
        "side-effects",
        [before_unit("torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark")],
        r"import changes torch\.backends\.cudnn",
    ),
    "gradients switched on": (
        "side-effects",
        [(FC, f"torch.set_grad_enabled(True)\n        {FC}")],
        "training mode changes whether torch computes gradients",
    ),
    "another momentum": (
        "as-written",
        [("self.bn1 = nn.BatchNorm2d(8, ", "self.bn1 = nn.BatchNorm2d(8, momentum=0.5, ")],
        r"bn1\.running_mean is not the generated module's in training mode",
    ),
    "another epsilon": (
        "as-written",
        [("self.bn1 = nn.BatchNorm2d(8, ", "self.bn1 = nn.BatchNorm2d(8, eps=0.01, ")],
        "output 0 is not the generated module's in training mode",
    ),
    "a gradient that is cut": (
        "as-written",
        [("x = self.layer(x)", "x = self.layer(x).detach()")],
        r"only the generated module has the gradient of bn1\.bias in training mode",
    ),
    "a gradient that is another": (
        "as-written",
        [(FC, f"x = 2 * x - x.detach()\n        {FC}")],
        "the gradient of .* is not the gen",
    ),
    "dropout that is forgotten": (
        "as-written",
        [("self.dropout(torch.flatten(self.gap(x), 1))", "torch.flatten(self.gap(x), 1)")],
        "draws random numbers in training",
    ),
    "a size that is written down": (
        "as-written",
        [("x = self.layer(x)", "x = self.layer(x)[:, :, :8, :8]")],
        "output 0 is not the generated module's of larger inputs",
    ),
    "a shape that is written down": (
        "as-written",
        [("x = self.layer(x)", "x = self.layer(x.reshape(x.shape[0], 8, 8, 8))")],
        r'line \d+, in forward, "x = self\.layer',
    ),
    "a batch that is written down": (
        "as-written",
        [(FC, f"x = x.reshape(2, -1)\n        {FC}")],
        r'line \d+, in forward, "x = self\.fc',
    ),
    "a name that is another": (
        "as-written",
        [("self.bn1 = ", "self.norm = "), (FORWARD, "x = self.relu(self.norm(self.conv1(x)))")],
        r"its state_dict has no bn1\.bias, .* and 12 more",
    ),
    "a parameter without a gradient": (
        "autocast",
        [(FC, f"self.fc.weight.requires_grad_(False)\n        {FC}")],
        "gets no gradient",
    ),
    "a type that is written down": (
        "device",
        [(FC, "x = self.fc(x) + torch.ones(10, device=x.device)")],
        r"an output is torch\.float32 on meta",
    ),
    "a buffer that is not saved": (
        "state",
        [
            (
                "self.bn1 =",
                "b = torch.rand(10, **factory)\n"
                "        self.register_buffer('b', b, persistent=False)\n        self.bn1 =",
            ),
            (FC, "x = self.fc(x) + self.b"),
        ],
        "output 0 is another after loading the state_dict",
    ),
}


@pytest.mark.parametrize(("check", "edits", "says"), BUGS.values(), ids=BUGS)
def test_a_planted_bug_is_caught(check: str, edits: list[tuple[str, str]], says: str) -> None:
    result = outcome(check, subject_of(*edits))
    assert result.status == "fail", result
    assert re.search(says, result.remark or ""), result


def test_as_written() -> None:
    """What archc wrote is what the plan says, and the same with other words is no other."""
    assert outcome("as-written", subject_of()).status == "pass"
    same = subject_of((FC, "x = nn.functional.linear(x, self.fc.weight, self.fc.bias)"))
    assert outcome("as-written", same).status == "pass", outcome("as-written", same)


FAST = [check.name for check in CHECKS.values() if not (check.slow or check.gpu or check.alone)]
ODD = {
    "no parameters": "input 8x8 x4\npool 2x2; relu; gap; flatten",
    "nothing at all": "input 8x8 x3\nidentity",
    "only dice": "input 8x8 x4\ndroppath 0.9; dropout 0.5",
    "a vector": "input x8\nrelu",
    "a norm of one pixel": "input 1x1 x4\nconv 1x1 x4; bn notrack; gn 4; flatten; fc 1",
    "two pixels": "input 2x2 x1\nconv 2x2 x4; bn; relu; flatten; fc 2",
    "one dimension": "input 64 x2\nconv 3 p1 x8; bn; relu; pool 2; gap; flatten; fc 3",
    "three": "input 4x8x8 x2\nconv 3x3x3 p1 x8; bn; relu; pool 2x2x2; gap; flatten; fc 3",
    "dice everywhere": "input 8x8 x4\nrrelu; residual< conv 3x3 p1 x4; bn; droppath 0.9 >; "
    "dropout 0.9 channel; alpha_dropout 0.5; gap; flatten; fc 3",
    "what torch has of no format": "input 8x8 x3\nconv 3x3 p1 x8; inorm; ln; conv 1x1 x5; softmax",
    "a start at 0": "input 8x8 x3\nconv 3x3 p1 x8; scale init=0; gap; flatten; fc 3",
    "activations of one name": "input 8x8 x3\nmean< relu | bn >; "
    "concat< chunk 1 of=3 | chunk 0 of=3; relu >; dense< bn; relu; conv 3 p1 x8 >; gap; flatten",
    "weights again": "input 8x8 x4\na: conv 3x3 p1 x4; b: bn; reuse a; reuse b; gap; flatten; fc 4",
}  # fmt: skip


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_networks_are_sound(text: str) -> None:
    """Each was called wrong once, or might be; also as a source that somebody gave."""
    given = subject_of(text=f"network Odd\n{text}\n")
    for name in FAST:
        result = outcome(name, given)
        assert result.status != "fail", (name, result.remark)
    result = outcome("as-written", Subject(given.analysis, given.source))
    assert result.status == "pass", result.remark


def test_what_is_never_used_is_named() -> None:
    idle = "network Idle\ninput 8x8 x3\na: conv 3x3 x4\nconv 1x1 x2\n@a; gap; flatten; fc 2\n"
    assert outcome("counts", subject_of(text=idle)).remark == "conv1 never runs: no output needs it"


MAPS = "conv 3x3 p1 x8 | conv 3x3 p1 x8"


@pytest.mark.parametrize(
    "text", ["prelu", "scale init=0", f"join < {MAPS} >", f"join droppath=0.15 < {MAPS} | relu >"]
)
def test_memory_of_what_no_bundled_network_has(text: str) -> None:
    """Each was predicted wrong once: beside such a layer, nothing else takes much."""
    only = f"network Only\ninput 32x32 x3\nconv 3x3 p1 x8; {text}; gap; flatten; fc 3\n"
    result = outcome("memory", subject_of(text=only))
    assert (result.status, result.remark) == ("pass", "to 0.00 %")

"""The checks of `archc verify`: each finds its own bug, and passes on what is sound."""

from __future__ import annotations

import ast
import copy
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from verifying import FAST, analysis_of, edited, generated, outcome

import archc
from archc.verify import checks
from archc.verify.bug import Bug
from archc.verify.check import Check, perform
from archc.verify.checks import CHECKS
from archc.verify.subject import Subject

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # torch's own
    pytest.mark.usefixtures("one_thread"),
]

FIXED = "network Fixed\ninput 8x8 x3\nconv 3x3 x4; relu; flatten; fc 4\n"
PLAIN = "network Plain\ninput x8\nfc 8; relu; fc 4\n"
PAIR = """\
network Pair
input left 16x16 x3
input right 16x16 x3
block twin() { conv 3x3 p1 x8; bn; relu; gap; flatten; fc 4 }
@left; a: twin(); output first
@right; b: reuse a; output second
"""
TWO = """\
network Two
input left 4x4 x2
input right x16
@left; flatten; fc 16; a: relu; output features
add< @a | @right >; fc 3; output scores
"""


# --- what a check owes -------------------------------------------------------------------


def owed(check: Check) -> Iterator[str]:
    """What is missing, each with its cure."""
    if not check.proves.endswith("."):
        yield "say in the first paragraph of its docstring, as a sentence, what it proves"
    if len(check.proves) > 120:
        yield f"its first paragraph has {len(check.proves)} characters: `--list` shows 120"
    if check.bug is None:
        yield (
            'plant a bug that it must find: @check(..., bug=Bug("what it is", {"a line of '
            'dsl/archc/verify/example.py": "what stands there instead"}, "what it says"))'
        )
    else:
        try:
            ast.parse(check.bug.planted())
        except (ValueError, SyntaxError) as error:
            yield f"its bug must be an edit of the example: {error}"
        if not re.fullmatch(r"[a-z].*[^. ]", check.bug.what):
            yield f"its bug is named as `a tensor that is not saved` is: {check.bug.what!r}"


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_has_what_it_owes(check: Check) -> None:
    cures = list(owed(check))
    assert not cures, f"check {check.name} (CONTRIBUTING, Add a check): " + "; ".join(cures)


def test_what_is_owed_is_asked_for() -> None:
    def half(subject: Subject) -> str | None:
        """Half a sentence"""

    assert [cure.split(":")[0] for cure in owed(Check("half", half))] == [
        "say in the first paragraph of its docstring, as a sentence, what it proves",
        "plant a bug that it must find",
    ]
    lost = Check("lost", CHECKS["state"].run, Bug("A bug.", {"nowhere": ""}, ""))
    first, second = owed(lost)
    assert "must be an edit of the example: 0 places in" in first
    assert "is named as" in second


def test_every_module_of_checks_is_read() -> None:
    """One with a check is imported by `checks/__init__.py`, which says the order of tables."""
    for module in pkgutil.iter_modules(checks.__path__):
        path = Path(checks.__path__[0], f"{module.name}.py")
        if re.search(r"^@check\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert module.name in checks.__all__, f"import {module.name} in {checks.__file__}"


@pytest.mark.parametrize("module", [m.name for m in pkgutil.iter_modules(checks.__path__)])
def test_checks_are_listed_without_torch(module: str) -> None:
    """Modules import it inside functions."""
    tree = ast.parse(Path(checks.__path__[0], f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        assert not any(name.partition(".")[0] == "torch" for name in names)


# --- each check on the example -----------------------------------------------------------


def params(slow: bool) -> list[Any]:
    """Every check that can run here; slow ones, and processes, where they are asked for."""
    return [
        pytest.param(check, id=name, marks=[pytest.mark.slow] if slow else [])
        for name, check in CHECKS.items()
        if (check.slow or check.alone) == slow and (not check.gpu or torch.cuda.is_available())
    ]


EVERY = [*params(slow=False), *params(slow=True)]
# This one runs the example at every value of every argument, by hand and generated.
SOUND = [
    pytest.param(*p.values, id=p.id, marks=pytest.mark.slow) if p.id == "as-written" else p
    for p in EVERY
]


@pytest.mark.parametrize("check", EVERY)
def test_it_finds_its_bug(check: Check) -> None:
    need(check)
    assert check.bug is not None
    subject = Subject(generated().analysis, check.bug.planted())
    result = outcome(check.name, subject)
    assert result.status == "fail", result
    assert re.search(check.bug.says, result.remark or ""), result
    assert "\n" not in str(result.remark)


@pytest.mark.parametrize("check", SOUND)
def test_it_passes_on_what_is_sound(check: Check) -> None:
    """On the example as it is written by hand, and on what archc writes for it."""
    need(check)
    assert outcome(check.name, edited()).status == "pass", outcome(check.name, edited())
    result = outcome(check.name, generated())
    if check.name == "as-written":  # which holds archc's own text against the plan
        assert result.status == "pass", result
        result = outcome(check.name, Subject(generated().analysis, generated().source))
    assert result.status == "pass", result


def need(check: Check) -> None:
    for package in check.needs:
        pytest.importorskip(package)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: the tests above run them")
def test_what_needs_a_gpu_is_skipped() -> None:
    names = [check.name for check in CHECKS.values() if check.gpu]
    assert names == ["sync-debug", "peak-memory", "throughput", "cuda-graphs"]
    for name in names:
        found = outcome(name, edited())
        assert (found.status, found.remark) == ("skipped", "no CUDA device")


# --- what they say of other networks -----------------------------------------------------


def test_remarks() -> None:
    assert outcome("autocast", edited()).remark == "outputs in bfloat16"
    assert outcome("export", generated(FIXED)).remark == "any batch; the network takes one size"
    assert outcome("arguments", generated(FIXED)).status == "skipped"
    assert outcome("arguments", edited()).remark == "classes=11"


def test_nothing_to_compute_again_is_no_failure() -> None:
    plain = generated(PLAIN)
    for name in ("recompute", "channels-last"):
        assert outcome(name, plain).status == "skipped"
    for name in set(FAST) - {"recompute", "channels-last", "as-written", "arguments"}:
        assert outcome(name, plain).status == "pass", outcome(name, plain)


@pytest.mark.parametrize("text", [PAIR, TWO], ids=["pair", "two"])
def test_several_inputs_and_outputs(text: str) -> None:
    """Records of outputs, an input of its own each, and weights that are used again."""
    for name in (*FAST, "export"):
        assert outcome(name, generated(text)).status in ("pass", "skipped"), name


@pytest.mark.slow
@pytest.mark.parametrize("text", [FIXED, TWO], ids=["fixed", "two"])
def test_onnx_in_onnxruntime(text: str) -> None:
    need(CHECKS["onnx"])
    found = outcome("onnx", generated(text))
    assert found.status == "pass", found.remark


@pytest.mark.slow
def test_remarks_of_the_compiled_step() -> None:
    assert outcome("compiled-step", generated(PLAIN)).remark == "gradients equal bit for bit"


def pretended(text: str, old: str, new: str) -> Subject:
    """A bug of archc's own: the text is edited, and taken for what archc writes."""
    subject = Subject(analysis_of(text))
    assert old in subject.source, subject.source
    subject.__dict__["source"] = subject.source.replace(old, new)
    return subject


@pytest.mark.parametrize(
    ("pool", "old", "new", "says"),
    [
        ("pool: pool 2x2;", "MaxPool2d(2)", "MaxPool2d(4)", "pool is 8x2x2, not 8x4x4"),
        ("", "x = torch.cat", "x = x[..., 1:]\n        x = torch.cat", "to be 8x8x8: nothing"),
    ],
)
def test_shapes_that_cost_nothing(pool: str, old: str, new: str, says: str) -> None:
    """Of a layer, and of a function: neither parameters nor MACs tell."""
    text = f"""\
network Cat
input 8x8 x3
conv1: conv 3x3 p1 x4
concat< relu | sigmoid >; {pool} gap; flatten; fc 4
"""
    result = outcome("counts", pretended(text, old, new))
    assert result.status == "fail", result
    assert re.search(says, result.remark or ""), result


SHARED = """\
network Shared
input 16x16 x3
first: pool 2x2; conv 3x3 p1 x4
concat< pool 2x2 | conv 3x3/2 p1 x2 >; gap; flatten; fc 4
"""


def test_nodes_that_share_a_module() -> None:
    """One with a label is made for it, and serves those that have none."""
    sound = generated(SHARED)
    assert sound.source.count("self.first = ") == 1
    assert sound.source.count("self.first(") == 2
    assert outcome("counts", sound).status == "pass", outcome("counts", sound)
    old = "torch.cat([self.first(x), self.conv2(x)], 1)"
    new = "torch.cat([x, x[:, 2:] * self.conv2(x).mean()], 1)[..., ::2, ::2]"
    result = outcome("counts", pretended(SHARED, old, new))
    assert result.status == "fail", result
    assert result.remark == "pool1 (pool) is to be 4x4x4: nothing there is"


def test_what_is_never_used_is_named() -> None:
    idle = "network Idle\ninput 8x8 x3\na: conv 3x3 x4\nconv 1x1 x2\n@a; gap; flatten; fc 2\n"
    assert outcome("counts", generated(idle)).remark == "conv1 never runs: no output needs it"


def test_dice_in_a_function_are_switched_off_or_said() -> None:
    """Where no mode does it, what needs two equal steps has nothing to prove."""
    from archc.verify.checks.differences import without_randomness
    from archc.verify.reasons import Skipped

    subject = edited({"nn.Dropout(0.5)": "nn.Identity()"})  # cells still draw, by a function
    net, inputs = subject.net(), subject.inputs()
    without_randomness(net, inputs)
    assert [net.training, net.norm.training, net.cells[0].training] == [True, True, False]
    first, second = (copy.deepcopy(net)(*inputs) for _ in range(2))
    assert torch.equal(first.features, second.features)
    drops = {"self.fc(self.dropout(features))": "self.fc(nn.functional.dropout(features))"}
    with pytest.raises(Skipped, match="draws random numbers in a function"):
        without_randomness(edited(drops).net(), inputs)


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
    "a bias before a norm": "input 8x8 x3\nconv 3x3 p1 x8; bn; relu; gap; flatten; fc 3",
    "params of all kinds": "param wide = 8\nparam p = 0.5\nparam extra = true\ninput 8x8 x3\n"
    "conv 3x3 p1 x(wide); dropout (p)\nif extra { relu }\ngap; flatten; fc 3",
}  # fmt: skip


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_networks_are_sound(text: str) -> None:
    """Each was called wrong once, or might be; also as a source that somebody gave."""
    given = generated(f"network Odd\n{text}\n")
    for name in FAST:
        result = outcome(name, given)
        assert result.status != "fail", (name, result.remark)
    result = outcome("as-written", Subject(given.analysis, given.source))
    assert result.status == "pass", result.remark


MAPS = "conv 3x3 p1 x8 | conv 3x3 p1 x8"


@pytest.mark.parametrize(
    "text", ["prelu", "scale init=0", f"join < {MAPS} >", f"join droppath=0.15 < {MAPS} | relu >"]
)
def test_memory_of_what_no_bundled_network_has(text: str) -> None:
    """Each was predicted wrong once: beside such a layer, nothing else takes much."""
    only = f"network Only\ninput 32x32 x3\nconv 3x3 p1 x8; {text}; gap; flatten; fc 3\n"
    result = outcome("memory", generated(only))
    assert (result.status, result.remark) == ("pass", "to 0.00 %")


@pytest.mark.slow
def test_memory_of_an_edited_module_is_told() -> None:
    """What archc writes takes what archc says; an edit may take more, within what `fit` leaves."""
    kept = {"return self.relu(x + shortcut)": "return torch.clamp(x + shortcut, min=0.0)"}
    result = outcome("memory", edited(kept))
    assert result.status == "pass"
    assert re.fullmatch(
        r"a step takes \S+ MiB at a batch of 32, not .*, which archc fit leaves room for",
        result.remark or "",
    )
    only = "network Only\ninput 32x32 x3\nconv 3x3 p1 x8; bn; relu; gap; flatten; fc 3\n"
    old, new = "self.relu(self.bn1(", "torch.clamp(min=0.0, input=self.bn1("
    assert outcome("memory", pretended(only, old, new)).status == "fail"


def test_small_inputs() -> None:
    """Halves of the input, to 64 pixels, where the module stays the same; else its own."""
    sizes = {"resnet18": 64, "vgg11": 64, "alexnet": 227, "resnet20": 32, "googlenet": 224}
    for name, size in sizes.items():
        subject = Subject(archc.load(name).analysis)
        assert subject.small_shapes == [(3, size, size)], name
    assert subject.inputs(3, small=True)[0].shape == (3, 3, 224, 224)


def test_what_a_check_may_raise() -> None:
    """Anything is a result; a message of many lines is its first."""

    def broken(subject: Subject) -> str | None:
        raise RuntimeError("bad luck\n  with pages of advice")

    result = perform(Check("broken", broken), edited())
    assert (result.status, result.remark) == ("fail", "RuntimeError: bad luck")
    result = perform(Check("far", broken, needs=("torch", "no_such_package")), edited())
    assert (result.status, result.remark) == (
        "skipped",
        "needs no_such_package: `pip install no_such_package`",
    )
    if not torch.cuda.is_available():
        result = perform(Check("cuda", broken, gpu=True), edited())
        assert (result.status, result.remark) == ("skipped", "no CUDA device")


def test_a_full_disk_says_its_cure() -> None:
    import errno

    def full(subject: Subject) -> str | None:
        raise OSError(errno.ENOSPC, "No space left on device")

    result = perform(Check("full", full), edited())
    assert result.remark == "no space left for temporary files: TMPDIR names another folder"

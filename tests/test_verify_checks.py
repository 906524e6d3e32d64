"""Checks of compilers, devices and processes: sound networks pass, planted bugs are caught."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from archc import api
from archc.source import Source
from archc.verify import Task, verify
from archc.verify.check import CHECKS, Result, perform
from archc.verify.checks import compiling, cuda, devices, distributed, exporting
from archc.verify.subject import Subject

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # torch's own
    pytest.mark.usefixtures("one_thread"),
]

SMALL = """
network Small
input 16x16 x3
block unit(c) { residual< conv 3x3 p1 x(c); bn; relu; droppath 0.5 >; relu }
conv 3x3 p1 x8; unit(8) * 2
a: aux weight=0.3 < gap; flatten; fc 4 >
gap; flatten; dropout 0.5; fc 4
"""
FIXED = "network Fixed\ninput 8x8 x3\nconv 3x3 x4; relu; flatten; fc 4"
TWO = """
network Two
input left 4x4 x2
input right x16
@left; flatten; fc 16; a: relu; output features
add< @a | @right >; fc 3; output scores
"""

# Edits of Small's source: what a person, or a compiler with a bug, might have written.
UNIT, FC = "        out = self.relu(self.bn1(self.conv1(x)))", "        x = self.fc1(x)"
RANDOM_BRANCH = (
    UNIT,
    "        if __import__('random').random() < 0.5:\n            return x\n" + UNIT,
)
ITEM = (FC, "        x = x * x.mean().item()\n" + FC)
ITEM_BRANCH = (FC, "        if x.mean().item() > 0:\n            x = -x\n" + FC)
CONSTANT = (FC, "        x = x + self.offset\n" + FC)
CONSTANT_MADE = (
    "        self.gap = ",
    "        self.offset = torch.tensor([0.1] * 8)\n        self.gap = ",
)
ARANGE = (FC, "        x = x + torch.arange(8)\n" + FC)
FIXED_BATCH = (FC, "        x = x.reshape(2, 8)\n" + FC)
COUNTED = (
    FC,
    "        self.calls = getattr(self, 'calls', 0) + 1\n        x = x * self.calls\n" + FC,
)
INFINITE = (FC, "        x = x / torch.zeros((), device=x.device)\n" + FC)
FLIP = (
    "        x = self.conv1(x)  #",
    "        x = -x if torch.compiler.is_compiling() else x\n        x = self.conv1(x)  #",
)
ONE_SIDED = (
    "            side.append(self.a(x))",
    "            away = torch.distributed.is_initialized() and torch.distributed.get_rank() == 1\n"
    "            side.append(x.flatten(1)[:, :4] if away else self.a(x))",
)


@cache
def subject(text: str = SMALL, *edits: tuple[str, str]) -> Subject:
    analysis = api.analyze(Source("test.arch", text))
    assert analysis.ok, analysis.diagnostics
    source = Subject(analysis).source
    for old, new in edits:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return Subject(analysis, source if edits else None)


@cache
def result(name: str, text: str = SMALL, *edits: tuple[str, str]) -> Result:
    return perform(CHECKS[name], subject(text, *edits))


@pytest.mark.parametrize("name", ["one-graph", "export", "no-sync", "fake-cuda", "autocast"])
def test_a_sound_network_passes(name: str) -> None:
    assert result(name).status == "pass", result(name).remark


def test_remarks() -> None:
    assert result("export").remark is None
    assert result("export", FIXED).remark == "any batch; the network takes one size"
    assert result("autocast").remark == "outputs in bfloat16"


def test_several_inputs_and_outputs() -> None:
    for name in ("export", "fake-cuda"):
        assert result(name, TWO).status == "pass", result(name, TWO).remark


BUGS = [
    ("one-graph", [RANDOM_BRANCH], "no single graph in training mode: line {}, in forward, "),
    ("one-graph", [ITEM], 'the host waits for a number at line {}, in forward, "x = x * x.mean'),
    ("no-sync", [ITEM], 'item in training mode at line {}, in forward, "x = x * x.mean().item()"'),
    ("fake-cuda", [CONSTANT_MADE, CONSTANT], 'line {}, in forward, "x = x + self.offset": '),
    ("fake-cuda", [ARANGE], 'line {}, in forward, "x = x + torch.arange(8)": '),
]
MORE = [
    ("one-graph", [COUNTED], "no single graph in training mode: "),
    ("one-graph", [ITEM_BRANCH], 'line {}, in forward, "if x.mean().item() > 0:"'),
    ("one-graph", [FLIP], "compiled and eager differ by "),
    ("compiled-step", [FLIP], " when compiled"),
    ("no-sync", [ITEM_BRANCH], 'line {}, in forward, "if x.mean().item() > 0:"'),
    ("export", [ITEM_BRANCH], 'line {}, in forward, "if x.mean().item() > 0:"'),
    ("export", [FIXED_BATCH], "no export: "),
    ("autocast", [INFINITE], "the loss is nan"),
]


def check_caught(name: str, edits: list[tuple[str, str]], says: str) -> None:
    """A check fails, in one line that names the line that was planted."""
    found = result(name, SMALL, *edits)
    source = subject(SMALL, *edits).source
    line = source[: source.index(edits[-1][1])].count("\n") + 1
    assert found.status == "fail"
    assert says.format(line) in str(found.remark), found.remark
    assert "\n" not in str(found.remark)


@pytest.mark.parametrize(("name", "edits", "says"), BUGS)
def test_planted_bugs(name: str, edits: list[tuple[str, str]], says: str) -> None:
    check_caught(name, edits, says)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "edits", "says"), MORE)
def test_more_planted_bugs(name: str, edits: list[tuple[str, str]], says: str) -> None:
    check_caught(name, edits, says)


@pytest.mark.slow
def test_the_compiled_step_of_a_sound_network() -> None:
    found = result("compiled-step")
    assert (found.status, found.remark) == ("pass", "gradients equal bit for bit")


@pytest.mark.slow
@pytest.mark.parametrize("text", [SMALL, FIXED, TWO])
def test_onnx_in_onnxruntime(text: str) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    found = result("onnx", text)
    assert found.status == "pass", found.remark


def alone(name: str, folder: Path, *edits: tuple[str, str]) -> Result:
    """A check in a process of its own."""
    given = subject(SMALL, *edits)
    [(_, verdict)] = verify([Task.of(given.analysis, folder, given.given)], [name])
    return verdict.results[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "says"),
    [
        ([], None),
        ([CONSTANT_MADE, CONSTANT], '"x = x + self.offset"'),
        ([ARANGE], '"x = x + torch.arange(8)"'),
        ([ITEM], '"x = x * x.mean().item()"'),
        (
            [("            side.append(self.a(x))", "            side.append(x)")],
            "gets no gradient",
        ),
    ],
)
def test_a_step_on_a_fake_device(
    edits: list[tuple[str, str]], says: str | None, tmp_path: Path
) -> None:
    found = alone("fake-device", tmp_path, *edits)
    assert found.status == ("fail" if says else "pass"), found.remark
    assert says is None or says in str(found.remark)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_two_processes_train_as_one(way: str, tmp_path: Path) -> None:
    found = alone(way, tmp_path)
    assert (found.status, found.remark) == ("pass", "changes equal bit for bit")


@pytest.mark.slow
def test_a_parameter_that_one_process_leaves_out(tmp_path: Path) -> None:
    found = alone("ddp", tmp_path, ONE_SIDED)
    assert found.status == "fail"
    said = str(found.remark)  # of the process at fault, or of the one that waited for it
    assert "Expected to have finished reduction" in said or "closed by peer" in said, said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: `archc verify` runs them")
def test_what_needs_a_gpu_is_skipped() -> None:
    names = [check.name for check in CHECKS.values() if check.gpu]
    assert names == ["sync-debug", "peak-memory", "throughput", "cuda-graphs"]
    for name in names:
        found = result(name)
        assert (found.status, found.remark) == ("skipped", "no CUDA device")


@pytest.mark.parametrize("module", [compiling, cuda, devices, distributed, exporting])
def test_checks_are_listed_without_torch(module: ModuleType) -> None:
    """Modules import it inside functions, and each check says in a line what it proves."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for node in tree.body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        assert not any(name.partition(".")[0] == "torch" for name in names)

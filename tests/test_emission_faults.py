"""Programs that once built to something else, or not at all: `tests/faults/emission/`.

What is built of each is held against `interpreter.py`, also at other values of the params.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from check_generated import check, check_param, generate, inputs_of, listed

from archc.api import ArchError, analyze
from archc.plan import Plan
from archc.source import Limits, Source

FAULTS = Path(__file__).parent / "faults" / "emission"
REFUSED = {"M2_negative_label": "A303"}
CLASSES = {  # so many, the network included
    "d1_missing_arguments": 3,
    "d2_unbound_name_in_forward": 2,
    "d3_class_not_written": 3,
    "d4_internal_error_several_classes": 4,
    "d6_classes_kh_kw": 2,
    "d7_classes_one_odd_member": 3,
    "E1_split_block_and_classes": 3,
}
ARGUMENTS = {  # params, and whether they are arguments
    "C2_label_in_if": {"a": True, "b": False},
    "C3_if_changes_rank": {"p": True},
    "E1_split_block_and_classes": {"num_classes": True, "window": True},
    "M4_deploy_count": {"n": True},
    "S3_count_default_1": {"n": True},
    "S3d_layer_after_loop_in_block": {"n": False},
    "S4_if_on_size": {"n": False},
}
NAMES = sorted(path.stem for path in FAULTS.glob("*.arch"))


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def text_of(name: str) -> str:
    return (FAULTS / f"{name}.arch").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [n for n in NAMES if n not in REFUSED])
def test_what_is_built_is_the_network(name: str) -> None:
    text = text_of(name)
    generated = generate(text)
    check(generated, 0)
    for param, value in generated.plan.params.items():
        others = (0, 1, value + 1, value + 2, 3 * value)
        found = [check_param(text, generated, param, other, 0, Limits()) for other in others]
        assert any(found) is ARGUMENTS[name][param]
    if name in CLASSES:
        assert len(re.findall(r"^class ", generated.source, re.M)) == CLASSES[name]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in REFUSED])
def test_sizes_in_a_docstring_are_of_arguments_that_the_class_has(name: str) -> None:
    """`L / stride` of a class without `stride`."""
    tree = ast.parse(analyze(Source(f"{name}.arch", text_of(name))).emit())
    for model in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        named = re.findall(r"[DHWL] / ([a-z]\w*)", ast.get_docstring(model) or "")
        taken = {node.arg for node in ast.walk(model) if isinstance(node, ast.arg)}
        assert not set(named) - taken


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_refused_with_a_cure(name: str, code: str) -> None:
    analysis = analyze(Source(f"{name}.arch", text_of(name)))
    assert [diagnostic.code for diagnostic in analysis.diagnostics] == [code]
    assert analysis.diagnostics[0].helps
    with pytest.raises(ArchError):
        analysis.emit()


@pytest.mark.parametrize("name", ["M3_deploy_aux", "M4_deploy_count"])
def test_deploy_form_takes_the_weights_of_training(name: str) -> None:
    generated = generate(text_of(name))
    namespace: dict[str, object] = {"__name__": "deployed"}
    exec(compile(generated.analysis.emit_deployed(), "<deployed>", "exec"), namespace)
    net = generated.module().eval()
    deployed = namespace["Net"].from_training(net.state_dict()).double()  # type: ignore[attr-defined]
    xs = inputs_of(generated.plan, 0)
    for a, b in zip(listed(deployed(*xs)), listed(net(*xs)), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("name", "block"), [("M5_inorm_track", "unit"), ("M6_rrelu", "B")])
def test_recomputing_changes_nothing(name: str, block: str) -> None:
    analysis = analyze(Source(f"{name}.arch", text_of(name)))
    namespace: dict[str, object] = {"__name__": "recomputed"}
    source = analysis.emit(options=analysis.options(checkpointing=block))
    exec(compile(source, "<recomputed>", "exec"), namespace)
    plan = analysis.plan
    assert isinstance(plan, Plan)
    found = []
    for recomputing in (False, True):
        torch.manual_seed(0)
        net = namespace["Net"](grad_checkpointing=recomputing).double()  # type: ignore[operator]
        (x,) = inputs_of(plan, 1)
        torch.manual_seed(2)
        net(x).square().sum().backward()
        found.append((*(p.grad for p in net.parameters()), *net.state_dict().values()))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


def test_the_last_bit_of_a_number_is_not_held_against_anyone() -> None:
    text = "network Net\ninput 8x8 x4\ndroppath 0.12000000000000002; times 0.30000000000000004\n"
    source = analyze(Source("net.arch", text)).emit()
    assert "DropPath(0.12)" in source
    assert "0000000004" not in source

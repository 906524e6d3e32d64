"""Edits that write a network otherwise: what each makes, and that the network is the same.

`tests/editor/refactorings` has what they make of a text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest
import torch
from editing import MARK, bundled
from nets import ONE_OF_EACH

import archc
from archc import api, syntax
from archc.api import Analysis, analyze
from archc.editor.document import Document
from archc.editor.refactoring import Refactored
from archc.source import Edit, Source, Span, edited
from archc.syntax.walk import sequences, walk

GOLDEN = Path(__file__).parent / "editor" / "refactorings"
FAST = ("fractalnet", "lenet5", "mobilenet_v2", "resnet50_fpn", "unet", "vgg16")


def applied(text: str, made: Refactored) -> str:
    source = Source("a", text)
    edits = [Edit(Span(source, c.start, c.end), c.text) for c in made.changes]
    return edited(text, edits)


def marked(text: str) -> tuple[Document, int, int]:
    """A text without its marks, one or two, and what is selected by them."""
    start = text.index(MARK)
    end = text.rindex(MARK)
    plain = text.replace(MARK, "")
    return Document(plain, Path("test.arch")), start, max(start, end - (end > start))


def offered(text: str) -> dict[str, str]:
    """What is offered where the marks are: titles and what they make, or why not."""
    one, start, end = marked(text)
    assert not [f.message for f in one.findings() if f.is_error]
    found = one.refactorings(start, end)
    return {made.title: made.refused or applied(one.text, made) for made in found}


# --- what each makes ---------------------------------------------------------------------

HEAD = "param classes = 10\ninput 32x32 x3\n\n"
BLOCKS = """\
param classes = 10
input 32x32 x3

# Two convolutions.
block unit(width, act, stride=1, drop=0.0) {
  residual if (stride == 1 and in.c == width) <
    conv 3x3/(stride) p1 x(width) nobias; bn; act
    conv 3x3 p1 x(width) nobias; bn
    if drop > 0 { dropout (drop) }
  >
  act
}

"""
TEXTS = {
    "extract": HEAD + "‸conv 3x3 p1 x8; bn; relu   # 32x32 x8\npool 2x2‸   # 16x16 x8\n"
    "gap; flatten; fc (classes)\n",
    "extract_names": HEAD + "a: conv 3x3 p1 x8\nfor i in 1..2 {\n"
    "  ‸conv 3x3 p1 x(8 * i); add< | @a; conv 1x1 x(8 * i) >; fc (classes)‸ as b{i}\n}\n".replace(
        "; fc (classes)‸ as b{i}", "; relu‸"
    ),
    "extract_output": HEAD + "‸c: conv 3x3 p1 x8; relu as a‸\nconv 1x1 x8; add< | @a >\n",
    "extract_in_block": BLOCKS.replace("conv 3x3/(stride)", "‸conv 3x3/(stride)").replace(
        "; act\n    conv", "‸; act\n    conv"
    )
    + "conv 3x3 p1 x8\nunit(8, relu)\nunit(16, silu, stride=2)\n",
    "inline": BLOCKS + "‸unit(16, relu, stride=2)\nunit(16, silu) * 2\n",
    "inline_repeat": BLOCKS + "unit(16, relu, stride=2)\nb: ‸unit(16, silu, drop=0.1) * 2\n",
    "inline_incoming": HEAD
    + "block se(hidden=in.c // 2) {\n  gap; conv 1x1 x(hidden); relu; conv 1x1 x(@in.c); sigmoid\n"
    "  mul< | @in >\n}\n\nconv 3x3 x8\n‸se()\n",
    "inline_lists": HEAD
    + "block stages(widths) {\n  for i, w in enumerate(widths) {\n    conv 3x3 p1 x(w)\n"
    "    if i + 1 < len(widths) { relu }\n  }\n}\n\nfeatures: ‸stages([8, 16, 32])\n",
    "unroll_for": HEAD
    + "‸for i in 0..2 {\n  x{i}: conv 1x1 x(8 * 2**i)   # by the pass\n"
    "  if i > 0 { add< | @x{i - 1}; conv 1x1 x(8 * 2**i) > } else { relu }\n}\n",
    "unroll_list": HEAD + "‸for w, act, n in [[8, relu, 0], [16, silu, 1]] {\n"
    "  conv 3x3 p1 x(w); act\n  { conv 1x1 x(w); relu } * n\n}\n",
    "unroll_repeat": HEAD + "conv 1x1 x8\na: { conv 3x3 p1 x8; relu }‸ * 2\n",
    "roll_repeat": HEAD + "‸conv 3x3 p1 x3; conv 3x3 p1 x3 * 2; conv 3x3 p1 x3‸; relu\n",
    "roll_for": HEAD + "‸conv 3x3 p1 x8; relu\nconv 3x3 p1 x8; relu‸\n",
    "roll_numbers": HEAD
    + "‸conv1: conv 3x3 p1 x8     # 32x32 x8\npool1: pool 2x2           # 16x16 x8\n"
    "conv2: conv 3x3 p1 x16    # 16x16 x16\npool2: pool 2x2‸           # 8x8 x16\n",
    "roll_references": HEAD + "x0: conv 1x1 x4\n‸x1: conv 1x1 x4; add< | @x0 >\n"
    "x2: conv 1x1 x4; add< | @x1 >\nx3: conv 1x1 x4; add< | @x2 >‸\n",
    "param": HEAD + "conv 3x3 p1 x‸64\ngap; flatten; fc (classes)\n",
    "param_of_block": BLOCKS.replace("conv 3x3 p1 x(width) nobias; bn\n", "conv ‸3x3 p1 x(width)\n")
    + "unit(16, relu)\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_what_each_makes(name: str, pytestconfig: pytest.Config) -> None:
    one, start, end = marked(TEXTS[name])
    parts = []
    for made in one.refactorings(start, end):
        parts.append(f"== {made.kind}: {made.title}\n")
        if made.refused:
            parts.append(f"{made.refused}\n")
        after = applied(one.text, made)
        lines = unified_diff(one.text.splitlines(True), after.splitlines(True), n=99)
        parts += [*lines][3:]
    path = GOLDEN / f"{name}.txt"
    if pytestconfig.getoption("--update-golden"):
        path.write_text("".join(parts), encoding="utf-8")
    assert "".join(parts) == path.read_text(encoding="utf-8"), f"{path}: `pytest --update-golden`"
    assert any(title.startswith("==") for title in parts)


def test_why_it_cannot_be() -> None:
    for text, said in (
        ("‸a: conv 3x3 p1 x3; relu‸\nadd< | @a >\n", "`a` is named outside"),
        ("relu; ‸relu; output b‸\n", "`output` stays where it is"),
        ("a: conv 1x1 x3\n‸right: reuse a; relu‸\n", "`reuse a` runs what is outside"),
        ("param n = 2\nrelu *‸ n\n", "how often it runs hangs on `n`"),
        ("param n = 2\n‸for i in 1..n { relu }\n", "how often it runs hangs on `n`"),
        ("block b() { conv 1x1 x3; output c; relu }\n‸b()\n", "`b` has more than one output"),
    ):
        assert any(said in made for made in offered("input 8x8 x3\n" + text).values()), text


def test_nothing_is_offered_where_nothing_can_be_told() -> None:
    for text in (
        "input 8x8 x3\n‸conv ! 3x3\nrelu‸\n",  # a mistake
        "block b() { ‸conv 1x1 x3; relu‸ }\n",  # no network
        "block b() { ‸conv 1x1 x3; relu‸ }\ninput 8x8 x3\nrelu\n",  # never called
        "input 8x8 x3\nif 1 > 2 { ‸conv 1x1 x3; relu‸ }\nrelu\n",  # never taken
        "input 8x8 x3\nconv 1‸x1 x3; re‸lu\n",  # statements that are cut
    ):
        one, start, end = marked(text)
        assert one.refactorings(start, end) == (), text


def test_a_param_that_changes_the_network_is_no_constant() -> None:
    """A loop is the same statement only as long as its params are: others are tried, too."""
    text = "param n = 2\ninput 8x8 x3\nfor i in 1..2 { conv 1x1 x(n * i) }\n"
    (made,) = (offered(text.replace("for", "‸for"))).values()
    assert "conv 1x1 x(n * 1)\nconv 1x1 x(n * 2)" in made


# --- the network is the same -------------------------------------------------------------


def same(before: Analysis, after: Analysis) -> bool:
    """Whether two networks have the same graph, its operators by order; the names apart."""
    left, right = (
        [analysis.graph.nodes[key]["node"] for key in analysis.graph]
        for analysis in (before, after)
    )
    facts = [
        [(n.operator, n.inputs, n.output, n.params, n.macs, n.op, n.training_only) for n in nodes]
        for nodes in (left, right)
    ]
    wires = [
        [(numbers[a], numbers[b], port) for a, b, port in graph.edges(keys=True)]
        for graph in (before.graph, after.graph)
        for numbers in ({key: at for at, key in enumerate(graph)},)
    ]
    return facts[0] == facts[1] and wires[0] == wires[1]


def weight_names(analysis: Analysis) -> list[str]:
    nodes = [analysis.graph.nodes[key]["node"] for key in analysis.graph]
    state = {n.module: n.op.weights(*n.inputs) | n.op.buffers(*n.inputs) for n in nodes if n.op}
    return [module for module, weights in state.items() if weights]


def places(document: Document) -> Iterator[tuple[int, int]]:
    """Where something may be offered: statements, runs of them, numbers."""
    for row in sequences(document.analyse().file):
        statements = row.statements
        for at, statement in enumerate(statements):
            yield statement.span.start, statement.span.start
            for last in statements[at : at + 6]:
                yield statement.span.start, last.span.end
            for node in walk(statement):
                if isinstance(node, syntax.Number | syntax.Size):
                    yield node.span.start, node.span.start


def check(name: str, count: int) -> int:
    """Apply what is offered at places of a network; how much was."""
    one = bundled(name)
    before = one.analyse().analysis
    found = [*places(one)]
    done = 0
    for start, end in random.Random(name).sample(found, min(count, len(found))):
        for made in one.refactorings(start, end):
            if made.refused:
                continue
            text = applied(one.text, made)
            after = analyze(Source(str(one.path), text), project=one.path.parent)
            assert after.ok, (name, made.title, text)
            assert same(before, after), (name, made.title, text)
            names_change = weight_names(before) != weight_names(after)
            assert names_change == made.title.endswith("(weight names change)")
            assert before.facts.meta == after.facts.meta
            done += 1
    return done


@pytest.mark.parametrize("name", FAST)
def test_the_network_stays(name: str) -> None:
    assert check(name, 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(api.bundled()))
def test_the_network_stays_everywhere(name: str) -> None:
    assert check(name, 3 if name in ONE_OF_EACH else 1) >= 0


@pytest.mark.parametrize("name", [n for n in TEXTS if not n.startswith("param")])
def test_torch_computes_the_same(name: str, tmp_path: Path) -> None:
    """With the same weights, in their order, whatever they are called."""
    one, start, end = marked(TEXTS[name])
    before = archc.Net(one.analyse().analysis)
    torch.manual_seed(1)
    net = before.module().eval()
    x = torch.randn(2, 3, 32, 32)
    for made in one.refactorings(start, end):
        if made.refused:
            continue
        other = archc.Net(analyze(Source("a", applied(one.text, made)))).module().eval()
        weights = zip(other.state_dict(), net.state_dict().values(), strict=True)
        other.load_state_dict(dict(weights))
        assert torch.equal(net(x), other(x)), made.title

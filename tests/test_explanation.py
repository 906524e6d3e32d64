"""`archc explain NETWORK NAME`: every number is held against torch, or a source outside archc."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from test_cli import Run, network, run  # noqa: F401
from test_ops import every_operator, make, tensor, variants

import archc
from archc import api
from archc.explain import Explanation, NoSuchNode
from archc.explain.lookup import Unfolded
from archc.ops import Op, Shape
from archc.source import Source

torch = pytest.importorskip("torch")
nn = torch.nn

HOURGLASS = Path(__file__).parent / "yardsticks" / "stacked_hourglass.arch"

REUSE = """
network Siamese
input left 20x20 x1
input right 20x20 x1
block twin(width=4) { conv 3x3/2 p1 x(width); relu; pool 2x2; flatten; fc 8 }
@left; a: twin()
@right; b: reuse a
sub< @a | @b >; abs; fc 1
output same
"""


@cache
def net(name: str) -> archc.Net:
    return archc.load(name)


def analysed(text: str) -> api.Analysis:
    analysis = api.analyze(Source("test.arch", text))
    assert analysis.ok, [d.title for d in analysis.diagnostics]
    return analysis


def evaluate(expression: str) -> Any:
    """The value of arithmetic that somebody may read aloud."""
    assert re.fullmatch(r"(?:floor|ceil|[\d\s+*/().-])+", expression), expression
    return eval(expression, {"floor": math.floor, "ceil": math.ceil, "__builtins__": {}})


def sums(text: str) -> list[tuple[str, int]]:
    """`96 + 32 = 128`, with what is on both sides."""
    found = re.findall(r"((?:floor|ceil|[\d(])[^=:]*?) = (\d[\d,]*)", text)
    return [(left, int(right.replace(",", ""))) for left, right in found]


# --- every operator, against torch -------------------------------------------------------


@every_operator
def test_arithmetic_is_what_torch_makes(cls: type[Op]) -> None:
    """On every rank: sizes, channels, weights, and MACs by torch's own counter."""
    for op, xs in variants(cls):
        if op.shape(*xs).columns:
            continue
        made, macs = measured(op, xs)
        sizes = made[2:]
        lines = op.arithmetic(*xs)
        assert len(lines) in (0, len(sizes)), "a line for each dimension"
        if not lines and op.category != "merge":
            assert len(sizes) != xs[0].rank or sizes == xs[0].size, "a size changes without reason"
        for line, size in zip(lines, sizes, strict=False):
            text = line.partition(": ")[2]
            found = sums(text)
            assert [evaluate(left) for left, _ in found] == [right for _, right in found]
            assert found[0][1] == size if found else text.startswith(str(size))
        channels = op.channel_arithmetic(*xs)
        if made[1] != xs[0].channels:
            assert re.search(rf"\b{made[1]}\b", channels) or made[1] == 1, channels
        for left, right in sums(channels):
            assert evaluate(left) == right
        expression = op.mac_arithmetic(*xs)
        assert (evaluate(expression) if expression else 0) == macs


def measured(op: Op, xs: tuple[Shape, ...]) -> tuple[tuple[int, ...], int]:
    """The output's shape, and half of the FLOPs that torch counts."""
    from torch.utils.flop_counter import FlopCounterMode

    values, call = [tensor(x, 1) for x in xs], op.torch(*xs)
    counter = FlopCounterMode(display=False)
    with counter:
        if call is None:
            names = [f"x{at}" for at in range(len(xs))]
            text = op.inline(*names)
            assert text is not None
            space = dict(zip(names, values, strict=True))
            made = eval(text, {"torch": torch, "nn": nn, "F": nn.functional}, space)
        else:
            module = make(call)
            module.eval()
            made = module(values) if op.bundles else module(*values)
    return tuple(made.shape), counter.get_total_flops() // 2


@every_operator
def test_every_operator_is_explained(cls: type[Op]) -> None:
    text = f"network Example\ninput {cls.example_input}\n{cls.example}\n"
    analysis = analysed(text)
    rows = [row.key for row in Unfolded(plan(analysis)).rows]
    names = [key for key in rows if analysis.explain(key)[0].data["operator"] == cls.name]
    assert names or cls.bundles
    for name in rows:
        said = analysis.explain(name)[0]
        assert str(said).startswith(f"{name} of Example: ")
        assert all(len(line) <= 100 for line in str(said).splitlines())
        assert json.loads(json.dumps(said.data))["name"] == name


def plan(analysis: api.Analysis) -> Any:
    assert analysis.plan is not None
    return analysis.plan


@pytest.mark.parametrize(
    ("size", "statement", "note"),
    [
        (112, "pool 3/2 ceil", "rounded up: the last window sticks out, 2 of its 3 elements"),
        (5, "pool 2/2 p1 ceil", "one element less: the last window would begin in the padding"),
        (8, "pool 3/2", "rounded down: no window has the last element"),
        (9, "conv 3/4 x1", "rounded down: no window has the last 2 elements"),
        (9, "conv 3/4 x1", "the windows leave gaps: 1 of every 4 elements are in none"),
        (8, "conv 3/2 p1 x1", "rounded down: no window has the last element of the padding"),
        (227, "conv 11/4 x1", "216 / 4 comes out whole: nothing is left over"),
    ],
)
def test_what_windows_leave_over(size: int, statement: str, note: str) -> None:
    """Held against torch: the gradient shows which elements a window has."""
    analysis = analysed(f"network N\ninput {size} x1\n{statement}\n")
    (row,) = Unfolded(plan(analysis)).rows
    said = analysis.explain(row.key)[0]
    assert any(text.startswith(note) for text in said.data["notes"]), said.data["notes"]
    op = row.part.op
    assert op is not None
    call = op.torch(*row.part.inputs)
    assert call is not None
    x = torch.rand(1, 1, size, requires_grad=True)
    module = make(call)
    if statement.startswith("pool"):
        module = nn.AvgPool1d(module.kernel_size, module.stride, module.padding, module.ceil_mode)
    y = module(x)
    assert [*y.shape[1:]] == said.data["output"]
    y.sum().backward()
    unread = (x.grad[0, 0] == 0).nonzero().flatten().tolist()
    assert unread == {"pool 3/2": [7], "conv 3/4 x1": [3, 7, 8]}.get(statement, [])


# --- AlexNet's first layer, as the lecture has it ----------------------------------------


def test_where_55x55x96_comes_from() -> None:
    said = net("alexnet").explain("conv1")
    data = said.data
    assert data["output"] == [96, 55, 55]
    assert data["size_arithmetic"][0] == "height: floor((227 + 2*0 - 11) / 4) + 1 = 55"
    assert data["params"] == 34_944  # the lecture: 11*11*3*96 = 34,848, and the biases
    assert (data["file"], data["line"]) == ("alexnet.arch", 14)
    assert data["feeds"] == ["relu1"]
    assert [source["from"] for source in data["inputs"]] == ["input:x"]
    (conv, *_) = (m for m in net("alexnet").module().modules() if isinstance(m, nn.Conv2d))
    assert repr(eval(data["torch"], {"nn": nn})) == repr(conv)
    text = str(said)
    for phrase in (
        "height and width  floor((227 + 2*0 - 11) / 4) + 1 = 55",
        "weight: 11*11*3 * 96 = 34,848",
        "bias: 96",
        "55*55*96 * 11*11*3 = 105,415,200",
        "290,400 numbers, 1.11 MiB",
        "1 + (11 - 1)*1 = 11",
        "row i of 0 to 54 sees rows 4*i to 4*i + 10 of the input, and so with columns",
    ):
        assert phrase in text, phrase


def test_three_small_windows_are_as_good_as_a_large_one() -> None:
    """The lecture, of VGG."""
    analysis = analysed("network N\ninput 32x32 x3\nconv 3 p1 x8\nconv 3 p1 x8\nconv 3 p1 x8\n")
    text = str(analysis.explain("conv3")[0])
    assert "5 + (3 - 1)*1 = 7" in text
    assert "as much as one window of 7x7 would" in text


def test_a_linear_layer_says_which_map_it_was_given() -> None:
    text = str(net("alexnet").explain("fc6"))
    assert "x9216, a map of 6x6 x256 in a row" in text
    assert "9216 * 4096 = 37,748,736" in text
    assert "all of its 227x227" in text


# --- whole networks, against torch's modules ---------------------------------------------


@pytest.mark.parametrize("name", ["alexnet_2gpu", "squeezenet1_0", "resnet18", "densenet_40_12"])
def test_parts_add_up_to_torchs_modules(name: str) -> None:
    """Parameters and shapes of every named module, blocks and groups too."""
    loaded = net(name)
    with torch.device("meta"):
        module = loaded.module()
        modules = dict(module.named_modules())
        shapes: dict[str, tuple[int, ...]] = {}
        for path, one in modules.items():
            one.register_forward_hook(keeping(shapes, path))
        module.eval()(torch.empty(1, *plan_input(loaded)))
    unfolded = Unfolded(plan(loaded.analysis))
    checked = 0
    for row in unfolded.rows:
        part = modules.get(row.key)
        if part is None or not any(True for _ in part.parameters()):
            continue
        data = loaded.analysis.explain(row.key)[0].data
        assert data["params"] == sum(p.numel() for p in part.parameters()), row.key
        if row.key in shapes:
            assert tuple(data["output"]) == shapes[row.key][1:], row.key
        checked += 1
    assert checked >= 8


def plan_input(loaded: archc.Net) -> tuple[int, ...]:
    ((_, shape),) = Unfolded(plan(loaded.analysis)).table.inputs
    return shape.dims


def keeping(shapes: dict[str, tuple[int, ...]], path: str) -> Callable[..., None]:
    def keep(module: Any, given: Any, made: Any) -> None:
        shapes[path] = tuple(made.shape)

    return keep


@pytest.mark.parametrize("name", ["googlenet", str(HOURGLASS)], ids=["googlenet", "hourglass"])
def test_wires_are_the_graphs(name: str) -> None:
    """What feeds what, as networkx has it."""
    loaded = net(name)
    unfolded, graph = Unfolded(plan(loaded.analysis)), loaded.graph
    for key in unfolded.steps:
        edges = sorted(graph.in_edges(key, data="port"), key=lambda edge: edge[2])
        assert unfolded.feeding(key) == [maker for maker, _, _ in edges]
        assert set(unfolded.users([key])) == set(graph.successors(key))


def test_a_sum_of_three_branches() -> None:
    """It is computed two at a time, and is one part of the network all the same."""
    text = "input 8x8 x4\nadd< conv 1x1 x4 | conv 3x3 p1 x4 | conv 5x5 p2 x4 >\nrelu"
    merge, relu = analysed(text).explain("add1", "relu1")
    assert [x["from"] for x in merge.data["inputs"]] == ["conv1", "conv2", "conv3"]
    assert (merge.data["torch"], merge.data["feeds"]) == ("x1 + x2 + x3", ["relu1"])
    assert relu.data["inputs"] == [{"from": "add1", "shape": [4, 8, 8]}]


def test_a_block() -> None:
    data = net("resnet50").explain("layer3.0").data
    assert (data["block"], data["times"], data["arguments"]["width"]) == ("bottleneck", 16, 256)
    assert data["inputs"] == [{"from": "layer2.3.relu3", "shape": [512, 28, 28]}]
    assert data["feeds"] == ["layer3.1.conv1", "layer3.1.add1"]
    assert [part["name"] for part in data["contents"]][-2:] == ["layer3.0.add1", "layer3.0.relu3"]
    text = str(net("resnet50").explain("layer3"))
    assert "layer3.1 … layer3.5  5 × bottleneck" in text


SIDES = """network Sides
input left 64x64 x3
input mask 32x32 x1
a: { @left; conv 3x3 p1 x8; relu }
c: { @mask; upsample 2; concat< conv 3x3 p1 x8 | @left | narrow 0 1 > }
"""


@pytest.mark.parametrize("text", [SIDES, REUSE, "resnet50_fpn"], ids=["sides", "reuse", "fpn"])
def test_what_a_group_takes_has_the_shape_that_it_is_made_with(text: str) -> None:
    """Also where a group begins elsewhere than where the statement before it ended."""
    analysis = analysed(text) if "\n" in text else net(text).analysis
    (whole,) = analysis.explain()
    made = {each.data["name"]: each.data for each in analysis.explain(*whole.data["nodes"])}
    inputs = {f"input:{name}": shape for name, shape in whole.data["inputs"].items()}
    groups = [data for data in made.values() if data["kind"] != "operator"]
    assert groups
    for data in groups:
        for one in data["inputs"]:
            name = one["from"]
            assert one["shape"] == (inputs[name] if name in inputs else made[name]["output"])
            assert f"{name}: " in str(analysis.explain(data["name"])[0])


def test_a_group_of_several_at_once() -> None:
    said = net("resnet50").explain("layer1.*.conv1")
    assert said.data["nodes"] == [f"layer1.{i}.conv1" for i in range(3)]
    assert "3 parts of ResNet50" in str(said)


def test_a_second_run() -> None:
    analysis = analysed(REUSE)
    first, second = (analysis.explain(name)[0] for name in ("a.conv1", "a.conv1#2"))
    assert (first.data["params"], second.data["params"]) == (40, 0)
    assert second.data["again"]
    assert second.data["inputs"][0]["from"] == "input:right"
    assert "those of an earlier run" in str(second)
    assert analysis.explain("output:same")[0].data["inputs"] == [{"from": "fc1"}]
    assert analysis.explain("input:left")[0].data["feeds"] == ["a.conv1"]


def test_an_auxiliary_head() -> None:
    said = net("googlenet").explain("aux1")
    assert said.data["training_only"]
    assert said.data["feeds"] == ["output:aux1"]
    assert said.data["params"] == 128 * 512 + 128 + 2048 * 1024 + 1024 + 1024 * 1000 + 1000


def test_every_part_of_a_network_is_explained() -> None:
    for name in ("fractalnet", "stochastic_depth_resnet110", "squeezenet1_0_complex_bypass"):
        analysis = net(name).analysis
        for key in net(name).explain().data["nodes"][:150]:
            assert isinstance(analysis.explain(key)[0], Explanation)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(api.bundled()))
def test_every_part_of_every_network_is_explained(name: str) -> None:
    keys = net(name).explain().data["nodes"]
    for said in net(name).analysis.explain(*keys[:600]):
        assert all(len(line) <= 100 for line in str(said).split("\n\n  name")[0].splitlines())


# --- names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("layer1.0.conv9", "did you mean 'layer1.0.conv3' or 'layer1.0.conv2'"),
        ("layer1.O", "did you mean"),
        ("conv3", "'layer1.0.conv3', 'layer1.1.conv3', 'layer1.2.conv3' and 13 more"),
        ("bottleneck", "did you mean 'layer1.0' or 'layer1.1' or 'layer1.2'?"),
        ("fc.wait", "ResNet50 has no 'fc.wait'"),
        ("layer1.weight", "ResNet50 has no 'layer1.weight'"),
        ("zzzzzzzz", "ResNet50 has no 'zzzzzzzz'"),
        ("*.zzz", "ResNet50 has no '*.zzz'"),
    ],
)
def test_a_wrong_name(name: str, said: str) -> None:
    with pytest.raises(NoSuchNode, match=re.escape(said)):
        net("resnet50").explain(name)


def test_a_key_of_the_state_dict_is_its_operator_s() -> None:
    """As torch says them: `Missing key(s) in state_dict: "layer1.0.bn1.running_mean"`."""
    pytest.importorskip("torch")
    loaded = net("lenet")
    for key in loaded.module().state_dict():
        assert str(loaded.explain(key)) == str(loaded.explain(key.rpartition(".")[0]))
    assert str(net("resnet18").explain("layer1.0.bn1.running_var")).startswith("layer1.0.bn1 of")


def test_a_network_with_mistakes() -> None:
    broken = api.analyze(Source("test.arch", "network N\ninput 4x4 x3\nconv 9x9 x4\n"))
    with pytest.raises(api.ArchError):
        broken.explain("conv1")


# --- how it is shown ---------------------------------------------------------------------


def test_it_shows_itself() -> None:
    said = net("alexnet").explain("pool1")
    assert repr(said) == str(said)
    page = said._repr_html_()
    assert page.count("<table>") == page.count("</table>") == 1
    assert "floor((55 + 2*0 - 3) / 2) + 1 = 27" in page
    block = net("squeezenet1_0").explain("features.3")._repr_html_()
    assert block.count("<table>") == 2


def test_what_is_written_cannot_break_out_of_html() -> None:
    text = 'network N "<script>"\ninput 8x8 x3\nadd< conv 1 x3 | identity > # <b>\n'
    analysis = analysed(text)
    assert "<script>" not in analysis.explain()[0]._repr_html_()
    assert "<" not in re.sub(r"</?[a-z][^<>]*>", "", analysis.explain("add1")[0]._repr_html_())


def test_the_overview_is_short() -> None:
    for name in ("preact_resnet1001", "densenet201", "vgg16", "resnet152"):
        lines = str(net(name).explain()).splitlines()
        assert len(lines) < 64, name


# --- the command line --------------------------------------------------------------------


def test_the_command(run: Run) -> None:  # noqa: F811
    done = run("explain", "alexnet", "conv1")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{net('alexnet').explain('conv1')}\n"
    assert run("explain", "alexnet").out == f"{net('alexnet').explain()}\n"
    both = run("explain", "alexnet", "conv1", "pool1").out
    assert both.count(" of AlexNet: ") == 2


def test_the_command_as_json(run: Run) -> None:  # noqa: F811
    document = json.loads(run("explain", "alexnet", "conv1", "fc6", "--format", "json").out)
    assert (document["version"], document["network"]) == (1, "AlexNet")
    assert [node["name"] for node in document["nodes"]] == ["conv1", "fc6"]
    codes = json.loads(run("explain", "a201", "--format", "json").out)["codes"]
    assert [code["code"] for code in codes] == ["A201"]
    assert len(json.loads(run("explain", "--format", "json").out)["codes"]) > 40


def test_other_numbers(run: Run) -> None:  # noqa: F811
    done = run("explain", "alexnet", "conv1", "--input", "3x224x224")
    assert "floor((224 + 2*0 - 11) / 4) + 1 = 54" in done.out
    assert "rounded down: no window has the last row and column" in done.out
    assert "4096 * 10" in run("explain", "-D", "num_classes=10", "alexnet", "fc8").out


def test_mistakes_on_the_command_line(run: Run, tmp_path: Any) -> None:  # noqa: F811
    wrong = run("explain", "resnet50", "conv3")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean" in run("explain", "alexnt").err
    network(tmp_path, "broken.arch", "network B\ninput 8x8 x3\nconv 9x9 x4\n")
    done = run("explain", "broken.arch", "conv1")
    assert (done.code, done.out) == (1, "")
    assert "error[A201]" in done.err
    network(tmp_path, "blocks.arch", "block unit(c) { conv 3x3 p1 x(c) }\n")
    assert run("explain", "blocks.arch").code == 1
    network(tmp_path, "a201")
    assert "of Tiny" in run("explain", "./a201", "conv1").out
    assert run("explain", "a201").out.startswith("A201: ")


def test_every_key_of_the_json_is_documented() -> None:
    document = (Path(__file__).parents[1] / "docs" / "cli.md").read_text(encoding="utf-8")
    section = document.partition("## What `explain` says")[2].partition("\n## ")[0]
    known = set(re.findall(r"`(\w+)`", section))
    for name in ("conv1", "layer1.0", "layer1", "*.conv1", "input:x", "output:output", ""):
        data = net("resnet50").explain(name).data
        assert data.keys() <= known, data.keys() - known
        for value in data.values():
            for item in value if isinstance(value, list) else ():
                if isinstance(item, dict):
                    assert item.keys() <= known, item.keys() - known

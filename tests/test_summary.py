"""`archc summary` and `net.summary()`: numbers against torch, fvcore and the lecture; formats."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import types
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nets import ONE_OF_EACH, net_of, small, varied

import archc
from archc import cli
from archc.cli.exit_codes import CLOSED_PIPE
from archc.ops import REGISTRY
from archc.plan import Apply, walk
from archc.report import characters, folding
from archc.report.columns import MEASURES
from archc.report.spelling.operators import format_operator
from archc.report.summary import Summary

NAMES = sorted(archc.bundled())
FEW = {"alexnet", "googlenet", "resnet18", "fractalnet"}
RUNS = varied(NAMES, FEW)
REFERENCE = Path(__file__).parent / "reference"
ROOT = Path(archc.__file__).parents[1]

SMALL = """\
network Small
param classes = 10
input 16x16 x3
block unit(width, stride=1, out=2*width) {
  residual< conv 3x3/(stride) p1 x(out) nobias; bn | conv 1x1/(stride) x(out) >; relu
}
block tail(n) { flatten; fc (n) }
stem: conv 3x3 p1 x8
body: { unit(4) * 4; unit(8, stride=2); unit(8, out=16) }
first: aux weight=0.3 < tail(classes) >
gap; flatten
fc: fc (classes)
"""


@cache
def example() -> Summary:
    return net_of(SMALL).summary()


@cache
def summary_of(name: str) -> Summary:
    return archc.load(name).summary()


# --- against those who run it ------------------------------------------------------------


@pytest.mark.parametrize("name", RUNS)
def test_every_node_is_as_torch_runs_it(name: str) -> None:
    """Parameters, MACs and output shape of each operator, by its module's name."""
    torch = pytest.importorskip("torch")
    flop_counter = pytest.importorskip("torch.utils.flop_counter")
    net = archc.load(name)
    nodes = net.summary().to_dict()["nodes"]
    with torch.device("meta"):
        module = net.module().eval()
        x = torch.empty(1, *net.summary().table.inputs[0][1].dims)
    shapes: dict[str, list[tuple[int, ...]]] = {}

    def note(path: str, y: Any) -> None:
        if torch.is_tensor(y):
            shapes.setdefault(path, []).append(tuple(y.shape[1:]))

    for path, inner in module.named_modules():
        inner.register_forward_hook(lambda _m, _x, y, path=path: note(path, y))
    with flop_counter.FlopCounterMode(display=False) as counter:
        module(x)
    flops = {key: sum(ops.values()) for key, ops in counter.get_flop_counts().items()}
    owned = Counter[str]()
    bare = {node["name"] for node in nodes}  # weights of a class itself have a node's own name
    for path, parameter in module.named_parameters():
        owned[path if path in bare else path.rpartition(".")[0]] += parameter.numel()
    root = type(module).__name__
    for node in nodes:
        place = node["name"].partition("#")[0]
        assert owned.pop(place, 0) == node["params"] or node["again"], node
        if node["params"] and not node["aux"] and place in shapes:
            assert node["shape"] in shapes[place], node
            assert node["again"] or 2 * node["macs"] == flops.get(f"{root}.{place}", 0), node
    assert not owned, "parameters that no node has"
    ran = {node["name"] for node in nodes if node["params"] and not node["aux"]}
    assert ran <= shapes.keys() | {path for path, _ in module.named_parameters()}
    assert sum(node["macs"] for node in nodes if not node["aux"]) * 2 == counter.get_total_flops()


@pytest.mark.filterwarnings("ignore")  # torch's and fvcore's own
@pytest.mark.parametrize("name", varied(sorted(ONE_OF_EACH | FEW), FEW))
def test_fvcore_counts_the_same(name: str) -> None:
    """MACs of convolutions and linears, and the numbers that they put out."""
    torch = pytest.importorskip("torch")
    fvcore = pytest.importorskip("fvcore.nn")
    net = small(name)  # since fvcore computes what it counts
    summary = net.summary()
    with torch.device("meta"):
        module = net.module()
    module = module.to_empty(device="cpu").eval()
    x = torch.zeros(1, *summary.table.inputs[0][1].dims)
    flops, activations = (
        kind(module, x)
        .unsupported_ops_warnings(False)
        .uncalled_modules_warnings(False)
        .tracer_warnings("none")
        for kind in (fvcore.FlopCountAnalysis, fvcore.ActivationCountAnalysis)
    )
    by_operator = flops.by_operator()
    assert by_operator["conv"] + by_operator.get("linear", 0) == summary.macs
    assert activations.total() == summary.to_dict()["totals"]["conv_activations"]


# What other tools print, from the shared notes on counting: calflops' MACs (its FLOPs count more),
# twice that is torch's flop counter; fvcore's activations. GoogLeNet is torchvision's.
COUNTED = {
    "resnet50": (4_089_184_256, 8_178_368_512, 11_114_984),
    "googlenet_bn": (1_498_376_192, 2_996_752_384, 3_227_160),
    "densenet121": (2_834_161_664, 5_668_323_328, 6_900_200),
    "vgg16": (15_470_264_320, 30_940_528_640, 13_556_712),
}


@pytest.mark.parametrize("name", COUNTED)
def test_what_other_tools_print(name: str) -> None:
    totals = summary_of(name).to_dict()["totals"]
    found = (totals["macs"], totals["flops"], totals["conv_activations"])
    assert found == COUNTED[name]


def test_receptive_fields_of_the_lecture() -> None:
    """Three 3x3 see what one 7x7 sees."""
    text = "network Three\ninput 32x32 x3\nconv 3x3 p1 x4; conv 3x3 p1 x4; conv 3x3 p1 x4\n"
    fields = [node["field"] for node in net_of(text).summary().to_dict()["nodes"]]
    assert fields == [(3, 3), (5, 5), (7, 7)]


def test_peaks_are_those_of_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fit", "resnet18", "--batch", "8", "--dtype", "bf16", "--format", "json"]) == 0
    fit = json.loads(capsys.readouterr().out)
    summary = archc.load("resnet18").summary(batch=8, dtype="bf16")
    assert summary.train_peak_bytes == fit["train_peak_bytes"]
    assert summary.infer_peak_bytes == fit["infer_peak_bytes"]


# --- what the lecture prints -------------------------------------------------------------


def lecture(*argv: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert cli.main(["summary", *argv, "--style", "lecture"]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_lectures_table(capsys: pytest.CaptureFixture[str]) -> None:
    """VGG-16, line by line as in the lecture; only its sum of the memory is another."""
    slide = (REFERENCE / "lecture_vgg16.txt").read_text("utf-8").splitlines()
    ours = lecture("vgg16", capsys=capsys)
    assert ours[:22] == [" ".join(line.split()) for line in slide]
    assert ours[22:] == [
        "",
        "VGG16",
        "TOTAL memory: 15,237,608 * 4 bytes = 60.95MB / image (only forward! ~*2 for bwd)",
        "TOTAL params: 138,344,128 parameters (not counting biases)",
    ]


@pytest.mark.parametrize("name", varied(NAMES))
def test_the_lectures_style_of_any_network(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its lines add up to its sums: memory by the products, parameters by the figures."""
    lines = lecture(name, capsys=capsys)
    memory = params = 0
    for line in lines[: lines.index("")]:
        found = re.fullmatch(
            r"[A-Z0-9x/_ -]+: \[([\dx]+)\] memory: \S+ params: (?:.* = )?([\d,]+)(?: \(.*\))?", line
        )
        assert found, line
        elements = 1
        for extent in found[1].split("x"):
            elements *= int(extent)
        memory += elements
        params += int(found[2].replace(",", ""))
        if "=" in line.partition("memory: ")[2].partition(" ")[0]:
            product = line.partition("memory: ")[2].partition("=")[0]
            assert eval(product) == elements
        if " = " in line:
            assert eval(line.partition("params: ")[2].partition(" = ")[0]) == int(
                found[2].replace(",", "")
            )
    text = "\n".join(lines)
    assert f"TOTAL memory: {memory:,} * 4 bytes" in text
    assert f"TOTAL params: {params:,} parameters" in text


def test_lecture_details(capsys: pytest.CaptureFixture[str]) -> None:
    lines = lecture("googlenet", capsys=capsys)
    assert "CONV7-64/2: [112x112x64] memory: 112*112*64=800K params: (7*7*3)*64 = 9,408" in lines
    assert "AUXILIARY HEADS (while training only, not in the totals):" in lines
    assert lecture("resnet18", capsys=capsys)[0].endswith("(not counting biases and norms)")
    closed = lecture("resnet18", "--depth", "1", capsys=capsys)
    assert "layer1: [56x56x64] memory: 2M params: 147,456" in closed
    assert "60.95MB" not in "\n".join(lecture("vgg16", "--dtype", "fp16", capsys=capsys))
    assert cli.main(["summary", "vgg16", "--style", "lecture", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[1] == {
        "layer": "CONV3-64",
        "shape": "224x224x64",
        "memory": "3211264",
        "params": "1728",
    }


# --- operators as a file writes them -----------------------------------------------------


@pytest.mark.parametrize("name", sorted({cls.name for cls in REGISTRY.values()}))
def test_an_operator_as_it_is_written(name: str) -> None:
    """What is written gives the same operator again."""
    cls = REGISTRY[name]
    if cls.inputs != (1, 1) or cls.bundles or "@" in cls.example:
        return
    plan = net_of(f"network Example\ninput {cls.example_input}\n{cls.example}\n").analysis.plan
    assert plan is not None
    node = next(
        n for n in walk(plan.body.chain.nodes) if isinstance(n, Apply) and n.op.name == name
    )
    written = format_operator(node.op, node.shapes[0].rank)
    again = net_of(f"network Again\ninput {node.shapes[0]}\n{written}\n").analysis.plan
    assert again is not None
    (other,) = (n for n in again.body.chain.nodes if isinstance(n, Apply))
    assert format_operator(other.op, node.shapes[0].rank) == written
    assert (other.op.torch(*node.shapes), other.op.inline("x")) == (
        node.op.torch(*node.shapes),
        node.op.inline("x"),
    )


@pytest.mark.parametrize(
    ("statement", "written"),
    [
        ("conv 3 p(1+0) x(2*8) nobias", "conv 3x3 p1 x16 nobias"),
        ("conv 3x3/2 same x4", "conv 3x3/2 same x4"),
        ("conv 3x1/2x1 p1x0 g3 d2x1 x6", "conv 3x1/2x1 p1x0 d2x1 g3 x6"),
        ("pool 2x2", "pool 2x2"),
        ("pool 3x3/2 ceil", "pool 3x3/2 ceil"),
        ("avgpool to=7", "avgpool to=7x7"),
        ("dropout", "dropout 0.5"),
        ("lrn 5 alpha=0.0001 k=2", "lrn 5 k=2"),
        ("bn eps=1e-3 noaffine", "bn eps=0.001 noaffine"),
        ("pad 1 mode=reflect", "pad 1x1 mode=reflect"),
        ("leaky_relu 0.123456789", "leaky_relu 0.123456789"),
    ],
)
def test_attributes(statement: str, written: str) -> None:
    net = net_of(f"network N\ninput 16x16 x3\n{statement}\n")
    ours = net.summary().records(["statement"])[0]["statement"]
    assert sorted(ours.split()) == sorted(written.split())
    again = net_of(f"network N\ninput 16x16 x3\n{ours}\n").summary().records()
    assert again == net.summary().records()


def test_blocks_and_groups() -> None:
    text = """\
network N
input 8x8 x4
block unit(f, rates=[0.1, 0.2], word="a, b", last=false) {
  conv 1x1 x(f); dropout (rates[0]); if word == "x" or last { relu }
}
block with(inner) { inner(8) }
a: unit(4); b: unit(4, rates=[0.3]); c: unit(8, word="y", last=true)
label: residual<
  conv 1x1 x8  # as wide
>
loop: { for i in 1..2 { conv 1x1 x(4*i) } }
g: { conv 1x1 x4 } * 2
block small(x) { relu }
with(small)
"""
    found = {item.name: item.statement for item in folding.outline(net_of(text).summary().table, 1)}
    assert found["a"] == "unit(4)"
    assert found["b"] == "unit(4, rates=[0.3])"
    assert found["c"] == 'unit(8, word="y", last=true)'
    assert found["loop"] == "{ for i in 1..2 { conv 1x1 x(4*i) } }"
    assert found["g"] == "{ conv 1x1 x4 } * 2"
    assert found["with1"] == "with(small)"


# --- blocks closed, repeats folded -------------------------------------------------------


@pytest.mark.parametrize("name", varied(NAMES))
def test_a_page(name: str) -> None:
    """The default is readable, and what it shows adds up to the whole."""
    table = summary_of(name).table
    depth = folding.readable_depth(table)
    items = folding.outline(table, depth)
    assert 5 < len(items) <= 64
    shown = [item for item in items if not item.opened]
    assert sum(item.counts.params for item in shown) == table.counts.params
    assert sum(item.counts.macs for item in shown if not item.training_only) == table.counts.macs
    if depth is not None:
        assert len(folding.outline(table, depth + 1)) > 64


def test_repeats_are_one_line() -> None:
    text = str(archc.load("resnet152").summary())
    assert re.search(
        r"\n  layer3\.1-35  bottleneck\(256\) \* 35 +14x14 x1024 +39,101,440  7\.64G ", text
    )
    assert "layer3.17 " in str(archc.load("resnet152").summary(2, fold=False))
    text = str(archc.load("stochastic_depth_resnet110").summary())
    assert "basic(16, 1..18, 54) * 18" in text


def test_computed_fractions_are_short_where_people_read_them() -> None:
    text = """\
network N
input 8x8 x8
block unit(width, drop=0) { residual< conv 3x3 p1 x(width); droppath (drop) > }
stage: { for i in 1..3 { unit(8, drop=i / 7) } }
dropout 0.123456
"""
    net = net_of(text)
    assert "unit(8, drop=0.1429..0.4286) * 3" in str(net.summary(depth=2))
    assert "dropout 0.123456" in str(net.summary())  # as somebody wrote it
    assert "with        width = 8, drop = 0.1429\n" in str(net.explain("stage.0"))
    exact = [row["statement"] for row in net.summary(depth=2).records()]
    assert f"unit(8, drop={1 / 7!r})" in exact  # programs get all of it


def test_what_is_not_alike_is_not_folded() -> None:
    text = """\
network N
input 8x8 x8
a: { conv 1x1 x8; conv 1x1 x8; conv 1x1 x8 nobias; dropout 0.1; dropout 0.2 }
x: conv 1x1 x8
x0: conv 1x1 x8
"""
    items = folding.outline(net_of(text).summary().table, None)
    assert [item.name for item in items] == ["a", "a.0-1", "a.2", "a.3", "a.4", "x", "x0"]


def test_auxiliary_heads_are_set_apart() -> None:
    lines = str(archc.load("googlenet").summary()).splitlines()
    names = [line.split()[0] for line in lines if line]
    assert names.index("fc") + 1 == names.index("without") == names.index("aux1") - 1
    assert names.index("aux2") + 1 == names.index("total")
    main = next(line for line in lines if line.startswith("without heads"))
    assert " 6,998,552 " in main, "the paper's network"
    assert " 13,378,280 " in next(line for line in lines if line.startswith("total"))
    assert "8,372,224 MACs more of the auxiliary heads, which run in training only" in lines
    nodes = summary_of("googlenet").to_dict()["nodes"]
    aux = [node for node in nodes if node["aux"]]
    assert {node["name"].partition(".")[0] for node in aux} == {"aux1", "aux2"}
    assert sum(node["macs"] for node in aux) == 8_372_224


# --- the command's formats ---------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(["summary", *argv])
    return code, *capsys.readouterr()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.arch"
    path.write_text(SMALL, encoding="utf-8")
    return str(path)


TEXT = """\
Small: 16x16 x3 to x10, batch 1, fp32 (4 bytes)
output    the output of one sample: height x width, then channels
params    trainable numbers, each counted once, biases and norms too
MACs      multiply-accumulates of convolutions and linears in eval mode, without biases
memory    operator outputs, in bytes, whether or not they overwrite their input

name              operator           output    params   MACs    memory
stem              conv 3x3 p1 x8     16x16 x8     224  55.3k  8.00 KiB
body              { … }              8x8 x16    6,592   901k   200 KiB
  body.0-3        unit(4) * 4        16x16 x8   2,656   655k   160 KiB
  body.4          unit(8, stride=2)  8x8 x16    1,328  81.9k  20.0 KiB
  body.5          unit(8)            8x8 x16    2,608   164k  20.0 KiB
gap1              gap                1x1 x16        0      0      64 B
flatten1          flatten            x16            0      0      64 B
fc                fc 10              x10          170    160      40 B
without heads                        x10        6,986   957k   208 KiB
first             tail(10)           x10       10,250  10.2k  4.04 KiB
  first.flatten1  flatten            x1024          0      0  4.00 KiB
  first.fc1       fc 10              x10       10,250  10.2k      40 B
total                                x10       17,236   957k   208 KiB
"""


def test_text(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, file, "--depth", "2")
    assert (code, err) == (0, "")
    table, _, foot = out.partition("\n17,236 parameters")
    assert table == TEXT
    assert "MACs = 1,913,152 FLOPs for one sample\n" in foot
    assert "10,240 MACs more of the auxiliary heads" in foot


def test_columns_line_up(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, file)
    lines = out.split("\n\n")[1].splitlines()
    ends = {line.rindex(word) + len(word) for line, word in ((x, x.split()[-1]) for x in lines)}
    assert len(ends) == 1


def test_json(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, file, "--format", "json", "--batch", "2", "--dtype", "fp16")
    found = json.loads(out)
    assert code == 0
    assert list(found) == [
        "version", "archc", "network", "arguments", "batch", "dtype", "inputs", "outputs", "totals",
        "nodes",
    ]  # fmt: skip
    assert found["version"] == 1
    assert found["inputs"] == [{"name": "x", "shape": [3, 16, 16]}]
    assert found["outputs"] == [{"name": "output", "shape": [10]}]
    totals, nodes = found["totals"], found["nodes"]
    assert set(totals) == {
        *set(MEASURES) - {"name", "op", "statement", "shape"},
        "side_macs", "train_peak_bytes", "infer_peak_bytes",
    }  # fmt: skip
    assert nodes[0] | {"name": "stem", "op": "conv", "statement": "conv 3x3 p1 x8"} == nodes[0]
    assert nodes[0]["shape"] == [8, 16, 16]
    assert nodes[0]["macs"] == 2 * 55_296
    assert nodes[0]["activation_bytes"] == 2 * 2 * 8 * 16 * 16
    assert set(nodes[0]) == {*MEASURES, "aux", "again"}
    assert sum(node["params"] for node in nodes) == totals["params"]
    for count in ("macs", "flops", "operations", "activations", "activation_bytes"):
        assert sum(node[count] for node in nodes if not node["aux"]) == totals[count], count


def test_csv(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, file, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert out.splitlines()[:2] == [
        "name,op,statement,shape,params,macs,activations,activation_bytes",
        "stem,conv,conv 3x3 p1 x8,8x16x16,224,55296,2048,8192",
    ]
    assert sum(int(row["params"]) for row in rows) == 17_236, "no line is a sum"
    _, out, _ = run(capsys, file, "--format", "csv", "--depth", "1", "--columns", "name,params")
    assert out.split() == (
        "name,params stem,224 body,6592 first,10250 gap1,0 flatten1,0 fc,170".split()
    )


def test_markdown_and_latex(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(
        capsys, file, "--format", "markdown", "--depth", "2", "--columns", "name,statement,macs"
    )
    assert "| name | operator | MACs |\n| --- | --- | ---: |\n" in out
    assert "| &emsp;body.0-3 | unit(4) \\* 4 | 655k |\n" in out
    assert "| **total** |  | **957k** |\n" in out
    assert out.startswith("**Small: 16x16 x3 to x10, batch 1, fp32 (4 bytes)**\n\nMACs")
    _, out, _ = run(
        capsys, file, "--format", "latex", "--depth", "2", "--columns", "name,statement,macs"
    )
    assert "\\begin{tabular}{llr}\n\\toprule\nname & operator & MACs \\\\\n\\midrule\n" in out
    assert "\\quad body.0-3 & unit(4) * 4 & 655k \\\\\n" in out
    assert all(line.startswith("%") for line in out.split("\\begin")[0].splitlines())


def test_columns(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, file, "--columns", "name,op,shape,params,macs")
    assert "\nname" in out
    assert re.search(r"\nstem +conv +16x16 x8 +224 +55\.3k\n", out)
    _, out, _ = run(capsys, file, "--columns", "+field,stride")
    assert re.search(r"\nname +operator .* memory +field +stride\n", out)
    _, out, _ = run(capsys, file, "--columns", "all", "--format", "csv")
    assert out.splitlines()[0] == ",".join(MEASURES)
    code, out, err = run(capsys, file, "--columns", "name,parms")
    assert (code, out) == (2, "")
    assert "no column 'parms'; did you mean 'params'?" in err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--columns", ""), "'' is not a list"),
        (("--depth", "0"), "at least 1"),
        (("--batch", "0"), "at least 1"),
        (("--dtype", "int8"), "invalid choice"),
        (("--format", "html"), "invalid choice"),
        (("--style", "lecture", "--columns", "name"), "no --columns or --batch"),
        (("--style", "lecture", "--batch", "2"), "no --columns or --batch"),
    ],
)
def test_wrong_usage(
    argv: tuple[str, ...], says: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, file, *argv)
    assert (code, out) == (2, "")
    assert says in err


def test_params_and_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("squeezenet1_1", "-D", "num_classes=7", "--input", "3x512x512", "--format", "json")
    _, out, _ = run(capsys, *argv)
    found = json.loads(out)
    assert found["inputs"][0]["shape"] == [3, 512, 512]
    assert found["outputs"][0]["shape"] == [7]


def test_mistakes_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.arch"
    path.write_text("network Broken\ninput 8x8 x3\nconv 9x9 x4\n", encoding="utf-8")
    code, out, err = run(capsys, str(path))
    assert (code, out) == (1, "")
    assert "A201" in err
    path.write_text("block unit() { relu }\n", encoding="utf-8")
    code, out, err = run(capsys, str(path))
    assert (code, out) == (1, "")
    assert "no `network` line" in err
    assert run(capsys, str(tmp_path))[0] == 2
    assert "; did you mean 'resnet" in run(capsys, "resnet5")[2]


def test_wide_letters_line_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels are ASCII; a text that a block is given need not be."""
    path = tmp_path / "korean.arch"
    path.write_text(
        'network N\ninput 8x8 x3\nblock unit(kind) { relu; if kind == "없음" { relu } }\n'
        'a: unit("합성곱")\nb: unit("conv")\nrelu\n',
        encoding="utf-8",
    )
    code, out, _ = run(capsys, str(path), "--depth", "1")
    assert code == 0
    rows = [line for line in out.splitlines() if "8x8 x3  " in line]
    assert len(rows) == 4
    assert len({characters.cells(line.partition("8x8")[0]) for line in rows}) == 1
    for format in ("json", "csv", "markdown", "latex"):
        assert "합성곱" in run(capsys, str(path), "--depth", "1", "--format", format)[1]


def test_on_a_terminal(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    plain = run(capsys, file)[1]
    assert "\x1b" not in plain
    assert "\x1b[1m" in run(capsys, file, "--color", "always")[1]


def test_a_reader_that_goes_away(file: str) -> None:
    command = [sys.executable, "-m", "archc", "summary", "preact_resnet164", "--format", "json"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (0, CLOSED_PIPE)


def test_it_needs_neither_torch_nor_networkx() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from archc import cli;"
        "cli.main(['summary', 'resnet50']);"
        "assert not {'torch', 'networkx', 'jinja2', 'rich', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


# --- in Python ---------------------------------------------------------------------------


def test_totals() -> None:
    summary = archc.load("vgg16").summary()
    assert summary.name == "VGG16"
    assert summary.params == 138_357_544
    assert summary.weights == 138_344_128
    assert summary.buffers == 0
    assert summary.flops == 2 * summary.macs == 30_940_528_640
    assert summary.activations > 15_237_608
    assert summary.infer_peak_bytes > 4 * summary.params
    assert archc.load("vgg16").summary(batch=3).macs == 3 * summary.macs


def test_it_shows_itself() -> None:
    summary = example()
    assert str(summary).startswith("Small: ")
    html = summary._repr_html_()
    assert html.count("<tr>") == len(str(summary).split("\n\n")[1].splitlines())
    assert "&lt;" not in html
    assert repr(summary) == str(summary), "a wall of data in a plain Python otherwise"


def test_it_is_json() -> None:
    summary = example()
    assert json.loads(summary.json()) == json.loads(json.dumps(summary.to_dict()))


def test_it_needs_pandas_for_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        example().frame()
    fake = types.ModuleType("pandas")
    fake.DataFrame = lambda records, columns: (records, columns)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", fake)
    records, columns = example().to_pandas()
    assert list(records[0]) == list(columns)


def test_a_pandas_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = archc.load("resnet18").summary().frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["params"].sum() == 11_689_512
    assert frame.groupby("op")["macs"].sum()["conv"] == 1_813_561_344


@pytest.mark.parametrize(
    "how", [{"depth": 0}, {"batch": 0}, {"dtype": "int8"}, {"columns": ["nothing"]}]
)
def test_wrong_arguments(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|no dtype|no column"):
        archc.load("alexnet").summary(**how)


def test_one_column_by_name() -> None:
    net = archc.load("alexnet")
    assert str(net.summary(columns="params")) == str(net.summary(columns=["params"]))
    with pytest.raises(TypeError, match=r"batch is a whole number, not 1\.5"):
        net.summary(batch=1.5)  # type: ignore[arg-type]

"""`archc compare`, `archc.compare`, depth and the published errors.

The numbers are held against tests/reference, which archc did not make, and against torchvision.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from random_networks import program

import archc
from archc import api, cli
from archc.comparison import Comparison, UnknownColumn, timing
from archc.source import Source

REFERENCE = Path(__file__).parent / "reference"
FACTS: dict[str, dict[str, Any]] = json.loads((REFERENCE / "networks.json").read_text("utf-8"))
ERRORS = {
    row["name"]: row
    for row in csv.DictReader(io.StringIO((REFERENCE / "errors.csv").read_text("utf-8")))
}
KEYS = ("top1_error", "top5_error", "crops")
TINY = "network {}\ninput 8x8 x3\nconv 3x3 p1 x4; relu; gap; flatten; fc 10\nmeta {{ {} }}\n"


@pytest.fixture(scope="module")
def nets() -> dict[str, archc.Net]:
    """All bundled networks."""
    return {name: archc.load(name) for name in archc.bundled()}


@pytest.fixture(scope="module")
def everything(nets: dict[str, archc.Net]) -> Comparison:
    columns = "name params weights macs flops depth output".split()
    return archc.compare(nets.values(), columns=columns)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(["compare", *argv])
    return code, *capsys.readouterr()


def network(folder: Path, name: str, meta: str = "year 2026") -> str:
    path = folder / f"{name}.arch"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TINY.format(path.stem.title().replace("-", ""), meta), encoding="utf-8")
    return str(path)


# --- numbers -----------------------------------------------------------------------------


def test_every_bundled_network_has_the_numbers_of_the_reference(everything: Comparison) -> None:
    for row in everything.records():
        facts = FACTS[row["name"]]
        for key in ("params", "weights", "macs"):
            assert row[key] == facts[key], (row["name"], key)
        assert row["flops"] == 2 * facts["macs"]
        assert row["output"] == facts.get("outputs", [facts["output"]])


def test_depth_is_that_of_the_papers(everything: Comparison) -> None:
    """WRN names count three convolutions on shortcuts, and not the linear."""
    found = {row["name"]: row["depth"] for row in everything.records()}
    expected = {name: facts["depth"] for name, facts in FACTS.items()}
    assert (expected["wrn_28_10"], expected["wrn_40_4"]) == (28, 40)
    assert found == expected | {"wrn_28_10": 26, "wrn_40_4": 38}
    assert (found["alexnet"], found["vgg16"], found["googlenet"]) == (8, 16, 22)  # the lecture's


@pytest.mark.parametrize("seed", range(12))
def test_depth_is_the_longest_path_of_the_graph(seed: int) -> None:
    analysis = api.analyze(Source("random.arch", program(seed).text))
    assert analysis.ok
    graph = analysis.graph
    nodes = dict(graph.nodes(data="node"))
    ends = [k for k, n in nodes.items() if n.operator == "output" and not n.training_only]
    simple = nx.DiGraph()
    simple.add_nodes_from(graph)
    for tail, head in graph.edges():
        weighted = nodes[head].operator in ("conv", "deconv", "fc", "fc each")
        simple.add_edge(tail, head, weight=int(weighted))
    # Of the paths to outputs alone: auxiliary heads are deeper at times.
    main = {key for end in ends for key in (end, *nx.ancestors(simple, end))}
    length = nx.dag_longest_path_length(simple.subgraph(main))
    assert analysis.depth == length


def test_peaks_are_those_of_fit(capsys: pytest.CaptureFixture[str]) -> None:
    columns = "name,infer_peak_bytes,train_peak_bytes"
    _, out, _ = run(capsys, "squeezenet1_1", "--batch", "8", "--columns", columns, "--format=json")
    (row,) = json.loads(out)["networks"]
    cli.main(["fit", "squeezenet1_1", "--batch", "8", "--format", "json"])
    fit = json.loads(capsys.readouterr().out)
    for key in ("infer_peak_bytes", "train_peak_bytes"):
        assert row[key] == fit[key] > 0


# --- published errors --------------------------------------------------------------------


@pytest.fixture(scope="module")
def tested(nets: dict[str, archc.Net]) -> dict[str, dict[str, Any]]:
    """What those with an error say of themselves."""
    return {name: net.meta for name, net in nets.items() if "top1_error" in net.meta}


def test_errors_are_those_that_were_published(tested: dict[str, dict[str, Any]]) -> None:
    """From torchvision's own registry where `measured` says so, else from reference/errors.csv."""
    models = pytest.importorskip("torchvision.models")
    theirs = {"alexnet_owt": "alexnet", "googlenet_bn": "googlenet"}
    for name, meta in tested.items():
        found = [meta["top1_error"], meta.get("top5_error")]
        if said := re.search(r"torchvision's (\w+) weights", meta["measured"]):
            weights = models.get_model_weights(theirs.get(name, name))[said[1]]
            accuracy = weights.meta["_metrics"]["ImageNet-1K"]
            assert found == [round(100 - accuracy[f"acc@{n}"], 2) for n in (1, 5)], name
            assert meta["crops"] == 1
            assert name not in ERRORS, "two sources"
        else:
            row = {key: float(text) for key, text in ERRORS[name].items() if text and key in KEYS}
            assert found == [row["top1_error"], row.get("top5_error")], name
            assert meta.get("crops") == row.get("crops"), name
    assert ERRORS.keys() <= tested.keys()


def test_what_was_tested_says_on_what(tested: dict[str, dict[str, Any]]) -> None:
    for name, meta in tested.items():
        assert meta["dataset"] in ("ImageNet", "CIFAR-10", "MNIST"), name
        assert meta["measured"].startswith(meta["dataset"]), name
        assert ("crops" in meta) == (meta["dataset"] == "ImageNet"), name


def test_networks_of_one_dataset_have_different_labels(nets: dict[str, archc.Net]) -> None:
    labels = [(net.meta.get("dataset"), net.meta["display"]) for net in nets.values()]
    assert len(set(labels)) == len(labels)


# --- the table ---------------------------------------------------------------------------


def test_a_row_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "vgg16", "resnet50", "--columns", "name,year,depth,params,macs")
    head, vgg, resnet, empty, *notes = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == ["name", "year", "depth", "parameters", "MACs"]
    assert vgg.split() == ["vgg16", "2014", "16", "138,357,544", "15.5G"]
    assert resnet.split() == ["resnet50", "2015", "50", "25,557,032", "4.09G"]
    assert empty == ""
    assert notes[0] == "depth: convolutions and linears on the longest path"


def test_sorting(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names = ["net10", "net9", "net2", "unknown"]
    errors = {"net10": 3.5, "net9": 20, "net2": 7}
    for name in names:
        meta = f"top1_error {errors[name]}" if name in errors else "year 2026"
        network(tmp_path, name, meta)

    def order(*argv: str) -> list[str]:
        out = run(capsys, str(tmp_path), "--columns", "name", "--format", "csv", *argv)[1]
        return out.split()[1:]

    assert order("--sort", "name") == ["net2", "net9", "net10", "unknown"]
    assert order("--sort", "top1_error") == ["net10", "net2", "net9", "unknown"]
    assert order("--sort", "top1_error", "--reverse") == ["net9", "net2", "net10", "unknown"]
    assert order("--reverse") == order()[::-1]


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    some = ("resnet18", "--columns", "name,input,macs,arxiv")
    assert run(capsys, *some, "--format", "csv")[1] == (
        "name,input,macs,arxiv\nresnet18,3x224x224,1814073344,1512.03385\n"
    )
    markdown = run(capsys, *some, "--format", "markdown")[1]
    assert "| resnet18 | 3x224x224 | 1.81G | 1512.03385 |\n" in markdown
    latex = run(capsys, *some, "--format", "latex")[1]
    assert "resnet18 & 3x224x224 & 1.81G & 1512.03385 \\\\\n" in latex
    document = json.loads(run(capsys, *some, "--format", "json")[1])
    assert document == {
        "version": 1,
        "archc": archc.__version__,
        "batch": 32,
        "machine": None,
        "networks": [
            {
                "name": "resnet18",
                "input": [[3, 224, 224]],
                "macs": FACTS["resnet18"]["macs"],
                "arxiv": "1512.03385",
            }
        ],
    }


def test_programs_get_all_columns(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = network(tmp_path, "tiny", 'venue "here"')
    (row,) = json.loads(run(capsys, path, "--format", "json")[1])["networks"]
    assert row["venue"] == "here"
    assert row["forward_ms"] is None, "never invented"
    for argv in ((), ("--columns", "all")):
        lines = run(capsys, path, "--format", "csv", *argv)[1].splitlines()
        assert lines[0].split(",") == list(row)


def test_more_columns(capsys: pytest.CaptureFixture[str]) -> None:
    head = run(capsys, "resnet18", "--columns", "+weights", "--format", "csv")[1].splitlines()[0]
    assert head.startswith("name,year,depth,params")
    assert head.endswith(",top5_error,weights")


def test_what_no_network_has_is_no_column(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Unless somebody asks for it; programs have all in any case."""
    path = network(tmp_path, "tiny", 'venue "here"')
    out = run(capsys, path)[1]
    assert out.splitlines()[0].split() == ["name", "depth", "parameters", "MACs", "training"]
    assert "top-1" not in out
    assert run(capsys, path, "resnet18")[1].splitlines()[0].endswith("top-1 error  top-5 error")
    assert run(capsys, path, "--columns", "name,top1_error")[1].startswith("name  top-1 error\n")
    (row,) = archc.compare(path).records()
    assert row["top1_error"] is None


def test_params_and_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    argv = (
        "resnet18",
        "-D",
        "num_classes=10",
        "--input",
        "3x64x64",
        "--columns",
        "input,output,params",
    )
    out = run(capsys, *argv, "--format", "csv")[1]
    assert (
        out.splitlines()[1] == "3x64x64,10,11181642"
    )  # torchvision.models.resnet18(num_classes=10)


def test_without_an_input_all_bundled_networks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = {name: Path(network(tmp_path, name)) for name in ("n10", "n9")}
    monkeypatch.setattr("archc.cli.commands.compare.bundled", lambda: paths)
    monkeypatch.setattr(api, "bundled", lambda: paths)
    out = run(capsys, "--columns", "name", "--format", "csv")[1]
    assert out.split() == ["name", "n9", "n10"]


def test_networks_of_one_name_are_told_apart(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for folder in "ab":
        network(tmp_path / folder, "same")
    out = run(capsys, str(tmp_path), "--columns", "name", "--format", "csv")[1]
    assert out.split()[1:] == [str(tmp_path / folder / "same") for folder in "ab"]


# --- what goes wrong ---------------------------------------------------------------------


def test_the_others_are_still_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    network(tmp_path, "good")
    (tmp_path / "bad.arch").write_text("network Bad\ninput 8x8 x3\nconv 9x9 x4\n", "utf-8")
    (tmp_path / "blocks.arch").write_text("block b() { relu }\n", "utf-8")
    code, out, err = run(capsys, str(tmp_path), "--columns", "name")
    assert (code, out.split()) == (1, ["name", "good"])
    assert "bad.arch:3" in err
    assert "blocks.arch" not in err

    code, out, err = run(capsys, str(tmp_path / "blocks.arch"), str(tmp_path / "good.arch"))
    assert code == 1
    assert "good" in out
    assert "has no `network` line" in err

    code, out, err = run(capsys, "nosuch", str(tmp_path / "good.arch"), "--columns", "name")
    assert (code, out.split()) == (2, ["name", "good"])
    assert "nosuch" in err

    code, out, err = run(capsys, str(tmp_path / "bad.arch"))
    assert (code, out) == (1, "")


def test_unknown_columns(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "resnet18", "--columns", "name,macz")
    assert (code, out) == (2, "")
    assert err == "archc: no column 'macz'; did you mean 'macs'?\n"
    code, _, err = run(capsys, "resnet18", "--sort", "zzz")
    assert code == 2
    assert "there are name, network," in err
    assert run(capsys, "resnet18", "--columns", "name,,macs")[0] == 2
    with pytest.raises(UnknownColumn):
        archc.compare(["resnet18"], columns=["macz"])


# --- Python ------------------------------------------------------------------------------


def test_in_python() -> None:
    net = archc.load("resnet18")
    table = archc.compare([net, "squeezenet1_1"], sort="params", params={"num_classes": 10})
    assert [row["name"] for row in table.records()] == ["squeezenet1_1 num_classes=10", "resnet18"]
    assert len(table) == 2
    assert str(table).startswith("name ")
    assert "<td" in table._repr_html_()
    assert repr(table) == str(table)


UNTYPED: Any = archc  # what its types forbid


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: UNTYPED.compare(b"resnet18"), TypeError, "compare takes networks"),
        (lambda: UNTYPED.compare("lenet5", params={3: [1]}), TypeError, "values by their names"),
        (lambda: UNTYPED.compare("lenet5", params=3), TypeError, "values by their names"),
        (
            lambda: UNTYPED.compare("lenet5", params={"num_classes": []}),
            ValueError,
            "no values are given for 'num_classes'",
        ),
        (lambda: UNTYPED.compare("lenet5", batch=0), ValueError, "batch is .* at least 1, not 0"),
        (
            lambda: UNTYPED.compare("lenet5", batch="8"),
            TypeError,
            "batch is a whole number, not '8'",
        ),
        (lambda: UNTYPED.diff("lenet5", "lenet5", batch=-1), ValueError, "batch is .* not -1"),
        (lambda: UNTYPED.load("lenet5", limits=3), TypeError, r"limits are archc\.Limits"),
    ],
)
def test_arguments_that_cannot_be(call: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        call()


def test_one_column_by_name() -> None:
    assert archc.compare("lenet5", columns="params").records() == [
        {"params": archc.load("lenet5").params}
    ]


def test_pandas() -> None:
    pytest.importorskip("pandas")
    frame = archc.compare(["resnet18", "plain18"], columns=["name", "macs", "top5_error"]).frame()
    assert list(frame.columns) == ["name", "macs", "top5_error"]
    assert frame["macs"].sum() == FACTS["resnet18"]["macs"] + FACTS["plain18"]["macs"]
    assert frame["top5_error"].isna().tolist() == [False, True]


def test_the_table_needs_no_torch_and_no_matplotlib() -> None:
    import subprocess

    code = (
        "import sys; from archc import cli; cli.main(['compare', 'resnet18']);"
        "assert not {'torch', 'matplotlib', 'pandas', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


# --- time --------------------------------------------------------------------------------


def test_time_is_measured_and_says_on_what(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    path = network(tmp_path, "tiny")
    code, out, err = run(capsys, path, "--time", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert "measuring 1 forward pass" in err
    assert 0 < document["networks"][0]["forward_ms"] < 10_000
    machine = document["machine"]
    assert machine["threads"] == torch.get_num_threads()
    assert machine["torch"] == torch.__version__
    assert machine["processor"]
    assert machine["runs"] == 11
    text = run(capsys, path, "--time")[1]
    assert "measured at batch 1 on" in text
    assert "median of 11" in text


def test_it_runs_in_eval_mode_at_batch_1_without_gradients() -> None:
    torch = pytest.importorskip("torch")
    seen = []

    class Spy(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any, y: Any) -> None:
            seen.append((self.training, torch.is_grad_enabled(), tuple(x.shape), tuple(y.shape)))

    spy = Spy().train()
    timing.forward_ms(spy, [(3, 8, 8), (5,)])
    assert set(seen) == {(False, False, (1, 3, 8, 8), (1, 5))}
    assert len(seen) == timing.WARM_UP + timing.RUNS


def test_without_torch(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = run(capsys, "resnet18", "--time")
    assert (code, out) == (2, "")
    assert err == "archc: --time runs the networks, and needs torch: `pip install torch`\n"


def test_several_values_of_a_param_are_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my.arch"
    path.write_text(
        "network My\nparam width = 4\nparam depths = [1, 2]\ninput 8x8 x3\n"
        "for d in depths { for i in 1..d { conv 1x1 x(width) } }\ngap; flatten; fc 2\n",
        encoding="utf-8",
    )

    def rows(*argv: str) -> list[list[str]]:
        columns = ["--columns", "name,params", "--format", "csv"]
        assert cli.main(["compare", str(path), *columns, *argv]) == 0
        return [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]

    both = [["my width=4", str(archc.load(path).params)]]
    both += [["my width=8", str(archc.load(path, width=8).params)]]
    assert rows("-D", "width=4,8") == both
    assert rows("-D", "width=4", "-D", "width=8") == both
    assert len(rows("-D", "width=4,8", "-D", "depths=[1,1]", "-D", "depths=[2,2]")) == 4
    assert len(rows("-D", "depths=1,3")) == 1, "a list's own commas"
    lists = [f"my depths=[{d},2]" for d in (1, 2)]
    table = csv.reader(
        run(capsys, str(path), "-D", "depths=[1,2],[2,2]", "--format", "csv")[1].splitlines()
    )
    assert [row[0] for row in table][1:] == lists


MANY = """network My
param name = "x"
param width = 4
param nest = [[1, 2], [3, 4]]
param layers = [1, 2]
input 8x8 x3
conv 1x1 x(width); gap; flatten; fc (nest[0][1])
if name == "a, b" { relu } else { fc (layers[0]) }
"""


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ('name=ab,"a, b"', ["name=ab", 'name="a, b"']),
        ("name=a b,ab", ['name="a b"', "name=ab"]),
        ('name="a \\"b\\""', ['name="a \\"b\\""']),
        ("name=a,", ["name=a", 'name=""']),
        ("width=10,10", ["width=10"]),
        ("width=10, 1_0,4", ["width=10", "width=4"]),
        ("nest=[[1,2],[3,4]],[[1,3],[3,4]]", ["nest=[[1,2],[3,4]]", "nest=[[1,3],[3,4]]"]),
        ("nest=[[1,2],[3,4]]", ["nest=[[1,2],[3,4]]"]),
        ("nest=[1,2],[3,4]", ["nest=[[1,2],[3,4]]"]),
        ("layers=[1,2],[1, 2],[3]", ["layers=[1,2]", "layers=[3]"]),
        ("layers=1,2", ["layers=[1,2]"]),
    ],
)
def test_the_values_of_a_sweep(
    given: str, rows: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.arch").write_text(MANY, encoding="utf-8")
    code, out, _ = run(capsys, str(tmp_path / "my.arch"), "-D", given, "--format", "json")
    names = [row["name"] for row in json.loads(out)["networks"]]
    assert (code, names) == (0, [f"my {row}" for row in rows])


def test_the_values_of_a_sweep_in_python(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    path = tmp_path / "my.arch"
    path.write_text(MANY, encoding="utf-8")
    nests = [[[1, 2], [3, 4]], [[1, 3], [3, 4]]]
    for params, wanted in (
        ({"width": np.array([4, 8, 4])}, ["width=4", "width=8"]),
        ({"width": range(4, 6)}, ["width=4", "width=5"]),
        ({"width": np.int64(4)}, ["width=4"]),
        ({"nest": nests}, ["nest=[[1,2],[3,4]]", "nest=[[1,3],[3,4]]"]),
        ({"nest": np.array(nests)}, ["nest=[[1,2],[3,4]]", "nest=[[1,3],[3,4]]"]),
        ({"nest": nests[0]}, ["nest=[[1,2],[3,4]]"]),
        ({"name": ["a b", "ab"]}, ['name="a b"', "name=ab"]),
    ):
        table = archc.compare(path, params=params, columns=["name"])
        assert [row["name"] for row in table.records()] == [f"my {row}" for row in wanted]


def test_a_sweep_stands_beside_a_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my.arch"
    path.write_text("network My\nparam width = 4\ninput 8x8 x3\nconv 1x1 x(width)\n", "utf-8")
    argv = (str(path), "resnet18", "--columns", "name", "--format", "csv")
    code, out, err = run(capsys, "-D", "width=4,8", *argv)
    assert (code, out.splitlines()[1:]) == (0, ["my width=4", "my width=8", "resnet18"])
    assert err == "-D width is not for resnet18: no such param there\n"
    code, out, err = run(capsys, "-D", "widht=4", *argv)
    assert (code, out) == (1, "")
    assert err == "archc: none of the networks has a param 'widht'; did you mean 'width'?\n"
    nets = (path, archc.load(path, width=32), "resnet18")
    table = archc.compare(nets, params={"width": [4, 8]}, columns=["name"])
    names = ["my width=4", "my width=8", "my width=32", "resnet18"]
    assert [row["name"] for row in table.records()] == names
    with pytest.raises(archc.ArchError, match="no param `widht`"):
        archc.compare([path, "resnet18"], params={"widht": 4})
    assert len(archc.compare(str(path))) == 1
    assert len(archc.compare(archc.loads(path.read_text("utf-8")))) == 1


def test_the_params_in_force_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my.arch"
    path.write_text(
        "network My\nparam width = 4\nparam act = relu\nparam twice = [1, 2]\ninput 8x8 x3\n"
        "c: conv 1x1 x(width)\nact\nfor t in twice { conv 1x1 x(t) }\n",
        encoding="utf-8",
    )
    given = ("-D", "width=8", "-D", "act=gelu")
    for command, *rest in (["explain", "c"], ["fit"], ["summary"]):
        argv = [command, str(path), *rest, *given]
        assert cli.main([*argv]) == 0
        assert "My width=8 act=gelu" in capsys.readouterr().out.splitlines()[0]
        assert cli.main([*argv, "--format", "json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["arguments"] == {"width": 8, "act": "gelu", "twice": [1, 2]}
    source = archc.load(path, width=8, act="gelu").source()
    module: dict[str, Any] = {}
    exec(source, module)
    assert "Built with width = 8, act = gelu" in module["__doc__"]
    exec(archc.load(path).source(), module)
    assert "width" not in module["__doc__"]

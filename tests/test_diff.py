"""`archc diff`: what changed from one network to another.

Goldens: `tests/diffs/<case>/` with left.arch, right.arch and text.txt, and
`tests/diffs/<a>-<b>.txt` of two bundled networks; `pytest --update-golden` rewrites the texts.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from nets import varied
from random_networks import LIMITS, program
from test_cli import Run, network, run  # noqa: F401

import archc
from archc.analysis.costs import Cost
from archc.analysis.graph import node_of, order
from archc.api import Analysis, analyze, bundled, compared
from archc.diffs import Diff, page, record
from archc.diffs.entries import StatementDiff
from archc.diffs.words import words_of
from archc.source import Source

DIFFS = Path(__file__).parent / "diffs"
CASES = sorted(path.parent for path in DIFFS.glob("*/left.arch"))
PAIRS = sorted(DIFFS.glob("*-*.txt"))
HEAD = "network N\nparam classes = 10\ninput 32x32 x3\n"


def analysis_of(text: str, name: str = "x.arch", **params: archc.Param) -> Analysis:
    found = analyze(Source(name, text), params=params, limits=LIMITS)
    assert found.ok, [d.title for d in found.diagnostics]
    return found


def diff_of(left: str, right: str) -> Diff:
    return compared(analysis_of(HEAD + left), analysis_of(HEAD + right))


def walk(entries: Iterable[StatementDiff]) -> Iterator[StatementDiff]:
    for entry in entries:
        yield entry
        yield from walk(entry.inside)


def causes(diff: Diff) -> list[StatementDiff]:
    return [entry for entry in walk(diff.entries) if entry.cause]


def unfolded(analysis: Analysis) -> list[object]:
    """Every operator in order with its shape and where its tensors come from, names left out."""
    graph = analysis.graph
    places = {key: at for at, key in enumerate(order(graph))}
    found: list[object] = []
    for key in places:
        node = node_of(graph, key)
        edges = sorted((port, places[tail]) for tail, _, port in graph.in_edges(key, data="port"))
        found.append((node.operator, words_of(node.op) if node.op else None, node.output, edges))
    return found


def check(path: Path, made: str, pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--update-golden"):
        path.write_text(made, encoding="utf-8", newline="\n")
    assert made == path.read_text(encoding="utf-8"), f"{path}: see `pytest --update-golden`"


# --- what it says ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path, pytestconfig: pytest.Config) -> None:
    sides = [analysis_of((case / f"{side}.arch").read_text()) for side in ("left", "right")]
    check(case / "text.txt", str(compared(sides[0], sides[1])), pytestconfig)


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_bundled(path: Path, pytestconfig: pytest.Config) -> None:
    left, right = path.stem.split("-")
    check(path, str(archc.diff(left, right)), pytestconfig)


def test_nothing_is_left_over() -> None:
    for path in DIFFS.rglob("*"):
        if path.parent == DIFFS:
            assert path in (*CASES, *PAIRS), f"nobody claims {path}"
        else:
            assert path.name in ("left.arch", "right.arch", "text.txt"), f"nobody claims {path}"


def test_a_param_is_the_cause_and_what_it_changes_follows() -> None:
    left = archc.load("resnet50")
    diff = archc.diff(left, archc.load("resnet50", num_classes=10))
    assert [(c.name, c.left, c.right) for c in diff.params] == [("num_classes", "1000", "10")]
    [entry] = [entry for entry in diff.entries if entry.differs]
    assert (entry.state, entry.item.label) == ("follows", "fc")
    assert entry.costs[1].params - entry.costs[0].params == -(2048 + 1) * 990


def test_a_variant_of_twice_the_width_has_the_base_s_stages() -> None:
    """Its layer2 computes what the base's layer3 did, and is layer2 all the same."""
    body = """
block unit(width, stride=1) { conv 3x3/(stride) p1 x(width) nobias; bn; relu }
layer1: unit(width) * 2
layer2: { unit(2 * width, stride=2); unit(2 * width) }
layer3: { unit(4 * width, stride=2); unit(4 * width) }
"""
    diff = diff_of(f"param width = 16{body}", f"param width = 32{body}dropout 0.5\n")
    found = [(entry.state, entry.item.title) for entry in diff.entries if entry.differs]
    layers = [("follows", f"layer{at}") for at in (1, 2, 3)]
    assert found == [*layers, ("added", "dropout1")]


def test_devices_that_differ_are_told() -> None:
    """They change nothing of what is computed; `--exit-code` and scripts see them all the same."""
    body = "conv 3x3 p1 x8; relu; lrn 5 g2; conv 3x3 g2 x8\n"
    two = diff_of(body, f'devices "cuda:0" "cuda:1"\n{body}')
    assert not two.empty
    assert two.same_network
    assert '~ devices none -> "cuda:0" "cuda:1"' in str(two)
    assert "with other names" not in str(two)
    assert record.record(two)["devices"] == {"left": None, "right": '"cuda:0" "cuda:1"'}
    assert record.record(two)["changes"] == []
    assert "&quot;cuda:1&quot;" in page.page(two)
    same = diff_of(f'devices "cuda:0" "cuda:1"\n{body}', f'devices "cuda:0" "cuda:1"\n{body}')
    assert same.empty
    assert record.record(same)["devices"] is None


def test_an_input_given_from_outside_is_the_cause() -> None:
    sides = [
        analyze(Source("x.arch", HEAD + "conv 3x3 p1 x8\n"), inputs={"": (3, size, size)})
        for size in (32, 64)
    ]
    first, conv = compared(sides[0], sides[1]).entries
    assert (first.state, conv.state) == ("changed", "follows")


@pytest.mark.parametrize(
    "others",
    [
        ("a", "b"),
        ("g", "h"),
        ("g.0", "g.2"),
        ("g.0", "h.0"),
        ('"m.0".0', '"m.0".2'),
        ("u.0", "u.1"),
    ],
)
def test_what_runs_again_is_another(others: tuple[str, str]) -> None:
    body = "{ conv 1x1 x8; relu; conv 1x1 x8 }"
    text = (
        "conv 1x1 x8\nblock unit(w) { conv 1x1 x(w) }\na: conv 1x1 x8\nb: conv 1x1 x8\n"
        f'g: {body}\nh: {body}\n"m.0": {body}\nu: unit(8) * 2\n'
    )
    left, right = (f"{text}reuse {other}\n" for other in others)
    assert not causes(diff_of(left, left))
    (found,) = causes(diff_of(left, right))
    assert found.right is not None
    assert found.right.span.text == f"reuse {others[1]}"


def test_computed_fractions_are_short_unless_that_hides_the_difference() -> None:
    diff = diff_of("conv 1x1 x3; dropout (1/7)", "conv 1x1 x3; dropout (2/7)")
    assert "dropout 0.1429 -> 0.2857" in str(diff)
    diff = diff_of("conv 1x1 x3; dropout (1/7)", "conv 1x1 x3; dropout (1/7 + 1e-9)")
    assert f"dropout {1 / 7!r} -> {1 / 7 + 1e-9!r}" in str(diff)


def test_a_label_that_moves_is_no_rename() -> None:
    left = "a: conv 3x3 p1 x8\nb: conv 3x3 p1 x8\nc: conv 3x3 p1 x8\nadd< @a | @c >\n"
    diff = diff_of(left, left.replace("a:", "t:").replace("b:", "a:").replace("t:", "b:"))
    assert not diff.same_network
    [found] = causes(diff)
    assert [change.name for change in found.changes] == ["from"]


# --- what holds for any two networks -----------------------------------------------------------


@pytest.mark.parametrize("name", varied(bundled()))
def test_a_network_is_equal_to_itself(name: str) -> None:
    if "1202" not in name:
        left, right = archc.load(name), archc.load(name)
        assert compared(left.analysis, right.analysis).empty


@pytest.mark.parametrize(
    "seed", [*range(10), *(pytest.param(n, marks=pytest.mark.slow) for n in range(10, 40))]
)
def test_a_random_network_is_equal_to_itself(seed: int) -> None:
    text = program(seed).text
    diff = compared(analysis_of(text), analysis_of(text))
    assert diff.empty
    assert diff.same_network
    assert "no difference" in str(diff)


@pytest.mark.parametrize("seed", range(40))
def test_one_more_statement_is_one_change(seed: int) -> None:
    text = program(seed).text
    inputs = list(re.finditer(r"^input .*\n", text, re.M))
    more = f"{text[: inputs[-1].end()]}log_sigmoid\n{text[inputs[-1].end() :]}"
    left, right = analysis_of(text), analysis_of(more)
    [entry] = causes(compared(left, right))
    assert (entry.state, entry.item.text) == ("added", "log_sigmoid")
    [entry] = causes(compared(right, left))
    assert (entry.state, entry.item.text) == ("removed", "log_sigmoid")


@pytest.mark.parametrize(
    "seed", [*range(10), *(pytest.param(n, marks=pytest.mark.slow) for n in range(10, 40))]
)
def test_any_two_networks(seed: int) -> None:
    """Costs of the outermost lines add up; equal means that nothing differs; all views work."""
    left, right = (analysis_of(program(number).text) for number in (seed, seed + 1))
    diff = compared(left, right)
    for side, analysis in enumerate((left, right)):
        total = Cost()
        for entry in diff.entries:
            total += entry.costs[side]
        assert total == analysis.cost
    assert diff.same_network == (unfolded(left) == unfolded(right))
    assert str(diff)
    assert json.dumps(record.record(diff))
    parse(page.page(diff))


@pytest.mark.parametrize("pair", [p.stem for p in PAIRS])
def test_costs_inside_add_up(pair: str) -> None:
    """Of groups and loops; a call's are those of its block."""
    left, right = (archc.load(name).analysis for name in pair.split("-"))
    for entry in walk(compared(left, right).entries):
        if entry.item.kind in ("group", "loop") and entry.inside:
            sides = [sum(inner.costs[side].params for inner in entry.inside) for side in (0, 1)]
            assert sides == [cost.params for cost in entry.costs], entry.item.text


def test_a_block_has_the_costs_of_all_its_calls() -> None:
    diff = archc.diff("googlenet", "googlenet_bn")
    blocks = {block.definition.left.name.id: block for block in diff.blocks}
    calls = [entry for entry in walk(diff.entries) if entry.definition is not None]
    for name, block in blocks.items():
        mine = [e for e in calls if e.definition is not None and e.definition.left.name.id == name]
        assert block.times == (len(mine), len(mine))
        for side in (0, 1):
            assert block.costs[side].params == sum(entry.costs[side].params for entry in mine)


def test_calls_of_a_block_in_itself_count_once() -> None:
    text = HEAD + "block f(n) { if n > 0 { f(n - 1) }; conv 3x3 p1 x3 }\nf(3)\n"
    left, right = analysis_of(text), analysis_of(text.replace("3x3 p1 x3 }", "5x5 p2 x3 }"))
    [block] = compared(left, right).blocks
    assert block.times == (4, 4)
    assert [cost.params for cost in block.costs] == [left.params, right.params]


@pytest.mark.parametrize("pair", ["vgg16 vgg19", "resnet50 wide_resnet50_2", "resnet34 resnet152"])
def test_totals_are_torchvisions(pair: str) -> None:
    """Parameters, and billions of MACs to three digits, as its documentation lists them."""
    models = pytest.importorskip("torchvision.models")
    diff = archc.diff(*pair.split())
    totals = {total.name: total for total in diff.totals}
    published = [models.get_model_weights(name).IMAGENET1K_V1.meta for name in pair.split()]
    params = [meta["num_params"] for meta in published]
    assert [totals["params"].left, totals["params"].right] == params
    assert totals["params"].difference == params[1] - params[0]
    operations = [meta["_ops"] for meta in published]
    assert totals["macs"].left / 1e9 == pytest.approx(operations[0], abs=6e-4)
    assert totals["macs"].right / 1e9 == pytest.approx(operations[1], abs=6e-4)


# --- time --------------------------------------------------------------------------------------


def seconds(left: Analysis, right: Analysis) -> float:
    start = time.process_time()
    assert left.plan is not None
    assert right.plan is not None
    Diff.of(left.plan, right.plan)
    return time.process_time() - start


def test_long_texts_take_no_longer_than_their_length() -> None:
    """Four times the text takes about four times as long; quadratic would be sixteen."""
    times = []
    for count in (150, 600):
        lines = ["conv 3x3 p1 x8; bn; relu"] * count
        other = [*lines[: count // 2], "conv 1x1 x8; tanh", *lines[count // 2 + 1 :], "gap"]
        texts = [HEAD + "\n".join(side) + "\n" for side in (lines, other)]
        sides = [analyze(Source("long.arch", text)) for text in texts]
        times.append(min(seconds(sides[0], sides[1]) for _ in range(3)))
    assert times[1] < 8 * times[0] + 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("preact_resnet1001", "* 111", "* 112"),
        ("stochastic_depth_resnet1202", "l in 1..200", "l in 1..190"),
    ],
)
def test_the_largest_networks(name: str, old: str, new: str) -> None:
    text = bundled()[name].read_text(encoding="utf-8").partition("expect {")[0]
    sides = [
        analyze(Source(str(bundled()[name].with_name(f"{at}.arch")), changed))
        for at, changed in enumerate((text, text.replace(old, new)))
    ]
    assert all(side.ok for side in sides)
    assert seconds(sides[0], sides[1]) < 2


# --- the page ----------------------------------------------------------------------------------

VOID = {"meta"}


class Tags(HTMLParser):
    """Every tag that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        self.rows += ("class", "row head") in attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert not tags.open
    return tags


def test_the_page_is_whole_and_offline() -> None:
    html = page.page(archc.diff("googlenet", "googlenet_bn"))
    tags = parse(html)
    assert "GoogLeNet → GoogLeNetBN" in tags.text
    assert "block inception" in tags.text
    assert "<script" not in html
    assert not re.search(r"(src|href)=\"(?!#)|url\(|@import", html)
    assert "<mark>3x3</mark> <mark>p1</mark> x(c5x5)" in html


def test_the_page_is_escaped() -> None:
    text = HEAD + 'param note = "a"\nconcat< conv 1x1 x4 | conv 3x3 p1 x4 >\n'
    nasty = '<script>alert("&한글")</script>'
    diff = compared(analysis_of(text), analysis_of(text.replace("x4 >", "x5 >"), note=nasty))
    html = page.page(diff)
    assert "<script" not in html
    written = nasty.replace('"', '\\"')  # as in a file
    assert written in parse(html).text
    assert written in str(diff)


def test_jupyter_gets_the_same_without_a_page_around_it() -> None:
    html = archc.diff("vgg16", "vgg19")._repr_html_()
    assert html.startswith('<div class="archc-diff">')
    parse(html)


# --- the command line --------------------------------------------------------------------------

A = HEAD + "conv1: conv 3x3 p1 x8; relu\ngap; flatten; fc (classes)\n"
B = HEAD + "conv1: conv 5x5 p2 x8; relu\ngap; flatten; fc (classes)\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    return network(tmp_path, "a.arch", A), network(tmp_path, "b.arch", B)


def test_command(run: Run, files: tuple[str, str]) -> None:  # noqa: F811
    done = run("diff", *files)
    assert done.code == 0
    assert "~ conv1: conv 3x3 -> 5x5, p1 -> p2 " in done.out
    assert "\033[" not in done.out
    assert run("diff", *files, "--exit-code").code == 1
    assert run("diff", files[0], files[0], "--exit-code").code == 0
    assert "\033[33m~ conv1" in run("diff", *files, "--color", "always").out


def test_params_of_one_side(run: Run, files: tuple[str, str]) -> None:  # noqa: F811
    done = run("diff", files[0], files[0], "-D", "classes=5", "--right", "classes=6")
    assert "~ param classes = 5 -> 6" in done.out
    assert ". fc1: " not in done.out
    assert "fc 5 -> 6" in done.out
    assert run("diff", *files, "--left", "width=5").code == 1


def test_json(run: Run, files: tuple[str, str]) -> None:  # noqa: F811
    found = json.loads(run("diff", *files, "--format", "json").out)
    assert (found["version"], found["same"], found["same_network"]) == (1, False, False)
    [change] = found["changes"]
    assert change["state"] == "changed"
    assert change["left"]["line"] == change["right"]["line"] == 4
    assert change["attributes"][0] == {
        "name": "kernel", "left": "3x3", "right": "5x5", "follows": False
    }  # fmt: skip
    assert found["totals"]["params"]["difference"] == 3 * 8 * (25 - 9)


def test_writes_a_page(run: Run, files: tuple[str, str], tmp_path: Path) -> None:  # noqa: F811
    done = run("diff", *files, "-o", "x.html")
    assert (done.code, done.out) == (0, "")
    assert done.err == "wrote x.html (N -> N)\n"
    assert run("diff", *files, "-o", "x.html").err.startswith("up to date")
    path = tmp_path / "x.html"
    parse(path.read_text(encoding="utf-8"))
    path.write_text(path.read_text(encoding="utf-8").replace("conv1", "mine"), encoding="utf-8")
    assert run("diff", *files, "-o", "x.html").code == 2
    assert "mine" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "argv",
    [("-o", "x.txt"), ("-o", "x.html", "--format", "json"), ("--batch", "0"), ("--left", "x")],
)
def test_wrong_usage(run: Run, files: tuple[str, str], argv: tuple[str, ...]) -> None:  # noqa: F811
    done = run("diff", *files, *argv)
    assert done.code == 2
    assert "archc" in done.err


def test_mistakes_of_both_files_are_shown(run: Run, tmp_path: Path) -> None:  # noqa: F811
    for name in ("a.arch", "b.arch"):
        network(tmp_path, name, HEAD + "conv 99x99 x4\n")
    done = run("diff", "a.arch", "b.arch", "-o", "x.html")
    assert (done.code, done.out) == (1, "")
    assert "a.arch:4" in done.err
    assert "b.arch:4" in done.err
    assert not (tmp_path / "x.html").exists()
    assert run("diff", "a.arch", "nowhere.arch").code == 2
    assert run("diff", "-", "-").code == 2


def test_a_variant_may_miss_its_expectations(run: Run, tmp_path: Path) -> None:  # noqa: F811
    for name, text in (("a.arch", A), ("b.arch", B)):
        network(tmp_path, name, text + "expect { params 314 }\n")
    done = run("diff", "a.arch", "b.arch")
    assert done.code == 0
    assert "warning[A601]" in done.err
    assert "conv1" in done.out


def test_standard_input(run: Run, files: tuple[str, str]) -> None:  # noqa: F811
    assert "conv 5x5 -> 3x3" in run("diff", files[1], "-", stdin=A).out

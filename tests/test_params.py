"""Params from outside: of every kind, from the command line's texts and from Python."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import archc
from archc import cli
from archc.api import analyze
from archc.source import Source

TEXT = """network Net
param classes = 10
param rate = 0.5
param deep = false
param layers = [2, 2]
param rows = [[8, relu], [16, gelu]]
param act = relu
param kind = "plain"
param tags = ["a", "b"]
input 8x8 x3
for n in layers { conv 1x1 x(n) }
for c, a in rows { conv 1x1 x(c); a }
if deep { conv 1x1 x3 }
if kind == "wide" { conv 1x1 x64 }
act; dropout (rate); gap; flatten; fc (classes)
"""


def value_of(name: str, given: Any) -> Any:
    analysis = analyze(Source("net.arch", TEXT), params={name: given})
    assert analysis.ok, analysis.diagnostics
    assert analysis.plan is not None
    return analysis.plan.params[name]


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("classes", 7, 7),
        ("classes", 10.0, 10),  # `-D classes=1e1`
        ("classes", "1_000", 1000),
        ("rate", 0, 0.0),
        ("rate", "0.25", 0.25),
        ("deep", True, True),
        ("deep", "true", True),
        ("deep", 1, True),
        ("layers", [3, 4, 6, 3], (3, 4, 6, 3)),
        ("layers", (1,), (1,)),
        ("layers", "[3, 4, 6, 3]", (3, 4, 6, 3)),
        ("layers", "3,4,6,3", (3, 4, 6, 3)),
        ("kind", "wide", "wide"),
        ("kind", "1", "1"),
        ("kind", "007", "007"),
        ("kind", "1e3", "1e3"),
        ("kind", "true", "true"),
        ("kind", 7, "7"),
        ("tags", "007,008", ("007", "008")),
        ("tags", "[1e3, true]", ("1e3", "true")),
        ("tags", "wide, deep", ("wide", "deep")),  # as the message of a mistake shows it
        ("tags", '["a b", 007]', ("a b", "007")),
        ("tags", "007", ("007",)),
        ("tags", ["007"], ("007",)),
        ("classes", "007", 7),
        ("classes", "+1e1", 10),
    ],
)
def test_kinds(name: str, given: Any, value: Any) -> None:
    found = value_of(name, given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["007", "1e3", "true", "1_0", "inf"])
def test_a_text_is_what_is_typed(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The param's default says what the value is, not how it looks; on every way in."""
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(
        'network Net\nparam tag = "x"\ninput 8x8 x3\ngap; flatten\n'
        f'if tag == "{text}" {{ fc 5 }} else {{ fc 2 }}\n'
        "train { optimizer sgd lr=0.1; batch 8; epochs 1 }\n",
        encoding="utf-8",
    )

    def says(*argv: str) -> str:
        assert cli.main([*argv]) == 0
        return capsys.readouterr().out

    given = ("-D", f"tag={text}")
    assert f"tag={text}: " in says("summary", "net.arch", *given).splitlines()[0]
    rows = json.loads(says("compare", "net.arch", "-D", f"tag={text},other", "--format", "json"))
    assert [row["output"] for row in rows["networks"]] == [[[5]], [[2]]]
    assert f'"x" -> "{text}"' in says("diff", "net.arch", "net.arch", "--right", given[1])
    script = says("build", "net.arch", "-o", "-", "--train", *given)
    assert f'"params": "tag={text}"' in script
    assert f'Path("runs/net-tag={text}")' in script
    assert archc.load("net.arch", tag=text).output == (5,)
    (entry,) = archc.compare("net.arch", params={"tag": [text]}).entries
    assert entry.analysis.params == 3 * 5 + 5


def test_numbers_of_numpy_are_numbers() -> None:
    np = pytest.importorskip("numpy")
    for name, wanted, *several in (
        ("classes", 7, np.int64(7), np.array(7), np.float64(7)),
        ("rate", 0.5, np.float32(0.5), Fraction(1, 2)),
        ("deep", True, np.bool_(True)),
        ("layers", (3, 4), np.array([3, 4]), [np.uint8(3), np.int32(4)], range(3, 5)),
    ):
        for given in several:
            found = value_of(name, given)
            assert (found, type(found)) == (wanted, type(wanted))
            assert repr(found) == repr(wanted)


@pytest.mark.parametrize(
    "given",
    [10**13, 10**400, 10**5000, -(10**400), 1e300, "1" + "0" * 5000],
    ids=range(6),
)
@pytest.mark.parametrize("name", ["classes", "rate", "deep", "layers"])
def test_numbers_have_the_limit_of_those_in_a_file(name: str, given: Any) -> None:
    wrong, *_ = analyze(
        Source("net.arch", f"network N\nparam w = {10**13}\ninput x(w)\nrelu")
    ).diagnostics
    many = [given] if name == "layers" and not isinstance(given, str) else given
    (problem,) = analyze(Source("net.arch", TEXT), params={name: many}).diagnostics
    assert (problem.code, problem.helps) == (wrong.code, wrong.helps)
    assert problem.title == f"a number given for `{name}` is too large"
    assert value_of("kind", 10**13) == "10000000000000"


def test_operators() -> None:
    assert str(value_of("act", "silu")) == "silu"
    rows = value_of("rows", "[4, silu], [8, relu], [16, selu]")
    assert [(c, str(a)) for c, a in rows] == [(4, "silu"), (8, "relu"), (16, "selu")]


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("classes", 1.5, "a whole number, not `1.5`"),
        ("classes", "many", "a whole number, not `many`"),
        ("classes", [1], "a whole number, not `[1]`"),
        ("rate", "a]; relu; [", "a number"),
        ("deep", 2, "true or false, not `2`"),
        ("layers", 3, "a list such as `[2, 2]`, not `3`"),
        ("layers", "3.5,4", "a list such as `[2, 2]`, not `3.5,4`"),
        ("layers", "1]\nrelu\n[", "a list such as"),
        ("rows", "[[8, 9]]", "a list such as `[[8, relu], [16, gelu]]`"),
        ("act", "rleu", "an operator, not `rleu`"),
        ("kind", [1], "a text"),
    ],
)
def test_other_kinds_are_one_error(name: str, given: Any, wanted: str) -> None:
    (problem,) = analyze(Source("net.arch", TEXT), params={name: given}).diagnostics
    assert problem.code == "A311"
    assert wanted in problem.title
    assert problem.span.text == name


@pytest.mark.parametrize(("name", "given"), [("classes", "8, 16,32"), ("rate", "0.1,1e-2")])
def test_several_numbers_are_a_row_each(
    name: str, given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one is meant the message says who takes them, and so it is."""
    path = tmp_path / "net.arch"
    path.write_text(TEXT, encoding="utf-8")
    assert cli.main(["summary", str(path), "-D", f"{name}={given}"]) == 1
    (cure,) = re.findall("= help: `archc (compare .*)` has a row for each", capsys.readouterr().err)
    assert cli.main([str(path) if word == "..." else word for word in cure.split()]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if f" {name}=" in line]
    assert len(rows) == given.count(",") + 1


@pytest.mark.parametrize("given", ["8", "8,", "8,x", "x,y", ",", [8, 16]])
def test_what_is_no_list_of_numbers_is_sent_nowhere(given: Any) -> None:
    for problem in analyze(Source("net.arch", TEXT), params={"classes": given}).diagnostics:
        assert problem.helps == ()


def test_mistakes_tell_what_came_from_outside() -> None:
    (problem,) = analyze(Source("net.arch", TEXT), params={"classes": 0}).diagnostics
    assert problem.code == "A303"
    assert problem.notes == ("from outside: classes = 0",)


def test_a_former_name_is_understood() -> None:
    """The bundled networks had `classes`; a file that has it itself means its own."""
    net = archc.load("resnet18", classes=7)
    assert net.output == (7,)
    assert net.params == archc.load("resnet18", num_classes=7).params
    text = TEXT.replace("(classes)", "(num_classes)").replace("classes = 10", "num_classes = 10", 1)
    assert analyze(Source("net.arch", text), params={"classes": 7}).output == (7,)
    both = TEXT.replace("param rate", "param num_classes = 3\nparam rate")
    found = analyze(Source("net.arch", both), params={"classes": 7, "num_classes": 4})
    assert found.ok
    assert found.output == (7,)


def test_both_names_for_one_param_are_refused() -> None:
    with pytest.raises(archc.ArchError, match="the network has no param `classes`"):
        archc.load("resnet18", classes=7, num_classes=8)


LIBRARY = """block each(fs) {
  for f in fs { f() }
}
block once(f) { f() }
block scaled(l) { conv 1x1 x(4 * l[0]) }
"""


@pytest.mark.parametrize("call", ["each([unit])", "once(unit)"])
def test_a_library_is_given_a_block_that_a_param_changes(call: str, tmp_path: Path) -> None:
    (tmp_path / "library.arch").write_text(LIBRARY)
    text = f"""network Net
use "library.arch"
param width = 4
block unit() {{ conv 1x1 x(width) }}
input 8x8 x3
{call}
"""
    source = Source(str(tmp_path / "net.arch"), text)
    first, second = (analyze(source, params={"width": n}, project=tmp_path) for n in (4, 9))
    assert (first.params, second.params) == (4 * 3 + 4, 9 * 3 + 9)
    assert first.plan is not None
    again = first.again({"width": 9}, False)
    assert again is not None
    assert again.body.output.shape is not None
    assert again.body.output.shape.channels == 9
    torch = pytest.importorskip("torch")
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(first.emit(), "<generated>", "exec"), namespace)
    assert namespace["Net"]()(torch.ones(1, 3, 8, 8)).shape == (1, 4, 8, 8)


def test_true_is_not_one_in_a_list_either(tmp_path: Path) -> None:
    (tmp_path / "library.arch").write_text(LIBRARY)
    text = 'network Net\nuse "library.arch"\ninput 8x8 x3\nscaled([1]); scaled([true])\n'
    found = analyze(Source(str(tmp_path / "net.arch"), text), project=tmp_path)
    assert [d.code for d in found.diagnostics] == ["A309"]


def test_a_file_of_blocks_may_call_what_a_loop_names() -> None:
    assert analyze(Source("library.arch", LIBRARY)).diagnostics == ()


# --- titles ------------------------------------------------------------------------------

SIZED = """
network Sized
param width = 8
param kinds = [1, 2]
input 8x8 x3
conv 3x3 p1 x(width); relu
flatten; fc 10
meta { display "Sized Net"; dataset "cifar10"; top1_error 5.0 }
train { optimizer sgd lr=0.1; batch 8; epochs 1 }
"""
SET = "Sized width=2 kinds=[3,4]"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("summary",), f"{SET}: 8x8 x3 to x10"),
        (("summary", "--style", "lecture"), ""),
        (("fit", "--memory", "1GB"), f"{SET}: batch 8, fp32"),
        (("explain",), f"{SET}\n"),
        (("draw", "-o", "-", "--format", "dot"), f'digraph "{SET}"'),
        (("draw", "-o", "-", "--format", "dot", "--view", "paper"), f'digraph "{SET}"'),
        (("draw", "-o", "-", "--format", "mermaid"), f"%% {SET}, drawn"),
        (("draw", "-o", "-", "--format", "html"), f"<title>{SET}"),
        (("build", "-o", "sized.py"), f"({SET}: 1,346 parameters"),
        (("build", "-o", "deploy.py", "--form", "deploy"), f"({SET} for inference"),
        (("build", "-o", "-", "--train"), 'Path("runs/sized-width=2-kinds=3,4")'),
        (("compare", "--columns", "name,top1_error"), "sized width=2 kinds=[3,4]\n"),
    ],
)
def test_titles_name_the_params_in_force(
    argv: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sized.arch").write_text(SIZED, encoding="utf-8")
    given = ("-D", "width=2", "-D", "kinds=[3, 4]")
    command, *more = argv
    assert cli.main([command, "sized.arch", *more, *given]) == 0
    found = capsys.readouterr()
    assert says in found.out + found.err
    assert cli.main([command, "sized.arch", *more, "--force"] if command == "build" else
                    [command, "sized.arch", *more]) == 0  # fmt: skip
    found = capsys.readouterr()
    assert "width=2" not in found.out + found.err


def test_a_title_is_one_line() -> None:
    text = 'network Net\nparam kind = "plain"\ninput 8x8 x3\nif kind == "wide" { relu }\n'
    analysis = analyze(Source("net.arch", text), params={"kind": "a\nb \x1b[31m\u2028c"})
    assert analysis.heading == 'Net kind="a\\nb �[31m�c"'


def test_texts_that_differ_have_titles_that_differ() -> None:
    texts = ["ab", "a b", "a  b", "a\nb", "a\\nb", "", '"', "a,b", "漢", "no-1.5"]
    found = [
        analyze(Source("net.arch", TEXT), params={"kind": text}).heading.removeprefix("Net kind=")
        for text in texts
    ]
    assert len(set(found)) == len(texts)
    assert found[:2] == ["ab", '"a b"']
    assert found[-2:] == ["漢", "no-1.5"]
    for title in found:
        assert value_of("kind", "ab" if title == "ab" else title) == title


def test_what_was_measured_is_of_the_network_as_the_file_has_it(tmp_path: Path) -> None:
    source = Source(str(tmp_path / "sized.arch"), SIZED)
    assert analyze(source).meta["top1_error"] == 5.0
    for other in (analyze(source, params={"width": 2}), analyze(source, inputs={"": (3, 16, 16)})):
        assert other.ok
        assert "top1_error" not in other.meta
        assert other.meta["display"] == "Sized Net"


def test_both_sides_of_a_diff_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sized.arch"
    path.write_text(SIZED, encoding="utf-8")
    assert cli.main(["diff", str(path), str(path), "--right", "width=2"]) == 0
    assert "Sized  Sized width=2" in capsys.readouterr().out


def test_several_values_of_a_flag_are_no_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_text("param deep = true\ninput 8x8 x3\nif deep { relu }\n", encoding="utf-8")
    assert cli.main(["summary", str(path), "-D", "deep=1,2"]) == 1
    said = capsys.readouterr().err
    assert "A311" in said
    assert "compare" not in said

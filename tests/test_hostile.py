"""Names and texts that mean harm: none reaches a terminal, a log or another format as it is."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import archc
from archc import cli, data
from archc.report import tables
from archc.report.characters import to_json, visible
from archc.report.tables import Column, Sheet, TableLine

Give = Callable[..., str]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="such names need a POSIX system")

# Escape sequences, a workflow command, a C1 control, what turns the direction, a lone surrogate.
NAME = "=a\x1b]0;x\x07\n::error::pwn\r\u202e\x9b\u2028\U000e0041\udcff"
# What may stand in a string of a file: the rest is refused as A009.
STRING = (
    r"</script><script>x()</script>\r\n::error::pwn \u202e\x9b\u2028 ]]> --> \"\"\" ''' {{7*7}} "
    r"{% x %} \\input{/etc/passwd} | [a](javascript:x) `x` $HOME <b> &amp; # %"
)
STRING = STRING.replace(r"\u202e\x9b\u2028", "\u202e\x9b\u2028")
COMMENT = STRING.replace('"', "'") + ' """ \\'
TEXT = f"""\
# {COMMENT}
network Hostile "{STRING}"
meta {{
  display "{STRING}"
  paper "{STRING}"
  authors "=cmd|' /C calc'!A0"
  dataset "@SUM(1+1)"
  year -2015
}}
train {{
  optimizer sgd lr=0.1 momentum=0.9
  batch 8
  epochs 1
  note "{STRING}"
  source "{STRING}"
}}
input 8x8 x3
# {COMMENT}
block unit(c, how) {{ conv 3x3 p1 x(c); relu; if how == "x" {{ relu }} }}
u: unit(4, "{STRING}")
gap; flatten; fc 10
"""
WRONG = TEXT.replace("fc 10", f'conv 99x99 x4 "{STRING}"')
VARIANT = f"""\
extends "base.arch"
param how = "{STRING}"
u: unit(4, how)
train {{ note "{STRING}" }}    # {COMMENT}
meta {{ paper "{STRING}" }}
"""
OK = "network Ok\ninput 8x8 x3\nconv 3x3 x4\ngap; flatten; fc 10\n"

TABLES = ("text", "json", "csv", "markdown", "latex")
COMMANDS = [
    *(("check", "{}", "--format", f) for f in ("text", "concise", "json", "github", "sarif")),
    *(("fmt", "{}", *flags) for flags in (("--diff",), ("--check",), ("--shapes", "--diff"))),
    *(("summary", "{}", "--format", f) for f in TABLES),
    *(("summary", "{}", "--style", "lecture", "--format", f) for f in TABLES),
    *(("compare", "{}", "ok.arch", "--columns", "all", "--format", f) for f in TABLES),
    ("compare", "{}", "ok.arch", "--color", "always"),
    ("compare", "{}", "--sort", NAME),
    ("compare", "{}", "--plot", f"{NAME}.svg"),
    ("compare", "{}", "--plot", NAME),
    *(("diff", "{}", "ok.arch", "--format", f) for f in ("text", "json", "html")),
    *(("diff", "ok.arch", "{}", "--format", f) for f in ("text", "json", "html")),
    ("diff", "ok.arch", "{}", "-o", f"{NAME}.html"),
    *(("fit", "{}", "--format", f) for f in ("text", "json")),
    ("fit", "{}", "--gpu", NAME),
    ("fit", "{}", "--checkpoint-block", NAME),
    *(("explain", "{}", "--format", f) for f in ("text", "json")),
    *(("explain", "{}", "u", "u.conv", "--format", f) for f in ("text", "json")),
    ("explain", "{}", NAME),
    ("explain", f"A{NAME}"),
    *(
        ("draw", "{}", "-o", "-", "--format", f)
        for f in ("svg", "dot", "html", "mermaid", "tikz", "drawio")
    ),
    *(("draw", "{}", "-o", "-", "--format", "dot", "--view", v) for v in ("paper", "graph")),
    ("draw", "{}", "-o", f"{NAME}.dot"),
    ("draw", "{}", "-o", f"{NAME}.zip"),
    ("draw", "{}", "--expand", NAME, "-o", "-", "--format", "dot"),
    ("build", "{}"),
    ("build", "{}", "-o", "-"),
    ("build", "{}", "-o", f"out{NAME}/"),
    ("build", "{}", "-o", f"/nowhere/{NAME}"),
    ("build", "{}", "--train"),
    ("build", "{}", "--form", "deploy", "-o", "-"),
    ("build", "{}", "--placement"),
    ("build", "{}", "--templates", NAME),
    ("build", "{}", "--project", NAME),
    ("build", "{}", "--with", NAME),
    ("build", "{}", "-D", f"{NAME}=1"),
    ("build", "{}", "-D", f"x={NAME}"),
    ("build", "{}", "--input", NAME),
    ("export", "{}", "--to", "pt2", "--weights", NAME),
    ("verify", "{}", "--only", NAME),
    ("verify", "{}", "--source", NAME),
    ("list",),
    (NAME,),
    ("check", f"--{NAME}"),
]
VIZ = (data.TEMPLATES / "page" / "viz-global.js").read_text(encoding="utf-8").strip("\n")
INPUTS = (
    f"{NAME}.arch",
    f"wrong{NAME}.arch",
    f"variant{NAME}.arch",
    f"missing{NAME}",
    f"folder{NAME}",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("ok.arch").write_text(OK)
    Path(f"{NAME}.arch").write_text(TEXT, encoding="utf-8")
    Path(f"wrong{NAME}.arch").write_text(WRONG, encoding="utf-8")
    Path("base.arch").write_text(TEXT, encoding="utf-8")
    Path(f"variant{NAME}.arch").write_text(VARIANT, encoding="utf-8")
    Path(f"folder{NAME}").mkdir()
    Path(f"folder{NAME}", f"{NAME}.arch").write_text(TEXT, encoding="utf-8")
    Path(f"folder{NAME}", f"wrong{NAME}.arch").write_text(WRONG, encoding="utf-8")
    return tmp_path


def said(argv: Sequence[str], capsysbinary: pytest.CaptureFixture[bytes]) -> tuple[int, str, str]:
    """The exit code, and what a terminal gets: bytes are decoded as it would."""
    code = cli.main(argv)
    out, err = capsysbinary.readouterr()
    return code, out.decode(errors="surrogateescape"), err.decode(errors="surrogateescape")


def harmful(text: str) -> set[str]:
    """Characters that a terminal obeys or nobody sees, and a line that a log obeys."""
    found = {char for char in text if char != "\n" and visible(char) != char}
    return found | set(re.findall(r"(?m)^::error::pwn", text))


def commands() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        yield from (
            (tuple(word.format(name) if word == "{}" else word for word in command))
            for name in (INPUTS if "{}" in command else INPUTS[:1])
        )


@pytest.mark.parametrize(
    "argv", [*commands()], ids=lambda argv: ascii(" ".join(argv).replace(NAME, ""))
)
def test_nothing_harmful_is_said(
    folder: Path,
    argv: tuple[str, ...],
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    code, out, err = said(argv, capsysbinary)
    if "--color" in argv:
        out, err = (re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (out, err))
    out = out.replace(VIZ, "")  # not ours, and without a text of the user
    assert harmful(out) == set()
    assert harmful(err) == set()
    assert code in (0, 1, 2), err
    assert "Traceback" not in err
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".dot", ".html"):
            assert harmful(path.read_text(encoding="utf-8")) == set()


# --- what each format makes of them ------------------------------------------------------


@pytest.fixture
def give(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Give:
    """What a command prints about the hostile network."""

    def call(command: str, *more: str) -> str:
        code, out, err = said((command, f"{NAME}.arch", *more), capsysbinary)
        assert code == 0, err
        return out

    return call


def unescaped(text: str, sign: str) -> int:
    return len(re.findall(rf"(?<!\\)(?:\\\\)*{re.escape(sign)}", text))


def test_json_loses_nothing(give: Give) -> None:
    (network,) = json.loads(give("compare", "--format", "json", "--columns", "all"))["networks"]
    assert network["paper"] == STRING.replace(r"\r\n", "\r\n").replace(r"\"", '"').replace(
        r"\\input", r"\input"
    )
    assert network["name"] == NAME.encode(errors="surrogateescape").decode(errors="surrogateescape")
    for value in ("\x1b\x7f\x9b\u202e\u2028\udcff\U000e0041", "合성곱 × é 👩\u200d🔬"):
        text = to_json({value: [value]})
        assert json.loads(text) == {value: [value]}
        assert harmful(text) == set()
    assert "합" in to_json("합")


def test_csv_has_no_formulas(give: Give) -> None:
    _, row = csv.reader(io.StringIO(give("compare", "--format", "csv", "--columns", "all")))
    texts = [cell for cell in row if cell and not re.fullmatch(r"-?[\d.]+", cell)]
    assert "-2015" in row
    assert "'@SUM(1+1)" in row
    assert any(cell.startswith("'=cmd|") for cell in row)
    assert not [cell for cell in texts if cell[0] in "=+-@\t\r\n"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-1, "-1"),
        (-1.5, "-1.5"),
        ("-1", "-1"),
        ("+1e-3", "+1e-3"),
        ("-1+1", "'-1+1"),
        ("=1", "'=1"),
        ("＝1", "'＝1"),
        ("+1", "+1"),
        ("@x", "'@x"),
        ("\t=1", "␉=1"),
        ("\r=1", "␍=1"),
        ("1-1", "1-1"),
        (None, ""),
        ((3, 3), "3x3"),
        ((-0.5, -0.5), "-0.5x-0.5"),
        (((-1, 1), (3, 3)), "-1x1 3x3"),
        ("-1x1x", "'-1x1x"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
    ],
)
def test_csv_cells(value: object, cell: str) -> None:
    sheet = Sheet((Column("x", "x"),), [TableLine((value,))])
    rows = [*csv.reader(io.StringIO(tables.csv(sheet)))]
    assert rows[1] == ([cell] if cell else [""])


def test_tables_keep_their_columns(give: Give) -> None:
    for command in ("compare", "summary"):
        rows = [
            line
            for line in give(command, "--format", "markdown", "--columns", "all").split("\n")
            if line.startswith("|")
        ]
        assert len({unescaped(row, "|") for row in rows}) == 1
        assert all(unescaped(row, sign) == 0 for row in rows for sign in "<[`")
        text = give(command, "--format", "latex", "--columns", "all")
        rows = [line for line in text.split("\n") if line.endswith(r"\\")]
        assert len({unescaped(row, "&") for row in rows}) == 1
        assert not re.search(r"\\(input|write|def|csname)", text)
        assert all(unescaped(row, sign) == 0 for row in rows for sign in "#%")


def test_a_row_of_latex_is_not_an_argument_of_the_line_before() -> None:
    sheet = Sheet((Column("x", "x"),), [TableLine((value,)) for value in ("[1cm]", "*", "x")])
    assert re.findall(r"(?m)^(.*) \\\\$", tables.latex(sheet)) == ["x", "{}[1cm]", "{}*", "x"]


class Tags(HTMLParser):
    """The tags and attributes of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_pages_have_no_other_tags(give: Give) -> None:
    page = Tags(give("draw", "--format", "html", "-o", "-"))
    assert page.tags.count("script") == 3
    diff = Tags(give("diff", "ok.arch", "--format", "html"))
    assert "script" not in diff.tags
    for found in (page, diff):
        assert "http-equiv" in found.attributes  # nothing is sent, were there a script
        assert not {"a", "b", "img", "iframe"} & {*found.tags} - {"a"}
        assert not [name for name in found.attributes if name.startswith("on")]


@pytest.mark.parametrize("view", ["engineer", "paper", "graph", "volumes"])
def test_pictures_have_no_other_elements(give: Give, view: str) -> None:
    svg = ElementTree.fromstring(give("draw", "--format", "svg", "--view", view, "-o", "-"))
    kinds = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert kinds <= set("svg g title desc text path polygon polyline ellipse circle a".split())
    links = [value for e in svg.iter() for name, value in e.items() if name.endswith("href")]
    assert not [link for link in links if link]
    assert not [n for e in svg.iter() for n in e.keys() if n.startswith("on")]  # noqa: SIM118


def test_tikz_has_no_other_commands(give: Give) -> None:
    text = give("draw", "--format", "tikz", "-o", "-")
    body = text.partition(r"\begin{document}")[2]
    known = set(
        "begin end node draw name more fact total repeated network totals paper sign beside color "
        "rule quad textbackslash textasciicircum textasciitilde textquotedbl textless "
        "textgreater textbar times cdot to le ge ldots sigma surd textonehalf".split()
    )
    assert set(re.findall(r"\\([A-Za-z]+)", body)) <= known
    assert re.sub(r"\\.", "", body).count("{") == re.sub(r"\\.", "", body).count("}")


def test_drawio_is_text_alone(give: Give) -> None:
    """Shapes hold text in spans; nothing of a file is a tag or an attribute."""
    for cell in ElementTree.fromstring(give("draw", "--format", "drawio", "-o", "-")).iter(
        "mxCell"
    ):
        value = cell.get("value", "")
        assert re.sub(r"</?(b|br)>|<span style=\"[\w:;#.-]+\">|</span>", "", value).count("<") == 0


def test_mermaid_has_no_other_lines(give: Give) -> None:
    for line in give("draw", "--format", "mermaid", "-o", "-").splitlines():
        assert re.match(
            r"%% (Hostile|archc)|flowchart TB| *(n\d|subgraph n\d|end$|classDef |linkStyle )", line
        )
        assert line.count('"') in (0, 2)


def test_python_has_no_other_code(give: Give) -> None:
    """The same code, docstrings apart, as with harmless texts in the same places."""
    harmless = TEXT.replace(STRING, "t").replace(COMMENT, "t")
    Path("harmless").mkdir()
    given = Path("harmless", f"{NAME}.arch")  # a training script says its file's name
    given.write_text(harmless, encoding="utf-8")
    for more in ((), ("--form", "deploy"), ("--with", "device"), ("--train",)):
        text = give("build", "-o", "-", *more)
        assert not re.search(r"[^\n -~\xa0-\ud7ff\ue000-\U0010ffff]", text)
        assert cli.main(("build", str(given), "-o", "harmless.py", "--force", *more)) == 0
        assert code(text) == code(Path("harmless.py").read_text(encoding="utf-8"))


def code(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


@pytest.mark.slow
def test_nothing_harmful_is_said_of_what_ran(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, out, err = said(("verify", f"folder{NAME}", "ok.arch", "--only", "state"), capsysbinary)
    assert code == 1  # one of them has mistakes
    assert "2 passed" in out
    assert harmful(out + err) == set()


# --- what is shown, and in which encoding ------------------------------------------------


def test_what_nobody_sees_is_shown() -> None:
    """Every character of every kind that steers a terminal or hides."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    joiners = "\u200c\u200d"
    for code in (*range(0x12000), *range(0x1D100, 0x1D200), *range(0xE0000, 0xE0200)):
        char = chr(code)
        hidden = unicodedata.category(char) in kinds and char not in joiners
        assert (visible(char) != char) == hidden, hex(code)
        assert len(visible(char)) == 1
    assert visible("합성곱 × é 👩\u200d🔬 می\u200cخواهم") == "합성곱 × é 👩\u200d🔬 می\u200cخواهم"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_json_is_json_in_any_encoding(folder: Path, encoding: str) -> None:
    paper = "é × 합성곱 👩\u200d🔬"
    Path("paper.arch").write_text(f'meta {{ paper "{paper}" }}\n{OK}', encoding="utf-8")
    command = [sys.executable, "-m", "archc", "compare", "paper.arch", "--format", "json"]
    env = os.environ | {
        "PYTHONPATH": str(Path(archc.__file__).parents[1]),
        "PYTHONIOENCODING": encoding,
    }
    done = subprocess.run(command, env=env, capture_output=True, check=True)
    (network,) = json.loads(done.stdout.decode(encoding))["networks"]
    assert network["paper"] == paper


def test_letters_that_look_like_others_are_no_names(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for line in ("с: relu", "x４: relu", "conv 3x3 x４", "ﬁ: relu", "a\u0301: relu"):
        Path("alike.arch").write_text(OK.replace("gap;", f"{line}; gap;"), encoding="utf-8")
        code, out, _ = said(("check", "alike.arch"), capsysbinary)
        assert code == 1
        assert "A002" in out

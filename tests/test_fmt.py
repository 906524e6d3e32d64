"""`archc fmt`: one layout, and nothing lost: no token, no comment, no meaning, no file."""

from __future__ import annotations

import io
import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import random_networks
from fuzz import blocks
from hypothesis import given, settings
from hypothesis import strategies as st

from archc import cli, files, layout
from archc.api import analyze
from archc.layout import format_source
from archc.source import Limits, Source
from archc.syntax.lexemes import BLANK, COMMENT, SKIPPED, lexemes
from archc.syntax.parser import parse

ROOT = Path(__file__).parents[1]
BUNDLED = sorted((ROOT / "archs").rglob("*.arch"))
OTHERS = sorted((ROOT / "tests").rglob("*.arch"))
CORPUS = (ROOT / "tests" / "corpus" / "habits.txt").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def fmt(text: str) -> str:
    """The text laid out, which changes nothing a second time and is not refused."""
    made = format_source(Source("t.arch", text))
    assert not made.refused
    assert format_source(Source("t.arch", made.text)).text == made.text
    return made.text


def samples() -> Iterator[str]:
    """Programs in documents, right ones and wrong ones."""
    for path in DOCUMENTS:
        yield from re.findall(r"^```arch.*\n(.*?)^```$", read(path), re.M | re.S)


# --- pieces that lose nothing ----------------------------------------------------------------


def joined(text: str) -> str:
    found = lexemes(Source("t.arch", text))
    places = [(lexeme.start, lexeme.end) for lexeme in found]
    assert [start for start, _ in places] == [0, *(end for _, end in places)][: len(places)]
    return "".join(lexeme.text for lexeme in found)


def test_lexemes_of_files_join_to_the_text() -> None:
    for path in (*BUNDLED, *OTHERS):
        assert joined(read(path)) == read(path), path


@given(
    st.text(
        st.one_of(st.characters(), st.sampled_from('{}<>()[]|;,:#"=@*x1\r\n\t \ufeff')), max_size=60
    )
)
@settings(deadline=None, max_examples=300)
def test_lexemes_of_any_text_join_to_it(text: str) -> None:
    assert joined(text) == text


def test_lexemes_say_what_they_are() -> None:
    text = 'network T\ninput 3x3 x1 # a\nconcat\n <relu|tanh $ "#" >\n'
    found = [(lexeme.kind, lexeme.text) for lexeme in lexemes(Source("t.arch", text))]
    assert (COMMENT, "# a") in found
    assert found[found.index(("LANGLE", "<")) - 1] == (BLANK, " ")
    assert [text for kind, text in found if kind == SKIPPED] == ["$", '"#"']


def test_a_bracket_that_is_never_closed_is_closed_by_an_empty_lexeme() -> None:
    kinds = [x.kind for x in lexemes(Source("t.arch", "a: { concat< relu | b(")) if not x.text]
    assert kinds == ["RPAR", "RANGLE", "RBRACE"]


# --- the layout ------------------------------------------------------------------------------


def test_bundled_networks_are_laid_out_as_fmt_does() -> None:
    for path in BUNDLED:
        assert fmt(read(path)) == read(path), path


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_files_of_tests_keep_what_they_say(path: Path) -> None:
    fmt(read(path))


def test_samples_of_documents_keep_what_they_say() -> None:
    for text in samples():
        fmt(text)


@pytest.mark.slow
def test_lines_of_the_corpus_keep_what_they_say() -> None:
    for line in CORPUS.splitlines():
        for text in line.split("=>"):
            fmt("network T\ninput 32x32 x3\n" + text.strip().replace("\\n", "\n"))


@pytest.mark.parametrize("seed", range(12))
def test_random_programs_keep_what_they_say(seed: int) -> None:
    for text in (blocks.program(seed), random_networks.program(seed).text):
        assert fmt(spoiled(text, seed)) == fmt(text)


def spoiled(text: str, seed: int) -> str:
    """The same text with other blanks between tokens, and other indents."""
    rng = random.Random(seed)
    parts: list[str] = []
    for lexeme in lexemes(Source("t.arch", text)):
        is_first = not parts or parts[-1].endswith("\n")
        choice = ("", " ", "\t", "     ") if is_first else (" ", "  ", "\t", "    ")
        if lexeme.kind == BLANK:
            parts.append(rng.choice(choice))
        else:
            parts += [rng.choice(choice)] * is_first + [lexeme.text]
    return "".join(parts)


def without_comments(text: str) -> list[str]:
    lines = (re.sub(r'("[^"\n]*")|#.*', r"\1", line).rstrip() for line in text.splitlines())
    return list(lines)


def test_a_spoiled_layout_comes_back() -> None:
    for seed, path in enumerate(BUNDLED):
        text = read(path)
        made = fmt(spoiled(text, seed))
        assert without_comments(made) == without_comments(text), path


UGLY = """\


# my net{blanks}
network   Ugly    "A title"


param   width=64
param classes = 10 # how many
input   32x32   x3

# a residual unit
block unit( width,stride = 1 ){
residual<conv 3x3/( stride ) p1 x( width )   nobias ;bn;relu;conv 3x3 p1 x(width) nobias; bn
| if stride>1{conv 1x1/(stride) x(width) nobias;bn}>
        relu
   # the end
}
	conv 3x3 p1 x( width ) nobias;bn ;relu # 32x32
layer1:unit(width)*3  # 32x32
layer2 : { unit( 2*width,stride=2 );unit(2* width)*2 } # 16x16

let n=[1,2,
   3,4]
for i,(a,b) in enumerate([
[1,2],
     [3,4], # second
]){
conv 3x3 p1 x(64*a+ -1)
  if a==1 and not(b>2){relu}
     else{tanh}
}
concat<
a:conv 1x1 x8
|b:{
conv 1x1 x8;relu
}
|    @layer2;upsample   to=@layer1
>
@ layer1
gap;flatten;fc (classes)
train{optimizer sgd lr=0.1   momentum=-0.9
batch 64;epochs 10}
expect{params<3_000_000
    macs 3.57G}""".replace("{blanks}", " \t ")

NEAT = """\
# my net
network Ugly "A title"

param width = 64
param classes = 10   # how many
input 32x32 x3

# a residual unit
block unit(width, stride=1) {
  residual< conv 3x3/(stride) p1 x(width) nobias; bn; relu; conv 3x3 p1 x(width) nobias; bn
          | if stride > 1 { conv 1x1/(stride) x(width) nobias; bn } >
  relu
  # the end
}
conv 3x3 p1 x(width) nobias; bn; relu                      # 32x32
layer1: unit(width) * 3                                    # 32x32
layer2: { unit(2*width, stride=2); unit(2 * width) * 2 }   # 16x16

let n = [1, 2,
         3, 4]
for i, (a, b) in enumerate([
  [1, 2],
  [3, 4],   # second
]) {
  conv 3x3 p1 x(64*a + -1)
  if a == 1 and not (b > 2) { relu }
  else { tanh }
}
concat<
  a: conv 1x1 x8
| b: {
    conv 1x1 x8; relu
  }
| @layer2; upsample to=@layer1
>
@layer1
gap; flatten; fc (classes)
train { optimizer sgd lr=0.1 momentum=-0.9
  batch 64; epochs 10 }
expect { params < 3_000_000
  macs 3.57G }
"""


def test_an_ugly_file() -> None:
    assert not parse(Source("t.arch", UGLY))[1]
    assert fmt(UGLY) == NEAT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        (" \n\n\t\n", ""),
        ("relu", "relu\n"),
        ("relu\n\n\n\ntanh\n\n", "relu\n\ntanh\n"),
        ("  # a\nrelu\n", "# a\nrelu\n"),
        ("relu;;tanh ;\n", "relu;; tanh;\n"),
        ("relu  \t# a \t\n", "relu    # a\n"),
        ("a : { }\n", "a: {}\n"),
        ("concat < relu|tanh >\n", "concat< relu | tanh >\n"),
        ("join droppath=0.15<relu>\n", "join droppath=0.15 < relu >\n"),
        ("concat\n<\nrelu\n|\ntanh\n>\n", "concat\n<\n  relu\n|\n  tanh\n>\n"),
        ("conv 3x3 /2 x( 2*k+1 )\n", "conv 3x3 /2 x(2*k+1)\n"),
        ("conv 3x3/2 p(k //2)\n", "conv 3x3/2 p(k // 2)\n"),
        ("upsample to = @a .b  mode = x\n", "upsample to=@a.b mode=x\n"),
        ("narrow -1 2\n", "narrow -1 2\n"),
        ("param a=\n1\n", "param a =\n  1\n"),
        ("param a=1+\n2\n", "param a = 1 +\n  2\n"),
        ("param a=-1- -2**-3\n", "param a = -1 - -2**-3\n"),
        ("param a=n[ 1 : ][0]\n", "param a = n[1 :][0]\n"),
        ("for i in 1 .. n-1{relu}\n", "for i in 1..n-1 { relu }\n"),
        ("stage(\na,b,\n)\n", "stage(\n  a, b,\n)\n"),
        (
            "if a{relu}\nelse if b{tanh}\nelse{elu}\n",
            "if a { relu }\nelse if b { tanh }\nelse { elu }\n",
        ),
        ("block f (a,@b){relu}\n", "block f(a, @b) { relu }\n"),
        ('use"a.arch"\n"x.{ i }" : relu\n', 'use "a.arch"\n"x.{i}": relu\n'),
        ("down{ i + 1 }a : relu as b{ i }\n", "down{i + 1}a: relu as b{i}\n"),
        ("expect{params<=3K}\n", "expect { params <= 3K }\n"),
        ('meta { title "é𝔘  x"  } # ü\n', 'meta { title "é𝔘  x" }   # ü\n'),
        ("\ufeffrelu\r\n\ttanh\r\n", "\ufeffrelu\r\ntanh\r\n"),
        ("\ufeffnetwork  N\ninput 8x8  x3\n", "\ufeffnetwork N\ninput 8x8 x3\n"),
        ("relu\r\ntanh\nelu\n", "relu\ntanh\nelu\n"),
        ("relu\r\ntanh\r\nelu\n", "relu\r\ntanh\r\nelu\r\n"),
    ],
)
def test_a_line(before: str, after: str) -> None:
    assert fmt(before) == after


# --- comments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # in a column, which fits: it stays
        ("relu      # a\nconv 3x3  # b\n", "relu      # a\nconv 3x3  # b\n"),
        # in a column, which fits no more
        (
            "relu;tanh;elu   # a\nrelu            # b\n",
            "relu; tanh; elu   # a\nrelu              # b\n",
        ),
        # each right behind its code
        ("relu   # a\nconv 3x3   # b\n", "relu   # a\nconv 3x3   # b\n"),
        # in no order, or too close
        ("relu     # a\nconv 3x3  # b\n", "relu       # a\nconv 3x3   # b\n"),
        ("relu # a\nconv 3x3   # b\n", "relu       # a\nconv 3x3   # b\n"),
        ("relu# a\n\nconv 3x3 # b\n", "relu   # a\n\nconv 3x3   # b\n"),
        # a long line moves no others
        (f"relu # a\n{'relu;' * 20}elu # b\n", f"relu   # a\n{'relu; ' * 20}elu   # b\n"),
        # one that goes on
        ("relu    # a\n        # b\ntanh\n", "relu    # a\n        # b\ntanh\n"),
        ("relu # a\n     # b\ntanh\n", "relu   # a\n       # b\ntanh\n"),
        # on lines of their own
        ("a: {\n# b\nrelu\n# c\n}\n  # d\n", "a: {\n  # b\n  relu\n  # c\n}\n# d\n"),
    ],
)
def test_comments(before: str, after: str) -> None:
    assert fmt(before) == after


# --- mistakes --------------------------------------------------------------------------------


def test_a_line_in_a_mistake_stays_as_it_is() -> None:
    text = "relu ;tanh\n  conv  3x3,   p1 x8 nobias # a\n  relu\n  x $  \n pool  2x2 )\nelu # b\n"
    made = format_source(Source("t.arch", text))
    kept = ["  conv  3x3,   p1 x8 nobias # a", "  x $  ", " pool  2x2 )"]
    assert made.text.splitlines() == ["relu; tanh", kept[0], "relu", *kept[1:], "elu   # b"]
    assert made.left == 3


def test_what_an_open_bracket_holds_stays_as_it_is() -> None:
    text = "relu ;tanh\nblock a() {\n relu\n      if x {\ntanh\n}\n\nblock b( ) {relu}\n"
    assert fmt(text) == text.replace("relu ;", "relu; ").replace("b( ) {relu}", "b() { relu }")


@pytest.mark.parametrize("odd", ["\f", "\r", "\ufeff", "\x85", "\u2028", "\xa0"])
def test_odd_blanks_stay(odd: str) -> None:
    text = f"relu\n  tanh {odd} ;elu\nrelu\n"
    assert fmt(text) == text


def test_what_is_no_text_stays() -> None:
    for text in ("relu  ;\0", "relu  ;" * 1000):
        made = format_source(Source("t.arch", text), Limits(source_bytes=1000))
        assert (made.text, made.refused) == (text, False)
        assert made.unreadable is not None


PARTS = [
    "{",
    "}",
    "<",
    ">",
    "(",
    ")",
    "|",
    ";",
    ",",
    '"',
    "#",
    "\n",
    "\r\n",
    "\t",
    "if x {",
    "let a=",
]


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_damaged_file_loses_nothing(data: st.DataObject) -> None:
    text = read(data.draw(st.sampled_from(BUNDLED)))
    start = data.draw(st.integers(0, len(text) - 1))
    text = text[start : start + data.draw(st.integers(50, 600))]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        drop = data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(st.sampled_from(["", *PARTS])) + text[at + drop :]
    made = format_source(Source("t.arch", text))
    again = format_source(Source("t.arch", made.text))
    assert again.text == made.text
    assert "".join(made.text.split()) == "".join(text.split())
    if not made.refused:
        assert (
            parse(made_source := Source("t.arch", made.text))[0] == parse(Source("t.arch", text))[0]
        )
        assert made_source.text == made.text


# --- the guard -------------------------------------------------------------------------------

WRONG = {
    "a token is lost": lambda text: text.replace("nobias", ""),
    "a comment is lost": lambda text: text.replace("# a", ""),
    "a comment goes elsewhere": lambda text: text.replace("   # a\n", "\n# a\n"),
    "lines are joined": lambda text: text.replace("\ntanh", " tanh"),
    "a line is split": lambda text: text.replace("; elu", "\nelu"),
    "blanks that mean something": lambda text: text.replace("fc (n)", "fc(n)"),
    "a text in quotes": lambda text: text.replace('"a b"', '"a  b"'),
    "not settled": lambda text: text.replace(" # a", "  # a"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_formatter_that_is_wrong_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'network T "a b"\nconv 3x3  nobias   # a\ntanh; elu; fc (n)\n'
    right, made = layout.lay_out, format_source(Source("t.arch", text)).text
    assert made != WRONG[name](made)
    monkeypatch.setattr(layout, "lay_out", lambda *given: WRONG[name](right(*given)))
    found = format_source(Source("t.arch", text))
    assert (found.refused, found.text, found.changed) == (True, text, False)


def test_what_is_refused_is_left_alone_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_text("relu  # a\n", "utf-8")
    right = layout.lay_out
    monkeypatch.setattr(layout, "lay_out", lambda *given: right(*given).replace("a", "b"))
    assert cli.main(["fmt", str(path)]) == 1
    assert "is left as it is" in capsys.readouterr().err
    assert read(path) == "relu  # a\n"


# --- shapes ----------------------------------------------------------------------------------

SHAPES = """\
network Tiny
input 32x32 x3
block unit(width) { conv 3x3 p1 x(width); relu }

conv 3x3 p1 x16   # 16x16 x16, the stem
relu              # 32x32 x16
pool 2x2          # 32x32
a: {              # 16x16 x9
  unit(32) * 2
  tanh
}
for n in [64, 128] {
  unit(n)
  pool 2x2
}
concat<
  relu   # both
| gap; upsample 4
>
gap; flatten;
fc 10
"""

SHAPED = """\
network Tiny
input 32x32 x3
block unit(width) { conv 3x3 p1 x(width); relu }

conv 3x3 p1 x16   # 32x32 x16, the stem
relu              # 32x32 x16
pool 2x2          # 16x16
a: {              # 16x16 x32
  unit(32) * 2    # 16x16 x32
  tanh
}
for n in [64, 128] {
  unit(n)
  pool 2x2
}
concat<
  relu          # both
| gap; upsample 4
>               # 4x4 x256
gap; flatten;   # x256
fc 10           # x10
"""


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = cli.main(["fmt", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_shapes_are_written_and_corrected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_text(SHAPES, "utf-8")
    assert [d.code for d in analyze(Source("t.arch", read(path))).diagnostics] == ["W108"] * 3
    assert run(capsys, "--shapes", path)[0] == 0
    assert read(path) == SHAPED
    assert run(capsys, "--shapes", "--check", path) == (0, "", "")
    assert not analyze(Source("t.arch", read(path))).diagnostics


def test_wrong_shapes_are_told_once_with_their_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_text(SHAPES, "utf-8")
    for command in (["summary"], ["explain"], ["compare"]):
        assert cli.main([*command, str(path)]) == 0
        err = capsys.readouterr().err
        assert err.count("W108]") == 1
        assert "2 comments more are not right any more: `archc fmt --shapes` corrects all" in err
    assert cli.main(["check", str(path)]) == 0
    assert capsys.readouterr().out.count("W108]") == 3
    run(capsys, "--shapes", path)
    assert cli.main(["summary", str(path)]) == 0
    assert not capsys.readouterr().err


def test_the_first_file_stays_right_at_another_width(tmp_path: Path) -> None:
    assert cli.main(["new", str(tmp_path / "my")]) == 0
    text = read(tmp_path / "my.arch")
    assert "\nparam width = 16\n" in text
    assert "# 16x16" in text
    for other in (text, text.replace("width = 16", "width = 24")):
        assert not analyze(Source("my.arch", other)).diagnostics


def test_shapes_that_would_change_the_network_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.arch"
    path.write_text("network T\ninput 8x8 x3\nrelu\n", "utf-8")
    monkeypatch.setattr(
        "archc.layout.shapes.with_shapes", lambda plan: plan.file.span.source.text + "tanh\n"
    )
    assert run(capsys, "--shapes", path)[0] == 1
    assert read(path) == "network T\ninput 8x8 x3\nrelu\n"


def test_no_shapes_where_there_are_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_text("network T\ninput 8x8 x3\nconv  3x3 x4\nconv 9x9 x4\n", "utf-8")
    code, _, err = run(capsys, "--shapes", path)
    assert code == 1
    assert "no shapes, since it has mistakes" in err
    assert read(path) == "network T\ninput 8x8 x3\nconv 3x3 x4\nconv 9x9 x4\n"


def test_plain_formatting_asks_for_no_analysis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.arch"
    path.write_text(UGLY, "utf-8")
    monkeypatch.setattr("archc.api.analyze", None)
    assert run(capsys, path)[0] == 0


HEAD = "network T\ninput 32x32 x3\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv 3x3 p1 x8   # 32x32 x8", []),
        ("conv 3x3 p1 x8   # 32x32 x9", ["W108"]),
        ("conv 3x3 p1 x8   # 32x32 x9, as in the paper", ["W108"]),
        ("conv 3x3 p1 x8   # 32x32 x9 and more", []),
        ("conv 3x3 p1 x8   # 32x32x8", []),
        ("conv 3x3 p1 x8   # 8x32x32", []),
        # it may be about anything, as long as no comment of the file says a shape that is right
        ("conv 3x3 p1 x8   # 16x16", []),
        ("conv 3x3 p1 x8   # 32x32\npool 2x2   # 32x32", ["W108"]),
        ("conv 3x3 p1 x8   # x8\npool 2x2   # x9", ["W108"]),
        # about the window, or the times
        ("relu   # 32x32 x3\nconv 3x3 p1 x8   # 3x3", []),
        ("relu   # 32x32\nblock c(k) { conv (k)x(k) x8 }\nc(5)   # 5x5", []),
        ("relu   # 32x32\n{ conv 3x3 p1 x8 } * 3   # x3", []),
        # not about a statement
        ("relu   # 32x32\nfor k in [\n1,   # 9x9\n3] { conv (k)x(k) x8 }", []),
        ('relu   # 32x32\nmeta { title "# 9x9 x9" }   # 9x9 x9', []),
        # in several runs
        ("for k in 1..2 { pool 2x2   # 16x16 x3\n}", []),
        ("for k in 1..2 { pool 2x2   # 8x8 x3\n}", []),
        ("for k in 1..2 { pool 2x2   # 4x4 x3\n}", ["W108"]),
        ("block f(n) {\nconv 3x3 p1 x(n)   # 32x32 x4\n}\nf(4); f(5)", []),
        ("block f(n) {\nconv 3x3 p1 x(n)   # 32x32 x6\n}\nf(4); f(5)", ["W108"]),
        # kept quiet
        ("# archc: allow W108\nrelu   # 1x1 x1", []),
    ],
)
def test_shapes_in_comments_are_held_against_the_network(text: str, expected: list[str]) -> None:
    found = analyze(Source("t.arch", HEAD + text + "\n")).diagnostics
    assert [d.code for d in found] == expected, [d.title for d in found]


@pytest.mark.slow
def test_no_comment_of_a_bundled_network_is_warned_of_and_each_is_read() -> None:
    """Every shape that stands whole in a comment, made wrong, is found."""
    for name in ("resnet50", "googlenet", "stochastic_depth_resnet1202", "r3d_18", "nin_cifar10"):
        path = ROOT / "archs" / f"{name}.arch"
        text = read(path)
        assert "W108" not in [d.code for d in analyze(Source(str(path), text)).diagnostics]
        wrong, count = re.subn(r"(# [\dx]+ x)(\d+)", r"\g<1>1\2", text)
        found = analyze(Source(str(path), wrong)).diagnostics
        assert [d.code for d in found] == ["W108"] * count, path


# --- the command -----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blocks").mkdir()
    (tmp_path / "net.arch").write_text("conv  3x3\n", "utf-8")
    (tmp_path / "blocks" / "part.arch").write_text("block a( ) { relu }\n", "utf-8")
    (tmp_path / "neat.arch").write_text("relu\n", "utf-8")
    return tmp_path


def test_a_folder_is_formatted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.utime(folder / "neat.arch", (1, 1))
    code, out, err = run(capsys, folder)
    assert (code, out) == (0, "")
    assert err.splitlines()[-1] == "3 files: 2 formatted, 1 as they should be"
    assert read(folder / "net.arch") == "conv 3x3\n"
    assert read(folder / "blocks" / "part.arch") == "block a() { relu }\n"
    assert (folder / "neat.arch").stat().st_mtime == 1
    assert run(capsys, folder) == (0, "", "3 files: 3 as they should be\n")


def test_check_names_what_would_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--check", folder)
    assert code == 1
    names = [folder / "blocks" / "part.arch", folder / "net.arch"]
    assert out == "".join(f"would format {name}\n" for name in names)
    assert read(folder / "net.arch") == "conv  3x3\n"
    assert run(capsys, "--check", folder / "neat.arch") == (0, "", "")


def test_diff_shows_what_would_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--diff", folder / "net.arch", folder / "neat.arch")
    assert code == 1
    assert out.splitlines()[2:] == ["@@ -1 +1 @@", "-conv  3x3", "+conv 3x3"]
    assert read(folder / "net.arch") == "conv  3x3\n"
    assert run(capsys, "--diff", folder / "neat.arch") == (0, "", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("relu", ["-relu", "\\ No newline at end of file", "+relu"]),
        ("relu\r\ntanh\n", ["-relu␍", "+relu", " tanh"]),
        ("relu\r\n tanh\r\n", [" relu", "- tanh", "+tanh"]),
    ],
)
def test_a_diff_shows_ends_of_lines_that_change(
    text: str, shown: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_bytes(text.encode())
    assert run(capsys, "--diff", path)[1].splitlines()[3:] == shown


def test_standard_input(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(*argv: str) -> tuple[int, bytes]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("relu ;é\r\n".encode())))
        return cli.main(["fmt", "-", *argv]), capsysbinary.readouterr().out

    assert given() == (0, "relu ;é\r\n".encode())  # a mistake: the line stays
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"relu ;tanh\r\n")))
    assert cli.main(["fmt", "-"]) == 0
    assert capsysbinary.readouterr().out == b"relu; tanh\r\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"relu ;tanh\r\n")))
    assert cli.main(["fmt", "--check", "-"]) == 1
    assert capsysbinary.readouterr().out == b"would format <stdin>\n"


def test_what_cannot_be_formatted_is_said_and_the_rest_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "latin.arch").write_bytes(b"# \xe9\n")
    code, _, err = run(capsys, "resnet50", folder / "nowhere.arch", folder)
    assert code == 2
    assert "resnet50 is a bundled network" in err
    assert "no such file" in err
    assert "not UTF-8" in err
    assert read(folder / "net.arch") == "conv 3x3\n"


def test_what_is_no_text_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.arch"
    path.write_bytes(b"relu  ;\x1b[2J\n")
    code, out, err = run(capsys, path)
    assert (code, out) == (1, "")
    assert "this is not text" in err
    assert "\x1b" not in err


def test_links_that_lead_out_are_not_followed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "other.arch"
    outside.write_text("relu  ;tanh\n", "utf-8")
    (folder / "link.arch").symlink_to(outside)
    code, _, err = run(capsys, folder)
    assert code == 2
    assert "link out of the folder" in err
    assert read(outside) == "relu  ;tanh\n"


def test_a_file_that_somebody_edits_meanwhile_is_left(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = files.replace

    def late(target: Path, data: bytes, **more: object) -> None:
        target.write_text("# mine\n", "utf-8")
        replace(target, data, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "replace", late)
    code, _, err = run(capsys, folder / "net.arch")
    assert code == 2
    assert "was edited meanwhile" in err
    assert read(folder / "net.arch") == "# mine\n"


def test_lines_in_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.arch"
    path.write_text("relu ;tanh\nconv  $\n", "utf-8")
    code, _, err = run(capsys, path)
    assert code == 0
    assert "net.arch: 1 line in a mistake is left as it is" in err
    assert read(path) == "relu; tanh\nconv  $\n"

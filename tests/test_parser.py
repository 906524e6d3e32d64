"""Text to tree, and what is said of texts that are none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lark.parsers.lalr_analysis import Shift
from strategies import files

import archc
from archc import syntax as s
from archc.api import analyze
from archc.source import Diagnostic, Limits, Source, edited
from archc.syntax import parse_table
from archc.syntax.expected import sentence
from archc.syntax.parser import parse
from archc.syntax.writing import format_file

RESNET = """\
# ResNet-50, He et al. 2015
network ResNet50 "Deep Residual Learning for Image Recognition"
param classes = 1000
input 224x224 x3

block bottleneck(width, stride=1) {
  residual<
    conv 1x1 x(width) nobias; bn; relu
    conv 3x3/(stride) p1 x(width) nobias; bn; relu
    conv 1x1 x(4*width) nobias; bn
  | if stride > 1 or in.c != 4*width {
      downsample: { conv 1x1/(stride) x(4*width) nobias; bn }
    }
  >
  relu
}

conv1: conv 7x7/2 p3 x64 nobias; bn1: bn; relu
maxpool: pool 3x3/2 p1
layer1: bottleneck(64) * 3
layer2: { bottleneck(128, stride=2); bottleneck(128) * 3 }
layer3: { bottleneck(256, stride=2); bottleneck(256) * 5 }
layer4: { bottleneck(512, stride=2); bottleneck(512) * 2 }
avgpool: gap; flatten
fc: fc (classes)

train {
  optimizer sgd lr=0.1 momentum=0.9 weight_decay=1e-4
  batch 256; epochs 90
  schedule plateau factor=0.1
  init he
}
"""
UNET = """\
network UNet
input 128x128 x3
block double(c) { conv 3x3 p1 x(c) nobias; bn; relu; conv 3x3 p1 x(c) nobias; bn; relu }
block up(c)     { deconv 2x2/2 x(c) }
enc1: double(32);  pool 2x2
enc2: double(64);  pool 2x2
double(128)
concat< @enc2 | up(64) >; double(64)
concat< @enc1 | up(32) >; double(32)
conv 1x1 x2
"""
SIAMESE = """\
network Siamese
input left 105x105 x1
input right 105x105 x1
block twin() { conv 10x10 x64; relu; pool 2x2; flatten; fc 512; sigmoid }
@left; a: twin()
@right; b: reuse a
sub< @a | @b >; abs; fc 1; sigmoid
"""
FRACTAL = """\
sequence features(depths) {
  for width, depth in [[64, 2], [128, 2]] {
    for i in 1..depth { conv 3x3 p1 x(width); relu }; pool 2x2/2
  }
}
block fractal(c, w) {
  if c > 1 { columns< fractal(c-1, w); join droppath=0.15; fractal(c-1, w) | unit(w) > }
  else { columns< unit(w) > }
}
features: features([1,1,2,2,2])
for i in 1..6 { denselayer{i}: dense< bn; relu; conv 3x3 p1 x32 > }
aux weight=0.3 < gap; fc 10 >
upsample to=@enc{2*i} mode=bilinear
expect { params 25_557_032; macs 4.09G; output x1000; params < 30M }
meta { paper "..."; arxiv "1512.03385"; top5_error 3.57 % }
use "blocks/resnet.arch"
"""
PROGRAMS = {"resnet": RESNET, "unet": UNET, "siamese": SIAMESE, "fractal": FRACTAL}


def read(text: str, **limits: int) -> tuple[s.File, tuple[Diagnostic, ...]]:
    return parse(Source("t.arch", text), Limits(**limits))


def tree(text: str) -> s.File:
    file, problems = read(text)
    assert not problems, [(p.title, p.span.text) for p in problems]
    return file


def term(text: str) -> Any:
    (statement,) = tree(text).items
    assert isinstance(statement, s.Statement)
    return statement.term


def attributes(text: str) -> list[Any]:
    return list(term(f"op {text}").attributes)


def problems(text: str, **limits: int) -> list[tuple[str, int, int]]:
    """Code, line and column of each."""
    return [(p.code, p.span.line, p.span.column) for p in read(text, **limits)[1]]


def kinds(text: str) -> list[str]:
    """The names of a program's statements, what is in brackets left out."""
    found = []
    for item in read(text)[0].items:
        inner = item.term if isinstance(item, s.Statement) else item
        found.append(inner.name.id if isinstance(inner, s.Operation) else type(inner).__name__)
    return found


def nodes(value: Any) -> list[Any]:
    found, todo = [], [value]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo += node
        elif is_dataclass(node) and hasattr(node, "span"):
            found.append(node)
            todo += [getattr(node, f.name) for f in fields(node) if f.name != "span"]
    return found


# --- forms --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_programs(name: str, ending: str) -> None:
    text = PROGRAMS[name]
    file = tree(text.replace("\n", ending))
    assert tree(format_file(file)) == file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3x3", "3x3"),
        ("3x3 / 2", "3x3/2"),
        ("3x3/2x1 p0x3 x64 g32 d2", "3x3/2x1 p0x3 x64 g32 d2"),
        ("/(s)x(t)", "/(s)x(t)"),
        ("(h)x7x(k) 3x(k)", "(h)x7x(k) 3x(k)"),
        ("(3)x(3)", "(3)x3"),
        ("x(4*w) p(k//2) p0x(k)", "x(4 * w) p(k // 2) p0x(k)"),
        ("4096 0.5 (n) 1e-4 -1", "4096 0.5 (n) 0.0001 -1"),
        ("ceil nobias x64y pool2", "ceil nobias x64y pool2"),
        ("eps=1e-3 to=7x7 at=@a{i} mode=bilinear w=(k) s=-0.5", None),
        ("lr = 0.1 steps=[30, 60,]", "lr=0.1 steps=[30, 60]"),
        ('"a\\"b" mode="c"', None),
        ("block if for in", None),
    ],
)
def test_attributes(text: str, expected: str | None) -> None:
    written = format_file(tree(f"op {text}")).removeprefix("op").strip()
    if expected is not None:
        assert written == expected
    assert attributes(written) == attributes(text)


def test_what_is_written_alike_is_told_apart_by_its_place() -> None:
    assert term("x1(4)").arguments is not None
    assert term("x1 (4)").arguments is None
    assert term("output x1").attributes[0].id == "x1"
    assert term("@p1").fixed == "p1"
    assert term("d2: conv 3x3").name.id == "conv"
    assert term("reuse x64").target.fixed == "x64"
    file = tree("block x1(p1, d2=3) { conv 3x3 x(p1) }\nparam g4 = 2\nx1: x1(5)\nx2; p1")
    assert [type(item).__name__ for item in file.items] == ["Block", "Param"] + 3 * ["Statement"]


def test_dots_are_not_taken_for_a_fraction() -> None:
    loop = term("for i in 1..6 { conv }")
    assert (loop.over.start.value, loop.over.stop.value) == (1, 6)


def test_numbers_of_sections() -> None:
    (section,) = tree("expect { params 25_557_032; macs 4.09G; params < 30M; a 2K }").items
    assert isinstance(section, s.Section)
    values = [entry.values[0].value.value for entry in section.entries]  # type: ignore[union-attr]
    assert values == [25_557_032, 4_090_000_000, 30_000_000, 2000]
    assert section.entries[2].relation == "<"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "1 + 2 * 3"),
        ("(1 + 2) * 3", "(1 + 2) * 3"),
        ("1 - (2 - 3)", "1 - (2 - 3)"),
        ("(1 - 2) - 3", "1 - 2 - 3"),
        ("-a // 2 % 3", "-a // 2 % 3"),
        ("not a == b and c or d", "not a == b and c or d"),
        ("a if b else c if d else e", "a if b else c if d else e"),
        ("f(a, b)[0][i+1]", "f(a, b)[0][i + 1]"),
        ("in.c >= 4", "in.c >= 4"),
        ("[[1, 2], [], [a,]]", "[[1, 2], [], [a]]"),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    assert format_file(tree(f"param p = {text}")) == f"param p = {expected}\n"


@pytest.mark.parametrize(
    "text",
    [
        "residual<conv 3x3;bn|if a>1{conv 1x1}>;relu",
        "residual<\n conv 3x3\n bn\n |\n if a >\n 1\n {\n conv 1x1\n }\n >\n relu",
        "residual # body\n<\n# one\nconv 3x3; # two\nbn | # three\nif (\na\n>\n1\n) {"
        "conv 1x1 } >;;\n\n relu\n",
        "\ufeff\tresidual<conv\t3x3\r\nbn\r\n|if a>1 {conv 1x1;}\r\n>\r\nrelu\r\n",
    ],
)
def test_layout_is_free(text: str) -> None:
    assert tree(text) == tree("residual< conv 3x3; bn | if a > 1 { conv 1x1 } >\nrelu")


def test_else_may_stand_on_a_line_of_its_own() -> None:
    one = tree("if a { conv } else if b { bn } else { relu }")
    assert tree("if a { conv }\n# so\nelse if b { bn }\n\nelse\n{ relu }") == one


def test_a_new_line_after_a_brace_begins_a_statement() -> None:
    assert kinds("a: { conv }\nrelu\n@a\n{ bn } * 3") == ["Group", "relu", "Reference", "Group"]


def test_spans_are_exact() -> None:
    text = "a{i}: conv (2 + n) 3x3/2 x64 eps=1e-3 < bn | > * (k)"
    (statement,) = tree(text).items
    assert isinstance(statement, s.Statement)
    found = {type(node).__name__: node.span.text for node in reversed(nodes(statement))}
    assert statement.span.text == text
    assert found["Label"] == "a{i}"
    assert found["Operation"] == "conv (2 + n) 3x3/2 x64 eps=1e-3 < bn | >"
    assert found["Size"] == "3x3"
    assert found["Stride"] == "/2"
    assert found["Geometry"] == "x64"
    assert found["Option"] == "eps=1e-3"
    assert found["Plain"] == found["Binary"] == "(2 + n)"
    assert statement.repeat
    assert statement.repeat.span.text == "(k)"


def test_spans_lie_inside_of_each_other() -> None:
    for text in PROGRAMS.values():
        for node in nodes(tree(text)):
            assert node.span.start <= node.span.end <= len(text)
            for inner in nodes(tuple(getattr(node, f.name) for f in fields(node)[:-1])):
                assert node.span.start <= inner.span.start <= inner.span.end <= node.span.end


def test_comments_are_docs_of_files_and_blocks() -> None:
    file = tree("# Head\n#  more\n\nnetwork A\n# not this\n\n# What b\n# does.\nblock b() {}")
    assert file.doc == "Head\n more"
    assert [item.doc for item in file.items if isinstance(item, s.Block)] == ["What b\ndoes."]
    alone = tree("# Of the block.\nblock b() {}")
    assert alone.doc == ""
    assert alone.items[0].doc == "Of the block."  # type: ignore[union-attr]


# --- mistakes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "at", "title", "fixed"),
    [
        ("a = conv 3x3", "A001", 3, "found `=`", "a: conv 3x3"),
        ("a := conv", "A001", 4, "found `=`", "a : conv"),
        ("conv1:\nrelu: bn", "A001", 7, "operator or a block, found the end of the line", None),
        ("conv1:\n  relu: bn", "A001", 9, "end of the statement, found `:`", None),
        ("conv1:", "A001", 7, "operator or a block, found the end of the file", None),
        ("param x =\n", "A001", 10, "expected a value, found the end of the", None),
        ("param x 3", "A001", 9, "expected `=`, found `3`", None),
        ("{ conv } 3", "A001", 10, "the end of the statement", "{ conv } * 3"),
        ("{ conv } relu", "A001", 10, "the end of the statement", "{ conv } ; relu"),
        ("f (64, 2)", "A001", 6, "expected `)`, found `,`", "f(64, 2)"),
        ("residual { conv }", "A001", 10, "found `{`", "residual < conv >"),
        ("BLOCK f(a) { conv }", "A001", 1, "`BLOCK` is not a word", "block f(a) { conv }"),
        ("If 2 > 1 { conv }", "A001", 1, "`If` is not a word", "if 2 > 1 { conv }"),
        ("a: conv; reuse @a", "A001", 16, "a name, found `@`", "a: conv; reuse a"),
        ("dropout .5", "A001", 9, "found `.`", "dropout 0.5"),
        ('meta { a: "b" }', "A001", 9, "a value or the end", 'meta { a "b" }'),
        ("if a { b }; else { c }", "A001", 13, "`else` has no `if`", None),
        ("for i in 1..6 conv", "A001", 15, "expected `{`", None),
        ("conv 3\u00d73", "A002", 7, "`\u00d7`", None),
        ("conv $", "A002", 6, "`$`", None),
        ("conv x(4*w", "A003", 7, "`(` is never closed", "conv x(4*w )"),
        ("conv x(4*w\nbn", "A003", 7, "`(` is never closed", None),
        ("residual< conv", "A003", 9, "`<` is never closed", "residual< conv >"),
        ("conv 3 p1 <x4", "A003", 11, "`<` is never closed", "conv 3 p1 x4"),
        ("{ residual< conv }", "A003", 11, "`<` is never closed", "{ residual< conv > }"),
        ("block a() {\n conv\nblock b() {}", "A003", 11, "`{` is never closed", None),
        ("conv ) bn", "A004", 6, "`)` closes nothing", "conv  bn"),
        ("conv }", "A004", 6, "`}` closes nothing", "conv "),
        ('use "a', "A005", 5, "has no end", 'use "a"'),
        ("conv 1000000000001", "A006", 6, "too large", None),
        ('use "\\q"', "A010", 6, "`\\q`", None),
        ("conv x 64", "A011", 6, "a space", "conv x64"),
        ("block for() {}", "A012", 7, "cannot be a name", None),
        ("{ block a() {} }", "A013", 3, "top of a file", None),
    ],
)
def test_mistakes(text: str, code: str, at: int, title: str, fixed: str | None) -> None:
    found = read(text)[1]
    assert [p.code for p in found] == [code]
    (problem,) = found
    assert title in problem.title
    assert problem.span.start == at - 1 or "\n" in text
    if fixed is not None:
        (fix,) = problem.fixes
        done = edited(text, fix.edits)
        assert done.replace(" ", "") == fixed.replace(" ", "")
        assert not read(done)[1]


def test_each_mistake_of_many_is_reported_once() -> None:
    text = "\n".join(
        [
            "network A",  # 1
            "conv ! 3x3",  # 2
            "relu",
            "block f(a b) {",  # 4
            "  conv $ 3",  # 5
            "  bn )",  # 6
            "}",
            "residual< conv x(2*(n nobias | relu >",  # 8
            "b = relu",  # 9
            "if a $ { conv } else { bn ] }",  # 10, 10
            "train { lr: 3; batch 5 = }",  # 11, 11
            "pool 2x2",
        ]
    )
    lines = [line for _code, line, _column in problems(text)]
    assert lines == [2, 4, 5, 6, 8, 9, 10, 10, 11, 11]


@pytest.mark.parametrize("place", range(8))
def test_a_mistake_takes_no_other_statement_along(place: int) -> None:
    lines = [f"a{n}" for n in range(8)]
    lines[place] = "b: conv 3x3 (1 2)"
    file, found = read("\n".join(lines))
    assert len(found) == 1
    names = [i.term.name.id for i in file.items]  # type: ignore[union-attr]
    assert [n for n in names if n != "conv"] == [f"a{n}" for n in range(8) if n != place]


def test_what_is_whole_of_a_bad_statement_is_kept() -> None:
    file = read("a: conv 3x3 $ x64\nb: pool (2")[0]
    assert [item.label.fixed for item in file.items] == ["a", "b"]  # type: ignore[union-attr]


# Every state of the parser has one of these to say. A change of the grammar that adds a sentence
# shows here: read it, and if it says what a user would, write it down.
SENTENCES = """\
`(`
`)`
`,` or `)`
`,` or `]`
`,` or the end of the statement
`,`, `)` or `]`
`..`, `,`, `)`, `]`, `{` or the end of the statement
`..`, `]` or `{`
`:`
`<`
`=`
`=`, `,` or `)`
`]`
`]` or `{`
`else`
`in`
`in` or `,`
`{`
`{` or the end of the statement
`|` or `>`
`}`
a name
a name or `)`
a number
a size such as `2` or `3x3`
a text in "quotes"
a text in "quotes" or the end of the statement
a value
a value or `)`
a value or `]`
a value or the end of the statement
a value, `,`, `)` or the end of the statement
a value, `:`, `,`, `)` or the end of the statement
an argument or `)`
an attribute or the end of the statement
an attribute, `:` or the end of the statement
an entry such as `batch 256`
an operator or a block
an operator, a label or a block
how many times
something else
the end of the statement
"""


def test_every_state_has_its_sentence() -> None:
    states = parse_table.load().parse_interactive("").parser_state.parse_conf.states
    said = {sentence(frozenset(filter(str.isupper, actions))) for actions in states.values()}
    assert "".join(f"{line}\n" for line in sorted(said)) == SENTENCES


def test_every_terminal_is_spoken_for() -> None:
    never_alone = {"ERR", "WS"}
    for terminal in {terminal.name for terminal in parse_table.load().terminals} - never_alone:
        said = sentence(frozenset({terminal}))
        assert not re.search(r"[A-Z]{2}|_[A-Z]", said), said


def contents(parser: lark.Lark) -> tuple[object, ...]:
    """All that a parser goes by, but for the numbers of its states: they change each time."""
    states = parser.parse_interactive("").parser_state.parse_conf.states.values()
    return (
        [(t.name, t.priority, t.pattern.to_regexp()) for t in parser.terminals],
        {(str(rule), rule.alias, repr(rule.options)) for rule in parser.rules},
        Counter(
            frozenset((on, "" if action is Shift else str(to)) for on, (action, to) in row.items())
            for row in states
        ),
    )


def test_the_stored_parser_is_that_of_the_grammar() -> None:
    grammar = parse_table._GRAMMAR.read_text("utf-8")
    stored = parse_table.stored(parse_table._TABLE, grammar)
    assert stored, "python -m archc.syntax.parse_table"
    assert contents(stored) == contents(parse_table.generate(grammar))


def test_only_a_parser_that_fits_is_taken_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, grammar = tmp_path / "a.table", 'start: "a"'
    assert parse_table.stored(path, grammar) is None
    parse_table.store(path, grammar)
    assert parse_table.stored(path, grammar)
    assert parse_table.stored(path, 'start: "b"') is None
    monkeypatch.setattr(lark, "__version__", "1.3.0")
    assert parse_table.stored(path, grammar) is None
    path.write_text('{"origin":', "utf-8")
    assert parse_table.stored(path, grammar) is None


def test_lark_is_imported_for_a_text_alone() -> None:
    program = (
        "import sys, archc.api as api; print('lark' in sys.modules);"
        "api.parse(api.Source('t', 'conv')); print('lark' in sys.modules)"
    )
    env = os.environ | {"PYTHONPATH": str(Path(archc.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.split() == ["False", "True"]


# --- any text, in bounds ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "add if (b(c) unit(64, as) < | \n { x8 > repeat / residual b(c) }",
        "p1 if (c block x @x in.c 64) s) <",
        "c if (b(c) for residual) < for kernel=3 let : = loop concat for",
        "concat , 64) add if (relu : c unit(64,) < >",
    ],
)
def test_a_test_whose_brackets_are_wrong(text: str) -> None:
    """What closes in it closes nothing around it."""
    assert not analyze(Source("x.arch", f"network N\ninput 8x8 x8\n{text}")).ok


WORDS = [
    *"residual add concat dense ( ) < > { } , , ; | + + x @x as x : relu conv 3x3 p1 x8".split(),
    *"conv(8,3) 3 * repeat loop for if in.c > 3 / s = block b(c) let w 5 @skip skip".split(),
    *"identity unit(64, 64) kernel=3 #".split(),
    "\n",
]


@given(st.lists(st.sampled_from(WORDS), max_size=16))
@settings(deadline=None, max_examples=300)
def test_any_words_and_what_their_cures_make_of_them(words: list[str]) -> None:
    text = f"network N\ninput 8x8 x8\n{' '.join(words).replace('( ', '(')}\n"
    for found in analyze(Source("x.arch", text)).diagnostics:
        for fix in found.fixes:
            analyze(Source("x.arch", edited(text, fix.edits)))


@given(st.text() | st.text('(){}[]<>|;:=,"#@*/x3 \n$!ab.\\'))
@settings(deadline=None, max_examples=500)
def test_any_text(text: str) -> None:
    file, found = read(text)
    assert isinstance(file, s.File)
    for problem in found:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
        assert not re.search(r"\b(RPAR|_SEP|NAME|LBRACE|KEY|ERR)\b", problem.title) or any(
            word in text for word in ("RPAR", "_SEP", "NAME", "LBRACE", "KEY", "ERR")
        )


@given(
    st.sampled_from(list(PROGRAMS.values())),
    st.lists(
        st.tuples(
            st.floats(0, 1), st.integers(0, 3), st.text('(){}[]<>|;:=,"#@*/x3 \n$', max_size=2)
        ),
        min_size=1,
        max_size=6,
    ),
)
@settings(deadline=None, max_examples=300)
def test_damaged_programs(text: str, damage: list[tuple[float, int, str]]) -> None:
    for where, cut, put in damage:
        at = int(where * len(text))
        text = text[:at] + put + text[at + cut :]
    file, _found = read(text)
    assert isinstance(file, s.File)


@pytest.mark.slow
@given(files, st.floats(0, 1))
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
def test_a_text_cut_short_is_one_with_a_mistake_or_none(file: s.File, where: float) -> None:
    text = format_file(file)
    assert isinstance(read(text[: int(where * len(text))])[0], s.File)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 10_000,
        "residual<" * 10_000,
        "param x = " + "(" * 10_000,
        "param x = " + "1+" * 10_000 + "1",
        "param x = " + "-" * 10_000 + "1",
        "param x = a" + "[0]" * 10_000,
        "param x = " + "f(1, 2)+" * 10_000 + "1",
        "param x = " + "1 if 2 else " * 10_000 + "1",
        "if a {}" + " else if a {}" * 10_000,
    ],
)
def test_nesting_has_a_limit(text: str) -> None:
    assert [code for code, _line, _column in problems(text)] == ["A007"]
    assert [code for code, _line, _column in problems(text, nesting=20)] == ["A007"]


@pytest.mark.parametrize(
    "text",
    ["{" * 200 + "}" * 200, "param x = " + "[" * 200 + "]" * 200, "if a {" * 200 + "}" * 200],
)
def test_nesting_up_to_the_limit(text: str) -> None:
    assert not problems(text)


def test_what_stands_side_by_side_is_not_nested() -> None:
    calls = ", ".join(["f(1 + 2)[0] - 1"] * 500)
    branches = " | ".join(["residual< conv 3x3 >"] * 500)
    assert not problems(f"param x = [{calls}]\nconcat< {branches} >\n" + "if a < b { c }\n" * 500)


def test_size_and_kind_of_text() -> None:
    assert problems("conv", source_bytes=3) == [("A008", 1, 1)]
    assert problems("\u00e9\u00e9", source_bytes=3) == [("A008", 1, 1)]
    assert problems("conv\0") == [("A009", 1, 5)]
    assert not problems("\ufeffconv\t3x3 # \u00e9\r\n")


@pytest.mark.parametrize("number", ["9" * 10_000, "1e999", "x" + "9" * 10_000, "2x" + "9" * 5000])
def test_huge_numbers(number: str) -> None:
    assert problems(f"conv {number}") == [("A006", 1, 6)]


@pytest.mark.parametrize(
    "junk",
    [
        *("|", "}", "$ ", "a ) ", "( ", '"', "block f( {"),
        *(pytest.param(junk, marks=pytest.mark.slow) for junk in ("conv ! <", "a = b\n")),
    ],
)
def test_junk_gives_up_in_time(junk: str) -> None:
    found = read(junk * 50_000)[1]
    assert 1 <= len(found) <= Limits().diagnostics


def test_work_grows_with_the_length() -> None:
    """Steps of the automaton, counted, for one program written once and ten times."""
    body = "conv 3x3/2 p1 x64; bn; residual< a | b > * 3\n"
    counts = [len(nodes(tree(body * n))) for n in (10, 100)]
    assert counts[1] - 1 == 10 * (counts[0] - 1)


@pytest.mark.parametrize(
    ("text", "code", "line", "title"),
    [
        ("fc7:\nfc8: fc 3\n", "A001", 1, "expected an operator or a block, found the end of the"),
        ("param a =\ninput 3x3 x3\n", "A001", 1, "expected a value, found the end of the line"),
        ("a: f(1,\nb: f(2)\n", "A003", 1, "`(` is never closed"),
        ("a: conv 3x3 x(2 +\nb: relu\n", "A003", 1, "`(` is never closed"),
        ("a: crop to=@up{\nb: relu\n", "A003", 1, "`{` is never closed"),
        ("block f(\n  relu\n}\nrelu\n", "A003", 1, "`(` is never closed"),
        ("block f(a)\n  relu\n}\nrelu\n", "A001", 1, "expected `{`, found the end of the line"),
        ("tra\n  batch 8; epochs 9\n  params < 3M\n}\nrelu\n", "A004", 1, "`}` closes nothing"),
        ("block f() {\n  for i in 1..3 { relu\n}\nrelu\n", "A003", 2, "`{` is never closed"),
        ("add<\n  relu\n| add< relu | bn\n>\nrelu\n", "A003", 3, "`<` is never closed"),
    ],
)
def test_a_line_that_is_being_typed_takes_no_other_along(
    text: str, code: str, line: int, title: str
) -> None:
    """One mistake, on the line that is not finished; what stands below is read as it is."""
    file, found = read(text)
    assert [(p.code, p.span.line) for p in found] == [(code, line)]
    assert title in found[0].title
    if "{" not in text[:12] and "<" not in text[:12]:  # a closer of what is left open is text
        assert file.items[-1].span.text == text.rstrip().rpartition("\n")[2].strip()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("residual<\n  conv 3x3 p1 x3\n  bn\nrelu\n", 6),
        ("residual<  # a\n\n  bn  # b\n  # c\n\nrelu\ngap\n", 8),
        ("concat<\n  bn\n|\n  conv 1x1 x3\ngap; flatten; fc 10\n", 7),
        ("block b(c) {\n  conv 1x1 x(c)\n  bn\nb(3)\n", 6),
        ("block b(c) {\n  residual<\n    bn\n  relu\n}\nb(3)\n", 6),
        ("residual<\nbn\nrelu\n", 0),  # no margin says where
        ("residual< bn\nrelu\n", 0),
        ("for i in 1..2 {\n  bn\n  relu\n", 0),  # all that is left
    ],
)
def test_margins_say_where_a_bracket_that_is_open_ends(text: str, line: int) -> None:
    source = Source("a.arch", f"network N\ninput 8x8 x3\n{text}")
    (problem,) = analyze(source).diagnostics
    (fix,) = problem.fixes
    made = edited(source.text, fix.edits)
    assert analyze(Source("a.arch", made)).ok, made
    if line:
        assert fix.title.endswith(f" above line {line}")
        assert made.split("\n")[fix.span.line].strip() in (">", "}")
    else:
        assert " above " not in fix.title


def test_a_bracket_is_closed_in_front_of_a_comment() -> None:
    source = Source("a.arch", "input 8x8 x3\nconv 3 x(4 # wide\nrelu\n")
    (problem,) = (d for d in analyze(source).diagnostics if d.code == "A003")
    made = edited(source.text, problem.fixes[0].edits)
    assert "conv 3 x(4  ) # wide\n" in made
    assert analyze(Source("a.arch", made)).ok


def test_brackets_around_a_condition_are_not_asked_for_again() -> None:
    found = analyze(Source("a.arch", "input 8x8 x3\nresidual if (in. == 4) < bn >\n")).diagnostics
    assert found
    assert not any(fix.text.startswith("((") for problem in found for fix in problem.fixes)


def test_what_is_inside_of_a_header_that_is_half_typed_is_nowhere_else() -> None:
    file, _ = read("input 8x8 x3\nbloc unit\n  conv 3x3 x4\n}\nrelu\n")
    lines = [item.span.line for item in file.items]
    assert 3 not in lines
    assert 5 in lines


def test_recovery_always_goes_on() -> None:
    """A mistake behind what stands in braces over several lines: not at the end of the first."""
    (wrong,) = read("train {\n  batch 8; epochs 2\n  schedule step 81 1} factor\nrelu\n")[1]
    assert wrong.span.line == 3


def test_a_line_may_go_on_below_where_that_is_further_right() -> None:
    file, found = read("conv1:\n  conv 3x3 x4\nf(1,\n  2)\n")
    assert not found
    assert len(file.items) == 2

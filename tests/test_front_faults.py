"""Faults of text, names and unfolding that users met, each with the program it was seen in.

The files are in `faults/front/`; what is said of them here is what must come out.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from nets import net_of, randomise, varied

from archc import cli
from archc.api import Analysis, analyze
from archc.recursion import deep_recursion
from archc.source import Limits, Source
from archc.syntax import RESERVED
from archc.syntax.parser import parse
from archc.syntax.writing import format_file

FAULTS = Path(__file__).parent / "faults" / "front"
HEAD = "network Net\ninput 8x8 x8\n"


def analysis_of(name: str) -> Analysis:
    return analyze(Source(name, (FAULTS / f"{name}.arch").read_text("utf-8")))


def codes(text: str, limits: Limits | None = None) -> list[str]:
    """What is said of a text, where `relu` stands for any statement."""
    source = Source("test.arch", f"{text}\n# archc: allow W117\n")
    return [d.code for d in analyze(source, limits=limits).diagnostics]


def told(analysis: Analysis) -> list[tuple[str, int, int]]:
    return [(d.code, d.span.line, d.span.column) for d in analysis.diagnostics]


# --- labels ------------------------------------------------------------------------------

PYTHONS = {"if", "else", "for", "in", "and", "or", "not"}
WORDS = sorted(
    (RESERVED - PYTHONS - {"train"})
    | {"input", "output", "conv", "devices", "residual", "x16", "p1"}
)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_before_a_colon_is_a_label(word: str) -> None:
    text = HEAD + (
        f"if true {{ relu }}\n{word}: conv 1x1 x8\n"
        f"add< @{word} | reuse {word} >; upsample to=@{word}\n"
        f"for i in 1..2 {{ {word}{{i}}: conv 1x1 x8 }}\nadd< @{word}{{1}} | reuse {word}{{2}} >\n"
        f"g: {{ {word}: conv 1x1 x8 }}\n"
    )
    net = net_of(text)
    keys = {key.rpartition(".")[0] for key in net.module().state_dict()}
    assert keys == {word, f"{word}1", f"{word}2", f"g.{word}"}
    tree, wrong = parse(Source("test.arch", text))
    assert not wrong
    assert parse(Source("test.arch", format_file(tree)))[0] == tree


@pytest.mark.parametrize("word", sorted(PYTHONS | {"train", "forward", "class"}))
def test_a_word_that_no_module_can_have_is_refused_with_a_cure(word: str) -> None:
    text = HEAD + f"if true {{ relu }}\n{word}: conv 1x1 x8\nadd< | @{word} >\n"
    found = analyze(Source("test.arch", text)).diagnostics
    assert [(d.code, d.span.line, d.span.text.rstrip(": ")) for d in found] == [("A105", 4, word)]
    better = found[0].fixes[0].text
    assert codes(text.replace(f"{word}:", f"{better}:").replace(f"@{word}", f"@{better}")) == []
    assert codes(HEAD + f"{word}{{1}}: conv 1x1 x8\nadd< | @{word}{{1}} >\n") == []


def test_a_numbered_label_of_a_word_of_the_language() -> None:
    assert analysis_of("d8_label_block_i").ok


def test_words_keep_their_meaning_without_a_colon() -> None:
    assert (
        codes(f"{HEAD}block unit() {{ relu }}\nif in.c > 8 {{ relu }}\nelse {{ unit() }}\n") == []
    )
    assert codes(HEAD + "if in.c > 8 { relu }\nelse: conv 1x1 x8\n") == ["A105"]


def test_a_label_that_hides_another_is_told_where_it_is_meant() -> None:
    found = analysis_of("d9_hidden_label")
    assert told(found) == [("W105", 4, 31)]
    assert [label.span.line for label in found.diagnostics[0].labels] == [4, 4, 3]
    assert found.ok


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: relu\ng: { a: relu }\n@a\n", ["W105"]),
        ("a: relu\ng: { a: relu }\nadd< | reuse a >\n", ["W105"]),
        ("a: relu\ng: { a: relu; upsample to=@a }\n", ["W105"]),
        ("g: { a: relu; add< | @a > }\nh: { a: relu; add< | @a > }\n", []),  # each its own
        ("g: { a: relu }\nh: { a: relu }\nadd< | @a >\n", ["W105"]),
        ("a: relu\ng: { a: relu }\n", []),  # nobody asks
        ("{ a: relu; add< | @a > } * 3\n", []),
        ("a: relu as b\ng: { a: relu; add< | @b > }\n", []),
    ],
)
def test_which_labels_hide_others(text: str, expected: list[str]) -> None:
    assert codes(HEAD + text) == expected


def test_a_label_of_another_pass_is_told_and_the_cure_works() -> None:
    found = analysis_of("C5_label_in_loop_in_group")
    assert told(found) == [("W106", 4, 6)]
    assert found.ok
    for loop in ("for i in 1..3 {{ {{ {} }} }}", "for i in 1..3 {{ {{ residual< {} > }} }}"):
        assert codes(HEAD + loop.format("t: conv 1x1 x8") + "\nadd< | @t >\n") == ["W106"]
        assert codes(HEAD + loop.format("t{i}: conv 1x1 x8") + "\nadd< | @t{3} >\n") == []
        assert codes(HEAD + loop.format("t: conv 1x1 x8 as t{i}") + "\nadd< | @t{3} >\n") == []
    assert codes(HEAD + "{ t: conv 1x1 x8 } * 3\nadd< | reuse t >\n") == ["W106"]
    assert codes(HEAD + "for i in 1..3 { { t: conv 1x1 x8; add< | @t > } }\n") == []


def test_an_operator_by_a_param_is_known_in_a_block_that_nobody_calls() -> None:
    """Also in a file of blocks, whose params are read as they are where it is used."""
    block = "block unit(c) { conv 3x3 x(c); act }\n"
    for before, network, expected in (
        ("param act = relu\n", "network Net\ninput 8x8 x3\nact\n", ["W102"]),
        ("param act = relu\n", "", []),
        ("param act = 3\n", "", ["A309"]),
        ("param other = relu\n", "", ["A101"]),
        ("param other = rleu\n", "", ["A102"]),
    ):
        assert codes(before + block + network) == expected, before + network


def test_a_negative_number_in_a_label_has_a_cure_that_works() -> None:
    found = analysis_of("M2_negative_label")
    assert told(found) == [("A303", 3, 22)]
    cure = found.diagnostics[0].helps[0].split("`")[1]
    assert codes(found.source.text.replace("a{i}", cure)) == []
    assert codes(HEAD + "a0: relu\nfor i in 0..1 { @a{i - 1} }\n") == ["A303"]


# --- names of tensors --------------------------------------------------------------------


def test_as_names_a_tensor_and_adds_nothing() -> None:
    net = net_of((FAULTS / "as_in_groups.arch").read_text("utf-8"))
    module = net.module()
    state = module.state_dict()
    assert {key.rpartition(".")[0] for key in state} == {
        "features.0", "features.2", "features.4", "conv1", "conv2"
    }  # fmt: skip
    randomise(module)
    x = torch.randn(2, 3, 32, 32)

    def conv(x: torch.Tensor, name: str, stride: int = 1, padding: int = 0) -> torch.Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, padding)

    c1 = conv(x, "features.0", 1, 1).relu()
    c3 = conv(conv(c1, "features.2", 2, 1).relu(), "features.4", 2, 1).relu()
    top = conv(c1, "conv1") + F.interpolate(c3, size=(32, 32))
    torch.testing.assert_close(module(x), top + conv(top, "conv2", 1, 1))
    assert "c1 = " in net.source()
    assert "top = " in net.source()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("relu * 2 as a\nadd< | @a >", []),
        ("b: { conv 1x1 x8 } as a\nadd< @b | @a >", []),
        ("residual< conv 1x1 x8 as a > as b\nadd< @a | @b >", []),
        ("for i in 1..2 { conv 1x1 x8 as a; add< | @a > }", []),  # each pass its own
        ("for i in 1..2 { conv 1x1 x8 as a }\nadd< | @a >", ["W106"]),
        ("for i in 1..2 { conv 1x1 x8 as a{i} }\nadd< @a{1} | @a{2} >", []),
        ("if in.c > 1 { relu as a }\nadd< | @a >", []),
        ("@b\nrelu as b", ["A107"]),
        ("block f() { relu as a }\nf(); add< | @a >", ["A103"]),
        ("relu as a; relu as a", ["A104"]),
        ("a: relu as a", ["A104"]),
        ("relu as block\nadd< | @block >", []),
        ("relu as class", ["A105"]),
        ("relu as _a", ["A105"]),
        ("relu as a\nadd< | reuse a >", ["A103"]),
        ("relu as", ["A001"]),
        ("relu as a as b", ["A001"]),
        ("relu as a * 2", ["A001"]),
        ("covn as a\nadd< | @a >", ["A101"]),
        ('devices "cuda:0" "cuda:1" as a', ["A301"]),
    ],
)
def test_where_a_tensor_can_be_named(text: str, expected: list[str]) -> None:
    assert codes(HEAD + text + "\n") == expected


def test_the_formatter_keeps_names() -> None:
    text = HEAD + "a: residual< conv 1x1 x8 > * 2 as b\nfor i in 1..2 { relu as c{i} }\n"
    tree, _ = parse(Source("test.arch", text))
    written = format_file(tree)
    assert "* 2 as b" in written
    assert "as c{i}" in written
    assert parse(Source("test.arch", written))[0] == tree


# --- nothing, and much -------------------------------------------------------------------


def run(name: str, path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    folder = path.parent
    commands = {
        "check": ["check", str(path)],
        "build": ["build", str(path), "-o", str(folder / "made.py"), "--force"],
        "draw": ["draw", str(path), "-o", str(folder / "made.dot"), "--force"],
        "paper": ["draw", str(path), "--view", "paper", "-o", str(folder / "p.dot"), "--force"],
        "graph": ["draw", str(path), "--view", "graph", "-o", str(folder / "g.dot"), "--force"],
        "page": ["draw", str(path), "-o", str(folder / "made.html"), "--force"],
        "summary": ["summary", str(path)],
        "explain": ["explain", str(path)],
        "fit": ["fit", str(path)],
        "diff": ["diff", str(path), str(path)],
        "compare": ["compare", str(path), "--format", "json"],
    }
    code = cli.main(commands[name])
    out, err = capsys.readouterr()
    assert code == 0, (name, err[-500:])
    return out


COMMANDS = ("check", "build", "draw", "paper", "graph", "page", "summary", "explain", "fit", "diff")


@pytest.mark.parametrize("command", [*COMMANDS, "compare"])
def test_a_network_without_an_operator(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_text((FAULTS / "C1_empty.arch").read_text("utf-8"), "utf-8")
    out = run(command, path, capsys)
    if command == "summary":
        assert "0 parameters" in out
        assert "peak memory: inference 768 B" in out  # the input: 8 * 8 * 3 numbers of 4 bytes


DEEP = {
    "groups": "{ " * 198 + "relu" + " }" * 198,
    "branches": "residual< " * 198 + "conv 1x1 x8" + " >" * 198,
    "brackets": "conv 1x1 x" + "(" * 198 + "8" + ")" * 198,
    "conditions": "if true { " * 198 + "relu" + " }" * 198,
    "loops": "".join(f"for i{k} in 1..1 {{ " for k in range(198)) + "relu" + " }" * 198,
}


@pytest.mark.parametrize("what", varied(DEEP, {"branches", "brackets"}))
def test_nesting_to_the_limit(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_text(f"{HEAD}{DEEP[what]}\n", "utf-8")
    limit = sys.getrecursionlimit()
    for command in COMMANDS:
        run(command, path, capsys)
    assert sys.getrecursionlimit() == limit


def test_one_that_ends_leaves_another_its_room() -> None:
    """Python's limit is of all threads: a server's report ends while it analyses a text."""
    limit = sys.getrecursionlimit()
    with ExitStack() as report, ExitStack() as analysis:
        report.enter_context(deep_recursion())
        analysis.enter_context(deep_recursion())
        report.close()
        assert sys.getrecursionlimit() > limit
    assert sys.getrecursionlimit() == limit


def test_a_chain_of_files_works_or_ends_at_its_line(tmp_path: Path) -> None:
    for count, expected in ((400, []), (600, ["A505"])):
        for i in range(count):
            more = f'use "f{i + 1}.arch"\n' if i + 1 < count else ""
            (tmp_path / f"f{i}.arch").write_text(f"{more}block b{i}() {{ relu }}\n", "utf-8")
        text = 'use "f0.arch"\nnetwork Net\ninput 8x8 x8\nb0()\n'
        found = analyze(Source(str(tmp_path / "net.arch"), text)).diagnostics
        assert [d.code for d in found] == expected
        assert [d.span.text for d in found] == ['"f500.arch"'] * len(expected)


BIG = "[" + ", ".join(["1"] * 9_000) + "]"
LONG = {
    "nested calls": ((FAULTS / "S6_nested_max.arch").read_text("utf-8"), []),
    "calls in choices": (
        f"{HEAD}param n = 3\nconv 1 x({'(max(' * 40}n{', 2) if n > 2 else 1)' * 40})\n",
        [],
    ),
    "lists that double, of nothing": (
        HEAD + "block a(l, n) { if n > 0 { a([l, l], n - 1) } }\na([], 90)\n",
        ["A308"],
    ),
    "a long list in a loop": (
        HEAD + f"param L = {BIG}\nfor i in 1..99999 {{ if max(L) > 2 {{ relu }} }}\n",
        ["A402"],
    ),
    "long lists compared": (
        HEAD + f"param L = {BIG}\nfor i in 1..99999 {{ if L == L {{ }} }}\n",
        ["A402"],
    ),
    "a list of a list in a loop": (
        HEAD + f"param L = [{BIG}]\nfor i in 1..99999 {{ for l in L {{ }} }}\n",
        ["A402"],
    ),
    "a long list as an argument": (
        HEAD + f"param L = {BIG}\nblock b(l, i) {{ relu }}\nfor i in 1..40000 {{ b(L, i) }}\n",
        ["A402"],
    ),
    "powers of powers": (HEAD + "conv 1x1 x(9**9**9)\n", ["A308"]),
    "many params around a loop": (
        HEAD + "".join(f"param p{i} = {i}\n" for i in range(3000)) + "for i in 1..99999 { }\n",
        None,  # warnings
    ),
}


# Seconds each: the first of a kind runs always, these with the slow ones.
LONGEST = {
    "a long list in a loop",
    "a list of a list in a loop",
    "a long list as an argument",
    "many params around a loop",
}


@pytest.mark.parametrize(
    "what", [pytest.param(w, marks=pytest.mark.slow) if w in LONGEST else w for w in LONG]
)
def test_what_a_file_has_evaluated_is_bounded(what: str) -> None:
    text, expected = LONG[what]
    before = time.process_time()
    found = codes(text)
    assert time.process_time() - before < 20  # seconds of a slow and busy machine
    assert expected is None or found == expected


def test_the_bound_of_work_can_be_raised() -> None:
    text = HEAD + "for i in 1..60 { if i % 2 == 0 { relu } }\n"
    assert codes(text, Limits(steps=150)) == []
    assert codes(text, Limits(steps=100)) == []
    assert codes(
        HEAD + "for i in 1..60 { if " + "i + " * 50 + "1 > 0 { } }\n", Limits(steps=100)
    ) == ["A402"]


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors as a POSIX shell does")
@pytest.mark.parametrize("command", ["check", "summary", "draw"])
def test_a_closed_standard_input(command: str) -> None:
    done = subprocess.run(
        f"{sys.executable} -m archc {command} - <&-",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "standard input: it is closed" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr

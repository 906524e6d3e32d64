"""A help is applied: what it was said of is gone then, and nothing else comes.

Every cure that is an edit, of every program that is wrong in docs/errors.md and in the goldens. The
others are words alone, which is what a diagnostic without `fixes` says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_corpus import LINES

from archc.api import Analysis, analyze
from archc.ops import COMBINATORS, REGISTRY
from archc.plan import Apply, bodies, walk
from archc.report import error_codes
from archc.source import Diagnostic, Fix, Source, edited
from archc.syntax.expected import _FLAGS

TESTS = Path(__file__).parent
FAULTS = TESTS / "messages"

# Where a second mistake of the file comes to light, which the first had hidden: (case, code, new).
BEHIND = {
    ("error_devices", "A310", "A304"),  # `devices` is there then, and six more of them below
    ("error_habits", "A001", "A404"),  # a loop is there then, and no `input` in all of the file
    ("error_sizes", "A202", "A207"),  # `fc` is right then, and the branch a vector
    ("error_syntax", "A310", "A207"),  # `conv 3x3 x4` is right then, and its residual is not
    ("error_vector", "A202", "A202"),  # `fc` is right then, and `conv` behind it is not
}

# What no edit cures: the text lacks what only its author knows, or has two ways to go on.
WORDS = {
    "W106": "which pass is meant is its author's to say",
    "W120": "one padding or the other may be meant",
    "A001": "what may stand there",
    "A006": "which number was meant",
    "A101": "what the operator or block would be, where none is like it",
    "A013": "where the item should stand",
    "A103": "the label that is meant, where none is like it",
    "A104": "which of two names to change",
    "A106": "which of two to rename",
    "A107": "which statement to move",
    "A108": "what the block is",
    "A109": "which property was meant",
    "A110": "what is meant, where nothing is like it",
    "A111": "what is to stand in its place",
    "A202": "which size is meant",
    "A203": "which window or padding is meant",
    "A204": "how many groups, or how many channels",
    "A207": "which branch to change, where neither is one row short",
    "A209": "how many channels are meant",
    "A210": "where the norm should stand",
    "A301": "what the attribute was to say",
    "A302": "a number that nobody knows",
    "A303": "a number that nobody knows",
    "A304": "which of two to keep",
    "A306": "which argument is meant",
    "A307": "which parameter is meant, where none is like it",
    "A308": "which number was meant",
    "A309": "which value was meant",
    "A310": "which word was meant, where none is like it",
    "A312": "what the section should say",
    "A401": "how the recursion ends",
    "A402": "how large it should be",
    "A404": "the shape of the input",
    "A405": "where the statement should stand",
    "A406": "which file the second network goes to",
    "A408": "the branches",
    "A409": "which layer to change",
    "A501": "where the file is",
    "A502": "which file should not be used",
    "A503": "where the file is",
    "A601": "which is wrong, the network or what is expected of it",
    "A002": "what the character stands for",
    "A102": "which name was meant, where none is like it",
    "W101": "whether it is needed",
    "W102": "whether it is needed",
    "W103": "where the result should go",
    "W104": "whether it is needed",
    "W105": "which of two to rename",
    "W111": "which activation is meant",
    "W113": "how much padding is meant",
    "W123": "which stride is meant",
    "W125": "the recipe's line may be another file's",
    "W115": "which padding or size is meant",
}


def cases() -> Iterator[tuple[str, Source, Path]]:
    for entry in error_codes.entries().values():
        if entry.wrong:
            yield entry.code, Source(str(TESTS / "x.arch"), entry.wrong), TESTS
    for path in sorted((TESTS / "golden").glob("error_*/in.arch")):
        yield path.parent.name, Source(str(path), path.read_bytes().decode()), path.parent
    for path in sorted(FAULTS.glob("*.arch")):
        yield path.stem, Source(str(path), path.read_text("utf-8")), FAULTS


CASES = [
    (name, source, project, mistake)
    for name, source, project in cases()
    for mistake in analyze(source, project=project).diagnostics
]
CURES = [
    (name, source, project, mistake, fix)
    for name, source, project, mistake in CASES
    for fix in mistake.fixes
    if fix.span.source is source
]


def kinds(analysis: Analysis) -> Counter[tuple[str, str]]:
    return Counter((d.code, d.title) for d in analysis.diagnostics)


@pytest.mark.parametrize(
    ("name", "source", "project", "mistake", "fix"),
    CURES,
    ids=[f"{name}: {mistake.code} {fix.title[:40]}" for name, _, _, mistake, fix in CURES],
)
def test_a_cure_cures(
    name: str, source: Source, project: Path, mistake: Diagnostic, fix: Fix
) -> None:
    before = kinds(analyze(source, project=project))
    made = analyze(Source(source.name, edited(source.text, fix.edits)), project=project)
    after, what = kinds(made), (mistake.code, mistake.title)
    assert after[what] < before[what]
    new = {code for code, _ in after - before if not code.startswith("W")}
    assert all((name, mistake.code, code) in BEHIND for code in new)


def test_no_cures_undo_each_other() -> None:
    """Whoever takes the first cure, and again the first one, comes to an end."""
    starts = dict.fromkeys((source.name, source.text, p) for _, source, p, _, _ in CURES)
    starts |= dict.fromkeys(("corpus", line.file(line.wrong), TESTS) for line in LINES)
    for name, text, project in starts:
        seen = set[str]()
        while text not in seen:
            seen.add(text)
            source = Source(name, text)
            found = analyze(source, project=project).diagnostics
            cures = [d.fixes[0] for d in found if d.fixes and d.fixes[0].span.source is source]
            if not cures:
                break
            text = edited(text, cures[0].edits)
        else:
            pytest.fail(f"again: {text}")


def test_what_is_words_alone_is_known() -> None:
    assert len(CURES) > 100
    unknown = {m.code for _, _, _, m in CASES if not m.fixes} - WORDS.keys()
    assert not unknown, "give the help an edit (archc.source.Fix), or say here why it has none"


def test_words_that_may_follow_a_comma_are_attributes() -> None:
    known = {
        word
        for op in REGISTRY.values()
        for field in op.fields().values()
        for word in (*field.words, *field.choices)
    }
    assert known >= _FLAGS
    assert not _FLAGS & (REGISTRY.keys() | COMBINATORS.keys()) - {"tanh"}


# --- what users met: the files of messages/ -----------------------------------------


def check(text: str) -> Analysis:
    return analyze(Source("net.arch", text))


def fault(name: str) -> Analysis:
    return check((FAULTS / f"{name}.arch").read_text("utf-8"))


def cured(name: str) -> str:
    """The text after the first cure of each mistake, the later ones first."""
    analysis = fault(name)
    edits = [edit for d in analysis.diagnostics for edit in d.fixes[0].edits]
    return edited(analysis.source.text, edits)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("help_input_hwc", ["input 32x32 x3", "conv 3x3 x8; gap; flatten; fc 10"]),
        ("hyphen", ["network my_net", "conv1_1: conv 3x3 p1 x8"]),
        ("odd_concat_help", ["concat< @a | @b; pad after=1 >"]),
        ("words_sum", ["add< conv 3x3 p1 x8 | identity >"]),
    ],
)
def test_the_cure_is_the_line_that_was_meant(name: str, lines: list[str]) -> None:
    text = cured(name)
    assert [line for line in lines if line not in text.splitlines()] == []
    assert check(text).ok


TWO_TENSORS = "s: conv 1x1 x4\n"
UP = "block up(@skip) { concat< | @skip > }\n"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        # a condition without its brackets
        ("b(1)\nR if s == 1 < relu >", "R if (s == 1) < relu >"),
        ("b(1)\nR if s == 1 and in.c == 8 < relu >", "R if (s == 1 and in.c == 8) < relu >"),
        ("b(1)\nR if in.c == 8 < relu >", "R if (in.c == 8) < relu >"),
        ("b(1)\nR if s == 1 { relu }", "R if (s == 1) < relu >"),
        ("b(1)\nR if (s == 1) { relu }", "R if (s == 1) < relu >"),
        ("b(1)\nR if s == 1 < residual< relu > >", "R if (s == 1) < residual< relu > >"),
        ("b(1)\nR if s == 1 <\n relu\n| sigmoid >", "R if (s == 1) <\n relu\n| sigmoid >"),
        ("b(true)\nR if s < relu >", "R if (s) < relu >"),
        ("b(true)\nR if not s < relu >", "R if (not s) < relu >"),
        ("b(1)\nR if s < 2 < relu >", "R if (s < 2) < relu >"),
        ("b(1)\nR if s < in.c < relu; sigmoid >", "R if (s < in.c) < relu; sigmoid >"),
        ("b(1)\na: R if s > 2 < relu >", "a: R if (s > 2) < relu >"),
        ("b(1)\nR if s*2 < 3 < residual< relu > >", "R if (s*2 < 3) < residual< relu > >"),
        ("b(1)\nR if min(s, 2) < 2 < relu >", "R if (min(s, 2) < 2) < relu >"),
        ("b(1)\nR if (s == 1) and (s < 2) < relu >", "R if ((s == 1) and (s < 2)) < relu >"),
        ("residual { conv 1x1 x8; relu }", "residual < conv 1x1 x8; relu >"),
        # branches by a loop
        ("each r in 1..3 { conv 1x1 x(r) }", "for r in 1..3 { conv 1x1 x(r) }"),
        ("concat< for r in 1..3 { conv 1x1 x(r) } >", "concat< each r in 1..3 { conv 1x1 x(r) } >"),
        # one value with a name
        ("let a, b = [1, 2]\nconv 1x1 x(a + b)", "let a = 1; let b = 2\nconv 1x1 x(a + b)"),
        ("let (a, b) = [1, 2]\nconv 1x1 x(a + b)", "let a = 1; let b = 2\nconv 1x1 x(a + b)"),
        ("let a = 1, b = 2\nconv 1x1 x(a + b)", "let a = 1; let b = 2\nconv 1x1 x(a + b)"),
        # tensors and numbers
        (f"{TWO_TENSORS}{UP}up(s)", f"{TWO_TENSORS}{UP}up(@s)"),
        (f"{TWO_TENSORS}{UP}up(@s.c)", f"{TWO_TENSORS}{UP}up(@s)"),
        (f"{TWO_TENSORS}{UP}up(in.c)", f"{TWO_TENSORS}{UP}up(@input)"),
        (f"{UP}up(in)", f"{UP}up(@input)"),
        (f"{TWO_TENSORS}concat< | s >", f"{TWO_TENSORS}concat< | @s >"),
        (f"{TWO_TENSORS}conv 1x1 x(s)", f"{TWO_TENSORS}conv 1x1 x(@s.c)"),
        (f"{TWO_TENSORS}conv 1x1 x(2*s.c)", f"{TWO_TENSORS}conv 1x1 x(2*@s.c)"),
        (f"{TWO_TENSORS}block f(c) {{ conv 1x1 x(c) }}\nf(@s)",
         f"{TWO_TENSORS}block f(c) {{ conv 1x1 x(c) }}\nf(@s.c)"),
        # words
        ("scale bare", "gamma: scale bare"),
        ("mean channels", "mean channel"),
        ("max Channel", "max channel"),
        ("sum channels", "sum channel"),
        ("norm L2", "norm l2"),
        ("softmax channels", "softmax"),
        # a chain in the brackets of a call, or with its commas
        ("residual(conv 3x3 p1 x8, bn)", "residual< conv 3x3 p1 x8; bn >"),
        ("r: residual(conv 3x3 p1 x8, bn, relu)", "r: residual< conv 3x3 p1 x8; bn; relu >"),
        ("residual(conv(8, 3, padding=1), bn, relu, conv(8, 3, padding=1), bn)",
         "residual< conv 3x3 p1 x8; bn; relu; conv 3x3 p1 x8; bn >"),
        ("residual(\n  BatchNorm2d(8),\n  ReLU(),\n)", "residual<\n  bn;\n  relu\n>"),
        ("residual(x, conv 3x3 p1 x8)", "residual< conv 3x3 p1 x8 >"),
        ("residual(bn, relu)", "residual< bn; relu >"),
        ("dense(conv 3x3 p1 x8, bn)", "dense< conv 3x3 p1 x8; bn >"),
        ("residual< conv 3x3 p1 x8, bn, relu >", "residual< conv 3x3 p1 x8; bn; relu >"),
        ("residual< conv 3x3 same, x8, bn >", "residual< conv 3x3 same x8; bn >"),
        ("dense< conv 3x3 p1 x8, bn >", "dense< conv 3x3 p1 x8; bn >"),
        # branches there
        ("residual(conv 3x3/2 p1 x8, conv 1x1/2 x8)",
         "residual< conv 3x3/2 p1 x8 | conv 1x1/2 x8 >"),
        ("residual< conv 3x3/2 p1 x8, conv 1x1/2 x8 >",
         "residual< conv 3x3/2 p1 x8 | conv 1x1/2 x8 >"),
        ("residual(conv 3x3 p1 x8, identity)", "residual< conv 3x3 p1 x8 | identity >"),
        ("concat(conv 3x3 p1 x8, conv 1x1 x8)", "concat< conv 3x3 p1 x8 | conv 1x1 x8 >"),
        ("concat(conv(8, 3, padding=1), conv(8, 1))", "concat< conv 3x3 p1 x8 | conv 1x1 x8 >"),
        ("relu as a; bn as b; add(a, b)", "relu as a; bn as b; add< @a | @b >"),
        ("add(bn, relu)", "add< bn | relu >"),
        # channels that came in, not those at hand
        ("mul< | gap; conv 1x1 x2; relu; conv 1x1 x(in.c); sigmoid >",
         "mul< | gap; conv 1x1 x2; relu; conv 1x1 x(@input.c); sigmoid >"),
        ("residual< conv 1x1 x2; relu; conv 1x1 out=(in.c) >",
         "residual< conv 1x1 x2; relu; conv 1x1 out=(@input.c) >"),
        ("b(2)\nR < conv 1x1 x(s); relu; conv 1x1 x(in.c) >",
         "R < conv 1x1 x(s); relu; conv 1x1 x(@in.c) >"),
        ("relu; sigmoid\nresidual< conv 1x1 x2; relu; conv 1x1 x(in.c) >",
         "relu; sigmoid\nresidual< conv 1x1 x2; relu; conv 1x1 x8 >"),
        ("relu as t\nresidual< conv 1x1 x2; conv 1x1 x(in.c) >",
         "relu as t\nresidual< conv 1x1 x2; conv 1x1 x(@t.c) >"),
        # a parameter by another name
        ("block f(c, s=1) { conv 1x1/(s) x(c) }\nf(4, stride=2)",
         "block f(c, s=1) { conv 1x1/(s) x(c) }\nf(4, s=2)"),
        ("block f(c, s=1) { conv 1x1/(s) x(c) }\nf(planes=4)",
         "block f(c, s=1) { conv 1x1/(s) x(c) }\nf(c=4)"),
        # a letter and its value
        ("let w = 4; conv 1x1 x w", "let w = 4; conv 1x1 x(w)"),
        ("let w = 4; let p = 1; conv 3x3 p p x w", "let w = 4; let p = 1; conv 3x3 p(p) x(w)"),
        ("let s = 2; conv 1x1 / s x4", "let s = 2; conv 1x1 /(s) x4"),
        # sizes that padding keeps
        ("residual< conv 3x3 x8; relu; conv 3x3 x8 >",
         "residual< conv 3x3 p1 x8; relu; conv 3x3 p1 x8 >"),
        ("residual< conv 5x5 x8; conv 3x3 p1 x8 >", "residual< conv 5x5 p2 x8; conv 3x3 p1 x8 >"),
        ("residual< conv 1x5 x8 >", "residual< conv 1x5 p0x2 x8 >"),
        ("concat< conv 3x3 x8 | conv 1x1 x8 >", "concat< conv 3x3 p1 x8 | conv 1x1 x8 >"),
        ("add< | conv 3x3 x8 >", "add< | conv 3x3 p1 x8 >"),
        ("concat< pool 3x3/1 | conv 5x5 x4 >", "concat< pool 3x3/1 p1 | conv 5x5 p2 x4 >"),
        ("residual< conv 3x3/2 x8; conv 3x3 p1 x8 | conv 1x1/2 x8 >",
         "residual< conv 3x3/2 p1 x8; conv 3x3 p1 x8 | conv 1x1/2 x8 >"),
        # products and values
        ("gap; flatten; fc 2*2*2", "gap; flatten; fc (2*2*2)"),
        ("conv 1x1 x2*2 nobias", "conv 1x1 x(2*2) nobias"),
        ("let w = 4; conv 1x1 w", "let w = 4; conv 1x1 x(w)"),
        ("let w = 4; conv w 1x1", "let w = 4; conv x(w) 1x1"),
        ("let w = 4; gap; flatten; fc w", "let w = 4; gap; flatten; fc (w)"),
        # a name behind its statement
        ("relu\nas t\nadd< | @t >", "relu as t\nadd< | @t >"),
        ("relu; as t\nadd< | @t >", "relu as t\nadd< | @t >"),
        # sizes
        ("relu; pool 3x3/1 same d2", "relu; pad before=2x2 after=2x2; pool 3x3/1 d2"),
        ("softmax< conv 1x1 x4 | gap; conv 1x1 x4 >",
         "softmax< conv 1x1 x4 | gap; conv 1x1 x4; upsample to=8x8 >"),
        ("concat< conv 1x1 x4 | gap; conv 1x1 x3 >",
         "concat< conv 1x1 x4 | gap; conv 1x1 x3; upsample to=8x8 >"),
    ],
)  # fmt: skip
def test_the_first_hint_leads_to_the_right_line(wrong: str, right: str) -> None:
    if wrong.startswith("b("):
        call, body = wrong.split("\n", 1)
        wrong, right = (
            f"block b(s) {{ {line.replace('R ', 'residual ', 1)} }}\n{call}"
            for line in (body, right)
        )
    head = "network N\ninput 8x8 x8\n"
    found = check(f"{head}{wrong}\n")
    edits = [edit for d in found.diagnostics for edit in d.fixes[0].edits]
    assert edited(found.source.text, edits) == f"{head}{right}\n"
    assert check(f"{head}{right}\n").ok


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("block f(c) { conv 1x1 x(c) }\nf(4, 2)", "call it as `f(c)`"),
        ("block f(c) { conv 1x1 x(c) }\nf(4, stride=2)", "`f` takes `c`"),
        ("residual if (1 == 1) conv 1x1 x8; relu", "its branches stand behind"),
        ("concat< relu; each r in 1..3 { relu } | relu >", "set it apart by `|`"),
        ("concat< each r in 1..3 { relu }; relu | relu >", "what follows into its `{ }`"),
        ("param p = [1, 2]\nlet a, b = p\nconv 1x1 x(a)", "`let both = ...; let a = both[0]`"),
        ("g: { conv 1x1 x8; output a; relu }\nreuse g", "behind the statement that is reused"),
        ("for i in 1..2 { relu; output a }", "`a{i}`"),
        (f"{TWO_TENSORS}{UP}up(4)", "there are `@input`, `@s`"),
    ],
)
def test_a_mistake_with_a_new_form_says_what_to_do(lines: str, told: str) -> None:
    (found,) = check(f"network N\ninput 8x8 x8\n{lines}\n").diagnostics
    assert told in "".join(found.helps)


def test_a_test_without_its_brackets_is_the_only_mistake() -> None:
    """What `<` and `>` compare opens and closes nothing, and the branches behind it are read."""
    head = "network N\ninput 8x8 x8\nblock b(s, t=2) {\n"
    for test in ("s < 2", "s < t", "s > t", "s < 2 or t > 1", "s*2 < t", "1 < s < 2"):
        for body in ("relu", "residual< relu >", "relu\n  sigmoid"):
            (found,) = check(f"{head}  residual if {test} < {body} >\n}}\nb(1)\n").diagnostics
            assert found.title == "a condition stands in brackets: `residual if (...) < ... >`"
            assert found.fixes[0].text == f"({test})"
    mistakes = check(f"{head}  residual if s < 2 < conv 1x1 x(cc) >\n}}\nb(1)\n").diagnostics
    assert [d.code for d in mistakes] == ["A001", "A102"]


def test_a_test_behind_a_statement_is_put_before_it() -> None:
    """As Python has it: `pool 2 if (s > 1)`; in the language that is for combinators alone."""
    head = "network N\ninput 8x8 x8\nblock b(s, t=2) {\n"
    for line, right in (
        ("pool (s) if (s > 1)", "if s > 1 { pool (s) }"),
        ("relu if (s > 1 and t < 3); sigmoid", "if s > 1 and t < 3 { relu }; sigmoid"),
        ("p: conv 1x1 x4 nobias if ((s) > (1))", "if (s) > (1) { p: conv 1x1 x4 nobias }"),
        ("concat< pool 2 if (s > 7) | relu >", "concat< if s > 7 { pool 2 } | relu >"),
    ):
        (found,) = check(f"{head}  {line}\n}}\nb(2)\n").diagnostics
        assert found.fixes[0].safe
        (edit,) = found.fixes[0].edits
        mended = edited(found.span.source.text, [edit])
        assert mended == f"{head}  {right}\n}}\nb(2)\n"
        assert not check(mended).diagnostics
    for combinator in ("residual if (s > 1)", "mul if (s > 1)"):
        (found,) = check(f"{head}  {combinator}\n}}\nb(2)\n").diagnostics
        assert "its branches stand behind" in found.helps[0]


def test_a_branch_that_is_to_be_absent() -> None:
    """RepVGG's norm of what comes in, where it has the shape: an `if` would leave the identity."""
    text = """network N
input 8x8 x3
block rep(c, stride=1) {
  add< conv 3x3/(stride) p1 x(c) nobias; bn
  | conv 1x1/(stride) x(c) nobias; bn
  | if stride == 1 and in.c == c { bn } >
}
rep(8); rep(8); rep(16, stride=2)
"""
    found = [d for d in check(text).diagnostics if d.code == "A207"]
    assert found
    (edit,) = found[0].fixes[0].edits
    mended = check(edited(found[0].span.source.text, [edit]))
    assert mended.ok
    assert mended.plan is not None
    norms = [
        node.op.name
        for body in bodies(mended.plan)
        for node in walk(body.chain.nodes)
        if isinstance(node, Apply)
    ]
    assert norms.count("bn") == 2 + 3 + 2  # one body a call


@pytest.mark.parametrize(
    ("size", "line", "cure"),
    [
        ("8x8 x8", "add< conv 3x3 p1 x4 | conv 3x3 p1 x6 >", "conv 1x1 x6"),
        ("100 x8", "add< conv 3 p1 x4 | conv 3 p1 x6 >", "conv 1 x6"),
        ("4x8x8 x8", "add< conv 3 p1 x4 | conv 3 p1 x6 >", "conv 1x1x1 x6"),
        ("x8", "add< fc 4 | fc 6 >", "fc 6"),
        ("100 x8", "widen x3", "conv 1 x3"),
        ("x8", "widen x3", "fc 3"),
        ("x2048", "unflatten 4x4 x2", "unflatten 4x4 x128"),
    ],
)
def test_a_help_is_for_the_tensor_at_hand(size: str, line: str, cure: str) -> None:
    """`conv 1x1` is none for a signal; the layer that is named builds where it stands."""
    (found,) = check(f"network N\ninput {size}\n{line}\n").diagnostics
    assert f"`{cure}`" in found.helps[0]
    assert not check(f"network N\ninput {size}\n{cure}\n").diagnostics


def test_other_tools_words_are_not_guessed_at() -> None:
    words = [d.fixes[0].text for d in fault("words_reshape").diagnostics if d.fixes]
    assert words == ["unflatten"]


def test_an_odd_size_keeps_the_network() -> None:
    for up, meant in (
        ("deconv 2x2/2 x4", "deconv 2x2/2 x4 output_padding=1"),
        ("deconv 2x2/2 x4; bn; relu", "deconv 2x2/2 x4 output_padding=1; bn; relu"),
        ("upsample 2", "upsample 2; pad after=1"),
        ("upsample 2; conv 3x3 p1 x4", "upsample 2; conv 3x3 p1 x4; pad after=1"),
    ):
        text = f"network N\ninput 25x25 x4\na: identity\npool 2x2\nconcat< @a | {up} >\n"
        (mistake,) = check(text).diagnostics
        after = edited(text, mistake.fixes[0].edits)
        assert f"concat< @a | {meant} >" in after
        assert check(after).output[1:] == (25, 25)  # type: ignore[index]


def test_a_vector_and_a_map_are_told_how_to_meet() -> None:
    text = cured("help_concat_vector")
    assert "concat< @image | @info; unflatten 1x1 x7; upsample to=8x8 >" in text
    assert check(text).output == (10, 8, 8)
    text = "network N\ninput 8x8 x3\nmul< | gap; flatten; fc 3; sigmoid >\n"
    (mistake,) = check(text).diagnostics
    made = check(edited(text, mistake.fixes[0].edits))
    assert made.source.text.endswith("sigmoid; unflatten 1x1 x3 >\n")
    assert made.output == (3, 8, 8)


def test_a_mistake_says_in_which_pass_it_is() -> None:
    (mistake,) = fault("which_pass").diagnostics
    told = [label.text for label in mistake.labels]
    assert "in pass 3 of 3" in told
    assert "in this call of `stage`" in told
    assert "in this call of `unit`, c = 16" in told
    text = (
        "network N\ninput 32x32 x12\n"
        "for c in [32, 64] { conv 3x3 p1 x(c); concat< | conv 1x1 x(in.c // 2) >; "
        "conv 3x3 p1 x(c) g(in.c // 5) }\n"
    )
    told = [label.text for label in check(text).diagnostics[0].labels]
    assert "in pass 1 of 2, c = 32" in told
    assert "in.c is 48 here" in told
    (made,) = [m for m in check(text).diagnostics[0].labels if m.text == "in.c is 48 here"]
    assert made.span.text.startswith("concat<")


def test_an_input_may_have_any_name_that_can_be_used() -> None:
    assert fault("reserved_input_name").ok
    for name in ("meta", "train", "block", "param", "expect"):
        text = f"network N\ninput image 8x8 x3\ninput {name} x7\nfc 3; @image; gap; flatten\n"
        used = text + f"concat< | @{name} >\n"
        found = check(used).diagnostics
        assert not [d for d in found if d.is_error] or found[0].code == "A105", found[0].title


def test_a_norm_behind_a_global_pool_is_remarked() -> None:
    assert [d.code for d in fault("bn_after_gap").diagnostics] == ["W116"]


@pytest.mark.parametrize(
    ("head", "argument", "right"),
    [
        ("f(c)", "stride=2", "f(c, stride=1)"),
        ("f(c, @skip)", "wide=2", "f(c, @skip, wide=2)"),
        ("f()", "stride=2", "f(stride=1)"),
        ("f", "stride=2", "f(stride=1)"),
    ],
)
def test_a_parameter_that_a_block_lacks_is_given_to_it(
    head: str, argument: str, right: str
) -> None:
    given = "".join({"c": "4, ", "@skip": "@s, "}[x] for x in re.findall(r"c|@skip", head))
    text = (
        "network N\ninput 8x8 x8\nrelu as s\n"
        f"block {head} {{ conv 1x1 x4 }}\nf({given}{argument})\n"
    )
    (found,) = (d for d in check(text).diagnostics if d.is_error)
    made = edited(text, found.fixes[0].edits)
    assert made == text.replace(f"block {head}", f"block {right}")
    assert check(made).ok


NORMED = "block cbr(c, k, stride=1) { conv (k)x(k)/(stride) p(k // 2) x(c) nobias; bn; relu }\n"
SHORTCUTS = {  # a block's body and its calls: what to write in it
    "a basic block": (
        "block b(c, stride=1) { residual< conv 3x3/(stride) p1 x(c); relu; conv 3x3 p1 x(c) > }",
        "b(16); b(16); b(32, stride=2); b(32)",
        "| if stride > 1 or in.c != c { conv 1x1/(stride) x(c) nobias; bn } >",
    ),
    "a bottleneck": (
        "block b(c, s=1) { residual< conv 1x1 x(c); conv 3x3/(s) p1 x(c); conv 1x1 x(4 * c) > }",
        "b(16); b(16); b(32, 2)",
        "| if s > 1 or in.c != 4 * c { conv 1x1/(s) x(4 * c) nobias; bn } >",
    ),
    "of other blocks": (
        f"{NORMED}block b(c, stride=1) {{ residual< cbr(c, 3, stride); cbr(c, 3) > }}",
        "b(16); b(32, 2)",
        "| if stride > 1 or in.c != c { conv 1x1/(stride) x(c) nobias; bn } >",
    ),
    "of a number": ("block b() { residual< conv 3x3 p1 x32 > }", "b(); b()",
        "| if in.c != 32 { conv 1x1 x32 nobias; bn } >"),
    "no strides": ("block b(c) { residual< conv 3x3 p1 x(2 * c); bn >; relu }", "b(8); b(16); b(8)",
        "| if in.c != 2 * c { conv 1x1 x(2 * c) nobias; bn } >"),
    "always strided": ("block b(c) { residual< conv 3x3/2 p1 x(c) > }", "b(16); b(32)",
        "| conv 1x1/2 x(c) nobias; bn >"),
    "a loop": ("", "for c in [16, 32, 64] { residual< conv 3x3 p1 x(c) > }",
        "| if in.c != c { conv 1x1 x(c) nobias; bn } >"),
    "no block": ("", "residual< conv 3x3/2 p1 x32 >", "| conv 1x1/2 x32 nobias; bn >"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHORTCUTS)
def test_a_projection_in_a_block_is_right_in_its_other_calls_too(name: str) -> None:
    block, calls, wanted = SHORTCUTS[name]
    text = f"network Net\ninput 8x8 x16\n{block}\n{calls}\n"
    (fault,) = (d for d in analyze(Source("net.arch", text)).diagnostics if d.is_error)
    assert fault.fixes[0].title == f"project the shortcut: `{wanted}`"
    assert analyze(Source("net.arch", edited(text, fault.fixes[0].edits))).ok


UNPARTED = "if stride != 1 or in.c != c { conv 1x1/(stride) x(c) nobias; bn }"


@pytest.mark.parametrize("calls", ["b(16); b(32, 2)", "b(32)", "b(16, 2)"])
@pytest.mark.parametrize(
    ("between", "right"),
    [("; ", " | "), (" ; ", " | "), ("\n  ", "\n  | "), ("  # s\n  ", "  # s\n  | ")],
)
def test_a_shortcut_without_its_bar_is_known_by_its_test(
    between: str, right: str, calls: str
) -> None:
    wrong, meant = (
        "network Net\ninput 8x8 x16\nblock b(c, stride=1) { residual< "
        f"conv 3x3/(stride) p1 x(c) nobias; bn{gap}{UNPARTED} > }}\n{calls}\n"
        for gap in (between, right)
    )
    (found,) = analyze(Source("n", wrong)).diagnostics
    made = edited(wrong, found.fixes[0].edits)
    assert made == meant
    assert analyze(Source("n", made)).ok


@pytest.mark.parametrize(
    ("tail", "is_shortcut"),
    [
        ("conv 1x1/2 x32 nobias; bn", True),
        ("shortcut: conv 1x1/2 x32 nobias; bn", True),
        ("conv 1x1/2 x32", True),
        ("conv 1x1 x32 nobias; bn", False),  # of another size than the body's
        ("conv 1x1/2 x64 nobias; bn", False),
    ],
)
def test_a_pointwise_end_that_would_take_the_shortcut_to_the_body_is_the_shortcut(
    tail: str, *, is_shortcut: bool
) -> None:
    body = "residual< conv 3x3/2 p1 x32 nobias; bn; relu; conv 3x3 p1 x32 nobias; bn"
    text = f"network Net\ninput 8x8 x16\n{body}; {tail} >\n"
    (found,) = analyze(Source("n", text)).diagnostics
    made = edited(text, found.fixes[0].edits)
    assert (made == text.replace(f"bn; {tail}", f"bn | {tail}")) is is_shortcut
    assert analyze(Source("n", made)).ok


BODIES = [
    "pool 2x2 p1 | conv 1x1/2 x(in.c)",
    "pool 2x2; conv 5x5 p1 x(in.c); pool 2x2 | conv 1x1/2 x(in.c)",
    "conv 3x3/(c) p1 x(in.c); concat< conv 3x3 p1 x(in.c) | gap >",
    "conv 3x3/(s) p1 x(c)",
    "conv 3x3/(s) p1 x(c); conv 3x3/2 p1 x(c)",
    "conv 3x3/(s) p1 x(c); conv 3x3/(s) p1 x(2 * in.c)",
    "relu; conv 3x3/2 p1 x(2 * in.c)",
    "{ conv 3x3/(s) p1 x(c); conv 3x3/2 p1 x(c) }",
    "concat< | conv 3x3 p1 x(c) >; pool 2x2/(s)",
    "if s > 1 { conv 3x3/2 p1 x(c) } else { conv 3x3 p1 x24 }",
    "for i in 1..2 { conv 3x3/(s) p1 x(c * i) }",
    "conv 3x3 p1 x(c * c + 17 * c + 3 * c // 5)",
]


@pytest.mark.parametrize("calls", ["b(16, 2); b(16, 1)", "b(32, 1); b(64, 2)", "b(24, 2); b(24)"])
@pytest.mark.parametrize("body", BODIES)
def test_no_projection_asks_for_another_one_for_ever(body: str, calls: str) -> None:
    """What one call of a block asks for must not be what the next one takes back."""
    for before in ("", "conv 1x1 x8; "):
        text = (
            "network Net\ninput 32x32 x16\n"
            f"block b(c, s=1) {{ {before}residual< {body} > }}\n{calls}\n"
        )
        seen = set[str]()
        while text not in seen:
            seen.add(text)
            cures = [d.fixes[0] for d in check(text).diagnostics if d.code == "A207" and d.fixes]
            if not cures:
                break
            text = edited(text, cures[0].edits)
        else:
            pytest.fail(f"again: {text}")


@pytest.mark.parametrize(
    ("body", "shortcut", "right"),
    [
        ("conv 3x3/(s) p1 x(c)", "conv 1x1/2 x(c)", "conv 1x1/(s) x(c)"),
        ("conv 3x3/(s) p1 x(c)", "conv 1x1 x(c)", "conv 1x1/(s) x(c)"),
        ("conv 3x3 p1 x(c)", "conv 1x1/2 x(c)", "conv 1x1 x(c)"),
        ("conv 3x3/2 p1 x(c)", "conv 1x1 x(c)", "conv 1x1/2 x(c)"),
        ("conv 3x3 p1 x(2 * c)", "conv 1x1 x16", "conv 1x1 x(2 * c)"),
    ],
)
def test_a_projection_that_is_there_becomes_as_the_body(
    body: str, shortcut: str, right: str
) -> None:
    text = (
        "network Net\ninput 8x8 x16\nblock b(c, s) {{ residual< {} | {} > }}\nb(16, 1); b(32, 2)\n"
    )
    found = [d for d in analyze(Source("n", text.format(body, shortcut))).diagnostics if d.is_error]
    made = edited(text.format(body, shortcut), found[0].fixes[0].edits)
    assert made == text.format(body, right)
    assert analyze(Source("n", made)).ok


@pytest.mark.parametrize("added", ["out += identity", "out = out + identity", "x += identity"])
def test_the_shortcut_of_torch_becomes_a_residual(added: str) -> None:
    head = "network Net\ninput 8x8 x16\n"
    text = f"{head}identity = x\nconv 3x3 p1 x16; bn\n{added}\nrelu\n"
    found = [d for d in analyze(Source("net.arch", text)).diagnostics if d.is_error]
    assert [d.code for d in found] == ["A014", "A014"]
    for diagnostic in found:
        (cure,) = diagnostic.fixes
        assert edited(text, cure.edits) == f"{head}residual<\nconv 3x3 p1 x16; bn\n>\nrelu\n"


@pytest.mark.parametrize(
    "text",
    [
        "identity = x\n",
        "out += identity\n",
        "x = x + shortcut(x)\n",
        "out += self.shortcut(x)\n",
        "block b() {\nidentity = x\n}\nx += identity\n",  # not in the same brackets
        "identity = x\nx += other\n",
    ],
)
def test_half_a_shortcut_of_torch_is_told_in_words(text: str) -> None:
    analysis = analyze(Source("net.arch", f"network Net\ninput 8x8 x16\n{text}relu\n"))
    found = [d for d in analysis.diagnostics if d.is_error and "another way" in d.title]
    assert found
    assert all("residual<" in d.helps[0] and not d.fixes for d in found)


def test_commas_between_calls_are_one_mistake() -> None:
    """Those of the calls' own arguments are right."""
    text = "network N\ninput 8x8 x8\nblock b(c, s=1) { conv 3x3/(s) p1 x(c) }\n"
    (said,) = check(f"{text}body: {{ b(8, s=2), b(8, s=1), b(8, 1) }}\n").diagnostics
    made = check(edited(f"{text}body: {{ b(8, s=2), b(8, s=1), b(8, 1) }}\n", said.fixes[0].edits))
    assert made.source.text.endswith("body: { b(8, s=2); b(8, s=1); b(8, 1) }\n")
    assert made.ok

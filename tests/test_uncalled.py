"""A file of blocks without a network: what no call can make right is told at once."""

from __future__ import annotations

import pytest

from archc.api import Analysis, analyze
from archc.data import ARCHS
from archc.source import Source


def check(text: str) -> Analysis:
    return analyze(Source("blocks.arch", text))


@pytest.mark.parametrize(
    ("body", "code", "title"),
    [
        ("conv 3x3 p1 x(c); residual", "A408", "`residual` takes 1 or 2 branches"),
        ("concat< relu >", "A408", "`concat` takes 2 or more branches"),
        ("a: conv 3x3 p1 x(c)\n a: relu", "A104", "there are two things called `a` here"),
        ("a: relu; concat< a: conv 3x3 x(c) | relu >", "A104", "there are two things called `a`"),
        ("blub", "A101", "there is no operator or block `blub`"),
        ("conv 3x3 x(cc)", "A102", "`cc` is not a parameter or a loop's name here"),
        ("conv 3x3 x c", "A310", "`conv` knows no `x`"),
        ("conv 3x3 p1", "A302", "`conv` needs output channels: `x64`"),
        ("conv 3x3 x(c) nonsense", "A310", "`conv` knows no `nonsense`"),
        ("conv(64, kernel_size=3)", "A101", "`conv` is written in another way here"),
        ("add< | @a >", "A103", "there is no label `a` here"),
        ("other(1, 2)", "A306", "`other` takes 1 argument, not 2"),
        ("other(1, stride=2)", "A307", "`other` has no parameter `stride`"),
        ("if c > 3 { residual }", "A408", "`residual` takes 1 or 2 branches"),
        ("if c > 3 { relu } else { blub }", "A101", "there is no operator or block `blub`"),
        ("for i in 1..c { conv 3x3 x(i) same nonsense }", "A310", "`conv` knows no `nonsense`"),
        ("{ concat< relu > } * c", "A408", "`concat` takes 2 or more branches"),
        ("residual if (c > 3) < concat< relu > >", "A408", "`concat` takes 2 or more branches"),
    ],
)
def test_what_is_wrong_whatever_comes_in(body: str, code: str, title: str) -> None:
    text = f"block other(n) {{ relu }}\nblock unit(c) {{\n {body}\n}}\n"
    (found,) = check(text).diagnostics
    assert (found.code, found.title[: len(title)]) == (code, title)


@pytest.mark.parametrize(
    "body",
    [
        "conv 3x3 p(c) x(c) g(c // 2); unit(c - 1)",
        "if c > 3 { a: relu } else { a: relu }\n add< | @a >",
        "for i in 0..c { x{i}: conv 3x3 p1 x(i) }\n concat< @x0 | @x1 >",
        "let w = 2 * c; if w > 2 { let v = w; conv 1x1 x(v) }\n conv 1x1 x(w)",
        "for w in c { conv 1x1 x(w) }; { f(c[0]) } * 2",
        "concat< each r in c { conv 3x3 same d(r) x4 } | gap; upsample to=@in >",
        "f; other(@skip.c); concat< | @skip >",
        "if 1 > 2 { conv 1x1 x([1][1]) }",
    ],
)
def test_what_hangs_on_a_call_is_left_for_it(body: str) -> None:
    text = f"block other(n) {{ relu }}\nblock unit(c, f=relu, @skip) {{\n {body}\n}}\n"
    assert check(text).diagnostics == ()


def test_the_bundled_blocks_are_right() -> None:
    for path in (ARCHS / "blocks").glob("*.arch"):
        found = analyze(Source(str(path), path.read_text("utf-8")), project=ARCHS)
        assert found.plan is None
        assert found.diagnostics == (), path

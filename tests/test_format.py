"""`parse(format_file(tree)) == tree`, and the text is as one would write it."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import files

from archc import syntax as s
from archc.source import Source
from archc.syntax.parser import parse
from archc.syntax.writing import format_file


def tree(text: str) -> s.File:
    file, problems = parse(Source("t.arch", text))
    assert not problems, problems
    return file


@pytest.mark.slow
@given(files)
@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
def test_what_is_written_reads_back(file: s.File) -> None:
    text = format_file(file)
    assert tree(text) == file, text
    assert format_file(tree(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "conv 7x7/2 p3 x64 nobias\n",
        "conv1: conv 3x3/(stride) p(k // 2) x(4 * width)\n",
        "input (size)x(size) x3\n",
        "pool 3x(k)/2x1 p0x1\n",
        "fc (classes)\n",
        "concat< @enc{i} | upsample 2 >\n",
        'join droppath=0.15 mode="local" < a | b >\n',
        "layer: bottleneck(64, stride=2) * depths[i]\n",
        "residual< conv 3x3 | >\n",
        "reuse twin{2 * i}\n",
        "reuse body.c\n",
        "reuse body.c.0\n",
        "cell(@body.c.0)\n",
        "cell(@body.h.c)\n",
        "@body.c{i}\n",
        "@body.c{(depths[1:])}\n",
        "cell(@body.w{(@stem.c)})\n",
        "if @stem.c {\n  relu\n}\n",
        "output left\n",
        "param wide = (1 if deep else 2) + -3\n",
        "expect {\n  params < 30000000\n  output x1000\n  top5 3.57 %\n}\n",
        "sequence features(depths, norm=0) {}\n",
        "if a {\n  relu\n} else if not b {\n  tanh\n} else {\n  elu\n}\n",
        "for w, n in [[64, 2], [128, 2]] {\n  conv 3x3 x(w)\n}\n",
    ],
)
def test_canonical_text_stays_as_it_is(text: str) -> None:
    assert format_file(tree(text)) == text


def test_branches_with_blocks_take_lines_of_their_own() -> None:
    text = "residual< conv 3x3; bn | if wide { conv 1x1 } >; relu"
    assert format_file(tree(text)) == dedent("""\
        residual<
          conv 3x3
          bn
        |
          if wide {
            conv 1x1
          }
        >
        relu
        """)

"""A combinator is a row: what one more of them needs, everywhere that branches are shown."""

from __future__ import annotations

import pytest

from archc import api
from archc.draw import VIEWS
from archc.ops import COMBINATORS
from archc.ops.combinators import Combinator
from archc.source import Source

EXCITE = Combinator("excite", merge="mul", least=1, most=1, incoming=0, branches=("input", "gate"))
TEXT = """network Net
input 8x8 x4
conv 3x3 p1 x8
excite< gap; conv 1x1 x8; sigmoid >
gap; flatten; fc 3
"""


@pytest.fixture
def excite(monkeypatch: pytest.MonkeyPatch) -> api.Analysis:
    """A network with `excite<body>`, x * body(x), which archc does not have."""
    monkeypatch.setitem(COMBINATORS, "excite", EXCITE)
    found = api.analyze(Source("net.arch", TEXT))
    assert not found.diagnostics
    return found


def test_a_row_is_all_that_a_combinator_needs(excite: api.Analysis) -> None:
    assert "return" in excite.emit()
    for view in VIEWS:
        assert "digraph" in excite.draw(view)
    assert excite.explain("conv2") is not None
    assert excite.summary() is not None


@pytest.mark.parametrize("row", COMBINATORS.values(), ids=COMBINATORS)
def test_every_branch_has_a_place_among_what_is_merged(row: Combinator) -> None:
    for written in range(row.least, (row.most or 4) + 1):
        ends = [f"end {at}" for at in range(written)]
        merged = row.merged(ends, "x")
        assert [merged[row.place(at, written)] for at in range(written)] == ends
        assert merged.count("x") == (row.incoming is not None and written == row.least)

"""`meta`: each fact is read, or there is a warning whose cure works; none is lost in silence."""

from __future__ import annotations

from typing import Any

import pytest

from archc.api import Analysis, analyze
from archc.source import Source, edited

NETWORK = "network N\nmeta {{ {} }}\ninput 8x8 x3\nconv 3x3 x4\n"


def read(facts: str) -> Analysis:
    return analyze(Source("net.arch", NETWORK.format(facts)))


@pytest.mark.parametrize(
    ("facts", "cured"),
    [
        (
            'display "Mine" family "F" dataset "ImageNet" top1_error 35',
            {"display": "Mine", "family": "F", "dataset": "ImageNet", "top1_error": 35},
        ),
        ("display Mine family F", {"display": "Mine", "family": "F"}),
        ('display "Mine" family="F" year = 2015', {"display": "Mine", "family": "F", "year": 2015}),
        ("top1_error 30 % year 2015", {"top1_error": 30, "year": 2015}),
        ('year 2015 place "here"; a 1', {"year": 2015, "place": "here", "a": 1}),
        ("year=2015", {"year": 2015}),
        ('display="Mine"', {"display": "Mine"}),
    ],
)
def test_another_fact_on_the_line_is_not_lost(facts: str, cured: dict[str, Any]) -> None:
    source = NETWORK.format(facts)
    while (analysis := analyze(Source("net.arch", source))).diagnostics:
        assert source.count("\n") == 4, "the cures end"
        (found, *_) = analysis.diagnostics
        assert found.labels[0].span.line == 2
        source = edited(source, found.fixes[0].edits)
    assert source != NETWORK.format(facts)
    assert analysis.meta == cured


def test_the_message_says_where() -> None:
    (found,) = read('display "Mine" family "F"').diagnostics
    assert (found.code, found.title) == (
        "W124",
        "`family` is part of `display` here, and no fact by itself",
    )
    assert found.labels[0].span.text == "family"
    assert [(fix.title, fix.safe) for fix in found.fixes] == [("put a `;` between two facts", True)]
    (found,) = read('display "Mine" place "here"').diagnostics
    assert not found.fixes[0].safe, "it could be one fact"
    assert found.helps == ('if all of it is one fact, put it in quotes: `display "..."`',)


@pytest.mark.parametrize(
    ("facts", "value"),
    [
        ("tags vision small 3", ("vision", "small", 3)),
        ("tags vision", "vision"),
        ("tags 1 2 3", (1, 2, 3)),
        ("tags [1, 2]", (1, 2)),
        ('tags "a" "b"', ("a", "b")),
        ("tags 3 pixels", (3, "pixels")),
        ("tags MIT version 2", ("MIT", "version", 2)),
    ],
)
def test_a_fact_may_have_several_values(facts: str, value: Any) -> None:
    analysis = read(facts)
    assert analysis.ok
    assert analysis.meta == {"tags": value}


def test_a_percent_sign_is_no_second_value() -> None:
    analysis = read("top1_error 30 %; top5_error 9.5%")
    assert analysis.ok
    assert analysis.meta == {"top1_error": 30, "top5_error": 9.5}

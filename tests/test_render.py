"""Diagnostics as people, editors and machines get them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archc.report import diagnostics as render
from archc.source import Diagnostic, Fix, Severity, Source, Span, SpanLabel

TINY = Source(
    "nets/tiny.arch",
    "network T\n"
    "input 112x112 x64\n"
    "conv 3x3/2 p1 x64; bn; relu\n"
    "residual< conv 3x3/2 x64; bn > ; relu\n",
)


def at(source: Source, words: str) -> Span:
    start = source.text.index(words)
    return Span(source, start, start + len(words))


def one(source: Source, words: str, message: str = "here", **more: Any) -> Diagnostic:
    return Diagnostic("A000", "wrong", (SpanLabel(at(source, words), message),), **more)


def drawn(text: str, words: str, message: str = "here", width: int = 100) -> list[str]:
    """The lines of the excerpt, without head and gutter."""
    lines = render.text([one(Source("x.arch", text), words, message)], width=width).splitlines()
    return [line.partition("| ")[2] for line in lines[3:]]


DISAGREE = Diagnostic(
    "A201",
    "residual branches disagree: 55x55 x64 and 56x56 x64",
    (
        SpanLabel(at(TINY, "conv 3x3/2 x64"), "the body ends at 55x55 x64"),
        SpanLabel(at(TINY, "conv 3x3/2 p1 x64"), "the shortcut is made here: 56x56 x64"),
    ),
    notes=("height: floor((112 + 2*0 - 3) / 2) + 1 = 55",),
    helps=("to keep 56x56: `conv 3x3/1 p1 x64`",),
)


def test_text() -> None:
    assert render.text([DISAGREE]) == (
        "error[A201]: residual branches disagree: 55x55 x64 and 56x56 x64\n"
        " --> nets/tiny.arch:4:11\n"
        "  |\n"
        "3 | conv 3x3/2 p1 x64; bn; relu\n"
        "  | ----------------- the shortcut is made here: 56x56 x64\n"
        "4 | residual< conv 3x3/2 x64; bn > ; relu\n"
        "  |           ^^^^^^^^^^^^^^ the body ends at 55x55 x64\n"
        "  = note: height: floor((112 + 2*0 - 3) / 2) + 1 = 55\n"
        "  = help: to keep 56x56: `conv 3x3/1 p1 x64`\n"
    )


def test_text_of_several_files_lines_and_labels_on_one_line() -> None:
    other = Source("blocks.arch", "# blocks\n" * 11 + "block a(n) { conv 3 x(n) }\n")
    diagnostic = Diagnostic(
        "W001",
        "a warning",
        (
            SpanLabel(at(TINY, "bn > "), "primary"),
            SpanLabel(at(TINY, "residual"), "one\ntwo"),
            SpanLabel(at(TINY, "network")),
            SpanLabel(at(other, "a(n)"), "defined here"),
        ),
        fixes=(Fix("give it a size", at(other, "conv 3"), "conv 3x3"),),
        severity=Severity.WARNING,
    )
    assert render.text([diagnostic]) == (
        "warning[W001]: a warning\n"
        "  --> nets/tiny.arch:4:27\n"
        "   |\n"
        " 1 | network T\n"
        "   | -------\n"
        "...\n"
        " 4 | residual< conv 3x3/2 x64; bn > ; relu\n"
        "   | -------- one\n"
        "   |          two\n"
        "   |                           ^^^^^ primary\n"
        "  ::: blocks.arch:12:7\n"
        "   |\n"
        "12 | block a(n) { conv 3 x(n) }\n"
        "   |       ---- defined here\n"
        "   = help: give it a size: `conv 3x3`\n"
    )


def test_text_separates_diagnostics_by_an_empty_line() -> None:
    assert (
        render.text([DISAGREE, DISAGREE]) == f"{render.text([DISAGREE])}\n{render.text([DISAGREE])}"
    )
    assert render.text([]) == ""


def test_a_file_without_text_has_no_excerpt() -> None:
    label = SpanLabel(Span(Source("no.arch", ""), 0, 0))
    shown = render.text([Diagnostic("A501", "cannot read no.arch: it is a folder", (label,))])
    assert shown == "error[A501]: cannot read no.arch: it is a folder\n --> no.arch\n"


def test_a_span_over_several_lines_is_marked_in_its_first() -> None:
    assert drawn("block a {\n  relu\n", "a {\n  relu") == ["block a {", "      ^^^ here"]


@pytest.mark.parametrize("text", ["conv", "conv\n", "conv\r\n", ""])
def test_the_end_of_the_text_is_marked(text: str) -> None:
    source = Source("x.arch", f"relu\n{text}")
    end = len(source.text)
    shown = render.text([Diagnostic("A001", "unfinished", (SpanLabel(Span(source, end, end)),))])
    assert shown.splitlines()[-1].endswith("^")


def test_tabs_and_wide_characters_keep_the_carets_in_place() -> None:
    assert drawn("\tconv\tx64", "x64") == ["    conv    x64", "            ^^^ here"]
    assert drawn("한글: conv x64", "conv") == ["한글: conv x64", "      ^^^^ here"]
    assert drawn("한글: conv", "한글") == ["한글: conv", "^^^^ here"]
    assert drawn("😀 e\u0301 conv", "conv") == ["😀 e\u0301 conv", "     ^^^^ here"]


def test_long_lines_are_cut_around_each_label() -> None:
    text = "; ".join(f"conv{n}" for n in range(1000))
    line, marks = drawn(text, "conv500;", width=60)
    assert line.startswith("…")
    assert line.endswith("…")
    assert len(line) <= 57
    start = marks.index("^")
    assert line[start : start + 8] == "conv500;"
    two = Diagnostic(
        "A000",
        "far apart",
        tuple(SpanLabel(at(Source("x", text), word)) for word in ("conv3;", "conv900")),
    )
    assert sum("conv" in line for line in render.text([two], width=60).splitlines()) == 2


def test_a_line_that_fits_is_never_cut() -> None:
    line = "conv 3x3; " * 4 + "x64"
    assert drawn(line, "x64", width=len(line) + 4)[0] == line
    assert drawn(line, "x64", width=len(line) + 3)[0].startswith("…")


def test_what_is_said_of_one_place_stands_together() -> None:
    labels = tuple(SpanLabel(at(TINY, "relu"), text) for text in ("one", "two"))
    lines = render.text([Diagnostic("A000", "t", labels)]).splitlines()
    assert lines[-2].endswith("^^^^ one")
    assert lines[-1] == "  |" + " " * (lines[-2].index("one") - 3) + "two"


def test_a_span_longer_than_the_screen_ends_with_it() -> None:
    line, marks = drawn("x" * 500, "x" * 400, message="", width=60)
    assert len(line) <= 57
    assert len(marks) <= 57


def test_a_megabyte_in_one_line_is_quick() -> None:
    text = "relu; " * 600_000
    source = Source("x.arch", text)
    labels = (SpanLabel(Span(source, 3_000_000, 3_000_004), "here"),)
    assert len(render.text([Diagnostic("A000", "long", labels)] * 100)) < 100_000


def test_control_characters_do_not_reach_the_terminal() -> None:
    nasty = "a\x1b[31m\x07\x9b\u202e\u2066\x7f\ud800\ufeff\u2028b"
    source = Source(f"{nasty}.arch", f"conv {nasty}\n")
    diagnostic = Diagnostic(
        "A000", nasty, (SpanLabel(at(source, nasty), nasty),), (nasty,), (nasty,),
        (Fix(nasty, at(source, "conv"), nasty),),
    )  # fmt: skip
    bad = re.compile(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\u2028\ufeff]"
    )
    for format in (render.text, render.concise, render.github):
        assert not bad.search(format([diagnostic]))
    assert "␛[31m␇" in render.text([diagnostic])


def test_an_escape_keeps_the_carets_in_place() -> None:
    assert drawn("\x1b[1m conv", "conv") == ["␛[1m conv", "     ^^^^ here"]


def test_colours_only_when_asked_for() -> None:
    plain, coloured = render.text([DISAGREE]), render.text([DISAGREE], color=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31merror[A201]\x1b[0m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain


def test_concise() -> None:
    assert render.concise([DISAGREE]) == (
        "nets/tiny.arch:4:11: error[A201]: residual branches disagree: 55x55 x64 and 56x56 x64\n"
    )


def test_json() -> None:
    fix = Fix("drop it", at(TINY, "; relu\n"), "")
    read = json.loads(render.json([one(TINY, "T\ninput", fixes=(fix,))]))
    place = {"file": "nets/tiny.arch", "line": 1, "column": 9, "endLine": 2, "endColumn": 6}
    assert read.pop("archc")
    assert read == {
        "version": 1,
        "errors": 1,
        "warnings": 0,
        "diagnostics": [
            {
                "code": "A000",
                "severity": "error",
                "title": "wrong",
                **place,
                "labels": [{**place, "text": "here"}],
                "notes": [],
                "helps": [],
                "fixes": [
                    {
                        "file": "nets/tiny.arch",
                        "line": 3,
                        "column": 22,
                        "endLine": 4,
                        "endColumn": 1,
                        "title": "drop it",
                        "text": "",
                        "safe": False,
                        "edits": [
                            {
                                "file": "nets/tiny.arch",
                                "line": 3,
                                "column": 22,
                                "endLine": 4,
                                "endColumn": 1,
                                "text": "",
                            }
                        ],
                    }
                ],
            }
        ],
    }


def test_github_escapes() -> None:
    source = Source("a,b:c%.arch", "conv\nrelu")
    diagnostic = Diagnostic("A000", "100% of\nit", (SpanLabel(Span(source, 0, 4)),), ("one, two",))
    assert render.github([diagnostic]) == (
        "::error file=a%2Cb%3Ac%25.arch,line=1,endLine=1,col=1,endColumn=4,title=archc A000"
        "::100%25 of%0Ait%0Anote: one, two\n"
    )
    over = Diagnostic("W000", "t", (SpanLabel(Span(source, 0, 6)),), severity=Severity.WARNING)
    assert (
        render.github([over])
        == "::warning file=a%2Cb%3Ac%25.arch,line=1,endLine=2,col=1,title=archc W000::t\n"
    )


def test_sarif() -> None:
    fix = Fix("pad it", at(TINY, "x64; bn >"), "p1 x64; bn >")
    source = Source("my nets/한.arch", "conv")
    diagnostics = [DISAGREE, one(source, "conv"), one(TINY, "relu", fixes=(fix,))]
    log = json.loads(render.sarif(diagnostics))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["A000", "A201"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning")
        assert result["message"]["text"]
        for place in (*result["locations"], *result["relatedLocations"]):
            region = place["physicalLocation"]["region"]
            assert all(value >= 1 for value in region.values())
    uri = run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "my%20nets/%ED%95%9C.arch"
    (change,) = run["results"][2]["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"]["text"] == "p1 x64; bn >"


@pytest.mark.parametrize("format", render.MACHINE)
def test_machine_formats_of_nothing(format: str) -> None:
    shown = render.MACHINE[format]([])
    assert shown == "" or json.loads(shown)


def test_unique() -> None:
    again = Source(TINY.name, TINY.text)
    assert render.unique([one(TINY, "T"), one(again, "T"), one(TINY, "relu")]) == [
        one(TINY, "T"),
        one(TINY, "relu"),
    ]


@given(st.text(), st.text(), st.integers(0, 50), st.integers(0, 50), st.integers(1, 120))
def test_any_text_is_shown(text: str, message: str, start: int, size: int, width: int) -> None:
    source = Source(message, text)
    start = min(start, len(text))
    span = Span(source, start, min(start + size, len(text)))
    diagnostic = Diagnostic("A000", message, (SpanLabel(span, message),), (message,), (message,))
    shown = render.text([diagnostic], width=width, color=True)
    render.text([diagnostic], width=width).encode()
    assert shown.count("\x1b") % 2 == 0
    for format in render.MACHINE.values():
        format([diagnostic]).encode()


def test_an_error_in_python_shows_what_the_terminal_shows() -> None:
    import pickle

    import archc
    from archc.api import ArchError, analyze

    found = analyze(Source("net.arch", "network N\ninput 8x8 x3\nconv 3x3\n")).diagnostics
    error = ArchError(found)
    assert str(error) == f"\n{render.text(found)}\nmore: archc explain A302"
    assert "3 | conv 3x3\n  | ^^^^" in str(error)
    assert "help: for example" in str(error)
    assert pickle.loads(pickle.dumps(ArchError(()))).diagnostics == ()
    shown = "\n".join(error._render_traceback_())  # what IPython asks for
    assert "A302" in shown
    assert "Traceback" not in shown
    assert archc.ArchError is ArchError


def test_the_page_that_explains_stands_once_at_the_end() -> None:
    assert render.pages([]) == ""
    assert render.pages([one(TINY, "conv")]) == "more: archc explain A000"
    several = [one(TINY, "conv"), one(TINY, "conv"), DISAGREE]
    assert render.pages(several) == "more: archc explain A000 (and A201)"

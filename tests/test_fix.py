"""`archc check --fix`: what is sure is corrected, and nothing is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from archc import cli, files
from archc.api import analyze
from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel, edited

WRONG = """\
network Tiny
input 3, 32, 32
nn.Conv2d(3, 16, kernel_size=3, padding=1),
x = conv 3x3, p1 x 8 relu
if in.c = 8 { GELU } elif true { bn }
"""
RIGHT = """\
network Tiny
input 32x32 x3
conv 3x3 p1 x16
x: conv 3x3 p1 x8; relu
if in.c == 8 { gelu } else if true { bn }
"""


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "net.arch"
    path.write_text(WRONG, "utf-8")
    return path


def check(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = cli.main(["check", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_what_is_sure_is_corrected(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = check(capsys, "--fix", wrong)
    assert (code, out) == (0, "1 file checked: no errors\n")
    assert wrong.read_text("utf-8") == RIGHT
    assert "places fixed in" in err
    assert check(capsys, "--fix", wrong) == (0, "1 file checked: no errors\n", "")


def test_diff_changes_nothing(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = check(capsys, "--diff", wrong)
    assert code == 1
    assert "-input 3, 32, 32\n" in out
    assert "+input 32x32 x3\n" in out
    assert wrong.read_text("utf-8") == WRONG


@pytest.mark.parametrize(
    ("line", "help"),
    [
        ("conv 3x3 x4 nobais", "did you mean `nobias`?"),
        ("nn.Conv2d(3, 16)", "write `conv 3x3 x16` for `kernel_size=3`, as none is given"),
        ("Conv2d(16, 5)", "write `conv 5x5 x16`"),  # in Keras's order, by torch's name
    ],
)
def test_a_guess_is_not_applied(
    line: str, help: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    text = f"network Tiny\ninput 8x8 x3\n{line}\n"
    path.write_text(text, "utf-8")
    code, out, _ = check(capsys, "--fix", path)
    assert code == 1
    assert help in out
    assert path.read_text("utf-8") == text


FLAT = """\
network Flat
input 32x32 x3
nn.Conv2d(3, 16, 3, padding=1)
nn.BatchNorm2d({norm})
nn.ReLU()
self.next = nn.Sequential(
    nn.Conv2d({second}, 32, 3),
    nn.ReLU(),
)
nn.AdaptiveAvgPool2d(1)
nn.Flatten()
self.fc = nn.Linear({features}, 10)
"""


@pytest.mark.parametrize(
    ("wrong", "note", "kept"),
    [
        ({}, "", ""),
        ({"norm": 8}, "you wrote 8 input channels; there are 16 here", "nn.BatchNorm2d(8)"),
        ({"second": 3}, "you wrote 3 input channels; there are 16 here", "nn.Conv2d(3, 32, 3)"),
        (
            {"features": 512},
            "you wrote 512 input features; there are 32 here",
            "nn.Linear(512, 10)",
        ),
    ],
)
def test_channels_that_do_not_come_in_are_said_and_not_corrected(
    wrong: dict[str, int], note: str, kept: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each layer is held against what comes in once those before it are right."""
    path = tmp_path / "net.arch"
    path.write_text(FLAT.format(**{"norm": 16, "second": 16, "features": 32, **wrong}), "utf-8")
    code, out, _ = check(capsys, "--fix", path)
    assert (code, note in out, kept in path.read_text("utf-8")) == (int(bool(wrong)), True, True)
    if not wrong:
        lines = path.read_text("utf-8").splitlines()
        assert lines[5:] == ["next: { conv 3x3 x32; relu }", "gap", "flatten", "fc: fc 10"]


def test_channels_are_said_of_a_layer_that_is_read_as_a_call() -> None:
    """`Conv2d(32, 64, 3)` without `nn.`; in a block by what its call brings."""
    for text in ("Conv2d(32, 64, 3)", "block b() { nn.Conv2d(32, 64, 3) }\nb()"):
        (said,) = analyze(Source("x.arch", f"network N\ninput 8x8 x3\n{text}\n")).diagnostics
        assert said.notes == ("you wrote 32 input channels; there are 3 here",)
        assert not said.fixes[0].safe


def test_nothing_is_written_that_has_a_new_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first cure brings to light what its mistake had hidden; the second stands alone."""
    path = tmp_path / "net.arch"
    path.write_text(
        "network Tiny\ninput 8x8 x3\nReLU\nconv 9x9 x4\nmeta { year = 2015 }\n", "utf-8"
    )
    code, _, err = check(capsys, "--fix", path)
    assert code == 1
    assert path.read_text("utf-8").splitlines()[2:] == ["ReLU", "conv 9x9 x4", "meta { year 2015 }"]
    assert "net.arch:4:6: a window of 9 does not fit" in err


def test_a_file_that_somebody_edits_meanwhile_is_left(
    wrong: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = files.replace

    def late(target: Path, data: bytes, **more: object) -> None:
        target.write_text("# mine\n", "utf-8")
        replace(target, data, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "replace", late)
    code, _, err = check(capsys, "--fix", wrong)
    assert code == 2
    assert "was edited meanwhile" in err
    assert wrong.read_text("utf-8") == "# mine\n"
    assert [path.name for path in wrong.parent.iterdir()] == ["net.arch"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong.chmod(0o444)
    assert check(capsys, "--fix", wrong)[0] == 2
    assert wrong.read_text("utf-8") == WRONG


def test_a_byte_order_mark_and_line_ends_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.arch"
    path.write_bytes(b"\xef\xbb\xbfnetwork T\r\ninput 8x8 x3\r\nconv 3x3, x4\r\n")
    assert check(capsys, "--fix", path)[0] == 0
    assert path.read_bytes() == b"\xef\xbb\xbfnetwork T\r\ninput 8x8 x3\r\nconv 3x3 x4\r\n"


def test_json_has_every_edit(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = check(capsys, "--format", "json", wrong)
    fixes = [fix for d in json.loads(out)["diagnostics"] for fix in d["fixes"]]
    assert all(fix["edits"] and fix["safe"] in (True, False) for fix in fixes)
    lines = WRONG.splitlines(keepends=True)
    starts = [sum(map(len, lines[:at])) for at in range(len(lines))]

    def span(edit: dict[str, int]) -> slice:
        return slice(
            starts[edit["line"] - 1] + edit["column"] - 1,
            starts[edit["endLine"] - 1] + edit["endColumn"] - 1,
        )

    conv = next(edit for fix in fixes for edit in fix["edits"] if edit["text"] == "conv 3x3 p1 x16")
    assert WRONG[span(conv)] == "nn.Conv2d(3, 16, kernel_size=3, padding=1),"


def test_a_cure_may_have_several_edits() -> None:
    source = Source("x.arch", "for: relu\nadd< | @for >\n")
    spans = [Span(source, 0, 3), Span(source, 18, 21)]
    fix = Fix("rename", spans[1], "for_", also=(Edit(spans[0], "for_"),))
    mistake = Diagnostic("A105", "taken", (SpanLabel(spans[0]),), fixes=(fix,))
    assert edited(source.text, mistake.fixes[0].edits) == "for_: relu\nadd< | @for_ >\n"


def test_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.arch").write_text(WRONG, "utf-8")
    (tmp_path / "b.arch").write_text(RIGHT, "utf-8")
    code, out, _ = check(capsys, "--fix", tmp_path)
    assert (code, out) == (0, "2 files checked: no errors\n")
    assert (tmp_path / "a.arch").read_text("utf-8") == RIGHT


def test_many_mistakes_do_not_take_long() -> None:
    text = "network T\ninput 8x8 x8\n" + "ReLU\n" * 90
    from archc.corrections import correct

    made = correct(analyze(Source("x.arch", text)), lambda source: analyze(source))
    assert made.text.count("relu") == 90

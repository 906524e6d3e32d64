"""What a teacher would remark: which lines get a warning, which do not, and what keeps it quiet."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archc.api import Analysis, analyze, bundled
from archc.source import Source

HEAD = "network Net\ninput {} x8\n"
TRAIN = "train { dataset cifar10; optimizer sgd lr=0.1; batch 128; epochs 2 }\n"


def check(text: str) -> Analysis:
    return analyze(Source("net.arch", text))


def codes(text: str) -> list[str]:
    return [d.code for d in check(text).diagnostics]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        # softmax before the recipe's cross-entropy
        (f"gap; flatten; fc 10; softmax\n{TRAIN}", ["W110"]),
        ("gap; flatten; fc 10; softmax", []),  # nobody says how it is trained
        (f"softmax; gap; flatten; fc 10\n{TRAIN}", []),
        (f"block head() {{ flatten; fc 10; softmax }}\nhead()\n{TRAIN}", ["W110"]),
        # two linears
        ("flatten; fc 10; fc 5", ["W111"]),
        ("flatten; fc 10; dropout; fc 5", ["W111"]),
        ("flatten; fc 2; output code; fc 5; output y", []),  # an autoencoder's, seen from outside
        ("flatten; fc 2; output code; dropout; fc 5; output y", []),
        ("block part() { flatten; fc 2 }\npart(); output code; fc 5; output y", []),
        ("flatten; fc 2; fc 5; output y", ["W111"]),
        ("conv 3x3 x4; output raw; bn; output normed", []),  # `raw` has its bias
        ("flatten; fc 10; relu; fc 5", []),
        ("flatten; fc 10; bn; fc 5", ["W114"]),
        ("block part() { flatten; fc 10 }\npart(); fc 5", ["W111"]),
        ("flatten; a: fc 10; relu; @a; fc 5; add< | @a; fc 5 >", ["W103", "W111", "W111"]),
        # an activation behind the scores
        ("flatten; fc 10; relu", ["W112"]),
        ("flatten; fc 10; dropout; gelu", ["W112"]),
        ("flatten; fc 10; sigmoid", []),
        ("flatten; fc 10; tanh", []),
        ("conv 3x3 p1 x8; relu", []),  # features
        ("aux weight=0.3 < gap; flatten; fc 10; relu >; gap; flatten; fc 10", ["W112"]),
        # a loop where branches may be meant
        ("concat< | for r in 1..3 { conv 3x3 p(r) d(r) x8 } >", ["W107"]),
        ("add< | for r in [1, 2] { conv 3x3 p(r) d(r) x8 } >", ["W107"]),
        ("concat< | for r in [4, 8] { conv 1x1 x(r) } >", []),  # a chain, by its sizes
        ("concat< | for r in 1..3 { conv 1x1 x8 } >", []),
        ("concat< | relu; for r in 1..3 { conv 3x3 p(r) d(r) x8 } >", []),
        ("residual< for r in 1..3 { conv 3x3 p(r) d(r) x8 } >", []),
        ("concat< | each r in 1..3 { conv 3x3 p(r) d(r) x8 } >", []),
        ("concat< | each r in 1..2 { for k in 1..2 { conv 3x3 p(k) d(k) x8 } } >", []),
        # a value that nobody uses
        ("let a = 3", ["W101"]),
        ("let a = 3; conv 1x1 x(a)", []),
        ("block f(w) { let k = 2*w; conv 1x1 x(w) }\nf(2)", ["W101"]),
        # padding
        ("conv 1x1 p1 x4", ["W113"]),
        ("conv 3x3/4 p1 x4", ["W123"]),
        ("conv 3x3/2x5 p1 x4", ["W123"]),
        ("conv 3x3/5 p4 d2 x4; conv 1x1/2 x4", []),
        ("conv 3x3 p3 x4", ["W113"]),
        ("conv 3x3 p2 x4", []),
        ("conv 3x3 p4 d2 x4", []),
        ("conv 3x1 p1 x4", ["W113"]),
        # a bias before a norm
        ("conv 3x3 p1 x4; bn", ["W114"]),
        ("conv 3x3 p1 x4; bn noaffine", ["W114"]),
        ("conv 3x3 p1 x4 nobias; bn", []),
        ("deconv 2x2/2 x4; bn", ["W114"]),
        ("conv 3x3 p1 x4; relu; bn", []),
        ("conv 3x3 p1 x4; ln", []),
        ("block unit(c) { conv 3x3 p1 x(c) }\nunit(8); bn; unit(16); bn", ["W114"]),
        # rows that a stride leaves
        ("pool 3x3", ["W115"]),
        ("pool 3x3 ceil", []),
        ("pool 3x3/2 p1", []),  # what is left over is padding
        ("conv 7x7/2 p3 x4", []),
        ("conv 1x1/2 x4", []),  # skips rows anyway
        ("avgpool to=3", []),
        # a norm of one value
        ("gap; bn", ["W116"]),
        ("gap; conv 1x1 x4 nobias; bn", ["W116"]),
        ("gap; flatten; bn", []),
        # nothing to do
        ("relu; relu", ["W117"]),
        ("relu; dropout; relu", ["W117"]),
        ("sigmoid; relu", ["W117"]),
        ("relu; conv 1x1 x4; relu", []),
        ("relu; pool 2x2; relu", []),
        ("block act() { relu }\nact(); relu", ["W117"]),
        ("relu * 3", ["W117"]),
        # a repeat that looks like a product
        ("conv 1x1 x4*2", ["W120"]),
        ("conv 1x1 x4 * 2", []),
        ("conv 1x1 x(4*2)", []),
        ("residual< gap; conv 1x1 x2*3; conv 1x1 x8 >", ["W120"]),
        ("flatten; fc 7*2; relu; fc 2", ["W111", "W120"]),
        ("block f() { conv 3x3 p1 x4; relu }\nf()*2", []),
    ],
)
def test_what_is_remarked(statements: str, expected: list[str]) -> None:
    found = check(HEAD.format("16x16") + statements + "\n")
    assert [d.code for d in found.diagnostics] == expected
    assert found.ok


def test_what_is_remarked_on_other_tensors() -> None:
    assert codes(HEAD.format("15") + "pool 2\n") == ["W115"]
    assert codes(HEAD.format("4x15x16") + "pool 2\n") == ["W115"]
    assert codes(HEAD.format("15x15") + "pool 2x2\n") == ["W115"]
    (found,) = check(HEAD.format("16x15") + "pool 2x2\n").diagnostics
    assert found.title == "no window sees the last column"
    assert found.notes == ("width: 13 / 2 leaves 1",)
    assert codes(HEAD.format("11x11") + "conv 3x3/4 x4\n") == ["W123"]  # which says as much


def test_rows_that_no_window_sees_have_no_gradient() -> None:
    for size, window, stride, padding, ceil in (
        (15, 2, 2, 0, False), (16, 3, 3, 0, False), (16, 5, 4, 0, False), (16, 5, 4, 1, False),
        (16, 3, 2, 1, False), (17, 3, 2, 1, False), (14, 3, 3, 1, True), (14, 4, 4, 0, True),
        (18, 7, 4, 2, False), (19, 7, 4, 2, False), (15, 4, 3, 2, False),
    ):  # fmt: skip
        x = torch.ones(1, 1, size, size, requires_grad=True)
        pool = torch.nn.AvgPool2d(window, stride, padding, ceil)
        pool(x).sum().backward()
        assert x.grad is not None
        lost = bool((x.grad[0, 0, -1] == 0).all())
        text = f"avgpool {window}x{window}/{stride} p{padding}{' ceil' * ceil}\n"
        assert (codes(HEAD.format(f"{size}x{size}") + text) == ["W115"]) is lost, text


def test_a_norm_on_one_value_is_what_torch_refuses() -> None:
    norm = torch.nn.BatchNorm2d(4)
    with pytest.raises(ValueError, match="more than 1 value"):
        norm(torch.randn(1, 4, 1, 1))


def test_a_bias_before_a_norm_does_nothing() -> None:
    conv, norm = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)
    x = torch.randn(8, 3, 9, 9)
    before = norm(conv(x))
    torch.nn.init.constant_(conv.bias, 5.0)
    torch.testing.assert_close(norm(conv(x)), before, rtol=1e-4, atol=1e-4)


# --- quiet -----------------------------------------------------------------------------------


def test_a_comment_keeps_a_warning_quiet() -> None:
    twice = "conv 3x3 p1 x8; bn{}\nconv 3x3 p1 x8; bn\n"
    head = HEAD.format("16x16")
    assert codes(head + twice.format("")) == ["W114", "W114"]
    assert codes(head + twice.format("  # archc: allow W114")) == ["W114"]
    assert codes(head + twice.format("  # as published. archc: allow W114")) == ["W114", "W114"]
    assert codes(head + "# archc: allow W114\n" + twice.format("")) == []
    assert codes(head + twice.format("") + "# archc: allow W115, W114: as published\n") == []
    assert codes(head + "# archc: allow W115\n" + twice.format("")) == ["W114", "W114"]
    quoted = head.replace("Net", 'Net "# archc: allow W114"')
    assert codes(quoted + twice.format("")) == ["W114", "W114"]


def test_no_comment_keeps_an_error_quiet() -> None:
    assert codes("# archc: allow A302\nnetwork Net\ninput 8x8 x3\nconv 3x3\n") == ["A302"]


def test_other_warnings_are_kept_quiet_as_well() -> None:
    text = "network Net\nparam n = 3  # archc: allow W101\ninput 8x8 x3\nconv 1x1 x4\n"
    assert codes(text) == []
    assert codes(text.replace("W101", "W102")) == ["W101"]


def test_a_comment_for_archc_is_no_documentation() -> None:
    text = (
        "# archc: allow W102\n# A small network.\nnetwork Net\ninput 8x8 x3\n"
        "# A unit.\n# archc: allow W114\nblock unit() { conv 3x3 p1 x4; bn }\nunit()\n"
    )
    source = check(text).emit()
    assert "archc: allow" not in source
    assert "A unit." in source


def test_a_file_that_is_used_speaks_for_itself(tmp_path: Path) -> None:
    block = "block unit() { conv 3x3 p1 x4; bn }\n"
    net = 'use "unit.arch"\nnetwork Net\ninput 8x8 x3\nunit()\n'
    for text, expected in ((block, ["W114"]), (block + "# archc: allow W114\n", [])):
        (tmp_path / "unit.arch").write_text(text, "utf-8")
        found = analyze(Source(str(tmp_path / "net.arch"), net)).diagnostics
        assert [d.code for d in found] == expected


@pytest.mark.parametrize("name", sorted(bundled()))
def test_bundled_networks_are_quiet(name: str) -> None:
    path = bundled()[name]
    assert analyze(Source(str(path), path.read_text("utf-8"))).diagnostics == ()

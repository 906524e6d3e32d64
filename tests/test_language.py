"""Names, values and blocks of several tensors, each held against torch written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from fuzz.checks import examine
from torch import Tensor, nn

from archc.api import Analysis, analyze
from archc.net import class_of
from archc.source import Source
from archc.syntax.parser import parse
from archc.syntax.writing import format_file

FAULTS = Path(__file__).parent / "faults" / "language"
HEAD = "network Net\ninput 8x8 x8\n"


def analysis_of(text: str, **params: Any) -> Analysis:
    return analyze(Source("test.arch", text), params=params)


def shapes(text: str, **params: Any) -> list[str]:
    """The shapes after each of the network's statements."""
    found = analysis_of(text, **params)
    assert found.ok, [d.title for d in found.diagnostics]
    assert found.plan is not None
    return [str(node.output.shape) for node in found.plan.body.chain.nodes]


def same(
    text: str, by_hand: Callable[..., Any], *names: str, only: str = "", **params: Any
) -> nn.Module:
    """Holds a network against a function of its inputs and its state_dict.

    The text is formatted and read again, and goes through all that random programs go through,
    or `only` those stages.
    """
    tree, wrong = parse(Source("test.arch", text))
    assert not wrong
    assert parse(Source("test.arch", format_file(tree)))[0] == tree
    if not params:
        examine(text, only)
    net: nn.Module = module_of(text, **params).double().eval()
    state = net.state_dict()
    if names:
        assert {key.rpartition(".")[0] for key in state} == set(names)
    plan = analysis_of(text, **params).plan
    assert plan is not None
    xs = [
        torch.randn(2, *map(int, x.columns[0].dims), dtype=torch.double) for x in plan.body.inputs
    ]
    found, wanted = net(*xs), by_hand(state, *xs)
    pairs = [(found, wanted)] if isinstance(found, Tensor) else zip(found, wanted, strict=True)
    for y, z in pairs:
        torch.testing.assert_close(y, z)
    return net


def module_of(text: str, **params: Any) -> Any:
    found = analysis_of(text, **params)
    return class_of(found.name, found.emit())()


def conv(state: dict[str, Tensor], name: str, x: Tensor, **how: Any) -> Tensor:
    return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), **how)


# --- names -------------------------------------------------------------------------------


def test_several_numbers_in_a_name() -> None:
    text = HEAD + (
        "for i in 0..1 { for j in 0..i { a{i}_{j}b: conv 1x1 x4 } }\n"
        "concat< @a0_0b | @a{1}_{0}b | @a{2 - 1}_{1}b >\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        first = conv(state, "a0_0b", x)
        second = conv(state, "a1_0b", first)
        return torch.cat([first, second, conv(state, "a1_1b", second)], 1)

    same(text, by_hand, "a0_0b", "a1_0b", "a1_1b")


def test_unet_plus_plus_in_loops() -> None:
    text = (FAULTS / "no_two_indices.arch").read_text("utf-8")
    for depth, count in ((4, 15), (2, 6)):
        found = analysis_of(text, depth=depth)
        assert found.ok
        net = class_of(found.name, found.emit())()
        blocks = {name for name, module in net.named_children() if "_" in name}
        assert len(blocks) == count
        assert net(torch.zeros(1, 3, 96, 96)).shape == (1, 1, 96, 96)


def test_inputs_in_a_loop() -> None:
    text = (FAULTS / "no_input_in_loop.arch").read_text("utf-8")
    for views in (3, 1, 5):
        found = analysis_of(text, views=views)
        assert found.ok
        assert found.plan is not None
        assert found.plan.body.input_names == tuple(f"v{i + 1}" for i in range(views))


def test_a_head_for_each_task() -> None:
    text = (FAULTS / "no_output_in_loop.arch").read_text("utf-8")
    found = analysis_of(text)
    made = class_of(found.name, found.emit())()(torch.zeros(1, 3, 32, 32))
    assert {name: tuple(y.shape) for name, y in made._asdict().items()} == {
        "task0": (1, 3), "task1": (1, 7), "task2": (1, 2),
    }  # fmt: skip


def test_a_path_names_a_module_in_a_list() -> None:
    text = HEAD + (
        'concat< "convs.0": conv 1x1 x4 | each i in 1..2 { "convs.{i}": { conv 1x1 x4; relu } } >\n'
        '"head-1": conv 1x1 x4\n"a.x.b": conv 1x1 x4\n"a.y": conv 1x1 x4\nadd< | @a.x.b >\n'
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        more = [F.relu(conv(state, f"convs.{i}.0", x)) for i in (1, 2)]
        x = conv(state, "head-1", torch.cat([conv(state, "convs.0", x), *more], 1))
        b = conv(state, "a.x.b", x)
        return conv(state, "a.y", b) + b

    net = same(text, by_hand, "convs.0", "convs.1.0", "convs.2.0", "head-1", "a.x.b", "a.y")
    assert isinstance(net.convs, nn.ModuleList)
    assert isinstance(net.a, nn.ModuleDict)


def test_paths_out_of_order_and_in_groups() -> None:
    text = HEAD + (
        'g: { "m.1": conv 1x1 x4; conv 1x1 x4; "m.0": conv 1x1 x8; relu }\n'
        'block b(w) { "convs.1": conv 1x1 x(w); "convs.0": conv 1x1 x(w) }\nb(4); b(6)\n'
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        for name in ("g.m.1", "g.1", "g.m.0"):
            x = conv(state, name, x)
        x = F.relu(x)
        for name in ("b1.convs.1", "b1.convs.0", "b2.convs.1", "b2.convs.0"):
            x = conv(state, name, x)
        return x

    same(text, by_hand)


@pytest.mark.parametrize(
    "lines",
    [
        '"a.b": conv 1x1 x8\na: conv 1x1 x8\n',
        'a: conv 1x1 x8\n"a.b": conv 1x1 x8\n',
        '"a.b": conv 1x1 x8\n"a.b": conv 1x1 x8\n',
        '"a.b": conv 1x1 x8\n"a.b.c": conv 1x1 x8\n',
    ],
)
def test_two_modules_at_one_path(lines: str) -> None:
    assert [d.code for d in analysis_of(HEAD + lines).diagnostics] == ["A104"]


@pytest.mark.parametrize("label", ["", ".", "a..b", "a b", "a.forward", "é", "a/b", "__class__"])
def test_a_path_that_is_none(label: str) -> None:
    assert [d.code for d in analysis_of(f'{HEAD}"{label}": conv 1x1 x8\n').diagnostics] == ["A105"]


def test_the_input_and_the_parts_of_a_group_have_names() -> None:
    text = HEAD + (
        "features: { conv 3x3 p1 x4; relu; conv 3x3 p1 x6; relu }\n"
        "block squeeze() { gap; conv 1x1 x(@in.c); sigmoid; mul< | @in > }\n"
        "squeeze()\nconcat< | @features.1 | @input >\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        first = F.relu(conv(state, "features.0", x, padding=1))
        y = F.relu(conv(state, "features.2", first, padding=1))
        pooled = y.mean((2, 3), keepdim=True)
        y = y * torch.sigmoid(conv(state, "squeeze1.conv1", pooled))
        return torch.cat([y, first, x], 1)

    same(text, by_hand, "features.0", "features.2", "squeeze1.conv1", only="state eval -D deploy")
    missing = analysis_of(text + "@features.9\n").diagnostics
    assert [(d.code, "`0`, `1`, `2`, `3`" in d.helps[0]) for d in missing] == [("A103", True)]


def test_paths_in_a_combinator_of_a_group() -> None:
    """Behind the combinator's number or label; a path outside names the module where it says."""
    text = HEAD + (
        'g: { concat< "a.x": conv 1x1 x4 | b: conv 1x1 x4 >; c: add< | "m.0": conv 1x1 x8 > }\n'
        'concat< "h.a": conv 1x1 x4 | "h.b": conv 1x1 x4 >\n'
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        x = torch.cat([conv(state, "g.0.a.x", x), conv(state, "g.0.b", x)], 1)
        x = x + conv(state, "g.c.m.0", x)
        return torch.cat([conv(state, "h.a", x), conv(state, "h.b", x)], 1)

    same(text, by_hand, "g.0.a.x", "g.0.b", "g.c.m.0", "h.a", "h.b")


def test_a_number_in_the_name_of_a_part() -> None:
    text = HEAD + (
        "block body(w) { conv 1x1 x(w); output c0; conv 1x1 x(2*w); output c1; relu }\n"
        "a: body(2)\n"
        "for i in 0..1 { @a.c{i}; conv 1x1 x(@a.c{i}.c + i) as r{i} }\n"
        "g: { conv 1x1 x4; relu; conv 1x1 x4 }\n"
        "concat< @r0 | @r1 | upsample to=@a.c{1} | each i in 0..2 { @g.{i} } >\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        first = conv(state, "a.conv1", x)
        second = conv(state, "a.conv2", first)
        r0, r1 = conv(state, "conv1", first), conv(state, "conv2", second)
        g0 = conv(state, "g.0", r1)
        g2 = conv(state, "g.2", F.relu(g0))
        return torch.cat([r0, r1, g2, g0, F.relu(g0), g2], 1)

    same(text, by_hand, "a.conv1", "a.conv2", "conv1", "conv2", "g.0", "g.2", only="state eval")
    assert [d.code for d in analysis_of(text + "@g.{7}\n").diagnostics] == ["A103"]


def test_a_label_in_quotes_is_referred_to_in_quotes() -> None:
    text = HEAD + (
        'for i in 0..1 { "m.a-{i}": { conv 1x1 x8; relu } }\n'
        "block twice(@t) { add< | @t > }\n"
        'twice(@"m.a-0"); conv 1x1 x(@"m.a-0".c)\n'
        'add< | @"m.a-0".0 | each i in 0..1 { @"m.a-{i}" } >\n'
        'reuse "m.a-1"; reuse "m.a-0".0\n'
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        first = conv(state, "m.a-0.0", x)
        a0 = F.relu(first)
        a1 = F.relu(conv(state, "m.a-1.0", a0))
        x = conv(state, "conv1", a1 + a0) + first + a0 + a1
        return conv(state, "m.a-0.0", F.relu(conv(state, "m.a-1.0", x)))

    same(text, by_hand, "m.a-0.0", "m.a-1.0", "conv1")
    assert [d.code for d in analysis_of(f'{HEAD}@"m.x"\n').diagnostics] == ["A103"]


def test_a_part_of_a_group_runs_again() -> None:
    text = HEAD + (
        "block unit(w) { conv 1x1 x(w); relu }\n"
        "g: { conv 1x1 x8; { unit(8); residual< conv 1x1 x8; sigmoid > }\n"
        "inner: { conv 1x1 x8 } }\n"
        "u: unit(8) * 3\n"
        "reuse g.0; reuse g.1; reuse g.1.1; reuse g.inner; reuse u.2\n"
        "for i in 0..1 { reuse u.{i} }\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        def unit(name: str, x: Tensor) -> Tensor:
            return F.relu(conv(state, f"{name}.conv1", x))

        def shortcut(x: Tensor) -> Tensor:
            return torch.sigmoid(conv(state, "g.1.1.conv1", x)) + x

        def second(x: Tensor) -> Tensor:
            return shortcut(unit("g.1.0", x))

        x = conv(state, "g.inner.0", second(conv(state, "g.0", x)))
        for i in (0, 1, 2):
            x = unit(f"u.{i}", x)
        x = conv(state, "g.inner.0", shortcut(second(conv(state, "g.0", x))))
        for i in (2, 0, 1):
            x = unit(f"u.{i}", x)
        return x

    same(text, by_hand, only="state eval -D deploy")
    assert [d.code for d in analysis_of(text + "conv 1x1 x4; reuse g.0\n").diagnostics] == ["A207"]


# --- values ------------------------------------------------------------------------------


def test_let() -> None:
    text = (
        "network Net\nparam width = 4\nlet wide = 2*width\nlet gate = width > 3\ninput 8x8 x8\n"
        "block b(w) { let hidden = w * in.c; let small = hidden < 40\n"
        "conv 1x1 x(hidden); if small { relu }; conv 1x1 x(wide) }\n"
        "b(4); b(6); if gate { sigmoid }\nlet last = in.c\nconv 1x1 x(last + 1)\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        x = conv(state, "b1.conv2", F.relu(conv(state, "b1.conv1", x)))
        x = torch.sigmoid(conv(state, "b2.conv2", conv(state, "b2.conv1", x)))
        return conv(state, "conv1", x)

    same(text, by_hand)
    assert shapes(text, width=2)[-1] == "8x8 x5"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("let a = 1\nlet a = 2\n", "A106"),
        ("param a = 1\nlet a = 2\n", "A106"),
        ("if true { let a = 2; relu }\nconv 1x1 x(a)\n", "A102"),
        ("let a = b\n", "A102"),
        ("block f(a) { let a = 3; relu }\nf(1)\n", "A106"),
    ],
)
def test_let_is_known_once_and_inside(lines: str, code: str) -> None:
    assert [d.code for d in analysis_of(HEAD + lines).diagnostics if d.is_error] == [code]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("depths[1:]", (4, 6, 3)),
        ("depths[:2]", (3, 4)),
        ("depths[1:-1]", (4, 6)),
        ("depths[:]", (3, 4, 6, 3)),
        ("[2*d for d in depths]", (6, 8, 12, 6)),
        ("[32 * 2**i for i in 0..3]", (32, 64, 128, 256)),
        ("[a + 10*b for a, b in zip(depths, depths[::1] if false else depths)]", None),
        ("[a + 10*b for a, b in zip(depths, [1, 2, 3, 4])]", (13, 24, 36, 43)),
        ("[i * d for i, d in enumerate(depths)]", (0, 4, 12, 9)),
        ("[i + a*b for i, (a, b) in enumerate([[1, 2], [3, 4]])]", (2, 13)),
        ("[sum(depths), sum(depths[:1]), sum([]), max(depths)]", (16, 3, 0, 6)),
        ("[x for x in 3..2]", ()),
    ],
)
def test_lists(expression: str, value: tuple[int, ...] | None) -> None:
    head = "network Net\nparam depths = [3, 4, 6, 3]\ninput x4\n"
    text = f"{head}for n in {expression} {{ fc (n + 1) }}\n"
    found = analysis_of(text)
    if value is None:
        assert not found.ok  # a step is no form of the language
        return
    assert found.ok, [d.title for d in found.diagnostics]
    assert found.plan is not None
    loop = found.plan.body.chain.nodes[-1]
    assert [int(chain.output.channels) - 1 for chain in loop.iterations] == list(value)  # type: ignore[union-attr]
    examine(text)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("zip([1], [1, 2])", "A308"),
        ("sum(3)", "A309"),
        ("enumerate(3)", "A309"),
        ("3[1:]", "A309"),
        ("sum([true])", "A309"),
        ("[i for i in 1..100_000]", "A308"),
        ("[a for a, b in [[1, 2, 3]]]", "A309"),
        ("[i for i in 4]", "A309"),
    ],
)
def test_wrong_lists(expression: str, code: str) -> None:
    found = analysis_of(f"network Net\ninput x4\nfor n in {expression} {{ relu }}\n")
    assert [d.code for d in found.diagnostics] == [code]


def test_a_size_of_another_tensor() -> None:
    text = HEAD + (
        "a: conv 3x3/2 p1 x6\nconv 1x1 x4\nconv 1x1 x(@a.c + @a.h); pool (@a.w // 2)\n"
        "block f(w) { b: conv 1x1 x(w); conv 1x1 x3; conv 1x1 x(2*@b.c) }\nf(2); f(5)\n"
    )
    assert shapes(text)[3] == "4x4 x10"
    assert shapes(text)[-1] == "2x2 x10"
    examine(text)
    assert [d.code for d in analysis_of(HEAD + "fc (@nothing.c)\n").diagnostics] == ["A103"]
    assert [d.code for d in analysis_of("network N\ninput a x4\nfc (@a.h)\n").diagnostics] == [
        "A109"
    ]


def test_the_drop_path_rate_grows_over_the_whole_depth() -> None:
    text = (
        "network Net\nparam depths = [2, 3]\nparam rate = 0.2\ninput 8x8 x8\n"
        "block unit(p) { residual< conv 3x3 p1 x8; droppath (p) > }\n"
        "for s, n in enumerate(depths) {\n"
        "  for i in 0..n-1 { unit(rate * (sum(depths[:s]) + i) / (sum(depths) - 1)) }\n}\n"
    )
    net = module_of(text)
    rates = [m.p for m in net.modules() if type(m).__name__ == "DropPath"]
    assert rates == pytest.approx([0.2 * k / 4 for k in range(5)])
    assert [k.p for k in module_of(text, rate=0.4).modules() if hasattr(k, "p")][-1] == 0.4


def test_a_block_as_a_param() -> None:
    text = (
        "network Net\nparam unit = wide\ninput 8x8 x8\n"
        "block wide(c) { conv 3x3 p1 x(2*c); relu }\nblock plain(c) { conv 1x1 x(c) }\n"
        "unit(4); unit(6)\n"
    )
    assert shapes(text)[-1] == "8x8 x12"
    assert shapes(text, unit="plain")[-1] == "8x8 x6"
    examine(text)
    assert "\nBuilt with unit = wide.\n" in analysis_of(text).emit()
    assert [d.code for d in analysis_of(text, unit="nothing").diagnostics] == ["A311"]


# --- branches ----------------------------------------------------------------------------


def test_each_makes_branches() -> None:
    text = (
        "network ASPP\nparam rates = [1, 2]\ninput 9x9 x4\n"
        "concat< conv 1x1 x3 | each r in rates { conv 3x3 p(r) d(r) x3; relu } | >\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        rates = [state[f"conv{n}.weight"] for n in range(2, 2 + len(state) // 2 - 1)]
        more = [
            F.relu(conv(state, f"conv{2 + i}", x, padding=i + 1, dilation=i + 1))
            for i in range(len(rates))
        ]
        return torch.cat([conv(state, "conv1", x), *more, x], 1)

    same(text, by_hand)
    same(text, by_hand, rates=[1, 2, 3])
    same(text, by_hand, rates=[])
    alone = HEAD + "add< each i in 1..1 { relu } >\n"
    assert [d.code for d in analysis_of(alone).diagnostics] == ["A408"]
    assert [d.code for d in analysis_of(HEAD + "each i in 1..2 { relu }\n").diagnostics] == ["A001"]


def test_an_optional_shortcut() -> None:
    text = HEAD + (
        "block unit(c, stride=1) {\n"
        "  residual if (stride == 1 and in.c == c) < conv 3x3/(stride) p1 x(c); relu > }\n"
        "unit(8); unit(6); unit(6, stride=2); unit(6)\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        for at, (stride, adds) in enumerate([(1, True), (1, False), (2, False), (1, True)], 1):
            y = F.relu(conv(state, f"unit{at}.conv1", x, padding=1, stride=stride))
            x = y + x if adds else y
        return x

    same(text, by_hand)
    source = analysis_of(text).emit()
    assert source.count("class ") == 2
    assert "self.residual = stride == 1 and in_channels == c" in source
    assert [d.code for d in analysis_of(HEAD + "concat if (true) < | relu >\n").diagnostics] == [
        "A408"
    ]


# --- blocks of several tensors -----------------------------------------------------------


def test_a_block_takes_tensors() -> None:
    text = HEAD + (
        "block double(c) { conv 3x3 p1 x(c); relu }\n"
        "block up(c, @skip, scale=1) {\n"
        "  upsample to=@skip; concat< | @skip >; double(c); times (scale) }\n"
        "enc1: double(4); pool 2x2\nenc2: double(6); pool 2x2\ndouble(8)\n"
        "up(6, @enc2); up(4, skip=@enc1, scale=0.5)\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        def double(name: str, x: Tensor) -> Tensor:
            return F.relu(conv(state, f"{name}.conv1", x, padding=1))

        enc1 = double("enc1", x)
        enc2 = double("enc2", F.max_pool2d(enc1, 2))
        x = double("double1", F.max_pool2d(enc2, 2))
        x = double("up1.double1", torch.cat([F.interpolate(x, size=(4, 4)), enc2], 1))
        return 0.5 * double("up2.double1", torch.cat([F.interpolate(x, size=(8, 8)), enc1], 1))

    same(text, by_hand)
    source = analysis_of(text).emit()
    assert "def forward(self, x: Tensor, skip: Tensor) -> Tensor:" in source
    assert "self.up1(" in source


def test_a_default_asks_the_blocks_tensors() -> None:
    text = HEAD + (
        "block up(@skip, c=@skip.c // 2, d=2*c + in.c, big=@skip.h > 4) {\n"
        "  upsample to=@skip; concat< | @skip >; conv 1x1 x(c); if big { relu }; conv 1x1 x(d) }\n"
        "a: conv 1x1 x6; pool 2x2; b: conv 1x1 x10; pool 2x2\n"
        "up(@b); up(@a); up(@a, c=4); up(@a, 5, d=3)\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
        def up(name: str, x: Tensor, skip: Tensor, half: bool) -> Tensor:
            x = torch.cat([F.interpolate(x, size=skip.shape[2:]), skip], 1)
            x = conv(state, f"{name}.conv1", x)
            return conv(state, f"{name}.conv2", F.relu(x) if half else x)

        a = conv(state, "a", x)
        b = conv(state, "b", F.max_pool2d(a, 2))
        x = up("up1", F.max_pool2d(b, 2), b, False)
        for name in ("up2", "up3", "up4"):
            x = up(name, x, a, True)
        return x

    same(text, by_hand, only="state eval -D deploy flat")
    source = analysis_of(text).emit()
    assert source.count("class ") == 2
    wrong = text.replace("c=@skip.c // 2", "c=@a.c")
    assert {(d.code, d.helps) for d in analysis_of(wrong).diagnostics} == {
        ("A103", ("there are `@in.c`, `@skip.c`",))
    }


def test_a_let_that_asks_a_tensor_is_the_networks_own() -> None:
    for value in ("@a.c", "in.c", "@a.c // 2 + 1"):
        text = f"{HEAD}a: conv 1x1 x4\nlet n = {value}\nblock b(w) {{ conv 1x1 x(w + n) }}\n"
        (found,) = analysis_of(text + "b(2)\n").diagnostics
        assert (found.code, "add a parameter `n`" in found.helps[0]) == ("A102", True)
        handed = text.replace("b(w)", "b(w, n)")
        assert analysis_of(handed + "b(2, n)\n").ok
        assert analysis_of(text.replace(" + n", "") + "b(2); conv 1x1 x(n)\n").ok


@pytest.mark.parametrize(
    "lines",
    [
        "let a = zz + 1\nconv 1x1 x(a); conv 1x1 x(2*a)\nlet c = a\nconv 1x1 x(c); if c { relu }",
        "let a = zz\nblock f(w) { conv 1x1 x(a); conv 1x1 x(w + a) }\nf(2); f(3); a",
        "block f(w) { let a = w + zz\nconv 1x1 x(a); let b = a; conv 1x1 x(b) }\nf(2)",
        "let a = @zz.c\nfor i in 1..a { relu }\nfor i in [a] { conv 1x1 x(i) }",
        "conv 1x1 x(zz) as q\nlet a = @q.c\n@input; conv 1x1 x(a)",
    ],
)
def test_a_let_that_is_wrong_is_told_once(lines: str) -> None:
    assert [d.code for d in analysis_of(f"{HEAD}{lines}\n").diagnostics] in (["A102"], ["A103"])


def test_what_stands_behind_a_wrong_let_is_checked() -> None:
    found = analysis_of(f"{HEAD}let a = zz\nconv 1x1 x(a)\n@input; conv 9x9 x4\n").diagnostics
    assert [d.code for d in found] == ["A102", "A201"]


def test_a_block_gives_tensors() -> None:
    text = HEAD + (
        "block body(w) { conv 3x3/2 p1 x(w); output c2; conv 3x3/2 p1 x(2*w); output c3; relu }\n"
        "block merge(c, @lateral) {\n"
        "  conv 1x1 x(c); upsample to=@lateral; add< | @lateral; conv 1x1 x(c) > }\n"
        "b: body(4); merge(5, @b.c3); output p3; merge(5, @b.c2); output p2\n"
    )

    def by_hand(state: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        def merge(name: str, x: Tensor, lateral: Tensor) -> Tensor:
            up = F.interpolate(conv(state, f"{name}.conv1", x), size=lateral.shape[2:])
            return up + conv(state, f"{name}.conv2", lateral)

        c2 = conv(state, "b.conv1", x, stride=2, padding=1)
        c3 = conv(state, "b.conv2", c2, stride=2, padding=1)
        p3 = merge("merge1", F.relu(c3), c3)
        return p3, merge("merge2", p3, c2)

    same(text, by_hand)
    assert "-> tuple[Tensor, Tensor, Tensor]:" in analysis_of(text).emit()


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("f(3)\n", "A306"),
        ("f(3, 4)\n", "A309"),
        ("a: relu; f(@a, @a)\n", "A309"),
        ("f(3, @nothing)\n", "A103"),
        ("a: conv 3x3/2 p1 x8; f(3, @a.c)\n", "A309"),
        ("a: conv 3x3/2 p1 x8; conv 3x3/2 p1 x8; f(8, @a)\n", "A207"),
        ("conv @input\n", "A001"),
        ("dropout(@input)\n", "A301"),
    ],
)
def test_wrong_tensors(lines: str, code: str) -> None:
    text = HEAD + "block f(c, @skip) { conv 1x1 x8; add< | @skip > }\n" + lines
    assert [d.code for d in analysis_of(text).diagnostics if d.is_error] == [code]


def test_what_is_drawn_and_counted_knows_several_tensors() -> None:
    text = HEAD + (
        "block f(c, @skip) { conv 3x3 p1 x(c); concat< | @skip >; output mid; relu }\n"
        "a: conv 3x3 p1 x4\nb: f(4, @a)\nc: f(5, @b.mid)\nconcat< | @c.mid | @b.mid >\n"
    )
    found = analysis_of(text)
    assert found.ok
    assert found.params == 8 * 4 * 9 + 4 + 4 * 4 * 9 + 4 + 8 * 5 * 9 + 5
    for view in ("engineer", "graph", "paper"):
        assert "digraph" in found.draw(view)


def test_a_numbered_loop_over_several_lists_is_one() -> None:
    text = (
        "network Net\nparam depths = [2, 3]\nparam rate = 0.2\ninput 8x8 x8\n"
        "block unit(w, p) { residual< conv 3x3 p1 x(w); droppath (p) > }\n"
        "features: {\n  for s, (w, n) in enumerate(zip([8, 6], depths)) {\n"
        "    if s > 0 { { relu; conv 1x1 x(w) } }\n"
        "    { for i in 0..n-1 { unit(w, rate * (sum(depths[:s]) + i) / sum(depths)) } }\n  }\n}\n"
    )
    source = analysis_of(text).emit()
    assert "in enumerate(zip((8, 6), depths, strict=True)):" in source
    assert "depths: Sequence[int] = (2, 3)" in source
    examine(text)


TOGETHER = {
    "bare weights of a block in a loop": "block b() { for i in 0..1 { g{i}: scale bare } }\nb()\n",
    "other branches in each call": """\
block b(k) { add< each i in 1..k { conv 1x1 x4; if i > 1 { bn } } >; bn }
b(2); b(3)
""",
    "an optional shortcut again": """\
a: residual if (in.c == 8) < conv 3x3 p1 x8 >
reuse a
""",
    "a block that had one tensor twice": """\
block f(@s) { add< @s | conv 3x3 p1 x8 > }
t: relu
a: f(@t)
conv 1x1 x8
reuse a
""",
    "a block for its second output": """\
block two() { conv 1x1 x4; output a; conv 1x1 x8 }
t: two()
@t.a
""",
    "an output with the name of a property": """\
block two(n) { conv 1x1 x4; output c; conv 1x1 x(n) }
t: two(in.c)
add< @t.c | conv 1x1 x(@t.c / 2) >
""",
    "a block called as an operator is": """\
block plus(c) { conv 3x3 p1 x(c); relu }
plus(4); plus(8)
""",
}


@pytest.mark.parametrize("name", TOGETHER)
def test_forms_together(name: str) -> None:
    assert "W103" not in {d.code for d in analysis_of(HEAD + TOGETHER[name]).diagnostics}
    examine(HEAD + TOGETHER[name])


@pytest.mark.parametrize(
    "name", ["blurpool", "div", "grn", "pixel_norm", "reparametrize", "l2norm"]
)
def test_a_block_that_is_older_than_the_operator(name: str) -> None:
    lines = f"block {name}() {{ conv 3x3 p1 x4 }}\nblock b(act={name}) {{ act() }}\n{name}(); b()\n"
    assert shapes(HEAD + lines) == ["8x8 x8", *["8x8 x4"] * 2]


def test_an_output_with_the_name_of_a_property_is_handed_over() -> None:
    lines = """\
block two() { conv 1x1 x4; output c; conv 1x1 x6 }
block both(@s) { concat< @s | conv 1x1 x1 > }
t: two()
both(@t.c)
"""
    assert shapes(HEAD + lines) == ["8x8 x8", "8x8 x6", "8x8 x5"]


def test_a_bare_weight_at_a_path() -> None:
    assert [d.code for d in analysis_of(f'{HEAD}"a.g": scale bare\n').diagnostics] == ["A305"]


def test_two_words_in_a_block_that_nobody_calls() -> None:
    lines = "block unused() { norm l2; mean channels; fc 4 each }\nconv 1x1 x8\n"
    assert {d.code for d in analysis_of(HEAD + lines).diagnostics} == {"W102"}


# --- columns -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "cured"),
    [
        ("columns< relu | relu >; output x", "columns< relu | relu >; join; output x"),
        ("aux< columns< relu | relu > >; conv 1x1 x4",
         "aux< columns< relu | relu >; join >; conv 1x1 x4"),
        ("block f() { columns< relu | relu >; output x; join }\nf()",
         "block f() { columns< relu | relu >; join; output x }\nf()"),
        ("a: columns< relu | relu >; join; upsample to=@a",
         "columns< relu | relu >; a: join; upsample to=@a"),
        ("relu; output a; columns< relu | relu >", "relu; output a; columns< relu | relu >; join"),
    ],
)  # fmt: skip
def test_columns_are_no_output(lines: str, cured: str) -> None:
    """What a build refuses, a check refuses as well."""
    assert [d.code for d in analysis_of(f"{HEAD}{lines}\n").diagnostics] == ["A208"]
    found = analysis_of(f"{HEAD}{cured}\n")
    assert found.ok
    found.emit()


# --- what people missed ------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FAULTS.glob("*.arch")), ids=lambda path: path.stem)
def test_what_was_missing_is_there(path: Path) -> None:
    """Each builds; a vector beside a map, and another tool's word, are told what to write."""
    found = analysis_of(path.read_text("utf-8"))
    wrong = {"help_concat_vector": "A207", "words_sum": "A101"}.get(path.stem)
    assert [d.code for d in found.diagnostics if d.is_error] == ([wrong] if wrong else [])
    if not wrong:
        class_of(found.name, found.emit())()


def test_a_loop_among_branches_is_remarked() -> None:
    text = (FAULTS / "no_branches_from_list.arch").read_text("utf-8").replace("each r", "for r")
    assert [d.code for d in analysis_of(text).diagnostics] == ["W107"]

"""What a test in an expression decides: `Net(w=v)` is the file compiled with `-D w=v`.

Or `w` is no argument. An operator, a list or a block is no number that remembers why it was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

pytest.importorskip("torch")

from check_generated import executed, generate, inputs_of, listed, randomise

from archc.api import analyze
from archc.api.loading import source_of
from archc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")

BLOCK = "block b(act=gelu if in.c > 4 else relu) { conv 1 x4; act }"
LISTED = "block b(ws=[2, 3] if in.c > 4 else [5, 7]) { for c in ws { conv 1 x(c) } }"
MADE_OF = "block one(c) { conv 1 x(c) }\nblock three(c) { conv 3 p1 x(c) }\n"
FILES = {
    "default operator": f"{BLOCK}\ninput 8x8 x4\nconv 1 x(w); b()",
    "beside a given one": f"{BLOCK}\ninput 8x8 x4\nb(tanh); conv 1 x(w); b()",
    "in a block": f"{BLOCK}\nblock st(c) {{ conv 1 x(c); b() }}\ninput 8x8 x4\nst(w); b(tanh)",
    "given operator": "block b(act) { conv 1 x4; act }\ninput 8x8 x4\n"
    "conv 1 x(w); b(gelu if in.c > 4 else relu)",
    "handed on": "block b(c, act=relu) { conv 1 x(c); act }\n"
    "block o(c) { b(c, gelu if c > 4 else relu) }\ninput 8x8 x4\nb(3); o(w); b(5, tanh)",
    "default list": f"{LISTED}\ninput 8x8 x4\nconv 1 x(w); b()",
    "list beside another": f"{LISTED}\ninput 8x8 x4\nb([4, 5]); conv 1 x(w); b()",
    "list of a loop": "input 8x8 x4\nconv 1 x(w)\n"
    "for c in [2, 3] if in.c > 4 else [5] { conv 1 x(c) }",
    "let": "block b() { let act = gelu if in.c > 4 else relu; conv 1 x4; act }\ninput 8x8 x4\n"
    "conv 1 x(w); b()",
    "block": f"{MADE_OF}block b(unit=one if in.c > 4 else three) {{ unit(4) }}\ninput 8x8 x4\n"
    "conv 1 x(w); b(); b(three)",
    "item": "block b(act) { conv 1 x4; act }\ninput 8x8 x4\n"
    "conv 1 x(w); b([gelu, relu, tanh][in.c % 3])",
    "part": "input 8x8 x4\nconv 1 x(w)\nfor c in [2, 3, 4][:2 if in.c > 4 else 1] { conv 1 x(c) }",
    "size": "block b(c=8 if in.h > 2 else 4) { conv 1 x(c) }\ninput 12x12 x4\npool (w); b()",
    "size by a name": "block b(n=in.h) { if n > 2 { conv 1 x7 } }\ninput 12x12 x4\npool (w); b()",
    "number with a flag": "block b() { conv 1 x4 }\n"
    "block s(flag, c) { conv 1 x3; conv 1 x(max(w, 4 if flag else 3)) }\ninput 8x8 x4\n"
    "s(true, w); b(); conv 1 x5; s(false, 2); b()",
    "number in two blocks": "block b() { conv 1 x4 }\n"
    "block s(flag, c) { conv 1 x3; conv 1 x(8 if not flag and w > 1 or in.c > 4 else 2) }\n"
    "block o(flag, c, n=2) { s(flag, c) * n; b() }\ninput 8x8 x4\n"
    "o(true, w); o(w > 3, 5, w // 2 + 1)",
    "if inside of another": "input 8x8 x4\n"
    "if w % 2 == 0 { conv 1 x3; if w > 0 { ln } else { conv 3 p1 x3 } }; conv 1 x4",
    "below 0": "input 8x8 x4\nconv 1 x(3 if w >= 0 else 5)\nif w < 0 { relu }; conv 1 x4",
    "equal at one value": "block b(c, wide) { conv 3 p1 x(c)\n"
    "residual< conv 1 x(wide // 2 + 1) | if in.c != wide // 2 + 1 { conv 1 x(wide // 2 + 1) } > }\n"
    "input 8x8 x4\nb(14, 2 * w); b(15, 2 * w)",
    "equal far away": "block b(c, wide) { if c * 3 == wide - 2 { conv 1 x5 }; conv 1 x(c) }\n"
    "block o(c, wide) { b(c + 1, wide * 2); b(c, wide + 2) }\ninput 8x8 x4\no(2, w); o(in.c, 3)",
    "else if, then a layer": "block b(c, cs) { conv 1 x8; t: { if in.c != w { conv 1 x(c) }\n"
    "else if in.c != c { bn } else { conv 1 x(cs[1]) }; conv 1 x8 } }\n"
    "input 8x8 x4\nb(2 * w, [6, 3]); b(w, [4, 6])",
    "operator by a size": "block b(n=in.h, act=gelu if n > 2 else relu) { conv 1 x3; act }\n"
    "input 12x12 x4\npool (w); b()",
}  # fmt: skip


FIRSTS = [5, *(pytest.param(w, marks=pytest.mark.slow) for w in (1, 3, 6))]
LISTS = {
    "repeats behind an `if`": "block s(c, n, stride=1) { if in.c != c { conv 3/(stride) p1 x(c) }\n"
    "residual< conv 3 p1 x(c) > * n }\ninput 8x8 x4\ns(4, w[0]); s(8, w[1], 2); s(16, w[2])",
    "sum": "input 8x8 x4\nif sum(w) > 4 { conv 1 x(w[0] + 2) }; conv 1 x5",
    "none of a list": "input 8x8 x4\nfor c in w { if c > 0 { conv 1 x(c) } }; conv 1 x5",
    "one less than none": "block s(c, n) { if n > 0 { conv 1 x(c) }\n"
    "{ conv 1 x(c); relu } * (n - 1 if n > 0 else 0) }\ninput 8x8 x4\ns(4, w[0]); s(8, w[1])",
}


@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("name", FILES)
def test_an_argument_decides_as_the_param_does(name: str, first: int) -> None:
    compare_at(f"network Net\nparam w = {first}\n{FILES[name]}\n", [*range(-2, 9), 13, 14])


@pytest.mark.parametrize("first", [[1, 1, 1], [2, 3, 1]])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_decides_as_the_param_does(name: str, first: list[int]) -> None:
    values = [[0, 0, 0], [1, 0, 2], [0, 3, 1], [2, 2, 2], [1, 1, 4], [1, 2], [3, 0, 1, 2], [0]]
    compare_at(f"network Net\nparam w = {first}\n{LISTS[name]}\n", values)


# Its `num_classes` is in no test: to write the network is no search.
@pytest.mark.parametrize("name", ["googlenet_bn", "resnet50", "mobilenet_v2", "efficientnet_b0"])
def test_a_param_that_decides_nothing_is_tried_at_few_values(name: str) -> None:
    found = analyze(source_of(name))
    found.emit()
    tried = [params for params in found.again.made if "num_classes" in params]
    assert len(tried) <= 6, tried


def compare_at(text: str, values: Sequence[int | list[int]]) -> None:
    made = generate(text)
    if "w" not in made.namespace["Net"].__init__.__annotations__:
        return
    for value in values:
        found = analyze(Source("net.arch", text), params={"w": value})
        if not found.ok:
            continue
        compiled = executed(found)
        wanted = compiled.module()
        randomise(wanted, 5)
        net = made.module(w=value)
        net.load_state_dict(wanted.state_dict(), strict=True)
        inputs = inputs_of(compiled.plan, 5)
        for a, b in zip(listed(net.eval()(*inputs)), listed(wanted.eval()(*inputs)), strict=True):
            assert a.equal(b)

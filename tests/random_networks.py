"""Random networks, as text: programs that use every part of the language and mostly fit.

`program(seed)` knows enough of shapes to write what fits: how many spatial dimensions there are,
the channels as an expression of the place, and which tensors have the same size. What does not fit
all the same (a map that became too small) is left out by asking the compiler.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from archc.api import analyze
from archc.ops import REGISTRY
from archc.plan import Apply, Body, Call, walk
from archc.source import Limits, Source

LIMITS = Limits(steps=1200)
LARGEST, MOST_WORK = 20_000, 20_000_000  # what runs in a moment


@dataclass(frozen=True)
class Flow:
    """What is known of the tensor here."""

    rank: int
    channels: str | None  # an expression of this place; None where nothing can be said
    size: int  # equal numbers are equal spatial sizes


@dataclass
class Labelled:
    before: Flow
    after: Flow
    reusable: bool = True


@dataclass
class Place:
    """What can be named here, and where we are."""

    numbers: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)  # parameters that are blocks
    labels: dict[str, Labelled] = field(default_factory=dict)
    loops: list[str] = field(default_factory=list)
    network: bool = False
    nameable: bool = True  # labels may be set here
    depth: int = 0

    def inner(self, **more: object) -> Place:
        return replace(self, depth=self.depth + 1, **more)  # type: ignore[arg-type]


@dataclass
class Block:
    name: str
    rank: int
    call: Callable[[Place], str]  # a call's arguments
    channels: Callable[[str], str] | None  # of the result, by the call's first argument
    first: str = "w"


class Maker:
    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.sizes = count(1)
        self.names = count(1)
        self.blocks: list[Block] = []
        self.rank = self.r.choice((1, 2, 2, 2, 2, 3))

    # --- small things

    def chance(self, p: float) -> bool:
        return self.r.random() < p

    def new_size(self) -> int:
        return next(self.sizes)

    def name(self, stem: str = "t") -> str:
        return f"{self.r.choice((stem, stem, 'layer', 'enc', 'Branch_1x'))}_{next(self.names)}"

    def width(self, p: Place) -> str:
        """Channels: a number or an expression of what is in scope."""
        if not p.numbers or self.chance(0.35):
            if p.lists and self.chance(0.3):
                return f"{self.r.choice(p.lists)}[{self.r.randrange(2)}]"
            return str(self.r.choice((2, 3, 4, 6, 8, 12)))
        a, b = self.r.choice(p.numbers), self.r.choice(p.numbers)
        return self.r.choice(
            (a, a, a, f"2 * {a}", f"{a} + 2", f"{a} + {b}", f"max({a}, {b})", f"{a} // 2 + 1",
             f"4 if {a} > 3 else {a}", f"{a} * 2 - 1", f"ceil({a} / 2)", f"(2 + {b}) % 5 + 1",
             f"min({a}, 5) + {b}", f"round({a} * 1.5) + 1", f"abs({a} - 9) + 1",
             f"2**({a} % 4)")
        )  # fmt: skip

    @staticmethod
    def x(width: str) -> str:
        return f"x{width}" if width.isdigit() else f"x({width})"

    def pick(self, *choices: str) -> str:
        return self.r.choice(choices)

    def cross(self, *numbers: int) -> str:
        """A geometry with a number for each dimension, sometimes."""
        if len(set(numbers)) == 1 and self.chance(0.5):
            return str(numbers[0])
        return "x".join(map(str, numbers)) if self.rank > 1 or self.chance(0.3) else str(numbers[0])

    # --- operators: text, and the tensor after

    def conv(
        self, p: Place, f: Flow, width: str | None = None, keep: bool = False
    ) -> tuple[str, Flow]:
        """A convolution to some width; with `keep` of the same spatial size."""
        w = width or self.width(p)
        form = self.r.randrange(9)
        rank = f.rank
        size = f.size
        if form == 0:
            text = f"conv {'x'.join('1' * rank)} {self.x(w)}"
        elif form == 1 and rank == 2:
            text = f"conv {self.pick('1x3 p0x1', '3x1 p1x0', '1x5 p0x2')} {self.x(w)}"
        elif form == 2:
            text = f"conv 3 same d2 {self.x(w)}"
        elif form == 3 and not keep:
            k = self.r.choice((1, 2, 3))
            text = f"conv {k}/{self.r.choice((1, 2))} {self.x(w)}"
            size = self.new_size()
        elif form == 4 and not keep:
            text = f"conv {'x'.join('3' * rank)}/{'x'.join('2' * rank)} p1 {self.x(w)}"
            size = self.new_size()
        elif form == 5:
            text = (
                f"conv (1 + 2)x(3) p(3 // 2) {self.x(w)}"
                if rank == 2
                else f"conv (3) p1 {self.x(w)}"
            )
        elif form == 6:
            text = f"conv 3 p1 {self.x(w)} padding_mode={self.pick('reflect', 'circular', 'replicate')}"
        elif form == 7:
            text = f"conv kernel=3 padding=1 out=({w})"
        else:
            text = f"conv {'x'.join('3' * rank)} p1 {self.x(w)}"
        if self.chance(0.4):
            text += " nobias"
        return text, Flow(rank, w, size)

    def same_shape(self, p: Place, f: Flow) -> str:
        """An operator that keeps the shape."""
        acts = ["relu"] * 8 + [
            "relu6", "leaky_relu", "leaky_relu 0.2", "prelu", "prelu channel init=0.1", "elu",
            "elu 0.5", "selu", "celu 0.5", "threshold 0.1 value=0.5", "gelu", "gelu tanh", "silu",
            "mish", "softplus", "softplus beta=2", "softsign", "sigmoid", "log_sigmoid", "tanh",
            "hardswish", "hardsigmoid", "hardtanh", "hardtanh min_val=-0.5", "softshrink 0.1",
            "softmax", "log_softmax", "abs", "neg", "square", "times 0.5", "times (1 / 3)",
            "clamp min=-1 max=1", "clamp max=(2)", "scale", "scale single init=0.5", "scale init=1e-6",
            "identity", "tanh; exp", "sigmoid; log", "sigmoid; sqrt", "rrelu", "dropout 0.5",
            "dropout", "alpha_dropout 0.1", "droppath 0.2", "droppath 0.3 batch rescale_eval",
            "ln", "ln eps=1e-6 nobias", "ln noaffine", "bn", "bn", "bn", "bn eps=1e-3 momentum=0.01",
            "bn noaffine", "bn notrack", "gn 1", "gn (in.c)", "gn 1 noaffine", "plus 0.5", "plus (-1 / 3)",
            "div 3", "norm l2", "norm l2 eps=0.1", "pixelnorm", "fc (in.c) each", "mul< | mean channel >",
            "add< | max channel >", "sub< | sum channel >", "softmax< | neg >; chunk 1", "concat< | neg >; sample",
        ]  # fmt: skip
        maps = [
            "conv 3 p1 g(in.c) x(in.c)", "conv 3 p1 g(in.c) x(2 * in.c) nobias; glu", "lrn 3",
            "lrn 5 alpha=1e-3 k=2", "inorm", "inorm affine track", "ln whole", "shuffle (in.c)",
            "shuffle 1", "pool 3/1 p1", "avgpool 3/1 p1", "avgpool 3/1 p1 nocount_pad",
            "dropout 0.2 channel", "alpha_dropout 0.1 channel", "conv 3 p1 x(in.c)",
            "conv 1 x(in.c)", "conv 1 x(in.c) nobias", "grn", "blur 3 zeros", "blur 2/1 zeros",
            "conv 2 same x(in.c)", "conv 3 before=2 x(in.c)", "conv 3 tfsame x(in.c) g(in.c)",
            "conv 3 p1 x(in.c) ws", "conv 3 p1 x(in.c) ws gain gamma=1.5", "conv 3 p1 x(in.c) wn",
            "conv 3 p1 x(in.c) mask=A", "pool 2/1 same", "avgpool 2/1 same nocount_pad", "pool 3/1 tfsame",
        ]  # fmt: skip
        return self.r.choice(acts + (maps if f.rank else []))

    def resize(self, p: Place, f: Flow) -> tuple[str, Flow]:
        """An operator that changes the size of a map."""
        forms = [
            "pool 2", "pool 2 ceil", "pool 3/2 p1", "pool 2/1 d2", "avgpool 2", "avgpool 3/2 p1 ceil",
            "avgpool 3/2 p1 nocount_pad", "lppool 2", "lppool 2/1 norm=3", "pool to=3", "avgpool to=3",
            "pad 1", "pad 1 mode=reflect", "pad 1 mode=replicate", "pad after=1 mode=circular",
            "pad before=1", "crop 1", "crop to=2", "crop after=1", "upsample 2", "upsample 1.5",
            "pool 3/2 tfsame", "avgpool 3/2 tfsame", "conv 3/2 tfsame x(in.c)", "blur 3/2 zeros", "upsample 2 bilinear",
            "upsample 2 nearest_exact", "upsample to=5", "upsample 2 mode=bilinear align_corners",
            "deconv 2/2 x(in.c)", "deconv 3/2 p1 output_padding=1 x(in.c) nobias", "pool kernel=2 stride=2",
        ]  # fmt: skip
        if f.rank == 2:
            forms += [
                "upsample 2 bicubic",
                "pool 2x1",
                "avgpool 1x2 ceil",
                "pad 1x0",
                "upsample 1x2",
            ]
        text = self.r.choice(forms)
        return text, Flow(f.rank, f.channels, self.new_size())

    # --- statements

    def statements(self, p: Place, f: Flow, n: int) -> tuple[list[str], Flow]:
        lines = []
        for _ in range(n):
            line, f = self.statement(p, f)
            lines.append(line)
        return lines, f

    def statement(self, p: Place, f: Flow) -> tuple[str, Flow]:
        """One statement, perhaps with a label."""
        deep = p.depth > 3
        if f.rank == 0:
            makers: list[tuple[int, Callable[[Place, Flow], tuple[str, Flow]]]] = [
                (4, self._fc), (4, self._keep), (0 if deep else 2, self._residual_vector),
                (0 if deep else 1, self._concat), (1, self._unflatten), (0 if deep else 2, self._group),
                (2, self._reuse),
            ]  # fmt: skip
        else:
            composite = 0 if deep else 1
            makers = [
                (6, self._conv_unit), (5, self._keep), (2, self._resized), (2, self._special),
                (5 * composite, self._residual), (3 * composite, self._concat), (2 * composite, self._merge),
                (2 * composite, self._gate), (2 * composite, self._dense), (3 * composite, self._group),
                (2 * composite, self._repeat), (3 * composite, self._for), (3 * composite, self._if),
                (2, self._goto), (2, self._reuse), (7 * composite, self._call), (composite, self._join),
                (composite, self._block_argument), (1, self._like),
            ]  # fmt: skip
        weights = [weight for weight, _ in makers]
        made = self.r.choices(makers, weights)[0][1]
        text, after = made(p, f)
        plain = "\n" not in text and ";" not in text
        if made in (self._goto, self._reuse) or p.nameable is False or not self.chance(0.3):
            return text, after
        if not plain and made not in (self._group, self._residual, self._concat, self._gate):
            return text, after
        keywords = (
            "if ",
            "for ",
            "@",
            "residual",
            "concat",
            "mul",
            "add",
            "join",
            "dense",
            "columns",
        )
        if text.startswith(keywords) and not (p.network and made is self._group):
            return text, after  # a label on a combinator is tried elsewhere
        name = self.name()
        if p.loops:
            return f"{name}_x{{{p.loops[-1]}}}: {text}", after
        p.labels[name] = Labelled(f, after)
        return f"{name}: {text}", after

    def _fc(self, p: Place, f: Flow) -> tuple[str, Flow]:
        w = self.width(p)
        text = f"fc {w}" if w.isdigit() else f"fc ({w})"
        return text + (" nobias" if self.chance(0.2) else ""), Flow(0, w, 0)

    def _keep(self, p: Place, f: Flow) -> tuple[str, Flow]:
        return self.same_shape(p, f), f

    def _resized(self, p: Place, f: Flow) -> tuple[str, Flow]:
        return self.resize(p, f)

    def _conv_unit(self, p: Place, f: Flow) -> tuple[str, Flow]:
        text, f = self.conv(p, f)
        if self.chance(0.5):
            text += self.pick(
                "; bn; relu", "; relu", "; bn", "; bn; relu; dropout 0.1", "; gn 1; silu"
            )
        return text, f

    def _special(self, p: Place, f: Flow) -> tuple[str, Flow]:
        w = self.width(p)
        size = self.new_size()
        forms = [
            (f"conv 1 x(2 * ({w})); glu", Flow(f.rank, w, f.size)),
            (f"conv 1 x({w}); widen x(in.c + 3)", Flow(f.rank, f"({w}) + 3", f.size)),
            (f"deconv 2/2 {self.x(w)}", Flow(f.rank, w, size)),
            ("widen x(in.c + 2)", Flow(f.rank, None, f.size)),
            (
                f"conv 1 x(3 * ({w})); chunk {self.pick('0', '2', '(1 + 1)')} of=3",
                Flow(f.rank, w, f.size),
            ),
            (f"conv 1 x(({w}) + 2); narrow 1 ({w})", Flow(f.rank, w, f.size)),
            (f"conv 1 x(2 * ({w})); concat< chunk 1 | chunk 0; relu >", Flow(f.rank, None, f.size)),
        ]
        if f.rank == 2:
            forms += [
                (f"conv 1x1 x(4 * ({w})); pixelshuffle 2", Flow(2, w, size)),
                (
                    f"upsample 2; pixelunshuffle 2; conv 1x1 {self.x(w)}",
                    Flow(2, w, self.new_size()),
                ),
                (f"conv 3x3 p1 x(2 * ({w})) g2; shuffle 2", Flow(2, f"2 * ({w})", f.size)),
            ]
        return self.r.choice(forms)

    def _unflatten(self, p: Place, f: Flow) -> tuple[str, Flow]:
        size = "x".join("2" * self.rank) if self.rank > 1 else "2"
        text = f"fc {3 * 2**self.rank}; unflatten {size} x3"
        return text, Flow(self.rank, "3", self.new_size())

    def _body(self, p: Place, f: Flow, n: int, keep: bool = True) -> tuple[list[str], Flow]:
        """Statements that keep the spatial size (and the rank)."""
        lines = []
        for _ in range(n):
            if f.rank == 0:
                text, f = self._fc(p, f) if self.chance(0.5) else self._keep(p, f)
            elif self.chance(0.5):
                text, f = self.conv(p, f, keep=True)
            elif self.chance(0.25) and p.depth < 4:
                before = f
                text, f = self.r.choice(
                    (self._residual_plain, self._gate, self._dense, self._concat)
                )(p, f)
                assert f.size == before.size
            else:
                text, f = self._keep(p, f)
            if (
                p.nameable
                and not p.loops
                and ";" not in text
                and "<" not in text
                and self.chance(0.15)
            ):
                name = self.name("b")
                p.labels[name] = Labelled(f, f, reusable=False)
                text = f"{name}: {text}"
            lines.append(text)
        return lines, f

    def _lay(self, lines: list[str]) -> str:
        return "; ".join(lines) if len(lines) < 4 and self.chance(0.5) else "\n  ".join(lines)

    def _return_to(self, p: Place, f: Flow, w: str) -> str:
        """The last step of a branch: to `w` channels."""
        if f.rank == 0:
            return f"fc ({w})"
        return self.pick(
            f"conv 1 {self.x(w)}", f"conv 3 p1 {self.x(w)} nobias; bn", f"conv 3 same {self.x(w)}"
        )

    def _residual_plain(self, p: Place, f: Flow) -> tuple[str, Flow]:
        """body(x) + x, of the same shape."""
        inner = p.inner()
        if f.channels is None:
            return (
                f"residual< {self.pick('conv 3 p1 x(in.c)', 'bn; relu', 'relu; conv 1 x(in.c) nobias; bn')} >",
                f,
            )
        lines, after = self._body(inner, f, self.r.randrange(3))
        lines.append(self._return_to(p, after, f.channels))
        if self.chance(0.1):
            lines.append("droppath 0.1")
        return f"residual< {self._lay(lines)} >" + self.pick("", "; relu", "; bn"), f

    def _residual_vector(self, p: Place, f: Flow) -> tuple[str, Flow]:
        return self._residual_plain(p, f)

    def _residual(self, p: Place, f: Flow) -> tuple[str, Flow]:
        if self.chance(0.5):
            return self._residual_plain(p, f)
        inner = p.inner()
        w = self.width(p)
        s = self.r.choice([n for n in p.numbers if n.startswith("s")] or ["1", "2"])
        lines, _after = self._body(inner, f, self.r.randrange(2))
        lines.append(
            f"conv 3/({s}) p1 {self.x(w)}" + self.pick("; bn", "; bn; relu; conv 3 p1 x(in.c)", "")
        )
        label = (
            self.name("downsample") + ": "
            if not p.loops and p.nameable and self.chance(0.5)
            else ""
        )
        shortcut = (
            f"{{ conv 1/({s}) {self.x(w)} nobias; bn }}" if label else f"conv 1/({s}) {self.x(w)}"
        )
        test = (
            f"if {s} > 1 or in.c != {w} {{ {label}{shortcut} }}"
            if self.chance(0.7)
            else label + shortcut
        )
        return f"residual< {self._lay(lines)} | {test} >; relu", Flow(f.rank, w, self.new_size())

    def _dense(self, p: Place, f: Flow) -> tuple[str, Flow]:
        w = self.width(p)
        text = self.pick("bn; relu; ", "relu; ", "") + f"conv 3 p1 {self.x(w)}"
        after = None if f.channels is None else f"{f.channels} + ({w})"
        after = None if after is None or len(after) > 60 else f"({after})"
        return f"dense< {text} >", Flow(f.rank, after, f.size)

    def _concat(self, p: Place, f: Flow) -> tuple[str, Flow]:
        branches, channels = [], []
        for _ in range(self.r.choice((2, 2, 3, 4))):
            lines, after = self._body(p.inner(), f, self.r.randrange(3))
            branches.append(self._lay(lines) if lines else self.pick("", "identity"))
            channels.append(after.channels)
        seen = [k for k, v in p.labels.items() if v.after.size == f.size and v.after.rank == f.rank]
        if seen and self.chance(0.5):
            label = self.r.choice(seen)
            branches[-1], channels[-1] = f"@{label}", p.labels[label].after.channels
        total = None if None in channels else "(" + " + ".join(f"({c})" for c in channels) + ")"
        total = None if total is None or len(total) > 60 else total
        return f"concat< {' | '.join(branches)} >", Flow(f.rank, total, f.size)

    def _merge(self, p: Place, f: Flow) -> tuple[str, Flow]:
        """add, sub, mul, mean, max of branches that agree."""
        w = self.width(p)
        keyword = self.pick("add", "sub", "mul", "mean", "max")
        branches = []
        for _ in range(2 if keyword == "sub" else self.r.choice((2, 3))):
            lines, after = self._body(p.inner(), f, self.r.randrange(2))
            branches.append(self._lay([*lines, self._return_to(p, after, w)]))
        return f"{keyword}< {' | '.join(branches)} >", Flow(f.rank, w, f.size)

    def _gate(self, p: Place, f: Flow) -> tuple[str, Flow]:
        squeeze = "max(in.c // 4, 1)"
        if f.channels is None or f.rank == 0:
            return "mul< identity | sigmoid >", f
        gate = f"gap; conv 1 x({squeeze}); relu; conv 1 x({f.channels}); {self.pick('sigmoid', 'hardsigmoid')}"
        spatial = "conv 7 p3 x1; sigmoid"
        return f"mul< {self.pick('', 'identity')} | {self.pick(gate, gate, spatial)} >", f

    def _join(self, p: Place, f: Flow) -> tuple[str, Flow]:
        w = self.width(p)
        branch = [f"conv 3 p1 {self.x(w)}{self.pick('', '; bn', '; relu')}" for _ in range(3)]
        drop = self.pick("", " droppath=0.15")
        forms = [
            f"join{drop}< {branch[0]} | {branch[1]} >",
            f"columns< {branch[0]} | {branch[1]} >; join{drop}",
            f"columns< {branch[0]} | columns< {branch[1]} | {branch[2]} > >; join{drop}",
            f"columns< {branch[0]} | columns< {branch[1]} | {branch[2]} >; join{drop}; relu >; join{drop}",
        ]
        return self.r.choice(forms), Flow(f.rank, w, f.size)

    def _group(self, p: Place, f: Flow) -> tuple[str, Flow]:
        known = set(p.labels)
        lines, after = self.statements(p.inner(), f, self.r.choice((1, 2, 2, 3)))
        for name in set(p.labels) - known:
            p.labels[name].reusable = False
        return "{\n  " + "\n  ".join(lines) + "\n}", after

    def _repeat(self, p: Place, f: Flow) -> tuple[str, Flow]:
        """A repeat of something that keeps the channels, or grows."""
        n = self.r.choice(("2", "3", "4", *(n for n in p.numbers if n.startswith("n"))))
        kind = self.r.randrange(5)
        start = Flow(f.rank, None, f.size)
        if kind == 0:
            w = self.width(p)
            return f"{{ conv 3 p1 {self.x(w)} nobias; bn; relu }} * {n}", Flow(f.rank, w, f.size)
        if kind == 1 and f.channels is not None:
            text, after = self._residual_plain(p.inner(nameable=False), f)
            if "; " in text.rpartition(">")[2]:
                return f"{{ {text} }} * {n}", f
            return f"{text} * {n}", f
        if kind == 2:
            text, _ = self._dense(p.inner(nameable=False), start)
            return f"{text} * {n}", start
        if kind == 3:
            w = self.width(p)
            return f"conv 3 p1 {self.x(w)} * {n}", Flow(f.rank, w, f.size)
        lines, after = self._body(p.inner(nameable=False), start, 2)
        return "{ " + "; ".join(lines) + f" }} * {n}", replace(after, channels=None)

    def _for(self, p: Place, f: Flow) -> tuple[str, Flow]:
        hidden = dict(p.labels)
        n = self.r.choice(("2", "3", "4", *(n for n in p.numbers if n.startswith("n"))))
        i = next(v for v in "ijkmn" if v not in p.loops and v not in p.numbers)
        start = Flow(f.rank, None, f.size)
        if self.chance(0.35):
            rows = [
                [self.r.choice((2, 3, 4, 6)), self.r.choice((1, 1, 2))]
                for _ in range(self.r.choice((2, 3)))
            ]
            inner = p.inner(numbers=[*p.numbers, "w0"], loops=[], nameable=False, labels={})
            if self.chance(0.5):
                conv = f"conv 3/(s0) p1 x(w0){self.pick('', '; bn; relu', '; relu')}"
                more, _ = self._body(inner, Flow(f.rank, "w0", 0), self.r.randrange(2))
                text = f"for w0, s0 in {rows} {{ {'; '.join([conv, *more])} }}"
                return text, Flow(f.rank, None, self.new_size())
            source = self.r.choice((*p.lists, str([r[0] for r in rows])))
            more, _ = self._body(inner, Flow(f.rank, "w0", 0), self.r.randrange(3))
            return f"for w0 in {source} {{ conv 3 p1 x(w0); {'; '.join([*more, 'relu'])} }}", start
        inner = p.inner(numbers=[*p.numbers, i], loops=[*p.loops, i], labels=dict(hidden))
        lines, _after = self._body(inner, start, self.r.choice((1, 2, 3)))
        named: dict[str, Labelled] = {}
        if self.chance(0.6) and p.nameable:
            stem = self.name("u")
            width = self.width(
                replace(p, numbers=[n for n in inner.numbers if not n.startswith("s")])
            )
            lines.append(f"{stem}_{{{i}}}: conv 3 p1 {self.x(width)}")
            if not p.loops:
                named[f"{stem}_1"] = Labelled(start, Flow(f.rank, None, f.size), reusable=False)
        first = self.pick("1", "1", "0") if not named else "1"
        text = f"for {i} in {first}..{n} {{\n  " + "\n  ".join(lines) + "\n}"
        p.labels.update(named)
        return text, start

    def _if(self, p: Place, f: Flow) -> tuple[str, Flow]:
        tests = ["in.c > 4", "in.c == 3", "in.c % 2 == 0 and not in.c > 8"]
        for n in p.numbers:
            tests += [
                f"{n} > 1",
                f"{n} == 2",
                f"{n} != 3 or in.c < 5",
                f"not {n} > 2",
                f"{n} % 2 == 0",
            ]
        if f.rank:
            tests.append("in.w > 4")
        inner = p.inner(nameable=False)
        then, a = self._body(inner, f, self.r.choice((1, 2)))
        text = f"if {self.r.choice(tests)} {{ {'; '.join(then)} }}"
        ends = [f, a]
        if self.chance(0.5):
            other, b = self._body(inner, f, self.r.choice((1, 2)))
            ends = [a, b]
            if self.chance(0.3):
                third, c = self._body(inner, f, 1)
                text += f" else if {self.r.choice(tests)} {{ {'; '.join(third)} }}"
                ends.append(c)
            text += f" else {{ {'; '.join(other)} }}"
        channels = {end.channels for end in ends}
        return text, replace(f, channels=channels.pop() if len(channels) == 1 else None)

    def _goto(self, p: Place, f: Flow) -> tuple[str, Flow]:
        known = [k for k, v in p.labels.items() if v.after.rank]
        if not known or p.loops:
            return self._keep(p, f)
        label = self.r.choice(known)
        return f"@{label}", p.labels[label].after

    def _reuse(self, p: Place, f: Flow) -> tuple[str, Flow]:
        known = [k for k, v in p.labels.items() if v.reusable]
        if not known or p.loops:
            return self._keep(p, f)
        label = self.r.choice(known)
        found = p.labels[label]
        if found.before.channels == f.channels and found.before.rank == f.rank and f.channels:
            same = found.before.size == f.size or found.before.size == found.after.size
            size = (
                found.after.size
                if found.before.size == f.size
                else f.size
                if same
                else self.new_size()
            )
            return f"reuse {label}", Flow(found.after.rank, found.after.channels, size)
        if not found.before.rank or found.before.channels is None or not f.rank:
            return self._keep(p, f)
        return f"conv 1 {self.x(found.before.channels)}; reuse {label}", Flow(
            found.after.rank, found.after.channels, self.new_size()
        )

    def _like(self, p: Place, f: Flow) -> tuple[str, Flow]:
        known = [k for k, v in p.labels.items() if v.after.rank == f.rank and v.after.rank]
        if not known:
            return self._resized(p, f)
        label = self.r.choice(known)
        text = self.pick(
            f"upsample to=@{label}", f"upsample to=@{label} bilinear", f"crop to=@{label}"
        )
        return text, Flow(f.rank, f.channels, p.labels[label].after.size)

    def _call(self, p: Place, f: Flow) -> tuple[str, Flow]:
        known = [b for b in self.blocks if b.rank == f.rank and not b.name.startswith("with")]
        if not known:
            return self._conv_unit(p, f)
        block = self.r.choice(known)
        arguments = block.call(p)
        first = arguments.split(",")[0].strip()
        whole = first.count("(") == first.count(")")  # not `min(w` of `min(w, 5)`
        channels = None if not whole or block.channels is None else block.channels(f"({first})")
        repeat = self.pick("", "", "", " * 2", " * 3") if channels else ""
        return f"{block.name}({arguments}){repeat}", Flow(f.rank, channels, self.new_size())

    def _block_argument(self, p: Place, f: Flow) -> tuple[str, Flow]:
        if p.blocks:
            w = self.width(p)
            return f"{self.r.choice(p.blocks)}({w})", Flow(f.rank, None, self.new_size())
        takers = [b for b in self.blocks if b.name.startswith("with")]
        values = [b for b in self.blocks if not b.name.startswith(("with", "applying"))]
        if not takers or not values:
            return self._conv_unit(p, f)
        w = self.width(p)
        return f"{self.r.choice(takers).name}({self.r.choice(values).name}, {w})", Flow(
            f.rank, None, self.new_size()
        )

    # --- blocks

    def block(self) -> str:
        kind = self.r.randrange(9)
        number = next(self.names)
        if kind == 0:
            return self._recursive(number)
        if kind == 1 and self.blocks:
            return self._taker(number)
        if kind == 2:
            return self._applier(number)
        name = self.pick("unit", "dense_layer", "Stage", "fire") + f"_{number}"
        formals, call = self._formals()
        numbers = [f.split("=")[0].strip() for f in formals if not f.startswith("ws")]
        lists = ["ws"] if any(f.startswith("ws") for f in formals) else []
        place = Place(numbers, lists, depth=1)
        flow = Flow(self.rank, None, self.new_size())
        lines, after = self.statements(place, flow, self.r.choice((1, 2, 3, 4)))
        channels: Callable[[str], str] | None = None
        if self.chance(0.7) and after.rank:
            lines.append(
                self.pick(
                    "conv 1 x(w)",
                    "conv 3/(s) p1 x(w); relu" if "s" in numbers else "conv 1 x(w); bn",
                )
            )
            channels = str
        elif self.chance(0.3) and after.rank:
            lines.append("residual< conv 3 p1 x(in.c); bn >; relu")
        if after.rank == 0:
            lines.append(
                f"fc {3 * 2**self.rank}; unflatten {'x'.join('2' * self.rank) if self.rank > 1 else 2} x3"
            )
            channels = lambda first: "3"  # noqa: E731
        word = "sequence" if self.chance(0.2) else "block"
        self.blocks.append(Block(name, self.rank, call, channels))
        doc = self.pick(
            "",
            '# What it does: a "unit" of \\ two.\n',
            "# One line.\n# And another, {with} braces.\n",
        )
        return f"{doc}{word} {name}({', '.join(formals)}) {{\n  " + "\n  ".join(lines) + "\n}\n"

    def _formals(self) -> tuple[list[str], Callable[[Place], str]]:
        more = []
        if self.chance(0.6):
            more.append("s=1")
        if self.chance(0.4):
            more.append("n=2")
        if self.chance(0.3):
            more.append("e=w * 2")
        if self.chance(0.25):
            more.append("ws=[3, 4, 2]")

        def call(p: Place) -> str:
            width = str(self.r.choice((2, 3, 4, 6))) if self.chance(0.5) else self.width(p)
            given = [width]
            for formal in more:
                name = formal.split("=")[0]
                if self.chance(0.5):
                    value = {"s": self.pick("1", "2", "2"), "n": self.pick("1", "2", "3", "0"),
                             "e": self.width(p), "ws": self.pick("[2, 3]", "[4, 2, 3]")}[name]  # fmt: skip
                    given.append(f"{name}={value}")
            return ", ".join(given)

        return ["w", *more], call

    def _recursive(self, number: int) -> str:
        name = f"rec_{number}"
        place = Place(["w"], depth=3, nameable=False)
        lines, _ = self._body(place, Flow(self.rank, None, 0), 1)
        form = self.r.randrange(3)
        work = f"conv 3 p1 x(w); {'; '.join(lines)}; conv 1 x(w); relu"
        if form == 0:
            body = f"if n > 1 {{ {name}(w, n - 1) }}\n  {work}"
        elif form == 1:
            body = f"if n > 1 {{ join< {name}(w, n - 1); {name}(w, n - 1) | conv 3 p1 x(w); bn; relu > }} else {{ {work} }}"
        else:
            body = f"if n > 0 {{ residual< conv 3 p1 x(w); {name}(w, n - 1) | conv 1 x(w) > }} else {{ conv 1 x(w) }}"
        self.blocks.append(
            Block(
                name,
                self.rank,
                lambda p: f"{self.r.choice((2, 4))}, n={self.r.randrange(1, 4)}",
                str,
            )
        )
        return f"block {name}(w, n=2) {{\n  {body}\n}}\n"

    def _applier(self, number: int) -> str:
        """A block that applies operators which it is given."""
        name = f"applying_{number}"

        def call(p: Place) -> str:
            act = self.pick("relu", "gelu", "silu", "identity", "relu if 2 > 1 else tanh")
            norm = self.pick("", "", ", ln", ", norm=identity", ", norm=bn")
            merge = self.pick("", "", ", merge=mul", ", merge=max")
            return f"{self.width(p)}, {act}{norm}{merge}"

        self.blocks.append(Block(name, self.rank, call, str))
        head = f"block {name}(w, act, norm=bn, merge=add)"
        return f"{head} {{\n  merge< conv 1 x(w); norm; act | conv 3 p1 x(w) >; act\n}}\n"

    def _taker(self, number: int) -> str:
        name = f"with_{number}"
        place = Place(["w"], blocks=["unit_of"], depth=2)
        flow = Flow(self.rank, None, self.new_size())
        lines, _ = self._body(place, flow, self.r.randrange(2))
        self.blocks.append(Block(name, self.rank, lambda p: "", None))
        body = "\n  ".join(
            [
                *lines,
                self.pick(
                    "unit_of(w); bn; relu", "unit_of(w) * 2", "a: unit_of(w); b: unit_of(w + 1)"
                ),
            ]
        )
        return f"block {name}(unit_of, w) {{\n  {body}\n}}\n"

    # --- the whole

    def parts(self) -> tuple[list[str], list[str]]:
        """The head of a file (blocks and params), and the network's statements."""
        self.params = []
        head = [f'network Net "{self.pick("A random network", "Of {{ braces }}", "It is")}"']
        if self.chance(0.6):
            self.params.append("width")
            head.append(f"param width = {self.r.choice((2, 3, 4))}")
        if self.chance(0.4):
            self.params.append("n_units")
            head.append("param n_units = 2")
        if self.chance(0.4):
            self.params.append("classes")
            head.append("param classes = 5")
        head += [self.block() for _ in range(self.r.randrange(4))]
        numbers = [name for name in self.params if name != "classes"]
        place = Place(numbers, network=True)
        extent = {1: (8, 16, 24), 2: (6, 8, 12), 3: (4, 6)}[self.rank]
        statements, flow = [], Flow(self.rank, "3", 0)
        inputs, size = self.r.choice((1, 1, 1, 2)), ""
        for at in range(inputs):
            c = self.r.choice((1, 3, 4))
            size = "x".join([str(self.r.choice(extent))] * self.rank) if at == 0 else size
            name = (
                self.pick("left ", "frame ", "x1 ")
                if at == 0 and inputs > 1
                else "right "
                if at
                else ""
            )
            statements.append(f"input {name}{size} x{c}")
            flow = Flow(self.rank, str(c), 0)
            if name:
                place.labels[name.strip()] = Labelled(flow, flow, reusable=False)
        for _ in range(self.r.choice((3, 5, 8, 12))):
            text, flow = self.statement(place, flow)
            statements.append(text)
            if self.chance(0.08):
                statements.append(f"output {self.name('out')}")
            if self.chance(0.08):
                statements.append(self._aux(place, flow))
            if flow.rank and self.chance(0.06):
                statements.append(self.pick("gap; flatten", "flatten"))
                flow = Flow(0, None, 0)
        if flow.rank and self.chance(0.5):
            statements.append(
                "gap; flatten; fc " + ("(classes)" if "classes" in self.params else "4")
            )
        elif self.chance(0.2):
            statements.append(f"output {self.name('out')}")
        return head, statements

    def _aux(self, p: Place, f: Flow) -> str:
        label = f"{self.name('aux')}: " if self.chance(0.4) else ""
        body = "gap; flatten; fc 3" if f.rank else "fc 3"
        if self.chance(0.3):
            body = f"{self.name('head')}: {{ {body} }}"
        return f"{label}aux weight=0.3 < {body} >"


@dataclass(frozen=True)
class Program:
    text: str
    params: tuple[str, ...]
    refused: tuple[str, ...]  # titles of the diagnostics of statements that did not fit


def accepted(text: str) -> list[str]:
    """The titles of the errors of a text."""
    analysis = analyze(Source("random.arch", text), limits=LIMITS)
    if analysis.ok and analysis.plan is not None:
        largest = max(_elements(analysis.plan.body, set()), default=0)
        if largest > LARGEST or analysis.macs > MOST_WORK:
            return [f"too large to run: {largest} elements, {analysis.macs} MACs"]
    return [f"{d.code} {d.title}" for d in analysis.diagnostics if d.is_error]


def _elements(body: Body, seen: set[Body]) -> Iterator[int]:
    """How many elements each tensor has, each body once."""
    if body in seen:
        return
    seen.add(body)
    for node in walk(body.chain.nodes):
        if isinstance(node, Apply) and node.output.shape is not None:
            yield int(node.output.shape.features)
        elif isinstance(node, Call):
            yield from _elements(node.body, seen)


def program(seed: int) -> Program:
    """A program without mistakes. The same seed gives the same text."""
    maker = Maker(seed)
    head, statements = maker.parts()
    text, refused = "\n".join(head), []
    chosen: list[str] = []
    whole = "\n".join([text, *statements]) + "\n"
    if not accepted(whole):
        return Program(whole, tuple(maker.params), ())
    for statement in statements:
        attempt = "\n".join([text, *chosen, statement]) + "\n"
        wrong = accepted(attempt)
        if wrong:
            refused += wrong
        else:
            chosen.append(statement)
    return Program("\n".join([text, *chosen]) + "\n", tuple(maker.params), tuple(refused))


def operators_of(text: str) -> set[str]:
    """The operators of the registry that a text mentions."""
    words = set(
        text.replace("<", " ").replace(";", " ").replace("{", " ").replace("|", " ").split()
    )
    found = {cls.name for name, cls in REGISTRY.items() if name in words}
    for name in (name for name in REGISTRY if " " in name):
        first, second = name.split()
        sign = f"{first}<" if second == "branches" else rf"\b{first}\b[^;|<>\n]*\b{second}\b"
        if re.search(sign, text):
            found.add(REGISTRY[name].name)
    return found

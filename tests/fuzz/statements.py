"""Random statements, the way users write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from fuzz.scope import Chooser, Scope

Made = tuple[str, int]  # text, and the size of its tensor


@dataclass(frozen=True)
class Formal:
    kind: str
    name: str
    default: str | None = None


@dataclass(frozen=True)
class Block:
    """A block that was written: how to call it, and whether a map keeps its size."""

    name: str
    formals: tuple[Formal, ...]
    keeps: bool  # where its stride is 1
    part: bool = False  # can be given to another block: its first parameter is a width
    takes: str = ""  # the parameter that is a block
    skip: str = ""  # the parameter that is a tensor, of the size of what comes in
    gives: str = ""  # its further output, of that size


def wide(width: str) -> str:
    return f"x{width}" if width.isdigit() else f"x({width})"


class Statements(Chooser):
    """Makes statements for tensors of one rank: 0 is a vector, 1 to 3 a map."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.rank = self.r.choices((0, 1, 2, 3), (1, 2, 12, 1))[0]
        self.blocks: list[Block] = []
        # Short programs of blocks that are called often find most faults for the time they take.
        self.tiny = self.chance(0.6)
        self.terse = self.tiny or self.chance(0.5)
        room = (3, 4, 6) if self.tiny else (6, 10, 14)
        self.room = self.r.choice(room)  # statements that may have others inside
        self.sizes = count(1)
        self.numbers = count(1)

    # --- layers

    def to(self, s: Scope, width: str) -> str:
        """A layer without stride to so many channels."""
        if self.rank == 0:
            return f"fc ({width})"
        forms = [
            f"conv 1 {wide(width)}",
            f"conv 3 p1 {wide(width)} nobias",
            f"conv 3 same {wide(width)}",
            f"conv {self.pick('2 same', '3 tfsame', '3 before=2', '3 p1 ws', '3 p1 wn')} {wide(width)}",
            f"fc ({width}) each",
        ]
        if self.rank == 2:
            forms += [f"conv 3x3 p1 {wide(width)}", f"conv 1x1 {wide(width)} nobias"]
        for k in s.of("window"):
            forms += [
                f"conv ({k})x({k}) p({k} // 2) {wide(width)}"
                if self.rank == 2
                else f"conv ({k}) p({k} // 2) {wide(width)}"
            ] * 3
        return self.pick(*forms)

    def unit(self, s: Scope, width: str) -> str:
        more = ["; bn; relu", "; relu", "; bn", "", ""]
        if self.tiny:
            more = ["", "", "", "; relu"]
        if s.of("act"):
            more += [f"; {self.pick(*s.of('act'))}"] * 3
        return self.to(s, width) + self.pick(*more)

    def keeper(self, s: Scope) -> str:
        """A layer that keeps the shape."""
        forms = ["relu", "relu", "bn", "gelu", "silu", "leaky_relu 0.1", "tanh", "ln", "identity",
                 "dropout 0.1", "prelu", "scale init=0.5", "times 0.5", "hardswish", "rrelu",
                 "plus 0.5", "div 2", "norm l2", "pixelnorm", "fc (in.c) each",
                 "mul< | mean channel; sigmoid >", "sub< | max channel >"]  # fmt: skip
        forms += [*s.of("act")] * 3
        if self.rank:
            forms += ["conv 3 p1 x(in.c)", "conv 3 p1 g(in.c) x(in.c) nobias", "conv 1 x(in.c)", "inorm affine track",
                      "pool 3/1 p1", "avgpool 3/1 p1", "gn 1", "grn", "blur 3/1 zeros", "pool 2/1 same",
                      "conv 2 same x(in.c)", "conv 3 before=2 x(in.c)", "conv 3 tfsame x(in.c) wn nobias",
                      "conv 3 p1 x(in.c) ws gain", "conv 3 p1 x(in.c) mask=B"]  # fmt: skip
        else:
            forms += ["fc (in.c)", "fc (in.c) nobias", "fc (in.c) wn"]
        if s.of("rate"):
            forms += [f"dropout ({self.rate(s)})"] * 2
        return self.pick(*forms)

    def resized(self, s: Scope) -> str:
        w = self.width(s)
        t = self.stride(s)
        return self.pick("pool 2", "pool 3/2 p1", "avgpool 2", f"conv 3/({t}) p1 {wide(w)}", f"conv 2/2 {wide(w)}", "upsample 2",
                         "pad 1", "crop after=1", "upsample to=6" if self.rank == 1 else "pad after=1",
                         f"deconv 2/2 {wide(w)}", f"pool 3/({t}) p1", f"conv 3/({t}) tfsame {wide(w)}",
                         f"pool 2/({t}) tfsame", f"blur 3/({t}) zeros", "avgpool 2/2 tfsame", "upsample 1.5")  # fmt: skip

    # --- sequences

    def sequence(self, s: Scope, n: int, size: int, keep: bool = False) -> Made:
        lines = []
        if self.chance(0.12):
            kind = self.pick("width", "width", "flag")
            name = f"let{next(self.numbers)}"
            lines.append(f"let {name} = {self.value(kind, s)}")
            s = s.having(kind, name)
        for _ in range(n):
            line, size = self.statement(s, size, keep)
            lines.append(line)
        return "; ".join(lines), size

    def statement(self, s: Scope, size: int, keep: bool = False) -> Made:
        """One statement. With `keep` the tensor keeps its size."""
        self.room -= 1
        if self.room < 0 or s.depth > 1 + (not self.terse):
            return (self.keeper(s) if self.chance(0.4) else self.unit(s, self.width(s))), size
        if self.rank and not keep and self.chance(0.08):
            return self.resized(s), next(self.sizes)
        makers: list[tuple[int, Callable[[Scope, int, bool], Made]]] = [
            (5, self._unit), (4, self._keeper), (8, self._call), (5, self._if), (4, self._for), (3, self._repeat),
            (3, self._residual), (2, self._concat), (2, self._merge), (1, self._gate), (2, self._group), (2, self._reuse), (1, self._goto),
            (1, self._dense), (1, self._windows), (1, self._chunks), (1, self._aux),
            (2, self._optional), (2, self._each), (1, self._named_twice), (1, self._fact),
            (1, self._items), (2, self._alias), (1, self._source), (1, self._tasks),
        ]  # fmt: skip
        if s.parts:
            makers.append((8, self._part))
        if self.terse and s.depth < 2:
            makers += [(20, self._call), (12, self._if)]
        return self.r.choices([m for _, m in makers], [w for w, _ in makers])[0](s, size, keep)

    def _unit(self, s: Scope, size: int, keep: bool) -> Made:
        text = self.unit(s, self.width(s))
        if s.labels and ";" not in text and self.chance(0.2):
            return f"{self.label(s)}: {text}", size
        return text, size

    def _keeper(self, s: Scope, size: int, keep: bool) -> Made:
        return self.keeper(s), size

    def label(self, s: Scope) -> str:
        stem = self.pick("a", "b", "conv", "layer", "enc", "tree1.", "x0", "down").replace(".", "_")
        return f"{stem}{next(self.numbers)}"

    def _call(self, s: Scope, size: int, keep: bool) -> Made:
        known = [b for b in self.blocks[: s.blocks] if b.keeps or not keep]
        if not s.labels:
            known = [b for b in known if not b.skip]
        if not known:
            return self._unit(s, size, keep)
        block = self.r.choice(known)
        if block.skip or block.gives:
            return self._several(block, s, size, keep)
        text, same = self.call(block, s, keep)
        size = size if same else next(self.sizes)
        if s.labels and self.chance(0.2):
            return f"{self.label(s)}: {text}", size
        return text, size

    def _several(self, block: Block, s: Scope, size: int, keep: bool) -> Made:
        """A call of a block that takes or gives more than one tensor."""
        before, skip = "", ""
        if block.skip:
            skip = self.label(s)
            between = self.pick("", self.keeper(s) + "; ", f"{self.to(s, self.width(s))}; ")
            before = f"{skip}: {self.to(s, self.width(s))}; {between}"
        text, same = self.call(block, s, keep, skip)
        size = size if same else next(self.sizes)
        if not (block.gives and s.labels and "*" not in text.rpartition(")")[2]):
            return before + text, size
        label = self.label(s)
        after = [f"; concat< | @{label}.{block.gives} >"] * same
        after.append("")  # what the block ends with is always used: flat, it would not run
        return f"{before}{label}: {text}{self.pick(*after)}", size

    def call(self, block: Block, s: Scope, keep: bool, tensor: str = "in") -> tuple[str, bool]:
        """A call with arguments, by place and by name, and whether it keeps the size."""
        given: list[str] = []
        by_name, same = False, block.keeps
        for formal in block.formals:
            if formal.kind == "stride" and keep:
                value = "1"
                if formal.default == "1" and self.chance(0.6):
                    by_name = True
                    continue
            elif formal.default is not None and self.chance(0.5):
                by_name = True
                same = same and (formal.kind != "stride" or formal.default == "1")
                continue
            elif formal.kind == "tensor":
                value = f"@{tensor}"
            elif formal.kind == "part":
                parts = [b.name for b in self.blocks[: s.blocks] if b.part and b.name != block.name]
                value = self.pick(*s.parts, *parts) if s.parts or parts else self.pick("bn", "relu")
            elif formal.kind == "width" and self.chance(0.15):
                value = self.pick("in.c", "in.c", "2 * in.c", "in.c // 2 + 1")
            elif formal.kind == "count" and block.name.startswith("rec"):
                value = self.pick("1", "2", "3", *s.of("count"))
            else:
                value = self.value(formal.kind, s)
            same = same and (formal.kind != "stride" or value == "1")
            given.append(f"{formal.name}={value}" if by_name or self.chance(0.15) else value)
            by_name = by_name or (
                "=" in given[-1].partition("=")[1] and given[-1].startswith(f"{formal.name}=")
            )
        text = f"{block.name}({', '.join(given)})"
        if same and self.chance(0.15):
            text += f" * {self.times(s)}"
        return text, same

    def times(self, s: Scope) -> str:
        n = self.count(s)
        return n if n.isidentifier() or n.isdigit() else f"({n})"

    def _part(self, s: Scope, size: int, keep: bool) -> Made:
        text = f"{self.pick(*s.parts)}({self.width(s)})"
        return (text + f" * {self.times(s)}" if self.chance(0.2) else text), size

    # --- control

    def _if(self, s: Scope, size: int, keep: bool) -> Made:
        inner = s.inner()
        then, _ = self.sequence(inner, self.r.choice((1, 1, 2)), size, True)
        text = f"if {self.test(s)} {{ {then} }}"
        if self.chance(0.5):
            if self.chance(0.25):
                third, _ = self.sequence(inner, 1, size, True)
                text += f" else if {self.test(s)} {{ {third} }}"
            if self.chance(0.85):
                other, _ = self.sequence(inner, self.r.choice((1, 1, 2)), size, True)
                text += f" else {{ {other} }}"
        return text, size

    def _for(self, s: Scope, size: int, keep: bool) -> Made:
        inner = replace(s.inner(), labels=False)
        free = [v for v in ("i", "j", "m", "v", "t") if v not in s.taken()]
        if not free:
            return self._unit(s, size, keep)
        i = free[0]
        kind = self.r.randrange(5)
        if kind == 0:
            w = next((n for n in ("wi", "cw", "wj") if n not in s.taken()), None)
            if w is None:
                return self._unit(s, size, keep)
            body, _ = self.sequence(inner.having("width", w), self.r.choice((1, 2)), size, True)
            first = self.unit(inner, w)
            return f"for {w} in {self.list(s)} {{ {first}; {body} }}", size
        if kind == 1:
            w = next((n for n in ("wr", "wq") if n not in s.taken()), None)
            if w is None:
                return self._unit(s, size, keep)
            second = self.pick("stride", "count") if not keep else "count"
            t = f"{w}2"
            scope = inner.having("width", w).having(second, t)
            body, _ = self.sequence(scope, self.r.choice((1, 1, 2)), size, True)
            if second == "stride" and self.rank:
                return f"for {w}, {t} in {self.rows(s)} {{ conv 3/({t}) p1 x({w}); {body} }}", next(
                    self.sizes
                )
            return f"for {w}, {t} in {self.rows(s)} {{ {self.unit(inner, w)}; {body} }}", size
        if kind == 2 and self.chance(0.5):  # the place beside the item
            w = next((n for n in ("wn", "wm") if n not in s.taken()), None)
            if w is not None:
                scope = inner.having("width", w, f"{i} + 1")
                over = self.pick(f"enumerate({self.list(s)})", f"zip([1, 2], {self.pair(s)})")
                body, _ = self.sequence(scope, self.r.choice((1, 2)), size, True)
                return f"for {i}, {w} in {over} {{ {self.unit(inner, w)}; {body} }}", size
        scope = replace(inner, loops=(*inner.loops, i))
        if self.chance(0.4):
            scope = scope.having("width", f"{i} + 1") if self.chance(0.3) else scope
        body, _ = self.sequence(scope, self.r.choice((1, 2, 2)), size, True)
        if self.chance(0.35) and len(scope.loops) == 1:
            body += f"; {self.pick('u', 'block_', 'conv')}{next(self.numbers)}_{{{i}}}: {self.to(scope, self.width(s))}"
        n = self.times(s)
        bounds = self.pick(f"1..{n}", f"1..{n}", f"0..({n} - 1)", f"1..({n})", f"2..{n}")
        return f"for {i} in {bounds} {{ {body} }}", size

    def _repeat(self, s: Scope, size: int, keep: bool) -> Made:
        inner = replace(s.inner(), labels=False)
        kind = self.r.randrange(3)
        label = f"{self.label(s)}: " if s.labels and self.chance(0.4) else ""
        if kind == 0:
            return f"{label}{self.to(s, self.width(s))} * {self.times(s)}", size
        body, _ = self.sequence(inner, self.r.choice((1, 2, 3)), size, True)
        return f"{label}{{ {body} }} * {self.times(s)}", size

    def _group(self, s: Scope, size: int, keep: bool) -> Made:
        body, size = self.sequence(s.inner(), self.r.choice((1, 2, 3)), size, keep)
        label = f"{self.label(s)}: " if s.labels and self.chance(0.6) else ""
        return f"{label}{{ {body} }}", size

    # --- combinators

    def _residual(self, s: Scope, size: int, keep: bool) -> Made:
        inner = s.inner()
        w = self.width(s)
        kind = self.r.randrange(5)
        if kind == 0:
            lines = [self.keeper(inner) for _ in range(self.r.choice((1, 2, 3)))]
            return f"residual< {'; '.join(lines)} >", size
        body, _ = self.sequence(inner, self.r.choice((0, 1, 2)), size, True)
        body = f"{body}; " if body else ""
        act = self.pick("", "; relu", "; relu")
        if kind == 1 and self.rank and not keep:
            t = self.stride(s)
            label = f"{self.label(s)}: " if s.labels else ""
            shortcut = f"{label}{{ conv 1/({t}) {wide(w)} nobias; bn }}"
            return (
                f"residual< {body}conv 3/({t}) p1 {wide(w)}; bn | if {t} > 1 or in.c != {w} {{ {shortcut} }} >{act}",
                next(self.sizes),
            )
        if kind == 2:
            return (
                f"residual< {body}{self.to(inner, w)} | if in.c != {w} {{ {self.to(inner, w)} }} >{act}",
                size,
            )
        if kind == 3:
            return (
                f"if in.c == {w} {{ residual< {body}{self.to(inner, w)} > }} else {{ {body}{self.to(inner, w)} }}",
                size,
            )
        return f"residual< {body}{self.to(inner, w)} | {self.to(inner, w)} >{act}", size

    def _optional(self, s: Scope, size: int, keep: bool) -> Made:
        w, inner = self.width(s), s.inner()
        body, _ = self.sequence(inner, self.r.choice((0, 1)), size, True)
        body = f"{body}; {self.to(inner, w)}" if body else self.to(inner, w)
        test = self.pick(f"in.c == {w}", f"in.c == ({w}) and {self.test(s)}")
        return f"residual if ({test}) < {body} >{self.pick('', '; relu')}", size

    def _each(self, s: Scope, size: int, keep: bool) -> Made:
        w = next((n for n in ("we", "wf") if n not in s.taken()), None)
        if w is None:
            return self._unit(s, size, keep)
        inner = replace(s.inner(), labels=False).having("width", w)
        body = self.unit(inner, w)
        first = self.pick("", " | ", f"{self.to(s, self.width(s))} | ")
        last = self.pick("", " | ", f" | {self.to(s, self.width(s))}")
        return f"concat< {first}each {w} in {self.list(s)} {{ {body} }}{last} >", size

    def _named_twice(self, s: Scope, size: int, keep: bool) -> Made:
        """Two numbers in a label, in loops inside each other."""
        free = [v for v in ("i", "j", "m", "v", "t") if v not in s.taken()]
        if len(free) < 2 or s.loops or not s.labels:
            return self._unit(s, size, keep)
        i, j, stem = free[0], free[1], f"z{next(self.numbers)}_"
        w = self.width(s)
        body = f"{stem}{{{i}}}_{{{j}}}: {self.to(s, w)}"
        more = self.pick(
            "", f"; concat< | @{stem}{{{i}}}_{{{j}}} >", f"; concat< | @{stem}{{{i}}}_1 >"
        )
        n = self.pick("1", "2", i)
        return f"for {i} in 1..2 {{ for {j} in 1..{n} {{ {body}{more} }} }}", size

    def _fact(self, s: Scope, size: int, keep: bool) -> Made:
        """Channels of a tensor by its label, or of what comes into a block."""
        if not s.labels:
            return self._unit(s, size, keep)
        a = self.label(s)
        text = f"{a}: {self.to(s, self.width(s))}; {self.keeper(s)}; "
        return text + self.to(s, self.pick(f"@{a}.c", f"2 * @{a}.c", f"@{a}.c // 2 + 1")), size

    def _alias(self, s: Scope, size: int, keep: bool) -> Made:
        """A name for a tensor, which adds no module; in a loop one a pass."""
        free = [v for v in ("i", "j", "m", "v", "t") if v not in s.taken()]
        if not s.labels or s.loops or not free:
            return self._unit(s, size, keep)
        a, i = f"p{next(self.numbers)}", free[0]
        scope = replace(s.inner(), labels=False, loops=(i,))
        inner, _ = self.sequence(scope, self.r.choice((0, 1)), size, True)
        w = self.width(s)
        row = f"{inner + '; ' if inner else ''}{self.to(scope, w)}"
        return self.pick(
            f"{self.unit(s, w)} as {a}; {self.to(s, self.width(s))}; concat< | @{a} >",
            f"{{ {row}; relu }} as {a}; {self.to(s, w)}; add< | @{a} >",
            f"for {i} in 1..2 {{ {row} as {a}_{{{i}}} }}; concat< @{a}_1 | @{a}_2; relu | >",
            f"{self.to(s, w)} as {a}; {self.to(s, f'@{a}.c')}; add< | @{a} > as {a}b; sub< | @{a}b; relu >",
        ), size

    def _source(self, s: Scope, size: int, keep: bool) -> Made:
        """What came into the network or the block, taken again."""
        if size != 0 or s.depth or s.loops:
            return self._unit(s, size, keep)
        source = "@in" if "in_block" in s.names else "@input"
        return self.pick(
            f"concat< | {source} >", f"concat< {source}; {self.unit(s, self.width(s))} | >"
        ), size

    def _tasks(self, s: Scope, size: int, keep: bool) -> Made:
        """An output each pass."""
        free = [v for v in ("i", "j", "m", "v", "t") if v not in s.taken()]
        if "in_block" in s.names or s.depth or s.loops or not free:
            return self._unit(s, size, keep)
        i, w = free[0], self.width(s)
        body = f"{self.unit(s, w)}; output task{next(self.numbers)}_{{{i}}}"
        return f"for {i} in 1..2 {{ {body} }}; {self.to(s, w)}", size

    def _concat(self, s: Scope, size: int, keep: bool) -> Made:
        branches = []
        for _ in range(self.r.choice((2, 2, 3))):
            branches.append(self.sequence(s.inner(), self.r.choice((0, 1, 1, 2)), size, True)[0])
        return f"concat< {' | '.join(branches)} >", size

    def _merge(self, s: Scope, size: int, keep: bool) -> Made:
        w, word = self.width(s), self.pick("add", "mul", "max", "mean", "sub", "join")
        branches = []
        for _ in range(2 if word == "sub" else self.r.choice((2, 2, 3))):
            body, _ = self.sequence(s.inner(), self.r.choice((0, 1)), size, True)
            branches.append((f"{body}; " if body else "") + self.to(s, w))
        return f"{word}< {' | '.join(branches)} >", size

    def _gate(self, s: Scope, size: int, keep: bool) -> Made:
        if not self.rank:
            return "mul< | sigmoid >", size
        w = self.width(s)
        return (
            f"conv 1 {wide(w)}; mul< | gap; conv 1 x(max(in.c // 2, 1)); relu; conv 1 {wide(w)}; sigmoid >",
            size,
        )

    def _dense(self, s: Scope, size: int, keep: bool) -> Made:
        body = f"dense< {self.unit(s, self.width(s))} >"
        return (f"{body} * {self.times(s)}" if self.chance(0.5) else body), size

    def _windows(self, s: Scope, size: int, keep: bool) -> Made:
        if self.rank != 2:
            return self._unit(s, size, keep)
        w = self.width(s)
        forms = ["conv 1x3 p0x1 x(in.c)", f"conv 3x1 p1x0 {wide(w)}"]
        for k in s.of("window"):
            forms += [
                f"conv ({k})x1 p({k} // 2)x0 {wide(w)}",
                f"conv 1x({k}) p0x({k} // 2) {wide(w)}",
            ]
        if len(s.of("window")) > 1:
            k, j = s.of("window")[:2]
            forms += [f"conv ({k})x({j}) p({k} // 2)x({j} // 2) {wide(w)}"] * 4
        text = self.pick(*forms)
        return text, size

    def _chunks(self, s: Scope, size: int, keep: bool) -> Made:
        w = self.width(s)
        half = self.pick(f"concat< chunk 0 | chunk 1; {self.keeper(s)} >", "sample",
                         "softmax< chunk 0 | chunk 1 >")  # fmt: skip
        return f"{self.to(s, f'2 * ({w})')}; {half}", size

    # --- labels

    def _reuse(self, s: Scope, size: int, keep: bool) -> Made:
        if not s.labels:
            return self._unit(s, size, keep)
        w, a = self.width(s), self.label(s)
        body, _ = self.sequence(
            replace(s.inner(), labels=False), self.r.choice((0, 1, 2)), size, True
        )
        first = f"{self.to(s, w)}; {a}: {{ {body + '; ' if body else ''}{self.to(s, w)} }}"
        between = self.pick("", self.keeper(s) + "; ")
        return self.pick(f"{first}; {between}{self.to(s, w)}; reuse {a}", f"{first}; reuse {a}",
                         f"{first}; concat< | reuse {a} >"), size  # fmt: skip

    def _items(self, s: Scope, size: int, keep: bool) -> Made:
        """The numbered items of a group, its label in quotes or not: referred to, and run again."""
        if not s.labels:
            return self._unit(s, size, keep)
        w, a = self.width(s), self.label(s)
        a = self.pick(a, f'"{a}-0"')
        text = f"{self.to(s, w)}; {a}: {{ {self.to(s, w)}; relu; {self.to(s, w)} }}; "
        more = self.pick("", f"{self.keeper(s)}; ")
        return text + self.pick(
            f"{more}concat< | @{a}.0 >", f"add< | @{a}.{{2 - 2}} >", f"reuse {a}.{{1 + 1}}; {more}@{a}",
            f"{self.to(s, w)}; reuse {a}.0; {more}concat< | @{a}.1 >", f"{self.to(s, w)}; reuse {a}",
        ), size  # fmt: skip

    def _goto(self, s: Scope, size: int, keep: bool) -> Made:
        if not s.labels:
            return self._unit(s, size, keep)
        a = self.label(s)
        body, _ = self.sequence(s.inner(), self.r.choice((1, 2)), size, True)
        first = f"{a}: {self.to(s, self.width(s))}"
        return self.pick(
            f"{first}; {body}; concat< @{a} | >",
            f"{first}; {body}; @{a}",
            f"{first}; {body}; concat< | @{a}; relu >",
        ), size

    def _aux(self, s: Scope, size: int, keep: bool) -> Made:
        if s.depth or s.loops or s.names.get("in_block"):
            return self._unit(s, size, keep)
        head = "gap; flatten; fc 3" if self.rank else "fc 3"
        label = f"{self.label(s)}: " if self.chance(0.5) else ""
        return f"{label}aux weight=0.3 < {head} >", size

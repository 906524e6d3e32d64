"""What can be named at a place of a random program, and random expressions of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

# What a parameter can be: the names that users give it, and values that it may have.
NAMES = {
    "width": ("c", "w", "width", "planes", "ch0", "out1", "features"),
    "count": ("n", "depth", "reps", "n2", "blocks_in"),
    "stride": ("s", "stride", "s2"),
    "window": ("k", "kh", "k1"),
    "flag": ("se", "gate", "skip", "first", "use_norm", "pre"),
    "list": ("ws", "widths", "ch"),
    "rows": ("cfg", "stages"),
    "rate": ("p", "rate"),
    "act": ("act", "norm", "nonlin"),
}
ACTS = ("relu", "gelu", "silu", "tanh", "identity", "bn", "leaky_relu", "hardswish")


@dataclass(frozen=True)
class Marked:
    """A label that can be referred to: the size of its tensor, as a token."""

    name: str
    size: int


@dataclass(frozen=True)
class Scope:
    """What is known at a place. Sizes are tokens: equal ones are equal sizes."""

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by kind
    parts: tuple[str, ...] = ()  # parameters that are blocks
    loops: tuple[str, ...] = ()
    blocks: int = 0  # how many of the file's blocks may be called
    depth: int = 0
    labels: bool = True  # may be set here, without a number in them

    def of(self, kind: str) -> tuple[str, ...]:
        return self.names.get(kind, ())

    def having(self, kind: str, *more: str) -> Scope:
        return replace(self, names=self.names | {kind: (*self.of(kind), *more)})

    def inner(self) -> Scope:
        return replace(self, depth=self.depth + 1)

    def taken(self) -> set[str]:
        return {name for names in self.names.values() for name in names} | {
            *self.loops,
            *self.parts,
        }


class Chooser:
    """Random choices, and random expressions of each kind."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)

    def chance(self, p: float) -> bool:
        return self.r.random() < p

    def pick(self, *choices: str) -> str:
        return self.r.choice(choices)

    def one(self, choices: Sequence[Callable[[], str]]) -> str:
        return self.r.choice(choices)()

    # --- expressions

    def width(self, s: Scope) -> str:
        """A number of channels."""
        known = s.of("width")
        if s.of("list") and self.chance(0.1):
            ws = self.pick(*s.of("list"))
            return self.pick(f"{ws}[{self.r.randrange(2)}]", f"sum({ws})", f"max(sum({ws}[1:]), 2)")
        if not known or self.chance(0.3):
            return str(self.r.choice((2, 3, 4, 6, 8)))
        a, b = self.pick(*known), self.pick(*known)
        return self.pick(
            a, a, a, a, a, f"2 * {a}", f"{a} + {b}", f"{a} + 2", f"max({a}, {b})", f"{a} // 2 + 1",
            f"{a} * 2 if {self.test(s)} else {a}", f"ceil({a} / 2)", f"round({a} * 1.5)",
            f"min({a}, 5)", f"max({a} // 4, 1)",
        )  # fmt: skip

    def count(self, s: Scope) -> str:
        known = s.of("count")
        if not known or self.chance(0.3):
            return str(self.r.choices((2, 3, 1, 0), (10, 5, 2, 1))[0])
        a = self.pick(*known)
        return self.pick(a, a, a, a, f"{a} + 1", f"{a} - 1", f"max({a}, 1)")

    def stride(self, s: Scope) -> str:
        known = s.of("stride")
        if known and self.chance(0.7):
            return self.pick(*known)
        if s.loops and self.chance(0.4):
            i = self.pick(*s.loops)
            return self.pick(f"2 if {i} == 1 else 1", f"1 if {i} > 1 else 2")
        return self.pick("1", "2")

    def window(self, s: Scope) -> str:
        return (
            self.pick(*s.of("window"))
            if s.of("window") and self.chance(0.7)
            else self.pick("1", "3")
        )

    def flag(self, s: Scope) -> str:
        known = s.of("flag")
        if known and self.chance(0.5):
            return self.pick(*known, f"not {self.pick(*known)}")
        if self.chance(0.3):
            return self.test(s)
        return self.pick("true", "false")

    def rate(self, s: Scope) -> str:
        return (
            self.pick(*s.of("rate"))
            if s.of("rate") and self.chance(0.7)
            else self.pick("0.1", "0.2")
        )

    def act(self, s: Scope) -> str:
        if s.of("act") and self.chance(0.6):
            return self.pick(*s.of("act"))
        if self.chance(0.15):
            return f"{self.pick(*ACTS)} if {self.test(s)} else {self.pick(*ACTS)}"
        return self.pick(*ACTS)

    def list(self, s: Scope) -> str:
        if s.of("list") and self.chance(0.6):
            ws = self.pick(*s.of("list"))
            return self.pick(ws, ws, ws, f"{ws}[1:]", f"{ws}[:2]", f"[2 * v_ for v_ in {ws}]")
        if s.of("width") and self.chance(0.15):
            w = self.pick(*s.of("width"))
            return self.pick(f"[{w}, 2 * {w}]", f"[{w} * v_ for v_ in 1..2]")
        return str([self.r.choice((2, 3, 4, 6)) for _ in range(self.r.choice((1, 2, 2, 3)))])

    def pair(self, s: Scope) -> str:
        """A list of two widths."""
        return f"[{self.width(s)}, {self.width(s)}]"

    def rows(self, s: Scope) -> str:
        """A list of lists: width, stride or count."""
        if s.of("rows") and self.chance(0.6):
            return self.pick(*s.of("rows"))
        rows = [
            [self.r.choice((2, 3, 4, 6)), self.r.choice((1, 1, 2))]
            for _ in range(self.r.choice((1, 2, 3)))
        ]
        return str(rows)

    def test(self, s: Scope) -> str:
        """A condition, on whatever there is."""
        found: list[str] = ["in.c > 4", "in.c == 4", "in.c % 2 == 0"]
        for f in s.of("flag"):
            found += [f, f, f, f"not {f}"]
        for w in s.of("width"):
            found += [f"in.c != {w}", f"in.c == {w}", f"{w} > 3", f"{w} >= 4 and in.c > 2"]
        for t in s.of("stride"):
            found += [f"{t} == 1", f"{t} > 1", f"{t} > 1 or in.c > 4"]
        for n in s.of("count"):
            found += [f"{n} > 1", f"{n} > 0", f"{n} == 2", f"{n} % 2 == 0"]
        for k in s.of("window"):
            found += [f"{k} > 1"]
        for i in s.loops:
            found += [f"{i} == 1", f"{i} > 1", f"{i} < 2", f"{i} % 2 == 1"]
            found += [f"{i} < {n}" for n in s.of("count")]
            found += [f"{i} == {n} - 1" for n in s.of("count")]
        for x in s.of("list"):
            found += [f"len({x}) > 2", f"{x}[0] > 3"]
        if self.chance(0.1):
            found = ["in.w > 4", "in.w % 2 == 0", "in.w == 8"]
        test = self.pick(*found)
        return f"{test} {self.pick('and', 'or')} {self.pick(*found)}" if self.chance(0.12) else test

    def value(self, kind: str, s: Scope) -> str:
        """An expression of that kind."""
        found: str = getattr(self, kind)(s)
        return found

    def literal(self, kind: str) -> str:
        """A value of that kind, without names: a default, or a param's."""
        return self.value(kind, Scope()) if kind != "flag" else self.pick("true", "false")

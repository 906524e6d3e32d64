"""`forward` as data: tensors, and the steps that make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class Wire:
    """A tensor in `forward`. `hint` is a name for it where `x` is taken."""

    hint: str = "out"
    prefer: bool = False  # the hint rather than `x`
    keep: bool = False  # named by the user and used again later: a variable of that name
    bundle: bool = False  # a list of tensors
    uses: int = 0
    var: str | None = None

    def call(self, name: str) -> None:
        """The user's name for it, unless it has a variable already."""
        if self.var is None:
            self.hint, self.prefer, self.keep = name, True, True


@dataclass(eq=False, slots=True)
class Compute:
    """An expression of some tensors."""

    out: Wire
    ins: list[Wire]
    write: Callable[..., str]  # names of the tensors -> expression
    tag: str  # category of the operator, or "block"
    comment: str = ""
    part: tuple[int, int] | None = None  # which of how many equal parts of a tensor
    item: tuple[str, int] | None = None  # the module's place, where it is one of a list


@dataclass(eq=False, slots=True)
class Test:
    """`if`: `then` or `other` between the wires; an arm without steps gives `inp` or another."""

    test: str
    then: list[Step]
    other: list[Step]
    inp: Wire
    then_out: Wire
    other_out: Wire
    out: Wire
    condition: str = ""  # what the constructor asks, where `test` is how forward knows


@dataclass(eq=False, slots=True)
class Repeat:
    """A loop that carries one tensor.

    With `gathers`, its body is a layer and the concatenation with what it was given; the layers
    take a list of all features before them. Without a header, the layers are written out.
    """

    header: str
    body: list[Step]
    inp: Wire
    body_in: Wire
    body_out: Wire
    out: Wire
    gathers: bool = False


@dataclass(eq=False, slots=True)
class Side:
    """An auxiliary head: one more output while training."""

    body: list[Step]
    result: Wire
    name: str


@dataclass(eq=False, slots=True)
class Unpack:
    """An expression that gives several tensors: parts of one, or what a block makes."""

    outs: list[Wire]
    ins: list[Wire]
    write: Callable[..., str]  # names of the tensors -> expression


Step = Compute | Test | Repeat | Side | Unpack


def count_uses(steps: list[Step]) -> None:
    """Fill in `Wire.uses`."""
    for step in steps:
        match step:
            case Compute():
                for wire in step.ins:
                    wire.uses += 1
            case Test():
                step.inp.uses += 1
                count_uses(step.then)
                count_uses(step.other)
                step.then_out.uses += 1
                step.other_out.uses += step.other_out is not step.then_out
            case Repeat():
                step.inp.uses += 1
                step.body_out.uses += 1
                count_uses(step.body)
            case Side():
                count_uses(step.body)
                step.result.uses += 1
            case Unpack():
                for wire in step.ins:
                    wire.uses += 1


def texts(steps: list[Step]) -> Iterator[str]:
    """Every expression, its tensors as `x`."""
    for step in steps:
        match step:
            case Compute():
                yield step.write(*("x" for _ in step.ins))
            case Test():
                yield f"{{{step.test}}}"
                yield from texts(step.then)
                yield from texts(step.other)
            case Repeat() | Side():
                yield from texts(step.body)
            case Unpack():
                yield step.write(*("x" for _ in step.ins))


def pruned(steps: list[Step]) -> list[Step]:
    """The steps whose tensors somebody uses, after `count_uses`."""
    kept: list[Step] = []
    for step in reversed(steps):
        if _is_used(step):
            kept.append(step)
        else:
            _uncount([step])
    return kept[::-1]


def _is_used(step: Step) -> bool:
    match step:
        case Side():
            return True
        case Unpack():
            return any(wire.uses for wire in step.outs)
        case _:
            return step.out.uses > 0


def _uncount(steps: list[Step]) -> None:
    for step in steps:
        match step:
            case Compute():
                for wire in step.ins:
                    wire.uses -= 1
            case Test():
                step.inp.uses -= 1
                _uncount(step.then)
                _uncount(step.other)
                step.then_out.uses -= 1
                step.other_out.uses -= step.other_out is not step.then_out
            case Repeat():
                step.inp.uses -= 1
                step.body_out.uses -= 1
                _uncount(step.body)
            case Unpack():
                for wire in step.ins:
                    wire.uses -= 1


def used_in(steps: list[Step], result: Wire) -> Counter[Wire]:
    """How often steps use each tensor, and whatever comes after them their result."""
    found = Counter[Wire]((result,))
    for step in steps:
        match step:
            case Compute():
                found.update(step.ins)
            case Test():
                found[step.inp] += 1
                found.update(used_in(step.then, step.then_out))
                found.update(used_in(step.other, step.other_out))
                found[step.other_out] -= step.other_out is step.then_out
            case Repeat():
                found[step.inp] += 1
                found.update(used_in(step.body, step.body_out))
            case Side():
                found.update(used_in(step.body, step.result))
            case Unpack():
                found.update(step.ins)
    return found


def sink(steps: list[Step], results: Iterable[Wire]) -> None:
    """Put what only one arm of an `if` uses into that arm: otherwise it would run for nothing."""
    results = tuple(results)
    for test in [step for step in reversed(steps) if isinstance(step, Test)]:
        arms = ((test.then, used_in(test.then, test.then_out)),
                (test.other, used_in(test.other, test.other_out)))  # fmt: skip
        wanted = arms[0][1].keys() | arms[1][1].keys()
        before = steps[: steps.index(test)]
        made = [s for s in reversed(before) if isinstance(s, Compute) and s.out in wanted]
        total = used_in(steps, results[0]) if made else Counter[Wire]()
        total.update(results[1:])
        for step in made:
            _sink(step, test, steps, arms, total)
        sink(test.then, (test.then_out,))
        sink(test.other, (test.other_out,))


def _sink(
    step: Compute,
    test: Test,
    steps: list[Step],
    arms: Iterable[tuple[list[Step], Counter[Wire]]],
    total: Counter[Wire],
) -> None:
    enters = test.inp is step.out
    for arm, inside in arms:
        if inside[step.out] and total[step.out] == inside[step.out] + enters:
            steps.remove(step)
            arm.insert(0, step)
            inside.update(step.ins)
            if enters:
                test.inp = step.ins[0]
                total[test.inp] += 1
            return


def uses_in(steps: list[Step], wire: Wire) -> int:
    """How often steps use a tensor."""
    total = 0
    for step in steps:
        match step:
            case Compute():
                total += sum(w is wire for w in step.ins)
            case Test():
                total += (step.inp is wire) + uses_in(step.then, wire) + uses_in(step.other, wire)
                total += wire in (step.then_out, step.other_out)
            case Repeat() | Side():
                total += uses_in(step.body, wire)
            case Unpack():
                total += sum(w is wire for w in step.ins)
    return total

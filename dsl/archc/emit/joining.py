"""Steps of `forward` that are written as one."""

from __future__ import annotations

import re

from archc.emit.flow import Compute, Repeat, Side, Step, Test, Unpack, Wire, used_in

LAYER = "layer"  # a module of a list, in a loop
_LEAST_ROW = 4  # modules of a list in a row that are a loop


def join_parts(steps: list[Step]) -> None:
    """Several equal parts of one tensor are one step: `x1, x2 = x.chunk(2, dim=1)`.

    A part that is taken twice is the tensor that it was.
    """
    parts: dict[tuple[Wire, int], list[Compute]] = {}
    for step in steps:
        match step:
            case Compute(ins=[whole], part=(_, count)):
                parts.setdefault((whole, count), []).append(step)
            case Test():
                join_parts(step.then)
                join_parts(step.other)
            case Repeat() | Side():
                join_parts(step.body)
    for (whole, count), found in parts.items():
        outs: dict[int, Wire] = {}
        for step in found:
            outs.setdefault(step.part[0] if step.part else 0, step.out)
        if len(outs) > 1:
            for step in found:
                _after(steps, step.out, outs[step.part[0] if step.part else 0])
            all_parts = [outs.get(k, Wire()) for k in range(count)]
            steps[steps.index(found[0])] = _chunked(whole, all_parts)
            for step in found[1:]:
                steps.remove(step)


def _chunked(whole: Wire, outs: list[Wire]) -> Unpack:
    return Unpack(outs, [whole], lambda x: f"{x}.chunk({len(outs)}, dim=1)")


def item_of(access: str) -> tuple[str, int] | None:
    """The list `self.body` and the place 3 of `self.body[3]`."""
    found = re.fullmatch(r"(self\.\w+)\[(\d+)\]", access)
    return (found[1], int(found[2])) if found else None


def join_items(steps: list[Step], lengths: dict[str, int]) -> bool:
    """Modules of a list that run one after the other are a loop; gives whether there are any.

    After `count_uses`; `lengths` are those of the lists.
    """
    at, found = 0, False
    while at < len(steps):
        row = _row(steps[at:])
        if len(row) >= _LEAST_ROW:
            steps[at : at + len(row)] = [_over(row, lengths)]
            found = True
        at += 1
    return found


def _row(steps: list[Step]) -> list[Compute]:
    """The steps that run one module of a list after the other, what is between for nobody else."""
    row: list[Compute] = []
    for step in steps:
        if not isinstance(step, Compute) or step.item is None or len(step.ins) != 1:
            break
        if row:
            before = row[-1]
            name, place = before.item or ("", 0)
            if step.ins[0] is not before.out or before.out.uses != 1 or before.out.keep:
                break
            if step.item != (name, place + 1):
                break
        row.append(step)
    return row


def _over(row: list[Compute], lengths: dict[str, int]) -> Repeat:
    """`for layer in self.features[:5]:`."""
    first, last = row[0], row[-1]
    name, start = first.item or ("", 0)
    before, after = Wire(uses=1), Wire(uses=1)
    body = Compute(after, [before], lambda x: f"{LAYER}({x})", "block")
    end = start + len(row)
    places = f"{start or ''}:{end if end != lengths.get(name) else ''}"
    header = f"for {LAYER} in {name}{f'[{places}]' if places != ':' else ''}:"
    return Repeat(header, [body], first.ins[0], before, after, last.out)


def join_tests(steps: list[Step], results: list[Wire]) -> list[tuple[Test, Test]]:
    """Two `if`s in a row on the same condition are one; gives those that stayed, and are gone."""
    joined: list[tuple[Test, Test]] = []
    at = 0
    while at < len(steps) - 1:
        match steps[at : at + 2]:
            case [Test() as first, Test() as second] if _is_one(first, second, steps, results):
                steps[at : at + 2] = [_joined(first, second)]
                joined.append((first, second))
            case _:
                at += 1
    return joined


def _is_one(first: Test, second: Test, steps: list[Step], results: list[Wire]) -> bool:
    """Whether the second asks the same, and nothing else uses what the first makes."""
    if not first.condition or first.condition != second.condition or first.out.keep:
        return False
    if second.inp is not first.out or first.out in results:
        return False
    return sum(used_in([step], Wire())[first.out] > 0 for step in steps) == 1


def _joined(first: Test, second: Test) -> Test:
    then = _after(second.then, first.out, first.then_out)
    other = _after(second.other, first.out, first.other_out)
    then_out = first.then_out if second.then_out is first.out else second.then_out
    other_out = first.other_out if second.other_out is first.out else second.other_out
    return Test(
        first.test,
        [*first.then, *then],
        [*first.other, *other],
        first.inp,
        then_out,
        other_out,
        second.out,
        first.condition,
    )


def _after(steps: list[Step], old: Wire, new: Wire) -> list[Step]:
    """The steps of an arm, which take another tensor."""
    for step in steps:
        match step:
            case Compute() | Unpack():
                step.ins = [new if wire is old else wire for wire in step.ins]
            case Test():
                step.inp = new if step.inp is old else step.inp
                step.then_out = new if step.then_out is old else step.then_out
                step.other_out = new if step.other_out is old else step.other_out
                _after([*step.then, *step.other], old, new)
            case Repeat():
                step.inp = new if step.inp is old else step.inp
                _after(step.body, old, new)
            case Side():
                step.result = new if step.result is old else step.result
                _after(step.body, old, new)
    return steps

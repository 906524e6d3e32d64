"""What `forward` computes, as a chain of statements with branches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archc.habits.expressions import NotSaid

_VIEWS = frozenset(("flatten", "identity"))  # of the same memory
_WIDE = 88  # characters of a line
_BEGINS = re.compile(r"(?:\w+: )?(?:conv|deconv|fc|if|\{|[A-Z]\w*\()|\w+: ")


@dataclass(frozen=True, slots=True, eq=False)
class FlowStep:
    """A statement. `module` is the one that has its weights, if any."""

    text: str
    module: str = ""
    in_place: bool = False  # it writes over the tensor that it takes


@dataclass(frozen=True, slots=True, eq=False)
class FlowMerge:
    """`residual< ... | ... >`."""

    combinator: str
    branches: tuple[Flow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FlowChoice:
    """`if stride == 1 { ... } else { ... }`."""

    test: str
    one: Flow
    other: Flow


# What was computed of the tensor that came in: its steps in their order.
Flow = tuple[FlowStep | FlowMerge | FlowChoice, ...]


def merged(combinator: str, flows: tuple[Flow, ...]) -> Flow:
    """Several tensors as one: what they have in common first, then the branches."""
    for at, flow in enumerate(flows):
        before, after = flows[:at], flows[at + 1 :]
        match flow:
            case (FlowChoice(test, one, other),) if _begin_alike(one, (*before, *after)):
                sides = [merged(combinator, (*before, side, *after)) for side in (one, other)]
                return chosen(test, *sides)
    shared = 0
    while all(len(flow) > shared and flow[shared] is flows[0][shared] for flow in flows):
        shared += 1
    branches = tuple(flow[shared:] for flow in flows)
    if not any(branches):
        raise NotSaid("a tensor merged with itself")
    if any(_writes_over(branch) for branch in branches):
        raise NotSaid("a tensor that a layer in place writes over")
    if combinator == "residual":
        branches = tuple(sorted(branches, key=lambda branch: not branch))
        branches = tuple(branch for branch in branches if branch)
    return (*flows[0][:shared], FlowMerge(combinator, branches))


def _begin_alike(flow: Flow, others: tuple[Flow, ...]) -> bool:
    """Whether a chain begins with a step that is another one's first, too."""
    return bool(flow) and any(other and other[0] is flow[0] for other in others)


def _writes_over(flow: Flow) -> bool:
    """Whether a branch changes the tensor that the others take, too."""
    own = (step for step in flow if not isinstance(step, FlowStep) or step.text not in _VIEWS)
    first = next(own, None)
    return isinstance(first, FlowStep) and first.in_place


def chosen(test: str, one: Flow, other: Flow) -> Flow:
    """One of two, by a test: what they have in common first."""
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] is other[shared]:
        shared += 1
    common, one, other = one[:shared], one[shared:], other[shared:]
    match one:
        case (FlowMerge(combinator="residual", branches=(body,)),) if lines_of(body) == lines_of(
            other
        ):
            return (*common, FlowMerge(f"residual if ({test}) ", (body,)))
    return (*common, FlowChoice(test, one, other)) if one or other else common


def modules_of(flow: Flow) -> Iterator[str]:
    """The modules with weights that run, each as often as it does."""
    for step in flow:
        if isinstance(step, FlowMerge):
            for branch in step.branches:
                yield from modules_of(branch)
        elif isinstance(step, FlowChoice):
            either = Counter(modules_of(step.one)) | Counter(modules_of(step.other))
            yield from either.elements()
        elif step.module:
            yield step.module


def with_channels(flow: Flow, name: str, first: str, later: str) -> Flow:
    """A chain with what stands for `name`, the channels that come in: `first` where they do."""
    made: list[FlowStep | FlowMerge | FlowChoice] = []
    for at, step in enumerate(flow):
        here = later if at else first
        match step:
            case FlowStep(text):
                one, mark, other = _first_statement(text)
                said = f"{one.replace(name, here)}{mark}{other.replace(name, later)}"
                made.append(replace(step, text=said))
            case FlowMerge(combinator, branches):
                inside = tuple(with_channels(branch, name, here, later) for branch in branches)
                made.append(FlowMerge(combinator.replace(name, here), inside))
            case FlowChoice(test, one_side, other_side):
                sides = (with_channels(s, name, here, later) for s in (one_side, other_side))
                made.append(FlowChoice(test.replace(name, here), *sides))
    return tuple(made)


def _first_statement(text: str) -> tuple[str, str, str]:
    """What of a text runs first, and once."""
    if re.search(r"\* (?:\w+|\([^()]*\))\Z", text):  # a repeat
        return "", "", text
    found = re.search(r"[;\n]", text)
    if found is None:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


def lines_of(flow: Flow) -> list[str]:
    """The lines of a chain: each layer with what follows it."""
    lines: list[str] = []
    begins = True
    for step in flow:
        if not isinstance(step, FlowStep):
            lines += _merge_lines(step) if isinstance(step, FlowMerge) else _choice_lines(step)
            begins = True
            continue
        first, *others = step.text.split("\n")
        alone = begins or "{" in lines[-1] or (_BEGINS.match(first) and not _is_norm(first))
        if alone or len(lines[-1]) + len(first) > _WIDE:
            lines.append(first)
        else:
            lines[-1] += f"; {first}"
        lines += others
        begins = bool(others)
    return lines


def _choice_lines(choice: FlowChoice) -> list[str]:
    test, one, other = choice.test, lines_of(choice.one), lines_of(choice.other)
    if not one:
        test, one, other = f"not ({test})", other, one
    last = ["} else {", *(f"  {line}" for line in other)] if other else []
    return [f"if {test} {{", *(f"  {line}" for line in one), *last, "}"]


def _is_norm(text: str) -> bool:
    return re.match(r"(?:\w+: )?(?:bn|gn|ln|inorm|prelu)\b", text) is not None


def _merge_lines(merge: FlowMerge) -> list[str]:
    branches = [lines_of(branch) for branch in merge.branches]
    line = " | ".join("; ".join(lines) for lines in branches)
    if len(line) <= _WIDE - 20 and not any("{" in text or "<" in text for text in line.split()):
        return [f"{merge.combinator}< {line} >".replace("<  |", "< |").replace("|  >", "| >")]
    made = [f"{merge.combinator}<"]
    for at, lines in enumerate(branches):
        if at:
            made.append(f"| {lines[0]}" if lines else "|")
            lines = lines[1:]
        made += [f"  {text}" for text in lines]
    return [*made, ">"]

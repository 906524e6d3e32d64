"""`forward`: tensors to variables, steps to lines.

Steps that follow one another are nested into one line, as a person writes them
(`self.relu(self.bn1(self.conv1(x)))`); a line ends before the next convolution, where a tensor is
needed twice, or where it grows too long. Variables are reused as soon as their tensor is dead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from archc.analysis.lines import INLINE_BRANCH, joins
from archc.emit.flow import Compute, Repeat, Side, Step, Test, Unpack, Wire, used_in, uses_in
from archc.emit.layout import WIDTH, negated


@dataclass(slots=True)
class _Pending:
    """An expression not yet given to a variable."""

    text: str
    reads: frozenset[str]
    tags: tuple[str, ...]
    comment: str = ""


@dataclass(slots=True)
class Printer:
    """Turns steps into lines of a function's body, at indent 0."""

    lines: list[str] = field(default_factory=list)
    indent: int = 0
    holds: dict[str, Wire] = field(default_factory=dict)
    pending: dict[Wire, _Pending] = field(default_factory=dict)
    readers: Counter[str] = field(default_factory=Counter)  # how many pending ones read a variable
    spoken_for: list[frozenset[str]] = field(default_factory=list)  # variables of lines to come
    margin: int = 8

    def run(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Compute():
                    self._do(step)
                case Test():
                    self._test(step)
                case Repeat(gathers=True):
                    self._gather(step)
                case Repeat():
                    self._repeat(step)
                case Side():
                    self._side(step)
                case Unpack():
                    self._unpack(step)

    # --- steps ---------------------------------------------------------------------------

    def _do(self, step: Compute) -> None:
        merging = len(step.ins) > 1
        if merging and not self._fits(step) and not self._is_long(step):
            for wire in step.ins:
                if wire in self.pending:
                    self._flush(wire)
        for wire in step.ins:
            waiting = self.pending.get(wire)
            if waiting is not None and not self._joins(waiting, step, merging):
                self._flush(wire)
        names, reads, tags = [], set[str](), [step.tag]
        for wire in step.ins:
            waiting = self._take(wire)
            wire.uses -= 1
            if waiting is None:
                assert wire.var is not None, "a tensor is used before it is made"
                names.append(wire.var)
                reads.add(wire.var)
            else:
                names.append(waiting.text)
                reads |= waiting.reads
                tags = [*waiting.tags, *tags]
        text = step.write(*(_bracketed(n, step, at) for at, n in enumerate(names)))
        self.pending[step.out] = _Pending(text, frozenset(reads), tuple(tags), step.comment)
        self.readers.update(reads)
        if step.out.uses != 1 or step.out.keep:
            self._flush(step.out)

    def _fits(self, step: Compute) -> bool:
        """Whether a merge with its branches written inside goes on one line."""
        texts = [self.pending[w].text if w in self.pending else w.var or "x" for w in step.ins]
        return self._length(step, texts) <= WIDTH

    def _is_long(self, step: Compute) -> bool:
        """Whether a merge of variables needs a row for each: its branches can be the rows."""
        return self._length(step, ["branch1"] * len(step.ins)) > WIDTH

    def _length(self, step: Compute, texts: list[str]) -> int:
        target = max(step.out.hint, "branch12", key=len)
        return len(f"{target} = {step.write(*texts)}") + self.indent + self.margin

    def _joins(self, waiting: _Pending, step: Compute, merging: bool) -> bool:
        """Whether a step is written around the expression before it."""
        if merging and step.tag != "block":
            return len(waiting.text) <= INLINE_BRANCH
        length = len(waiting.text) + len(step.write(*("x" for _ in step.ins)))
        return joins(step.tag, waiting.tags, length)

    def _test(self, step: Test) -> None:
        self._settle(step.inp)
        self._flush_all()
        source = step.inp.var
        assert source is not None
        step.inp.uses -= 1
        inside = uses_in([*step.then, *step.other], step.inp)
        inside += (step.then_out is step.inp) + (step.other_out is step.inp)
        if step.out.bundle:
            target = self._free(step.out)
        elif step.inp.uses <= inside and not step.inp.keep:
            target = source
        else:
            target = self._free(step.out)
            passes = _passes((step.other, step.other_out), step.inp)
            if passes and len(step.then) == 1 and isinstance(step.then[0], Compute):
                only = step.then[0]
                text = f"{only.write(source)} if {step.test} else {source}"
                length = len(f"{target} = {text}") + self.indent + self.margin
                if length <= WIDTH and only.ins == [step.inp]:
                    step.inp.uses -= 2
                    return self._assign(target, text, step.out)
            if passes or _passes((step.then, step.then_out), step.inp):
                self._emit(f"{target} = {source}")
        outer = dict(self.holds)
        then, other, test = (step.then, step.then_out), (step.other, step.other_out), step.test
        if _passes(then, step.inp):
            then, other, test = other, then, negated(test)
        self._emit(f"if {test}:")
        elsewhere = used_in(*other)
        for wire, times in elsewhere.items():
            wire.uses -= times
        self._arm(*then, target, step.inp)
        for wire, times in elsewhere.items():
            wire.uses += times
        if not _passes(other, step.inp):
            self.holds = dict(outer)
            start = len(self.lines)
            self._emit("else:")
            self._arm(*other, target, step.inp)
            self._shorten(start)
        self.holds = outer
        step.inp.uses -= step.inp in (step.then_out, step.other_out)
        self._hold(target, step.out)

    def _arm(self, steps: list[Step], result: Wire, target: str, source: Wire) -> None:
        self.indent += 4
        self._hold(source.var or "x", source)
        self.run(steps)
        self._settle(result, target)
        self.indent -= 4

    def _shorten(self, start: int) -> None:
        """`else:` and an `if` that is all that is in it, as `elif`."""
        arm, pad = self.lines[start + 1 :], " " * (self.indent + 4)
        others = (line for line in arm[1:] if not line.startswith(f"{pad} "))
        if arm[0].startswith(f"{pad}if ") and all(
            line.startswith((f"{pad}elif ", f"{pad}else:")) for line in others
        ):
            self.lines[start:] = [line[4:] for line in arm]
            self.lines[start] = f"{pad[4:]}el{arm[0].strip()}"

    def _repeat(self, step: Repeat) -> None:
        self._settle(step.inp)
        self._flush_all()
        source = step.inp.var
        assert source is not None
        step.inp.uses -= 1
        target = source
        if step.inp.uses > 0 or step.inp.keep:
            target = self._free(step.out)
            self._emit(f"{target} = {source}")
        self._emit(step.header)
        self.indent += 4
        self._hold(target, step.body_in)
        self.run(step.body)
        self._settle(step.body_out, target)
        self.indent -= 4
        self._hold(target, step.out)

    def _gather(self, step: Repeat) -> None:
        """`features = [x]`, a layer's output appended at a time, and their concatenation."""
        self._settle(step.inp)
        self._flush_all()
        step.inp.uses -= 1
        name = self._unused("features")
        self._emit(f"{name} = [{step.inp.var}]")
        if step.header:
            self._emit(step.header)
        self.indent += 4 * bool(step.header)
        for layer in step.body:
            if isinstance(layer, Compute) and len(layer.ins) == 1:
                self._emit(f"{name}.append({layer.write(f'*{name}')})")
        self.indent -= 4 * bool(step.header)
        self.pending[step.out] = _Pending(f"torch.cat({name}, 1)", frozenset((name,)), ("merge",))
        self.readers[name] += 1
        if step.out.uses != 1 or step.out.keep:
            self._flush(step.out)

    def _side(self, step: Side) -> None:
        self._flush_all()
        outer = dict(self.holds)
        self._emit("if self.training:")
        self.indent += 4
        self.run(step.body)
        waiting = self._take(step.result)
        text = waiting.text if waiting is not None else step.result.var
        self._emit(f"side.append({text})")
        self.indent -= 4
        self.holds = outer

    def _unpack(self, step: Unpack) -> None:
        """`branch1, branch2 = torch.split(x, self.widths, 1)`, `x, c3 = self.body(x)`."""
        for wire in step.ins:
            self._settle(wire)
        self._flush_all()
        for wire in step.ins:
            wire.uses -= 1
        text = step.write(*(wire.var for wire in step.ins))
        names = list[str]()
        for wire in step.outs:
            name = self._free(wire) if wire.uses else "_"
            names.append(name)
            if wire.uses:
                self._hold(name, wire)
        self._emit(f"{', '.join(names)} = {text}")

    # --- variables -----------------------------------------------------------------------

    def name(self, wire: Wire) -> str:
        """The variable of a tensor; its expression is given one now if it has none."""
        self._settle(wire)
        assert wire.var is not None
        return wire.var

    def give(self, wire: Wire) -> None:
        """Return the tensor, by its expression if it has no variable yet."""
        waiting = self._take(wire)
        if waiting is None:
            self._emit(f"return {wire.var}")
        else:
            self._emit(f"return {waiting.text}", waiting.comment)

    def _settle(self, wire: Wire, target: str | None = None) -> None:
        if wire in self.pending:
            self._flush(wire, target)
        elif target is not None and wire.var != target:
            self._emit(f"{target} = {wire.var}")  # and it has its own variable still

    def _flush_all(self) -> None:
        for wire in list(self.pending):
            self._flush(wire)

    def _take(self, wire: Wire) -> _Pending | None:
        waiting = self.pending.pop(wire, None)
        if waiting is not None:
            self.readers.subtract(waiting.reads)
        return waiting

    def _flush(self, wire: Wire, target: str | None = None) -> None:
        """Give an expression its variable; those that stand before it in the source go first."""
        self.spoken_for.append(self.pending[wire].reads | ({target} if target else set()))
        while (oldest := next(iter(self.pending))) is not wire:
            self._flush(oldest)
        self.spoken_for.pop()
        waiting = self._take(wire)
        assert waiting is not None
        target = target or self._free(wire)
        # What still reads the variable goes first, and into none that this line is about.
        self.spoken_for.append(waiting.reads | {target})
        if self.readers[target]:
            for other in [w for w, p in self.pending.items() if target in p.reads]:
                if other in self.pending:
                    self._flush(other)
        self.spoken_for.pop()
        self._assign(target, waiting.text, wire, waiting.comment)

    def _free(self, wire: Wire) -> str:
        """A variable that may be overwritten: the label's, `x`, or one named after its role."""
        if wire.keep:
            return self._unused(wire.hint)
        choices = [wire.hint, "x"] if wire.prefer else ["x", wire.hint]
        for name in choices:
            if self.is_free(name):
                return name
        return self._unused(wire.hint)

    def _unused(self, hint: str) -> str:
        name, number = hint, 2
        while not self.is_free(name):
            name, number = f"{hint}{number}", number + 1
        return name

    def is_free(self, name: str) -> bool:
        held = self.holds.get(name)
        if any(name in names for names in self.spoken_for):
            return False
        return held is None or held.uses <= 0

    def _assign(self, name: str, text: str, wire: Wire, comment: str = "") -> None:
        self._emit(f"{name} = {text}", comment)
        self._hold(name, wire)

    def _hold(self, name: str, wire: Wire) -> None:
        wire.var = name
        self.holds[name] = wire

    def _emit(self, line: str, comment: str = "") -> None:
        text = " " * self.indent + line
        if comment and len(text) + len(comment) + 4 + self.margin <= WIDTH:
            text += f"  # {comment}"
        self.lines.append(text)


def _passes(arm: tuple[list[Step], Wire], source: Wire) -> bool:
    """Whether an arm of an `if` gives what came in."""
    steps, result = arm
    return not steps and result is source


def _bracketed(text: str, step: Compute, at: int) -> str:
    """An expression with an operator, in brackets unless it needs none where it stands."""
    operators = _operators(text)
    if not operators and not text.startswith("-"):
        return text
    names = ["x"] * len(step.ins)
    names[at] = "\0"
    around = step.write(*names)
    place = around.index("\0")
    before, after = around[:place].rstrip(), around[place + 1 :]
    inside = before.endswith(("(", "[", ",")) and after.startswith((")", "]", ","))
    summand = operators <= {"*", "/"} and before[-1:] in ("", "+") and after[:2] in ("", " +", " -")
    first = not before and operators <= {"+", "*", "/"} and after.startswith((" +", " -"))
    return text if inside or (operators and (summand or first)) else f"({text})"


def _operators(text: str) -> set[str]:
    """The operators of an expression that are in no brackets."""
    depth, found = 0, set()
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if not depth and char == " " and text[at + 1 : at + 2] in "+-*/":
            found.add(text[at + 1])
    return found

"""A network unfolded, to look things up in: what is called how, what feeds what, what is where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from archc.analysis.overwrite import may_overwrite
from archc.analysis.table import Row, tabulate
from archc.analysis.unroll import PlacedStep, unroll
from archc.analysis.uses import Uses, uses_of
from archc.ops import Shape
from archc.plan import Body, Plan
from archc.source import Span

_MOST_COMPARED = 5000  # names that a wrong one is compared with


class NoSuchNode(LookupError):
    """A network has nothing of that name. `close` are the names that may have been meant."""

    def __init__(self, name: str, network: str, close: list[str], inside: list[str]) -> None:
        self.name, self.network, self.close, self.inside = name, network, close, inside
        super().__init__(self._message())

    def _message(self) -> str:
        message = f"{self.network} has no {self.name!r}"
        if self.inside:
            more = f" and {len(self.inside) - 3} more" if len(self.inside) > 3 else ""
            found = ", ".join(map(repr, self.inside[:3]))
            return f"{message} on its own; there is {found}{more} ('*.{self.name}' is all of them)"
        hint = f"; did you mean {' or '.join(map(repr, self.close))}?" if self.close else ""
        return message + hint


class Unfolded:
    """A plan without mistakes, its rows in execution order, and the tensors between them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.table = tabulate(plan)
        self.rows = list(self.table.rows())
        self.at = {row.key: at for at, row in enumerate(self.rows)}
        run = unroll(plan)
        self.steps: dict[str, PlacedStep] = {step.key: step for step in run.steps}
        self.inputs = {f"input:{name}": value for name, value in run.inputs}
        ends = (*run.outputs, *run.side_outputs)
        self.outputs = {f"output:{name}": value for name, value in ends}
        self.shapes = run.shapes
        self._makers = {value: key for key, value in self.inputs.items()}
        self._makers |= {step.output: step.key for step in run.steps}
        self._users: dict[int, list[str]] = {}
        self._sized: dict[int, list[str]] = {}  # by what they take their size from
        for step in run.steps:
            data, sizes = _split(step)
            for tensor in data:
                self._users.setdefault(tensor, []).append(step.key)
            for tensor in sizes:
                self._sized.setdefault(tensor, []).append(step.key)
        for key, tensor in self.outputs.items():
            self._users.setdefault(tensor, []).append(key)
        self._order = {key: n for n, key in enumerate((*self.inputs, *self.at, *self.outputs))}
        self._uses: dict[Body, Uses] = {}
        self._runs: dict[str, list[Row]] = {}  # of each module that runs again
        for row in self.rows:
            if row.again:
                self._runs.setdefault(row.module, []).append(row)

    # --- wires

    def makers(self, keys: Iterable[str]) -> list[str]:
        """What feeds these operators, from outside them, a tensor each."""
        inside = set(keys)
        tensors = dict.fromkeys(t for key in inside for t in self.steps[key].inputs)
        found = [self._makers[tensor] for tensor in sorted(tensors)]
        return [key for key in found if key not in inside]

    def maker(self, tensor: int) -> str:
        """What makes a tensor: an operator or an input."""
        return self._makers[tensor]

    def made_by(self, key: str) -> Shape:
        """The shape of what an operator or an input gives."""
        return self.shapes[self.inputs[key] if key in self.inputs else self.steps[key].output]

    def feeding(self, key: str) -> list[str]:
        """What makes the tensors that an operator takes, in its order."""
        return [self._makers[tensor] for tensor in self.steps[key].inputs]

    def sizing(self, keys: Iterable[str]) -> list[str]:
        """Of `makers` those that give these operators their size and no data."""
        data = {tensor for key in keys for tensor in _split(self.steps[key])[0]}
        sizes = {tensor for key in keys for tensor in _split(self.steps[key])[1]}
        return [self._makers[tensor] for tensor in sorted(sizes - data)]

    def users(self, keys: list[str]) -> list[str]:
        """What these operators and inputs feed, outside them."""
        return self._outside(keys, self._users)

    def sized(self, keys: list[str]) -> list[str]:
        """What these operators and inputs give their size to, outside them."""
        return self._outside(keys, self._sized)

    def _outside(self, keys: list[str], takers: dict[int, list[str]]) -> list[str]:
        inside = set(keys)
        made = [self.steps[k].output if k in self.steps else self.inputs[k] for k in keys]
        found = dict.fromkeys(key for tensor in made for key in takers.get(tensor, ()))
        return sorted((key for key in found if key not in inside), key=self._order.__getitem__)

    def overwrites(self, step: PlacedStep) -> bool:
        """Whether an operator works in place."""
        body = step.place.body
        if body not in self._uses:
            self._uses[body] = uses_of(body)
        return may_overwrite(step.apply, self._uses[body])

    # --- places

    def around(self, row: Row) -> list[Row]:
        """The blocks and groups that a row is in, outermost first."""
        found: list[Row] = []
        level = row.level
        for other in reversed(self.rows[: self.at[row.key]]):
            if other.level < level:
                found.insert(0, other)
                level = other.level
        return found

    def inside(self, row: Row) -> Iterator[Row]:
        """All that is in a block or group, at any depth."""
        for other in self.rows[self.at[row.key] + 1 :]:
            if other.level <= row.level:
                return
            yield other

    def where(self, span: Span) -> tuple[str, int]:
        """The file of a statement, as seen from the network's own, and the line."""
        path, main = Path(span.source.name), Path(self.plan.file.span.source.name)
        if path.is_absolute():
            near = path.is_relative_to(main.parent)
            path = path.relative_to(main.parent) if near else path
        return str(path), span.line

    def runs_again(self, row: Row) -> list[Row]:
        """The further runs of a module, with the same weights."""
        return self._runs.get(row.module, [])

    # --- names

    def named(self, name: str) -> list[str]:
        """The keys that a name or a pattern with `*` stands for; a weight's is its operator's.

        Raises NoSuchNode.
        """
        known = [*self.inputs, *self.at, *self.outputs]
        if name in self.at or name in self.inputs or name in self.outputs:
            return [name]
        if other := self._by_second_name(name) or self._by_weight(name):
            return [other]
        found = [key for key in known if fnmatchcase(key, name)] if set(name) & set("*?[") else []
        if not found:
            ending = [key for key in known if key.endswith((f".{name}", f":{name}"))]
            known = [*known[:_MOST_COMPARED], *(row.also for row in self.rows if row.also)]
            close = self._calls(name)[:3] or get_close_matches(name, known, n=3)
            raise NoSuchNode(name, self.plan.name, close, ending)
        return found

    def _by_weight(self, name: str) -> str:
        """The operator that has a key of the `state_dict`; "" where that is nothing."""
        module, _, tensor = name.rpartition(".")
        known = self.rows[self.at[module]].part.state if module in self.at else {}
        return module if tensor in known else ""

    def _calls(self, block: str) -> list[str]:
        """The calls of a block."""
        return [row.key for row in self.rows if row.part.body and row.part.kind == block]

    def _by_second_name(self, name: str) -> str:
        """`left#2` of `right`, `left.conv1#2` of `right.conv1`; "" where that is nothing."""
        for row in self.rows:
            if row.also and f"{name}.".startswith(f"{row.also}."):
                module = row.module + name.removeprefix(row.also)
                for found in (row, *self.inside(row)):
                    if found.module == module:
                        return found.key
        return ""


def _split(step: PlacedStep) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The tensors whose data an operator takes, and those of which it takes the size alone."""
    count = len(step.inputs) - len(step.apply.sizes)
    return step.inputs[:count], step.inputs[count:]

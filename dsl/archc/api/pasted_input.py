"""The input of a pasted class: the size for which its linears get the features that they say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from archc.api.analysis import Analysis
from archc.api.loading import bundled
from archc.plan import Apply, walk
from archc.source import Diagnostic, Source, edited
from archc.syntax.pasted_file import PastedNetwork, pasted_classes
from archc.syntax.pasted_sequence import pasted_sequence
from archc.syntax.said_input import said_inputs

_ANY = 224  # a network that takes this and `_TWICE` takes any size
_TWICE = 448
_SIZES = (32, 28, 64, 96, 128, 227, 299, 256, 48, 84, 112, 160, 192, 300, 384, 400, 512)
_CHANNELS = (3, 1)

_PARAMS = re.compile(r"^  params ([\d_]+)$", re.MULTILINE)  # in `expect` of a bundled network

Attempt = Callable[[Source], Analysis]


@dataclass(frozen=True, slots=True)
class _PastedInput:
    """What comes in: a line of the language, and why it is this one, or why there is none."""

    line: str = ""
    why: str = ""


def with_inputs(
    source: Source, problems: tuple[Diagnostic, ...], attempt: Attempt
) -> tuple[Diagnostic, ...]:
    """The same, where what writes a pasted network writes the input that its class asks for.

    `attempt` analyses a text.
    """
    network = pasted_classes(source).pasted_network or pasted_sequence(source)
    if network is None:
        return tuple(_with_said(problem, attempt) for problem in problems)
    wanted = (*network.features.items(), network.channels, network.said)
    question = _Question(network.text(""), wanted, network, attempt)
    found, alike = _input_of(question), _alike(question)
    told = tuple(_with_input(problem, network, found) for problem in problems)
    return tuple(_with_alike(problem, network, alike) for problem in told)


def _with_said(problem: Diagnostic, attempt: Attempt) -> Diagnostic:
    """A network without an input, where the file says what it runs it on."""
    source = problem.span.source
    fix = next(iter(problem.fixes), None)
    if problem.code != "A404" or fix is None:
        return problem
    for said in said_inputs(source):
        better = replace(fix, title=f"begin with `{said.line}`", text=f"{said.line}\n")
        made = attempt(Source(source.name, edited(source.text, better.edits)))
        if not any(d.is_error and d.code[:2] == "A2" for d in made.diagnostics):
            better = replace(better, title=f"{better.title}, as line {said.number} says")
            return replace(problem, fixes=(better,))
    return problem


def _with_alike(problem: Diagnostic, network: PastedNetwork, alike: str) -> Diagnostic:
    is_own = any(fix.span == network.edit.span for fix in problem.fixes)
    help = f'`{alike}` comes along: `extends "{alike}.arch"`'
    return replace(problem, helps=(*problem.helps, help)) if alike and is_own else problem


def _with_input(problem: Diagnostic, network: PastedNetwork, found: _PastedInput) -> Diagnostic:
    fix = next(iter(problem.fixes), None)
    if fix is None or network.edit not in fix.edits:
        return problem
    if not found.line:
        return replace(problem, helps=(*problem.helps, found.why)) if found.why else problem
    new = network.with_line(found.line)
    also = tuple(new if edit == network.edit else edit for edit in fix.also)
    text = new.text if fix.span == new.span else fix.text
    title = f"{fix.title}; `{found.line}` {found.why}"
    fix = replace(fix, title=title, text=text, safe=False, also=also)
    return replace(problem, fixes=(fix,))


@dataclass(frozen=True, slots=True)
class _Question:
    """A text without its input, and what is wanted. Two are one where these are."""

    text: str
    wanted: tuple[object, ...]
    network: PastedNetwork = field(compare=False)
    attempt: Attempt = field(compare=False)

    def taken(self, line: str) -> dict[str, int] | None:
        """What the linears of the network take then; None where it is no network."""
        layers = self.layers(line)
        if layers is None:
            return None
        return {n.name: n.shapes[0].features for n in layers if n.op.name == "fc" and n.shapes}

    def layers(self, line: str) -> list[Apply] | None:
        """The operators of the network then, in the order in which they run."""
        name = self.network.edit.span.source.name
        made = self.attempt(Source(name, self.network.text(line)))
        if made.plan is None or any(d.is_error and d.code[:2] == "A2" for d in made.diagnostics):
            return None
        return [node for node in walk(made.plan.body.chain.nodes) if isinstance(node, Apply)]

    def begins_with_linear(self, line: str) -> bool:
        """Whether a vector reaches the first linear as it comes in."""
        names = [node.op.name for node in self.layers(line) or ()]
        return "fc" in names and "flatten" not in names[: names.index("fc")]

    def fits(self, line: str) -> bool:
        taken = self.taken(line)
        wanted = Counter(self.network.features.values())
        return taken is not None and wanted <= Counter(taken.values())


@lru_cache(maxsize=4)
def _alike(question: _Question) -> str:
    """The bundled network of the same name that has as many parameters."""
    network = question.network
    names = [name.lower() for name in network.makers if name.lower() in bundled()]
    if not names:
        return ""
    line = f"input {_ANY}x{_ANY} x{network.channels or _CHANNELS[0]}"
    made = question.attempt(Source(network.edit.span.source.name, network.text(line)))
    for name in names:
        said = _PARAMS.search(bundled()[name].read_text(encoding="utf-8"))
        if said is not None and int(said[1]) == made.params:
            return name
    return ""


@lru_cache(maxsize=4)  # while somebody types below it
def _input_of(question: _Question) -> _PastedInput:
    network = question.network
    for said in network.said:
        is_own = network.channels in (None, int(said.line.rpartition(" x")[2]))
        if is_own and question.fits(said.line):
            return _PastedInput(said.line, f"is what line {said.number} says")
    vectors = [_vector(network, label) for label in network.features]
    for vector in vectors:
        if question.fits(vector.line) and question.begins_with_linear(vector.line):
            return vector
    channels = (network.channels,) if network.channels is not None else _CHANNELS
    for count in channels:
        if question.fits(f"input {_ANY}x{_ANY} x{count}"):
            if not question.fits(f"input {_TWICE}x{_TWICE} x{count}"):
                return _fitting(network, _ANY, count)
            if count == 3 or network.channels is None:
                return _PastedInput()  # of any size: nobody but the author knows
            size = 28 if count == 1 else _ANY
            return _PastedInput(f"input {size}x{size} x{count}", "has the channels; any size fits")
        for size in _SIZES:
            if question.fits(f"input {size}x{size} x{count}"):
                return _fitting(network, size, count)
    for vector in vectors:
        if network.channels is None and question.fits(vector.line):
            return vector
    taken = question.taken(f"input {_ANY}x{_ANY} x{channels[0]}") or {}
    for label, wanted in network.features.items():
        given = f"; {_ANY}x{_ANY} gives it {taken[label]}" if label in taken else ""
        if taken.get(label) != wanted:
            return _PastedInput("", f"no square image gives `{label}` its {wanted} features{given}")
    return _PastedInput()


def _vector(network: PastedNetwork, label: str) -> _PastedInput:
    features = network.features[label]
    return _PastedInput(f"input x{features}", f"gives `{label}` its {features} features")


def _fitting(network: PastedNetwork, size: int, channels: int) -> _PastedInput:
    label, features = next(iter(network.features.items()))
    line = f"input {size}x{size} x{channels}"
    return _PastedInput(line, f"gives `{label}` its {features} features")

"""Which networks a plot shows, and where: only what was tested alike.

That is networks of one dataset, with an accuracy by one view of each image.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archc.report.characters import visible
from archc.report.spelling.numbers import human

if TYPE_CHECKING:
    from archc.comparison.timing import Machine

_LONGEST = 36  # characters of a label


class NothingToPlot(Exception):
    """No network has what the plot shows; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a network that may be plotted; texts are empty where they are unknown."""

    name: str
    label: str
    paper: str
    authors: str
    year: float | None
    dataset: str
    crops: float | None  # views of an image that `error` is an average over
    error: float | None  # top-1, in percent
    macs: int
    params: int
    forward_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A bubble. `family` names those of the same paper."""

    name: str
    label: str
    family: str
    accuracy: float  # top-1, in percent
    macs: int
    params: int
    forward_ms: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """What is plotted, before it is drawn."""

    dataset: str
    points: tuple[Point, ...]
    families: tuple[str, ...]
    left_out: tuple[tuple[str, tuple[str, ...]], ...]  # why, and which networks
    machine: Machine | None = None

    @property
    def timed(self) -> bool:
        """Whether there is a second panel, of the time that was measured."""
        return self.machine is not None

    def describe(self) -> str:
        """In words, for those who cannot see it."""
        each = (
            f"{p.label}: {p.accuracy:.4g} %, {human(p.macs)} MACs, {human(p.params)} parameters"
            + (f", {p.forward_ms:.3g} ms" if p.forward_ms is not None else "")
            for p in self.points
        )
        on = f" on {self.dataset}" if self.dataset else ""
        axes = "multiply-accumulates and forward time" if self.timed else "multiply-accumulates"
        return f"Top-1 accuracy{on} against {axes}; bubble area: parameters. {'; '.join(each)}."


def choose(
    candidates: Sequence[Candidate], dataset: str | None = None, machine: Machine | None = None
) -> Picture:
    """The networks of one dataset, by default the one that most were tested on.

    Raises NothingToPlot.
    """
    tested = [one for one in candidates if one.error is not None]
    if not tested:
        raise NothingToPlot("no file's `meta` has a `top1_error`: there is nothing to plot")
    wanted = _wanted(tested, dataset)
    why: dict[str, list[str]] = {}
    taken: list[Candidate] = []
    for one in candidates:
        reason = _reason(one, wanted)
        if reason:
            why.setdefault(reason, []).append(one.name)
        else:
            taken.append(one)
    if not taken:
        raise NothingToPlot(f"nothing to plot: {'; '.join(why)}")
    taken.sort(key=lambda one: (one.macs, one.name))  # the plot does not depend on their order
    names = _families(taken)
    points = tuple(_point(one, names[_family(one)]) for one in taken)
    left_out = tuple((reason, tuple(found)) for reason, found in why.items())
    return Picture(wanted, points, tuple(dict.fromkeys(names.values())), left_out, machine)


def _point(one: Candidate, family: str) -> Point:
    assert one.error is not None
    label = visible(one.label)
    label = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
    return Point(one.name, label, family, 100 - one.error, one.macs, one.params, one.forward_ms)


def _wanted(tested: Sequence[Candidate], dataset: str | None) -> str:
    counts = Counter(one.dataset for one in tested)
    if dataset is None:
        return counts.most_common(1)[0][0]
    for name in counts:
        if _key(name) == _key(dataset):
            return name
    known = ", ".join(name for name in counts if name) or "no `meta` has a `dataset`"
    raise NothingToPlot(f"no network here was tested on {dataset!r} ({known})")


def _key(dataset: str) -> str:
    """`cifar10` is CIFAR-10."""
    return re.sub(r"[\W_]", "", dataset).casefold()


def _reason(one: Candidate, wanted: str) -> str:
    """Why a network is not in the plot; nothing if it is."""
    if one.dataset != wanted:
        return f"tested on {one.dataset}" if one.dataset else "no `dataset` in `meta`"
    if one.error is None:
        return "no `top1_error` in `meta`"
    if one.crops is not None and one.crops != 1:
        return f"an average over {one.crops:g} crops"
    if not 0 <= one.error <= 100:
        return "`top1_error` is no percentage"
    return "" if one.macs else "no convolution or linear"


def _family(one: Candidate) -> tuple[float, str, str]:
    return (one.year or 0, one.paper, one.authors)


def _families(taken: Iterable[Candidate]) -> dict[tuple[float, str, str], str]:
    """Names of papers as they are cited, by year: `He et al. 2015`."""
    keys = sorted({_family(one) for one in taken})
    cited = {key: _cited(*key) for key in keys}
    counts = Counter(cited.values())
    seen: Counter[str] = Counter()
    names = {}
    for key, name in cited.items():
        letter = chr(ord("a") + seen[name]) if counts[name] > 1 and name[-1:].isdigit() else ""
        seen[name] += 1
        names[key] = name + letter
    return names


def _cited(year: float, paper: str, authors: str) -> str:
    people = [name.strip() for name in authors.split(",") if name.strip()]
    if not people:
        who = visible(paper)[:_LONGEST]
    elif len(people) > 2:
        who = f"{people[0][:_LONGEST]} et al."
    else:
        who = " & ".join(people)[:_LONGEST]
    return visible(f"{who} {year:g}" if year else who).strip() or "no paper given"

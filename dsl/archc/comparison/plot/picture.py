"""Which networks a plot shows, and where: accuracies only of what was tested alike.

That is networks of one dataset, with an accuracy by one view of each image. Those of the dataset
whose accuracy nobody gave stand at the foot of the plot, by what they cost. Where none has an
accuracy, the plot is of parameters against operations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    family: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A bubble. `family` is the one that its file names, or those of the same paper."""

    name: str
    label: str
    family: str
    accuracy: float | None  # top-1, in percent
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
    untested: tuple[tuple[str, tuple[str, ...]], ...] = ()  # why, and which points
    machine: Machine | None = None

    @property
    def is_of_accuracy(self) -> bool:
        """Whether upwards is accuracy; else it is parameters."""
        return any(point.accuracy is not None for point in self.points)

    @property
    def timed(self) -> bool:
        """Whether there is a second panel, of the time that was measured."""
        return self.machine is not None

    def describe(self) -> str:
        """In words, for those who cannot see it."""
        across = "multiply-accumulates and forward time" if self.timed else "multiply-accumulates"
        each = "; ".join(map(self._described, self.points))
        if not self.is_of_accuracy:
            return f"Parameters against {across}. {each}."
        on = f" on {self.dataset}" if self.dataset else ""
        return f"Top-1 accuracy{on} against {across}; bubble area: parameters. {each}."

    def _described(self, point: Point) -> str:
        accuracy = "no accuracy" if point.accuracy is None else f"{point.accuracy:.4g} %"
        costs = f"{human(point.macs)} MACs, {human(point.params)} parameters"
        time = f", {point.forward_ms:.3g} ms" if point.forward_ms is not None else ""
        said = f"{accuracy}, {costs}{time}" if self.is_of_accuracy else f"{costs}{time}"
        return f"{point.label}: {said}"


@dataclass(frozen=True, slots=True)
class _Judged:
    """A network, and why it is left out of the plot, or has no accuracy in it; else nothing."""

    network: Candidate
    left_out: str = ""
    untested: str = ""


def choose(
    candidates: Sequence[Candidate], dataset: str | None = None, machine: Machine | None = None
) -> Picture:
    """The networks of one dataset, by default the one that most were tested on.

    Where none was tested, and no dataset is asked for, all networks. Raises NothingToPlot.
    """
    scored = [one for one in candidates if one.error is not None]
    if dataset is not None and not scored:
        raise NothingToPlot("no file's `meta` has a `top1_error`: leave out --dataset")
    alike = [one for one in scored if one.macs and not _unlike(one)]
    if dataset is None and not alike:
        judged = [_Judged(replace(one, error=None), _uncounted(one)) for one in candidates]
        return _picture("", judged, machine)
    wanted = _wanted(alike if dataset is None else scored, dataset)
    judged = [_judge(one, wanted) for one in candidates]
    if not any(one.left_out == one.untested == "" for one in judged):
        raise _nothing(judged)
    return _picture(wanted, judged, machine)


def _judge(one: Candidate, wanted: str) -> _Judged:
    if one.dataset and one.dataset != wanted:
        return _Judged(one, f"tested on {one.dataset}")
    if not one.macs:
        return _Judged(one, _uncounted(one))
    if one.error is None:
        return _Judged(one, untested="no `top1_error` in `meta`")
    if one.dataset != wanted:
        return _Judged(one, untested="no `dataset` in `meta`")
    return _Judged(one, _unlike(one))


def _uncounted(one: Candidate) -> str:
    """Why it has no place across, or none by its parameters."""
    return "" if one.macs and one.params else "no convolution or linear"


def _unlike(one: Candidate) -> str:
    """Why its accuracy is none to compare; nothing if it is."""
    if one.crops is not None and one.crops != 1:
        return f"an average over {one.crops:g} crops"
    if one.error is not None and not 0 <= one.error <= 100:
        return "`top1_error` is no percentage"
    return ""


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


def _picture(wanted: str, judged: Sequence[_Judged], machine: Machine | None) -> Picture:
    """Of the networks that are not left out; it does not depend on their order."""
    taken = sorted((one for one in judged if not one.left_out), key=lambda one: _order(one.network))
    if not taken:
        raise _nothing(judged)
    names = _families([one.network for one in taken])
    points = tuple(_point(one, names[_family(one.network)]) for one in taken)
    return Picture(
        wanted,
        points,
        tuple(dict.fromkeys(names.values())),
        _grouped((one.left_out, one.network.name) for one in judged),
        _grouped((one.untested, one.network.name) for one in judged if not one.left_out),
        machine,
    )


def _order(one: Candidate) -> tuple[int, str]:
    return one.macs, one.name


def _nothing(judged: Iterable[_Judged]) -> NothingToPlot:
    reasons = dict.fromkeys(one.left_out or one.untested for one in judged)
    return NothingToPlot(f"nothing to plot: {'; '.join(reasons)}")


def _grouped(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The names of those that have a reason, by it."""
    groups: dict[str, list[str]] = {}
    for reason, name in pairs:
        if reason:
            groups.setdefault(reason, []).append(name)
    return tuple((reason, tuple(names)) for reason, names in groups.items())


def _point(judged: _Judged, family: str) -> Point:
    one = judged.network
    label = _short(visible(one.label))
    accuracy = None if judged.untested or one.error is None else 100 - one.error
    return Point(one.name, label, family, accuracy, one.macs, one.params, one.forward_ms)


_Family = tuple[str, float, str, str]  # by name; or by year, paper and authors


def _family(one: Candidate) -> _Family:
    if one.family:
        return (visible(one.family), 0, "", "")
    return ("", one.year or 0, one.paper, one.authors)


def _families(taken: Sequence[Candidate]) -> dict[_Family, str]:
    """Their names, those of papers as they are cited (`He et al. 2015`), by year."""
    began: dict[_Family, float] = {}
    for one in taken:
        key = _family(one)
        began[key] = min(one.year or 0, began.get(key, one.year or 0))
    keys = sorted(began, key=lambda key: (began[key], key))
    cited = {key: _short(key[0]) or _cited(*key[1:]) for key in keys}
    counts = Counter(cited.values())
    seen: Counter[str] = Counter()
    names = {}
    for key, name in cited.items():
        is_paper = counts[name] > 1 and not key[0] and name[-1:].isdigit()
        letter = chr(ord("a") + seen[name]) if is_paper else ""
        seen[name] += 1
        names[key] = name + letter
    return names


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _cited(year: float, paper: str, authors: str) -> str:
    people = [name.strip() for name in authors.split(",") if name.strip()]
    if not people:
        who = _short(visible(paper))
    elif len(people) > 2:
        who = f"{_short(people[0])} et al."
    else:
        who = _short(" & ".join(people))
    return visible(f"{who} {year:g}" if year else who).strip() or "no family given"

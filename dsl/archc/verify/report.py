"""Verdicts as tables for people, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archc import __version__
from archc.report.characters import to_json
from archc.report.tables import Column, RunningTable, Sheet, TableLine
from archc.verify import Verdict
from archc.verify.check import Check, Result
from archc.verify.reasons import some


def _seconds(value: float) -> str:
    return f"{value:.1f}"


_SECONDS = Column("seconds", "seconds", True, _seconds)
_MARKS = {"pass": "pass", "fail": "FAIL", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Named:
    """A verdict, and what its network is called: as its text does, and on the command line."""

    name: str
    shown: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run found. `left` checks were not asked for, `elapsed` is by the clock.

    `mistaken` names the inputs with mistakes, of which no module could be made.
    """

    found: Sequence[Named]
    checks: int
    left: int
    elapsed: float
    mistaken: Sequence[str] = ()

    @property
    def failed(self) -> bool:
        return any(named.verdict.failed for named in self.found)

    @property
    def foot(self) -> list[str]:
        """What is said below the table."""
        if len(self.found) == 1:
            return [_tally(self)]
        failures = [
            f"{named.shown}: {result.check} failed: {result.remark}"
            for named in self.found
            for result in named.verdict.results
            if result.status == "fail"
        ]
        skips = _skips(self.found)
        foot = [*failures, *([""] if failures and skips else []), *skips]
        return [*foot, *([""] if foot else []), _tally(self)]

    def json(self) -> str:
        """See docs/cli.md."""
        document = {
            "version": 1,
            "archc": __version__,
            "passed": not self.failed and not self.mistaken,
            "seconds": round(self.elapsed, 3),
            "mistaken": [Path(name).as_posix() for name in self.mistaken],
            "networks": [_record(named) for named in self.found],
        }
        return to_json(document)


def listed_json(checks: Sequence[Check]) -> str:
    """What `listed` says, for programs."""
    said = [{"name": c.name, "runs": c.when or "always", "proves": c.proves} for c in checks]
    return to_json({"version": 1, "archc": __version__, "checks": said})


def listed(checks: Sequence[Check]) -> Sheet:
    """What each check proves, and when it runs."""
    columns = (Column("name", "check"), Column("when", "runs"), Column("proves", "proves that"))
    return Sheet(columns, [TableLine((c.name, c.when or "always", c.proves)) for c in checks])


def of_checks(title: str, names: Sequence[str], *, color: bool) -> RunningTable:
    """The table of one network, a line a check."""
    columns = (
        Column("check", "check"),
        Column("status", "result"),
        _SECONDS,
        Column("remark", "remark"),
    )
    widest = [TableLine((name, _MARKS["skipped"], 0.0, "")) for name in names]
    return RunningTable(Sheet(columns, (), title), widest, color=color)


def check_line(result: Result) -> TableLine:
    """A line of `of_checks`."""
    cells = (result.check, _MARKS[result.status], result.seconds, result.remark)
    return TableLine(cells, strong=result.status == "fail")


def of_networks(shown: Sequence[str], *, color: bool) -> RunningTable:
    """The table of many networks, a line each."""
    columns = (
        Column("name", "network"),
        *(Column(key, key, True) for key in ("pass", "fail", "skipped")),
        _SECONDS,
    )
    widest = [TableLine((name, None, None, None, 0.0)) for name in shown]
    return RunningTable(Sheet(columns, ()), widest, color=color)


def network_line(named: Named) -> TableLine:
    """A line of `of_networks`."""
    cells = (named.shown, *_counts(named.verdict), named.verdict.seconds)
    return TableLine(cells, strong=named.verdict.failed)


def _counts(verdict: Verdict) -> tuple[int | None, ...]:
    """Nothing rather than 0, so that what fails is seen."""
    return tuple(verdict.count(status) or None for status in ("pass", "fail", "skipped"))


def _skips(found: Sequence[Named]) -> list[str]:
    """A line for each reason, with the checks and the networks it is about."""
    by_check: dict[tuple[str, str], list[str]] = {}
    for named in found:
        for result in named.verdict.results:
            if result.status == "skipped":
                by_check.setdefault((result.check, result.remark or ""), []).append(named.shown)
    reasons: dict[tuple[str, str], list[str]] = {}
    for (check, reason), names in by_check.items():
        reasons.setdefault((reason, _some(names, len(found))), []).append(check)
    return [
        f"{', '.join(checks)} skipped, {reason}: {names}"
        for (reason, names), checks in reasons.items()
    ]


def _some(names: list[str], all: int) -> str:
    if len(names) == all:
        return "all networks"
    return some(names, most=6)


def _tally(report: Report) -> str:
    """`6 passed, 1 skipped, 0 failed in 12.3 s; --all runs 9 more checks`."""
    total = [
        sum(named.verdict.count(status) for named in report.found)
        for status in ("pass", "skipped", "fail")
    ]  # fmt: skip
    words = f"{total[0]} passed, {total[1]} skipped, {total[2]} failed in {report.elapsed:.1f} s"
    if report.left:
        words += f"; --all runs {report.left} more check{'s' * (report.left != 1)}"
    if report.mistaken:
        words += f"; with mistakes, so not verified: {_some(list(report.mistaken), 0)}"
    return words


def _record(named: Named) -> dict[str, Any]:
    verdict = named.verdict
    return {
        "name": named.name,
        "file": Path(verdict.task.path).as_posix(),
        "passed": not verdict.failed,
        "checks": [
            {key: round(value, 3) if key == "seconds" else value for key, value in found.items()}
            for found in map(_plain, verdict.results)
        ],
    }


def _plain(result: Any) -> dict[str, Any]:
    found = asdict(result)
    return {"name": found.pop("check"), **found}

"""What tests of `archc verify` share: the example with edits, other networks, a check on one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from archc import api
from archc.source import Source
from archc.verify import Result, Task, verify
from archc.verify.bug import Bug, example
from archc.verify.check import perform
from archc.verify.checks import CHECKS
from archc.verify.subject import Subject


@cache
def analysis_of(text: str) -> api.Analysis:
    found = api.analyze(Source("test.arch", text))
    assert found.ok, found.diagnostics
    return found


def generated(text: str | None = None) -> Subject:
    """What archc writes for a text, or for the example."""
    return Subject(analysis_of(text or example()[0]))


def edited(edits: Mapping[str, str] | None = None) -> Subject:
    """The module of the example, written by hand, with edits; each text stands there once."""
    return Subject(analysis_of(example()[0]), Bug("", edits or {}, "").planted())


def outcome(name: str, subject: Subject) -> Result:
    """How a check goes: here, or in a process of its own where it needs one."""
    if not CHECKS[name].alone:
        return perform(CHECKS[name], subject)
    [(_, verdict)] = verify([Task.of(subject.analysis, subject.given)], [name])
    return verdict.results[0]


FAST = [check.name for check in CHECKS.values() if not (check.slow or check.gpu or check.alone)]
SLOW = [check.name for check in CHECKS.values() if check.slow and not check.alone]

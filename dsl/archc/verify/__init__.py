"""`archc verify`: what must hold of a generated module, proved by running it.

    verdicts = verify([Task.of(analysis, folder)], ["state", "device"])

Checks run in processes of their own, since some may kill theirs; this one imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from archc.verify.check import Check, Failed, Result, Skipped, Status
from archc.verify.pool import CannotStart, WorkerPool
from archc.verify.task import Task

__all__ = [
    "CannotStart",
    "Check",
    "Failed",
    "Result",
    "Skipped",
    "Task",
    "Verdict",
    "registered",
    "verify",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """How all checks of a network went."""

    task: Task
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        return any(result.status == "fail" for result in self.results)

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.results)

    def count(self, status: Status) -> int:
        return sum(result.status == status for result in self.results)


def registered() -> dict[str, Check]:
    """All checks by name, in the order in which they are shown."""
    from archc.verify import checks

    return checks.CHECKS


def verify(
    tasks: Sequence[Task],
    names: Sequence[str],
    *,
    workers: int = 1,
    seconds: float = 600,
    started: Callable[[str, str], None] | None = None,
    ended: Callable[[int, Result], None] | None = None,
) -> Iterator[tuple[int, Verdict]]:
    """Each task's number and verdict, as they are done.

    `workers` run at once, a check may take `seconds`; `started` hears of a path and a check that
    begins, `ended` of a task's number and a result. Raises KeyError for a check that is not there,
    CannotStart.
    """
    known = registered()
    absent = {name: Result(name, "skipped", 0.0, known[name].lacks) for name in names
              if known[name].missing}  # fmt: skip
    possible = [name for name in names if name not in absent]
    pool = WorkerPool(workers, seconds)
    if started is not None:
        pool.started = started
    if ended is not None:
        pool.ended = ended
        for at, result in product(range(len(tasks)), absent.values()):
            ended(at, result)
    for at, found in pool.run([(task, possible) for task in tasks]):
        by_name = absent | {result.check: result for result in found}
        yield at, Verdict(tasks[at], tuple(by_name[name] for name in names))

"""Memory that comes and goes, counted in bytes as a function of the batch.

Every size is `fixed + sample * batch`, so one run of the simulation answers for all batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What memory is for."""

    PARAMETERS = "parameters"
    GRADIENTS = "gradients"
    BUCKETS = "gradient buckets"
    OPTIMIZER = "optimizer state"
    AVERAGE = "averaged weights"
    BUFFERS = "buffers"
    INPUT = "input and labels"
    ACTIVATIONS = "activations"
    INDICES = "pooling indices"
    EXTRAS = "masks and statistics"
    CASTS = "half-precision copies"
    BACKWARD = "gradients of activations"
    SCRATCH = "scratch"


@dataclass(eq=False, slots=True)
class Allocation:
    """A piece of memory, and how many hold it. Lives at moments `born <= m < died`."""

    name: str  # the step that made it
    role: Role
    fixed: int
    sample: int
    refs: int
    born: int
    died: int | None = None

    def bytes(self, batch: int) -> int:
        return self.fixed + self.sample * batch


@dataclass(frozen=True, slots=True)
class Moment:
    """All that is alive while something runs."""

    fixed: int
    sample: int
    phase: str  # forward, loss, backward, recompute (of what is checkpointed) or step
    name: str

    def bytes(self, batch: int) -> int:
        return self.fixed + self.sample * batch


@dataclass(slots=True)
class Heap:
    """Counts what is alive, and keeps the history."""

    fixed: int = 0
    sample: int = 0
    moments: list[Moment] = field(default_factory=list)
    storages: list[Allocation] = field(default_factory=list)

    def new(self, name: str, role: Role, *, fixed: int = 0, sample: int = 0) -> Allocation:
        """A new piece, held once."""
        storage = Allocation(name, role, fixed, sample, 1, len(self.moments))
        self.storages.append(storage)
        self.fixed += fixed
        self.sample += sample
        return storage

    def hold(self, storage: Allocation) -> Allocation:
        storage.refs += 1
        return storage

    def drop(self, storage: Allocation) -> None:
        """One holder less; the last one frees it."""
        storage.refs -= 1
        if not storage.refs:
            storage.died = len(self.moments)
            self.fixed -= storage.fixed
            self.sample -= storage.sample

    def mark(self, phase: str, name: str) -> None:
        """All that is alive now is alive at the same time."""
        self.moments.append(Moment(self.fixed, self.sample, phase, name))

    # --- questions afterwards ------------------------------------------------------------

    def peak(self, batch: int) -> Moment:
        """The first moment at which most is alive."""
        return max(self.moments, key=lambda moment: moment.bytes(batch))

    def alive(self, moment: Moment) -> list[Allocation]:
        at = next(i for i, m in enumerate(self.moments) if m is moment)
        return [s for s in self.storages if s.born <= at and (s.died is None or s.died > at)]

    def largest_batch(self, capacity: float) -> int:
        """The largest batch that stays within so many bytes at every moment; 0 if none does."""
        room = [int((capacity - m.fixed) // m.sample) for m in self.moments if m.sample]
        fits = all(m.fixed <= capacity for m in self.moments)
        return max(0, min(room, default=0)) if fits else 0

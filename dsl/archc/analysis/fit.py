"""Does it fit: the memory of a network in one setting, and the largest batch of a device."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from archc.analysis.gather import gathered
from archc.analysis.heap import Allocation, Heap, Moment, Role
from archc.analysis.memory import inferred, trained
from archc.analysis.schedule import schedule
from archc.analysis.setting import RunSetting
from archc.plan import Plan

FITS, TIGHT = 0.87, 0.90  # of a device's memory
RULE = (
    "A rule of thumb: up to 87 % of a GPU's memory fits, up to 90 % is tight. In timm's published "
    "mixed-precision training runs on one card (RTX 3090, 24 GiB) with 28 networks, every batch "
    "that ran is below 90 % and every next one, a third to a half larger, above 87 %; the largest "
    "below 90 % is the one that ran in 26 of the 28. The limits were chosen on these runs, and "
    "archc has not measured on a GPU: take them as +-10 %."
)
LEFT_OUT = (
    "Counted is what PyTorch's tensors hold in eager mode; not the GPU's context (0.3 to 0.6 GiB), "
    "workspaces of kernels and gaps in the allocator, which the rule leaves room for."
)


@dataclass(frozen=True, slots=True)
class Peak:
    """The moment at which a run holds most, at one batch; sizes in bytes."""

    bytes: int
    moment: Moment
    parts: dict[Role, int]
    largest: tuple[tuple[Allocation, int], ...]  # the biggest pieces, and how big


@dataclass(frozen=True, slots=True)
class NetworkMemory:
    """A network's memory in training and in inference, for every batch."""

    setting: RunSetting
    train: Heap
    infer: Heap


def memory(plan: Plan, setting: RunSetting) -> NetworkMemory:
    """Simulate both. Takes a plan without mistakes."""
    run = schedule(plan, training=True, checkpoint=setting.checkpoint)
    return NetworkMemory(setting, trained(run, setting), inferred(plan, run.state(), setting))


def best_checkpoint(plan: Plan, setting: RunSetting, batch: int) -> RunSetting:
    """The same with the block checkpointed that saves most at that batch; none if none saves."""
    run = schedule(plan, training=True)

    def peak(name: str | None) -> int:
        own = schedule(plan, training=True, checkpoint=name) if gathered(plan, name) else run
        return trained(own, replace(setting, checkpoint=name)).peak(batch).bytes(batch)

    return replace(setting, checkpoint=min((None, *run.blocks), key=peak))


def peak(heap: Heap, batch: int, count: int = 10) -> Peak:
    """What is alive when a run holds most."""
    moment = heap.peak(batch)
    alive = [(storage, storage.bytes(batch)) for storage in heap.alive(moment)]
    parts: Counter[Role] = Counter()
    for storage, size in alive:
        parts[storage.role] += size
    tensors = [pair for pair in alive if pair[0].role not in _WHOLE]
    largest = sorted(tensors, key=lambda pair: -pair[1])[:count]
    return Peak(moment.bytes(batch), moment, dict(parts), tuple(largest))


_WHOLE = (
    Role.PARAMETERS,
    Role.OPTIMIZER,
    Role.AVERAGE,
    Role.BUFFERS,
    Role.BUCKETS,
)  # those are no single tensors


def verdict(bytes: int, capacity: int) -> str:
    """`fits`, `tight` or `no`."""
    return "fits" if bytes <= FITS * capacity else "tight" if bytes <= TIGHT * capacity else "no"

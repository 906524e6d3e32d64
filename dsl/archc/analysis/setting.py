"""How a network is run: its precision, its optimizer and what else takes memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from archc.recipe import LINES, Line, Recipe
from archc.recipe.notes import Precision
from archc.recipe.optimizers import Optimizer, Sgd
from archc.recipe.regularisation import Ema
from archc.recipe.run import Batch
from archc.source import Source, Span

WIDTHS = {"fp32": 4, "fp16": 2, "bf16": 2, "fp64": 8}  # bytes of a number
DEFAULT_BATCH = 32
_SINGLE = 4


@dataclass(frozen=True, slots=True)
class OptimizerMemory:
    """What an optimizer holds, in copies of the parameters.

    `moments` stay from an update to the next, `scratch` is there while an update runs.
    """

    key: str  # as on the command line: "adamw"
    title: str  # "AdamW with amsgrad"
    moments: int
    scratch: int = 0

    @classmethod
    def of(cls, line: Optimizer) -> OptimizerMemory:
        """Read a line of `train`."""
        key = "momentum" if isinstance(line, Sgd) and line.momentum else line.kind
        return cls(key, line.title, line.moments, line.scratch)


_NOWHERE = Span(Source("", ""), 0, 0)
MOMENTUM = OptimizerMemory.of(Sgd(_NOWHERE, lr=0.1, momentum=0.9))


def optimizers() -> dict[str, OptimizerMemory]:
    """Return all optimizers with torch's defaults, and SGD with momentum."""
    kinds = [kind for kind in LINES["optimizer"].values() if issubclass(kind, Optimizer)]
    sgd, *others = [OptimizerMemory.of(kind(_NOWHERE, lr=0.1)) for kind in kinds]
    return {made.key: made for made in (sgd, MOMENTUM, *others)}


@dataclass(frozen=True, slots=True)
class RunSetting:
    """How a network is run.

    `amp` is mixed precision (torch.autocast, parameters in float32), whatever `dtype` says.
    `checkpoint` names a block whose inside is computed again in the backward pass. `ddp` is
    DistributedDataParallel, which keeps gradients of all parameters in buckets of its own:
    "copies" (PyTorch's default), or "views" where the gradients lie in the buckets. `ema` keeps
    an average of the weights. `tracked` is what torch's MemTracker sees: it has its hand on every
    tensor, so that autograd does not add gradients in place.
    """

    dtype: str = "fp32"
    optimizer: OptimizerMemory = MOMENTUM
    amp: bool = False
    checkpoint: str | None = None
    ddp: str | None = None
    ema: bool = False
    tracked: bool = False

    @property
    def width(self) -> int:
        """Bytes of a parameter."""
        return _SINGLE if self.amp else WIDTHS[self.dtype]

    @property
    def precision(self) -> str:
        """Name the arithmetic, for people."""
        return "mixed precision" if self.amp else self.dtype


Origin = Literal["given", "train", "default"]


@dataclass(frozen=True, slots=True)
class ChosenRun:
    """A batch and a setting, and for each of their parts where it comes from."""

    batch: int
    setting: RunSetting
    origins: Mapping[str, Origin]  # batch, optimizer, precision, ema
    unread: str = ""  # a precision in `train` in which no script trains


def choose_run(
    train: Mapping[str, list[Line]],
    *,
    batch: int | None = None,
    optimizer: str | None = None,
    precision: str | None = None,
    ema: bool | None = None,
) -> ChosenRun:
    """Settle how a network is trained: as given, or else as its `train` says, or by default.

    `precision` is a dtype or "amp".
    """
    recipe = Recipe(train)
    of_batch, of_optimizer = recipe.find(Batch), recipe.find(Optimizer)
    of_precision, of_ema = recipe.find(Precision), recipe.find(Ema)
    images = _settled(batch, of_batch.images if of_batch else None, DEFAULT_BATCH)
    asked = optimizers()[optimizer] if optimizer is not None else None
    held = _settled(asked, OptimizerMemory.of(of_optimizer) if of_optimizer else None, MOMENTUM)
    kind = _settled(precision, of_precision.arithmetic if of_precision else None, "fp32")
    averaged = _settled(ema, bool(of_ema.decay) if of_ema else None, False)
    amp = kind.value == "amp"
    setting = RunSetting("fp32" if amp else kind.value, held.value, amp, ema=averaged.value)
    origins = {
        "batch": images.origin,
        "optimizer": held.origin,
        "precision": kind.origin,
        "ema": averaged.origin,
    }
    unread = of_precision is not None and kind.origin == "default"
    words = of_precision.words if of_precision is not None and unread else ()
    return ChosenRun(images.value, setting, origins, " ".join(map(str, words)))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Settled(Generic[T]):
    value: T
    origin: Origin


def _settled(given: T | None, said: T | None, default: T) -> _Settled[T]:
    if given is not None:
        return _Settled(given, "given")
    return _Settled(said, "train") if said is not None else _Settled(default, "default")

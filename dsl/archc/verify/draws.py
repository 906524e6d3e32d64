"""Random numbers that depend on nothing but the shape they are drawn in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_SEED = 20261123
_FEW = 1024


class DrawsByShape(TorchDispatchMode):  # type: ignore[misc]
    """Within, a draw depends on its shape and its parameters alone, not on the draws before it.

    So two networks draw alike whichever layer is made, started or run first, and whether a mask
    comes of `bernoulli_(p)` or of `rand() < p`; but not if one drops more, or starts otherwise.
    `count` says how many draws there were. torch's own state is as before, afterwards.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __enter__(self) -> DrawsByShape:
        self.before = torch.get_rng_state()
        super().__enter__()
        return self

    def __exit__(self, *why: Any) -> None:
        super().__exit__(*why)
        torch.set_rng_state(self.before)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags or kwargs.get("generator"):
            return func(*args, **kwargs)  # a generator of its own is its own affair
        self.count += 1
        torch.manual_seed(_SEED)  # for what is not drawn below
        made = func(*args, **kwargs)
        if torch.is_tensor(made) and (drawn := _drawn(func, made, args, kwargs)) is not None:
            made.copy_(drawn)
        return made


def _drawn(func: Any, made: Tensor, args: Any, kwargs: Any) -> Tensor | None:
    """Return what a draw is to give; None for kinds that are left to torch."""
    name = func.overloadpacket.__name__
    values = {given.name: given.default_value for given in func._schema.arguments}
    values |= dict(zip(values, args, strict=False)) | kwargs
    match name:
        case "rand" | "rand_like":
            return _uniform(made)
        case "uniform_":
            return values["from"] + (values["to"] - values["from"]) * _uniform(made)
        case "bernoulli_" | "bernoulli":
            return _uniform(made) < values.get("p", values["self"])
        case "randn" | "randn_like":
            return _normal(made)
        case "normal_":
            return values["mean"] + values["std"] * _normal(made)
        case _:
            return None


def _uniform(made: Tensor) -> Tensor:
    """Few numbers are spread evenly: some of five lie above 0.8, so that drop-path drops some."""
    count, generator = made.numel(), torch.Generator().manual_seed(_SEED + made.numel())
    if count <= _FEW:
        order = torch.randperm(count, generator=generator, device="cpu")
        return ((order.double() + 0.5) / max(count, 1)).reshape(made.shape)
    return torch.rand(count, dtype=torch.double, generator=generator).reshape(made.shape)


def _normal(made: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(_SEED + made.numel())
    return torch.randn(made.numel(), dtype=torch.double, generator=generator).reshape(made.shape)

"""A network is made where it shall live, and starts there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archc.emit.options import DEVICE, DTYPE
from archc.verification.check import Failed, Skipped, check
from archc.verification.subject import held

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archc.verification.subject import Subject


@check("device")
def device(subject: Subject) -> str | None:
    """Arguments device and dtype reach every tensor: on "meta" nothing real is made."""
    import torch

    net = _on_meta(subject, dtype=torch.bfloat16)
    for name, tensor in held(net).items():
        if tensor.is_floating_point() and tensor.dtype is not torch.bfloat16:
            raise Failed(f"{name} is {tensor.dtype}, not torch.bfloat16")
    inputs = subject.inputs(dtype=torch.bfloat16, small=True, device="meta")
    for y in subject.tensors(net(*inputs)):
        if not y.is_meta or y.dtype is not torch.bfloat16:
            raise Failed(f"an output is {y.dtype} on {y.device}, for torch.bfloat16 on meta")
    return None


@check("reset")
def reset(subject: Subject) -> str | None:
    """Made on "meta", to_empty and init_weights start every tensor, as the constructor does."""
    import torch

    cls, states = subject.cls, []

    class Started(cls):  # type: ignore[misc, valid-type]
        """Remembers the dice with which its constructor starts it."""

        def init_weights(self) -> None:
            states.append(torch.get_rng_state())
            super().init_weights()

    net = _on_meta(subject).to_empty(device="cpu")
    _spoil(net)
    if not hasattr(cls, "init_weights"):
        if not held(net):
            raise Skipped("there is nothing to start")
        raise Failed("there is no init_weights")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wanted = Started()
        if not states:
            raise Failed("the constructor does not call init_weights")
        torch.set_rng_state(states[-1])
        net.init_weights()
    for (name, tensor), (_, other) in zip(held(net).items(), held(wanted).items(), strict=True):
        rubbish = tensor.isnan() if tensor.is_floating_point() else tensor == _RUBBISH
        if rubbish.any():
            raise Failed(f"init_weights leaves {name} as it was")
        if not torch.equal(tensor, other):
            raise Failed(f"init_weights starts {name} otherwise than the constructor")
    return None


_RUBBISH = 77


def _on_meta(subject: Subject, dtype: torch.dtype | None = None) -> nn.Module:
    """Raises Failed for anything real that is made."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    for name in (DEVICE, DTYPE):
        if not subject.takes(name):
            raise Skipped(f"its constructor has no {name}")

    class Real(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            made = func(*args, **(kwargs or {}))
            if torch.is_tensor(made) and not made.is_meta and made.dim():  # numbers are no matter
                raise Failed(f"the constructor makes a tensor on {made.device} ({func})")
            return made

    with Real():
        net = subject.cls(device="meta", dtype=dtype).train()
    for name, tensor in held(net).items():
        if not tensor.is_meta:
            raise Failed(f"{name} is on {tensor.device}, not on meta")
    return net


def _spoil(net: nn.Module) -> None:
    import torch

    with torch.no_grad():
        for tensor in held(net).values():
            tensor.fill_(float("nan") if tensor.is_floating_point() else _RUBBISH)

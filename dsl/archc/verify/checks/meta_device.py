"""A network is made where it shall live, in the type it shall have, and starts there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archc.emit.options import DEVICE, DTYPE
from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.differences import blamed
from archc.verify.subject import held

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archc.verify.subject import Subject

_RUBBISH = 77
INIT, RESET = "init_weights", "reset_parameters"


@check(
    "device",
    bug=Bug(
        "a layer that is made without the device",
        {"nn.Conv2d(16, 8, 1, **factory)": "nn.Conv2d(16, 8, 1)"},
        "the constructor makes a tensor on cpu",
    ),
)
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


@check(
    "dtype",
    bug=Bug(
        "a part in float64",
        {"x = self.pool(x)": "x = self.pool(x.double()).to(x.dtype)"},
        r"aten\._to_copy in the network makes float64 of bfloat16",
    ),
)
def dtype(subject: Subject) -> str | None:
    """After net.to(torch.bfloat16), nothing in forward is computed in another type.

    In training and in eval mode, on "meta". What torch's own layers do inside is theirs.
    """
    import torch

    from archc.verify.trace import Trace

    with torch.device("meta"):
        net = subject.made().to(torch.bfloat16)
    inputs = subject.inputs(dtype=torch.bfloat16, small=True, device="meta")
    for training in (True, False):
        try:
            with torch.no_grad(), Trace(net.train(training)) as trace:
                outputs = subject.tensors(net(*inputs))
        except Exception as error:
            raise Failed(blamed(error, subject)) from error
        for ran in trace.ran:
            other = ran.dtype.is_floating_point and ran.dtype is not torch.bfloat16
            if other and torch.bfloat16 in ran.read and not trace.leaves.get(ran.module):
                kind = str(ran.dtype).removeprefix("torch.")
                where = ran.module or "the network"
                raise Failed(f"{ran.name or 'forward'} in {where} makes {kind} of bfloat16")
        for at, y in enumerate(outputs):
            if y.dtype is not torch.bfloat16:
                raise Failed(f"output {at} is {y.dtype}, not torch.bfloat16")
    return None


@check(
    "init-weights",
    was="reset",
    bug=Bug(
        "a norm that is not started",
        {"nn.BatchNorm2d | nn.GroupNorm": "nn.BatchNorm2d"},
        r"init_weights leaves spread\.weight as it was",
    ),
)
def init_weights(subject: Subject) -> str | None:
    """Made on "meta", to_empty and init_weights start every tensor, as the constructor does.

    A network with `init_weights` has no `reset_parameters`: by torch's contract that starts a
    module's own tensors, and the usual loop over all modules would call it first and then undo
    what it did. One that has `reset_parameters` alone, as older files do, is held to the same.
    """
    import torch

    net = _on_meta(subject).to_empty(device="cpu")
    if not held(net):
        raise Skipped("there is nothing to start")
    cls, name = subject.cls, _starter(subject.cls)
    states: list[torch.Tensor] = []

    def start(net: Any) -> None:
        states.append(torch.get_rng_state())
        getattr(cls, name)(net)

    _fill_with_nan(net)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wanted = type(cls.__name__, (cls,), {name: start})()
        if not states:
            raise Failed(f"the constructor does not call {name}")
        torch.set_rng_state(states[-1])
        getattr(net, name)()
    for (path, tensor), (_, other) in zip(held(net).items(), held(wanted).items(), strict=True):
        rubbish = tensor.isnan() if tensor.is_floating_point() else tensor == _RUBBISH
        if rubbish.any():
            raise Failed(f"{name} leaves {path} as it was")
        if not torch.equal(tensor, other):
            raise Failed(f"{name} starts {path} otherwise than the constructor")
    return None


def _starter(cls: type[nn.Module]) -> str:
    """Return the name of the method that starts all of the network. Raises Failed."""
    if not hasattr(cls, INIT):
        if hasattr(cls, RESET):
            return RESET
        raise Failed(f"there is no {INIT}")
    if hasattr(cls, RESET):
        raise Failed(f"beside {INIT} there is {RESET}, which loops over modules call and undo")
    return INIT


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


def _fill_with_nan(net: nn.Module) -> None:
    import torch

    with torch.no_grad():
        for tensor in held(net).values():
            tensor.fill_(float("nan") if tensor.is_floating_point() else _RUBBISH)

"""Other devices and precisions, on a machine that has none: fake tensors stand for a GPU's."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from archc.emit.options import DEVICE
from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.differences import blamed
from archc.verify.subject import held

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.verify.subject import Subject

FAKE = "fakegpu"  # the name that the fake device registers


@check(
    "fake-cuda",
    bug=Bug(
        "a tensor that is made on the CPU",
        {"x = self.pool(x)": "x = self.pool(x) + torch.ones(8, 1, 1)"},
        r'line \d+, in forward, "x = self\.pool\(x\) \+ torch\.ones',
    ),
)
def fake_cuda(subject: Subject) -> str | None:
    """A forward pass on CUDA tensors that have no memory: everything in it is on their device.

    In eval mode and without gradients. torch asks a real device for more, and on builds without
    CUDA can end the process: training is what `fake-device` proves.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    device, net = "cuda:0", _meta(subject).eval()
    # A tensor that is not registered is a real one: it shall be found, not refused.
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        state = {name: _like(tensor, device) for name, tensor in held(net).items()}
        inputs = tuple(torch.empty_like(x, device=device) for x in _blank(subject))
        try:
            outputs = torch.func.functional_call(net, state, inputs)
        except Exception as error:
            raise Failed(blamed(error, subject)) from error
    _on(device, {f"output {at}": y for at, y in enumerate(subject.tensors(outputs))})
    return None


@check(
    "fake-device",
    alone=True,
    trains=True,
    bug=Bug(
        "a head without a gradient",
        {"self.early(x) if": "self.early(x).detach() if"},
        r"early\.2\.weight gets no gradient",
    ),
)
def fake_device(subject: Subject) -> str | None:
    """A training step on a device of its own: forward, backward and SGD stay on it.

    The device is registered with torch and has no memory, so autograd takes it for a GPU. Every
    parameter must get a gradient.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    _register()
    device, net = f"{FAKE}:0", _meta(subject).train()
    with FakeTensorMode(allow_non_fake_inputs=True):
        _place(net, device)
        inputs = tuple(_like(x, device) for x in _blank(subject))
        optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, foreach=False)
        try:
            outputs = net(*inputs)
            _on(device, {f"output {at}": y for at, y in enumerate(subject.tensors(outputs))})
            subject.loss(outputs).backward()
            optimizer.step()
        except Failed:
            raise
        except Exception as error:
            raise Failed(blamed(error, subject)) from error
    for name, parameter in net.named_parameters():
        if parameter.grad is None:
            raise Failed(f"{name} gets no gradient")
    _on(device, dict(net.named_parameters()))
    _on(device, {f"the gradient of {n}": p.grad for n, p in net.named_parameters()})
    return None


@check(
    "autocast",
    trains=True,
    bug=Bug(
        "a weight that is not trained",
        {
            "self.init_weights()\n\n": "self.init_weights()\n"
            "        self.left.weight.requires_grad_(False)\n\n"
        },
        r"left\.weight gets no gradient",
    ),
)
def autocast(subject: Subject) -> str | None:
    """A training step under bfloat16 autocast on the CPU is finite, its gradients in fp32."""
    import torch

    net = subject.net()
    try:
        with torch.autocast("cpu", torch.bfloat16):
            outputs = net(*subject.inputs(small=True))
        loss = subject.loss(outputs)
        loss.backward()
    except Exception as error:
        raise Failed(blamed(error, subject)) from error
    if not torch.isfinite(loss):
        raise Failed(f"the loss is {float(loss.detach())}")
    for name, parameter in net.named_parameters():
        gradient = parameter.grad
        if gradient is None:
            raise Failed(f"{name} gets no gradient")
        if gradient.dtype != torch.float32:
            raise Failed(f"the gradient of {name} is {gradient.dtype}")
        if not gradient.isfinite().all():
            raise Failed(f"the gradient of {name} is not finite")
    kinds = sorted({str(y.dtype).removeprefix("torch.") for y in subject.tensors(outputs)})
    return f"outputs in {' and '.join(kinds)}"


@cache
def _register() -> Any:
    """Tells torch of the fake device, once in a process; without the library it would forget."""
    import torch

    try:
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend
    except ImportError:
        raise Skipped("this torch registers no device that is written in Python") from None
    _setup_privateuseone_for_python_backend(FAKE)
    library = torch.library.Library("aten", "IMPL")
    for name in ("empty_strided", "empty.memory_format"):
        library.impl(name, _empty, "PrivateUse1")
    return library


def _meta(subject: Subject) -> nn.Module:
    """The network without memory for its weights."""
    import torch

    if subject.has_device:
        return subject.net(**{DEVICE: "meta"})
    with torch.device("meta"):
        return subject.net()


def _blank(subject: Subject) -> list[Tensor]:
    """Inputs by shape alone."""
    import torch

    return [torch.empty(2, *shape, device="meta") for shape in subject.shapes]


def _like(tensor: Tensor, device: str) -> Tensor:
    """Fake memory of the same layout there; call it within FakeTensorMode."""
    import torch

    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)


def _place(net: nn.Module, device: str) -> None:
    """What `net.to(device)` does, which fake tensors cannot do: all that is registered is there."""
    from torch import nn

    moved: dict[Tensor, Any] = {}  # what is shared stays so
    for module in net.modules():
        for registry in (module._parameters, module._buffers):
            for name, tensor in registry.items():
                if tensor is not None and tensor not in moved:
                    there = _like(tensor, device)
                    is_weight = isinstance(tensor, nn.Parameter)
                    moved[tensor] = nn.Parameter(there) if is_weight else there
                registry[name] = moved.get(tensor) if tensor is not None else None


def _empty(size: Any, *_: Any, dtype: Any = None, **__: Any) -> Tensor:
    """How the fake device makes a tensor."""
    import torch

    made: Tensor = torch._C._acc.create_empty_tensor(list(size), dtype or torch.float32)
    return made


def _on(device: str, tensors: dict[str, Tensor | None]) -> None:
    for name, tensor in tensors.items():
        if tensor is not None and str(tensor.device) != device:
            raise Failed(f"{name} is on {tensor.device}, not on {device}")

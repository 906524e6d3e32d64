"""What training and inference hold, by torch's own MemTracker on fake tensors: nothing is computed.

They are a CPU's tensors: fake ones of a GPU have no backward pass without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from archc.analysis.setting import RunSetting
from archc.net import Net

Dims = tuple[int, ...]
PLAIN = RunSetting()


def training_peak(
    make: Callable[[], Any],
    shape: Dims,
    batch: int,
    setting: RunSetting = PLAIN,
    optimizer_for: Callable[[Any], Any] | None = None,
) -> int:
    """Bytes at the peak of the second step, when the optimizer has its state.

    `make` and `optimizer_for` a network are called among fake tensors; `shape` is one sample's.
    """
    import torch
    from torch.distributed._tools.mem_tracker import MemTracker

    with _fake(setting):
        model = make().train()
        optimizer = optimizer_for(model) if optimizer_for else optimizer_of(model, setting)
        x, labels = torch.randn(batch, *shape), torch.zeros(batch, dtype=torch.long)
        tracker = MemTracker()
        tracker.track_external(model, optimizer, x, labels)
        with tracker:
            for _ in range(2):
                tracker.reset_mod_stats()
                step(model, optimizer, x, labels, amp=setting.amp)
        return total(tracker)


def inference_peak(
    make: Callable[[], Any], shape: Dims, batch: int, setting: RunSetting = PLAIN
) -> int:
    """Bytes at the peak of a forward pass in eval mode."""
    import torch
    from torch.distributed._tools.mem_tracker import MemTracker

    with _fake(setting):
        model, x = make().eval(), torch.randn(batch, *shape)
        tracker = MemTracker()
        tracker.track_external(model, x)
        autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=setting.amp)
        with tracker, torch.no_grad(), autocast:
            model(x)
        return total(tracker)


def shape_of(net: Net) -> Dims:
    """One sample's of its input, channels first."""
    assert net.analysis.plan is not None
    shape = net.analysis.plan.body.inputs[0].shape
    assert shape is not None
    return tuple(map(int, shape.dims))


def step(model: Any, optimizer: Any, x: Any, labels: Any, *, amp: bool = False) -> None:
    """One step of training."""
    import torch

    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=amp):
        made = model(x)
        outputs = made if isinstance(made, tuple) else (made,)
        loss = sum(torch.nn.functional.cross_entropy(one, labels) for one in outputs)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def optimizer_of(model: Any, setting: RunSetting) -> Any:
    import torch

    if setting.optimizer.key == "adam":
        return torch.optim.Adam(model.parameters(), fused=True)
    momentum = 0.9 if setting.optimizer.key == "momentum" else 0.0
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum)


def total(tracker: Any) -> int:
    """All that a tracker saw alive at its peak, in bytes."""
    (device,) = tracker.get_tracker_snapshot("peak").values()
    return int(next(size for kind, size in device.items() if str(kind).endswith("Total")))


@contextmanager
def _fake(setting: RunSetting) -> Iterator[None]:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[setting.dtype]
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    reads_values = mock.patch.object(torch.nn.init, "trunc_normal_", lambda tensor, **_: tensor)
    try:
        with FakeTensorMode(), reads_values:
            yield
    finally:
        torch.set_default_dtype(before)

"""What only a GPU can prove.

Written without one: no line of it has run, and its limits are those that the documents give.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archc.analysis.fit import FITS
from archc.analysis.setting import RunSetting
from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.differences import blamed, difference

if TYPE_CHECKING:
    from torch import Tensor

    from archc.verify.subject import Subject

BATCH = 32
WARM_UP, RUNS = 3, 11
CLOSE = 1e-4  # of the largest output: cuDNN may choose another algorithm
WORKSPACE = 2**29  # bytes that cuDNN may take for itself, which `archc fit` does not predict


@check(
    "sync-debug",
    gpu=True,
    bug=Bug(
        "a number that the host reads",
        {"x = self.pool(x)": "x = self.pool(x * x.mean().item())"},
        r'line \d+, in forward, "x = self\.pool',
    ),
)
def sync_debug(subject: Subject) -> str | None:
    """A training step never makes the host wait for the GPU: torch.cuda.set_sync_debug_mode."""
    import torch

    step = _TrainingStep(subject, 2)
    step()  # cuDNN, cuBLAS and the optimizer set themselves up
    torch.cuda.synchronize()
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    except Exception as error:
        raise Failed(blamed(error, subject)) from error
    finally:
        torch.cuda.set_sync_debug_mode(before)
    return None


@check(
    "peak-memory",
    gpu=True,
    bug=Bug(
        "far more than the file says",
        {"x = self.pool(x)": "x = self.pool(torch.cat([x] * 4096, 1).exp()[:, :8])"},
        "MiB, predicted",
    ),
)
def peak_memory(subject: Subject) -> str | None:
    """The memory that a training step takes is what `archc fit` says, within its margin.

    fp32, SGD with momentum, a batch of 32; what torch keeps for tensors, without the context. At
    most 13 % less, and at most the 13 % more that `archc fit` leaves free, with half a GiB for
    cuDNN's workspaces.
    """
    import torch

    predicted = subject.analysis.memory(RunSetting()).train.peak(BATCH).bytes(BATCH)
    free, _ = torch.cuda.mem_get_info()
    if predicted > FITS * free:
        raise Skipped(f"{predicted / 2**30:.1f} GiB are needed, {free / 2**30:.1f} GiB are free")
    step = _TrainingStep(subject, BATCH)
    step()  # the optimizer's state, cuDNN's workspaces
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    step()
    torch.cuda.synchronize()
    real = torch.cuda.max_memory_allocated()
    message = (
        f"{real / 2**20:,.0f} MiB, predicted {predicted / 2**20:,.0f} ({real / predicted - 1:+.1%})"
    )
    if not FITS * predicted <= real <= predicted / FITS + WORKSPACE:
        raise Failed(message)
    return message


@check(
    "throughput",
    gpu=True,
    bug=Bug(
        "a view that one layout alone allows",
        {"torch.flatten(self.gap(x), 1)": "x.view(x.shape[0], -1)[:, :16]"},
        "view size is not compatible",
    ),
)
def throughput(subject: Subject) -> str | None:
    """How many samples a second it takes: measured and reported; only what cannot run fails.

    A batch of 32, bfloat16 autocast where the card has it (else float16), channels_last, eager.
    """
    import torch

    dtype = (
        torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    )
    step = _TrainingStep(subject, BATCH, channels_last=True, dtype=dtype)
    training = _rate(step)
    net, inputs = step.net.eval(), step.inputs

    def forward() -> None:
        with torch.inference_mode(), torch.autocast("cuda", dtype):
            net(*inputs)

    card, kind = torch.cuda.get_device_name(), str(dtype).removeprefix("torch.")
    return f"{_rate(forward):,.0f}/s, training {training:,.0f}/s ({card}, {kind}, batch {BATCH})"


@check(  # the last: a capture that fails spoils the process
    "cuda-graphs",
    gpu=True,
    bug=Bug(
        "a copy to the host",
        {"x = self.pool(x)": "x = self.pool(x * float(x.mean()))"},
        r'eval mode: line \d+, in forward, "x = self\.pool',
    ),
)
def cuda_graphs(subject: Subject) -> str | None:
    """A forward pass and a training step become CUDA graphs, and a replay has equal outputs."""
    import torch

    net = subject.net().cuda().eval()
    inputs, others = _inputs(subject, 2, seed=0), _inputs(subject, 2, seed=1)
    try:
        with torch.no_grad():
            _on_side_stream(lambda: net(*inputs))
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                outputs = net(*inputs)
            for x, other in zip(inputs, others, strict=True):
                x.copy_(other)
            graph.replay()
            gap = difference(subject.tensors(outputs), subject.tensors(net(*others)))
    except Exception as error:
        raise Failed(f"eval mode: {blamed(error, subject)}") from error
    if gap > CLOSE:
        raise Failed(f"replayed outputs differ from eager mode by {gap:.1e}")
    step = _TrainingStep(subject, 2)
    try:
        _on_side_stream(step)
        step.optimizer.zero_grad(set_to_none=True)  # so that gradients lie in the graph's memory
        with torch.cuda.graph(torch.cuda.CUDAGraph()):
            step()
    except Exception as error:
        raise Failed(f"a training step: {blamed(error, subject)}") from error
    return f"outputs to {gap:.1e}"


class _TrainingStep:
    """A training step on the GPU, to call again and again; all that it needs lies there."""

    def __init__(
        self, subject: Subject, batch: int, *, channels_last: bool = False, dtype: Any = None
    ) -> None:
        import torch

        self.subject, self.dtype = subject, dtype
        self.net, self.inputs = subject.net().cuda(), _inputs(subject, batch)
        if channels_last:
            self.net.to(memory_format=torch.channels_last)
            self.inputs = tuple(
                x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
                for x in self.inputs
            )
        self.optimizer = torch.optim.SGD(self.net.parameters(), 0.001, momentum=0.9, fused=True)

    def __call__(self) -> None:
        import torch

        with torch.autocast("cuda", self.dtype, enabled=self.dtype is not None):
            outputs = self.net(*self.inputs)
        self.subject.loss(outputs).backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def _inputs(subject: Subject, batch: int, seed: int = 0) -> tuple[Tensor, ...]:
    return subject.inputs(batch, "cuda", seed=seed)


def _on_side_stream(run: Callable[[], Any]) -> None:
    """Runs it a few times on a stream of its own, as torch asks for before a capture."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(stream)


def _rate(run: Callable[[], Any]) -> float:
    """Samples a second, of the median of some runs of a batch."""
    import torch

    for _ in range(WARM_UP):
        run()
    milliseconds: list[float] = []
    for _ in range(RUNS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        milliseconds.append(start.elapsed_time(end))
    return 1000 * BATCH / statistics.median(milliseconds)

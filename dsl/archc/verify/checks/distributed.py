"""Two processes train as one does: data in parallel, and with the weights in shards."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.differences import blamed, furthest, without_randomness
from archc.verify.subject import Subject
from archc.verify.task import Task

if TYPE_CHECKING:
    from torch import Tensor, nn

Way = Literal["ddp", "fsdp"]

RANKS, SHARE = 2, 2  # processes, and samples for each
STEPS = 2  # DDP tells in the second that a parameter had no part in the first
RATE = 0.01
PATIENCE = 480.0  # seconds for all of it, and for what waits for the other process
_SAID = re.compile(r"^[\w.]+(?:Error|Exception|Failed)\b.*$", re.MULTILINE)  # in a traceback
CLOSE = 1e-5  # of the largest change: the mean of two gradients, in another order


@check(
    "ddp",
    slow=True,
    alone=True,
    trains=True,
    bug=Bug(
        "a layer that one process leaves out",
        {
            "early = self.early(x) if self.training else None": "away = "
            "torch.distributed.is_initialized() and torch.distributed.get_rank() == 1\n"
            "        early = None if away else self.early(x)"
        },
        # of the process at fault, or of the one that waited for it
        "Expected to have finished reduction|closed by peer",
    ),
)
def data_parallel(subject: Subject) -> str | None:
    """Two processes of DistributedDataParallel change the weights as one with the whole batch does.

    Two steps of SGD over gloo, on the CPU. Each process has half of the batch, and batch norms see
    that half in the single process as well. Dropout and drop-path are off.
    """
    return _compare(subject, "ddp")


@check(
    "fsdp",
    slow=True,
    alone=True,
    trains=True,
    bug=Bug(
        "a weight of a block that is read outside of it",
        {"x = self.pool(x)": "x = self.pool(x) * self.cells[0].conv3.weight.mean()"},
        "DTensor",
    ),
)
def sharded(subject: Subject) -> str | None:
    """Two processes of FSDP2, each block sharded, change the weights as one process does.

    As `ddp`, with `fully_shard` on every block that has parameters, and on the network.
    """
    return _compare(subject, "fsdp")


def _compare(subject: Subject, way: Way) -> str | None:
    import torch

    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        raise Skipped("this torch has no gloo")
    from torch.distributed import fsdp

    if way == "fsdp" and not hasattr(fsdp, "fully_shard"):
        raise Skipped("needs torch 2.6")
    with TemporaryDirectory(prefix="archc-ranks-") as folder:
        _run_ranks(subject, way, Path(folder))
        found = torch.load(Path(folder, "weights.pt"), weights_only=True)
    start = {name: tensor.detach().clone() for name, tensor in subject.net().named_parameters()}
    wanted = {name: tensor - start[name] for name, tensor in _single(subject).items()}
    name, worst = furthest({name: found[name] - start[name] for name in wanted}, wanted)
    if worst > CLOSE:
        raise Failed(f"{name} changes otherwise than in one process, by {worst:.1e}")
    return f"changes to {worst:.1e}" if worst else "changes equal bit for bit"


def _single(subject: Subject) -> dict[str, Tensor]:
    """The parameters after the steps of one process, which takes the halves in turn."""
    import torch

    net = without_randomness(subject.net(), _half(subject, 0, 0))
    optimizer = torch.optim.SGD(net.parameters(), RATE)
    for step in range(STEPS):
        optimizer.zero_grad()
        for rank in range(RANKS):
            (subject.loss(net(*_half(subject, step, rank))) / RANKS).backward()
        optimizer.step()
    return {name: parameter.detach() for name, parameter in net.named_parameters()}


def _half(subject: Subject, step: int, rank: int) -> tuple[Tensor, ...]:
    inputs = subject.inputs(RANKS * SHARE, seed=step, small=True)
    return tuple(x[rank * SHARE : (rank + 1) * SHARE] for x in inputs)


def _run_ranks(subject: Subject, way: Way, folder: Path) -> None:
    """Starts the processes and waits. Raises Failed where one fails, or does not end in time."""
    from torch import multiprocessing
    from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

    task, end = Task.of(subject.analysis, subject.given), time.monotonic() + PATIENCE
    context = multiprocessing.spawn(_rank, (task, way, str(folder)), nprocs=RANKS, join=False)
    try:
        while not context.join(timeout=5):
            if time.monotonic() > end:
                raise Failed(f"two processes have not ended after {PATIENCE:.0f} s")
    except (ProcessRaisedException, ProcessExitedException) as error:
        lines = _SAID.findall(str(error)) or str(error).strip().splitlines()
        last = RuntimeError(lines[-1])
        last.__cause__ = error  # whose text has the other process's traceback
        raise Failed(f"process {error.error_index} of {RANKS}: {blamed(last, subject)}") from error
    finally:
        for process in context.processes:
            process.kill()


def _rank(rank: int, task: Task, way: Way, folder: str) -> None:
    """One of the processes; the first writes the weights that they come to."""
    import torch

    torch.set_num_threads(1)
    subject = Subject(task.analysis(), task.source)
    with _group(rank, folder):
        net = without_randomness(subject.net(), _half(subject, 0, rank))
        run = _parallel(net) if way == "ddp" else _sharded(net)
        optimizer = torch.optim.SGD(net.parameters(), RATE)
        for step in range(STEPS):
            optimizer.zero_grad()
            subject.loss(run(*_half(subject, step, rank))).backward()
            optimizer.step()
        weights = {name: _whole(parameter) for name, parameter in net.named_parameters()}
        if rank == 0:
            torch.save(weights, Path(folder, "weights.pt"))


@contextmanager
def _group(rank: int, folder: str) -> Iterator[None]:
    """They meet at a file, so no port can be taken; nobody waits for a dead one for ever."""
    from torch import distributed

    distributed.init_process_group(
        "gloo",
        store=distributed.FileStore(str(Path(folder, "store")), RANKS),
        rank=rank,
        world_size=RANKS,
        timeout=timedelta(seconds=PATIENCE),
    )
    yield  # where it raises, the process ends, and the other one's connection with it
    distributed.destroy_process_group()


def _parallel(net: nn.Module) -> nn.Module:
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(net, gradient_as_bucket_view=True)


def _sharded(net: nn.Module) -> nn.Module:
    """The network with its own blocks sharded one by one, inner ones first."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh, home = init_device_mesh("cpu", (RANKS,)), type(net).__module__
    for module in reversed(list(net.modules())):  # the network itself is the first of them
        if type(module).__module__ == home and next(module.parameters(), None) is not None:
            fully_shard(module, mesh=mesh)
    return net


def _whole(parameter: Any) -> Tensor:
    """A parameter's tensor, put together from its shards where it has any."""
    from torch.distributed.tensor import DTensor

    tensor: Tensor = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
    return tensor.detach().clone()

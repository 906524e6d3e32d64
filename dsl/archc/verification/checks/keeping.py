"""A network outlives its process: weights in a file, and copies of the object."""

from __future__ import annotations

import copy
import io
import pickle
from typing import TYPE_CHECKING

from archc.verification.check import Failed, check

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.verification.subject import Subject


@check("state")
def state(subject: Subject) -> str | None:
    """Weights saved by torch.save load with weights_only=True into a new network, which then gives
    the same outputs."""
    import torch

    net, file = subject.net(), io.BytesIO()
    _stir(net)
    torch.save(net.state_dict(), file)
    file.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        again = subject.cls()
    again.load_state_dict(torch.load(file, weights_only=True), strict=True)
    _alike(_outputs(subject, net), _outputs(subject, again), "after loading the state_dict")
    return None


@check("copying")
def copying(subject: Subject) -> str | None:
    """copy.deepcopy and pickle make networks that give the same outputs and share no weight."""
    net = subject.net()
    _stir(net)
    wanted = _outputs(subject, net)
    for how, other in (
        ("copy.deepcopy", copy.deepcopy(net)),
        ("pickle", pickle.loads(pickle.dumps(net))),
    ):
        _alike(wanted, _outputs(subject, other), f"after {how}")
        shared = {t.data_ptr() for t in net.state_dict().values()}
        for name, tensor in other.state_dict().items():
            if tensor.numel() and tensor.data_ptr() in shared:
                raise Failed(f"{name} is shared after {how}")
    return None


def _stir(net: nn.Module) -> None:
    """Other numbers than those that every network starts with: what is not saved shows."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2)
        for tensor in (*net.parameters(), *net.buffers()):
            if tensor.is_floating_point():
                tensor.mul_(1 + 0.1 * torch.rand_like(tensor)).add_(0.01)
            else:
                tensor.add_(3)


def _outputs(subject: Subject, net: nn.Module) -> list[Tensor]:
    import torch

    with torch.no_grad():
        return subject.tensors(net.eval()(*subject.inputs(batch=1, small=True)))


def _alike(wanted: list[Tensor], found: list[Tensor], when: str) -> None:
    import torch

    if len(wanted) != len(found):
        raise Failed(f"{len(found)} outputs {when}, not {len(wanted)}")
    for at, (a, b) in enumerate(zip(wanted, found, strict=True)):
        if not torch.equal(a, b):
            raise Failed(f"output {at} is another {when}")

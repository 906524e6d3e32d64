"""A network outlives its process: weights in a file, and copies of the object."""

from __future__ import annotations

import copy
import io
import pickle
from typing import TYPE_CHECKING

from archc.verify.check import Bug, Failed, check
from archc.verify.checks.differences import same

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.verify.subject import Subject


@check(
    "state",
    bug=Bug(
        "a tensor that is not saved",
        {
            "self.norm =": "self.offset = torch.rand(1, **factory)\n        self.norm =",
            "x = self.pool(x)": "x = self.pool(x) + self.offset",
        },
        "output 0 is another after loading the state_dict",
    ),
)
def state(subject: Subject) -> str | None:
    """Weights from torch.save load with weights_only=True, and then give the same outputs.

    Into a module that was made from another seed. A state_dict that lacks a tensor is refused.
    """
    import torch

    net, file = subject.settled, io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        again = subject.cls()
    again.load_state_dict(torch.load(file, weights_only=True), strict=True)
    _alike(_outputs(subject, net), _outputs(subject, again), "after loading the state_dict")
    weights = again.state_dict()
    if weights:
        name, _ = weights.popitem()
        try:
            again.load_state_dict(weights)
        except RuntimeError:
            return None
        raise Failed(f"a state_dict without {name} is taken without a word")
    return None


@check(
    "copying",
    bug=Bug(
        "an attribute that cannot be pickled",
        {"self.norm =": "self.same = lambda x: x\n        self.norm ="},
        "<lambda>",
    ),
)
def copying(subject: Subject) -> str | None:
    """Copies by copy.deepcopy and pickle give the same outputs, and share no weights."""
    from torch.nn.utils.parametrize import is_parametrized

    net = subject.settled
    wanted = _outputs(subject, net)
    copies = {"copy.deepcopy": copy.deepcopy(net)}
    parametrized = any(is_parametrized(module) for module in net.modules())
    if not parametrized:
        copies["pickle"] = pickle.loads(pickle.dumps(net))
    for how, other in copies.items():
        _alike(wanted, _outputs(subject, other), f"after {how}")
        shared = {t.data_ptr() for t in net.state_dict().values()}
        for name, tensor in other.state_dict().items():
            if tensor.numel() and tensor.data_ptr() in shared:
                raise Failed(f"{name} is shared after {how}")
    return "torch pickles no parametrized module" if parametrized else None


def _outputs(subject: Subject, net: nn.Module) -> list[Tensor]:
    import torch

    with torch.no_grad():
        return subject.tensors(net.eval()(*subject.inputs(small=True)))


def _alike(wanted: list[Tensor], found: list[Tensor], when: str) -> None:
    if len(wanted) != len(found):
        raise Failed(f"{len(found)} outputs {when}, not {len(wanted)}")
    for at, (a, b) in enumerate(zip(wanted, found, strict=True)):
        if not same(a, b):
            raise Failed(f"output {at} is another {when}")

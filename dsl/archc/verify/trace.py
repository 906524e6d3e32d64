"""What runs in a module: every operator that torch carries out, and inside which module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Ran:
    """A tensor that an operator, or a whole module (`name` is ""), has put out."""

    module: str  # its path; of an operator the innermost one
    name: str  # `aten.cat`
    shape: tuple[int, ...]
    loses_format: bool  # channels_last went in, another memory format came out
    view: bool
    dtype: torch.dtype
    read: frozenset[torch.dtype]  # of the floating tensors that went in


class Trace(TorchDispatchMode):  # type: ignore[misc]
    """Within, `ran` grows. Modules are those of one network, by their paths in it."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.ran: list[Ran] = []
        self.leaves = {  # what has no modules inside -> whether torch wrote it
            path: type(module).__module__.startswith("torch.")
            for path, module in net.named_modules()
            if next(module.children(), None) is None
        }
        self.open = [""]
        self.handles = [
            handle
            for path, module in net.named_modules()
            for handle in (
                module.register_forward_pre_hook(lambda *_, path=path: self.open.append(path)),
                module.register_forward_hook(lambda *call, path=path: self._close(path, *call[1:])),
            )
        ]

    def __exit__(self, *why: Any) -> None:
        super().__exit__(*why)
        for handle in self.handles:
            handle.remove()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        first = made[0] if isinstance(made, tuple) and made else made  # others are statistics
        if torch.is_tensor(first):
            name = str(func.overloadpacket)
            self.ran.append(_ran(self.open[-1], name, args, first, func.is_view))
        return made

    def _close(self, path: str, given: Any, made: Any) -> None:
        self.open.pop()
        if torch.is_tensor(made):
            self.ran.append(_ran(path, "", given, made, False))

    def of_modules(self) -> dict[str, list[Ran]]:
        """What modules put out, run by run, by their paths."""
        found: dict[str, list[Ran]] = {}
        for ran in self.ran:
            if not ran.name:
                found.setdefault(ran.module, []).append(ran)
        return found


def _ran(module: str, name: str, given: Any, made: Tensor, view: bool) -> Ran:
    leaves = pytree.tree_leaves(given)
    formats = [_channels_last(x) for x in leaves]
    kept = True in formats and False not in formats
    lost = kept and made.dim() == 4 and made.shape[1] > 1 and _channels_last(made) is False
    read = {x.dtype for x in leaves if torch.is_tensor(x) and x.is_floating_point()}
    return Ran(module, name, tuple(made.shape), lost, view, made.dtype, frozenset(read))


def _channels_last(x: Any) -> bool | None:
    """Whether the channels of a pixel lie side by side; None of one pixel, and of other tensors.

    By strides, as torch tells it, so that a slice of channels counts as well.
    """
    if not torch.is_tensor(x) or x.dim() != 4:
        return None
    pixels = [x.stride(at) for at in (2, 3) if x.shape[at] > 1 and x.stride(at)]
    return x.stride(1) <= min(pixels) if pixels else None

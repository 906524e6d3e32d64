from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn


class Placed(nn.Module):
    """A network in towers: each, on a device, has its part of all layers' channels.

    `TOWERS` names them in the order of their channels. `from_grouped` makes it from the
    weights of the same network on one device, and `grouped` gives those.
    """

    TOWERS: ClassVar[tuple[str, ...]]

    def __init__(self, devices: Sequence[torch.device | str]) -> None:
        super().__init__()
        if len(devices) != len(self.TOWERS):
            raise ValueError(f"{len(self.TOWERS)} towers on {len(devices)} devices")
        self.devices = [torch.device(device) for device in devices]

    def gather(self, *parts: Tensor, to: int = 0) -> Tensor:
        """The channels of all towers, on one of the devices."""
        return torch.cat([part.to(self.devices[to]) for part in parts], 1)

    def exchange(self, *parts: Tensor) -> list[Tensor]:
        """The channels of all towers, on each device."""
        return [self.gather(*parts, to=at) for at in range(len(parts))]

    @classmethod
    def from_grouped(cls, state: Mapping[str, Tensor], **arguments: Any) -> Self:
        """The network, with a `state_dict` of the one on one device."""
        net = cls(**arguments)
        own = net.get_submodule(cls.TOWERS[0]).state_dict()
        found: dict[str, Tensor] = {}
        for key, whole in state.items():
            if key not in own:
                found[key] = whole
                continue
            for at, tower in enumerate(cls.TOWERS):
                parts = whole.chunk(len(cls.TOWERS)) if whole.ndim else None
                found[f"{tower}.{key}"] = parts[at] if parts else whole
        net.load_state_dict(found)
        return net

    def grouped(self) -> dict[str, Tensor]:
        """Its weights as a `state_dict` of the network on one device."""
        found: dict[str, Tensor] = {}
        for key, value in self.state_dict().items():
            tower, _, name = key.partition(".")
            if tower not in self.TOWERS:
                found[key] = value
            elif name not in found or not value.ndim:
                found[name] = value
            else:
                found[name] = torch.cat([found[name], value.to(found[name].device)])
        return found

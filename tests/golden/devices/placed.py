"""Two towers that meet before conv3 and fc4; the second fully connected layer is whole.

Input (N, 3, 32, 32), output (N, 10).
46,282 parameters, 2,441,856 multiply-accumulates a sample.

On 2 devices, each with half of the channels of every layer. They exchange them before
conv3 and fc4; fc5 is whole, on the first.
"""

# mypy: disable-error-code="no-any-return"

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

__all__ = ["Towers"]


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


class Tower(nn.Module):
    """What a device has: half of the channels of every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 5, padding=2)
        self.relu = nn.ReLU(inplace=True)
        self.lrn = nn.LocalResponseNorm(5)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 16, 3, padding=1)
        self.fc4 = nn.Linear(512, 32)
        self.dropout = nn.Dropout(0.5)

    def until_conv3(self, x: Tensor) -> Tensor:
        x = self.lrn(self.relu(self.conv1(x)))  # 8x32x32
        x = self.pool(x)  # 8x16x16
        x = self.relu(self.conv2(x))  # 16x16x16
        return self.pool(x)  # 16x8x8

    def until_fc4(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv3(x))  # 16x8x8
        return torch.flatten(self.pool(x), 1)  # 256

    def until_fc5(self, x: Tensor) -> Tensor:
        x = self.relu(self.fc4(x))  # 32
        return self.dropout(x)  # 32


class Towers(Placed):
    """(N, 3, 32, 32) -> (N, classes)."""

    TOWERS = ("tower0", "tower1")

    def __init__(
        self,
        classes: int = 10,
        *,
        devices: Sequence[torch.device | str] = ("cuda:0", "cuda:1"),
    ) -> None:
        super().__init__(devices)
        with self.devices[0]:
            self.tower0 = Tower()
        with self.devices[1]:
            self.tower1 = Tower()
        with self.devices[0]:
            self.fc5 = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x0, x1 = (x.to(device, non_blocking=True) for device in self.devices)
        x0 = self.tower0.until_conv3(x0)
        x1 = self.tower1.until_conv3(x1)
        x0, x1 = self.exchange(x0, x1)  # 32x8x8
        x0 = self.tower0.until_fc4(x0)
        x1 = self.tower1.until_fc4(x1)
        x0, x1 = self.exchange(x0, x1)  # 512
        x0 = self.tower0.until_fc5(x0)
        x1 = self.tower1.until_fc5(x1)
        x = self.gather(x0, x1)  # 64
        return self.fc5(x)  # classes

import torch
from torch import nn

from support.Join import Join


class PathSampler(nn.Module):
    def __init__(
        self,
        network: nn.Module,
        columns: int,
        *,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.columns = columns
        path = torch.empty((), dtype=torch.int64, device=device)
        self.register_buffer("path", path, persistent=False)
        self.reset_parameters()
        for module in network.modules():
            if isinstance(module, Join):
                module.sampler = self

    def reset_parameters(self) -> None:
        self.path.fill_(-1)

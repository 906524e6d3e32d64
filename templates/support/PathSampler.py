import torch
from torch import Tensor, nn

from support.Join import Join


class PathSampler(nn.Module):
    """Draws the column that all joins of a network keep, for half of the mini-batches.

    For the other half each join drops columns on its own. The last thing that a network
    makes, so that it finds all joins; `draw` begins the network's forward.
    """

    path: Tensor

    def __init__(self, network: nn.Module, columns: int) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("path", torch.tensor(-1), persistent=False)
        for module in network.modules():
            if isinstance(module, Join):
                module.sampler = self

    def draw(self) -> None:
        """Choose a column for the next mini-batch, or -1; nothing in eval mode."""
        if self.training:
            column = torch.randint(self.columns, (), device=self.path.device)
            everywhere = torch.rand((), device=self.path.device) < 0.5
            self.path.copy_(torch.where(everywhere, column, -1))

    def extra_repr(self) -> str:
        return f"columns={self.columns}"

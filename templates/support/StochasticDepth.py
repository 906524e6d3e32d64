import torch
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Stochastic depth as the paper has it: drops with probability `p` while training.

    Huang et al. 2016, https://arxiv.org/abs/1603.09382. `batch` drops all samples of a
    mini-batch together; `rescale_eval` multiplies by the survivors' probability in eval
    mode, instead of dividing by it while training.
    """

    def __init__(
        self, p: float, batch: bool = False, rescale_eval: bool = False
    ) -> None:
        super().__init__()
        self.p = p
        self.batch = batch
        self.rescale_eval = rescale_eval

    def forward(self, x: Tensor) -> Tensor:
        survival = 1.0 - self.p
        if not self.training:
            return x * survival if self.rescale_eval else x
        shape = [1 if self.batch else x.shape[0]] + [1] * (x.ndim - 1)
        alive = torch.rand(shape, device=x.device) < survival
        factor = 1.0 if self.rescale_eval or not survival else 1.0 / survival
        return x * (alive.to(x.dtype) * factor)

    def extra_repr(self) -> str:
        return f"p={self.p}"

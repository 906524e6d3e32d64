"""torch.compile takes the network whole: what it cannot trace would cost speed, or fail."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archc.emit.options import CHECKPOINTING
from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.differences import blamed, difference, furthest, spot, without_randomness

if TYPE_CHECKING:
    from torch import Tensor, fx, nn

    from archc.verify.subject import Subject

CLOSE = 1e-5  # of the largest gradient: the same sums in another order
READS = ("item", "tolist", "numpy", "cpu")  # methods of tensors that make the host wait


@check(
    "one-graph",
    slow=True,
    bug=Bug(
        "a branch on what a tensor holds",
        {"x = self.pool(x)": "x = self.pool(x if x.mean().item() > 0 else -x)"},
        r'no single graph in training mode: line \d+, in forward, "x = self\.pool',
    ),
)
def one_graph(subject: Subject) -> str | None:
    """torch.compile(fullgraph=True) makes one graph of it, in training and in eval mode.

    Dropout, drop-path, auxiliary heads and recompute are on, where the network has them. The graph
    must compute what eager mode does bit for bit (the backend is "eager", which draws the same
    random numbers), serve the next batch, and not wait for a number of a tensor.
    """
    import torch

    if not hasattr(torch.compiler, "set_stance"):
        raise Skipped("needs torch 2.6")
    first, second = (subject.inputs(seed=seed, small=True) for seed in (0, 1))
    for mode, training in (("training", True), ("eval", False)):
        net = _net(subject).train(training)
        if not training:  # batch norms that saw no data would let the sums run over
            net.load_state_dict(subject.settled.state_dict())
        reference, graphs = copy.deepcopy(net), _Graphs(subject)
        torch.compiler.reset()
        compiled = torch.compile(net, backend=graphs, fullgraph=True)
        try:
            made = _seeded(compiled, first)
            with torch.compiler.set_stance("fail_on_recompile"):
                again = _seeded(compiled, second)
        except Exception as error:
            raise Failed(f"no single graph in {mode} mode: {blamed(error, subject)}") from error
        if graphs.reads:
            raise Failed(f"in {mode} mode the host waits for a number at {graphs.reads[0]}")
        wanted = [_seeded(reference, first), _seeded(reference, second)]
        found = [*subject.tensors(made), *subject.tensors(again), *net.state_dict().values()]
        known = [*subject.tensors(wanted), *reference.state_dict().values()]
        if gap := difference(found, known):
            raise Failed(f"in {mode} mode compiled and eager differ by {gap:.1e}")
    return None


@check(
    "compiled-step",
    slow=True,
    trains=True,
    bug=Bug(
        "a branch for the compiler alone",
        {"x = self.pool(x)": "x = self.pool(-x if torch.compiler.is_compiling() else x)"},
        "when compiled",
    ),
)
def compiled_step(subject: Subject) -> str | None:
    """The compiled training step has the gradients and the statistics of eager mode.

    Forward and backward through AOTAutograd, one graph, recompute on. What draws random numbers
    is off, since AOTAutograd draws others.
    """
    import torch

    inputs = subject.inputs(small=True)
    net = without_randomness(_net(subject), inputs)
    reference = copy.deepcopy(net)
    torch.compiler.reset()
    try:
        compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
        subject.loss(compiled(*inputs)).backward()
    except Exception as error:
        raise Failed(f"no compiled step: {blamed(error, subject)}") from error
    subject.loss(reference(*inputs)).backward()
    eager, made = _gradients(reference), _gradients(net)
    if alone := sorted(eager.keys() ^ made.keys()):
        how = "eagerly" if alone[0] in eager else "compiled"
        raise Failed(f"{alone[0]} has a gradient only {how}")
    name, worst = furthest(made, eager)
    if worst > CLOSE:
        raise Failed(f"the gradient of {name} differs by {worst:.1e} when compiled")
    if gap := difference(net.buffers(), reference.buffers()):
        raise Failed(f"running statistics differ by {gap:.1e} when compiled")
    return f"gradients to {worst:.1e}" if worst else "gradients equal bit for bit"


@dataclass
class _Graphs:
    """A backend that runs what Dynamo gives it as it is, and lists where the host waits."""

    subject: Subject
    reads: list[str] = field(default_factory=list)

    def __call__(self, graph: fx.GraphModule, samples: list[Tensor]) -> Callable[..., Any]:
        self.reads += [
            spot(node, self.subject)
            for node in graph.graph.nodes
            if node.op == "call_method" and node.target in READS
        ]
        run: Callable[..., Any] = graph.forward
        return run


def _gradients(net: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}


def _net(subject: Subject) -> nn.Module:
    return subject.net(**({CHECKPOINTING: True} if subject.has_checkpointing else {}))


def _seeded(module: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Any:
    import torch

    torch.manual_seed(1)
    return module(*inputs)

"""A module that somebody wrote or edited, beside archc's own; that one, beside the plan."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING

from archc.export import format_size
from archc.verify.check import Bug, Failed, check
from archc.verify.checks.differences import blamed, furthest, gap
from archc.verify.reasons import some
from archc.verify.subject import Subject, held, larger

if TYPE_CHECKING:
    from torch import Tensor, nn

_CLOSE = 1e-7  # the same sums in another order, in float64
_STARTS = 1e-5  # the same of a weight, in float32
_NOISE = 1e-6  # of the largest gradient: smaller ones are compared with that, not with themselves
_SCALES = (1e-2, 1.0, 1e2, 1e5)  # of samples: where an epsilon counts, or a bound
_LARGE = 1e5  # by which weights grow: behind a norm, no input is large
_HIDING = ("aten.nan_to_num", "aten.nansum")  # what makes a number of a NaN
_ODD = 7  # pixels more in a direction: no stride divides it


@check(
    "as-written",
    bug=Bug(
        "less dropout",
        {"nn.Dropout(0.5)": "nn.Dropout(0.4)"},
        "output logits is not the generated module's in training mode",
    ),
)
def as_written(subject: Subject) -> str | None:
    """A module from --source is what the file says: outputs, gradients, statistics, and its start.

    Beside the generated module and with its weights, in float64, so that nothing but rounding may
    differ: in training mode and in eval mode, of small and large numbers and weights, of a batch of
    one, of larger and of odd sizes where the network takes them. It hides no NaN. Random numbers
    are made to depend on their shape alone, so that dropout must drop as much, and weights start as
    they do there, whatever is drawn first.

    What archc writes itself is held against the plan, at other values of its arguments too.
    """
    if subject.given is None:
        _conforms(subject)
        return None
    theirs = Subject(subject.analysis)
    _same_interface(subject, theirs)
    net, wanted = _started(subject), _started(theirs)
    same_tensors(net, wanted)
    _same_start(net, wanted)
    try:
        same_results(subject, net, wanted)
    except Failed:
        raise
    except Exception as error:
        raise Failed(blamed(error, subject)) from error
    return None


def _conforms(subject: Subject) -> None:
    """Raises Failed where the generated text says something else than the plan."""
    found = subject.analysis.conformance(subject.source)
    if found:
        raise Failed(str(found[0]))


# --- what is there -----------------------------------------------------------------------


def _same_interface(subject: Subject, theirs: Subject) -> None:
    """Raises Failed if others could not use it as the generated module."""
    public = getattr(subject.module, "__all__", None)
    if public is not None and subject.cls.__name__ not in public:
        raise Failed(f"its __all__ has no {subject.cls.__name__}")
    taken = inspect.signature(subject.cls).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        return
    own = {parameter.name for parameter in taken}
    options = set(theirs.options.keywords)
    for name in inspect.signature(theirs.cls).parameters:
        if name not in own and name not in options:
            raise Failed(f"its constructor has no {name}")


def _started(subject: Subject) -> nn.Module:
    """An instance whose weights do not depend on the order in which they start."""
    from archc.verify.draws import DrawsByShape

    with DrawsByShape():
        return subject.made()


def same_tensors(net: nn.Module, wanted: nn.Module) -> None:
    """Raises Failed for weights of other names, shapes or types, and for a network in eval mode."""
    own, known = net.state_dict(), wanted.state_dict()
    if lacking := sorted(known.keys() - own.keys()):
        raise Failed(f"its state_dict has no {some(lacking)}")
    if more := sorted(own.keys() - known.keys()):
        raise Failed(f"its state_dict has {some(more)}, which the generated module has not")
    for name, tensor in known.items():
        if own[name].shape != tensor.shape:
            raise Failed(
                f"{name} is {format_size(own[name].shape)}, not {format_size(tensor.shape)}"
            )
        if own[name].dtype != tensor.dtype:
            raise Failed(f"{name} is {own[name].dtype}, not {tensor.dtype}")
    trained = [{n for n, p in each.named_parameters() if p.requires_grad} for each in (net, wanted)]
    if alone := sorted(trained[0] ^ trained[1]):
        raise Failed(f"only one of it and the generated module trains {some(alone)}")
    if resting := [path or "it" for path, module in net.named_modules() if not module.training]:
        raise Failed(f"a new one has {some(resting)} in eval mode")


def _same_start(net: nn.Module, wanted: nn.Module) -> None:
    """Raises Failed where weights start with other numbers."""
    own = held(net)
    for name, tensor in held(wanted).items():
        if name in own and gap(own[name], tensor) > _STARTS:
            one, other = _spread(own[name]), _spread(tensor)
            how = f"with {one}, not {other}" if one != other else "otherwise"
            raise Failed(f"{name} starts {how}")


def _spread(tensor: Tensor) -> str:
    """`mean 0, std 0.01`, or the number that a constant is."""
    tensor = tensor.double()
    if tensor.min() == tensor.max():
        return f"{float(tensor.min()):.3g}"
    return f"a deviation of {float(tensor.std()):.3g} around {float(tensor.mean()):.2g}"


# --- what it computes --------------------------------------------------------------------


def same_results(subject: Subject, net: nn.Module, wanted: nn.Module) -> None:
    """Raises Failed where the first of two networks of the same weights does otherwise."""
    _settle(subject, wanted.double())
    net.double().load_state_dict(wanted.state_dict())
    inputs = _inputs(subject, 5)  # no batch that anybody writes down

    def both(inputs: tuple[Tensor, ...], when: str, *, backward: bool = False) -> None:
        theirs = _step(subject, wanted, inputs, backward)
        _compare(_step(subject, net, inputs, backward), theirs, when)

    net.train(), wanted.train()
    both(inputs, "in training mode", backward=True)
    net.eval(), wanted.eval()
    scaled = _inputs(subject, len(_SCALES), seed=1)
    for x in scaled:
        for at, scale in enumerate(_SCALES):
            x[at] *= scale
    both(scaled, "in eval mode", backward=True)
    few = tuple(x[:2] for x in inputs)
    for xs, when in (
        (_alone(wanted, inputs), "of a batch of one"),
        (larger(wanted, few), "of larger inputs"),
        (larger(wanted, few, _ODD), "of inputs of odd sizes"),
    ):
        if xs is not None:
            both(xs, when)
    _same_hiding(subject, net, wanted)
    _same_bounds(subject, net, wanted, inputs)


def _same_hiding(subject: Subject, net: nn.Module, wanted: nn.Module) -> None:
    """Raises Failed where only the first takes a NaN for a number: then nobody sees it."""
    import torch

    from archc.verify.trace import Trace

    hiding = []
    for each in (net, wanted):
        with torch.no_grad(), Trace(each) as trace:
            each(*_inputs(subject, 2))
        hiding.append([ran for ran in trace.ran if ran.name in _HIDING])
    if hiding[0] and not hiding[1]:
        ran = hiding[0][0]
        raise Failed(f"{ran.name} in {ran.module or 'the network'} hides a NaN")


def _same_bounds(
    subject: Subject, net: nn.Module, wanted: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    """Raises Failed where a bound shows that only large weights reach. They stay so."""
    import torch

    with torch.no_grad():
        for tensor in (*net.parameters(), *wanted.parameters()):
            tensor.mul_(_LARGE)
    net.train(), wanted.train()  # norms that take statistics of the batch bound what follows
    found, theirs = (_step(subject, each, inputs, backward=False)[0] for each in (net, wanted))
    _compare((found, {}, {}), (theirs, {}, {}), "with large weights")


def _alone(net: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """The first sample, or None where a norm needs more."""
    import torch

    first = tuple(x[:1] for x in inputs)
    try:
        with torch.no_grad():
            net(*first)
    except ValueError:
        return None
    return first


def _settle(subject: Subject, net: nn.Module) -> None:
    """Gives a network numbers that nothing starts with, and that hide nothing, as zeros would."""
    import torch

    generator = torch.Generator().manual_seed(4)
    norms = [module for module in net.modules() if hasattr(module, "running_mean")]
    kept = [norm.momentum for norm in norms]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for tensor in net.parameters():
            by = 0.1 * float(tensor.std()) if tensor.numel() > 1 else 0.0
            tensor.add_(
                torch.randn(tensor.shape, dtype=tensor.dtype, generator=generator) * (by or 0.1)
            )
        for norm in norms:
            norm.momentum = 1.0
        net(*_inputs(subject, 3, seed=3))
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum


def _inputs(subject: Subject, batch: int, seed: int = 0) -> tuple[Tensor, ...]:
    return tuple(x.double() for x in subject.inputs(batch, seed=seed, small=True))


def _step(
    subject: Subject, net: nn.Module, inputs: tuple[Tensor, ...], backward: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Outputs, gradients and buffers by name."""
    import torch

    from archc.verify.draws import DrawsByShape

    net.zero_grad()
    given = [x.clone().requires_grad_(backward) for x in inputs]
    with DrawsByShape(), torch.set_grad_enabled(backward):
        outputs = subject.outputs(net(*given))
        loss = _loss(outputs.values())
        if loss.requires_grad:
            loss.backward()
    named = {**dict(net.named_parameters()), **{f"input {at}": x for at, x in enumerate(given)}}
    gradients = {f"the gradient of {n}": p.grad for n, p in named.items() if p.grad is not None}
    return {n: y.detach() for n, y in outputs.items()}, gradients, dict(net.named_buffers())


def _loss(outputs: Iterable[Tensor]) -> Tensor:
    """A sum of all numbers, each with a weight of its own."""
    import torch

    generator = torch.Generator().manual_seed(5)
    found = list(outputs)
    weights = [torch.randn(y.shape, dtype=torch.double, generator=generator) for y in found]
    return torch.stack([(y * w).sum() for y, w in zip(found, weights, strict=True)]).sum()


def _compare(
    found: tuple[dict[str, Tensor], ...], wanted: tuple[dict[str, Tensor], ...], when: str
) -> None:
    for mine, theirs in zip(found, wanted, strict=True):
        shapes = {name: tensor.shape for name, tensor in mine.items()}
        if alone := sorted(mine.keys() ^ theirs.keys()):
            where = "the generated module" if alone[0] in theirs else "it"
            raise Failed(f"only {where} has {alone[0]} {when}")
        for name, tensor in theirs.items():
            if shapes[name] != tensor.shape:
                sizes = map(format_size, (mine[name].shape, tensor.shape))
                raise Failed(f"{name} is {', not '.join(sizes)} {when}")
    outputs, gradients, buffers = wanted
    gaps = {name: _furthest_sample(found[0][name], y) for name, y in outputs.items()}
    gaps |= {name: gap(found[2][name], buffer) for name, buffer in buffers.items()}
    gaps |= dict([furthest(found[1], gradients, _NOISE)])
    for name, worst in gaps.items():
        if worst > _CLOSE:
            raise Failed(f"{name} is not the generated module's {when}, by {worst:.1g}")


def _furthest_sample(found: Tensor, wanted: Tensor) -> float:
    """The largest gap of a sample: each is as large as it is. What overflows tells nothing."""
    pairs = zip(found, wanted, strict=True)
    return max((gap(a, b) for a, b in pairs if b.isfinite().all()), default=0.0)

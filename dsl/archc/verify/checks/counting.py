"""The numbers that archc prints are those of torch."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from archc.report.spelling.shapes import format_dims
from archc.verify.check import Bug, Failed, check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

    from archc.analysis.table import Row
    from archc.verify.subject import Subject
    from archc.verify.trace import Trace


_BATCH = 2  # of one sample, some norms have nothing to take statistics of


@check(
    "counts",
    bug=Bug(
        "a layer that runs twice",
        {"x = self.cells(x)": "x = self.cells[1](self.cells(x))"},
        r"cells\.1\.conv1 takes .* MACs, not",
    ),
)
def counts(subject: Subject) -> str | None:
    """Output shapes, parameters and MACs are torch's at every node and in total."""
    import torch

    rows = list(subject.analysis.table.rows())
    net = _on_meta(subject)
    _parameters(rows, net)
    compared = _run(subject, rows, net.eval(), training_only=False)
    if any(row.training_only for row in rows):
        with torch.random.fork_rng(devices=[]):
            compared += _run(subject, rows, net.train(), training_only=True)
    return f"{len(rows)} nodes, {compared} outputs"


def _on_meta(subject: Subject) -> nn.Module:
    import torch

    with torch.device("meta"):
        return subject.cls()


def _parameters(rows: list[Row], net: nn.Module) -> None:
    bare = {_place(row) for row in rows if row.part.op is not None and row.part.op.is_bare}
    torchs: Counter[str] = Counter()
    for path, tensor in net.named_parameters():
        of_module, _, _ = path.partition(".parametrizations.")  # torch keeps those inside
        place = of_module if of_module != path else path.rpartition(".")[0]
        torchs[path if path in bare else place] += tensor.numel()
    ours: Counter[str] = Counter()
    for row in rows:
        if row.part.is_operator:
            ours[_place(row)] += row.counts.params
    for place in torchs | ours:
        if ours[place] != torchs[place]:
            raise Failed(f"{place} has {torchs[place]:,} parameters, not {ours[place]:,}")


def _run(subject: Subject, rows: list[Row], net: nn.Module, *, training_only: bool) -> int:
    """Compares one run: in eval mode the network, in train mode its auxiliary heads.

    How many outputs were compared.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from archc.verify.trace import Trace

    with FlopCounterMode(display=False) as counter, torch.no_grad(), Trace(net) as trace:
        outputs = subject.tensors(net(*subject.inputs(_BATCH, device="meta")))
    table = subject.analysis.table
    macs = table.counts.macs + (table.counts.side_macs if training_only else 0)
    flops: dict[str, int] = {
        path: sum(operations.values()) // (2 * _BATCH)
        for path, operations in counter.get_flop_counts().items()
    }
    chosen = [row for row in rows if row.training_only == training_only]
    idle = _macs(chosen, {path.partition(".")[2]: count for path, count in flops.items()}, trace)
    if flops.get("Global", 0) != macs:
        if idle:
            raise Failed(f"{idle[0]} never runs: no output needs it")
        raise Failed(f"torch counts {flops.get('Global', 0):,} MACs in all, not {macs:,}")
    for (name, shape), y in zip(table.outputs, outputs, strict=False):
        if shape.dims != tuple(y.shape[1:]):
            raise Failed(f"{name} is {format_dims(y.shape[1:])}, not {format_dims(shape.dims)}")
    compared = _modules(chosen, trace)
    if training_only or subject.given is not None:  # which may do other arithmetic
        return compared
    return compared + _functions(rows, trace)


def _macs(rows: Iterable[Row], torchs: dict[str, int], trace: Trace) -> list[str]:
    """Compares what runs. What does not is returned: a function may have done it instead."""
    ours: Counter[str] = Counter()
    for row in rows:
        if row.part.is_operator:
            ours[_place(row)] += row.counts.macs
    ran = trace.of_modules()
    idle = [place for place, count in ours.items() if count and place not in ran]
    for place, count in ours.items():
        if place not in idle and count != torchs.get(place, 0):
            raise Failed(f"{place} takes {torchs.get(place, 0):,} MACs, not {count:,}")
    return idle


def _modules(rows: Iterable[Row], trace: Trace) -> int:
    """The outputs of what is a module, run by run.

    Not of those that change no shape. One without weights may stand for several nodes, under the
    name of another: it puts out what some of those of its kind beside it do.
    """
    ours: defaultdict[str, list[tuple[int, ...]]] = defaultdict(list)
    beside: defaultdict[tuple[str, str], set[tuple[int, ...]]] = defaultdict(set)
    kinds: dict[str, tuple[str, str]] = {}
    for row in rows:
        op, place, dims = row.part.op, _place(row), row.part.output.dims
        if op is not None and op.keeps_shape:
            continue
        ours[place].append(dims)
        if op is not None and not row.counts.params:
            kinds[place] = (place.rpartition(".")[0], op.name)
            beside[kinds[place]].add(dims)
    torchs = trace.of_modules()
    compared = 0
    for place, shapes in ours.items():
        for ran, dims in zip(torchs.get(place, ()), shapes, strict=False):
            compared += 1
            if ran.shape[1:] not in beside.get(kinds.get(place, ("", "")), {dims}):
                raise Failed(f"{place} is {format_dims(ran.shape[1:])}, not {format_dims(dims)}")
    return compared


def _functions(rows: list[Row], trace: Trace) -> int:
    """The outputs of what has no module of its own: merges, reshapes, activations that share one.

    Where it runs is no secret: in the module around it, or in one inside that, since layers of a
    dense block may make their own concatenations.
    """
    modules, left = trace.of_modules(), _left(rows, trace)
    compared = 0
    for row in sorted(rows, key=lambda row: -row.key.count(".")):  # inside, there is less to choose
        op = row.part.op
        if op is None or row.training_only or _place(row) in modules:
            continue
        if op.passes_through(len(row.part.inputs), training=False):
            continue
        dims, around = row.part.output.dims, row.key.rpartition(".")[0]
        while around and around not in modules:  # a list of modules does not run itself
            around = around.rpartition(".")[0]
        if row.part.inputs[0].dims == dims:
            continue  # torch may have nothing to do
        found = next(
            (key for key in left if left[key] and key[1] == dims and _inside(key[0], around)), None
        )
        if found is None:
            raise Failed(f"{row.key} ({op.name}) is to be {format_dims(dims)}: nothing there is")
        left[found] -= 1
        compared += 1
    return compared


def _left(rows: Iterable[Row], trace: Trace) -> Counter[tuple[str, tuple[int, ...]]]:
    """What was put out beside the nodes that are modules: in which module, of which shape.

    Nodes without weights may run another's module: its runs for them are left, too.
    """
    own = Counter((_place(row), row.part.output.dims) for row in rows if row.part.is_operator)
    nodes = {place for place, _ in own}
    left = Counter(
        (ran.module, ran.shape[1:])
        for ran in trace.ran
        if (ran.module in nodes) != bool(ran.name)  # of a node's module what it puts out, as one
    )
    return left - own


def _inside(path: str, around: str) -> bool:
    return not around or path == around or path.startswith(f"{around}.")


def _place(row: Row) -> str:
    """`a.conv1` for `a.conv1#2`."""
    return row.key.partition("#")[0]

"""A network with its weights as one file for a runtime: ONNX, or PyTorch's own PT2.

All that needs torch, onnx or onnxscript is in here, and imported where it runs.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc.analysis.table import tabulate
from archc.api import Analysis
from archc.net import class_of
from archc.plan import Plan, outputs
from archc.report.spelling.shapes import format_dims

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMATS = {"onnx": ("torch", "onnx", "onnxscript"), "pt2": ("torch",)}  # and what each needs
# Where a checkpoint has its weights; that of the training script has those that it validates first.
_NESTED = ("ema", "net", "model", "state_dict", "model_state_dict")
_COUNT = "n_averaged"  # what torch's AveragedModel adds to a state_dict
Sizes = Mapping[str, tuple[int, ...]]  # of the tensors in a `state_dict`
_FACTS = ("classes", "mean", "std", "size", "resize")  # what the training script says of images


class Unfit(Exception):
    """Weights that are not this network's, or a network that the format cannot hold."""


def weights(path: Path) -> dict[str, Tensor]:
    """A `state_dict` from a file, which may be a checkpoint around one. Runs no code in it.

    Raises OSError for a file that cannot be read, Unfit for one that holds no weights.
    """
    import torch

    found = _loaded(path)
    if isinstance(found, Mapping):
        held = [found[key] for key in _NESTED if isinstance(found.get(key), Mapping)]
        found = max(held, key=bool, default=found)  # the first that is not empty
    if not isinstance(found, Mapping) or not all(torch.is_tensor(t) for t in found.values()):
        raise Unfit(f"{path} holds no state_dict")
    return {str(name): tensor for name, tensor in found.items()}


def image_facts(path: Path) -> dict[str, str]:
    """What a file of the training script says of images, as JSON: classes, normalisation, size.

    It raises what `weights` raises.
    """
    found = _loaded(path)
    kept = found.get("images") if isinstance(found, Mapping) else None
    images = kept or getattr(found, "images", None)  # of a checkpoint, of its best weights
    if not isinstance(images, Mapping):
        return {}
    try:
        return {name: json.dumps(images[name]) for name in _FACTS if name in images}
    except (TypeError, ValueError, RecursionError) as error:
        raise Unfit(f"what {path} says of its images is no list of names and numbers") from error


def _loaded(path: Path) -> Any:
    """What torch has saved to a file, of plain kinds."""
    if path.exists() and not path.is_file():  # a FIFO would block
        raise Unfit(f"cannot read {path}: it is not a regular file")
    import torch

    with path.open("rb") as file:
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except OSError:
            raise
        except Exception as error:  # of several kinds, with pages of advice
            cure = "save `net.state_dict()` with torch.save"
            raise Unfit(f"{path} holds no weights that are safe to load: {cure}") from error


def unwrapped(state: Mapping[str, Tensor], wanted: Collection[str]) -> Mapping[str, Tensor]:
    """Weights without what wrappers put before all names, if any is one of `wanted` then.

    `module.` of DDP, `_orig_mod.` of torch.compile, an attribute that holds the network.
    """
    found = {name: x for name, x in state.items() if name != _COUNT or name in wanted}
    while found and not any(name in wanted for name in found):
        heads = {name.partition(".")[0] for name in found}
        if len(heads) > 1 or not all("." in name for name in found):
            return state
        found = {name.partition(".")[2]: x for name, x in found.items()}
    return found


def module(analysis: Analysis, state: Mapping[str, Tensor] | None, form: str) -> nn.Module:
    """The network in eval mode; with weights as the file's `init` has them if none are given.

    Those are the same on every run. Raises Unfit for weights of another network.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trained = class_of(analysis.name, analysis.emit())()
    if state is not None:
        wanted = trained.state_dict()
        state = unwrapped(state, wanted)
        sizes = [{key: tuple(x.shape) for key, x in side.items()} for side in (wanted, state)]
        _check(analysis, *sizes)
        trained.load_state_dict(state, strict=False)
    if form == "deploy":
        ready: nn.Module = class_of(analysis.name, analysis.emit_deployed()).from_training(
            trained.state_dict()
        )
        return ready
    done: nn.Module = trained.eval()
    return done


def _check(analysis: Analysis, wanted: Sizes, given: Sizes) -> None:
    """Raises Unfit, saying in a line what does not match, and of which params the weights are."""
    if reasons := _reasons(analysis, wanted, given):
        params = " ".join(f"-D {name}={value}" for name, value in _params_of(analysis, given))
        hint = f"; they are of `{params}`" if params else ""
        raise Unfit(f"these are not the weights of {analysis.name}: {'; '.join(reasons)}{hint}")


def _params_of(analysis: Analysis, given: Sizes) -> list[tuple[str, int]]:
    """Values of params with which the network has these weights; empty where none are found.

    Those that the sizes tell: where a weight has the param's value, the given one has another.
    """
    assert analysis.plan is not None
    wanted, found = _sizes_of(analysis.plan), list[tuple[str, int]]()
    sides = [(wanted[key], given[key]) for key in wanted if key in given]
    pairs = [pair for ours, theirs in sides for pair in zip(ours, theirs, strict=False)]
    for name, value in analysis.plan.arguments.items():
        if type(value) is int:
            others = {theirs for ours, theirs in pairs if ours == value}
            if len(others) == 1 and others != {value}:
                found.append((name, others.pop()))
    plan = analysis.again(dict(found)) if found else None
    return found if plan and not _reasons(analysis, _sizes_of(plan), given) else []


def _sizes_of(plan: Plan) -> Sizes:
    """What a `state_dict` of a network has, by its keys."""
    sizes: dict[str, tuple[int, ...]] = {}
    for row in tabulate(plan).rows():
        for key, dims in row.part.state.items() if not row.again else ():
            sizes[f"{row.module}.{key}" if key else row.module] = tuple(map(int, dims))
    return sizes


def _reasons(analysis: Analysis, wanted: Sizes, given: Sizes) -> list[str]:
    """What does not match. Auxiliary heads need not be there."""
    lost = [key for key in wanted if key not in given and not key.endswith("num_batches_tracked")]
    if lost:
        heads = tuple(f"{name}." for name in analysis.deployment().dropped)
        lost = [key for key in lost if not key.startswith(heads)]
    more = [key for key in given if key not in wanted]
    shapes = [
        f"{key} is {format_size(given[key])}, not {format_size(wanted[key])}"
        for key in wanted
        if key in given and given[key] != wanted[key]
    ]
    reasons = [f"{len(keys)} {what} ({_some(keys)})"
               for keys, what in ((lost, "missing"), (more, "unknown")) if keys]  # fmt: skip
    return reasons + shapes[:2] + [f"{len(shapes) - 2} more of another size"] * (len(shapes) > 2)


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + ", ..." * (len(keys) > 3)


def format_size(dims: tuple[int, ...]) -> str:
    """`64x3x7x7`."""
    return format_dims(dims) or "a scalar"


NOT_IN_ONNX = "No ONNX function found"  # how torch says that it cannot write an operator
_COLOUR = re.compile(r"\x1b\[\d+m")


def exported(
    analysis: Analysis, net: nn.Module, format: str, facts: Mapping[str, str] | None = None
) -> bytes:
    """The file's content. The batch may be of any size; sizes are those of the file.

    `facts` go into the metadata of ONNX. Raises Unfit where torch cannot export the network.
    """
    plan = analysis.plan
    assert plan is not None
    with quiet():
        try:
            return _onnx(plan, net, facts or {}) if format == "onnx" else _pt2(plan, net)
        except Exception as error:
            raise Unfit(f"torch cannot export {analysis.name}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """A line: for an operator that ONNX does not have, that; it lies below two errors of advice."""
    first: BaseException | None = error
    while first is not None and not str(first).startswith(NOT_IN_ONNX):
        first = first.__cause__
    lines = str(first or error).strip().splitlines() or [type(error).__name__]
    return _COLOUR.sub("", lines[0])[:200]


@dataclass(frozen=True, slots=True)
class _Traceable:
    """What torch is given: a module, two samples, and that the batch may be of another size."""

    net: nn.Module
    xs: tuple[Any, ...]
    dynamic: tuple[Any, ...]


def _traceable(plan: Plan, net: nn.Module) -> _Traceable:
    import torch

    xs = tuple(torch.zeros(2, *x.columns[0].dims) for x in plan.body.inputs)
    batch = torch.export.Dim("batch", min=1)
    dynamic = tuple({0: batch} for _ in xs)
    if len(outputs(plan.body)) == 1:
        return _Traceable(net, xs, dynamic)

    class _TupleOutputs(type(net)):  # type: ignore[misc]
        """The same with a plain tuple for its outputs: a file cannot hold the record's class."""

        def forward(self, *xs: Tensor) -> tuple[Tensor, ...]:
            return tuple(y for y in forward(self, *xs) if y is not None)

    forward: Any = type(net).forward
    net.__class__ = _TupleOutputs
    return _Traceable(net, xs, (dynamic,))


def _pt2(plan: Plan, net: nn.Module) -> bytes:
    import torch

    given, buffer = _traceable(plan, net), io.BytesIO()
    program = torch.export.export(given.net, given.xs, dynamic_shapes=given.dynamic, strict=True)
    torch.export.save(program, buffer)
    return buffer.getvalue()


def _onnx(plan: Plan, net: nn.Module, facts: Mapping[str, str]) -> bytes:
    import torch

    given = _traceable(plan, net)
    made = torch.onnx.export(
        given.net,
        given.xs,
        dynamo=True,
        dynamic_shapes=given.dynamic,
        input_names=list(plan.body.input_names) or ["input"],
        output_names=[name for name, _ in outputs(plan.body)],
        verbose=False,
    )
    assert made is not None
    proto = made.model_proto
    for name, value in facts.items():
        proto.metadata_props.add(key=name, value=value)
    content: bytes = proto.SerializeToString()
    return content


@contextmanager
def quiet() -> Iterator[None]:
    """Within, nobody speaks of what the user cannot change."""
    import logging
    import warnings

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

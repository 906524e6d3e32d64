"""What a check gets: a network, the module under test, and inputs and a loss for it."""

from __future__ import annotations

import ast
import copy
import inspect
import shutil
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archc.emit.options import CHECKPOINTING, DEVICE, Options, Unsuited
from archc.verify.effects import Effects, observed
from archc.verify.reasons import Failed

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from archc.api import Analysis

LARGER = 32  # pixels more in a direction: whatever strides and skips a network has, they divide it
LEAST = 64  # a side of the inputs of `small`: what follows stays larger than a pixel


@dataclass(eq=False)
class Subject:
    """A network under test. `given` is a Python source that replaces the generated one."""

    analysis: Analysis
    given: str | None = None
    on_import: Effects = field(default_factory=Effects, init=False)  # of `module`

    @cached_property
    def options(self) -> Options:
        """All that the network has a use for of `device` and `checkpointing`."""
        for device, checkpointing in ((True, True), (True, False), (False, False)):
            try:
                found = self.analysis.options(device=device, checkpointing=checkpointing)
                self.analysis.emit(options=found)
                return found
            except Unsuited:
                continue
        raise AssertionError("no option is always suited")

    @cached_property
    def source(self) -> str:
        """The text of the module under test."""
        if self.given is not None:
            return self.given
        return self.analysis.emit(options=self.options)

    @cached_property
    def module(self) -> ModuleType:
        """The source, imported from a file in a temporary folder that is on `sys.path`."""
        folder = mkdtemp(prefix="archc-")
        path = Path(folder, f"generated_{Path(folder).name.replace('-', '_')}.py")
        weakref.finalize(self, _forget, folder, path.stem)
        path.write_text(self.source, encoding="utf-8")
        sys.path.append(folder)  # for processes that are spawned, and unpickling
        spec = spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[path.stem] = module_from_spec(spec)
        with observed() as self.on_import:
            spec.loader.exec_module(module)
        return module

    @property
    def cls(self) -> type[nn.Module]:
        """The network's class. Raises Failed where the source has none of its name."""
        found: type[nn.Module] | None = getattr(self.module, self.analysis.name, None)
        if found is None:
            raise Failed(f"the source has no class {self.analysis.name}")
        return found

    def net(self, **arguments: Any) -> nn.Module:
        """A fresh instance from seed 0, in train mode; the same at every call."""
        import torch

        here = torch.empty(0)
        if arguments or type(here) is not torch.Tensor or here.is_meta:
            return self.made(**arguments).train()
        return copy.deepcopy(self._first)  # a fifth of the time to make it

    @property
    def has_parameters(self) -> bool:
        return next(self._first.parameters(), None) is not None

    @cached_property
    def _first(self) -> nn.Module:
        return self.made().train()

    def made(self, **arguments: Any) -> nn.Module:
        """Make one from seed 0, as its constructor leaves it: no copy, so hooks are there too."""
        import torch

        cls = self.cls  # imported by now: what that does to the random numbers is `on_import`
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return cls(**arguments)

    def takes(self, name: str) -> bool:
        """Whether the constructor has that keyword."""
        return name in inspect.signature(self.cls.__init__).parameters

    @property
    def has_device(self) -> bool:
        return self.takes(DEVICE)

    @property
    def has_checkpointing(self) -> bool:
        return self.takes(CHECKPOINTING)

    @cached_property
    def plain(self) -> Subject:
        """The same without what only computing again asks for: the layout of dense blocks."""
        if self.given is not None or self.options.checkpoint is None:
            return self
        return Subject(self.analysis, self.analysis.emit(options=self._plain_options))

    @cached_property
    def settled(self) -> nn.Module:
        """One instance for all to look at, in eval mode, with numbers that nothing starts with.

        Its batch norms have seen a batch of `small` inputs: with statistics of 0 and 1, those of
        no data, the sums in a thousand layers would run over, and with those of few samples
        rounding errors would grow.
        """
        import torch

        net = self.net()
        with torch.no_grad():
            for tensor in net.parameters():
                tensor.mul_(1.1)
        kept = {norm: norm.momentum for norm in net.modules() if hasattr(norm, "running_mean")}
        for norm in kept:
            norm.momentum = 1.0
        inputs = self.inputs(batch=8, seed=1, small=True)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            try:
                net(*inputs)
            except Exception as error:
                sizes = " and ".join(str(tuple(x.shape)) for x in inputs)
                raise Failed(f"it does not run on {sizes}: {_first_line(error)}") from error
        for norm, momentum in kept.items():
            norm.momentum = momentum
        return net.eval()

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the inputs, without the batch."""
        return _shapes(self.analysis)

    @cached_property
    def small_shapes(self) -> list[tuple[int, ...]]:
        """The smallest inputs, by halves, that the same weights can take: less to compute.

        Those of the network where its weights depend on the size, as those of a linear do.
        """
        shapes = self.shapes
        while True:
            halves = [(c, *(max(s // 2, min(s, LEAST)) for s in size)) for c, *size in shapes]
            if halves == shapes or not self._fit(halves):
                return shapes
            shapes = halves

    def _fit(self, shapes: list[tuple[int, ...]]) -> bool:
        """Whether the very same module is made for inputs of these shapes."""
        from archc.api import analyze

        plan, again = self.analysis.plan, self.analysis.again
        assert plan is not None
        names = plan.body.input_names if len(shapes) > 1 else ("",)
        found = analyze(
            self.analysis.source,
            params=again.given,
            limits=again.limits,
            project=again.load.project,
            inputs=dict(zip(names, shapes, strict=True)),
        )
        if not found.ok or found.output != self.analysis.output:
            return False
        return _code(found.emit(options=self._plain_options)) == self._plain_code

    @property
    def _plain_options(self) -> Options:
        return Options(device=self.options.device)

    @cached_property
    def _plain_code(self) -> str:
        return _code(self.analysis.emit(options=self._plain_options))

    def inputs(
        self,
        batch: int = 2,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        seed: int = 0,
        *,
        small: bool = False,
    ) -> tuple[Tensor, ...]:
        """Random tensors of the network's input shapes, or of `small_shapes`."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        shapes = self.small_shapes if small else self.shapes
        return tuple(
            torch.randn(batch, *shape, generator=generator).to(device, dtype or torch.float32)
            for shape in shapes
        )

    def tensors(self, outputs: Any) -> list[Tensor]:
        """All that a network put out, flat: it may be a record, with None for what is not there."""
        return list(_flat(outputs))

    def outputs(self, outputs: Any) -> dict[str, Tensor]:
        """The same by name: those of a record's fields, else their numbers."""
        return {f"output {name}": y for name, y in _named(outputs)}

    def loss(self, outputs: Any) -> Tensor:
        """A scalar of all outputs: cross entropy of (N, C), the mean square of others."""
        import torch
        import torch.nn.functional as F

        parts = []
        for y in self.tensors(outputs):
            if y.dim() == 2 and y.shape[1] > 1:
                target = torch.arange(y.shape[0], device=y.device) % y.shape[1]
                parts.append(F.cross_entropy(y.float(), target))
            else:
                parts.append(y.float().square().mean())
        return torch.stack(parts).sum()


def _forget(folder: str, module: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    sys.modules.pop(module, None)
    if folder in sys.path:
        sys.path.remove(folder)


def larger(
    net: nn.Module, inputs: tuple[Tensor, ...], by: int = LARGER
) -> tuple[Tensor, ...] | None:
    """Inputs of other sizes, no two alike, or None if the network takes only one size."""
    import torch

    if all(x.dim() <= 2 for x in inputs):
        return None
    found = tuple(
        torch.randn(
            *x.shape[:2],
            *(size + by * at for at, size in enumerate(x.shape[2:], 1)),
            dtype=x.dtype,
        )
        for x in inputs
    )
    try:
        with torch.no_grad():
            net(*found)
    except RuntimeError:  # a linear or a merge that needs its size
        return None
    return found


def held(net: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name."""
    return {**dict(net.named_parameters()), **dict(net.named_buffers())}


def _code(source: str) -> str:
    """Without comments and docstrings, which name sizes."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [
                statement
                for statement in node.body
                if not (
                    isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                )
            ]
    return ast.dump(tree)


def _flat(outputs: Any) -> Iterator[Tensor]:
    import torch

    if torch.is_tensor(outputs):
        yield outputs
    elif isinstance(outputs, dict):
        yield from _flat(outputs.values())
    elif outputs is not None:
        for part in outputs:
            yield from _flat(part)


def _named(outputs: Any) -> Iterator[tuple[object, Tensor]]:
    import torch

    if torch.is_tensor(outputs):
        yield 0, outputs
        return
    fields = getattr(outputs, "_fields", range(len(outputs)))
    pairs = outputs.items() if isinstance(outputs, dict) else zip(fields, outputs, strict=True)
    for name, part in pairs:
        if torch.is_tensor(part):
            yield name, part
        elif part is not None:
            yield from ((f"{name}.{inner}", y) for inner, y in _named(part))


def _shapes(analysis: Analysis) -> list[tuple[int, ...]]:
    assert analysis.plan is not None
    return [tuple(map(int, x.columns[0].dims)) for x in analysis.plan.body.inputs]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]

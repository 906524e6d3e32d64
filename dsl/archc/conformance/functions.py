"""Functions of torch on symbolic tensors: what `torch.cat`, `F.relu` and `x.clamp` stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc.conformance.execution import Execution
from archc.conformance.modules import make_record, rounded, run_record
from archc.conformance.objects import TensorSize, Value, device_of
from archc.conformance.problems import UnsupportedPython
from archc.conformance.tensors import SymbolicTensor

# Functions that are a module without state, called at once.
_OF_MODULES = {
    "relu": "nn.ReLU",
    "relu6": "nn.ReLU6",
    "leaky_relu": "nn.LeakyReLU",
    "elu": "nn.ELU",
    "selu": "nn.SELU",
    "celu": "nn.CELU",
    "threshold": "nn.Threshold",
    "gelu": "nn.GELU",
    "silu": "nn.SiLU",
    "mish": "nn.Mish",
    "softplus": "nn.Softplus",
    "softsign": "nn.Softsign",
    "sigmoid": "nn.Sigmoid",
    "logsigmoid": "nn.LogSigmoid",
    "tanh": "nn.Tanh",
    "hardswish": "nn.Hardswish",
    "hardsigmoid": "nn.Hardsigmoid",
    "hardtanh": "nn.Hardtanh",
    "softshrink": "nn.Softshrink",
    "softmax": "nn.Softmax",
    "log_softmax": "nn.LogSoftmax",
    "glu": "nn.GLU",
    "flatten": "nn.Flatten",
    "pixel_shuffle": "nn.PixelShuffle",
    "pixel_unshuffle": "nn.PixelUnshuffle",
    "channel_shuffle": "nn.ChannelShuffle",
    "adaptive_avg_pool1d": "nn.AdaptiveAvgPool1d",
    "adaptive_avg_pool2d": "nn.AdaptiveAvgPool2d",
    "adaptive_avg_pool3d": "nn.AdaptiveAvgPool3d",
    "max_pool1d": "nn.MaxPool1d",
    "max_pool2d": "nn.MaxPool2d",
    "max_pool3d": "nn.MaxPool3d",
    "avg_pool1d": "nn.AvgPool1d",
    "avg_pool2d": "nn.AvgPool2d",
    "avg_pool3d": "nn.AvgPool3d",
    "local_response_norm": "nn.LocalResponseNorm",
    "clamp": "Clamp",
    "abs": "Abs",
    "exp": "Exp",
    "log": "Log",
    "neg": "Neg",
    "sqrt": "Sqrt",
    "square": "Square",
}
_UNCHANGED = frozenset(("contiguous",))  # methods that leave the numbers as they are


class Functions:
    """Runs functions in one pass."""

    def __init__(self, execution: Execution, line: int) -> None:
        self.execution = execution
        self.store = execution.store
        self.line = line

    def call(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Run a function, or method of a tensor, by its name. Raises UnsupportedPython."""
        own: Callable[..., Any] | None = getattr(self, f"_{name}", None)
        if name in _UNCHANGED and arguments and isinstance(arguments[0], Value):
            return arguments[0]
        if own is None and name not in _OF_MODULES:
            raise UnsupportedPython(
                f"the function `{name}` is nothing that archc writes", self.line
            )
        if not arguments:
            raise UnsupportedPython(f"`{name}` gets no tensor", self.line)
        if own is None:
            return self._module(name, *arguments, **named)
        try:
            return own(*arguments, **named)
        except TypeError as error:
            raise UnsupportedPython(f"`{name}` would fail: {error}", self.line) from None

    def _module(self, name: str, x: Any, *more: Any, **named: Any) -> Value:
        if name == "flatten" and "start_dim" not in named:
            more = more or (0,)  # the function's own default is not the module's
        (value,) = self._tensors([x])
        record, inplace = make_record(self.store, _OF_MODULES[name], more, named)
        inputs = self.execution.read([value], self.line)
        made = run_record(self.store, record, inputs)
        return self.execution.place(made, record.target, [value], self.line, inplace)

    def _tensors(self, values: Any) -> list[Value]:
        found = list(values) if isinstance(values, list | tuple) else []
        if not found or not all(isinstance(value, Value) for value in found):
            raise UnsupportedPython("a function gets something that is no tensor", self.line)
        return found

    # --- devices -------------------------------------------------------------------------

    def _to(self, x: Any, device: Any, non_blocking: bool = False) -> Value:
        """The tensor on a device, which may be where it is already."""
        (value,) = self._tensors([x])
        inputs = self.execution.read([value], self.line)
        name = device_of(device, self.line)
        return Value(self.store.tensor("copy", (name,), inputs), value.storage)

    def gather(self, device: Any, parts: Any) -> Value:
        """Return what the towers of a network have, together on a device."""
        inputs = self.execution.read(self._tensors(parts), self.line)
        return Value(self.store.tensor("gather", (device_of(device, self.line),), inputs))

    # --- joining and cutting -------------------------------------------------------------

    def _cat(self, tensors: Any, dim: int = 0) -> Value:
        inputs = self.execution.read(self._tensors(tensors), self.line)
        return Value(self.store.cat(inputs, dim))

    def _narrow(self, x: Any, dim: int, start: int, length: int) -> Value:
        if dim != 1:
            raise UnsupportedPython("`narrow` of another dimension than channels", self.line)
        return self._view("Narrow", x, start, length)

    def _chunk(self, x: Any, chunks: int, dim: int = 0) -> list[Value]:
        if dim != 1:
            raise UnsupportedPython("`chunk` of another dimension than channels", self.line)
        return [self._view("Chunk", x, at, chunks) for at in range(chunks)]

    def _split(self, x: Any, split_size_or_sections: Any, dim: int = 0) -> list[Value]:
        sizes = split_size_or_sections
        if dim != 1 or not isinstance(sizes, list | tuple):
            raise UnsupportedPython("`split` other than into channels of listed widths", self.line)
        starts = [sum(sizes[:at]) for at in range(len(sizes))]
        return [
            self._view("Narrow", x, start, size) for start, size in zip(starts, sizes, strict=True)
        ]

    def cut(self, x: Value, key: Any) -> Value:
        """Return `x[:, i : j]`, channels from i to j."""
        match key:
            case (slice(start=None, stop=None, step=None), slice(step=None) as part, *rest):
                whole = slice(None)
                begins = part.start or 0
                is_range = part.stop is not None and 0 <= begins < part.stop
                if is_range and all(other in (whole, Ellipsis) for other in rest):
                    return self._view("Narrow", x, begins, part.stop - begins)
        raise UnsupportedPython("an index that is no range of channels", self.line)

    def _view(self, target: str, x: Any, *values: Any) -> Value:
        (value,) = self._tensors([x])
        record, _ = make_record(self.store, target, values, {})
        inputs = self.execution.read([value], self.line)
        return self.execution.place(
            run_record(self.store, record, inputs), target, [value], self.line
        )

    def _interpolate(
        self,
        x: Any,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> Value:
        (value,) = self._tensors([x])
        if isinstance(size, TensorSize) and size.spatial and scale_factor is None:
            inputs = self.execution.read([value, size.of], self.line)
            record, _ = make_record(self.store, "UpsampleLike", (mode, align_corners), {})
        else:
            inputs = self.execution.read([value], self.line)
            values = (size, scale_factor, mode, align_corners)
            record, _ = make_record(self.store, "nn.Upsample", values, {})
        return Value(run_record(self.store, record, inputs))

    def _stack(self, tensors: Any, dim: int = 0) -> Value:
        inputs = self.execution.read(self._tensors(tensors), self.line)
        return Value(self.store.tensor("stack", (dim,), inputs))

    def _mean(self, x: Any, dim: int, keepdim: bool = False) -> Value:
        return self._over_channels("ChannelMean", x, dim, keepdim)

    def _amax(self, x: Any, dim: int, keepdim: bool = False) -> Value:
        return self._over_channels("ChannelMax", x, dim, keepdim)

    def _sum(self, x: Any, dim: int, keepdim: bool = False) -> Value:
        return self._over_channels("ChannelSum", x, dim, keepdim)

    def _over_channels(self, target: str, x: Any, dim: int, keepdim: bool) -> Value:
        if dim != 1 or not keepdim:
            raise UnsupportedPython("a reduction other than to one channel", self.line)
        return self._view(target, x)

    def _normalize(self, x: Any, p: float = 2, dim: int = 1, eps: float = 1e-12) -> Value:
        if p != 2 or dim != 1:
            raise UnsupportedPython("`normalize` other than by the length of channels", self.line)
        return self._view("L2Norm", x, eps)

    # --- arithmetic ----------------------------------------------------------------------

    def _maximum(self, left: Any, right: Any) -> Value:
        pair = self._tensors([left, right])
        inputs = self.execution.read(pair, self.line)
        self._keep(pair)
        if inputs[0].number > inputs[1].number:
            inputs = inputs[::-1]
        return Value(self.store.tensor("maximum", (), inputs))

    def operation(self, symbol: str, left: Any, right: Any) -> Value:
        """Return `left + right` and the like, where one of them is a tensor."""
        store = self.store
        if isinstance(left, Value) and isinstance(right, Value):
            a, b = self.execution.read([left, right], self.line)
            match symbol:
                case "Add":
                    return Value(store.add(a, b))
                case "Sub":
                    return Value(store.tensor("sub", (), (a, b)))
                case "Mult":
                    self._keep([left, right])
                    return Value(store.multiply(a, b))
        elif symbol == "Neg":
            return Value(store.tensor("neg", (), self.execution.read([left], self.line)))
        elif isinstance(left, Value):
            return Value(self._scaled(symbol, self.execution.read([left], self.line), right))
        elif symbol in ("Add", "Mult") and isinstance(right, Value):
            return Value(self._scaled(symbol, self.execution.read([right], self.line), left))
        raise UnsupportedPython("arithmetic with tensors that archc does not write", self.line)

    def _scaled(self, symbol: str, x: tuple[SymbolicTensor, ...], number: Any) -> SymbolicTensor:
        names = {"Mult": "times", "Div": "div", "Add": "plus", "Sub": "plus"}
        if symbol not in names or not isinstance(number, int | float):
            raise UnsupportedPython("arithmetic with tensors that archc does not write", self.line)
        number = rounded(-number if symbol == "Sub" else number)
        return self.store.tensor(names[symbol], (number,), x)

    def _keep(self, values: list[Value]) -> None:
        for value in values:
            self.execution.keep(value.storage, self.line)

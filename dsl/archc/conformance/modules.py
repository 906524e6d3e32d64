"""The modules that a generated file may make: their arguments, and what each does to memory.

A row says what torch's documentation says of a class. A test holds every row against torch.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from archc.conformance.problems import UnsupportedPython
from archc.conformance.tensors import Record, Store, SymbolicTensor

_CONV = (
    "in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, "
    "bias=True, padding_mode='zeros'"
)
_DECONV = (
    "in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, "
    "bias=True, dilation=1, padding_mode='zeros'"
)
_BATCH_NORM = "num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True"
_INSTANCE_NORM = "num_features, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False"
_MAX_POOL = "kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False"
_AVG_POOL = "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True"
_AVG_POOLS = f"{_AVG_POOL}, divisor_override=None"

# Class: arguments; then what it is. `state` may name the arguments of which one must be true.
#   state   holds tensors        random  draws numbers while training
#   input, output                autograd keeps that for the backward pass
#   view    gives (perhaps) the memory of its input
_TABLE: dict[str, tuple[str, str]] = {
    "nn.Conv*d": (_CONV, "state input"),
    "nn.ConvTranspose*d": (_DECONV, "state input"),
    "nn.Linear": ("in_features, out_features, bias=True", "state input"),
    "nn.BatchNorm*d": (_BATCH_NORM, "state:affine,track_running_stats input"),
    "nn.InstanceNorm*d": (_INSTANCE_NORM, "state:affine,track_running_stats input"),
    "nn.GroupNorm": (
        "num_groups, num_channels, eps=1e-05, affine=True",
        "state:affine input",
    ),
    "nn.LayerNorm": (
        "normalized_shape, eps=1e-05, elementwise_affine=True, bias=True",
        "state:elementwise_affine input",
    ),
    "nn.LocalResponseNorm": ("size, alpha=0.0001, beta=0.75, k=1.0", "input"),
    "nn.MaxPool*d": (_MAX_POOL, "input"),
    "nn.AvgPool1d": (_AVG_POOL, "input"),
    "nn.AvgPool*d": (_AVG_POOLS, "input"),
    "nn.LPPool*d": ("norm_type, kernel_size, stride=None, ceil_mode=False", "input"),
    "nn.AdaptiveAvgPool*d": ("output_size", "input"),
    "nn.AdaptiveMaxPool*d": ("output_size, return_indices=False", "input"),
    "nn.Dropout": ("p=0.5, inplace=False", "random view"),
    "nn.Dropout*d": ("p=0.5, inplace=False", "random view"),
    "nn.AlphaDropout": ("p=0.5, inplace=False", "random view"),
    "nn.FeatureAlphaDropout": ("p=0.5, inplace=False", "random view"),
    "nn.ReLU": ("inplace=False", "output"),
    "nn.ReLU6": ("inplace=False", "input"),
    "nn.LeakyReLU": ("negative_slope=0.01, inplace=False", "input"),
    "nn.RReLU": ("lower=0.125, upper=0.3333333333333333, inplace=False", "random input"),
    "nn.PReLU": ("num_parameters=1, init=0.25", "state input"),
    "nn.ELU": ("alpha=1.0, inplace=False", "input"),
    "nn.SELU": ("inplace=False", "input"),
    "nn.CELU": ("alpha=1.0, inplace=False", "input"),
    "nn.Threshold": ("threshold, value, inplace=False", "input"),
    "nn.GELU": ("approximate='none'", "input"),
    "nn.SiLU": ("inplace=False", "input"),
    "nn.Mish": ("inplace=False", "input"),
    "nn.Softplus": ("beta=1.0, threshold=20.0", "input"),
    "nn.Softsign": ("", "input"),
    "nn.Sigmoid": ("", "output"),
    "nn.LogSigmoid": ("", "input"),
    "nn.Tanh": ("", "output"),
    "nn.Hardswish": ("inplace=False", "input"),
    "nn.Hardsigmoid": ("inplace=False", "input"),
    "nn.Hardtanh": ("min_val=-1.0, max_val=1.0, inplace=False", "input"),
    "nn.Softshrink": ("lambd=0.5", "input"),
    "nn.Softmax": ("dim=None", "output"),
    "nn.LogSoftmax": ("dim=None", "output"),
    "nn.GLU": ("dim=-1", "input"),
    "nn.Identity": ("", "view"),
    "nn.Flatten": ("start_dim=1, end_dim=-1", "view"),
    "nn.Unflatten": ("dim, unflattened_size", "view"),
    "nn.ChannelShuffle": ("groups", "view"),
    "nn.PixelShuffle": ("upscale_factor", ""),
    "nn.PixelUnshuffle": ("downscale_factor", ""),
    "nn.Upsample": ("size=None, scale_factor=None, mode='nearest', align_corners=None", ""),
    "nn.ZeroPad*d": ("padding", ""),
    "nn.ReflectionPad*d": ("padding", "input"),
    "nn.ReplicationPad*d": ("padding", "input"),
    "nn.CircularPad*d": ("padding", ""),
    # The helper classes that a file may carry.
    "Abs": ("", "input"),
    "ChannelLayerNorm": (
        "normalized_shape, eps=1e-05, elementwise_affine=True, bias=True",
        "state:elementwise_affine input",
    ),
    "ChannelLinear": ("in_features, out_features, bias=True", "state input"),
    "ChannelMax": ("", "input output"),
    "ChannelMean": ("", ""),
    "ChannelSum": ("", ""),
    "BlurPool*d": ("channels, kernel_size, stride=1, padding_mode='reflect'", "state"),
    "Chunk": ("index, of", "view"),
    "Clamp": ("min=None, max=None", "input"),
    "CropLike": ("", "view"),
    "DropPath": ("p", "random view input"),
    "StochasticDepth": ("p, batch=False, rescale_eval=False", "random view input"),
    "Div": ("divisor", ""),
    "Exp": ("", "output"),
    "GlobalResponseNorm": ("channels, eps=1e-06", "state input"),
    "GroupedResponseNorm": ("size, *, groups, alpha=0.0001, beta=0.75, k=1.0", "input"),
    "Join": ("droppath=0.0", "random:droppath"),
    "L2Norm": ("eps=1e-12", "input"),
    "Log": ("", "input"),
    "MaskedConv*d": (f"{_CONV}, *, kind", "state input"),
    "Narrow": ("start, length", "view"),
    "Neg": ("", ""),
    "Parameter": ("dims, init", "state input"),  # of a class itself: a factor
    "PathSampler": ("network, columns", "state"),
    "PaddedAvgPool*d": (f"{_AVG_POOL}, *, sides", ""),
    "PaddedConv*d": (f"{_CONV}, *, sides", "state"),
    "PaddedMaskedConv*d": (f"{_CONV}, *, sides, kind", "state"),
    "PaddedScaledStandardizedConv*d": (f"{_CONV}, *, sides, gamma=1.0, eps=1e-06", "state"),
    "PaddedStandardizedConv*d": (f"{_CONV}, *, sides, eps=1e-06", "state"),
    "PaddedMaxPool*d": (f"{_MAX_POOL}, *, sides", ""),
    "PixelNorm": ("eps=1e-8", "input"),
    "Plus": ("summand", ""),
    "SameAvgPool*d": (_AVG_POOL, ""),
    "SameConv*d": (_CONV, "state"),
    "SameMaskedConv*d": (f"{_CONV}, *, kind", "state"),
    "SameScaledStandardizedConv*d": (f"{_CONV}, *, gamma=1.0, eps=1e-06", "state"),
    "SameStandardizedConv*d": (f"{_CONV}, *, eps=1e-06", "state"),
    "SameMaxPool*d": (_MAX_POOL, ""),
    "Sample": ("", "random view"),
    "Scale": ("channels, init=1.0", "state input"),
    "ScaledStandardizedConv*d": (f"{_CONV}, *, gamma=1.0, eps=1e-06", "state input"),
    "Sqrt": ("", "output"),
    "Square": ("", "input"),
    "StandardizedConv*d": (f"{_CONV}, *, eps=1e-06", "state input"),
    "Times": ("factor", ""),
    "UpsampleLike": ("mode='nearest', align_corners=None", ""),
    "Widen": ("channels", ""),
}

PARAMETRIZATIONS = frozenset(
    f"nn.utils.parametrizations.{name}" for name in ("weight_norm", "spectral_norm")
)

# One number for all dimensions, or one each: the same where they are equal.
_SIZES = frozenset(
    "kernel_size stride padding dilation output_padding output_size size scale_factor "
    "normalized_shape".split()
)
_PLACED = ("device", "dtype")  # where tensors lie changes no number
_REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of modules: a row of the table, read."""

    target: str
    names: tuple[str, ...]
    defaults: Mapping[str, Any]
    state: tuple[str, ...] | None  # None: none; (): always
    random: tuple[str, ...] | None
    keeps_input: bool
    keeps_output: bool
    is_view: bool
    positional: int


@cache
def kind_of(target: str) -> Kind | None:
    """Return the row of a class, or None for one that no row describes."""
    target = target.rpartition(" of ")[2]  # a parametrization keeps what its module keeps
    row = _TABLE.get(target) or _TABLE.get(f"{target[:-2]}*d" if target[-2:-1].isdigit() else "")
    if row is None:
        return None
    arguments = ast.parse(f"def f({row[0]}): ...").body[0].args  # type: ignore[attr-defined]
    names = [a.arg for a in arguments.args]
    values = [ast.literal_eval(d) for d in arguments.defaults]
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    for extra, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        names.append(extra.arg)
        if default is not None:
            defaults[extra.arg] = ast.literal_eval(default)
    facts = {word.partition(":")[0]: word.partition(":")[2] for word in row[1].split()}

    def asked(fact: str) -> tuple[str, ...] | None:
        return tuple(filter(None, facts[fact].split(","))) if fact in facts else None

    return Kind(
        target,
        tuple(names),
        defaults,
        asked("state"),
        asked("random"),
        "input" in facts,
        "output" in facts,
        "view" in facts,
        len(arguments.args),
    )


def _holds(names: tuple[str, ...] | None, values: Mapping[str, Any]) -> bool:
    return names is not None and (not names or any(values[name] for name in names))


def _normal(name: str, value: Any) -> Any:
    """Return a value in the one form that equal ones have."""
    if isinstance(value, list | tuple):
        value = tuple(map(rounded, value))
        if name in _SIZES and value and all(item == value[0] for item in value):
            return value[0]
    return rounded(value)


def rounded(value: Any) -> Any:
    """Return a float as twelve digits tell it: no more are written, and its last bit may differ."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def make_record(
    store: Store, target: str, positional: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[Record, bool]:
    """Return the record of a module that is made with these arguments, and if it works in place.

    Raises UnsupportedPython where its class is unknown, or takes no such arguments.
    """
    try:
        key = target, positional, tuple(keywords.items())
        found = store.made.get(key)
    except TypeError:  # a list among them
        return _make_record(store, target, positional, keywords)
    if found is None:
        found = store.made[key] = _make_record(store, target, positional, keywords)
    return found


def _make_record(
    store: Store, target: str, positional: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[Record, bool]:
    kind = kind_of(target)
    if kind is None:
        raise UnsupportedPython(f"`{target}` is no module that archc makes")
    if len(positional) > kind.positional:
        raise UnsupportedPython(
            f"`{target}` takes {kind.positional} arguments, not {len(positional)}"
        )
    values: dict[str, Any] = dict(zip(kind.names, positional, strict=False))
    for name, value in keywords.items():
        if name in _PLACED:
            continue
        if name not in kind.names or name in values:
            raise UnsupportedPython(f"`{target}` has no argument `{name}`, or it is given twice")
        values[name] = value
    inplace = bool(values.pop("inplace", False))
    found = []
    for name in kind.names:
        if name in ("inplace", "network"):
            continue
        value = values[name] if name in values else kind.defaults.get(name, _REQUIRED)
        if value is _REQUIRED:
            raise UnsupportedPython(f"`{target}` lacks its argument `{name}`")
        found.append((name, _normal(name, value)))
    if "stride" in kind.names and dict(found)["stride"] is None:  # of a pool: its window
        window = dict(found)["kernel_size"]
        found = [(name, window if name == "stride" else value) for name, value in found]
    named = dict(found)
    record = store.record(
        target, tuple(found), _holds(kind.state, named), _holds(kind.random, named)
    )
    return record, inplace


def parametrized(store: Store, function: str, record: Record) -> Record:
    """Return the record of a module that a parametrization of torch's was given."""
    return store.record(f"{function} of {record.target}", record.arguments, True, record.is_random)


def run_record(store: Store, record: Record, inputs: tuple[SymbolicTensor, ...]) -> SymbolicTensor:
    """Return what a module without state and randomness makes: the same for all its spellings."""
    values = tuple(value for _, value in record.arguments)
    match record.target:
        case "nn.Identity":
            return inputs[0]
        case "nn.Flatten":
            return store.tensor("flatten", values, inputs)
        case "Narrow":
            return store.tensor("narrow", values, inputs)
        case "Chunk":
            return store.tensor("chunk", values, inputs)
        case "Times" | "Plus" | "Div":
            return store.tensor(record.target.lower(), values, inputs)
        case "UpsampleLike":
            return store.tensor("resize to", values, inputs)
        case "Clamp":
            return store.tensor("clamp", values, inputs)
        case "Abs" | "Exp" | "Log" | "Neg" | "Sqrt" | "Square":
            return store.tensor(record.target.lower(), (), inputs)
    return store.tensor("module", (record,), inputs)

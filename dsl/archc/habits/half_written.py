"""Layers that are archc's already, in the order in which a `forward` of Python's runs them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping

from archc.habits.classes import statements_of
from archc.habits.expressions import NotSaid
from archc.habits.foreign_class import ForeignClass, read_class
from archc.habits.modules import Construction, ModuleText, is_weighted

# Layers that may run more than once: they have no weights, and are no branches.
_WEIGHTLESS = re.compile(
    r"(?:relu6?|leaky_relu|[csg]?elu|rrelu|silu|mish|(?:log_?)?sigmoid|tanh|hard\w+|(?:log_)?soft\w+"
    r"|threshold|dropout|droppath|(?:max|avg)?pool|gap|flatten|upsample|identity|lrn|pad"
    r"|pixel(?:un)?shuffle|shuffle)\b[^;{<]*\Z"
)


_TESTED = re.compile(r"if[ \t]+([^{}]*?)\s*\{\s*([^;]*(?:\{.*\})?)\s*\}\Z", re.DOTALL)


def in_order(
    forward: str,
    layers: Mapping[str, str],
    others: Mapping[str, ForeignClass],
    names: Collection[str],
) -> list[str]:
    """The lines that `forward` makes of layers by their labels. Raises NotSaid.

    `others` are the blocks that they may call, `names` those of the numbers of the block around.
    """
    import ast

    init = f"def __init__(self, {', '.join(names)}):\n    pass\n"
    body = textwrap.indent(init + textwrap.dedent(forward), "    ")
    cls = read_class(f"class Block(nn.Module):\n{body}")
    if cls is None:
        raise NotSaid("`forward`, which Python cannot read")
    made = Construction(cls, others, known={*others, *names})
    made.names |= {name: ast.Name(name) for name in names}
    for label, text in layers.items():
        made.modules[label] = _module(text)
        if not is_weighted(made.modules[label], others) and not is_weightless(text):
            raise NotSaid(f"`{label}`")
    return statements_of(made)


def is_weightless(layer: str) -> bool:
    """Whether a layer may run more than once: `relu`, `pool 2x2/2`."""
    return _WEIGHTLESS.match(layer) is not None


def _module(text: str) -> ModuleText:
    if text == "identity":
        return ModuleText()
    if tested := _TESTED.match(text):
        text = re.sub(r"\s+\}", " }", text)
        return ModuleText((text,), test=tested[1], tested=re.sub(r"\s+\}", " }", tested[2]).strip())
    return ModuleText((text,), text.startswith("{"))

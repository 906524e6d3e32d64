"""The names that labels may not have are those that torch has."""

from __future__ import annotations

import torch
from torch import nn

from archc.elaborate.names import MODULE_ATTRIBUTES


def test_module_attributes_are_torchs() -> None:
    taken = {name for kind in (nn.Module, nn.Sequential, nn.ModuleDict) for name in public(kind())}
    assert taken <= MODULE_ATTRIBUTES, f"torch {torch.__version__} has more"


def public(module: nn.Module) -> set[str]:
    return {name for name in dir(module) if not name.startswith("_")}

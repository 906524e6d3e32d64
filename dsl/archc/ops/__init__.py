"""The operators. Importing this package fills the registry: a module per family."""

from archc.ops import act, conv, drop, merge, norm, pointwise, pool, reshape, resize  # noqa: F401
from archc.ops._op import (
    OTHER,
    REGISTRY,
    Call,
    Dims,
    Field,
    Form,
    Misfit,
    Op,
    Saved,
    Shape,
    Shared,
    Window,
    scalars,
)

__all__ = [
    "OTHER",
    "REGISTRY",
    "Call",
    "Dims",
    "Field",
    "Form",
    "Misfit",
    "Op",
    "Saved",
    "Shape",
    "Shared",
    "Window",
    "scalars",
]

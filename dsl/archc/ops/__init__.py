"""The operators. Importing this package fills the registry: a module per family."""

from archc.ops import act, conv, drop, merge, norm, pointwise, pool, reshape, resize  # noqa: F401
from archc.ops._field import OTHER, Field, Form
from archc.ops._memory import Saved, scalars
from archc.ops._op import REGISTRY, Call, Op, Shared
from archc.ops._shape import Dims, Misfit, Shape, Window
from archc.ops.merge import Elementwise

__all__ = [
    "OTHER",
    "REGISTRY",
    "Call",
    "Dims",
    "Elementwise",
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

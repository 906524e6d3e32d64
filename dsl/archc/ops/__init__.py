"""The operators. Importing this package fills the registry: a module per family."""

from archc.ops import (  # noqa: F401
    act,
    blur,
    channels,
    conv,
    drop,
    linear,
    merge,
    norm,
    pointwise,
    pool,
    reshape,
    resize,
)
from archc.ops._field import OTHER, Field, Form
from archc.ops._memory import Saved, scalars
from archc.ops._op import REGISTRY, ModuleCall, Op, Shared
from archc.ops._shape import Dims, Shape, ShapeError, Window
from archc.ops.combinators import COMBINATORS, Combinator, branch_name
from archc.ops.merge import Elementwise

__all__ = [
    "COMBINATORS",
    "OTHER",
    "REGISTRY",
    "Combinator",
    "Dims",
    "Elementwise",
    "Field",
    "Form",
    "ModuleCall",
    "Op",
    "Saved",
    "Shape",
    "ShapeError",
    "Shared",
    "Window",
    "branch_name",
    "scalars",
]

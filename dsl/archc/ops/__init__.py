"""The operators. Importing this package fills the registry: a module per family."""

from archc.ops import conv  # noqa: F401
from archc.ops._op import REGISTRY, Call, Dims, Field, Form, Misfit, Op, Shape

__all__ = ["REGISTRY", "Call", "Dims", "Field", "Form", "Misfit", "Op", "Shape"]

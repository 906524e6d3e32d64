"""All checks, by topic; importing this fills `CHECKS`, in the order in which tables have them."""

from archc.verify.check import CHECKS

from archc.verify.checks import (  # isort: skip
    serialization, meta_device, counting, as_written, arguments, behaviour, side_effects,
    recomputing, compiling, exporting, devices, distributed, cuda,
)  # fmt: skip

__all__ = [
    "CHECKS", "arguments", "as_written", "behaviour", "compiling", "counting", "cuda",
    "devices", "distributed", "exporting", "meta_device", "recomputing", "serialization",
    "side_effects",
]  # fmt: skip

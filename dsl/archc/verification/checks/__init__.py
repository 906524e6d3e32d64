"""All checks, by topic; importing this fills `CHECKS`, in the order in which tables have them."""

from archc.verification.check import CHECKS

from archc.verification.checks import (  # isort: skip
    keeping, placing, counting, behaviour, recomputing, compiling, exporting, devices,
    distributed, cuda,
)  # fmt: skip

__all__ = [
    "CHECKS", "behaviour", "compiling", "counting", "cuda", "devices", "distributed",
    "exporting", "keeping", "placing", "recomputing",
]  # fmt: skip

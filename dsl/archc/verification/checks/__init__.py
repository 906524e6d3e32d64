"""All checks, by topic; importing this fills `CHECKS`, in the order in which tables have them."""

from archc.verification.check import CHECKS

from archc.verification.checks import (  # isort: skip
    keeping, placing, counting, written, behaviour, manners, recomputing, compiling, exporting,
    devices, distributed, cuda,
)  # fmt: skip

__all__ = [
    "CHECKS", "behaviour", "compiling", "counting", "cuda", "devices", "distributed",
    "exporting", "keeping", "manners", "placing", "recomputing", "written",
]  # fmt: skip

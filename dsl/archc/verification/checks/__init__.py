"""All checks, by topic; importing this fills `CHECKS`, in the order in which tables have them."""

from archc.verification.check import CHECKS

from archc.verification.checks import (  # isort: skip
    keeping, placing, counting, behaviour, recomputing, compiling, exporting, devices,
)  # fmt: skip

__all__ = [
    "CHECKS", "behaviour", "compiling", "counting", "devices", "exporting", "keeping",
    "placing", "recomputing",
]  # fmt: skip

"""All checks, by topic; importing this fills `CHECKS`, in the order in which tables have them."""

from archc.verification.check import CHECKS

from archc.verification.checks import keeping, placing, counting, behaviour, recomputing  # isort: skip

__all__ = ["CHECKS", "behaviour", "counting", "keeping", "placing", "recomputing"]

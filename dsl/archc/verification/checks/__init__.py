"""All checks, by topic; importing this fills `CHECKS`, in the order in which tables have them."""

from archc.verification.check import CHECKS
from archc.verification.checks import keeping

__all__ = ["CHECKS", "keeping"]

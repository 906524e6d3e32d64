"""How a check ends that does not pass."""


class Failed(Exception):
    """What was to be proved does not hold: the reason, in a line."""


class Skipped(Exception):
    """There is nothing to prove, or nothing to prove it with: the reason, in a line."""

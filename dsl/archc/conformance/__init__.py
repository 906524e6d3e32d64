"""Holds generated text against the plan: what `build` is about to write, before it is written.

The text is read as it stands, with Python's own `ast`, and run on symbols: no torch, no `exec`, and
nothing shared with what wrote it. The plan is read operator by operator. Both give which modules
there are, with all their numbers, which run, in which order and on what, and what is overwritten
in place; the first difference is a Mismatch.
"""

from __future__ import annotations

from archc.conformance.check import check_source
from archc.conformance.problems import Mismatch

__all__ = ["Mismatch", "check_source"]

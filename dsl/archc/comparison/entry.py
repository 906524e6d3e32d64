"""A network that is compared: its name, and what is known of it, computed when asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archc.analysis.counts import Counts
from archc.analysis.fit import NetworkMemory
from archc.api import Analysis
from archc.net import Net

if TYPE_CHECKING:
    from archc.comparison.plot import Candidate


@dataclass(frozen=True)
class NetworkEntry:
    """`name` is what it was asked for as, with the params that are set; the analysis has no
    mistakes.
    """

    name: str
    file: str
    analysis: Analysis
    forward_ms: float | None = None  # measured on this machine, at batch 1

    @classmethod
    def of(cls, name: str, file: str, analysis: Analysis) -> NetworkEntry:
        """The entry of a network that was asked for by a name: `resnet width=16`."""
        return cls(" ".join([name, *analysis.params_set]), file, analysis)

    @property
    def counts(self) -> Counts:
        return self.analysis.table.counts

    @cached_property
    def memory(self) -> NetworkMemory:
        """In fp32, with SGD with momentum."""
        return self.analysis.memory()

    def meta(self, key: str) -> Any:
        return self.analysis.meta.get(key)

    def timed(self) -> NetworkEntry:
        """With its forward pass measured. Needs torch, and takes a while."""
        from archc.comparison.timing import forward_ms

        shapes = [shape.dims for _, shape in self.analysis.table.inputs]
        return replace(self, forward_ms=forward_ms(Net(self.analysis).module(), shapes))

    def candidate(self) -> Candidate:
        """What a plot wants to know."""
        from archc.comparison.plot import Candidate

        def text(key: str) -> str:
            return str(self.meta(key) or "")

        def number(key: str) -> float | None:
            value = self.meta(key)
            if isinstance(value, str) and re.fullmatch(r"\s*\d+(\.\d+)?\s*%?\s*", value):
                return float(value.strip(" %"))
            return value if isinstance(value, int | float) else None

        display = text("display")
        return Candidate(
            name=self.name,
            label=" ".join([display, *self.analysis.params_set]) if display else self.name,
            paper=text("paper"),
            authors=text("authors"),
            year=number("year"),
            dataset=text("dataset"),
            crops=number("crops"),
            error=number("top1_error"),
            macs=self.counts.macs,
            params=self.counts.params,
            forward_ms=self.forward_ms,
            family=text("family"),
        )

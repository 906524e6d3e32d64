"""Plan to PyTorch source: classes as dataclasses, laid out by Jinja templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archc.analysis.costs import Cost
from archc.elaborate.sections import Facts
from archc.emit.options import Options
from archc.plan import Plan


def emit(
    plan: Plan,
    facts: Facts,
    cost: Cost,
    again: Callable[..., Plan | None],
    templates: Path | None = None,
    options: Options | None = None,
) -> str:
    """The network's source: a class a block, a class for the network.

    `again` elaborates the network at other values of its params, so that what depends on them is
    written as their expression. `templates` is searched before archc's own. Raises
    `options.Unsuited` where the network has no use for an option.
    """
    from archc.emit.checked import checked_module
    from archc.emit.render import render

    module = checked_module(plan, facts, cost, again, options or Options())
    return module.text if templates is None else render(module, templates)

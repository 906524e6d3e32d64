"""The only door: a source to everything known about it.

    text -> parse -> link -> elaborate -> analysis -> what is shown

`Analysis` is frozen and holds it all; whatever shows something reads it, so no two views disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archc.analysis.allowed import unsilenced
from archc.analysis.costs import Cost, Costs
from archc.analysis.expectations import check_expectations
from archc.analysis.lint import lint
from archc.analysis.recipe import check_crop, check_recipe
from archc.analysis.shape_comments import check_shape_comments
from archc.api.analysis import Analysis, ArchError
from archc.api.loading import Elaborator, Kept, Loader, Reader, bundled, source_of
from archc.arguments import need_count, need_params
from archc.elaborate.carry import OwnBodies
from archc.elaborate.extend import extended, pointed
from archc.elaborate.link import constants, lets
from archc.elaborate.network import elaborate, is_network, link
from archc.elaborate.params import by_current_names
from archc.elaborate.sections import MEASURED, Facts, read_sections
from archc.elaborate.uncalled import check_blocks
from archc.elaborate.work import Cancelled
from archc.files import read
from archc.ops import Dims
from archc.project import Project
from archc.recursion import deep_recursion
from archc.source import Diagnostic, Diagnostics, Limits, Source
from archc.syntax.parser import parse

if TYPE_CHECKING:
    from archc.arguments import Param
    from archc.diffs import Diff

_PASTED = re.compile(
    r"^[ \t]*(?:class|def)[ \t]|[(\[][ \t]*$|Sequential\(|\b(?:torch|self)\."
    r"|\b(?:summary\(|input_)",
    re.MULTILINE,
)

__all__ = [
    "Analysis",
    "ArchError",
    "Cancelled",
    "Elaborator",
    "Kept",
    "Reader",
    "analyze",
    "bundled",
    "compared",
    "source_of",
]


@deep_recursion()
def analyze(
    source: Source,
    *,
    params: Mapping[str, Param] | None = None,
    limits: Limits | None = None,
    project: Path | Project | None = None,
    inputs: Mapping[str, Dims] | None = None,
    read: Reader = read,
    cancelled: Callable[[], bool] | None = None,
    kept: Kept | None = None,
) -> Analysis:
    """Everything about one source. Never raises for anything in the text.

    `params` sets the file's params; `project` is the folder that `use` must stay inside (default:
    the file's own), perhaps with libraries. `inputs` are shapes by the inputs' names, channels
    first and without the batch, that go before those in the file: {"x": (3, 512, 512)}; "" names
    the only input. `read` reads what the file uses, from an editor perhaps. `cancelled` is asked
    while it goes on: once it says so, Cancelled is raised. `kept` is what an analysis of the text
    before this one has left.
    """
    if not isinstance(source, Source):
        raise TypeError(
            "analyze takes a Source: archc.analyze(archc.Source('net.arch', text)); "
            "archc.load takes a path, archc.loads a text"
        )
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits are archc.Limits(steps=1000), for example; not {limits!r}")
    need_params(params or {})
    inputs = inputs or {}
    limits = limits or Limits()
    diagnostics = Diagnostics(limits.diagnostics)
    written, wrong = parse(source, limits)
    diagnostics.extend(wrong)
    where = Project.of(project or Path(source.name).parent)
    load = Loader(where, limits, diagnostics, read=read, kept=kept)
    file = extended(written, load, diagnostics)
    given = by_current_names(params or {}, file)
    library = link(file, load, diagnostics)
    plan, facts, cost = None, Facts(), Cost()
    is_edited, kept = kept is not None, kept or Kept()
    is_variant = file.variation is not None
    shared, costs = {} if is_variant else {**kept.bodies}, Costs(known=kept.costs)
    carrier = None if is_variant or not is_edited else kept.carrier()
    if is_network(file):
        plan = elaborate(
            file, library, given, diagnostics, limits, False, shared, inputs, cancelled, carrier
        )
        facts = read_sections(file, {**plan.params}, diagnostics)
        if given or inputs:  # what was so of the network as the file has it
            facts.forget(*MEASURED, *(("pretrained",) if given else ()))
        cost = costs.of_body(plan.body)
        if not diagnostics.failed:  # a statement that is wrong has lost its labels
            diagnostics.extend(check_recipe(facts, plan))
            if not inputs:  # who gives another size from outside may want no training
                diagnostics.extend(check_crop(facts, plan))
            if plan.body.devices is not None:
                from archc.transform.place import check_devices

                diagnostics.extend(check_devices(plan))
    else:
        before = len(diagnostics.items)
        library.constants |= constants(file, library, diagnostics)
        library.lets |= lets(file, library)
        if len(diagnostics.items) == before:
            check_blocks(file, library, diagnostics, limits)
    if not diagnostics.failed:
        told_elsewhere = any(d.span.source is not source for d in diagnostics.items)
        own = carrier.left() if carrier is not None and not diagnostics.items else OwnBodies()
        kept.keep({} if told_elsewhere or is_variant else shared, own, costs)  # they tell nothing
        diagnostics.extend(lint(file, library, plan, bool(facts.train), kept.remarks))
    if plan is not None and not diagnostics.failed and not given and not inputs:
        diagnostics.extend(check_shape_comments(plan))
        unmet = check_expectations(facts.expect, plan.body, cost)
        diagnostics.extend(unmet)
        if unmet:  # it is another network by now
            facts.forget(*MEASURED, "pretrained")
    again = Elaborator(file, load, limits, given, {**shared}, inputs)  # its own are not kept
    shown = tuple(pointed(unsilenced(diagnostics.ordered()), file))
    if open_brackets := [problem.span.start for problem in wrong if problem.code == "A003"]:
        # What its branches are is not known.
        shown = tuple(d for d in shown if d.code != "A207" or not _is_behind(d, open_brackets[0]))
    if diagnostics.failed and _PASTED.search(source.text):
        from archc.api.pasted_input import with_inputs
        from archc.syntax.pasted_classes import inside_classes

        def attempt(text: Source) -> Analysis:
            return analyze(text, limits=limits, project=project, read=read, cancelled=cancelled)

        shown = inside_classes(source, with_inputs(source, shown, attempt))
    return Analysis(source, written, plan, facts, cost, shown, again)


def _is_behind(problem: Diagnostic, place: int) -> bool:
    return any(label.span.start > place for label in problem.labels)


@deep_recursion()
def compared(left: Analysis, right: Analysis, batch: int = 32) -> Diff:
    """The same of two analyses that have a plan without mistakes."""
    from archc.diffs import Diff

    need_count("batch", batch)
    assert left.plan is not None
    assert right.plan is not None
    found = Diff.of(left.plan, right.plan, batch)
    _ = found.totals  # they need the room as well
    return found

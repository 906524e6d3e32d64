"""Lines of figures above a network and its blocks."""

from __future__ import annotations

from collections.abc import Iterator

from archc import syntax
from archc.analysis.costs import Cost, Costs
from archc.editor.card import CardSetting, fit_on
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.report.spelling.numbers import human
from archc.scopes import SymbolKind


@record
class FiguresLens:
    """What to show above the line of an offset, and the report that it opens, if any.

    `is_link` where it says nothing itself.
    """

    start: int
    text: str
    report: str = ""
    is_link: bool = False


_LINKS = (("diagram", "diagram"), ("summary", "summary"), ("build", "PyTorch"))


def lenses(
    snapshot: Snapshot, saved: Cost | None, card: CardSetting | None = None
) -> tuple[FiguresLens, ...]:
    """Return figures of the network and of each block; `saved` is what the saved text takes."""
    return (*_network(snapshot, saved, card), *_blocks(snapshot))


def _network(
    snapshot: Snapshot, saved: Cost | None, card: CardSetting | None
) -> Iterator[FiguresLens]:
    analysis = snapshot.analysis
    heads = (syntax.Network, syntax.Extends)  # a variant may have no name of its own
    items = (i for kind in heads for i in snapshot.file.items if isinstance(i, kind))
    network = next(items, None)
    if network is None or analysis.plan is None or not analysis.ok:
        return
    cost = analysis.cost
    parts = [f"{cost.params:,} parameters", f"{human(cost.macs)} MACs"]
    if saved is not None and not snapshot.saved:
        parts += _change(cost, saved)
    start = network.span.start
    yield FiguresLens(start, " · ".join(parts), "explain")
    fits = fit_on(card, snapshot) if card is not None else ""
    if fits:
        yield FiguresLens(start, fits, "fit")
    links = _LINKS if snapshot.saved else (*_LINKS, ("compare", "compare with the saved file"))
    for report, text in links:
        yield FiguresLens(start, text, report, is_link=True)


def _change(now: Cost, before: Cost) -> list[str]:
    """`+1.2 M parameters, -0.3 G MACs`: since the last save."""
    pairs = ((now.params - before.params, "parameters"), (now.macs - before.macs, "MACs"))
    told = [f"{'+' if n > 0 else '-'}{human(abs(n))} {what}" for n, what in pairs if n]
    return [f"{', '.join(told)} since the last save"] if told else []


def _blocks(snapshot: Snapshot) -> Iterator[FiguresLens]:
    called = {
        id(symbol.node): len(symbol.uses)
        for symbol in snapshot.scopes.symbols
        if symbol.kind is SymbolKind.BLOCK
    }
    costs = Costs()
    for item in snapshot.file.items:
        if not isinstance(item, syntax.Block):
            continue
        parts = [_count(called.get(id(item), 0), "call")]
        bodies = [] if snapshot.runs is None else list(snapshot.runs.bodies_of(item))
        if bodies:
            params = sorted({costs.of_body(body).params for body in bodies})
            range = f"{params[0]:,}" + (f" to {params[-1]:,}" if len(params) > 1 else "")
            parts += [_count(len(bodies), "form"), f"{range} parameters"]
        yield FiguresLens(item.span.start, " · ".join(parts))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"

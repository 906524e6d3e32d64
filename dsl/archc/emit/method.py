"""`forward`: its lines, its return type."""

from __future__ import annotations

from archc.emit.flow import Step, Wire, count_uses, pruned
from archc.emit.forward import Printer
from archc.emit.scribe import Scribe
from archc.emit.statements import wrapped

FEATURES = "features"  # the list that a layer of a dense block takes


def print_forward(
    scribe: Scribe, steps: list[Step], out: Wire, inputs: list[Wire]
) -> tuple[list[str], str]:
    """The lines of `forward` at indent 0, and what it returns."""
    printer = Printer(holds={wire.var or "x": wire for wire in inputs})
    lines, returns = _print(printer, scribe, steps, out, inputs)
    return [row for line in lines for row in wrapped(line, printer.margin)], returns


def _print(
    printer: Printer, scribe: Scribe, steps: list[Step], out: Wire, inputs: list[Wire]
) -> tuple[list[str], str]:
    marks = scribe.outputs if scribe.definition.block is None else []
    results = [wire for _, wire in marks] or [out]
    count_uses(steps)
    if not marks:
        out.uses += 1
    if scribe.takes_features:
        printer.spoken_for.append(frozenset((FEATURES,)))
        printer.lines.append(f"x: Tensor = torch.cat({FEATURES}, 1)")
    if len(results) > 1 or scribe.has_sides:
        printer.spoken_for.append(frozenset((_record(scribe),)))
    if "x" not in printer.holds:
        printer.untyped.add("x")
    if scribe.has_sides:
        printer.lines.append("side: list[Tensor] = []")
    printer.run(pruned(steps))
    if scribe.has_sides or len(results) > 1:
        return _several(scribe, printer, results)
    if out.bundle:
        result = printer.name(out)  # may add a line
        return [*printer.lines, f"return {result}"], "list[Tensor]"
    return _single(printer, results[0], inputs), "Tensor"


def _single(printer: Printer, result: Wire, inputs: list[Wire]) -> list[str]:
    """Return from a variable that is declared a Tensor: what a module gives is `Any` to mypy."""
    last = printer.pending.get(result)
    if last is not None and last.text.startswith(("torch.", "F.")) and not last.comment:
        return [*printer.lines, f"return {last.text}"]
    target = "x"
    if not printer.is_free("x") and printer.holds["x"] not in (result, *inputs):
        target = "result"
        printer.untyped.add(target)
    printer.settle_as(result, target)
    return [*printer.lines, f"return {target}"]


def _record(scribe: Scribe) -> str:
    """The class of several outputs."""
    return f"{scribe.definition.name}Output"


def _several(scribe: Scribe, printer: Printer, results: list[Wire]) -> tuple[list[str], str]:
    """Several outputs: a NamedTuple; auxiliary heads only while training."""
    record = _record(scribe)
    values = [printer.name(wire) for wire in results]
    if len(results) > 1:
        sides = ["*side"] if scribe.has_sides else []
        return [*printer.lines, f"return {record}({', '.join([*values, *sides])})"], record
    if values[0] != "x":
        printer.lines.append(f"x = {values[0]}")
    line = f"return {record}(x, *side) if self.training else x"
    return [*printer.lines, line], f"Tensor | {record}"

"""`forward`: its lines, its return type."""

from __future__ import annotations

import re

from archc.emit.class_writer import ClassWriter
from archc.emit.constructor import Assign, lines
from archc.emit.flow import Step, Test, Wire, count_uses, pruned, sink, texts
from archc.emit.forward import Printer
from archc.emit.joining import LAYER, join_items, join_parts, join_tests
from archc.emit.layout import Bracketed, CallArgument, Generator
from archc.emit.statements import wrapped

FEATURES = "features"  # the list that a layer of a dense block takes


def print_forward(
    writer: ClassWriter, steps: list[Step], out: Wire, inputs: list[Wire]
) -> tuple[list[str], str]:
    """The lines of `forward` at indent 0, and what it returns."""
    printer = Printer(holds={wire.var or "x": wire for wire in inputs})
    lines, returns = _print(printer, writer, steps, out)
    return [row for line in lines for row in wrapped(line, printer.margin)], returns


def _print(
    printer: Printer, writer: ClassWriter, steps: list[Step], out: Wire
) -> tuple[list[str], str]:
    is_network = writer.definition.block is None
    marks = [wire for _, wire in writer.outputs]
    results = marks if is_network and marks else [out, *marks]
    join_parts(steps)
    for test, gone in join_tests(steps, results):
        questions = writer.definition.questions
        questions |= {
            choice: test.test for choice, asked in questions.items() if asked == gone.test
        }
        _forget(writer, gone, steps)
    sink(steps, results)
    count_uses(steps)
    if len(results) > len(marks):
        out.uses += 1
    kept = pruned(steps)
    if join_items(kept, _lengths(writer)):
        printer.spoken_for.append(frozenset((LAYER,)))
    if len(results) == 1 and results[0].uses == 1:
        results[0].keep = False  # a name for what is returned at once says nothing
    if writer.takes_features:
        printer.spoken_for.append(frozenset((FEATURES,)))
        printer.lines.append(f"x = torch.cat({FEATURES}, 1)")
    if is_network and (len(results) > 1 or writer.has_sides):
        printer.spoken_for.append(frozenset((_record(writer),)))
    if writer.has_sides:
        printer.lines.append("side: list[Tensor] = []")
    printer.run(kept)
    if not is_network and len(results) > 1:
        values = [printer.name(wire) for wire in results]
        kinds = ["Tensor"] * len(values)
        return [*printer.lines, f"return {', '.join(values)}"], f"tuple[{', '.join(kinds)}]"
    if writer.has_sides or len(results) > 1:
        return _several(writer, printer, results)
    printer.give(results[0])
    return _returning(printer.lines), "list[Tensor]" if out.bundle else "Tensor"


def _lengths(writer: ClassWriter) -> dict[str, int]:
    """The lists of modules that the constructor makes, and how many each has."""
    found: dict[str, int] = {}
    for statement in writer.root.body:
        match statement:
            case Assign(code=Bracketed("nn.ModuleList", (CallArgument(Bracketed() as row),))):
                found[statement.target] = len(row.items)
            case Assign(code=Bracketed("nn.ModuleList", (CallArgument(Generator(loop=loop)),))):
                found[statement.target] = int(re.sub(r"\D", "", loop))
    return found


def _forget(writer: ClassWriter, test: Test, steps: list[Step]) -> None:
    """Take back what the constructor kept for an `if`, where nothing else asks for it."""
    for attribute in re.findall(r"self\.\w+", test.test):
        kept = [
            statement
            for statement in writer.root.body
            if not (isinstance(statement, Assign) and statement.target == attribute)
        ]
        asked = re.compile(rf"{re.escape(attribute)}\b")
        if not any(map(asked.search, (*texts(steps), *lines(kept)))):
            writer.root.body[:] = kept


def _returning(lines: list[str]) -> list[str]:
    """The lines of a function whose last `if` returns in each arm, not behind them."""
    name = lines[-1].removeprefix("return ")
    return _returned(lines[:-1], name) or lines


def _returned(lines: list[str], name: str) -> list[str]:
    """Lines that end in an `if` with an `else`, whose arms return what they call `name`; or []."""
    heads = [at for at, line in enumerate(lines) if not line.startswith(" ")]
    if not heads or lines[heads[-1]] != "else:":
        return []
    first = max(at for at in heads if lines[at].startswith("if "))
    heads = [at for at in heads if at >= first]
    found = lines[:first]
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        arm = [line[4:] for line in lines[at + 1 : end]]
        if arm[-1].startswith(f"{name} = "):
            arm[-1] = f"return {arm[-1].removeprefix(f'{name} = ')}"
        else:
            arm = _returned(arm, name)
        if not arm:
            return []
        if lines[at] == "else:":
            found += arm  # nothing else comes here
        else:
            found += [lines[at].removeprefix("el"), *(f"    {line}" for line in arm)]
    return found


def _record(writer: ClassWriter) -> str:
    """The class of several outputs."""
    return f"{writer.definition.name}Output"


def _several(writer: ClassWriter, printer: Printer, results: list[Wire]) -> tuple[list[str], str]:
    """Several outputs: a NamedTuple; auxiliary heads only while training."""
    record = _record(writer)
    values = [printer.name(wire) for wire in results]
    if len(results) > 1:
        sides = ["*side"] if writer.has_sides else []
        return [*printer.lines, f"return {record}({', '.join([*values, *sides])})"], record
    (value,) = values
    line = f"return {record}({value}, *side) if self.training else {value}"
    return [*printer.lines, line], f"Tensor | {record}"

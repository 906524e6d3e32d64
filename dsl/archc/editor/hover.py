"""What stands at a place, in Markdown: the tensor in and out, the sums with their numbers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from archc import syntax
from archc.analysis.costs import Cost, Costs
from archc.analysis.statement_runs import StatementRun
from archc.editor.shapes import format_common
from archc.editor.snapshot import Snapshot
from archc.explain.operator import becomes
from archc.ops import COMBINATORS, REGISTRY, Op
from archc.plan import Apply, Branches, Node
from archc.record import record
from archc.report.spelling.phrases import first_paragraph, group_equal
from archc.report.spelling.shapes import format_field
from archc.report.spelling.statements import source_text
from archc.scopes import Symbol, SymbolKind
from archc.source import Span
from archc.syntax.comments import comment_above

_MOST_SHAPES = 4


@record
class Explained:
    """Markdown, and the text that it is about."""

    start: int
    end: int
    markdown: str


def hover(snapshot: Snapshot, offset: int) -> Explained | None:
    """Return what to show at an offset, if there is anything."""
    found = snapshot.scopes.at(offset)
    statement = snapshot.statement_at(offset)
    about = list(_symbol(snapshot, found[0])) if found is not None else []
    is_label = found is not None and found[0].kind is SymbolKind.LABEL
    if is_label and found is not None and isinstance(found[0].node, syntax.Statement):
        statement = found[0].node
    elif found is not None and found[0].kind is not SymbolKind.BLOCK:
        return Explained(found[1].start, found[1].end, "\n\n".join(about))
    if statement is None:
        if found is None:
            return None
        return Explained(found[1].start, found[1].end, "\n\n".join(about))
    span = found[1] if found is not None else statement.term.span
    lines = [*_statement(snapshot, statement), *about, *_operator_page(statement)]
    return Explained(span.start, span.end, "\n\n".join(lines)) if lines else None


# --- statements --------------------------------------------------------------------------


def _statement(snapshot: Snapshot, statement: syntax.Statement) -> Iterator[str]:
    """The whole statement, in and out; of an operator, its arithmetic."""
    yield _code(source_text(statement.span))
    runs = snapshot.runs_of(statement)
    known = [run for run in runs if run.after.shape is not None and run.before.shape is not None]
    if not known:
        return
    yield _flow(known)
    inner = snapshot.runs.once(statement) if snapshot.runs is not None else []
    node = (inner or known)[0].node
    many = len({id(run.node) for run in inner})
    if isinstance(node, Apply | Branches):
        yield from _sums(node if isinstance(node, Apply) else node.merge)
    yield _costs([run.node for run in known], snapshot, statement)
    if many > 1:
        yield f"{many} instances" + ("; the sums are the first one's" if _differ(inner) else "")


def _flow(runs: list[StatementRun]) -> str:
    """`56x56 x64 → 28x28 x128`: the pairs of shapes that there are."""
    pairs = dict.fromkeys(
        (_plain(run, of_before=True), _plain(run, of_before=False)) for run in runs
    )
    shown = [f"`{a}` → `{b}`" for a, b in list(pairs)[:_MOST_SHAPES]]
    more = f", and {len(pairs) - _MOST_SHAPES} more" if len(pairs) > _MOST_SHAPES else ""
    return ", ".join(shown) + more


def _plain(run: StatementRun, *, of_before: bool) -> str:
    shape = run.before.shape if of_before else run.after.shape
    return format_common([shape]) if shape is not None else ""


def _differ(runs: list[StatementRun]) -> bool:
    return len({(_plain(run, of_before=True), _plain(run, of_before=False)) for run in runs}) > 1


def _sums(node: Apply) -> Iterator[str]:
    """A line for each dimension, with the numbers; MACs; the torch code."""
    op, xs = node.op, node.shapes
    if len(xs) < len(node.inputs) or node.output.shape is None:
        return
    sizes = group_equal((n, text) for n, _, text in (s.partition(": ") for s in op.arithmetic(*xs)))
    lines = [f"{name}: {text}" for name, text in sizes]
    channels = op.channel_arithmetic(*xs)
    if channels:
        lines.append(f"{'channels' if node.output.shape.rank else 'features'}: {channels}")
    weights = op.weights(*xs)
    if weights and not node.again:
        products = " + ".join("*".join(map(str, dims)) or "1" for dims in weights.values())
        lines.append(f"parameters: {products}")
    macs = op.mac_arithmetic(*xs)
    if macs:
        lines.append(f"MACs: {macs}")
    lines += op.remarks(*xs)
    if lines:
        yield "\n".join(f"- {_without_emphasis(line)}" for line in lines)
    torch = becomes(op, xs, inplace=False)
    if torch:
        yield _code(torch, "python")


def _without_emphasis(line: str) -> str:
    """`MACs: 32*32`, with the sum as code: stars would make what is between them italic."""
    name, colon, text = line.rpartition(": ")
    return f"{name}{colon}{_inline(text)}" if "*" in text else line


def _costs(nodes: list[Node], snapshot: Snapshot, statement: syntax.Statement) -> str:
    """Parameters and MACs of all that the statement makes, and what its output sees."""
    costs, total = Costs(), Cost()
    for node in nodes:
        total += costs.of_node(node)
    parts = [f"{total.params:,} parameters"]
    parts += [f"{total.macs:,} MACs"] if total.macs else []
    spans = (statement.span, statement.term.span)
    fields = (snapshot.fields.get((s.source.name, s.start, s.end)) for s in spans)
    field = next((f for f in fields if f), None)
    parts += [f"sees {format_field(field)} of the input"] if field else []
    return " · ".join(parts)


# --- names -------------------------------------------------------------------------------


def _symbol(snapshot: Snapshot, symbol: Symbol) -> Iterator[str]:
    """What a name is, and the comment that its author gave it."""
    node = symbol.node
    match node:
        case syntax.Block():
            formals = ", ".join(formal.text for formal in node.formals)
            yield _code(f"{'sequence' if node.places else 'block'} {node.name.id}({formals})")
            yield from filter(None, [node.doc])
            yield from _instances(snapshot, node)
        case syntax.Param():
            yield _code(_line(node.span))
            value = (
                snapshot.analysis.plan.params.get(symbol.name) if snapshot.analysis.plan else None
            )
            yield from filter(None, [f"is {value}" if isinstance(value, int | float) else ""])
            yield from filter(None, [_comment(node.span)])
        case syntax.Formal():
            yield f"parameter {_inline(node.text)}"
            yield from filter(None, [_comment(node.span)])
        case syntax.Statement(term=syntax.Let()):
            yield _code(_line(node.span))
        case _:
            if symbol.kind is not SymbolKind.LABEL:
                yield f"{symbol.kind.value} {_inline(symbol.name)}"


def _instances(snapshot: Snapshot, block: syntax.Block) -> Iterator[str]:
    """How often a block is made, and what that takes."""
    bodies = [] if snapshot.runs is None else list(snapshot.runs.bodies_of(block))
    if not bodies:
        return
    costs = Costs()
    params = [costs.of_body(body).params for body in bodies]
    span = f"{min(params):,}" if len(set(params)) == 1 else f"{min(params):,} to {max(params):,}"
    forms = f"{len(bodies)} form{'s' * (len(bodies) > 1)}"
    yield f"{forms} in this network · {span} parameters"


def _operator_page(statement: syntax.Statement) -> Iterator[str]:
    """What the operator does: how its page begins."""
    term = statement.term
    if not isinstance(term, syntax.Operation):
        return
    cls: type[Op] | None = REGISTRY.get(term.name.id)
    if cls is not None:
        yield first_paragraph(inspect.getdoc(cls))
    elif term.name.id in COMBINATORS:
        merge = REGISTRY.get(COMBINATORS[term.name.id].merge)
        if merge is not None:
            yield first_paragraph(inspect.getdoc(merge))


def _comment(span: Span) -> str:
    """The comment behind a line, or right above it."""
    behind = span.source.line(span.line)[span.column - 1 :].partition("#")[2].strip()
    return behind or comment_above(span.source.text, span.start)


def _line(span: Span) -> str:
    return " ".join(span.text.split())


def _code(text: str, language: str = "arch") -> str:
    return f"```{language}\n{text.replace('```', '` ` `')}\n```"


def _inline(text: str) -> str:
    return f"`{text}`"

"""Comments that say a shape, `# 28x28 x256`, held against the network.

One behind a statement is about what the statement makes; one behind the `{` of a group, about what
the group makes. Where that is run several times, it is right if it is right once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from archc import syntax
from archc.elaborate.names import inner_sequences
from archc.ops import Dims, Shape
from archc.plan import Body, Chain, Plan, bodies, children
from archc.record import record
from archc.source import Diagnostic, Fix, Severity, Source, Span, SpanLabel

_COMMENT = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"?|#[^\n]*')
_WRONG = "W108"
_N = r"\d{1,9}"
_SHAPE = re.compile(
    rf"#[ \t]*((?P<map>{_N}(?:x{_N})*)[ \t]+x(?P<depth>{_N})"
    rf"|(?P<size>{_N}(?:x{_N})+)|x(?P<width>{_N}))(?=[ \t\r]*(?:,|$))"
)
_ANY = re.compile(rf"#[ \t]*(?:{_N}|x{_N})")


@record
class ShapeComment:
    """A shape in a comment, and the shapes of the statement before it, in all its runs."""

    span: Span
    size: Dims
    channels: int | None
    code: str  # of its line
    shapes: tuple[Shape, ...]

    @property
    def is_right(self) -> bool:
        return any(self._fits(shape) for shape in self.shapes)

    @property
    def is_whole(self) -> bool:
        """Whether it has size and channels: it can be nothing but a shape."""
        return bool(self.size) and self.channels is not None

    @property
    def is_in_code(self) -> bool:
        """Whether its numbers stand in its line: it may be about a window, or a width."""
        return set(re.findall(r"\d+", self.span.text)) <= set(re.findall(r"\d+", self.code))

    @property
    def corrections(self) -> list[str]:
        """Return what it may say instead, of size and channels what it says now."""
        return list(dict.fromkeys(map(self._corrected, self.shapes)))

    def _corrected(self, shape: Shape) -> str:
        if self.channels is None and shape.size:
            return "x".join(map(str, shape.size))
        return f"x{shape.channels}" if not self.size else str(shape)

    def _fits(self, shape: Shape) -> bool:
        if self.channels is None:
            return self.size in (shape.size, (*shape.size, shape.channels), shape.dims)
        return self.channels == shape.channels and self.size in (shape.size, ())


@record
class LineShapes:
    """What the statements make that a line may end in, by where their code ends.

    `news` are the ends of those in the network itself that make another shape than the line before.
    """

    at: dict[int, tuple[Shape, ...]]
    news: frozenset[int]


def check_shape_comments(plan: Plan) -> Iterator[Diagnostic]:
    """A warning for each comment that says another shape than its statement has."""
    if _ANY.search(plan.file.span.source.text):
        comments = shape_comments(plan.file.span.source, line_shapes(plan))
        yield from map(_warning, wrong_ones(comments))


def wrong_ones(comments: list[ShapeComment]) -> list[ShapeComment]:
    """Return those that are surely meant as shapes, and say another one.

    A size alone, or channels alone, may be about something else. It is taken for a shape where
    another comment of the file says a shape that is right, and its numbers are not in its line.
    """
    trusted = any(comment.is_right for comment in comments)
    return [
        comment
        for comment in comments
        if not comment.is_right and (comment.is_whole or (trusted and not comment.is_in_code))
    ]


def shape_comments(source: Source, shapes: LineShapes) -> list[ShapeComment]:
    """Return the comments behind statements that look like shapes."""
    text = source.text
    found = []
    for comment in _COMMENT.finditer(text):
        match = _SHAPE.match(comment.group())
        if match is None:
            continue
        line = text.rfind("\n", 0, comment.start()) + 1
        code = text[line : comment.start()].rstrip(" \t;")
        known = shapes.at.get(line + len(code))
        if known:
            start, end = (comment.start() + at for at in match.span(1))
            size = match["map"] or match["size"] or ""
            channels = match["depth"] or match["width"]
            dims = tuple(map(int, size.split("x"))) if size else ()
            span = Span(source, start, end)
            found.append(ShapeComment(span, dims, int(channels) if channels else None, code, known))
    return found


def line_shapes(plan: Plan) -> LineShapes:
    """Return the shapes that comments can be about, in the file of the network."""
    ends, starts = _written(plan.file)
    shapes: dict[int, list[Shape]] = {}
    news: set[int] = set()
    for body in bodies(plan):
        if _source(body, plan) is plan.file.span.source:
            for chain in _chains(body.chain):
                made = _made(chain, starts, plan.file.span.source)
                for end, shape in made.items():
                    shapes.setdefault(end, []).append(shape)
                if body is plan.body:
                    news.update(_changes(chain, made, plan.file.span.source))
    at = {end: tuple(dict.fromkeys(found)) for end, found in shapes.items()}
    heads = {head: at[end] for head, end in ends.items() if end in at}
    return LineShapes(heads | at, frozenset(news))


def _written(file: syntax.File) -> tuple[dict[int, int], dict[int, int]]:
    """Return the ends of statements: by where the `{` of a group ends, by where each begins."""
    heads: dict[int, int] = {}
    starts: dict[int, int] = {}
    statements = tuple(item for item in file.items if isinstance(item, syntax.Statement))
    sequences = [syntax.Sequence(statements, file.span)]
    sequences += [item.body for item in file.items if isinstance(item, syntax.Block)]
    while sequences:
        for statement in sequences.pop().statements:
            if statement.span.source is not file.span.source:  # of a file that it extends
                continue
            term, end = statement.term, statement.span.end
            for start in (statement.span.start, term.span.start):
                starts.setdefault(start, end)
            if isinstance(term, syntax.Group):
                heads[term.span.start + 1] = end
            sequences += inner_sequences(term)
    return heads, starts


def _source(body: Body, plan: Plan) -> Source:
    tree = body.block.tree if body.block is not None else plan.file
    return tree.span.source


def _chains(chain: Chain) -> Iterator[Chain]:
    """A chain and all inside of it, calls not opened."""
    yield chain
    for node in chain.nodes:
        for inner in children(node):
            yield from _chains(inner)


def _made(chain: Chain, starts: dict[int, int], source: Source) -> dict[int, Shape]:
    """Return what each statement of a chain makes, by its end."""
    made = {}
    for node in chain.nodes:
        end = starts.get(node.span.start) if node.span.source is source else None
        if end is not None and node.output.shape is not None and not node.output.shape.columns:
            (made[end],) = node.output.columns
    return made


def _changes(chain: Chain, made: dict[int, Shape], source: Source) -> Iterator[int]:
    """The statements that end a line with another shape than the line before."""
    before = chain.input.columns[0] if chain.input.shape is not None else None
    ends = list(made)
    for end, following in zip(ends, (*ends[1:], None), strict=False):
        ends_line = following is None or source.position(following)[0] > source.position(end)[0]
        if ends_line:
            if made[end] != before:
                yield end
            before = made[end]


def told_once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Of the wrong comments of a file only the first, which says how many more there are.

    One change of a width makes all of them wrong; what is asked for is not their list.
    """
    found = list(diagnostics)
    files = Counter(d.span.source.name for d in found if d.code == _WRONG)
    told: list[Diagnostic] = []
    for diagnostic in found:
        more = files[diagnostic.span.source.name] - 1
        if diagnostic.code != _WRONG or not more:
            told.append(diagnostic)
        elif more > 0:
            others = f"{more} comments more are" if more > 1 else "another comment is"
            cure = f"{others} not right any more: `archc fmt --shapes` corrects all of them"
            told.append(replace(diagnostic, helps=(cure,), fixes=()))
            files[diagnostic.span.source.name] = 0
    return told


def _warning(comment: ShapeComment) -> Diagnostic:
    correct = comment.corrections
    listed = ", ".join(correct[:3]) + ", ..." * (len(correct) > 3)
    title = f"the comment says {comment.span.text}, but the shape here is {listed}"
    cure = "correct the comment, as `archc fmt --shapes` does, or the statement"
    fixes = (Fix(f"write {listed}", comment.span, listed),) if len(correct) == 1 else ()
    labels = (SpanLabel(comment.span),)
    return Diagnostic(_WRONG, title, labels, (), (cure,), fixes, Severity.WARNING)

"""Shapes in comments behind statements, written and corrected: `archc fmt --shapes`."""

from __future__ import annotations

from archc.analysis.shape_comments import LineShapes, line_shapes, shape_comments, wrong_ones
from archc.plan import Plan
from archc.source import Edit, Source, Span, edited


def with_shapes(plan: Plan) -> str:
    """Return the text of a network with its shapes in comments.

    A line gets one where it makes another shape than the line before, the same in all its runs, and
    has no comment. What is in blocks gets none, since it depends on the call. Lay it out then.
    """
    source = plan.file.span.source
    shapes = line_shapes(plan)
    wrong = wrong_ones(shape_comments(source, shapes))
    edits = [Edit(each.span, each.corrections[0]) for each in wrong if len(each.corrections) == 1]
    return edited(source.text, [*edits, *_missing(source, shapes)])


def _missing(source: Source, shapes: LineShapes) -> list[Edit]:
    found = []
    for end in shapes.news:
        line, column = source.position(end)
        code = source.line(line).rstrip()
        is_end = not code[column - 1 :].strip(" \t;") and not code.lstrip().startswith("}")
        shape = str(shapes.at[end][0])
        if is_end and len(shapes.at[end]) == 1 and shape not in code:  # `input 224x224 x3`
            place = source.line_starts[line - 1] + len(code)
            found.append(Edit(Span(source, place, place), f" # {shape}"))
    return found

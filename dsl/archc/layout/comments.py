"""The columns of comments behind code.

Comments that stand in one column stay in it, as long as the code of their lines leaves room; else
they move, all of them, behind the longest. One that stands three blanks behind its code stays right
behind it. Where the comments of a paragraph are in no order, they are put into one column.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from archc.layout.lines import TextLine

_GAP = 3  # blanks before a comment
_LEAST = 2  # that an author may have chosen
_LONG = 80  # columns of code; the comment of a longer line moves no others
_FAR = 3  # lines without a comment between two that have to do with one another


def align(lines: list[TextLine]) -> None:
    """Set the blanks before each comment that stands behind code."""
    for paragraph in _paragraphs(lines):
        commented = [line for line in paragraph if line.comment and line.code]
        columns = _columns(commented)
        for line in commented:
            line.gap = columns[line] - line.width
        _align_continued(paragraph, columns)


def _paragraphs(lines: list[TextLine]) -> Iterator[list[TextLine]]:
    """Runs of lines without a blank one, one that stays as it is, or many that have no comment."""
    run: list[TextLine] = []
    bare = 0
    for line in lines:
        bare = 0 if line.comment else bare + 1
        if line.is_blank or line.is_kept or bare > _FAR:
            yield run
            run = []
        else:
            run.append(line)
    yield run


def _columns(lines: list[TextLine]) -> dict[TextLine, int]:
    """Return the column of each comment of a paragraph."""
    groups: dict[int, list[TextLine]] = defaultdict(list)
    for line in lines:
        groups[line.comment_column].append(line)
    lone = [line for (line, *others) in groups.values() if not others]
    loose = [line for line in lone if _given(line) != _GAP]
    crowded = any(_given(line) < _LEAST for line in lines)
    if len(lines) > 1 and (len(loose) > 1 or crowded):
        return _one_column(lines)
    columns: dict[TextLine, int] = {}
    for column, group in groups.items():
        columns |= dict.fromkeys(group, _fitting(group, column))
    close = [line for line in lone if _given(line) == _GAP or _given(line) < _LEAST]
    return columns | {line: line.width + _GAP for line in close}


def _given(line: TextLine) -> int:
    """The blanks that the author has put before the comment."""
    last = line.pieces[-1]
    return line.comment_column - (last.column + len(last.text))


def _one_column(lines: list[TextLine]) -> dict[TextLine, int]:
    """The column that most have, if it fits. A long line has its comment right behind it."""
    short = [line for line in lines if line.width <= _LONG]
    counts = Counter(line.comment_column for line in short)
    favourite = min(counts, key=lambda column: (-counts[column], column), default=0)
    shared = _fitting(short, favourite if counts[favourite] > 1 else 0)
    return {line: line.width + _GAP for line in lines} | dict.fromkeys(short, shared)


def _fitting(lines: list[TextLine], column: int) -> int:
    """The column, if it leaves room for the code of these lines, else the next that does."""
    widest = max((line.width for line in lines), default=0)
    return column if column >= widest + _LEAST else widest + _GAP


def _align_continued(paragraph: list[TextLine], columns: dict[TextLine, int]) -> None:
    """Comments on lines of their own that go on with the one above, in its column."""
    above: TextLine | None = None
    for line in paragraph:
        if line.code or not line.comment:
            above = line if line.comment else None
        elif above is not None and line.comment_column == above.comment_column:
            line.gap = columns[above]
        else:
            above = None

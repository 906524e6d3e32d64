"""Where lines begin: two columns for each line with an open bracket around.

    concat<                    residual< conv 3x3 p1 x64; bn
      branch1: relu                     | conv 1x1 x64 >
    | branch2: {
        conv 3x3 p1 x64
      }
    >

Where something follows a `<`, `(` or `[` in its line, what is inside lines up with it, as on the
right.
"""

from __future__ import annotations

from archc.layout.lines import Piece, TextLine
from archc.record import record
from archc.syntax.recovery import OPENERS

_STEP = 2
_HANGING = frozenset(OPENERS) - {"LBRACE"}
_SCOPES = frozenset({"LBRACE", "LANGLE"})


@record
class Level:
    """An open bracket: what its line hangs on, and where lines begin that are inside of it."""

    base: int
    content: int
    bar: int  # a line that begins with `|`
    close: int  # one that begins with the closing bracket


_OUTSIDE = Level(0, 0, 0, 0)


def indent(lines: list[TextLine]) -> None:
    """Set the indent of each line, also of comments that have one of their own."""
    levels: dict[Piece | None, Level] = {None: _OUTSIDE}
    comments: list[TextLine] = []
    for line in lines:
        first = line.first
        if first is None:
            comments += [line] if line.comment else []
            continue
        level = levels[first.opener or first.inside]
        for comment in comments:
            comment.gap = level.content
        comments.clear()
        line.indent = first.column if line.is_kept else _start(first, level, levels)
        _open(line, first, level, levels)
    for comment in comments:
        comment.gap = 0


def _start(first: Piece, level: Level, levels: dict[Piece | None, Level]) -> int:
    """Return where a line begins whose first token this is."""
    if first.opener is not None:
        return level.close
    if first.kind == "PIPE":
        return level.bar
    if first.kind == "ELSE" and first.before is not None and first.before.kind == "RBRACE":
        return levels[first.before.opener].base
    return level.content + _STEP * _continues(first)


def _continues(first: Piece) -> bool:
    """Whether the line goes on with a statement that no bracket holds together."""
    in_round = first.inside is not None and first.inside.kind not in _SCOPES
    return not first.is_new and not in_round and first.kind != "LANGLE"


def _open(line: TextLine, first: Piece, level: Level, levels: dict[Piece | None, Level]) -> None:
    """Note the levels of all brackets that open in a line."""
    base = level.content if first.kind == "PIPE" or _continues(first) else line.indent
    column = line.indent
    here: set[Piece] = set()
    for at, piece in enumerate(line.pieces):
        column = piece.column if line.is_kept else column + len(piece.gap)
        if piece.opener is not None and piece.opener not in here:
            base = levels[piece.opener].base
        elif piece.kind in OPENERS:
            here.add(piece)
            levels[piece] = Level(base, base + _STEP, base, base)
            if piece.kind in _HANGING and at + 1 < len(line.pieces):
                inner = line.pieces[at + 1]
                content = inner.column if line.is_kept else column + len(piece.text + inner.gap)
                close = column if piece.kind == "LANGLE" else base
                levels[piece] = Level(base, content, column, close)
        column += len(piece.text)

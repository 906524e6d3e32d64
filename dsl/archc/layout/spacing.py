"""Blanks between the tokens of a line."""

from __future__ import annotations

import re

from archc.layout.lines import WITH_BLANKS, Piece, TextLine

_ROUND = frozenset({"LPAR", "CALL_OPEN", "LSQB", "INDEX_OPEN", "PATH_OPEN"})
_NONE_BEFORE = frozenset(
    "_COMMA SEMICOLON _COLON RPAR RSQB DOTDOT MEMBER FACT PIECE PATH_PIECE PATH_END"
    " CALL_OPEN INDEX_OPEN CROSS".split()
)
_NONE_BEHIND = (
    frozenset("AT KEY MINUS SLASH DOTDOT CROSS SIZE_OPEN GEOMETRY_OPEN PATH_PIECE".split()) | _ROUND
)
_ONE_BEHIND = frozenset("_COMMA SEMICOLON _COLON".split())
_ONE_AROUND = frozenset(
    "NETWORK USE EXTENDS WITHOUT PARAM BLOCK SECTION OUTPUT INPUT LET EACH REUSE IF CONDITION ELSE"
    " FOR IN AND OR NOT AS LBRACE RBRACE LANGLE RANGLE PIPE STAR REL STRING _EQUAL".split()
)
_OPERATORS = frozenset("ADDOP MULOP POW".split())
_OPERANDS = frozenset(
    "NAME INT FLOAT STRING RPAR RSQB RBRACE INCOMING FACT MEMBER PIECE PATH_END WORD SIZE".split()
)
_BLANKS = re.compile(r"[ \t]+")


def space(lines: list[TextLine]) -> None:
    """Set the blanks before each token that is not the first of its line."""
    for line in lines:
        if line.is_kept:
            continue
        for piece in line.pieces:
            if piece.kind in WITH_BLANKS:
                piece.text = _BLANKS.sub("", piece.text)
        for at in range(1, len(line.pieces)):
            line.pieces[at].gap = _gap(line.pieces, at)


def _gap(pieces: list[Piece], at: int) -> str:
    left, right = pieces[at - 1], pieces[at]
    if not left.text or not right.text:
        return ""
    if left.kind == "LBRACE" and right.kind == "RBRACE":
        return ""
    if left.kind in _NONE_BEHIND or right.kind in _NONE_BEFORE or _closes_round(right):
        return ""
    if left.kind in _ONE_BEHIND:
        return " "
    if _is_operator(left) or _is_operator(right):
        return _beside_operator(pieces, at)
    if left.kind in _OPERATORS:  # a sign
        return ""
    if "_EQUAL" in (left.kind, right.kind) and right.inside is not None:
        return "" if right.inside.kind in _ROUND else " "  # `stride=1` of a block, `let width = 1`
    if right.kind == "LANGLE" and left.kind == "NAME":
        return ""  # `concat< a | b >`
    if right.kind == "LPAR" and left.before is not None and left.before.kind == "BLOCK":
        return ""  # `block unit(width)`
    if right.kind in _ONE_AROUND or (left.kind in _ONE_AROUND and not _closes_round(left)):
        return " "
    return " " if right.is_spaced else ""  # `3x3/2` and `3x3 /2`, `fc (n)`


def _closes_round(piece: Piece) -> bool:
    """Whether it is a closing bracket other than that of `{ ... }` and `< ... >`."""
    return piece.opener is not None and piece.opener.kind in _ROUND


def _is_operator(piece: Piece) -> bool:
    """Whether it stands between two values: no sign."""
    if piece.kind not in _OPERATORS:
        return False
    return piece.before is not None and piece.before.kind in _OPERANDS


def _beside_operator(pieces: list[Piece], at: int) -> str:
    """`4*width` and `4 * width` are both good; `4* width` is neither."""
    place = at - 1 if _is_operator(pieces[at - 1]) else at
    spaced = {p.is_spaced for p in pieces[place : place + 2] if p is not pieces[0]}
    is_inner = 0 < place < len(pieces) - 1
    return "" if is_inner and spaced == {False} else " "

"""One run of the parser over a text, and how it goes on after a mistake.

Every mistake is met where the parser stands, with its stack at hand, so that one pass over
the text finds them all:

- a bracket that was never closed is closed, one that closes nothing is skipped;
- else the rest of the bad statement is skipped; and if what was read of it cannot stand
  alone, it is taken off the stack and the token ERR, which the grammar accepts in place of a
  statement, is put there instead.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from lark.exceptions import UnexpectedInput

from archc import syntax
from archc.source import Damage, Diagnostic, Diagnostics, Limits, Source, Span, SpanLabel
from archc.syntax import File, expected
from archc.syntax.automaton import Automaton, Token

OPENERS = {
    "LPAR": "RPAR",
    "CALL_OPEN": "RPAR",
    "LSQB": "RSQB",
    "LBRACE": "RBRACE",
    "INDEX_OPEN": "RBRACE",
    "PATH_OPEN": "RBRACE",
    "LANGLE": "RANGLE",
}
CLOSERS = {")": "RPAR", "]": "RSQB", "}": "RBRACE", ">": "RANGLE"}

_CLOSING = frozenset(CLOSERS.values())
_ENDS = {*CLOSERS, ""}
_ROUND = frozenset({"LPAR", "CALL_OPEN", "LSQB"})
_WITHIN_LINE = _ROUND | {"INDEX_OPEN", "PATH_OPEN"}  # closed on the line that they are opened on
_OVER_LINES = {"LBRACE": "RBRACE", "LANGLE": "RANGLE"}
_OPERATORS = frozenset({"ADDOP", "MULOP", "POW", "REL", "AND", "OR", "NOT", "ELSE"})
_FRESH = frozenset({"_SEP", "_COMMA", "PIPE"})  # what comes after is beside, not inside
_WEIGHED = frozenset(OPENERS) | _CLOSING | _OPERATORS | _FRESH

_BLANK = re.compile(r"(?:[\s\ufeff]|#[^\n]*)*")
_MARGIN = re.compile(r"[ \t]*(?:\|[ \t]*)?")
_LANDMARK = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*|[\n;{}|<>()\[\]]')
_LANDMARKS = {"\n": "_SEP", ";": "_SEP", "{": "LBRACE", "|": "PIPE", "<": "LANGLE", **CLOSERS}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CALL = re.compile(r"[ \t]*[A-Za-z_][A-Za-z0-9_]*\(")
_NO_LABEL = r"(?![ \t]*:)"
_ITEM = re.compile(rf"(?:{'|'.join(sorted(syntax.ITEM_WORDS))})\b{_NO_LABEL}")
_HEADER = re.compile(
    rf"(?:if|for|param|block|sequence|network|use|def)\b{_NO_LABEL}", re.I
)  # there `<` compares
_ITEMS = frozenset("NETWORK USE EXTENDS WITHOUT PARAM BLOCK SECTION".split())
_LINE_ENDS = frozenset("LBRACE RBRACE LANGLE RANGLE PIPE _SEP".split())  # of a statement, rightly
_HEADERS = frozenset(("BLOCK", "FOR", "IF"))  # before what stands in braces
_FAR = 2_000  # characters to look for the end of a bracket over several lines


@dataclass(slots=True)
class Nesting:
    """How deep the tree can be where the parser stands: open brackets, and the operators of the
    expressions around, since `1+1+1` makes a deeper tree than `1`."""

    levels: list[int]
    depth: int = 0

    def take(self, kind: str) -> None:
        if kind in _OPERATORS:
            self.levels[-1] += 1
            self.depth += 1
        elif kind in _FRESH:
            self.depth -= self.levels[-1]
            self.levels[-1] = 0
        if kind in OPENERS:
            self.levels.append(0)
            self.depth += 1
        elif kind in _CLOSING and len(self.levels) > 1:
            self.depth -= self.levels.pop() + 1
        if kind == "RSQB":  # `a[0][0]`: one in the other, though the brackets are side by side
            self.levels[-1] += 1
            self.depth += 1

    def cut(self, brackets: int) -> None:
        """Back to that many open brackets."""
        while len(self.levels) > brackets + 1:
            self.depth -= self.levels.pop() + 1


class _TooDeep(Exception):
    pass


def _start(value: Any) -> int:
    """Where a value on the stack begins."""
    if type(value) is Token:
        return value.start_pos
    span = getattr(value, "span", None)
    return 0 if span is None else int(span.start)


class RecoveringParser:
    """The parser at work on one text. `ends`: where the text ends, the file does."""

    ends = True

    def __init__(
        self, builder: object, source: Source, limits: Limits, problems: Diagnostics
    ) -> None:
        self.source = source
        self.text = source.text
        self.limits = limits
        self.problems = problems
        self.machine = Automaton(builder, self.text)
        self.nesting = Nesting([0])
        self.end = 0  # of the last token taken
        self.patience = 10 * limits.diagnostics  # recoveries, the silent ones too
        self.resumed = -1  # where the parser went on after the last mistake
        self.damage = Damage()
        self.lost: list[Span] = []  # insides whose header is half written: no items
        self.commas: set[int] = (
            set()
        )  # those that were told of; statements and brackets that have some
        self.arrows: set[int] = set()  # lines that were told of theirs
        self.tokens: list[Token] = []  # all that were taken, and what closes a bracket unwritten

    # --- going through the text

    def parse(self) -> File:
        self._read_all()
        file: File = self.machine.values[-1]
        items = file.items
        for lost in self.lost:
            items = tuple(i for i in items if not lost.start < i.span.start < lost.end)
        return replace(file, items=items, damage=self.damage)

    def _read_all(self) -> None:
        while True:
            try:
                self._go_on()
                break
            except UnexpectedInput as mistake:
                self._recover(self._skip_blank(mistake.pos_in_stream or 0))
            except _TooDeep:
                self._give_up()
                break
            self.patience -= 1
            if self.patience < 0 or self.problems.full:
                self._give_up()
                break

    def _go_on(self) -> None:
        machine, nesting = self.machine, self.nesting
        for token in machine.tokens():
            if token.type == "$END" and not self.ends:
                return
            machine.feed(token)
            self.tokens.append(token)
            self.end = token.end_pos
            if token.type in _WEIGHED:
                nesting.take(token.type)
                if nesting.depth > self.limits.nesting:
                    self._report_depth(token)
                    raise _TooDeep

    def _report_depth(self, token: Token) -> None:
        start = self._skip_blank(token.start_pos)
        title = f"this is nested too deep: the limit is {self.limits.nesting} levels"
        help = "give parts of it a `block` of their own"
        label = SpanLabel(Span(self.source, start, token.end_pos))
        self.problems.add(Diagnostic("A007", title, (label,), helps=(help,)))

    def _give_up(self) -> None:
        """Ends with the items that were complete."""
        self._cut_to("$END")
        self._insert("$END")

    # --- after a mistake. What knows mistakes is imported here, for them alone.

    def _recover(self, position: int) -> None:
        from archc.syntax import mistakes, punctuation

        if self._read_bare_test(position):
            return
        if position > self.resumed and punctuation.is_arrow(self.text, position):
            self._read_arrow(position)
            return
        broken_off = self._broken_off(position)
        if broken_off is not None:
            self._end_at(broken_off)
        elif self.text[position : position + 1] in _ENDS:
            self._recover_at_closing(position)
        elif _ITEM.match(self.text, position) and self._left_open(position):
            self._close_all(self._open_brackets(), position)
            self._resume(position, "_SEP")
        elif position <= self.resumed:  # the same mistake still: say no more, step over it
            self._resume(max(position, self.resumed) + 1)
        elif mistakes.is_comma(self._context(position)):
            self._read_comma(position)
        else:
            self._report(position)
            self._skip_statement(position)

    def _broken_off(self, position: int) -> int | None:
        """Where a statement breaks off, as while it is typed: the end of a line before a mistake.

        `fc7:` and `param width =` take what is on the next line, as `unit(64,` does; where that
        is not further right it is a statement of its own.
        """
        start = self._statement_start(position)
        end = self.text.find("\n", start, position)
        before = self._last_token(end) if end > self.resumed else None  # once for each line
        if before is None or before.start_pos < start or before.type in _LINE_ENDS:
            return None
        is_header = bool(_HEADERS.intersection(self._pending_kinds()[:1]))
        if not is_header and self._indent(self._skip_blank(end)) > self._indent(start):
            return None
        opened = [t for t in self._open_brackets() if start <= t.start_pos]
        within_line = all(t.type in _WITHIN_LINE for t in opened)
        return end if within_line and not self._goes_over(start, end) else None

    def _goes_over(self, start: int, end: int) -> bool:
        """Whether braces or branches go on over a line's end, or end what was begun before."""
        depth = at_end = 0
        for token in self.tokens:
            if token.start_pos >= start:
                depth += (token.type in _OVER_LINES) - (token.type in _OVER_LINES.values())
                at_end = depth if token.start_pos < end else at_end
                if depth < 0:
                    return True
        return at_end > 0

    def _last_token(self, end: int) -> Token | None:
        """The last one before a place."""
        return next((t for t in reversed(self.tokens) if t.end_pos <= end and t.value), None)

    def _end_at(self, end: int) -> None:
        """Report a statement that breaks off at a line's end, and go on with the line below."""
        values = self.machine.values
        height = next(
            n for n in range(len(values), -1, -1) if n == 0 or _start(values[n - 1]) < end
        )
        last = self._last_token(end)
        start = self._statement_start(end)
        opened = [t for t in self._open_brackets() if start <= t.start_pos < end]
        if opened:
            height = next(n for n, value in enumerate(values) if value is opened[0]) + 1
        self.machine.cut(height)
        self.nesting.cut(len(self._open_brackets()))
        while self.tokens[-1] is not last:
            self.tokens.pop()
        self.end = self.tokens[-1].end_pos
        if opened:
            self.problems.add(expected.unclosed(self.source, [self._at(opened[0])], end))
        else:
            self._report(end)
        self._skip_statement(end)

    def _read_bare_test(self, position: int) -> bool:
        """`residual if s < 2 < ... >`: the statement once more, its test as if in brackets."""
        from archc.syntax import misplaced

        angles = {self._at(token): token for token in self._open_brackets()}
        places = [at for at, token in angles.items() if token.type == "LANGLE"]
        found = ((at, misplaced.bare_test(self.source, at)) for at in (*places, position))
        at, test = next((pair for pair in found if pair[1] is not None), (position, None))
        if test is None:
            return False
        if at in angles:
            values = self.machine.values
            self.machine.cut(next(i for i, x in enumerate(values) if x is angles[at]))
        start = self._statement_start(test.word)
        self.machine.cut(self.machine.height("ERR"))
        self.nesting.cut(len(self._open_brackets()))
        self._read(start, test.word)
        if not self.machine.accepts("CONDITION"):  # nothing here takes one: in `meta { ... }`
            self._report(self.end)
            self._skip_statement(self.end)
            return True
        self.problems.add(test.problem)
        height, inside = len(self.machine.values), len(self._open_brackets()) + 1
        self._insert("CONDITION")
        self._insert("LPAR")
        self._read(test.span.start, test.span.end)
        if self.machine.accepts("RPAR") and len(self._open_brackets()) == inside:
            self._insert("RPAR")
        else:
            self.machine.cut(height)
            self.nesting.cut(len(self._open_brackets()))
            self._put_err()
        self._resume(self.end)
        return True

    def _read(self, start: int, end: int) -> None:
        """That part of the text, as far as it is right."""
        self.machine.go_to(start)
        with suppress(UnexpectedInput):
            for token in self.machine.tokens():
                if token.start_pos >= end:
                    break
                self.machine.feed(token)
        self.end = end

    def _recover_at_closing(self, position: int) -> None:
        found = self.text[position : position + 1]
        opened = self._open_brackets()
        inner = opened
        if found:
            match = [i for i, token in enumerate(opened) if OPENERS[token.type] == CLOSERS[found]]
            if not match:
                self._skip_stray(position)
                return
            inner = opened[match[-1] + 1 :]
        if inner:
            self._close_all(inner, position)
            self._resume(position)
        elif position <= self.resumed and found:
            self._resume(position + 1)
        else:  # the bracket is right, but what it closes is not complete
            inner_kind = opened[-1].type if opened else ""
            self._report(position)
            if inner_kind == "LBRACE" or inner_kind == "LANGLE" or not found:
                self._put_err()
                self._resume(position)
            else:
                self.end = position + (inner_kind == "INDEX_OPEN")
                self._skip_statement(position)

    def _read_comma(self, position: int) -> None:
        """As the space or the `|` that should stand in its place; one report for a statement."""
        context = self._context(position)
        between, problem = expected.comma(context)
        start = context.brackets[-1][0] if between else context.start
        if not self.commas & {start, position}:
            self.problems.add(problem)
        self.commas.add(start)
        word = _WORD.match(self.text, self._skip_blank(position + 1))
        if word is not None:  # a flag perhaps, perhaps a statement: nobody can tell
            self.damage.spans.append(Span(self.source, *word.span()))
        is_call = _CALL.match(self.text, position + 1) and "PERCENT" not in context.accepted
        if is_call:  # a statement of its own from here on
            self.commas.update(edit.span.start for fix in problem.fixes for edit in fix.edits)
        self._resume(position + 1, "PIPE" if between else "_SEP" if is_call else "")

    def _read_arrow(self, position: int) -> None:
        """As the `;` that should stand in its place; one report for those of a line."""
        from archc.syntax import punctuation

        line = self.source.position(position)[0]
        if line not in self.arrows:
            self.problems.add(punctuation.arrows(self.source, position))
        self.arrows.add(line)
        last = self.machine.values[-1] if self.machine.values else None
        if type(last) is Token and last.type == "MINUS":
            self.machine.cut(len(self.machine.values) - 1)
        self._resume(position + (2 if self.text[position] == "-" else 1), "_SEP")

    def _skip_stray(self, position: int) -> None:
        """Over a closing bracket that closes nothing. `If a > b` is no such thing."""
        from archc.syntax import mistakes

        shouted = mistakes.shouted(self._context(position))
        header = None if shouted else self._header_above(position)
        if header is not None:
            self._lose_inside(header, position)
        else:
            self.problems.add(shouted or expected.stray(self.source, position))
        if shouted:
            self._skip_statement(position)
        else:
            self._resume(position + 1)

    def _header_above(self, position: int) -> Span | None:
        """The line above a `}` at a line's start whose `{` is missing: what is between is inside.

        `blo` or `train` while it is typed, above a body that is there.
        """
        text, source = self.text, self.source
        number = source.position(position)[0] - 1
        is_alone = text[position] == "}" and source.line_starts[number] == position
        if not is_alone or any(t.type == "LBRACE" for t in self._open_brackets()):
            return None
        while number > 0 and (line := source.line(number).rstrip())[:1] in ("", " ", "\t", "#"):
            number -= 1
        if number == 0 or number == source.position(position)[0] - 1:
            return None
        code = line.partition("#")[0].rstrip()
        if not re.match(r"[A-Za-z]", code) or re.search(r"[{};]", code):
            return None
        start = source.line_starts[number - 1]
        return Span(source, start, start + len(code))

    def _lose_inside(self, header: Span, position: int) -> None:
        """What is between a header that is half written and its `}` is neither here nor there."""
        inside = Span(self.source, header.end, position)
        self.lost.append(inside)
        opened = [token for token in self._open_brackets() if token.start_pos > inside.start]
        if opened:  # `params < 3M`, which is no statement
            self.machine.cut(next(n for n, v in enumerate(self.machine.values) if v is opened[0]))
            self._put_err()
        problems = self.problems.items
        problems[:] = [d for d in problems if not inside.start < d.span.start < inside.end]
        if not any(header.start <= d.span.start <= header.end for d in problems):
            self.problems.add(expected.not_opened(self.source, header.end, position))
        self.damage.spans.append(Span(self.source, header.start, position))
        self.damage.names.update(_WORD.findall(header.text))
        self.damage.blocks = True

    def _left_open(self, position: int) -> bool:
        """An item's first word inside of brackets: was a bracket forgotten before it?

        If it stands on the same line or further right, it was meant to be inside.
        """
        opened = self._open_brackets()
        if not opened or "\n" not in self.text[opened[-1].end_pos : position]:
            return False
        return self._indent(position) <= self._indent(self._at(opened[0]))

    def _indent(self, position: int) -> int:
        line = self.text.rfind("\n", 0, position) + 1
        return self._skip_blank(line) - line

    def _close_all(self, opened: list[Token], position: int) -> None:
        """Reports brackets that were never closed, outermost first in `opened`, closes them."""
        blamed = self._badly_closed(opened) or opened
        self.problems.add(expected.unclosed(self.source, [self._at(t) for t in blamed], position))
        for token in reversed(opened):
            closer = OPENERS[token.type]
            if not self.machine.accepts(closer):
                self._put_err()
            still = self._open_brackets()
            if still and still[-1] is token and self.machine.accepts(closer):
                self._insert(closer)

    def _badly_closed(self, opened: list[Token]) -> list[Token]:
        """The bracket that is closed too far left, by one that another lacks: by their indents."""
        if len(opened) != 1 or opened[0].type not in _OVER_LINES:
            return []
        inner: list[Token] = []
        for token in self.tokens:
            if token.type in _OVER_LINES and token.start_pos > opened[0].start_pos:
                inner.append(token)
            elif token.type in _OVER_LINES.values() and inner:
                bracket = inner.pop()
                line = self.text.rfind("\n", 0, token.start_pos) + 1
                is_first = not self.text[line : token.start_pos].strip()
                if is_first and token.start_pos - line < self._depth_of(self._at(bracket)):
                    return [bracket]
        return []

    def _depth_of(self, position: int) -> int:
        """The indent of a line; of one that begins a branch, that of the branch."""
        line = self.text.rfind("\n", 0, position) + 1
        found = _MARGIN.match(self.text, line)
        return found.end() - line if found else 0

    def _skip_statement(self, position: int) -> None:
        """Over the rest of a bad statement; what was read of it is kept if it can stand alone."""
        header = _HEADER.match(self.text, self._statement_start(position)) is not None
        resume = self._landmark(header)
        self._lose(position, resume)
        landmark = _LANDMARKS.get(self.text[resume : resume + 1], "$END")
        while self._open_brackets() and self._open_brackets()[-1].type in _ROUND:
            closer = OPENERS[self._open_brackets()[-1].type]
            if not self.machine.accepts(closer):
                break
            self._insert(closer)
        if not self.machine.accepts(landmark):
            if self._is_whole():  # what follows is a statement of its own, without a separator
                self._insert("_SEP")
            self._put_err()
        self._resume(resume)

    def _landmark(self, header: bool) -> int:
        """Where the statement that is being read ends, or a bracket in it begins.

        A newline inside of brackets ends it only if they are not closed further down.
        """
        depth = sum(token.type in _ROUND for token in self._open_brackets())
        newline = None
        for found in _LANDMARK.finditer(self.text, self.end):
            mark, at = found.group(), found.start()
            if mark in ("(", "["):
                depth += 1
            elif mark in (")", "]"):
                depth = max(0, depth - 1)
                newline = newline if depth else None
            elif mark == "\n" and depth and newline is None:
                newline = at
            elif mark in (";", "{", "}", "|") or (mark in "<>" and not header and not depth):
                return at if newline is None else newline
            elif mark == "\n" and not depth:
                return at
            if newline is not None and at > newline + _FAR:
                return newline
        return len(self.text) if newline is None else newline

    def _resume(self, position: int, *inserted: str) -> None:
        for kind in filter(None, inserted):
            if self.machine.accepts(kind):
                self._insert(kind)
        self.end = self.resumed = min(position, len(self.text))
        self.machine.go_to(self.end)

    # --- the parser's stack

    def _open_brackets(self) -> list[Token]:
        """Outermost first. The parser may not have reduced yet what is closed already."""
        opened: list[Token] = []
        for value in self.machine.values:
            if type(value) is Token and value.type in OPENERS:
                opened.append(value)
            elif type(value) is Token and value.type in _CLOSING:
                opened.pop()
        return opened

    def _insert(self, kind: str) -> None:
        self.machine.feed(Token(kind, "", self.end, self.end))
        if kind in _CLOSING:
            self._note_closed(kind)
        if kind in _WEIGHED:
            self.nesting.take(kind)

    def _put_err(self) -> None:
        self._lose(self.end, self.end)
        is_item = next(iter(self._pending_kinds()), "") in _ITEMS
        self._cut_to("ERR")
        self.machine.feed(Token("ERR", "item" if is_item else "", self.end, self.end))

    def _lose(self, position: int, end: int) -> None:
        """Remember what a statement that is wrong at `position` takes along."""
        span = Span(self.source, self._statement_start(position), end)
        if span.end > span.start:
            self.damage.spans.append(span)
            self.damage.names.update(_WORD.findall(span.text))
            self.damage.blocks |= "USE" in self._pending_kinds()
            self.damage.params |= "PARAM" in self._pending_kinds()
            self.damage.base |= "EXTENDS" in self._pending_kinds()

    def _cut_to(self, kind: str) -> None:
        """Takes values off the stack until a state that accepts the token."""
        opened = self._open_brackets()
        self.machine.cut(self.machine.height(kind))
        left = len(self._open_brackets())
        self.nesting.cut(left)
        for token in reversed(opened[left:]):
            self._note_closed(OPENERS[token.type])

    def _note_closed(self, kind: str) -> None:
        """Keep the tokens in balance where nothing is written that closes a bracket."""
        self.tokens.append(Token(kind, "", self.end, self.end))

    def _is_whole(self) -> bool:
        """Does a statement end here with a bracket, `if a { ... }`? To cut would reopen it."""
        last = self.machine.values[-1] if self.machine.values else None
        return type(last) is Token and last.type in _CLOSING and self.machine.accepts("_SEP")

    def _pending(self) -> list[Any]:
        """Tokens and nodes of the statement at the top of the stack."""
        return self.machine.values[self.machine.height("ERR") :]

    def _pending_kinds(self) -> list[str]:
        return [value.type for value in self._pending() if type(value) is Token]

    def _statement_start(self, default: int) -> int:
        """Where the statement at the top of the stack began."""
        first = next(iter(self._pending()), None)
        if type(first) is Token:
            return first.start_pos
        span = getattr(first, "span", None)
        return default if span is None else int(span.start)

    # --- reports

    def _report(self, position: int) -> None:
        from archc.syntax import mistakes

        opened = self._open_brackets()
        in_brackets = bool(opened) and opened[-1].type in _ROUND
        if "\n" in self.text[self.end : position]:
            if in_brackets and self._landmark(header=True) < position:
                last = [t for t in opened if t.type in _ROUND][-1]
                self.problems.add(expected.unclosed(self.source, [self._at(last)], position))
                return
            if not in_brackets:
                position = self.end
        problem = mistakes.diagnose(self._context(position))
        self.problems.add(problem)
        for fix in problem.fixes:
            written = fix.span.text.rstrip()
            if "\n" in fix.span.text:  # a whole line, or several, in another tool's syntax
                self.end = max(self.end, fix.span.start + len(written))

    def _context(self, position: int) -> expected.ParserContext:
        return expected.ParserContext(
            self.source,
            position,
            self.end,
            self.machine.accepted(),
            tuple((self._at(token), token.type) for token in self._open_brackets()),
            tuple(self._pending()),
            self._statement_start(position),
        )

    def _at(self, bracket: Token) -> int:
        return bracket.end_pos - 1

    def _skip_blank(self, position: int) -> int:
        found = _BLANK.match(self.text, position)
        return found.end() if found else position
